"""What the errors of the epochs tell: how fast they fall, whether they rise again, whether they jump.

Knows lists of numbers only. All losses may be held against the loss of guessing, which is 1 here; 0 is no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """The errors of a training's epochs.

    Parameters
    ----------
    loss : (e,) array
        Of training rows, as they were met, over that of guessing.
    held_out : (e,) array or None
        Of held-out rows, likewise.
    learning_rate : (e,) array
    finite : bool
    """

    loss: Array
    held_out: Array | None
    learning_rate: Array
    finite: bool

    @property
    def epochs(self) -> int:
        """How many there were."""
        return len(self.loss)

    @property
    def last(self) -> float:
        """The mean of the last tenth of the epochs."""
        return float(self.loss[-max(1, self.epochs // 10) :].mean()) if self.epochs else np.nan

    @property
    def pace(self) -> float:
        """By how much log(loss) falls in an epoch, over the last third of training; 0 where it does not fall."""
        e = self.epochs
        if e < 2:
            return np.nan
        some = np.log(np.maximum(self.loss[-max(2, e // 3) :], 1e-300))
        return float(max(0.0, -np.polyfit(np.arange(len(some)), some, 1)[0]))

    @property
    def jumps(self) -> float:
        """The share of epochs whose loss is more than a tenth above that of the epoch before."""
        if self.epochs < 3:
            return 0.0
        return float((np.diff(self.loss) > 0.1 * self.loss[:-1]).mean())

    @property
    def flat_for(self) -> int:
        """For how many epochs, up to the last, the best loss became less than 2 % better."""
        if self.epochs == 0:
            return 0
        best = np.minimum.accumulate(self.loss)
        return int((best <= 1.02 * best[-1]).sum()) - 1

    @property
    def settled(self) -> bool:
        """Whether the error has stopped falling: less than 3 % in the last quarter of at least four epochs."""
        e = self.epochs
        if e < 4:
            return False
        n = max(1, e // 4)
        before, after = float(np.median(self.loss[-2 * n : -n])), float(np.median(self.loss[-n:]))
        return after > 0.97 * before

    @property
    def best_held_out(self) -> int | None:
        """The epoch with the smallest error on held-out rows, evened out over three epochs."""
        if self.held_out is None or len(self.held_out) == 0:
            return None
        return int(np.argmin(smooth(self.held_out)))


def smooth(values: Array, width: int = 3) -> Array:
    """Return the running median of an odd number of values; fewer at the ends."""
    if len(values) < width:
        return values
    half = width // 2
    return np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))])
