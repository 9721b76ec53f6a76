"""A word to those who wait: what a command is doing, where it takes longer than a moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from glassnet.cli.console import note

SECONDS = 2.0


@contextlib.contextmanager
def told_if_slow(what: str) -> Iterator[None]:
    """Print what is being done on standard error, once, if it is not done after two seconds."""
    timer = threading.Timer(SECONDS, note, [what])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
