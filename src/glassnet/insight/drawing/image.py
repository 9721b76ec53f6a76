"""A row of inputs as a picture in its own right: a grey PNG inside a data address. Dark is high, as ink on paper."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np


def grey_png(values: Sequence[float], shape: tuple[int, int]) -> str:
    """Return a ``data:image/png`` address of the values, from white for the lowest (or 0) to black for the highest.

    References
    ----------
    W3C, Portable Network Graphics (PNG) Specification, third edition, 2025, sections 5 and 11.
    """
    ink = np.asarray(values, np.float64).reshape(shape)
    low, high = min(0.0, float(ink.min())), max(0.0, float(ink.max()))
    grey = np.rint(255 * (1 - (ink / 2 - low / 2) / ((high / 2 - low / 2) or 1.0))).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in grey)  # filter 0: none
    header = struct.pack(">IIBBBBB", shape[1], shape[0], 8, 0, 0, 0, 0)  # 8 bits of grey
    png = (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
