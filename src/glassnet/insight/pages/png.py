"""Small images as PNG, high values white and low ones black; many on one sheet, so that a page needs but a few files.

Written out, since a picture of a few hundred numbers needs no library: a header, a palette, rows in zlib, checksums.

References
----------
W3C, Portable Network Graphics (PNG) Specification, third edition, sections 5 and 11.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PLUS, MINUS, ZERO = (0x2B, 0x7D, 0xE0), (0xE0, 0x60, 0x1C), 127
"""Colours that are read on light and dark alike, and the byte that stands for 0; nearer to 0 is more transparent."""


def signed(values: Array) -> Array:
    """Return numbers as bytes 0 to 254, with 127 for 0, the largest size in each image at an end: (n, h, w) uint8."""
    size = np.abs(values).max(axis=(1, 2), keepdims=True)
    levels: Array = np.rint(ZERO + ZERO * (values / np.where(size > 0, size, 1.0))).astype(np.uint8)
    return levels


def grey(values: Array, low: float, high: float) -> Array:
    """Return numbers as bytes, `low` as 0 (black) and `high` as 255 (white): uint8 of the same shape."""
    largest = max(abs(low), abs(high)) or 1.0  # divided by first, so that no difference overflows
    share = (values / largest - low / largest) / (high / largest - low / largest) if high > low else values * 0.0
    levels: Array = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return levels


def sheet(tiles: Array, columns: int) -> Array:
    """Return images (n, h, w) laid out on one, row by row, so many in a row; places without an image are 0."""
    n, h, w = tiles.shape
    rows = -(-n // columns)
    full = np.zeros((rows * columns, h, w), np.uint8)
    full[:n] = tiles
    laid: Array = full.reshape(rows, columns, h, w).swapaxes(1, 2).reshape(rows * h, columns * w)
    return laid


def png(image: Array, palette: Array | None = None) -> bytes:
    """Return a PNG file of bytes (h, w): greys or, with a palette (colours, 4) of red, green, blue, alpha, colours."""
    height, width = image.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with 0: no filter
    rows[:, 1:] = image
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if palette is None else 3, 0, 0, 0))]
    if palette is not None:
        parts += [_chunk(b"PLTE", palette[:, :3].tobytes()), _chunk(b"tRNS", palette[:, 3].tobytes())]
    parts += [_chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def signed_palette() -> Array:
    """Return the colours of `signed`'s bytes: (255, 4) uint8."""
    steps = np.arange(2 * ZERO + 1) - ZERO
    palette = np.empty((len(steps), 4), np.uint8)
    palette[:, :3] = np.where(steps[:, None] > 0, PLUS, MINUS)
    palette[:, 3] = np.rint(255 * np.abs(steps) / ZERO)
    return palette


def data_uri(file: bytes) -> str:
    """Return a PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
