"""Numerical gradient descent: nudge each weight, see what the error does, and step against all the slopes found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_choice, require_number
from glassnet.rivals.arena import FORWARD_AND_BACKWARD, Arena
from glassnet.rivals.descent import Descending, Estimate, Rows, rows_of_a_step

Array = NDArray[Any]

_BYTES_AT_A_TIME = 32 * 2**20


@final
@dataclass(frozen=True)
class Numerical(Descending):
    """Numerical gradient descent: ∂E/∂θᵢ by nudging each weight by itself, then a step as with the true gradient.

        forward:   (E(θ + hᵢ eᵢ) − E(θ)) / hᵢ                  f + 1 errors a step, off by O(h)
        central:   (E(θ + hᵢ eᵢ) − E(θ − hᵢ eᵢ)) / 2hᵢ         2f errors a step, off by O(h²)

    f is the number of weights that may move and hᵢ = nudge · max(1, |θᵢ|). One error of r rows is r evaluations, so a
    step costs (f + 1)·r or 2f·r, where backpropagation pays 3r however many weights there are.

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.
    differences : {"central", "forward"}
    nudge : float
        h, relative to the weight where that is larger than 1.

    Notes
    -----
    It should walk where gradient descent walks, to as many digits as the differences have: on a linear network with a
    squared error to the least-squares solution. All errors of a step are asked for in few large questions, in memory
    that does not grow with the number of weights.

    Examples
    --------
    >>> Numerical(0.5, differences="forward", optimizer="sgd").spec
    "numerical(0.5, optimizer='sgd', differences='forward')"
    """

    name = "numerical"
    title = "Numerical derivative"
    idea = "Nudge each weight by itself, see how much the error changes, and move every weight against its slope."
    source = "Press, Teukolsky, Vetterling & Flannery, Numerical Recipes, 3rd edition, 2007, section 5.7"

    differences: str = "central"
    nudge: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "differences", ("central", "forward"))
        require_number(self, "nudge", low=0, ends="()")

    def evaluations_a_step(self, arena: Arena) -> int:
        """Return what one full step costs."""
        errors = 2 * len(arena.free) if self.differences == "central" else len(arena.free) + 1
        return errors * rows_of_a_step(arena, self.batch_size)

    def caution(self, arena: Arena) -> str:
        """Say what one step costs, where the budget is too small for it."""
        cost = self.evaluations_a_step(arena)
        if cost <= arena.left:
            return ""
        of_backprop = FORWARD_AND_BACKWARD * rows_of_a_step(arena, self.batch_size)
        return (
            f"One step takes {cost:,} evaluations, where backpropagation takes {of_backprop:,}; "
            f"{int(arena.left):,} are left, so it will not get one step done."
        )

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return the gradient by differences."""
        return lambda theta, rows: self._estimate(arena, theta, rows)

    def _estimate(self, arena: Arena, theta: Array, rows: Rows) -> Array:
        """Return the gradient (n,) at θ by differences, 0 where θ must not move."""
        gradient = np.zeros_like(theta)
        central = self.differences == "central"
        chunk = max(1, _BYTES_AT_A_TIME // (theta.nbytes * (2 if central else 1)))
        here = None if central else arena.losses(theta[None], rows)
        for i in range(0, len(arena.free), chunk):
            moved = arena.free[i : i + chunk]
            p = np.arange(len(moved))
            h = self.nudge * np.maximum(1.0, np.abs(theta[moved]))
            up = np.repeat(theta[None], len(p) * (2 if central else 1), axis=0)
            up[p, moved] += h
            if central:
                up[len(p) + p, moved] -= h
            errors = arena.losses(up, rows)
            above, below = (errors[: len(p)], errors[len(p) :]) if here is None else (errors, here)
            nudged = up[p, moved] - (up[len(p) + p, moved] if central else theta[moved])  # what h became by rounding
            gradient[moved] = (above - below) / nudged
        return gradient
