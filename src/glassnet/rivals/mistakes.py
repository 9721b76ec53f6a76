"""Wrong answers as a loss, so that the accuracy of many networks is found by the same machine code as their error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.loss import ElementwiseLoss, Loss, RowLoss, Targets

Array = NDArray[Any]


def wrong_class(a: Array, y: Array) -> Array:
    """1 where the right class's output is not above all others, else 0."""
    right = np.where(y > 0.5, a, 0.0).sum(axis=-1)
    others = np.where(y > 0.5, -np.inf, a).max(axis=-1)
    result: Array = np.where(right > others, 0.0, 1.0)
    return result


def no_slope(a: Array, y: Array) -> Array:
    """A count of mistakes is flat almost everywhere, which is why nobody descends on it."""
    return 0.0 * a


def wrong_at_half(a: Array, y: Array) -> Array:
    """1 where a probability is on the wrong side of ½."""
    return np.where((a > 0.5) == (y > 0.5), 0.0, 1.0)


def wrong_at_zero(a: Array, y: Array) -> Array:
    """1 where a logit has the wrong sign."""
    return np.where((a > 0.0) == (y > 0.5), 0.0, 1.0)


WRONG_CLASS = RowLoss("wrong_class", targets=Targets.NUMBERS, row_value=wrong_class, row_slope=no_slope)
WRONG_AT_HALF = ElementwiseLoss("wrong_at_half", term=wrong_at_half, term_slope=no_slope)
WRONG_AT_ZERO = ElementwiseLoss("wrong_at_zero", term=wrong_at_zero, term_slope=no_slope)


def mistakes_for(loss: Loss, outputs: int) -> Loss:
    """Return the loss that is 1 for a row whose class is wrong, where `loss` is trained on."""
    if outputs > 1:
        return WRONG_CLASS
    return WRONG_AT_ZERO if loss.threshold == 0 else WRONG_AT_HALF
