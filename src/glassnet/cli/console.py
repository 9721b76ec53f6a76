"""How commands speak: answers on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from glassnet.errors import GlassnetWarning


def say(text: str = "") -> None:
    """Print a line of the answer."""
    print(text)


def say_json(values: Any) -> None:
    """Print one JSON object, the whole answer for a script."""
    print(json.dumps(values, ensure_ascii=False))


def note(text: str) -> None:
    """Print a remark that is no part of the answer."""
    print(f"Note: {text}", file=sys.stderr)


def fail(text: str, code: int = 2) -> int:
    """Print an error and return the exit code."""
    print(f"Error: {text}", file=sys.stderr)
    return code


def progress_console() -> Console:
    """Return the console that progress bars are drawn on."""
    return Console(stderr=True)


@contextlib.contextmanager
def notes_as_sentences() -> Iterator[None]:
    """Print glassnet's warnings as notes; people can do nothing about those of other libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", GlassnetWarning)
        warnings.showwarning = lambda message, *_, **__: note(str(message))
        yield
