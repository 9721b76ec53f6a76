"""A stored mapping, looked at part by part: what a file says is checked before it is believed.

Each method returns one part in its Python type or raises a sentence that names the part, what it is and what it must
be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.data.words import counted, listed, shown
from glassnet.errors import InputError


class Stored:
    """The parts of a mapping read from a file.

    Parameters
    ----------
    what : str
        What was stored, for the sentences.
    parts : mapping
    expected : iterable of str
        The names of all its parts.

    Raises
    ------
    InputError
        Where it is not a mapping of exactly these parts.
    """

    def __init__(self, what: str, parts: Mapping[str, Any], expected: Iterable[str]) -> None:
        self.what = what
        if not isinstance(parts, Mapping):
            raise InputError(f"A stored {what} is a mapping; got {shown(parts)}.")
        names = list(expected)
        if missing := [name for name in names if name not in parts]:
            raise InputError(f"The stored {what} lacks {listed(missing)}.")
        if foreign := [str(name) for name in parts if name not in names]:
            raise InputError(f"The stored {what} has {listed(foreign)}, which this glassnet does not know.")
        self.parts = parts

    def require(self, true: bool, part: str, must: str) -> None:
        """Raise unless `true`: the part, then what it must be."""
        if not true:
            raise InputError(f"In a stored {self.what}, {part} {must}; got {shown(self.parts[part], 60)}.")

    def text(self, part: str) -> str:
        """Return a string."""
        value = self.parts[part]
        self.require(isinstance(value, str), part, "is a text")
        return str(value)

    def one_of(self, part: str, choices: tuple[str, ...]) -> str:
        """Return one of some strings."""
        value = self.text(part)
        self.require(value in choices, part, f"is {' or '.join(choices)}")
        return value

    def names(self, part: str) -> tuple[str, ...]:
        """Return strings that differ from each other."""
        value = self.parts[part]
        good = isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
        self.require(good and len(set(value)) == len(value), part, "is a list of texts, each once")
        return tuple(value)

    def number(self, part: str) -> float:
        """Return a finite number."""
        value = self.parts[part]
        self.require(_is_finite(value), part, "is a finite number")
        return float(value)

    def numbers(self, part: str, n: int) -> NDArray[np.float64]:
        """Return n finite numbers."""
        value = self.parts[part]
        good = isinstance(value, (list, tuple)) and len(value) == n and all(_is_finite(each) for each in value)
        self.require(good, part, f"is a list of {counted(n, 'finite number')}")
        return np.array(value, dtype=np.float64)

    def whole_pair(self, part: str) -> tuple[int, int] | None:
        """Return two whole numbers of 1 or more, or None."""
        value = self.parts[part]
        if value is None:
            return None
        good = isinstance(value, (list, tuple)) and len(value) == 2
        good = good and all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in value)
        self.require(good, part, "is null or two whole numbers above 0")
        return int(value[0]), int(value[1])


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
