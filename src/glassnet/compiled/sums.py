"""Sums over a piece of θ or its gradient, and what is added to or cut from a gradient before it moves θ."""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled, compiled_sum
from glassnet.compiled.intrinsics import Numbers
from glassnet.compiled.vectormath import sign


@compiled
def add_penalty_gradient(g: Numbers, w: Numbers, n: int, l1: float, l2: float) -> None:
    """G += l1·sign(w) + l2·w."""
    for i in range(n):
        g[i] += l1 * sign(w[i]) + l2 * w[i]


@compiled_sum
def penalty(w: Numbers, n: int, l1: float, l2: float) -> float:
    """Return l1·Σ|w| + ½·l2·Σw²."""
    size, square = 0.0, 0.0
    for i in range(n):
        value = np.float64(w[i])
        size += abs(value)
        square += value * value
    return l1 * size + 0.5 * l2 * square


@compiled
def clip_values(g: Numbers, n: int, limit: float) -> None:
    """Bring each number into ±limit; a NaN stays."""
    for i in range(n):
        if g[i] > limit:
            g[i] = limit
        if g[i] < -limit:
            g[i] = -limit


@compiled
def largest(g: Numbers, n: int) -> float:
    """Return max |g|."""
    result = 0.0
    for i in range(n):
        result = max(result, abs(np.float64(g[i])))
    return result


@compiled_sum
def squares(g: Numbers, n: int, unit: float) -> float:
    """Return Σ (g/unit)², where the unit keeps the square of a large number from overflowing."""
    total = 0.0
    for i in range(n):
        scaled = np.float64(g[i]) / unit
        total += scaled * scaled
    return total


@compiled
def shorten(g: Numbers, n: int, unit: float, factor: float) -> None:
    """G ← g/unit · factor."""
    for i in range(n):
        g[i] = g[i] / unit * factor
