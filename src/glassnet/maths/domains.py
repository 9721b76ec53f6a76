"""Sets of numbers: what an activation can put out, and what a loss can read."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Domain:
    """An interval of the reals, with two facts that matter to losses.

    Parameters
    ----------
    name : str
        In words, for messages: "numbers between 0 and 1".
    low, high : float
        The ends; they belong to the interval only where `closed` says so.
    closed : bool
        Whether finite ends are reached: ReLU gives 0 itself, the sigmoid never does.
    sums_to_one : bool
        Each row is a distribution.
    entire : bool
        As what a loss reads: only an output that can take every value of the interval makes sense here (logits).
    """

    name: str
    low: float = -inf
    high: float = inf
    closed: bool = False
    sums_to_one: bool = False
    entire: bool = False

    def accepts(self, output: Domain) -> bool:
        """Whether every output of an activation with range `output` can be read.

        Examples
        --------
        >>> POSITIVE.accepts(UNIT), PROBABILITIES.accepts(UNIT)
        (True, False)
        """
        if self.entire:
            return (output.low, output.high) == (self.low, self.high)
        if self.sums_to_one and not output.sums_to_one:
            return False
        ends_fit = self.low <= output.low and output.high <= self.high
        touches = (output.low == self.low > -inf) or (output.high == self.high < inf)
        return ends_fit and not (touches and output.closed and not self.closed)


REALS = Domain("any real number")
LOGITS = Domain("logits, which may be any real number", entire=True)
POSITIVE = Domain("positive numbers", low=0.0)
NONNEGATIVE = Domain("numbers from 0 up", low=0.0, closed=True)
UNIT = Domain("numbers between 0 and 1", low=0.0, high=1.0)
SYMMETRIC_UNIT = Domain("numbers between −1 and 1", low=-1.0, high=1.0)
PROBABILITIES = Domain("probabilities that sum to 1 in each row", low=0.0, high=1.0, sums_to_one=True)


def above(low: float) -> Domain:
    """Return the numbers from about `low` up, reached at a minimum or never."""
    return Domain(f"numbers from about {low:.3g} up", low=low, closed=True)
