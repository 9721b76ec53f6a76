"""All combinations: a grid over the weights, counted through in an order that is stated.

Which combination is the k-th is arithmetic on the digits of k, so that blocks are made at once and a run can begin
anywhere. How long it takes is said beforehand, by `waiting`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import refusal, require_choice, require_number, require_whole
from glassnet.rivals.arena import Arena
from glassnet.rivals.candidates import at_once
from glassnet.rivals.rival import Rival
from glassnet.rivals.waiting import Wait, waits

Array = NDArray[Any]

_BLOCK = 4096
_MOST_VALUES = 10**6
_MEASURE_SECONDS = 0.05


@final
@dataclass(frozen=True)
class Grid(Rival):
    """All combinations: each weight takes each of its values with each of the others' values.

    Parameters
    ----------
    values : int
        How many values a weight takes, evenly spaced from −reach to reach.
    reach : float
    order : {"spread", "count"}
        "count" counts with the last weight fastest, as a clock does. "spread" visits the same combinations, each once,
        in an order whose early ones are spread over the whole grid.
    first : int
        The combination to begin with, to go on where another run with the same seed has stopped.

    Notes
    -----
    The k-th combination has the digits d = s + C·c modulo v, where c are the digits of k to the base v = values, the
    last one first. Counting has s = 0, and C hands the digits to the weights from the last one on. The spread order
    draws the shift s at random, and C as a random triangular matrix whose diagonal is prime to v, which makes it one
    to one: the generator matrix of a digital net (Niederreiter 1992), here without its guarantee of evenness.

    Where the budget holds all vⁿ combinations it finds the best point of the grid, whatever the landscape is. vⁿ
    grows by the factor v with each weight: at 10⁹ trials a second and 1000 values, 2 weights take 1 ms and 5 take
    11.5 days.

    Examples
    --------
    >>> for wait in Grid(1000).table(1e9, weights=(2, 3, 4, 5)):
    ...     print(wait)
    2 weights: 1,000,000 combinations, 1 ms
    3 weights: 10⁹ combinations, 1 s
    4 weights: 10¹² combinations, 16 minutes
    5 weights: 10¹⁵ combinations, 11.5 days
    """

    name = "grid"
    title = "All combinations"
    idea = "Try every combination of values of all weights, and keep the best."
    source = "the full factorial design: Fisher, The design of experiments, 1935"
    never_worse = True

    values: int = 1000
    reach: float = 5.0
    order: str = "spread"
    first: int = 0

    def __post_init__(self) -> None:
        require_whole(self, "values", low=2)
        if self.values > _MOST_VALUES:
            raise refusal(self, "values", f"at most {_MOST_VALUES:,}")
        require_number(self, "reach", low=0, ends="()")
        require_choice(self, "order", ("spread", "count"))
        require_whole(self, "first", low=0)
        if self.first >= 2**62:
            raise refusal(self, "first", "a number below 2**62, more than any machine counts to")

    def table(self, per_second: float, weights: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)) -> list[Wait]:
        """Return how many combinations some numbers of weights have, and how long they take."""
        return waits(self.values, per_second, weights)

    def refusal(self, arena: Arena) -> str:
        """Return why it cannot begin at `first`, if the grid ends before it."""
        total = self._total(arena)
        return f"There are {total:,} combinations; none is left at first={self.first:,}." if self.first >= total else ""

    def caution(self, arena: Arena) -> str:
        """Return how many combinations there are and how long they take, with a table, at the speed measured now."""
        per_second = self._measure(arena)
        whole = Wait(len(arena.free), self.values, per_second)
        rows = f"{arena.rows:,} row{'s' * (arena.rows > 1)}"
        says = (
            f"{self.title}: {whole.weights:,} weights of {self.values:,} values each have {whole.combinations} "
            f"combinations. At the {per_second:,.0f} a second just measured here, on {rows}, "
            f"all of them take {whole.duration}. It tries as many as the budget allows. At that speed:"
        )
        return "\n  ".join([says, *map(str, self.table(per_second))])

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield the best θ so far, the start among them, after each block; ends when all combinations are tried."""
        shift, matrix = self._order(len(arena.free), chance)
        best = theta.copy()
        cost = arena.costs(best[None])[0]
        k, total = self.first, self._total(arena)
        while k < total:
            count = min(at_once(arena, _BLOCK), total - k)
            winner, lowest = self._try(arena, theta, self._combinations(k, count, shift, matrix))
            if lowest < cost:
                best, cost = winner, lowest
            k += count
            yield best

    def _try(self, arena: Arena, theta: Array, combinations: Array) -> tuple[Array, float]:
        """Return the best θ of a block of combinations, and its cost."""
        tried = np.tile(theta, (len(combinations), 1))
        tried[:, arena.free] = np.linspace(-self.reach, self.reach, self.values)[combinations]
        costs = arena.costs(tried)
        winner = int(np.argmin(costs))
        return tried[winner].copy(), float(costs[winner])

    def _measure(self, arena: Arena) -> float:
        """Return how many combinations a second are made and tried on all rows, timed for a moment and not counted."""
        shift, matrix = self._order(len(arena.free), np.random.default_rng(0))
        count, theta = at_once(arena, _BLOCK), np.zeros(arena.size)
        with arena.resting():
            arena.costs(theta[None])  # whatever is compiled or allocated at first use
            tried, began = 0, time.perf_counter()
            while (passed := time.perf_counter() - began) < _MEASURE_SECONDS or not tried:
                self._try(arena, theta, self._combinations(tried, count, shift, matrix))
                tried += count
        return tried / passed

    def _total(self, arena: Arena) -> int:
        """Return the number of combinations, or 2⁶² where there are more: no machine counts so far."""
        n = len(arena.free)
        return 2**62 if n * math.log2(self.values) >= 62 else self.values**n

    def _order(self, n: int, chance: np.random.Generator) -> tuple[Array, Array]:
        """Return the shift (n,) and the matrix (digits, n) that make a combination of the digits of its number."""
        digits = min(n, math.ceil(62 / math.log2(self.values)))
        if self.order == "count":
            return np.zeros(n, np.int64), np.eye(digits, n, dtype=np.int64)[:, ::-1]
        units = np.flatnonzero(np.gcd(np.arange(self.values), self.values) == 1)
        matrix = np.triu(chance.integers(0, self.values, (digits, n)), 1)
        matrix[np.arange(digits), np.arange(digits)] = chance.choice(units, digits)
        matrix[0] = chance.choice(units, n)  # so that each weight takes all its values within the first v combinations
        return chance.integers(0, self.values, n), matrix

    def _combinations(self, first: int, count: int, shift: Array, matrix: Array) -> Array:
        """Return the digits of combinations `first` to `first` + `count`: (count, n) int, each from 0 to values − 1."""
        k = np.arange(first, first + count)
        digits: list[Array] = []
        while len(digits) < len(matrix) and k.any():
            k, digit = np.divmod(k, self.values)
            digits.append(digit)
        if not digits:
            return np.tile(shift, (count, 1))
        # sums of products below 4·10¹², which float64 holds exactly and multiplies much faster
        moved = np.stack(digits, axis=1).astype(np.float64) @ matrix[: len(digits)].astype(np.float64)
        combinations: Array = (shift + moved.astype(np.int64)) % self.values
        return combinations
