"""Paths as a person reads them: without detours, and never leading elsewhere for it."""

from __future__ import annotations

import os
from pathlib import Path


def straight(path: Path) -> Path:
    """Return a path without detours such as a/../b, or as it is where a link makes them lead elsewhere."""
    short = Path(os.path.normpath(path))
    same = not path.exists() or (short.exists() and short.samefile(path))
    return short if same else path
