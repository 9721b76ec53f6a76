"""How well predictions do on rows, in a measure that is alike for classes and numbers, and differences that are real.

Knows arrays only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@final
@dataclass(frozen=True, eq=False)
class Judged:
    """How well something predicts some rows.

    Parameters
    ----------
    waste : (m,) array
        Of each row; their mean is 1 for the best constant guess.
    weight : (m,) array
    right : float or None
        The share of rows whose class is right, each counted once.
    """

    waste: Array
    weight: Array
    right: float | None = None

    @property
    def skill(self) -> float:
        """1 is perfect, 0 no better than guessing."""
        return 1.0 - float(np.average(self.waste, weights=self.weight))


def share(value: float) -> str:
    """Return an error over that of guessing in words, to stand before a noun: "32% of" or "many times"."""
    return "nothing finite, not" if not np.isfinite(value) else "many times" if value > 10 else f"{value:.0%} of"


def figure(value: float) -> str:
    """Return the same to stand alone."""
    return "nothing finite" if not np.isfinite(value) else "many times that" if value > 10 else f"{value:.0%}"


@final
@dataclass(frozen=True)
class Gap:
    """By how much one predictor does better than another on the same rows.

    Parameters
    ----------
    size : float
        The difference of their skills.
    sure : float
        In standard errors.
    """

    size: float
    sure: float

    @property
    def real(self) -> bool:
        """Whether it is beyond chance and large enough to matter."""
        return self.size > 0.03 and self.sure > 3


def gap(worse: Judged, better: Judged) -> Gap:
    """Return by how much `better` does better, row by row."""
    difference = worse.waste - better.waste
    weight = worse.weight / worse.weight.sum()
    size = float((weight * difference).sum())
    error = float(np.sqrt((weight**2 * (difference - size) ** 2).sum()))
    return Gap(size, size / error if error > 0 else 0.0)
