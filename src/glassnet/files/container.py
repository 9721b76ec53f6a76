"""A container: arrays and one JSON document in a safetensors file, with a checksum over both.

Models and checkpoints are containers. Nothing is ever unpickled. A file that cannot be read is told apart: it ends too
early, its bytes changed, it is somebody else's, or it comes from a later glassnet.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from glassnet.errors import (
    CorruptFileError,
    FileError,
    ForeignFileError,
    InputError,
    NewerVersionError,
    TruncatedFileError,
)
from glassnet.files.atomic import reason, write_bytes

VERSION = 1
"""Of the container's layout; a file with a larger one is refused."""

_KEY = "glassnet"


def canonical_json(document: Any) -> str:
    """Return the one spelling of a JSON value: keys sorted, no spaces; NaN and Infinity as Python's json has them."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def checksum(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 over a document and named arrays with their dtypes and shapes."""
    digest = hashlib.sha256(canonical_json(document).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write_container(path: Path, kind: str, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays and a document; whatever was at `path` is replaced in one stroke.

    Parameters
    ----------
    path : Path
    kind : str
        What the file is: "model" or "checkpoint".
    document : mapping
        JSON values.
    arrays : mapping of str to array

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    arrays = {name: np.require(array, requirements="C") for name, array in arrays.items()}  # safetensors needs it
    full = {"kind": kind, "version": VERSION, **document}
    for name, value in full.items():
        try:
            canonical_json(value)
        except (TypeError, ValueError) as error:
            raise InputError(f"{name} cannot be written as JSON ({error}); expected plain values.") from error
    metadata = {_KEY: canonical_json({**full, "sha256": checksum(full, arrays)})}
    write_bytes(path, safetensors.numpy.save(arrays, metadata))


def read_container(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the document and the arrays of a container.

    Raises
    ------
    FileError
        One of its kinds for each way in which a file can be wrong; see `glassnet.errors`.
    """
    content = _read_bytes(path)
    metadata = _parse_header(path, content)
    if _KEY not in metadata:
        raise ForeignFileError(
            f"{path} is a safetensors file, but glassnet did not write it: it says nothing of a network. "
            "Train and save one with glassnet."
        )
    try:
        document = json.loads(metadata[_KEY])
        sha256 = document.pop("sha256")
        arrays = safetensors.numpy.load(content)
        intact = checksum(document, arrays) == sha256 and isinstance(document["version"], int) and "kind" in document
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise CorruptFileError(
            f"{path} is damaged: its content does not match its checksum. Copy it again from where it came, "
            "or train anew."
        )
    if document["version"] > VERSION:
        raise NewerVersionError(
            f"{path} has format version {document['version']}; this glassnet reads up to {VERSION}. Update glassnet."
        )
    if document["kind"] != kind:
        raise ForeignFileError(f"{path} is a glassnet {document['kind']}; expected a {kind}.")
    return document, arrays


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, beside, n=1)
        hint = f" Did you mean {path.with_name(near[0])}?" if near else ""
        raise FileError(f"There is no file {path}.{hint}") from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder; expected a model file such as digits.safetensors.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"Cannot read {path}: {reason(error)}.") from error


def _parse_header(path: Path, content: bytes) -> dict[str, Any]:
    """Return the metadata of a safetensors file, or say what is wrong with the file."""
    if not content:
        raise TruncatedFileError(f"{path} is empty. Copy it again from where it came, or train anew.")
    length = int.from_bytes(content[:8], "little")
    if any(content[4:8]) or content[8:9] not in (b"{", b" ", b""):  # a header of 4 GiB, or none
        raise ForeignFileError(f"{path} is not a model file: it does not begin as a safetensors file does.")
    if len(content) < 8 + length or len(content) < 9:
        raise TruncatedFileError(
            f"{path} ends too early: {len(content)} bytes, of which the first say that more must follow. "
            "Copy it again from where it came, or train anew."
        )
    try:
        header = json.loads(content[8 : 8 + length].decode())
        metadata = header.pop("__metadata__", {})
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise CorruptFileError(f"{path} is damaged: its header cannot be read.") from error
    if isinstance(end, int) and len(content) < 8 + length + end:
        raise TruncatedFileError(
            f"{path} ends too early: {len(content)} bytes of {8 + length + end}. "
            "Copy it again from where it came, or train anew."
        )
    return metadata if isinstance(metadata, dict) else {}
