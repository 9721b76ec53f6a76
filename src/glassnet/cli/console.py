"""How commands speak: answers on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console

from glassnet.errors import GlassnetWarning

if TYPE_CHECKING:
    from glassnet.training import Scores


def say(text: str = "") -> None:
    """Print a line of the answer."""
    print(text)


def say_json(values: Any) -> None:
    """Print one JSON object, the whole answer for a script; a figure that is not finite is null."""
    print(json.dumps(_finite(values), ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def program() -> str:
    """Return what people type to run glassnet: through uv, where uv runs it."""
    return "uv run glassnet" if "UV_RUN_RECURSION_DEPTH" in os.environ else "glassnet"


def prepare_streams() -> None:
    """Make sure that printing cannot fail for want of a letter or of a stream."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell
            setattr(sys, name, io.StringIO())
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def in_words(scores: Scores) -> str:
    """Return scores as people read them."""
    figure = f"accuracy {scores.accuracy:.2%}" if scores.accuracy is not None else f"R² {scores.r2:.4g}"
    return f"{figure}, loss {scores.loss:.4g}"


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
