"""The Widrow-Hoff delta rule: a single layer's weights move by what the output missed times what came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Descending, Estimate, Rows, misses, needs_one_layer

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Delta(Descending):
    """The delta rule, also called least mean squares (LMS), for a single layer.

        w_ji ← w_ji + η (y_i − a_i) a_j,    one row at a time

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.

    Notes
    -----
    On a linear layer it should reach the least-squares solution, and exactly so with all rows in a step. It cannot
    learn what no single layer can: on XOR it comes to rest at weights of 0 and a bias of ½, for mirror symmetry at an
    answer that is the same for all rows. Widrow and Hoff measure the miss in front of the threshold, on the sum z;
    here it is measured on a = g(z), which for their linear unit is the same and for sigmoid or soft-max is logistic
    regression. g′ is not in it.

    Examples
    --------
    >>> Delta(0.1).spec
    'delta(0.1)'
    """

    name = "delta"
    title = "Delta rule"
    idea = "Move each weight by what the output missed, times the signal that came in; for a single layer."
    source = "Widrow & Hoff, Adaptive switching circuits, IRE WESCON Convention Record 4, 1960"

    optimizer: str = "sgd"
    batch_size: int = 1

    def refusal(self, arena: Arena) -> str:
        """Turn down networks with hidden layers."""
        return needs_one_layer(arena)

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return Σ a_j (a_i − y_i) over rows."""
        return lambda theta, rows: self._estimate(arena, theta, rows)

    def _estimate(self, arena: Arena, theta: Array, rows: Rows) -> Array:
        """Return Σ a_j (a_i − y_i) over rows (n,), 0 where θ must not move."""
        return arena.textbook(theta, rows, start=lambda p: misses(arena, p, rows)).gradient.theta
