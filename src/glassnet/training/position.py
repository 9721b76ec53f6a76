"""Where a training stands: all that a checkpoint must hold so that a killed run goes on with the same bits."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Engine, State
from glassnet.training.history import History
from glassnet.training.ledger import Ledger

Array = NDArray[Any]


@final
@dataclass
class Position:
    """The state of the loop; θ and the optimizer's state are in the engine.

    Parameters
    ----------
    history : History
    errors, weights : (steps_per_epoch,) float64 arrays
        What the steps of this epoch met so far; see `engines.Steps`.
    schedule : dict of arrays
        The state of a schedule that looks at results.
    epoch, steps : int
        The epoch from 0, and how many of its steps are taken.
    best_theta : array or None
        The best weights so far, where early stopping watches.
    best_value : float or None
    waited : int
        Epochs since the best.
    last_update : array or None
        What the run's last planned step did to θ, where the run has a folder and has come to it.
    """

    history: History
    errors: Array
    weights: Array
    schedule: dict[str, Array]
    epoch: int = 0
    steps: int = 0
    best_theta: Array | None = None
    best_value: float | None = None
    waited: int = 0
    last_update: Array | None = None

    @classmethod
    def start(cls, steps_per_epoch: int, schedule: dict[str, Array]) -> Self:
        """Return the position before the first step."""
        return cls(History(), np.zeros(steps_per_epoch), np.zeros(steps_per_epoch), schedule)

    @property
    def loss_so_far(self) -> float:
        """The mean error of this epoch's rows so far, with the penalty."""
        return float(mean_errors(self.errors[None, : self.steps], self.weights[None, : self.steps])[0])

    def to_parts(self, engine: Engine) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the position, and the engine's state with it, as a document and arrays."""
        document = {
            "epoch": self.epoch,
            "steps": self.steps,
            "step": engine.state.step,
            "history": self.history.to_dict(),
            "best_value": self.best_value,
            "waited": self.waited,
        }
        arrays = {
            "theta": engine.network.theta,
            "errors": self.errors[: self.steps],
            "weights": self.weights[: self.steps],
            **{f"optimizer.{name}": array for name, array in engine.state.optimizer.items()},
            **{f"schedule.{name}": array for name, array in self.schedule.items()},
        }
        if self.best_theta is not None:
            arrays["best_theta"] = self.best_theta
        return document, arrays

    @classmethod
    def from_parts(
        cls,
        document: Mapping[str, Any],
        arrays: Mapping[str, Array],
        engine: Engine,
        size: int,
        ledger: Ledger | None = None,
    ) -> Self:
        """Set the engine, and an empty ledger, to where a checkpoint stood and return its position.

        `size` is the steps in an epoch.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the parts are not those of a position; the engine is then as it was.
        """
        position = cls.start(size, under("schedule.", arrays))
        position.history = History.from_dict(document["history"])
        position.epoch, position.steps = operator.index(document["epoch"]), operator.index(document["steps"])
        if position.epoch < 0 or not 0 <= position.steps <= size:
            raise ValueError(f"epoch {position.epoch}, step {position.steps}")
        position.errors[: position.steps] = arrays["errors"]
        position.weights[: position.steps] = arrays["weights"]
        if ledger is not None:
            ledger.restore(under("ledger.", arrays))
        position.history.ledger = ledger
        position.best_theta, position.last_update = arrays.get("best_theta"), arrays.get("last_update")
        position.best_value, position.waited = document["best_value"], document["waited"]
        state = State(under("optimizer.", arrays), operator.index(document["step"]))
        expected = {name: (array.shape, array.dtype) for name, array in engine.state.optimizer.items()}
        if {name: (array.shape, array.dtype) for name, array in state.optimizer.items()} != expected:
            raise ValueError("the optimizer's state")
        engine.network.theta[:] = arrays["theta"]
        engine.state = state
        return position


def mean_errors(errors: Array, weights: Array) -> Array:
    """Return the mean error of each epoch, (e,), from those of its steps, (e, steps); NaN where nothing counted."""
    with np.errstate(over="ignore", invalid="ignore"):
        means: Array = (errors * weights).sum(axis=1) / weights.sum(axis=1)
    return means


def under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return copies of the arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): array.copy() for name, array in arrays.items() if name.startswith(prefix)}
