"""An element's bits may not depend on where it stands in a loop: threads cut a matrix into rows where they like."""

import ctypes

import numpy as np
import pytest

from glassnet.compiled import machine_code
from glassnet.compiled.host import tile_shape
from glassnet.compiled.machine_code import Kernel, addresses
from glassnet.maths.activation import Activation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer

pytestmark = pytest.mark.skipif(not machine_code.JITTED, reason="there are no vectors with NUMBA_DISABLE_JIT=1")
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

SPELLED_ACTIVATIONS = [
    *(name for name, record in ACTIVATIONS.items() if isinstance(record, Activation)),
    "leaky_relu(0.2)",
    "elu(0.5)",
]
SPELLED_OPTIMIZERS = [
    *(name for name, record in OPTIMIZERS.items() if isinstance(record, ElementwiseOptimizer)),
    "sgd(0.05, momentum=0.9, dampening=0.5, weight_decay=0.01)",
    "sgd(0.05, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "rmsprop(0.01, momentum=0.9, weight_decay=0.01)",
    "rmsprop(0.01, centered=True, weight_decay=0.01)",
    "rmsprop(0.01, momentum=0.9, centered=True, weight_decay=0.01)",
    "adam(0.01, weight_decay=0.01)",
    "adam(0.01, amsgrad=True, weight_decay=0.01)",
    "nadam(0.01, weight_decay=0.01, decoupled_weight_decay=True)",
]
N = 512


def function(kernel, kinds):
    """The machine code of a kernel; "x" is an address and "n" a whole number."""
    types = [{"x": ctypes.c_void_p, "n": ctypes.c_int64}[kind] for kind in kinds]
    return ctypes.CFUNCTYPE(ctypes.c_int64, *types)(addresses([kernel])[0])


def pieces(dtype):
    """Ways to cut the long array: where the first cut is, and how long the pieces from there on are."""
    lanes = tile_shape(np.dtype(dtype).itemsize).lanes
    for offset in range(lanes + 1):
        for length in range(1, 3 * lanes + 2):
            starts = [0, *range(offset, N, length)] if offset else range(0, N, length)
            yield offset, length, [(start, end - start) for start, end in zip(starts, [*starts[1:], N], strict=True)]


def arguments(dtype):
    """Numbers of every size, and those around which formulas change."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    special = [0.0, -0.0, 1.0, -1.0, info.eps, info.tiny, info.tiny / 8, 88.0, -88.0, 700.0, -700.0, 1e30, -1e30]
    z = np.concatenate([special, 3 * rng.normal(size=3 * N // 4), rng.normal(size=N) * 2.0 ** rng.integers(-30, 8, N)])
    return rng.permutation(z[:N]).astype(dtype)


def same_bits(a, b):
    """Whether two arrays have the same bits; a NaN is as good as another."""
    bits = f"u{a.itemsize}"
    return bool(((a.view(bits) == b.view(bits)) | (np.isnan(a) & np.isnan(b))).all())


@dtypes
@pytest.mark.parametrize("name", ["value", "value_and_slope"])
@pytest.mark.parametrize("activation", SPELLED_ACTIVATIONS)
def test_activations(activation, name, dtype):
    record, z = ACTIVATIONS.resolve(activation), arguments(dtype)
    call = function(Kernel(name, dtype, (record,)), "xxn")
    whole_d, whole_a = z.copy(), np.full_like(z, np.nan)
    assert call(whole_d.ctypes.data, whole_a.ctypes.data, N) == 0
    with np.errstate(all="ignore"):
        expected = record.value(z.astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(whole_a, expected, rtol=64 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)
    assert same_bits(whole_d, z) == (name == "value")
    for offset, length, places in pieces(dtype):
        d, a = z.copy(), np.full_like(z, np.nan)
        at_d, at_a = d.ctypes.data, a.ctypes.data
        for start, count in places:
            call(at_d + start * z.itemsize, at_a + start * z.itemsize, count)
        assert same_bits(a, whole_a), (offset, length)
        assert same_bits(d, whole_d), (offset, length)


@dtypes
@pytest.mark.parametrize("spelling", SPELLED_OPTIMIZERS)
def test_moves(spelling, dtype):
    optimizer = OPTIMIZERS.resolve(spelling)
    rng = np.random.default_rng(1)
    theta, gradient = rng.normal(size=(2, N)).astype(dtype)
    state = optimizer.init(theta)
    for _ in range(4):  # slots that have seen something
        optimizer.update(theta, rng.normal(size=N).astype(dtype), state)
    coefficients = np.array(optimizer.coefficients(state), dtype)
    slots = np.array([state[name] for name in optimizer.slots], dtype).reshape(-1, N)
    call = function(Kernel("move", dtype, (optimizer.formula, len(slots), len(coefficients))), "xxxxnxn")

    def move(places):
        moved, after = np.full_like(theta, np.nan), slots.copy()
        at = [array.ctypes.data for array in (theta, moved, gradient, after)]
        for start, count in places:
            here = [place + start * theta.itemsize for place in at]
            assert call(*here, N, coefficients.ctypes.data, count) == 0
        return moved, after

    whole, whole_slots = move([(0, N)])
    expected = optimizer.formula(theta, gradient, *slots, *coefficients)[0]
    np.testing.assert_allclose(whole, expected, rtol=64 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)
    assert not np.array_equal(whole, theta)
    for offset, length, places in pieces(dtype):
        moved, after = move(places)
        assert same_bits(moved, whole), (offset, length)
        assert same_bits(after, whole_slots), (offset, length)
