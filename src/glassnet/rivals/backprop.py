"""Backpropagation, as a rival among the others: the optimizer's steps on mini-batches, in machine code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_whole
from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer
from glassnet.rivals.arena import FORWARD_AND_BACKWARD, Arena
from glassnet.rivals.rival import Rival

Array = NDArray[Any]

_STRETCH = 1 / 16
_LONGEST_STRETCH = 10_000


@final
@dataclass(frozen=True)
class Backprop(Rival):
    """Backpropagation: one pass forward and one backward give the whole gradient, for three evaluations a row.

    Parameters
    ----------
    optimizer : str
        Spelling of an optimizer, "sgd(0.5)" or "adam(0.01)".
    batch_size : int
        Rows of a step; all rows where there are fewer.

    Notes
    -----
    It should learn XOR with two hidden units from most starts, and tell 3 from 7.

    Examples
    --------
    >>> from glassnet.rivals import RIVALS
    >>> RIVALS.resolve("backprop('sgd(0.5)', batch_size=8)").spec
    "backprop('sgd(0.5)', batch_size=8)"
    """

    name = "backprop"
    title = "Backpropagation"
    idea = "Run the rows forward, carry blame back, and move every weight against its derivative."
    source = "Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986"
    uses = "passes"

    optimizer: str = "adam(0.01)"
    batch_size: int = 32

    def __post_init__(self) -> None:
        require_whole(self, "batch_size", low=1)
        OPTIMIZERS.resolve(self.optimizer)

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield θ after a stretch of steps, a sixteenth of those taken so far, and after a single step, in turn."""
        optimizer = OPTIMIZERS.resolve(self.optimizer)
        if not isinstance(optimizer, ElementwiseOptimizer):
            theta = theta.copy()
            state = optimizer.init(theta)
            while True:
                optimizer.step(theta, arena.gradient, state)
                yield theta
        batch = min(self.batch_size, arena.rows)
        take, order, steps = arena.descend(theta, optimizer, batch), np.empty(0, np.int64), 0
        while True:
            for stretch in (min(_LONGEST_STRETCH, int(steps * _STRETCH)), 1):
                if FORWARD_AND_BACKWARD * batch * stretch > arena.left:
                    stretch = max(1, int(arena.left) // (FORWARD_AND_BACKWARD * batch))
                while len(order) < stretch * batch:
                    order = np.concatenate([order, chance.permutation(arena.rows)])
                if stretch:
                    yield take(order[: stretch * batch])
                order, steps = order[stretch * batch :], steps + stretch
