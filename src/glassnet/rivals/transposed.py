"""Blame by Wᵀ alone: the proportional share without its denominators, and without the slopes of backpropagation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Descending, Estimate, Rows, misses

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Transposed(Descending):
    """The simplified blame: what a unit did not get right, times the weights, and no g′(z) anywhere.

        e of the last layer  = a − y
        e of a layer before  = e Wᵀ
        step for w_ji        = a_j e_i

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.

    Notes
    -----
    On a linear network it is backpropagation: a_j e_i is the gradient of ½Σ(a−y)², half of it for the squared error.
    So there it should reach the least-squares solution. With non-linear hidden layers it is the gradient of nothing:
    it does not come to rest where the error is smallest. It may still learn, as long as every g′(z) is positive.

    Examples
    --------
    >>> Transposed(0.05, batch_size=10).spec
    'transposed(0.05, batch_size=10)'
    """

    name = "transposed"
    title = "Blame by Wᵀ alone"
    idea = "Carry each output's miss back along the weights, without asking how steep the units in between are."
    source = (
        "Rashid, Make Your Own Neural Network, 2016, 'Backpropagating errors with matrix multiplication'; "
        "the slopes are left out here"
    )

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return Σ a_j e_i over rows."""
        return lambda theta, rows: self._estimate(arena, theta, rows)

    def _estimate(self, arena: Arena, theta: Array, rows: Rows) -> Array:
        """Return Σ a_j e_i over rows (n,), 0 where θ must not move."""
        return arena.textbook(theta, rows, start=lambda p: misses(arena, p, rows), slopes=False).gradient.theta
