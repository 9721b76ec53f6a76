"""What a step makes smaller: Σ cᵢEᵢ over its rows, plus penalties on the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.loss import Loss
from glassnet.maths.losses import LOSSES
from glassnet.network.parameters import Layout

Array = NDArray[Any]
Reduction = Literal["mean", "sum"]


@final
@dataclass(frozen=True)
class Objective:
    """A loss, how rows are averaged, and the penalties.

    Parameters
    ----------
    loss : Loss
    reduction : {"mean", "sum"}
        cᵢ = wᵢ/Σw, or cᵢ = wᵢ.
    l1, l2 : float
        The penalty is l1·Σ|w| + ½·l2·Σw² over weights, not biases.
    """

    loss: Loss
    reduction: Reduction = "mean"
    l1: float = 0.0
    l2: float = 0.0

    def coefficients(self, sample_weight: Array) -> Array:
        """Return cᵢ, the share of each row in the step's error: (m,)."""
        if self.reduction == "sum":
            return sample_weight
        total = sample_weight.sum()
        return sample_weight / total if total else sample_weight

    def penalty(self, theta: Array, layout: Layout) -> Any:
        """Return l1·Σ|w| + ½·l2·Σw²; a number, or one for each row of a stack of θ."""
        total: Any = np.zeros(theta.shape[:-1], theta.dtype)
        if self.l1 or self.l2:
            for _, parameter, place in layout.places:
                if parameter.penalised:
                    w = theta[..., place]
                    total = total + self.l1 * np.abs(w).sum(axis=-1) + 0.5 * self.l2 * (w * w).sum(axis=-1)
        return total

    def add_penalty_gradient(self, theta: Array, gradient: Array, layout: Layout) -> None:
        """Add l1·sign(w) + l2·w to the gradient of every weight."""
        if self.l1 or self.l2:
            for _, parameter, place in layout.places:
                if parameter.penalised:
                    gradient[place] += self.l1 * np.sign(theta[place]) + self.l2 * theta[place]


def make_objective(loss: str | Loss, reduction: str, l1: float, l2: float) -> Objective:
    """Return the objective that a person's arguments describe.

    Raises
    ------
    InputError
        For an unknown loss or reduction, or a negative penalty.
    """
    if reduction not in ("mean", "sum"):
        raise InputError(f"reduction is {reduction!r}; expected 'mean' or 'sum'.")
    for name, value in (("l1", l1), ("l2", l2)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
            raise InputError(f"{name} is {value!r}; expected a number from 0 up.")
    return Objective(LOSSES.resolve(loss), "mean" if reduction == "mean" else "sum", float(l1), float(l2))
