"""Which steps of a run are meant, as people say it: an epoch, some epochs, a step, some steps, or all of them.

Epochs and steps are counted from 0, and 2:5 means 2, 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from glassnet.errors import InputError
from glassnet.training import Replay

Range: TypeAlias = "str | Sequence[int] | range"
"""How a person names several: "2:5", (2, 5) or range(2, 5)."""

_WRITTEN = re.compile(r"\s*(\d*)\s*:\s*(\d*)\s*")


@final
@dataclass(frozen=True)
class Span:
    """Steps of a run, from `first` up to, but not, `last`.

    Parameters
    ----------
    first, last : int
        Counted over the whole run, from 0.
    steps_per_epoch : int
    steps : int
        How many the run took in all.
    up_to_best : bool
        Whether it ends where the run was best, though it went on; nobody named a range then.
    """

    first: int
    last: int
    steps_per_epoch: int
    steps: int
    up_to_best: bool = False

    def __len__(self) -> int:
        return self.last - self.first

    def __str__(self) -> str:
        """In words."""
        size = self.steps_per_epoch
        epoch, end = self.first // size, -(-self.last // size)
        counted = f"steps {self.first} to {self.last - 1}" if len(self) > 1 else f"step {self.first}"
        whole = self.first % size == 0 and (self.last % size == 0 or self.last == self.steps)
        if (self.first, self.last) == (0, self.steps):
            return f"in the whole training, {counted}"
        if self.up_to_best:
            return f"in epochs 0 to {end - 1}, {counted}, of which the last is the best"
        if whole and size > 1:
            epochs = f"epoch {epoch}" if end - epoch == 1 else f"epochs {epoch} to {end - 1}"
            return f"in {epochs}, {counted}"
        return f"in {counted}" + (f" of epoch {epoch}" if end - epoch == 1 and size > 1 else "")


def as_span(
    replay: Replay,
    *,
    epoch: int | None = None,
    epochs: Range | None = None,
    step: int | None = None,
    steps: Range | None = None,
) -> Span:
    """Return the steps that are meant; without a word, all that made the weights that the run left.

    Raises
    ------
    InputError
        If several ranges are named, one is not a range, or the run has no such steps.
    """
    named = {"epoch": epoch, "epochs": epochs, "step": step, "steps": steps}
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} were named; expected one of them, or none for the whole training.")
    size, count = replay.steps_per_epoch, replay.steps
    if count == 0:
        raise InputError(f"The run in {replay.folder.path} has not taken a step yet, so no weight has moved.")
    if not given:
        best = replay.history.best_epoch if replay.best_theta is not None else None
        last = count if best is None else min(count, (best + 1) * size)
        return Span(0, last, size, count, up_to_best=last < count)
    name = given[0]
    per_epoch = name.startswith("epoch")
    most = -(-count // size) if per_epoch else count
    if name in ("epoch", "step"):
        first = _as_number(name, named[name], most)
        last = first + 1
    else:
        first, last = _as_range(name, named[name], most)
    return Span(first * size, min(last * size, count), size, count) if per_epoch else Span(first, last, size, count)


def _as_number(name: str, value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < most:
        raise InputError(f"{name} is {value!r:.80}; {_there_are(name, most)}")
    return int(value)


def _as_range(name: str, value: object, most: int) -> tuple[int, int]:
    """Return where a range begins and ends; "2:" and ":5" leave one end open."""
    ends: list[object] = []
    if isinstance(value, str):
        found = _WRITTEN.fullmatch(value)
        ends = [] if found is None else [int(found[1] or 0), int(found[2] or most)]
    elif isinstance(value, range):
        ends = [value.start, value.stop] if value.step == 1 else []
    elif isinstance(value, Sequence):
        ends = list(value)
    if len(ends) != 2 or any(isinstance(end, bool) or not isinstance(end, int | np.integer) for end in ends):
        raise InputError(f"{name} is {value!r:.80}; expected where it begins and ends, such as 2:5 for 2, 3 and 4.")
    first, last = (int(end) for end in ends)  # type: ignore[call-overload]
    if last <= first:
        raise InputError(f"{name} is {value!r:.80}; expected the end behind the beginning, as in 2:5 for 2, 3 and 4.")
    if not 0 <= first < last <= most:
        raise InputError(f"{name} is {value!r:.80}; {_there_are(name, most)} 2:5 means 2, 3 and 4.")
    return first, last


def _there_are(name: str, most: int) -> str:
    what = name.removesuffix("s")
    if most == 1:
        return f"the run took one {what}, number 0."
    return f"the run took {most:,} {what}s, 0 to {most - 1:,}."
