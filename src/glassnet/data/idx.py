"""The IDX format of MNIST: a magic number, the dimensions, then the values, big-endian, gzipped or not.

Reads one file into one array and trusts nothing that the file says of itself: every length is compared with what is
there.
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import DataError

# The third byte of the magic number. http://yann.lecun.com/exdb/mnist
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
PIECE = 1 << 20


def read_idx(path: Path) -> NDArray[Any]:
    """Read one IDX file.

    Parameters
    ----------
    path : Path
        The file; whether it is gzipped is read from its first bytes, not from its name.

    Returns
    -------
    ndarray
        As many dimensions as the file declares, in this machine's byte order.

    Raises
    ------
    DataError
        Where the file is missing, is no IDX file, or is shorter or longer than its header says.
    """
    try:
        with path.open("rb") as plain:
            gzipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=plain)) if gzipped else plain
            return _read(stream, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise DataError(f"{path} is a damaged or incomplete gzip file. Download it again.") from problem
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}.") from problem


def _read(stream: IO[bytes], path: Path) -> NDArray[Any]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise DataError(
            f"{path} is not an IDX file: it begins with {magic.hex(' ') or 'nothing'}, "
            "and an IDX file with 00 00, a kind of number and a count of dimensions. Download it again."
        )
    header = stream.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DataError(f"{path} ends within its header. Download it again.")
    shape = tuple(int(length) for length in np.frombuffer(header, dtype=">u4"))
    dtype = np.dtype(DTYPES[magic[2]])
    expected = prod(shape) * dtype.itemsize
    # In pieces, so that a header which promises more than there is costs no memory; one byte more shows a surplus.
    data = bytearray()
    while len(data) <= expected and (piece := stream.read(min(PIECE, expected + 1 - len(data)))):
        data += piece
    if len(data) != expected:
        found = f"only {len(data)}" if len(data) < expected else "more"
        raise DataError(
            f"{path} declares {' x '.join(map(str, shape))} values, {expected} bytes, and holds {found}. "
            "Download it again."
        )
    return np.frombuffer(data, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
