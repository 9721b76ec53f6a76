"""The forward gradient: the exact slope along a random direction, carried forward, times that direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_whole
from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Descending, Estimate, Rows

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class ForwardGradient(Descending):
    """Forward-mode gradient descent: no blame travels back, and no nudge has a size.

        v ~ N(0, I),    ĝ = (∇E · v) v

    The slope ∇E·v comes with the forward pass, exactly. It is the cousin of simultaneous perturbation, which reads the
    same slope off two errors.

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.
    directions : int
        Over how many v a step's ĝ is averaged.

    Notes
    -----
    A step costs 1 + 2·directions evaluations a row. The mean of ĝ is the gradient, and no ĝ ever points uphill. But
    E|ĝ|² = (n + 2)|∇E|² for one direction, so that plain descent on ½|θ|², which bears a learning rate of up to 2,
    bears only 2/(n + 2) of it here, and is n + 2 times slower at its best. It should learn what gradient descent
    learns, in about n times the steps.

    Examples
    --------
    >>> ForwardGradient(0.001, optimizer="sgd").spec
    "forward_gradient(0.001, optimizer='sgd')"
    """

    name = "forward_gradient"
    title = "Forward gradient"
    idea = "Pick a random direction for all weights, carry the error's exact slope along it forward, and follow it."
    source = "Baydin, Pearlmutter, Syme, Wood & Torr, Gradients without backpropagation, 2022"

    directions: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self, "directions", low=1)

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return ĝ, with directions drawn anew at each call."""
        return lambda theta, rows: self._estimate(arena, theta, chance, rows)

    def _estimate(self, arena: Arena, theta: Array, chance: np.random.Generator, rows: Rows) -> Array:
        """Return ĝ (n,), 0 where θ must not move."""
        v = np.zeros((self.directions, len(theta)))
        v[:, arena.free] = chance.standard_normal((self.directions, len(arena.free)))
        _, slopes = arena.slopes(theta, v, rows)
        estimate: Array = slopes @ v / self.directions
        return estimate
