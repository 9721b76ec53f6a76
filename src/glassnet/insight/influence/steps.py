"""The steps of a run one after the other, forwards or backwards, in bounded memory.

Backwards, a run is taken again from the snapshots in its folder, the last one first; between two snapshots as many
positions are kept in memory as there is room for, and what lies between them is taken once more.

References
----------
Griewank & Walther, Evaluating Derivatives, 2nd edition, 2008, chapter 12: checkpoints for the reverse mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.training import Replay
from glassnet.training.loop import Training

Array = NDArray[Any]

_BYTES = 256 * 2**20


@final
@dataclass(frozen=True)
class Step:
    """A step of a run, as it stood before it was taken.

    Parameters
    ----------
    number : int
        Counted over the whole run, from 0.
    rows : (r,) int64 array
        The rows it met, of the block.
    learning_rate : float
    momentum : float or None
    theta : (n,) array
    state : dict of arrays
        The optimizer's.
    """

    number: int
    rows: Array
    learning_rate: float
    momentum: float | None
    theta: Array
    state: dict[str, Array]


def last_step(replay: Replay) -> tuple[int, Array]:
    """Return after how many steps the run had the weights that it returned, and those weights."""
    best = replay.history.best_epoch
    if best is not None and replay.best_theta is not None:
        return (best + 1) * replay.steps_per_epoch, replay.best_theta
    return replay.steps, replay.theta


def forwards(replay: Replay, last: int) -> Iterator[Step]:
    """Give the steps from the first to, but not, `last`."""
    training = replay.training(0)
    while training.engine.state.step < last:
        yield _take(training)


def backwards(replay: Replay, last: int, theta: Array, room: int | None = None) -> Iterator[Step]:
    """Give the steps before `last` from the last one to the first.

    Parameters
    ----------
    replay : Replay
    last : int
    theta : (n,) array
        What the run had after the last of them.
    room : int or None
        How many positions may be in memory at a time; None is as many as take 256 MB.

    Raises
    ------
    InputError
        If the run, taken again, does not lead to the weights it led to.
    """
    end, expected = last, theta
    while end > 0:
        document, arrays = replay.folder.snapshot_before((end - 1) // replay.steps_per_epoch)
        training = replay.training(document["step"])
        if room is None:
            bytes_each = training.network.theta.nbytes + sum(a.nbytes for a in training.engine.state.optimizer.values())
            room = max(4, _BYTES // bytes_each)
        yield from _back(training, end, room, expected)
        end, expected = document["step"], arrays["theta"]


def _back(training: Training, end: int, room: int, expected: Array | None) -> Iterator[Step]:
    """Give the steps from where a training stands to `end`, the last one first."""
    count = end - training.engine.state.step
    if count <= max(2, room):
        taken = [_take(training) for _ in range(count)]
        if expected is not None and not np.array_equal(training.network.theta, expected):
            raise InputError(
                "The run, taken again, does not lead to the weights that it led to: a callback changed them while it "
                "trained, or another version of glassnet, or another kind of machine, trained it. Nothing exact can be "
                'said of it; method="tracin" needs its snapshots alone.'
            )
        yield from reversed(taken)
        return
    marks, stride = [], -(-count // max(2, room // 2))
    for first in range(end - count, end, stride):
        training.advance(first)
        document, arrays = training.position.to_parts(training.engine)
        marks.append((first, document, {name: array.copy() for name, array in arrays.items()}))
    for first, document, arrays in reversed(marks):
        training.resume(document, arrays)
        stop = min(first + stride, end)
        yield from _back(training, stop, room // 2, expected if stop == end else None)


def _take(training: Training) -> Step:
    """Take one step and return how it stood before."""
    rows, rates = training.upcoming()
    number, theta = training.engine.state.step, training.network.theta.copy()
    state = {name: array.copy() for name, array in training.engine.state.optimizer.items()}
    training.advance(number + 1)
    momentum = None if rates.momentum is None else float(rates.momentum[0])
    return Step(number, rows.copy(), float(rates.learning_rate[0]), momentum, theta, state)
