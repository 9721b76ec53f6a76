"""The error at many θ at once, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.team import cores
from glassnet.engines import Block, Descent, make_engine
from glassnet.insight.subject import Subject
from glassnet.maths.optimizers import SGD
from glassnet.maths.random import Purpose, generator

Array = NDArray[Any]

_BYTES_AT_A_TIME = 8 * 2**20
"""More at a time takes longer: memory that is new for each part has to be cleared first."""


@final
class Heights:
    """Asks the compiled engine for the error of a subject's rows at θ after θ, in float64, without dropout.

    Parameters
    ----------
    subject : Subject
    rows : (r,) int array or None
        Which rows count; None takes all.
    """

    def __init__(self, subject: Subject, rows: Array | None = None) -> None:
        chosen = slice(None) if rows is None else rows
        self._block = Block(subject.x[chosen], subject.targets[chosen], subject.sample_weight[chosen])
        self._engine = make_engine("compiled", subject.network, subject.objective, Descent(SGD()), 1, 0)
        self._size = subject.network.theta.size

    def of(self, count: int, thetas: Callable[[slice], Array], tell: Callable[[int], object] | None = None) -> Array:
        """Return the errors (count,) at the θs that ``thetas(part)`` gives, (p, n) for each part in turn.

        After each part, `tell` hears how many are done.
        """
        errors = np.empty(count)
        for part in self._parts(count):
            errors[part] = self._engine.losses(np.ascontiguousarray(thetas(part), np.float64), self._block)
            if tell is not None:
                tell(part.stop)
        return errors

    def _parts(self, count: int) -> Iterator[slice]:
        """Cut a stack so that each part fits into memory and gives every core as much to do."""
        team = cores()
        step = max(1, _BYTES_AT_A_TIME // (8 * self._size * team)) * team
        for first in range(0, count, step):
            yield slice(first, min(count, first + step))


def sample_rows(m: int, limit: int, seed: int) -> Array | None:
    """Return at most `limit` of m row numbers, ascending, or None where all of them are taken."""
    if m <= limit:
        return None
    chance = generator(seed, Purpose.SAMPLING, 2)
    return np.sort(chance.choice(m, limit, replace=False))
