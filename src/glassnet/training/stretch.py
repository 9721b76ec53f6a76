"""What an engine is handed at a time: the rows and the rates of steps that follow one another, of several epochs even.

All of it is a pure function of where the steps stand, so that it does not matter where one stretch ends and the next
begins. Nothing here costs Python per step, nor, unless rows are shuffled or a schedule is asked, per epoch.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Rates
from glassnet.maths.optimizers import Optimizer
from glassnet.maths.random import Purpose
from glassnet.maths.schedules import Schedule
from glassnet.maths.seeds import generators

Array = NDArray[Any]


@final
class Orders:
    """Which rows each step of a training meets; a pure function of the seed and the epoch.

    Parameters
    ----------
    rows, batch_size : int
    seed : int
    shuffle : bool
        Whether each epoch has an order of its own; where an epoch is one step the order has no meaning.
    """

    def __init__(self, rows: int, batch_size: int, seed: int, shuffle: bool) -> None:
        self.rows, self.batch_size, self.seed = rows, batch_size, seed
        self.steps_per_epoch = -(-rows // batch_size)
        self._shuffles = shuffle and self.steps_per_epoch > 1
        self._kept, self._from = np.empty(0, np.int64), 0  # whole epochs' orders, and the epoch of the first
        self._bounds, self._bounds_of = np.zeros(1, np.int64), (0, 0)  # and of which steps they are

    def of_steps(self, epoch: int, step: int, n: int) -> tuple[Array, Array]:
        """Return the rows of n steps, from a step of an epoch on, and the bounds between them; see `Engine.run`."""
        if self._bounds_of != (step, n):
            epochs, step_of_epoch = np.divmod(np.arange(step, step + n + 1), self.steps_per_epoch)
            self._bounds = epochs * self.rows + (step_of_epoch - step) * self.batch_size
            self._bounds_of = step, n
        first = step * self.batch_size
        last = first + int(self._bounds[-1])
        self._keep(epoch, -(-last // self.rows))
        skipped = (epoch - self._from) * self.rows if self._shuffles else 0
        return self._kept[skipped + first : skipped + last], self._bounds

    def _keep(self, epoch: int, count: int) -> None:
        """See to it that the orders of `count` epochs are at hand, one after the other."""
        at_hand = range(self._from, self._from + len(self._kept) // self.rows)
        if not self._shuffles:
            if count > len(at_hand):
                self._kept = np.tile(np.arange(self.rows), count)
        elif epoch not in at_hand or epoch + count - 1 not in at_hand:
            self._kept, self._from = np.tile(np.arange(self.rows), count), epoch
            epochs = generators(self.seed, Purpose.BATCHES, range(epoch, epoch + count))
            for order, chance in zip(self._kept.reshape(count, -1), epochs, strict=True):
                chance.shuffle(order)


def rates_of_steps(
    optimizer: Optimizer,
    schedule: Schedule | None,
    state: dict[str, Array],
    steps_per_epoch: int,
    epoch: int,
    step: int,
    n: int,
) -> Rates:
    """Return the rates of n steps, from a step of an epoch on; `state` is the schedule's."""
    own, own_momentum = optimizer.learning_rate, optimizer.own_momentum
    if schedule is None:
        return Rates(np.full(n, own, np.float64))
    steps = np.arange(n) + epoch * steps_per_epoch + step
    t = steps if schedule.per == "step" else steps // steps_per_epoch
    points = [schedule.at(count, own, own_momentum, state) for count in range(t[0], t[-1] + 1)]
    learning_rate = np.array([rate for rate, _ in points], np.float64)[t - t[0]]
    if all(momentum is None for _, momentum in points):
        return Rates(learning_rate)
    momenta = [own_momentum if momentum is None else momentum for _, momentum in points]
    return Rates(learning_rate, np.array(momenta, np.float64)[t - t[0]])
