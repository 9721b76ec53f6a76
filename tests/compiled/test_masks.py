"""Dropout masks in machine code against those of `glassnet.maths.random`, which NumPy draws: the same bit for bit."""

from __future__ import annotations

import ctypes
import functools

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numba import types

import glassnet as gn
from glassnet.compiled.decorator import FLAGS
from glassnet.compiled.intrinsics import record
from glassnet.compiled.masks import draw_mask
from glassnet.compiled.program import Program
from glassnet.compiled.records import MASK
from glassnet.maths.random import Purpose, keep_mask

UNCOMPILED = bool(numba.config.DISABLE_JIT)
REALS = [np.float32, np.float64]


@functools.cache
def entry(real):
    n, number = types.int64, numba.from_dtype(np.dtype(real))
    signature = n(types.CPointer(number), n, types.CPointer(numba.from_dtype(MASK)), n, n, n, n)

    def one(keep, units, masks, key0, key1, step, row):
        draw_mask(keep, units, record(masks, 0), key0, key1, step, row)
        return 0

    return numba.cfunc(signature, **FLAGS)(one).ctypes


def draw(keep, units, masks, *where):
    """Draw in machine code, or by the same text as Python where nothing is compiled."""
    if UNCOMPILED:
        draw_mask(keep, units, masks[0], *where)
        return
    pointer = ctypes.POINTER(ctypes.c_float if keep.dtype == np.float32 else ctypes.c_double)
    entry(keep.dtype.type)(keep.ctypes.data_as(pointer), units, masks.ctypes.data, *where)


@pytest.mark.parametrize("real", REALS)
@given(
    rate=st.floats(2.0**-40, 1 - 2.0**-40),
    seed=st.integers(0, 2**63 - 1),
    step=st.integers(0, 2**40),
    layer=st.integers(0, 2**20),
    row=st.integers(0, 6),
    units=st.integers(1, 21),
)
@example(rate=1 - 2.0**-33, seed=0, step=2**32 - 1, layer=1, row=3, units=8)
@example(rate=2.0**-33, seed=2**63 - 1, step=2**32, layer=0, row=0, units=4)
@settings(max_examples=60)
def test_masks(real, rate, seed, step, layer, row, units):
    net = gn.Network(units, [gn.Dropout(rate), gn.Dense(1, "identity")], dtype=real)
    masks = Program(net.plan(), units, net.dtype, net.theta.size, 4, 1).masks
    masks.layer = layer
    key = np.random.SeedSequence(seed, spawn_key=(Purpose.DROPOUT,)).generate_state(2)
    room = -(-units // 4) * 4
    keep = np.full(room + 8, np.nan, real)
    draw(keep, units, masks, int(key[0]), int(key[1]), step, row)
    kept = keep_mask(rate, seed, step, layer, row + 1, units)[row]
    np.testing.assert_array_equal(keep[:units], np.where(kept, real(1 / (1 - rate)), real(0)))
    assert np.isnan(keep[room:]).all()
