"""What a training needs to keep so that its last steps can be taken again, should they end in a NaN.

Training is deterministic, so θ and the optimizer's memory need not be kept of every step: copies from a little earlier
do, and what the engine was asked since. Kept are the θ that training began with, and two copies of θ with the
optimizer's memory, the older of which is written over next; one such copy where it is larger than 64 MB. One is made
every 0.1 to 5 seconds, so rarely that it takes less than a hundredth of the time, unless it takes more than 50 ms.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block, Engine, Rates, State, Steps

Array = NDArray[Any]

STEPS = 8
"""How many steps before a NaN are told of."""

_SECONDS_BETWEEN_COPIES, _MOST_SECONDS, _COPY_COSTS = 0.1, 5.0, 150
_LARGE = 64 * 2**20  # bytes of θ and the optimizer's memory, of which one copy is kept


class Unfinished(Exception):
    """No more steps are to be taken again: the time for it is over, or somebody wishes to stop."""


@final
@dataclass(frozen=True)
class Anchor:
    """Where training stood before a step; state without θ is the optimizer's."""

    step: int
    theta: Array
    optimizer: dict[str, Array]
    made: float


@final
@dataclass(frozen=True)
class _Asked:
    """What the engine was asked to do from a step on."""

    step: int
    order: Array
    bounds: Array
    rates: Rates


@final
class Trail:
    """Keeps what is needed to take the last steps of a training again.

    Parameters
    ----------
    engine : Engine
    block : Block

    Attributes
    ----------
    start : Anchor or None
        Where training stood before its first step here; of the optimizer's memory nothing is kept.
    """

    def __init__(self, engine: Engine, block: Block) -> None:
        self.engine, self.block = engine, block
        self.start: Anchor | None = None
        self._anchors: list[Anchor] = []
        self._asked: list[_Asked] = []
        self._wait = _SECONDS_BETWEEN_COPIES
        self._stop: Callable[[], bool] = _never

    # --- while training ---------------------------------------------------------------------------------------------

    def note(self, order: Array, bounds: Array, rates: Rates) -> None:
        """Note what the engine is about to be asked; see `Engine.run`."""
        step = self.engine.state.step
        last = self._anchors[-1] if self._anchors else None
        if last is None or (step - last.step >= STEPS and time.perf_counter() - last.made >= self._wait):
            self._anchor()
        self._asked.append(_Asked(step, order, bounds, rates))

    def _anchor(self) -> None:
        began = time.perf_counter()
        dropped = self._anchors.pop(0) if len(self._anchors) == self._most else None
        anchor = self._copy(began, dropped)
        self._wait = min(max(_SECONDS_BETWEEN_COPIES, _COPY_COSTS * (time.perf_counter() - began)), _MOST_SECONDS)
        if self.start is None:
            self.start = Anchor(anchor.step, anchor.theta, {}, began)
        self._anchors.append(anchor)
        kept = self._anchors[0].step
        self._asked = [asked for asked in self._asked if asked.step + len(asked.rates) > kept]

    @property
    def _most(self) -> int:
        """How many copies are kept."""
        memory = self.engine.state.optimizer.values()
        return 1 if self.engine.network.theta.nbytes + sum(array.nbytes for array in memory) > _LARGE else 2

    def _copy(self, made: float, dropped: Anchor | None = None) -> Anchor:
        """Return where the engine stands, perhaps written over a copy that nobody needs: new memory is slow."""
        state, old = self.engine.state, {} if dropped is None else dropped.optimizer
        memory = {name: _copied(array, old.get(name)) for name, array in state.optimizer.items()}
        begun = None if self.start is None else self.start.theta
        theta = None if dropped is None or dropped.theta is begun else dropped.theta
        return Anchor(state.step, _copied(self.engine.network.theta, theta), memory, made)

    def here(self) -> Anchor:
        """Return where the engine stands."""
        return self._copy(time.perf_counter())

    # --- afterwards -------------------------------------------------------------------------------------------------

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """From where steps can be taken again, the earliest first."""
        return tuple(self._anchors)

    def rows_and_rates(self, step: int) -> tuple[Array, Rates]:
        """Return the rows of a step that was asked for, and its rates."""
        asked = next(asked for asked in reversed(self._asked) if asked.step <= step)
        i = step - asked.step
        return asked.order[asked.bounds[i] : asked.bounds[i + 1]], asked.rates[i : i + 1]

    def rows_since(self, first: int, last: int) -> Array:
        """Return all rows of the block that the steps from `first` to `last`, both included, have met."""
        met = np.zeros(len(self.block), bool)
        for asked, a, b in self._parts(first, last + 1):
            met[asked.order[asked.bounds[a] : asked.bounds[b]]] = True
        return np.flatnonzero(met)

    @property
    def end(self) -> int:
        """The step behind the last one that was asked for."""
        return self._asked[-1].step + len(self._asked[-1].rates)

    @contextlib.contextmanager
    def borrowed(self, stop: Callable[[], bool]) -> Iterator[Anchor]:
        """Let the engine be used for something else until `stop` says so; give where it stands, and leave it there."""
        before, self._stop = self.here(), stop
        try:
            yield before
        finally:
            self._stop = _never
            self.stand(before)

    def go_on(self) -> None:
        """Raise Unfinished if it is time to stop."""
        if self._stop():
            raise Unfinished

    def stand(self, anchor: Anchor) -> None:
        """Let the engine stand somewhere."""
        self.engine.network.theta[:] = anchor.theta
        memory = {name: array.copy() for name, array in anchor.optimizer.items()}
        self.engine.state = State(memory, anchor.step)

    def take(self, last: int, block: Block | None = None, rate: float = 1.0) -> Steps:
        """Take the steps up to, but not, `last`, from where the engine stands.

        Perhaps with other weights of the rows, or at `rate` times the learning rates.

        Raises
        ------
        NonFiniteError
            Where they end.
        Unfinished
            If it is time to stop before.
        """
        met = Steps(np.empty(0), np.empty(0))
        for asked, a, b in self._parts(self.engine.state.step, last):
            first, bounds = asked.bounds[a], asked.bounds[a : b + 1]
            order = asked.order[first : bounds[-1]]
            rates = Rates(asked.rates.learning_rate[a:b] * rate, asked.rates[a:b].momentum)
            met += self.run(block or self.block, order, bounds - first, rates)
        return met

    def run(self, block: Block, order: Array, bounds: Array, rates: Rates) -> Steps:
        """Let the engine take all of some steps; see `Engine.run`, and `take` for what is raised."""
        steps = self.engine.run(block, order, bounds, rates, self._stop)
        if len(steps) < len(rates):
            raise Unfinished
        return steps

    def _parts(self, first: int, last: int) -> Iterator[tuple[_Asked, int, int]]:
        """Give what was asked for the steps from `first` up to `last`, and which part of it that is."""
        ends = [asked.step for asked in self._asked[1:]]  # one that was broken off ends where the next begins
        for asked, end in zip(self._asked, [*ends, last], strict=True):
            a, b = max(first, asked.step), min(last, end, asked.step + len(asked.rates))
            if a < b:
                yield asked, a - asked.step, b - asked.step


def _copied(array: Array, over: Array | None) -> Array:
    if over is None or over.shape != array.shape or over.dtype != array.dtype:
        return array.copy()
    np.copyto(over, array)
    return over


def _never() -> bool:
    return False
