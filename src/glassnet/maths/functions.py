"""Functions that several formulas share, written so that they neither overflow nor cancel.

Each takes and returns arrays of one floating dtype. They are the only functions besides NumPy's that a formula calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sigmoid(z: Array) -> Array:
    """1/(1+e⁻ᶻ), by an exponential that is never larger than 1."""
    e = np.exp(-np.abs(z))
    result: Array = np.where(z >= 0, 1, e) / (1 + e)
    return result


def softplus(z: Array) -> Array:
    """The logarithm of 1+eᶻ, by an exponential that is never larger than 1."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def erf(z: Array) -> Array:
    """The error function 2/√π ∫₀ᶻ e^(−t²) dt."""
    from scipy.special import erf as scipy_erf  # 0.2 s of import that only GELU needs

    result: Array = scipy_erf(z)
    return result


def softmax(z: Array) -> Array:
    """eᶻ/Σeᶻ over the last axis, shifted by the largest z."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    result: Array = e / e.sum(axis=-1, keepdims=True)
    return result


def softmax_pullback(z: Array, a: Array, slope_of_a: Array) -> Array:
    """The Jacobian of soft-max, transposed, times ∂E/∂a."""
    result: Array = a * (slope_of_a - (slope_of_a * a).sum(axis=-1, keepdims=True))
    return result
