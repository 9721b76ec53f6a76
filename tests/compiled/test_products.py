"""Products and copies of matrices against NumPy: any size and stride, and nothing written outside the result."""

from __future__ import annotations

import ctypes
import functools

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import types

from glassnet.compiled import products
from glassnet.compiled.decorator import FLAGS
from glassnet.compiled.host import tile_shape
from glassnet.compiled.tiles import MULTIPLY, SET

UNCOMPILED = bool(numba.config.DISABLE_JIT)
REALS = [np.float32, np.float64]
PARAMETERS = {
    "product": "nnnxnnxnnxnxnnn",
    "copy_to_panels": "xnnnnx",
    "transpose_to_panels": "xnnnx",
}
GUARD = 64


@functools.cache
def entry(name, real):
    """The compiled function as C would call it."""
    letters = PARAMETERS[name]
    number = numba.from_dtype(np.dtype(real))
    kinds = [types.CPointer(number) if letter == "x" else types.int64 for letter in letters]
    names = ", ".join(f"p{i}" for i in range(len(letters)))
    scope = {"function": getattr(products, name)}
    exec(f"def entry({names}):\n    function({names})\n    return 0", scope)
    return numba.cfunc(types.int64(*kinds), **FLAGS)(scope["entry"]).ctypes


def call(name, real, *args):
    """Call machine code, or the same text as Python where nothing is compiled."""
    if UNCOMPILED:
        getattr(products, name)(*args)
        return
    pointer = ctypes.POINTER(ctypes.c_float if real is np.float32 else ctypes.c_double)
    entry(name, real)(*(a.ctypes.data_as(pointer) if isinstance(a, np.ndarray) else a for a in args))


reals = pytest.mark.parametrize("real", REALS)


def numbers(rng, real, count):
    """Numbers, and behind them a guard of NaN that vectors may read and must not let in."""
    return np.concatenate([rng.uniform(-1, 1, count), np.full(GUARD, np.nan)]).astype(real)


def strided(rng, real, rows, columns, row, column):
    """A matrix whose rows and columns lie so far apart, with NaN in between; and the matrix."""
    whole = np.full((rows - 1) * row + (columns - 1) * column + 1 + GUARD, np.nan, real)
    matrix = rng.uniform(-1, 1, (rows, columns)).astype(real)
    places = np.arange(rows)[:, None] * row + np.arange(columns) * column
    whole[places] = matrix
    return whole, matrix, places


# The shapes of tiles are 12 x 2 vectors or 6 x 2 of them: sizes around every border of both, and one beyond.
sizes = st.integers(1, 40) | st.sampled_from([1, 5, 6, 7, 11, 12, 13, 15, 16, 17, 31, 32, 33, 64, 65])


