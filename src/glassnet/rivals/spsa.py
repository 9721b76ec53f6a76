"""Simultaneous perturbation (SPSA): nudge all weights at once, at random, and read every slope off two errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_number, require_whole
from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Rows, batches, check_steps
from glassnet.rivals.rival import Rival

Array = NDArray[Any]

ALPHA, GAMMA = 0.602, 0.101
"""How fast the gains fall; Spall's values for practice."""

_TRIALS = 10


@final
@dataclass(frozen=True)
class SPSA(Rival):
    """Simultaneous perturbation stochastic approximation: two errors a step, however many weights there are.

        Δᵢ = ±1 by the toss of a coin
        ĝᵢ = (E(θ + c_k Δ) − E(θ − c_k Δ)) / (2 c_k Δᵢ)
        θ  ← θ − a_k ĝ,    a_k = a/(A + k + 1)^0.602,    c_k = c/(k + 1)^0.101

    Parameters
    ----------
    learning_rate : float
        How far θ should move in the first steps, as a length; a is chosen by it.
    nudge : float
        c.
    stability : float
        A; about a tenth of the steps that are to come.
    directions : int
        Over how many Δ a step's ĝ is averaged.
    batch_size : int
        Rows of a step; all rows where there are fewer.

    Notes
    -----
    A step costs 2·directions evaluations a row. The mean of ĝ over Δ is the gradient, to O(c²), and exactly where E is
    a quadratic; so it should reach the least-squares solution of a linear network. A single ĝ is at a wide angle to
    the gradient: cos² of it is 1/n on average, which is what fails as n grows.

    As Spall advises (1998, guideline 5), a is set so that the first steps have the wanted size: from the mean length
    of ĝ over ten trials at the start, which are counted. Deviation: he names a size for each weight; but one that suits
    ten weights tears a million apart, since √n times of it is the length. His further advice to block steps that make
    the error worse is not taken.

    Examples
    --------
    >>> SPSA(0.05, directions=4).spec
    'spsa(0.05, directions=4)'
    """

    name = "spsa"
    title = "Simultaneous perturbation"
    idea = "Nudge all weights at once, each up or down at random, and back; move along by the difference in error."
    source = (
        "Spall, Multivariate stochastic approximation using a simultaneous perturbation gradient approximation, "
        "IEEE Transactions on Automatic Control 37, 1992; the gains from Spall, Implementation of the simultaneous "
        "perturbation algorithm for stochastic optimization, IEEE Transactions on Aerospace and Electronic Systems "
        "34, 1998"
    )

    learning_rate: float = 0.3
    nudge: float = 0.01
    stability: float = 100.0
    directions: int = 1
    batch_size: int = 32

    def __post_init__(self) -> None:
        check_steps(self)
        require_number(self, "nudge", low=0, ends="()")
        require_number(self, "stability", low=0)
        require_whole(self, "directions", low=1)

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield θ after each step; end in front of one that is not finite."""
        order = batches(arena, self.batch_size, chance)
        with np.errstate(all="ignore"):  # what is not finite ends the walk
            trials = [self.estimate(arena, theta, self.nudge, chance, next(order)) for _ in range(_TRIALS)]
            usual = float(np.linalg.norm(trials, axis=1).mean()) or 1.0  # nothing to scale by where the error is flat
        a = self.learning_rate * (self.stability + 1) ** ALPHA / usual
        for k, rows in enumerate(order):
            a_k, c_k = a / (self.stability + k + 1) ** ALPHA, self.nudge / (k + 1) ** GAMMA
            with np.errstate(all="ignore"):
                theta = theta - a_k * self.estimate(arena, theta, c_k, chance, rows)
            if not np.isfinite(theta).all():
                return
            yield theta

    def estimate(
        self, arena: Arena, theta: Array, nudge: float, chance: np.random.Generator, rows: Rows = None
    ) -> Array:
        """Return ĝ (n,) for nudges of size c_k, 0 where θ must not move."""
        q, f = self.directions, len(arena.free)
        delta = np.zeros((q, len(theta)))
        delta[:, arena.free] = chance.integers(0, 2, (q, f)) * 2.0 - 1.0
        errors = arena.losses(np.concatenate([theta + nudge * delta, theta - nudge * delta]), rows)
        slopes = (errors[:q] - errors[q:]) / (2 * nudge)
        estimate: Array = slopes @ delta / q  # 1/Δᵢ = Δᵢ
        return estimate
