"""How a formula's result moves when what it is given moves: by dual numbers, or by difference quotients where it must.

This is all that the R-operator needs of activations and losses, whose records hold no second slope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.dual import along
from glassnet.insight.numerical import extrapolated

Array = NDArray[Any]


@final
class Moves:
    """Computes how formulas' results move, and remembers which could not be had exactly.

    Attributes
    ----------
    numerical : dict of str to float
        What was differentiated numerically, and how far rounding can have put a figure off.
    """

    def __init__(self) -> None:
        self.numerical: dict[str, float] = {}

    def of(
        self,
        name: str,
        formula: Callable[..., Any],
        given: Sequence[tuple[Array, Array]],
        side: Callable[..., Array] | None = None,
    ) -> Array:
        """Return the derivative of ``formula(*values)`` along directions.

        Parameters
        ----------
        name : str
            Whose formula it is.
        formula : callable
        given : sequence of (value, direction)
            Directions may have an axis in front: many at once.
        side : callable or None
            ``side(*values)``: an array that is another where the formula jumps or has a corner in between.
        """
        try:
            return along(formula, given)
        except InputError:
            moved, bound = _numerical(formula, given, side)
            self.numerical[name] = max(bound, self.numerical.get(name, 0.0))
            return moved


def _numerical(
    formula: Callable[..., Any],
    given: Sequence[tuple[Array, Array]],
    side: Callable[..., Array] | None,
) -> tuple[Array, float]:
    """Return the derivative along directions by extrapolated central differences, and its rounding bound.

    On a corner itself there is none; it is 0 there.
    """
    values, directions = zip(*given, strict=True)
    shape = np.broadcast_shapes(values[0].shape, *(np.shape(direction) for direction in directions))
    longest = np.zeros(shape[:-1])
    for direction in directions:
        longest = np.maximum(longest, np.abs(np.broadcast_to(direction, shape)).max(axis=-1))
    largest = np.maximum(1.0, np.abs(values[0]).max(axis=-1))
    size = np.broadcast_to((largest / np.where(longest == 0, 1.0, longest))[..., None], shape).ravel()
    here = None if side is None else side(*values)

    def at(h: Array) -> tuple[Array, Array]:
        moved = [value + h * direction for value, direction in zip(values, directions, strict=True)]
        with np.errstate(all="ignore"):
            result = np.broadcast_to(np.asarray(formula(*moved), np.float64), shape)
        if side is None:
            return result, np.ones(shape, bool)
        smooth = side(*moved) == here
        return result, smooth if smooth.shape == shape else np.broadcast_to(smooth.all(axis=-1)[..., None], shape)

    def central(h: Array) -> tuple[Array, Array]:
        h = h.reshape(shape)
        (up, above), (down, below) = at(h), at(-h)
        quotient = np.where(above & below, (up - down) / (2 * h), np.nan)
        return quotient.ravel(), (np.abs(up) + np.abs(down)).ravel()

    found = extrapolated(central, size)
    value = np.where(np.isnan(found.value), 0.0, found.value)
    return value.reshape(shape), float(np.max(found.bound, initial=0.0))
