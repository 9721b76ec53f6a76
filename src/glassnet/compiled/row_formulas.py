"""Formulas of whole rows. The library's own are loops over one row; a user's is compiled from its NumPy text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

from glassnet.compiled import vectormath as vm
from glassnet.compiled.decorator import compiled
from glassnet.compiled.intrinsics import Numbers
from glassnet.maths import functions, losses

Function = Callable[..., Any]


@compiled
def largest_of(z: Numbers, n: int) -> float:
    """Return the largest z; NaN where one is."""
    largest = z[0]
    for j in range(1, n):
        largest = vm.maximum(largest, z[j])
    return largest


@compiled
def score_of_truth(a: Numbers, y: Numbers, n: int) -> float:
    """Return Σ a y: with one-hot y, the score of the right class."""
    right = a[0] * 0
    for j in range(n):
        right += a[j] * y[j]
    return right


@compiled
def softmax(z: Numbers, a: Numbers, n: int) -> None:
    """A = eᶻ/Σeᶻ, shifted by the largest z."""
    largest = largest_of(z, n)
    total = largest * 0
    for j in range(n):
        a[j] = vm.exp(z[j] - largest)
        total += a[j]
    for j in range(n):
        a[j] /= total


@compiled
def softmax_pullback(z: Numbers, d: Numbers, n: int) -> None:
    """∂E/∂z = a ⊙ (∂E/∂a − Σ ∂E/∂a ⊙ a), with a = softmax(z) by parts."""
    largest = largest_of(z, n)
    total, shared = largest * 0, largest * 0
    for j in range(n):
        e = vm.exp(z[j] - largest)
        total += e
        shared += d[j] * e
    for j in range(n):
        d[j] = vm.exp(z[j] - largest) / total * (d[j] - shared / total)


@compiled
def cross_entropy(z: Numbers, y: Numbers, n: int) -> float:
    """Return −Σ y log softmax(z), for Σy = 1."""
    largest = largest_of(z, n)
    total, truth = largest * 0, largest * 0
    for j in range(n):
        total += vm.exp(z[j] - largest)
        truth += y[j] * (z[j] - largest)
    return vm.log(total) - truth


@compiled
def softmax_minus_truth(z: Numbers, y: Numbers, d: Numbers, c: float, n: int) -> None:
    """D ← d ⊙ c (softmax(z) − y)."""
    largest = largest_of(z, n)
    total = largest * 0
    for j in range(n):
        total += vm.exp(z[j] - largest)
    for j in range(n):
        d[j] *= c * (vm.exp(z[j] - largest) / total - y[j])


@compiled
def hinge(a: Numbers, y: Numbers, n: int) -> float:
    """Return Σ max(0, 1 + sⱼ − s_y) over the wrong classes."""
    right = score_of_truth(a, y, n)
    total = right * 0
    for j in range(n):
        if not y[j] > 0:
            total += vm.maximum(1 + a[j] - right, right * 0)
    return total


@compiled
def hinge_slope(a: Numbers, y: Numbers, d: Numbers, c: float, n: int) -> None:
    """D ← d ⊙ c ∂E/∂a: 1 for each wrong class above its margin, and what they add up to against the right one."""
    right = score_of_truth(a, y, n)
    violated = 0
    for j in range(n):
        if not y[j] > 0 and 1 + a[j] - right > 0:
            violated += 1
    for j in range(n):
        above = not y[j] > 0 and 1 + a[j] - right > 0
        d[j] *= c * ((1 if above else 0) - y[j] * violated)


LOOPS: dict[Function, Function] = {
    functions.softmax: softmax,
    functions.softmax_pullback: softmax_pullback,
    losses.cross_entropy_of_rows: cross_entropy,
    losses.softmax_minus_truth: softmax_minus_truth,
    losses.hinge_of_rows: hinge,
    losses.hinge_slope: hinge_slope,
}
"""NumPy's text, over all rows at once, and the same as a loop over one row."""


# --- a user's own ------------------------------------------------------------------------------------------------


def _array(numbers: Numbers, n: int) -> Any:
    """Return n numbers as an array."""
    return numbers[:n]


numba.extending.overload(_array)(lambda numbers, n: lambda numbers, n: numba.carray(numbers, n))


def _compiled_rows(function: Function) -> Function:
    from glassnet.compiled.formulas import formula

    return formula(function, by_rows=True)


def row_value(function: Function) -> Function:
    """Return ``(z, a, n)`` for a = g(z)."""
    if function in LOOPS:
        return LOOPS[function]
    g = _compiled_rows(function)

    @compiled
    def value(z: Any, a: Any, n: int) -> None:
        result = g(_array(z, n))
        for j in range(n):
            a[j] = result[j]

    return value


def row_pullback(function: Function, pull: Function) -> Function:
    """Return ``(z, d, n)``, which turns d = ∂E/∂a into ∂E/∂z."""
    if pull in LOOPS:
        return LOOPS[pull]
    g, g_pullback = _compiled_rows(function), _compiled_rows(pull)

    @compiled
    def pullback(z: Any, d: Any, n: int) -> None:
        row = _array(z, n)
        result = g_pullback(row, g(row), _array(d, n))
        for j in range(n):
            d[j] = result[j]

    return pullback


def row_error(function: Function) -> Function:
    """Return ``(a, y, n)``, the error of a row."""
    if function in LOOPS:
        return LOOPS[function]
    error = _compiled_rows(function)

    @compiled
    def row_error(a: Any, y: Any, n: int) -> Any:
        return error(_array(a, n), _array(y, n))

    return row_error


def row_slope(function: Function) -> Function:
    """Return ``(a, y, d, c, n)``, which multiplies d by c ∂E/∂a."""
    if function in LOOPS:
        return LOOPS[function]
    slope = _compiled_rows(function)

    @compiled
    def row_slope(a: Any, y: Any, d: Any, c: float, n: int) -> None:
        result = slope(_array(a, n), _array(y, n))
        for j in range(n):
            d[j] *= c * result[j]

    return row_slope
