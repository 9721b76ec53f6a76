"""Hebbian learning: in hidden layers what fires together wires together, without the truth; the last learns by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_choice
from glassnet.network.backprop import Pass
from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Descending, Estimate, Rows, layers_with_weights, matrices, misses

Array = NDArray[Any]

_HEEDS: dict[str, Callable[[Array], Array]] = {
    "sanger": np.triu,
    "subspace": lambda c: c,
    "oja": lambda c: np.diag(np.diag(c)),
}
"""Which of the units' common activity C = E[y yᵀ] a unit heeds when it forgets: see `Hebbian`."""


@final
@dataclass(frozen=True)
class Hebbian(Descending):
    """Hebbian hidden layers under a last layer that learns by the delta rule.

    A hidden layer with inputs x and sums y = xW + b moves by what fires together, and forgets what it would already
    say by itself, so that its weights keep a length of 1:

        ΔW = η/s (E[x yᵀ] − W · part of E[y yᵀ]),    Δb = −η E[y],    s = E|x|² + E|y|²

        oja        the diagonal: each unit by itself
        sanger     the diagonal and above: each unit heeds those before it
        subspace   all of it: each unit heeds all

    The bias keeps a unit's mean activity at 0. The last layer, with inputs x and outputs a, moves by
    the delta rule, ΔW = −η E[x (a − truth)ᵀ]/(E|x|² + 1).

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.
    rule : {"sanger", "oja", "subspace"}

    Notes
    -----
    Oja's rule should end at the first principal component of the inputs (each unit at the same one), Sanger's at the
    first, second, third in order, the subspace rule at some basis of what these span. With a bias the components are
    of the covariance, without one of E[x xᵀ].

    Deviation: the steps are divided by s, which leaves where they end as it is. Without it η times the largest
    variance of any layer's inputs would have to stay below 1, and a layer of 500 ReLU would tear itself apart.

    The hidden layers know no error. So it must fail where what tells the classes apart is not what varies most.
    Hidden activations g play no part in the layer's own learning, but the layer after it hears a = g(y). Penalties
    pull on the weights of all layers.

    Examples
    --------
    >>> Hebbian(0.005, rule="oja").spec
    "hebbian(0.005, rule='oja')"
    """

    name = "hebbian"
    title = "Hebbian learning"
    idea = (
        "Strengthen the links between units that fire together, without ever looking at the truth; "
        "only the last layer learns from its misses."
    )
    source = (
        "Hebb, The organization of behavior, 1949; Oja, A simplified neuron model as a principal component analyzer, "
        "Journal of Mathematical Biology 15, 1982; Sanger, Optimal unsupervised learning in a single-layer linear "
        "feedforward neural network, Neural Networks 2, 1989; the subspace rule from Oja, Neural networks, principal "
        "components, and subspaces, International Journal of Neural Systems 1, 1989"
    )
    uses = "rows"

    learning_rate: float = 0.2
    optimizer: str = "sgd"
    rule: str = "sanger"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "rule", tuple(_HEEDS))

    def refusal(self, arena: Arena) -> str:
        """Turn down networks without hidden layers: there would be nothing Hebbian in it."""
        if len(layers_with_weights(arena)) > 1:
            return ""
        return "Learns hidden layers without the truth; this network has no hidden layer."

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return minus the step of every weight, without η."""
        return lambda theta, rows: self._estimate(arena, theta, rows)

    def _estimate(self, arena: Arena, theta: Array, rows: Rows) -> Array:
        """Return minus the step of every weight, without η: (n,)."""
        weights, (*hidden, last) = matrices(arena, theta), layers_with_weights(arena)

        def activity(k: int, p: Pass) -> Array:
            """In the place of blame: −y of the layer before, so that a_j δ_i is minus what fires together."""
            return -p.z[k - 1] * p.coefficient[:, None]

        p = arena.textbook(theta, rows, start=lambda p: misses(arena, p, rows), carry=activity, slopes=False)
        total = p.coefficient.sum() or 1.0
        for k in hidden:
            y, w, move = p.z[k], weights[k], p.gradient[k]
            together = y.T @ (y * p.coefficient[:, None])
            move["weights"][:] += w @ _HEEDS[self.rule](together)
            move["weights"][:] /= _power(p.a[k], p) + np.trace(together) or 1.0  # nothing moves where all is 0
            if "biases" in move:
                move["biases"][:] /= -total  # against the activity, not with it
        for named in p.gradient[last].values():
            named[:] /= _power(p.a[last], p) + total
        return p.gradient.theta


def _power(x: Array, p: Pass) -> float:
    """Return the mean square length of rows, each with its share cᵢ."""
    return float((x * x).sum(axis=1) @ p.coefficient)
