"""The perceptron rule: only a wrong answer moves the weights of a single layer, by the row itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_number
from glassnet.network.parameters import Parameters
from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import layers_with_weights, needs_one_layer
from glassnet.rivals.rival import Rival

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Perceptron(Rival):
    """The perceptron's error-correction rule, row by row:

        one output:       wrong if z > 0 is not the truth, or z = 0;    w ← w ± η x
        several outputs:  wrong if the right class's z is not the largest;
                          w of the right class ← w + η x,    w of the class that was largest ← w − η x

    A bias is the weight of an input that is always 1.

    Parameters
    ----------
    learning_rate : float
        η; from weights of 0 it changes the length of θ alone.

    Notes
    -----
    The convergence theorem (Novikoff, 1962): from weights of 0, on classes that a plane separates with a margin γ, it
    makes at most (R/γ)² mistakes, with R the length of the longest row, the 1 of the bias in it; with several classes
    at most 2(R/γ)². On classes that no plane separates, such as XOR and mirror symmetry, it never comes to rest: its
    weights stay bounded and wander in circles. It knows no loss and no penalty; weights of rows have no part in it
    but that rows of weight 0 are passed over. A step costs one evaluation.

    Examples
    --------
    >>> Perceptron(0.5).spec
    'perceptron(0.5)'
    """

    name = "perceptron"
    title = "Perceptron"
    idea = "Where the answer is wrong, add the row to the weights or take it away; for a single layer and classes."
    source = (
        "Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain, "
        "Psychological Review 65, 1958; convergence by Novikoff, On convergence proofs on perceptrons, 1962"
    )
    uses = "rows"

    learning_rate: float = 1.0

    def __post_init__(self) -> None:
        require_number(self, "learning_rate", low=0, ends="()")

    def refusal(self, arena: Arena) -> str:
        """Turn down networks with hidden layers, and rows without classes."""
        if not arena.has_classes:
            return "Learns classes only; these rows have numbers as their truth."
        return needs_one_layer(arena)

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield θ after each row, a new array after each mistake."""
        (k,) = layers_with_weights(arena)
        free = np.zeros(arena.size, bool)
        free[arena.free] = True
        counted = np.flatnonzero(arena.sample_weight)
        while True:
            for row in chance.permutation(counted):
                p = arena.forward(theta, np.array([row]))
                push = correction(p.z[k][0], arena.y[row])
                if push.any():
                    move = Parameters(arena.layout, np.zeros(arena.size))
                    move[k]["weights"][:] = np.outer(p.a[k][0], push)
                    if "biases" in move[k]:
                        move[k]["biases"][:] = push
                    theta = np.where(free, theta + self.learning_rate * move.theta, theta)
                yield theta


def correction(z: Array, y: Array) -> Array:
    """Return what each output's sum is pushed by: 1, −1 or 0, all 0 where the answer is right.

    Parameters
    ----------
    z : (outputs,) array
        The sums of one row.
    y : (outputs,) array
        Its truth: one number, class 1 above ½; or one for each class, the largest being the right one's.

    Examples
    --------
    >>> import numpy as np
    >>> correction(np.array([-0.2]), np.array([1.0]))
    array([1.])
    >>> correction(np.array([0.1, 0.7, 0.3]), np.array([1.0, 0.0, 0.0]))
    array([ 1., -1.,  0.])
    """
    push = np.zeros_like(z)
    if len(z) == 1:
        sign = 1.0 if y[0] > 0.5 else -1.0
        push[0] = sign if sign * z[0] <= 0 else 0.0
        return push
    right = int(y.argmax())
    others = z.copy()
    others[right] = -np.inf
    rival = int(others.argmax())
    if z[right] <= z[rival]:
        push[right], push[rival] = 1.0, -1.0
    return push
