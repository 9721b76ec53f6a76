"""What rivals share that step along an estimated gradient: mini-batches, the step, and the error that is shared out.

A rival gives the estimate; here θ moves. Knows the arena and the optimizers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.domains import LOGITS
from glassnet.maths.hyperparameters import refusal, require_number, require_whole
from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer
from glassnet.network.backprop import Pass
from glassnet.network.parameters import Parameters
from glassnet.rivals.arena import Arena
from glassnet.rivals.rival import Rival

Array = NDArray[Any]
Rows = Array | None
Estimate = Callable[[Array, Rows], Array]
"""``estimate(theta, rows) -> (n,)``: what stands in for the gradient at θ on these rows; None is all rows."""


def batches(arena: Arena, batch_size: int, chance: np.random.Generator) -> Iterator[Rows]:
    """Give the rows of one step after another, without end: each row once an epoch, in a new order each time.

    Where one step takes all rows they come as None, which the arena answers without a copy.
    """
    if batch_size >= arena.rows:
        while True:
            yield None
    while True:
        order = chance.permutation(arena.rows)
        for i in range(0, arena.rows, batch_size):
            yield order[i : i + batch_size]


def rows_of_a_step(arena: Arena, batch_size: int) -> int:
    """Return how many rows a step takes."""
    return min(batch_size, arena.rows)


def check_steps(record: Any) -> None:
    """Require of a rival's record a learning rate above 0 and a whole batch size."""
    require_number(record, "learning_rate", low=0, ends="()")
    require_whole(record, "batch_size", low=1)


@dataclass(frozen=True)
class Descending(Rival):
    """A rival that hands an estimate of the gradient to an optimizer, as backpropagation hands it the gradient.

    Parameters
    ----------
    learning_rate : float
    optimizer : str
        Spelling of an optimizer that needs a gradient alone, its learning rate left out: "sgd(momentum=0.9)".
    batch_size : int
        Rows of a step; all rows where there are fewer.

    Raises
    ------
    InputError
        If a number or the optimizer cannot be used.
    """

    uses = "passes"

    learning_rate: float = 0.01
    optimizer: str = "adam"
    batch_size: int = 32

    def __post_init__(self) -> None:
        check_steps(self)
        rule = OPTIMIZERS.resolve(self.optimizer)
        if not isinstance(rule, ElementwiseOptimizer):
            raise refusal(self, "optimizer", "one that needs a gradient alone, such as 'adam' or 'sgd(momentum=0.9)'")
        if rule.learning_rate != type(rule)().learning_rate:
            raise InputError(
                f"{type(self).__name__}: optimizer is {self.optimizer!r}, with a learning rate of its own; expected "
                f"none there. Write learning_rate={rule.learning_rate!r} beside it."
            )

    @abstractmethod
    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Return what stands in for the gradient, as a function of θ and rows; what is drawn once is drawn here."""

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield θ after each step, an array of its own; end in front of a step that is not finite."""
        estimate, rule = self.estimator(arena, chance), OPTIMIZERS.resolve(self.optimizer)
        moving = theta[arena.free]
        state = rule.init(moving)
        for rows in batches(arena, self.batch_size, chance):
            with np.errstate(all="ignore"):  # what is not finite ends the walk
                rule.update(moving, estimate(theta, rows)[arena.free], state, self.learning_rate)
            if not np.isfinite(moving).all():
                return
            theta = theta.copy()
            theta[arena.free] = moving
            yield theta


def misses(arena: Arena, p: Pass, rows: Rows) -> Array:
    """Return e = a − y of each row and output, times the row's share cᵢ: (r, outputs).

    Where the loss reads logits, a stands for the probabilities they mean. The loss has no other part in it: for
    ½Σ(a−y)² after an identity layer, and for the well-known pairs, e is the last layer's δ.
    """
    y = arena.y if rows is None else arena.y[rows]
    loss, a = arena.objective.loss, p.a[-1]
    e: Array = loss.slope(a, y) if loss.domain is LOGITS else a - y
    return e * p.coefficient[:, None]


def matrices(arena: Arena, theta: Array) -> list[Array | None]:
    """Return the weights (inputs, outputs) of each layer as views of θ, None for a layer without any."""
    return list(Parameters(arena.layout, theta).weights)


def layers_with_weights(arena: Arena) -> list[int]:
    """Return the indices of the layers that have weights; Dropout has none."""
    return sorted({k for k, parameter, _ in arena.layout.places if parameter.name == "weights"})


def needs_one_layer(arena: Arena) -> str:
    """Return the sentence by which a rule for a single layer turns down a network of more; empty for one layer."""
    count = len(layers_with_weights(arena))
    return "" if count == 1 else f"Trains a single layer only; this network has {count}."
