"""Answers that are files: where they go, and that no other file of the person's is written over."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from cyclopts import Parameter

from glassnet.cli.console import say, say_json
from glassnet.errors import FileError, InputError
from glassnet.files import write_bytes

if TYPE_CHECKING:
    from glassnet.insight.documents import Told

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


def save_answer(place: Path, text: str, *, quiet: bool = False) -> None:
    """Write a page or document and say where it is; a document that may have been worked on since is kept beside it."""
    kept = _keep_edited(place, text.encode())
    write_bytes(place, text.encode())
    if quiet:
        return
    how = " Open it in a browser." if place.suffix.lower() in (".html", ".htm") else ""
    say(f"Written to {place}.{how}{kept}")


def _keep_edited(place: Path, content: bytes) -> str:
    """Keep a copy of another document that was there, where people edit such files, and say so."""
    if place.suffix.lower() not in (".md", ".markdown", ".tex") or not place.is_file():
        return ""
    before = place.read_bytes()
    if before == content:
        return ""
    previous = place.with_name(f"{place.stem}.previous{place.suffix}")
    write_bytes(previous, before)
    return f" What was there before is now {previous}."


# --- documents, in four forms ------------------------------------------------------------------------------------

_FORMS = {".html": "html", ".htm": "html", ".tex": "latex", ".md": "markdown", ".markdown": "markdown"}


@final
@Parameter(name="*")
@dataclass(frozen=True)
class Form:
    """In which form a document is given, and where it goes.

    Parameters
    ----------
    latex
        Print LaTeX.
    html
        Print an HTML page.
    markdown
        Print Markdown.
    out
        Write to this file: .html, .tex or .md.
    json
        Print one JSON object and nothing else.
    """

    latex: Annotated[bool, Parameter(negative=())] = False
    html: Annotated[bool, Parameter(negative=())] = False
    markdown: Annotated[bool, Parameter(negative=())] = False
    out: Path | None = None
    json: Annotated[bool, Parameter(negative=())] = False

    def require(self) -> None:
        """Refuse what cannot be given, before anything is computed."""
        asked = [name for name in ("latex", "html", "markdown", "json") if getattr(self, name)]
        if len(asked) > 1:
            raise InputError(f"--{' and --'.join(asked)} are asked for at once; expected one of them.")
        if self.out is not None:
            if self.out.suffix.lower() not in _FORMS:
                raise InputError(f"--out is {self.out}; expected a name that ends in {', '.join(_FORMS)}.")
            if asked and asked != ["json"] and asked != [_FORMS[self.out.suffix.lower()]]:
                raise InputError(f"--{asked[0]} and --out {self.out} are two forms; leave --{asked[0]} out.")
            require_place(self.out)

    def give(self, told: Told, *, piped: str = "text") -> None:
        """Print a document, or write it; `piped` is its form where nothing is said and no terminal listens."""
        if self.json:  # nothing but the object is printed
            say_json(told.to_dict())
        if self.out is not None:
            written = _written(told, _FORMS[self.out.suffix.lower()])
            save_answer(self.out, written, quiet=self.json)
        elif not self.json:
            asked = [name for name in ("latex", "html", "markdown") if getattr(self, name)]
            say(_written(told, *asked or ["text" if sys.stdout.isatty() else piped]).rstrip())


def _written(told: Told, form: str) -> str:
    written: str = getattr(told, form)()
    return written
