"""Files that are either the old one or the new one, never something between."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from glassnet.errors import FileError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a crash, a full disk or Ctrl-C leaves the earlier file as it was.

    The content goes to a temporary file beside it, is flushed to the disk and renamed.

    Raises
    ------
    FileError
        If it cannot be written; the file that was there before is untouched.
    """
    path = path.resolve()  # through a link, so that the link stays
    if not path.parent.is_dir():
        raise FileError(f"Cannot write {path}: the folder {path.parent} does not exist. Create it first.")
    if path.is_dir():
        raise FileError(f"Cannot write {path}: it is a folder. Give the name of a file.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        kept = " The file that was there before is untouched." if path.exists() else ""
        raise FileError(f"Cannot write {path}: {error.strerror}.{kept}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder of glassnet's own."""
    for leftover in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last through a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
