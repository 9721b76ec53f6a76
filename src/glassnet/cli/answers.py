"""Answers that are files: where they go, and that no other file of the person's is written over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.console import say
from glassnet.errors import FileError, InputError
from glassnet.files import write_bytes

Out = Annotated[Path | None, Parameter(help="The HTML file to write; it works offline. Left out: MODEL.COMMAND.html.")]

_MARKS = (b'name="generator" content="glassnet', b"Made by glassnet.")  # of pages, and of Markdown and LaTeX
_FIRST_BYTES = 2000


def page_place(out: Path | None, model: Path | str, command: str) -> Path:
    """Return where a page goes, before anything is computed.

    Raises
    ------
    InputError
        If the name does not end in .html.
    FileError
        If the folder does not exist, or a file is there that glassnet did not make.
    """
    place = Path(f"{Path(model).stem}.{command}.html") if out is None else out
    if place.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out is {place}; expected a name that ends in .html.")
    return require_place(place)


def require_place(place: Path) -> Path:
    """Return `place`, or refuse to write over a file that does not say that glassnet made it."""
    if place.is_dir():
        raise FileError(f"Cannot write {place}: it is a folder. Give the name of a file.")
    if not place.parent.is_dir():
        raise FileError(f"Cannot write {place}: the folder {place.parent} does not exist. Create it first.")
    if place.is_file() and place.stat().st_size:
        with place.open("rb") as file:
            head = file.read(_FIRST_BYTES)
            if not any(mark in head for mark in _MARKS):
                raise FileError(f"{place} exists and was not made by glassnet; name another file with --out.")
    return place


def save_answer(place: Path, text: str) -> None:
    """Write a page or document and say where it is."""
    write_bytes(place, text.encode())
    how = " Open it in a browser." if place.suffix.lower() in (".html", ".htm") else ""
    say(f"Written to {place}.{how}")
