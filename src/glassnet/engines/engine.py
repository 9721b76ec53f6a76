"""The interface of an engine: how steps are computed for one network and one objective.

Training is written against this interface and asks for steps; it knows neither formulas nor loops over rows. Gradient
and update are separate phases of a step, with a place between them where clipping stands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.notes import Notes
from glassnet.maths.optimizers import Optimizer
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.rows import RowPass

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Block:
    """Rows that lie in memory, checked and in the network's dtype.

    Parameters
    ----------
    x : (m, inputs) array
    y : (m,) integer labels or (m, outputs) numbers
    sample_weight : (m,) array
    numbers : (m,) int array or None
        How the caller numbers these rows, where they are a part of the caller's.
    """

    x: Array
    y: Array
    sample_weight: Array
    numbers: Array | None = None

    def __len__(self) -> int:
        return len(self.x)


@final
@dataclass(frozen=True)
class Descent:
    """How a gradient moves θ.

    Parameters
    ----------
    optimizer : Optimizer
    clip_value : float or None
        Each entry of the gradient is brought into ±clip_value.
    clip_norm : float or None
        Then the gradient is shortened to this length where it is longer (Pascanu, Mikolov & Bengio, 2013).
    """

    optimizer: Optimizer
    clip_value: float | None = None
    clip_norm: float | None = None

    def clip(self, gradient: Array) -> None:
        """Clip a gradient in place."""
        if self.clip_value is not None:
            np.clip(gradient, -self.clip_value, self.clip_value, out=gradient)
        if self.clip_norm is not None:
            largest = float(np.abs(gradient).max())  # divided out, since the square of a large gradient overflows
            scaled = float(np.linalg.norm(gradient / largest)) if largest else 0.0
            if scaled > self.clip_norm / (largest or 1.0):
                gradient /= largest
                gradient *= self.clip_norm / scaled


@final
@dataclass
class State:
    """What changes while training, besides θ itself.

    Parameters
    ----------
    optimizer : dict of arrays
    step : int
        How many steps were taken over the whole run; also the place of the next dropout masks.
    """

    optimizer: dict[str, Array]
    step: int = 0


@final
@dataclass(frozen=True)
class Steps:
    """What some steps met, one entry for each.

    Parameters
    ----------
    errors : (n,) float64 array
        The mean of the rows' errors, weighted, plus the penalty, before the step's update.
    weights : (n,) float64 array
        Σw over the step's rows.
    """

    errors: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.errors)

    def __add__(self, more: Steps) -> Steps:
        return Steps(np.concatenate([self.errors, more.errors]), np.concatenate([self.weights, more.weights]))


@final
@dataclass(frozen=True)
class Rates:
    """What a schedule wants of some steps, one entry for each.

    Parameters
    ----------
    learning_rate : (n,) float64 array
    momentum : (n,) float64 array or None
        None leaves the optimizer's own.
    """

    learning_rate: Array
    momentum: Array | None = None

    def __len__(self) -> int:
        return len(self.learning_rate)

    def __getitem__(self, which: slice) -> Rates:
        return Rates(self.learning_rate[which], None if self.momentum is None else self.momentum[which])


class Engine(ABC):
    """Takes the steps of one training. The network's θ moves here and nowhere else.

    Parameters
    ----------
    network : Network
    objective : Objective
    descent : Descent
    batch_size : int
        Rows in a step; the last step of an epoch may have fewer.
    seed : int
        Decides the dropout masks.

    Attributes
    ----------
    state : State
        May be replaced by one that was saved.
    """

    def __init__(self, network: Network, objective: Objective, descent: Descent, batch_size: int, seed: int) -> None:
        self.network, self.objective, self.descent = network, objective, descent
        self.batch_size, self.seed = batch_size, seed
        self.state = State(descent.optimizer.init(network.theta))

    @abstractmethod
    def run(
        self,
        block: Block,
        order: Array,
        bounds: Array,
        rates: Rates,
        stop: Callable[[], bool],
        notes: Notes | None = None,
    ) -> Steps:
        """Take steps one after the other until all are taken or `stop()` says so between two of them.

        Parameters
        ----------
        block : Block
        order : (r,) int64 array
            The rows in the order in which the steps meet them, perhaps of several epochs one after the other.
        bounds : (n+1,) int64 array
            Step i takes ``order[bounds[i]:bounds[i+1]]``.
        rates : Rates
            Of the n steps.
        stop : callable
            Asked between steps; a step is taken whole or not at all.
        notes : Notes or None
            Where given, each step notes there what it finds of its rows.

        Raises
        ------
        NonFiniteError
            At the first NaN or infinity; θ is then what it was before that step, and the error's `steps` are those
            that were taken.
        """

    @abstractmethod
    def row_errors(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the error of each row (m,) and its prediction (m, outputs), without dropout and penalty."""

    @abstractmethod
    def row_passes(self, x: Array, y: Array) -> Iterator[RowPass]:
        """Give passes in which each row stands for itself, of some rows at a time, without dropout.

        A pass is to be read before the next is asked for, which may use its memory.
        """

    @abstractmethod
    def losses(self, thetas: Array, block: Block) -> Array:
        """Return the error of the block, with the penalty, for each θ of a stack (p, n): (p,) float64."""
