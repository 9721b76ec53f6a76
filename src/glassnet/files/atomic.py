"""Files that are either the old one or the new one, never something between."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from glassnet.errors import FileError, InputError

_ENDING = ".glassnet.tmp"


def as_path(path: object, name: str = "The path") -> Path:
    """Return a path as a person gave it, or raise an `InputError` that begins with `name`."""
    if isinstance(path, str) or (isinstance(path, os.PathLike) and isinstance(os.fspath(path), str)):
        return Path(path)
    raise InputError(f"{name} is {path!r:.80} of type {type(path).__name__}; expected text such as 'net.safetensors'.")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a crash, a full disk or Ctrl-C leaves the earlier file as it was.

    The content goes to a temporary file beside it, is flushed to the disk and renamed.

    Raises
    ------
    FileError
        If it cannot be written; the file that was there before is untouched.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a device or a pipe
            path.write_bytes(content)
            return
        path = path.resolve()  # through a link, so that the link stays
        if path.is_symlink():  # still one: Python 3.13 says no more than that
            raise FileError(f"Cannot write {path}: its links lead in a circle.")
        if not path.parent.is_dir():
            raise FileError(f"Cannot write {path}: the folder {path.parent} does not exist. Create it first.")
        if path.is_dir():
            raise FileError(f"Cannot write {path}: it is a folder. Give the name of a file.")
        _replace(path, content)
    except (OSError, ValueError, RuntimeError) as error:  # also a null byte in the name, and links in a circle
        kept = " The file that was there before is untouched." if _exists(path) else ""
        raise FileError(f"Cannot write {path}: {reason(error)}.{kept}") from error


def reason(error: BaseException) -> str:
    """Return what the system says of an error, without numbers and paths."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{secrets.token_hex(8)}{_ENDING}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder of glassnet's own."""
    for leftover in folder.glob(f".*{_ENDING}"):
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
