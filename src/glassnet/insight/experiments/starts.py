"""What the experiments have in common: they begin at many random places, and one of the runs is shown."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from glassnet.errors import GlassnetWarning, InputError
from glassnet.training.history import History
from glassnet.training.loop import INTERRUPTED
from glassnet.training.train import train

Progress = Callable[[int, int], None]
"""Called with how many starts are done, and how many there are."""

MOST_SEEDS = 10_000


class _Run(Protocol):
    @property
    def seed(self) -> int: ...

    @property
    def error(self) -> float: ...


Run = TypeVar("Run", bound=_Run)


def whole_training(*arguments: Any, **options: Any) -> History:
    """Train as `gn.train` does, but pass Ctrl-C on: a run that was cut short must not count as one of the starts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlassnetWarning)
        history = train(*arguments, **options)
    if history.stopped == INTERRUPTED:
        raise KeyboardInterrupt
    return history


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