@reals
@given(
    st.data(),
    sizes,
    sizes,
    st.integers(1, 20),
    st.sampled_from([SET, MULTIPLY]),
    st.sampled_from(["nothing", "a row", "itself"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**31),
)
@settings(max_examples=25 if UNCOMPILED else 150)
def test_products(real, data, rows, columns, depth, finish, start, a_transposed, b_in_panels, seed):
    rng, width = np.random.default_rng(seed), tile_shape(np.dtype(real).itemsize).columns
    gap = data.draw(st.integers(0, 5), "gap in A")
    a_row, a_depth = (1, rows + gap) if a_transposed else (depth + gap, 1)
    a, A, _ = strided(rng, real, rows, depth, a_row, a_depth)
    if b_in_panels:
        panels = -(-columns // width)
        b = np.full(panels * depth * width + GUARD, np.nan, real)
        B = rng.uniform(-1, 1, (depth, columns)).astype(real)
        for j in range(columns):
            b[j // width * depth * width + np.arange(depth) * width + j % width] = B[:, j]
        b_panel, b_depth = depth * width, width
    else:
        b_panel, b_depth = width, columns + data.draw(st.integers(0, 5), "gap in B")
        b, B, _ = strided(rng, real, depth, columns, b_depth, 1)
    c_row = columns + data.draw(st.integers(0, 5), "gap in C")
    c, C, places = strided(rng, real, rows, columns, c_row, 1)
    first, first_row, S = numbers(rng, real, columns), 0, 0
    if start == "a row":
        S = first[:columns].astype(np.float64)
    elif start == "itself":
        first, first_row, S = c, c_row, C.astype(np.float64)
    want = S + A.astype(np.float64) @ B.astype(np.float64)
    if finish == MULTIPLY:
        want = want * C
    before = c.copy()
    of_a, of_b, of_start = (a, a_row, a_depth), (b, b_panel, b_depth), (first, first_row, int(start != "nothing"))
    call("product", real, rows, columns, depth, *of_a, *of_b, c, c_row, *of_start, finish)
    tolerance = 4 * (depth + 2) * np.finfo(real).eps
    np.testing.assert_allclose(c[places], want, rtol=0, atol=tolerance)
    outside = np.ones(len(c), bool)
    outside[places] = False
    np.testing.assert_array_equal(c[outside], before[outside])


@reals
@given(st.integers(1, 30), st.integers(1, 70), st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=10 if UNCOMPILED else 50)
def test_an_element_has_the_same_bits_wherever_its_tile_is_cut(real, rows, columns, depth, seed):
    """Each alone, and as a part of the whole: a thread's share of rows has no bearing on them."""
    rng, width = np.random.default_rng(seed), tile_shape(np.dtype(real).itemsize).columns
    a, b, start = (numbers(rng, real, n) for n in (rows * depth, depth * columns, columns))
    whole, parts = (np.zeros(rows * columns + GUARD, real) for _ in range(2))
    rest = b, width, columns
    call("product", real, rows, columns, depth, a, depth, 1, *rest, whole, columns, start, 0, 1, SET)
    for i in range(rows):
        row = a[i * depth :], depth, 1
        call("product", real, 1, columns, depth, *row, *rest, parts[i * columns :], columns, start, 0, 1, SET)
    np.testing.assert_array_equal(whole, parts)


def panels_of(w, width):
    """Return W (rows, columns) in panels: column j of row k at panel j // width, row k."""
    rows, columns = w.shape
    result = np.zeros((-(-columns // width), rows, width), w.dtype)
    for j in range(columns):
        result[j // width, :, j % width] = w[:, j]
    return result.ravel()


def written(width, rows, columns, first, last):
    """Where rows `first` to `last` go."""
    mark = np.zeros((rows, columns))
    mark[first:last] = 1
    return panels_of(mark, width) == 1


@reals
@given(sizes, sizes, st.data(), st.integers(0, 2**31))
@settings(max_examples=25 if UNCOMPILED else 80)
def test_copies_in_panels(real, rows, columns, data, seed):
    rng, width = np.random.default_rng(seed), tile_shape(np.dtype(real).itemsize).columns
    first = data.draw(st.integers(0, rows - 1), "first")
    last = data.draw(st.integers(first + 1, rows), "last")
    w = numbers(rng, real, rows * columns)
    want = panels_of(w[: rows * columns].reshape(rows, columns), width)
    panels = np.full(want.size + GUARD, 7, real)
    call("copy_to_panels", real, w, first, last, rows, columns, panels)
    here = np.append(written(width, rows, columns, first, last), np.zeros(GUARD, bool))
    np.testing.assert_array_equal(panels[here], want[here[: want.size]])
    assert (panels[~here] == 7).all()


@reals
@given(sizes, sizes, st.data(), st.integers(0, 2**31))
@settings(max_examples=25 if UNCOMPILED else 80)
def test_transposes_in_panels(real, rows, columns, data, seed):
    rng, shape = np.random.default_rng(seed), tile_shape(np.dtype(real).itemsize)
    width = shape.columns
    first = shape.lanes * data.draw(st.integers(0, (rows - 1) // shape.lanes), "first, in vectors")
    last = data.draw(st.integers(first + 1, rows), "last")
    w = numbers(rng, real, rows * columns)
    want = panels_of(w[: rows * columns].reshape(rows, columns).T.copy(), width)
    panels = np.full(want.size + GUARD, 7, real)
    call("transpose_to_panels", real, w, first, last, columns, panels)
    mark = np.zeros((columns, rows))
    mark[:, first:last] = 1
    here = np.append(panels_of(mark, width) == 1, np.zeros(GUARD, bool))
    np.testing.assert_array_equal(panels[here], want[here[: want.size]])
    assert (panels[~here] == 7).all()
