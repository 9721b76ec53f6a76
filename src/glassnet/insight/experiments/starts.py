"""What the experiments have in common: they begin at many random places, and one of the runs is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from glassnet.errors import InputError

Progress = Callable[[int, int], None]
"""Called with how many starts are done, and how many there are."""

MOST_SEEDS = 10_000


class _Run(Protocol):
    @property
    def seed(self) -> int: ...

    @property
    def error(self) -> float: ...


Run = TypeVar("Run", bound=_Run)


def check_seeds(seeds: int, seed: int | None) -> int:
    """Return how many starts there are to be: seeds 0 to `seeds` − 1.

    Raises
    ------
    InputError
        If `seeds` is no such number, or the seed to show is not among them.
    """
    if isinstance(seeds, bool) or not isinstance(seeds, int | np.integer) or not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"seeds is {seeds!r}; expected how many random starts to train from, 1 to {MOST_SEEDS:,}.")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < seeds):
        raise InputError(f"seed is {seed!r}; expected the start to show, 0 to {seeds - 1}, or None for a typical one.")
    return int(seeds)


def to_show(runs: Sequence[Run], seed: int | None) -> Run:
    """Return the run of a seed; without one that with the median error at the end, the earlier of two such."""
    if seed is not None:
        return runs[seed]
    return sorted(runs, key=lambda run: (run.error, run.seed))[(len(runs) - 1) // 2]


def uniform(spread: float) -> str:
    """Return the initializer that draws evenly between −spread and spread."""
    return f"uniform({-spread!r}, high={spread!r})"
