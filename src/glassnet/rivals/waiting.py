"""How many combinations a grid has and how long they take, in words that a person can hold.

Numbers grow past what a float holds, so they travel as decimal logarithms. Knows nothing of networks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

_MINUTE, _HOUR, _DAY, _YEAR = 60.0, 3600.0, 86400.0, 365.25 * 86400.0
_UNITS = (
    # below so many seconds, say it in this unit of so many seconds, with so many decimals
    (1e-6, 1e-9, "ns", 0),
    (1e-3, 1e-6, "µs", 0),
    (1.0, 1e-3, "ms", 0),
    (_MINUTE, 1.0, "s", 0),
    (_HOUR, _MINUTE, "minute", 0),
    (_DAY, _HOUR, "hour", 1),
    (_YEAR, _DAY, "day", 1),
    (100 * _YEAR, _YEAR, "year", 0),
)
_THOUSANDS = ("", " thousand", " million", " billion", " trillion")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@final
@dataclass(frozen=True)
class Wait:
    """What trying all combinations of some weights takes.

    Parameters
    ----------
    weights, values : int
        How many weights, and how many values each of them takes.
    per_second : float
        Combinations tried in a second.

    Examples
    --------
    >>> print(Wait(5, 1000, 1e9))
    5 weights: 10¹⁵ combinations, 11.5 days
    """

    weights: int
    values: int
    per_second: float

    @property
    def log10_combinations(self) -> float:
        """The decimal logarithm of valuesʷᵉⁱᵍʰᵗˢ."""
        return self.weights * math.log10(self.values)

    @property
    def log10_seconds(self) -> float:
        """The decimal logarithm of how many seconds they take."""
        return self.log10_combinations - math.log10(self.per_second)

    @property
    def combinations(self) -> str:
        """The number of combinations in words."""
        return count_in_words(self.log10_combinations)

    @property
    def duration(self) -> str:
        """How long they take, in words."""
        return duration_in_words(self.log10_seconds)

    def __str__(self) -> str:
        plural = "" if self.weights == 1 else "s"
        return f"{self.weights:,} weight{plural}: {self.combinations} combinations, {self.duration}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "weights": self.weights,
            "values": self.values,
            "per_second": self.per_second,
            "log10_combinations": self.log10_combinations,
            "log10_seconds": self.log10_seconds,
            "duration": self.duration,
        }


def waits(values: int, per_second: float, weights: Iterable[int]) -> list[Wait]:
    """Return what the combinations of each number of weights take.

    Examples
    --------
    >>> [wait.duration for wait in waits(1000, 1e9, (2, 3, 4, 5))]
    ['1 ms', '1 s', '16 minutes', '11.5 days']
    """
    return [Wait(n, values, per_second) for n in weights]


def duration_in_words(log10_seconds: float) -> str:
    """Return a duration in words, cut off and not rounded: it takes at least so long.

    Examples
    --------
    >>> duration_in_words(3), duration_in_words(12), duration_in_words(100)
    ('16 minutes', '316 centuries', 'more than 10⁹⁰ centuries')
    """
    if log10_seconds < -9:
        return "less than 1 ns"
    if log10_seconds < math.log10(100 * _YEAR):
        seconds = 10.0**log10_seconds
        _, unit, name, decimals = next((u for u in _UNITS if seconds * (1 + 1e-9) < u[0]), _UNITS[-1])
        number = _cut(seconds / unit, decimals if seconds < 100 * unit else 0)
        plural = "" if number == 1 or unit < _MINUTE else "s"
        return f"{number:.{1 if number % 1 else 0}f} {name}{plural}"
    centuries = log10_seconds - math.log10(100 * _YEAR)
    if centuries < 3 * len(_THOUSANDS):
        k = int((centuries + 1e-9) // 3)
        number = _cut(10 ** (centuries - 3 * k), 0)
        return f"{number:.0f}{_THOUSANDS[k]} " + ("century" if k == 0 and number == 1 else "centuries")
    return f"more than 10{str(int(centuries)).translate(_SUPERSCRIPTS)} centuries"


def count_in_words(log10_count: float) -> str:
    """Return a large number: exact below a billion, a power of ten where it is one, else with two digits.

    Examples
    --------
    >>> count_in_words(6), count_in_words(27), count_in_words(17.5)
    ('1,000,000', '10²⁷', '3.1 × 10¹⁷')
    """
    if log10_count < 9:
        return f"{round(10**log10_count):,}"
    exponent = int(log10_count + 1e-9)
    first = _cut(10 ** (log10_count - exponent), 1)
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if abs(log10_count - exponent) < 1e-9 * max(1, exponent) else f"{first:.1f} × {power}"


def _cut(number: float, decimals: int) -> float:
    """Cut off after so many decimals; a number that misses the next step by rounding alone takes it."""
    scale = 10.0**decimals
    return math.floor(number * scale * (1 + 1e-9)) / scale
