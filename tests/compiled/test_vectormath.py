"""The element-wise functions against mpmath and NumPy, in the kind of loop that they are made for."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
import sys
import types

import mpmath
import numba
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.errors import TypingError

from glassnet.compiled import vectormath as vm
from glassnet.compiled.decorator import FLAGS

UNCOMPILED = bool(numba.config.DISABLE_JIT)
REALS = [np.float32, np.float64]
compiled_only = pytest.mark.skipif(UNCOMPILED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")

# The largest error in units in the last place that each may have.
BOUNDS = {"exp": 1.5, "expm1": 2, "log": 1, "log1p": 1, "tanh": 2.75, "sinh": 2.75, "erf": 1.5}
functions = pytest.mark.parametrize("name", BOUNDS)
reals = pytest.mark.parametrize("real", REALS)

# Far outside the range where the result is finite or differs from ±1; mpmath would take for ever.
ENDS = {"exp": 2000, "expm1": 2000, "sinh": 2000, "tanh": 2000, "erf": 50}


@functools.cache
def loop(function):
    """The function over an array, as kernels call it."""

    @numba.njit(**FLAGS)
    def run(z, a):
        for i in range(z.shape[0]):
            a[i] = function(z[i])

    return run


def over(function, z):
    a = np.full_like(z, 123)
    with np.errstate(all="ignore"):
        loop(function)(z, a)
    return a


def exact(name, x):
    """The result as mpmath has it, or None where it is not a real number."""
    x = mpmath.mpf(float(x))
    if (name == "log" and x <= 0) or (name == "log1p" and x <= -1):
        return None
    end = ENDS.get(name, mpmath.inf)
    with mpmath.workdps(40):
        return getattr(mpmath, name)(min(max(x, -end), end))


def errors(name, z):
    """The distance of each result from the exact one, in units in the last place; infinity stands for 2^(emax+1)."""
    info = np.finfo(z.dtype)
    overflow = mpmath.mpf(2) ** info.maxexp
    for x, a in zip(z, over(getattr(vm, name), z), strict=True):
        y = exact(name, x)
        if y is None:
            continue
        assert not np.isnan(a), f"{name}({x!r}) is {a!r}, expected {mpmath.nstr(y, 20)}"
        bounded = min(max(y, -overflow), overflow)
        result = mpmath.mpf(float(a)) if np.isfinite(a) else mpmath.sign(float(a)) * overflow
        exponent = mpmath.frexp(bounded)[1] - 1 if bounded else info.minexp
        unit = mpmath.mpf(2) ** (min(max(exponent, info.minexp), info.maxexp - 1) - info.nmant)
        yield float(abs(result - bounded) / unit), x


def grid(name, real):
    """Evenly in x, evenly in the exponent, and close around where formulas change."""
    info = np.finfo(real)
    widest = 1.01 * float(np.log(info.max))
    exponents = np.linspace(np.log2(float(info.smallest_subnormal)), info.maxexp - 0.01, 401)
    magnitudes = 2.0**exponents
    tiny = np.linspace(0, 20, 21) * float(info.smallest_subnormal)
    lowest = float(np.log(info.smallest_subnormal))
    parts = [
        np.linspace(-3, 3, 1999),
        np.linspace(-20, 20, 999),
        np.linspace(-widest, widest, 401),
        np.linspace(1.02 * lowest, 0.82 * lowest, 101),  # exp is subnormal there
        np.linspace(np.log(info.max) - 0.1, np.log(info.max) + 1, 51),
        magnitudes,
        -magnitudes,
        tiny,
        -tiny,
        1 + np.linspace(-1e-3, 1e-3, 51),
        np.sqrt([0.5, 2]) + np.linspace(-1e-5, 1e-5, 21)[:, None],
        np.log(2) * (np.arange(-6, 6)[:, None] + 0.5 + np.linspace(-1e-6, 1e-6, 5)),
        -1 + 2.0 ** -np.arange(1, info.nmant + 2),
    ]
    z = np.concatenate([np.ravel(part) for part in parts]).astype(real)
    return z if name not in ("log", "log1p") else z[z > (0 if name == "log" else -1)]


@reals
@functions
def test_accurate_over_the_whole_range(name, real):
    worst, x = max(errors(name, grid(name, real)))
    assert worst <= BOUNDS[name], f"{name}({x!r}) is off by {worst:.2f} units in the last place"


@compiled_only
@functions
def test_accurate_for_a_million_float32(name):
    """Every 4093rd number that there is, against float64, where the error of NumPy and SciPy is negligible."""
    z = np.arange(0, 2**32, 4093, dtype=np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        y = getattr(scipy.special if name == "erf" else np, name)(z.astype(np.float64))
        finite = np.abs(y) <= np.finfo(np.float32).max
        unit = np.spacing(np.abs(y[finite]).astype(np.float32)).astype(np.float64)
        beyond = y[~finite].astype(np.float32)
    a = over(getattr(vm, name), z)
    assert np.max(np.abs(a[finite] - y[finite]) / unit) <= BOUNDS[name]
    np.testing.assert_array_equal(a[~finite], beyond)


@compiled_only
@pytest.mark.parametrize("width", [32, 64])
@functions
def test_accurate_for_any_number(name, width):
    real = np.float32 if width == 32 else np.float64

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.lists(st.floats(width=width, allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
    def check(numbers):
        for error, x in errors(name, np.array(numbers, dtype=real)):
            assert error <= BOUNDS[name], f"{name}({x!r}) is off by {error:.2f} units in the last place"

    check()


@reals
@pytest.mark.parametrize("name", [*BOUNDS, "sqrt", "abs", "sign"])
def test_special_values_are_those_of_numpy(name, real):
    info = np.finfo(real)
    ends = [info.max, info.smallest_subnormal, info.smallest_normal]
    z = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, *ends, *np.negative(ends)], dtype=real)
    with np.errstate(all="ignore"):
        if name == "erf":
            small = real(mpmath.mpf(2) / mpmath.sqrt(mpmath.pi))
            expected = np.where(np.abs(z) < 1, z * small, np.sign(z)).astype(real)
            expected[5:7] = -real(0.8427007929497149), -real(0.9953222650189527)
        else:
            expected = getattr(np, name)(z)
    a = over(getattr(vm, name), z)
    np.testing.assert_array_max_ulp(a, expected, maxulp=1)
    exact_ones = ~np.isfinite(expected) | (expected == 0)
    np.testing.assert_array_equal(a[exact_ones], expected[exact_ones])
    numbers = ~np.isnan(expected)  # a NaN's sign means nothing
    np.testing.assert_array_equal(np.signbit(a[numbers]), np.signbit(expected[numbers]))


@reals
@pytest.mark.parametrize("name", [*BOUNDS, "sqrt", "abs", "sign"])
def test_dtype_is_kept(name, real):
    function = getattr(vm, name)
    if UNCOMPILED:
        assert type(function(real(0.5))) is real
    else:
        call = numba.njit(lambda x: function(x))
        call(real(0.5))
        assert call.nopython_signatures[0].return_type == numba.from_dtype(np.dtype(real))


@reals
def test_maximum_and_minimum_see_a_nan_on_either_side(real):
    numbers = np.array([np.nan, -np.inf, -1, 0, 1, np.inf], dtype=real)
    x, y = (part.ravel() for part in np.meshgrid(numbers, numbers))

    @numba.njit(**FLAGS)
    def run(x, y, larger, smaller):
        for i in range(x.shape[0]):
            larger[i] = vm.maximum(x[i], y[i])
            smaller[i] = vm.minimum(x[i], y[i])

    larger, smaller = np.empty_like(x), np.empty_like(x)
    run(x, y, larger, smaller)
    np.testing.assert_array_equal(larger, np.maximum(x, y))
    np.testing.assert_array_equal(smaller, np.minimum(x, y))


def bound(formula):
    """A formula in which `np` is `vectormath`, compiled to be called per number."""
    return numba.njit(**vm.INLINED)(types.FunctionType(formula.__code__, {"np": vm}))


@reals
@pytest.mark.parametrize(
    "formula",
    [
        lambda z: np.maximum(z, 0),
        lambda z: np.minimum(0.5, z),
        lambda z: np.where(z > 0, z, 0),
        lambda z: np.where(z > 0, 2.5, z),
        lambda z: np.where(z > 0, z, np.where(z < -1, z, -0.5)),
    ],
)
def test_a_literal_beside_a_number_takes_its_dtype(formula, real):
    z = np.array([-2, -0.5, 0, 0.25, 3, np.nan], dtype=real)
    per_number = bound(formula)
    results = [per_number(x) for x in z]
    np.testing.assert_array_equal(np.array(results, dtype=real), formula(z))
    if UNCOMPILED:
        assert {type(a) for a in results} == {real}
    else:
        assert {s.return_type for s in per_number.nopython_signatures} == {numba.from_dtype(np.dtype(real))}


# The instructions that multiply all lanes of a register, per kind of machine.
PACKED = {"x86_64": r"\bv?(mul|fn?m(add|sub)\d+)p[sd]\b", "aarch64": r"\bf(mul|mla|mls)(\.[24][sd]|\s+v\d+\.[24][sd])"}
PACKED |= {"AMD64": PACKED["x86_64"], "arm64": PACKED["aarch64"]}


@compiled_only
@pytest.mark.skipif(platform.machine() not in PACKED, reason=f"do not know the instructions of {platform.machine()}")
@reals
@pytest.mark.parametrize(
    "formula",
    [
        lambda z: np.exp(z),
        lambda z: np.expm1(z),
        lambda z: np.log(z),
        lambda z: np.log1p(z),
        lambda z: np.tanh(z),
        lambda z: np.sinh(z),
        lambda z: np.erf(z),
        lambda z: np.erf(z) + z * np.exp(np.minimum(z, 0)) * np.sign(z) * np.sqrt(np.abs(z)),
    ],
)
def test_loops_become_vector_code(formula, real):
    run = loop(bound(formula))
    z = np.ones(3, dtype=real)
    run(z, z.copy())
    (assembly,) = run.inspect_asm().values()
    assert re.search(PACKED[platform.machine()], assembly)


@compiled_only
@reals
@functions
def test_same_bits_in_the_body_and_in_the_tail_of_a_loop(name, real):
    z = grid(name, real)
    function = getattr(vm, name)
    alone = np.concatenate([over(function, z[i : i + 1]) for i in range(z.size)])
    np.testing.assert_array_equal(over(function, z).view(np.uint8), alone.view(np.uint8))


@compiled_only
def test_refusals_say_what_was_expected():
    rows = np.ones(3)
    with pytest.raises(TypingError, match=r"tanh takes one number, float32 or float64; got array\(float64"):
        numba.njit(lambda z: vm.tanh(z))(rows)
    with pytest.raises(TypingError, match=r"where\(\) takes a comparison and two numbers; got float64"):
        numba.njit(lambda z: vm.where(z, z, z))(1.0)


@compiled_only
def test_whole_numbers_are_taken_as_float64():
    assert numba.njit(lambda: vm.exp(1))() == pytest.approx(np.e, rel=1e-15)


@compiled_only
def test_uncompiled_text_passes_the_same_tests():
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", __file__]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stdout
    assert " passed" in finished.stdout
