"""Blame shared by weight: each output's miss is split over its incoming weights in proportion, e·w/Σw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.network.backprop import Pass
from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Descending, Estimate, Rows, layers_with_weights, matrices, misses

Array = NDArray[Any]


def share_by_weight(e: Array, weights: Array) -> Array:
    """Return what reaches each input of a layer when every unit's miss is split by e_i · w_ji / Σ_j w_ji.

    Parameters
    ----------
    e : (r, outputs) array
    weights : (inputs, outputs) array

    Returns
    -------
    (r, inputs) array
        Infinite or NaN where the weights into a unit add up to 0.

    Examples
    --------
    A miss of 8 comes through weights 3 and 1; shares are 6 and 2, and add up to what was shared:

    >>> import numpy as np
    >>> share_by_weight(np.array([[8.0]]), np.array([[3.0], [1.0]]))
    array([[6., 2.]])

    Where the weights nearly cancel, the shares have no bound; below a sum of 0 they have the wrong sign:

    >>> share_by_weight(np.array([[8.0]]), np.array([[1.0], [-0.999]])).round()
    array([[ 8000., -7992.]])
    >>> share_by_weight(np.array([[8.0]]), np.array([[1.0], [-3.0]]))
    array([[-4., 12.]])
    """
    with np.errstate(all="ignore"):
        shares: Array = (e / weights.sum(axis=0)) @ weights.T
    return shares


@final
@dataclass(frozen=True)
class Proportional(Descending):
    """Blame shared by weight, as a linear network suggests: who fed a unit more is more to blame for its miss.

        e of the last layer  = a − y
        e_j of a layer before = Σ_i e_i · w_ji / Σ_j w_ji
        step for w_ji        = a_j e_i

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.

    Notes
    -----
    The misses of a layer add up to those of the layer after it; a bias takes no share. On a linear network of one
    output whose weights are all positive the hidden layer's step is the gradient divided by Σw, and it should reach
    the least-squares solution. Where Σw is near 0 the shares have no bound, and below 0 they point uphill: see
    `share_by_weight`. Where it is 0 there is no next step, and the walk ends. With non-linear hidden layers it is no
    gradient at all.

    Examples
    --------
    >>> Proportional(0.05, optimizer="sgd").spec
    "proportional(0.05, optimizer='sgd')"
    """

    name = "proportional"
    title = "Blame shared by weight"
    idea = "Split each output's miss over the units that fed it, in proportion to their weights."
    source = "Rashid, Make Your Own Neural Network, 2016, 'Backpropagating errors from more output nodes'"

    def caution(self, arena: Arena) -> str:
        """Say what the denominators do, where there are any."""
        if len(layers_with_weights(arena)) == 1:
            return ""
        return (
            "Where the weights into a unit add up to nearly 0, the shares of its miss have no bound; where they add up "
            "to less than 0, the shares point the wrong way."
        )

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return Σ a_j e_i over rows."""
        return lambda theta, rows: self._estimate(arena, theta, rows)

    def _estimate(self, arena: Arena, theta: Array, rows: Rows) -> Array:
        """Return Σ a_j e_i over rows (n,), 0 where θ must not move."""
        weights = matrices(arena, theta)

        def carry(k: int, p: Pass) -> Array:
            w = weights[k]
            return p.blame[k] if w is None else share_by_weight(p.blame[k], w)

        p = arena.textbook(theta, rows, start=lambda p: misses(arena, p, rows), carry=carry, slopes=False)
        return p.gradient.theta
