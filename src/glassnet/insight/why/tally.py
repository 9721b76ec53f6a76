"""The books of a weight: what each row, and all else, added to its movement over some steps, memory included.

A step is linear in its gradients for the sizes it divides by (`glassnet.maths.optimizers.anatomy`), so a gradient moves
the weight in its own step and, through the optimizer's memory, in those after it. Both are booked to who made it.
"""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.why.slopes import Slope
from glassnet.maths.optimizers.anatomy import Anatomy

Array = NDArray[Any]

MEMORY, L1, L2, DECAY, CLIPPING = "memory", "l1", "l2", "weight_decay", "clipping"
ROWS, ROUNDING = "rows", "rounding"
PLAIN, MOMENTUM, SCALING, CORRECTION = "plain", "momentum", "scaling", "correction"

_APART = (MEMORY, L1, L2, DECAY, CLIPPING)
_FEWEST_ROWS = 4096


@final
class Tally:
    """Sums up steps as they come.

    Parameters
    ----------
    m : int
        How many rows there are.
    memory : float
        What the optimizer remembered before the first step.

    Attributes
    ----------
    memory : float
        What it remembers now, carried on in float64.
    met : (m,) int64 array
        In how many of the booked steps each row was met.
    clipped : int
        In how many steps clipping changed the slope.
    last : tuple or None
        The last step: its slope and anatomy, the weight and the memory before it.
    """

    def __init__(self, m: int, memory: float) -> None:
        self._m, self.memory = m, memory
        self._apart, self._apart_in_memory = np.zeros(len(_APART)), np.zeros(len(_APART))
        self._apart_in_memory[0] = memory
        self._rows, self._rows_in_memory = np.zeros(m), np.zeros(m)
        self.met = np.zeros(m, np.int64)
        self._signal, self._blame = np.zeros(m), np.zeros(m)
        self._stages: dict[str, list[float]] = {}
        self._steps: list[tuple[Slope, Anatomy, Array]] = []
        self._waiting = 0
        self.clipped = 0
        self.last: tuple[Slope, Anatomy, float, float] | None = None

    def add(self, slope: Slope, anatomy: Anatomy, w: float) -> None:
        """Book a step from w."""
        decay = anatomy.decay * w
        apart = np.array([0.0, slope.l1, slope.l2, decay, slope.clipping])
        g = slope.total + decay
        self.last = slope, anatomy, w, self.memory
        self.memory = anatomy.keep * self.memory + number_of(anatomy.entry) * g
        shrink = -anatomy.shrink * w
        self._apart[_APART.index(DECAY)] += shrink
        plain = [-anatomy.rate * math.fsum(slope.pushes), *(-anatomy.rate * apart[1:])]
        plain[3] += shrink
        stages = dict(zip((PLAIN, L1, L2, DECAY, CLIPPING), plain, strict=True))
        stages |= {MOMENTUM: anatomy.momentum, SCALING: anatomy.scaling, CORRECTION: anatomy.correction}
        for name, change in stages.items():
            self._stages.setdefault(name, []).append(number_of(change))
        self.clipped += slope.clipping != 0
        self._steps.append((slope, anatomy, apart))
        self._waiting += len(slope.rows)
        if self._waiting >= max(self._m, _FEWEST_ROWS):  # what is done with all m rows is then done once for them
            self._book()

    def add_unsplit(self, slope: Slope) -> None:
        """Book a step that cannot be taken apart: of each row, how much its slope pulled downhill."""
        np.subtract.at(self._rows, slope.rows, slope.pushes)
        self._meet([slope])

    def _book(self) -> None:
        """Book the steps that wait: what they moved, and what of them stays in the memory."""
        on_memory, remains = 0.0, 1.0  # how b after a step moves w from the next one on, and what stays of it
        weights, left = np.zeros(len(self._steps)), np.zeros(len(self._steps))
        for t in range(len(self._steps) - 1, -1, -1):
            anatomy = self._steps[t][1]
            on_memory += number_of(anatomy.lever)
            weights[t] = number_of(anatomy.direct) + number_of(anatomy.entry) * on_memory
            left[t] = number_of(anatomy.entry) * remains
            on_memory *= anatomy.keep
            remains *= anatomy.keep
        for total, in_memory in ((self._apart, self._apart_in_memory), (self._rows, self._rows_in_memory)):
            total -= on_memory * in_memory
            in_memory *= remains
        apart = np.stack([each for _, _, each in self._steps])
        self._apart -= weights @ apart
        self._apart_in_memory += left @ apart
        rows = np.concatenate([slope.rows for slope, _, _ in self._steps])
        pushes = np.concatenate([slope.pushes for slope, _, _ in self._steps])
        of_step = np.repeat(np.arange(len(self._steps)), [len(slope.rows) for slope, _, _ in self._steps])
        self._rows -= np.bincount(rows, weights[of_step] * pushes, self._m)
        self._rows_in_memory += np.bincount(rows, left[of_step] * pushes, self._m)
        self._meet([slope for slope, _, _ in self._steps])
        self._steps, self._waiting = [], 0

    def _meet(self, slopes: list[Slope]) -> None:
        rows = np.concatenate([slope.rows for slope in slopes])
        self.met += np.bincount(rows, minlength=self._m)
        self._signal += np.bincount(rows, np.concatenate([slope.signal for slope in slopes]), self._m)
        self._blame += np.bincount(rows, np.concatenate([slope.blame for slope in slopes]), self._m)

    # --- what came of it -------------------------------------------------------------------------------------------

    def rows(self) -> Array:
        """Return how far each row moved the weight: (m,) float64."""
        if self._steps:
            self._book()
        return self._rows

    def parts(self) -> dict[str, float]:
        """Return how far the rows together, and all else, moved the weight; all but rounding."""
        return {ROWS: math.fsum(self.rows()), **dict(zip(_APART, self._apart.tolist(), strict=True))}

    def stages(self) -> dict[str, float]:
        """Return the same movement as plain descent and what each stage of the optimizer changed."""
        return {name: math.fsum(changes) for name, changes in self._stages.items()}

    def mean_signal(self) -> Array:
        """Return the mean signal that the weight carried for each row: (m,); NaN of rows that were not met."""
        return self._mean(self._signal)

    def mean_blame(self) -> Array:
        """Return the mean blame of each row behind the weight: (m,); NaN of rows that were not met."""
        return self._mean(self._blame)

    def _mean(self, total: Array) -> Array:
        mean: Array = np.divide(total, self.met, out=np.full(self._m, np.nan), where=self.met > 0)
        return mean


def number_of(value: Array | float) -> float:
    """Return the one number that an anatomy of one weight holds."""
    return float(np.asarray(value).item())
