"""What people pass to a race, checked one by one: each function returns what the race can use, or a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassnet.engines import Block
from glassnet.errors import InputError
from glassnet.maths.random import check_seed
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.rivals import RIVALS, Rival
from glassnet.training.arguments import make_blocks

EVERY_METHOD = "all"


def make_race_blocks(
    net: Network,
    objective: Objective,
    X: ArrayLike,
    Y: ArrayLike,
    sample_weight: ArrayLike | None,
    validation: Any,
    seed: int,
) -> tuple[Block, Block | None]:
    """Return the checked rows, in float64, to train on and to judge the ends by."""
    return make_blocks(net.astype(np.float64), objective, X, Y, sample_weight, validation, seed)


def as_rivals(methods: Sequence[str | Rival] | str | None) -> list[Rival]:
    """Return the methods that are meant, each once."""
    if methods is None or methods == EVERY_METHOD:
        return list(RIVALS.values())
    given: Iterable[Any] = [methods] if isinstance(methods, str | Rival) else methods
    rivals = [RIVALS.resolve(method) for method in given]
    if not rivals:
        raise InputError(f"methods names none; expected some of {', '.join(RIVALS)}.")
    specs = [rival.spec for rival in rivals]
    twice = next((spec for spec in specs if specs.count(spec) > 1), None)
    if twice is not None:
        raise InputError(f"methods names {twice!r} twice; each method runs once for each start.")
    return rivals


def as_seeds(seeds: int | Sequence[int], first: int) -> list[int]:
    """Return the seeds that are meant: those given, or so many from the first on."""
    if isinstance(seeds, int | np.integer) and not isinstance(seeds, bool):
        if seeds < 1:
            raise InputError(f"seeds is {seeds}; expected how many starts, from 1 up, or a list of seeds.")
        return [first + k for k in range(int(seeds))]
    if isinstance(seeds, str | bool) or not isinstance(seeds, Sequence) or not len(seeds):
        raise InputError(f"seeds is {seeds!r}; expected how many starts, from 1 up, or a list of seeds.")
    numbers = [check_seed(seed) for seed in seeds]
    if len(set(numbers)) < len(numbers):
        raise InputError(f"seeds is {seeds!r}, which names one twice; expected different ones.")
    return numbers


def as_evaluations(value: object) -> int | None:
    """Return a budget of evaluations as a whole number."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 1 <= value < 2**62:
        raise InputError(f"evaluations is {value!r}; expected how many each method may spend, such as 1_000_000.")
    return int(value)


def as_seconds(name: str, value: object) -> float | None:
    """Return a time in seconds; None stays."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
        raise InputError(f"{name} is {value!r}; expected a time in seconds, such as 2.0.")
    return float(value)
