"""The judge: looks at a method from outside the count and the clock, and tells where it stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.errors import NonFiniteError
from glassnet.maths.random import Purpose, generator
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.racing.records import Point
from glassnet.rivals import Arena

Array = NDArray[Any]

_MOST_JUDGED = 2000
"""Training rows by which curves are drawn; more would make the judge slower than the race."""

_LOOKS_OF_A_RUN = 40


@final
class Judge:
    """Looks at a method from outside the count: its error, its angle to the gradient, and how it ends.

    Parameters
    ----------
    net : Network
    objective : Objective
    block, held_out : Block
    seed : int
        Decides which rows curves are judged by where there are many.
    engine, threads
        As for `Arena`.
    """

    def __init__(
        self,
        net: Network,
        objective: Objective,
        block: Block,
        held_out: Block | None,
        seed: int,
        engine: str,
        threads: int | None,
    ) -> None:
        m = len(block)
        self._is_warm = False
        self.rows = np.arange(m)
        if m > _MOST_JUDGED:
            self.rows = np.sort(generator(seed, Purpose.SAMPLING).choice(m, _MOST_JUDGED, replace=False))
        rows = self.rows
        part = Block(block.x[rows], block.y[rows], block.sample_weight[rows])
        plain = Objective(objective.loss)
        self._arena = Arena(net, objective, part, engine=engine, threads=threads)
        self._plain = Arena(net, plain, block, engine=engine, threads=threads)
        self._held_out = None if held_out is None else Arena(net, plain, held_out, engine=engine, threads=threads)

    def warm_up(self, arena: Arena, theta: Array) -> None:
        """Ask each question once, so that nothing is compiled while a clock runs."""
        if self._is_warm:
            return
        arena.costs(theta[None])
        arena.gradient(theta)
        self.end(theta)
        self._is_warm = True

    def seconds(self, arena: Arena) -> float:
        """Return about how long judging one run takes."""
        theta = np.zeros(arena.size)
        with arena.resting():
            self.warm_up(arena, theta)
            point = Point(0, 0.0, 0.0, 0.0)
            look = min(_seconds(lambda: self.look(theta, theta, point)) for _ in range(3))
            return _LOOKS_OF_A_RUN * look + _seconds(lambda: self.end(theta))

    def error(self, theta: Array) -> float:
        """Return the error that methods make smaller, on the rows that are judged by."""
        return float(self._arena.losses(theta[None])[0])

    def look(self, before: Array, theta: Array, point: Point) -> Point:
        """Return a point with its error and the angle of the step that led to it."""
        return replace(point, error=self.error(theta), angle=self._angle(before, theta))

    def _angle(self, before: Array, theta: Array) -> float:
        step = theta - before
        try:
            downhill = -self._arena.gradient(before)[1]
        except NonFiniteError:
            return float("nan")
        return angle_between(step, downhill)

    def end(self, theta: Array) -> tuple[float, float | None, float | None, float | None]:
        """Return error and accuracy on the training rows, then on the held-out ones, without penalty."""
        seen = _scores(self._plain, theta)
        return (*seen, *(_scores(self._held_out, theta) if self._held_out is not None else (None, None)))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def angle_between(u: Array, v: Array) -> float:
    """Return the angle between two vectors in degrees, from 0 to 180; NaN where one is 0.

    Kahan's formula, which is exact for small angles too: 2·atan2(|u/|u| − v/|v||, |u/|u| + v/|v||).

    Examples
    --------
    >>> import numpy as np
    >>> angle_between(np.array([2.0, 0.0]), np.array([0.0, 0.5]))
    90.0
    """
    lengths = float(np.linalg.norm(u)), float(np.linalg.norm(v))
    if not all(np.isfinite(length) and length > 0 for length in lengths):
        return float("nan")
    a, b = u / lengths[0], v / lengths[1]
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def _scores(arena: Arena, theta: Array) -> tuple[float, float | None]:
    accuracy = float(arena.accuracies(theta[None])[0]) if arena.has_classes else None
    return float(arena.losses(theta[None])[0]), accuracy
