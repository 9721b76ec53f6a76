"""Images come back as the numbers that went in, read by a decoder that follows the standard."""

import struct
import zlib

import numpy as np
import pytest

from glassnet.insight.pages.png import grey, png, sheet, signed, signed_palette


def decode(file):
    """Return bytes (h, w) and the palette of a PNG of 8 bits without filters, every checksum checked."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        kind, content = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        assert struct.unpack(">I", file[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind.decode()] = content
        at += 12 + length
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks["IHDR"])
    assert (depth, rest) == (8, [0, 0, 0])
    rows = np.frombuffer(zlib.decompress(chunks["IDAT"]), np.uint8).reshape(height, width + 1)
    assert (rows[:, 0] == 0).all()
    if colour == 0:
        return rows[:, 1:], None
    assert colour == 3
    rgb = np.frombuffer(chunks["PLTE"], np.uint8).reshape(-1, 3)
    return rows[:, 1:], np.column_stack([rgb, np.frombuffer(chunks["tRNS"], np.uint8)])


def test_greys_come_back_within_half_a_step():
    values = np.random.default_rng(0).uniform(-2, 5, (6, 4, 3))
    laid, palette = decode(png(sheet(grey(values, -2.0, 5.0), 4)))
    assert palette is None
    assert laid.shape == (2 * 4, 4 * 3)
    for at, value in enumerate(values):
        row, column = divmod(at, 4)
        tile = laid[row * 4 : row * 4 + 4, column * 3 : column * 3 + 3]
        np.testing.assert_allclose(tile / 255 * 7 - 2, value, atol=7 / 255 / 2 + 1e-12)


def test_signed_numbers_come_back_with_their_sign_each_image_at_its_own_scale():
    values = np.random.default_rng(0).normal(size=(5, 3, 4)) * np.array([1e-3, 1, 50, 2, 0])[:, None, None]
    laid, palette = decode(png(sheet(signed(values), 5), signed_palette()))
    np.testing.assert_array_equal(palette, signed_palette())
    for at, value in enumerate(values):
        tile = laid[:, at * 4 : at * 4 + 4].astype(int)
        size = np.abs(value).max()
        np.testing.assert_allclose((tile - 127) / 127 * size, value, atol=size / 254 + 1e-15)
    colours = palette[signed(np.array([[[1.0, -1.0, 0.0]]]))[0, 0]]
    assert colours[0, 2] > colours[0, 0]  # above 0: blue
    assert colours[1, 0] > colours[1, 2]  # below: orange
    assert colours[:, 3].tolist() == [255, 255, 0]


def test_a_range_of_nothing_is_black():
    assert grey(np.full((2, 2), 3.0), 3.0, 3.0).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (100, 2)])
def test_any_shape(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(decode(png(image))[0], image)


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e308])
def test_numbers_of_any_size(size):
    values = size * np.array([[[-1.0, 0.0, 1.0]]])
    assert grey(values, -size, size)[0, 0, [0, 2]].tolist() == [0, 255]
    assert signed(values).tolist() == [[[0, 127, 254]]]
