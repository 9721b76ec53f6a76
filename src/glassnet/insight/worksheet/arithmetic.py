"""Arithmetic as a pupil does it: with decimals, and rounded where a result is written down.

Sums and products of short decimals are exact here, and `is_exact` says whether everything was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, Inexact, getcontext, localcontext
from typing import final

from glassnet.insight.documents import number

DIGITS = 4
_PRECISION = 50
_SMALLEST, _LARGEST = Decimal("1e-9"), Decimal("1e9")
_SHOWN = 8  # digits of a result before it is rounded


@final
@dataclass(frozen=True)
class Result:
    """What stands in a blank.

    Parameters
    ----------
    before : Decimal
        As the step's own numbers give it.
    value : Decimal
        As it is written down, and computed on with.
    """

    before: Decimal
    value: Decimal


Keep = Callable[[Decimal], Result]


def as_it_is(value: Decimal) -> Result:
    """Write a result down with all its digits."""
    return Result(value, value)


def rounded(value: Decimal) -> Result:
    """Write a result down with four significant digits; a 5 is rounded away from zero, as schools teach it."""
    return Result(value, round_to(value, DIGITS))


def round_to(value: Decimal, digits: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Return a number with so many significant digits."""
    return Context(prec=digits, rounding=rounding).plus(value)


@contextmanager
def many_digits() -> Iterator[None]:
    """Compute with fifty digits, and forget whether anything before was inexact."""
    with localcontext(Context(prec=_PRECISION)):
        yield


def is_exact() -> bool:
    """Whether everything computed since `many_digits` came out without rounding."""
    return not getcontext().flags[Inexact]


def is_doubtful(result: Result) -> bool:
    """Whether a calculator's last digit could decide how it is rounded: it lies next to the border, not on it.

    On the border is a decimal of five digits, which a calculator shows as it is.
    """
    if result.before == 0:
        return False
    unit = Decimal(1).scaleb(result.before.adjusted() - DIGITS + 1)
    from_border = abs(abs(result.before - result.value) - unit / 2)
    return 0 < from_border < unit / 10_000


def shown(value: Decimal) -> str:
    """Return LaTeX for a number with all its digits; small ones too as pupils write them, without a power of ten."""
    if value == 0 or not _SMALLEST <= abs(value) < _LARGEST:
        return number(value, _PRECISION)
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def length(value: Decimal) -> int:
    """Return how many digits a number takes on paper, leading zeros behind the point too."""
    _, digits, exponent = value.normalize().as_tuple()
    places = max(0, -int(exponent))
    return max(len(digits) + max(0, int(exponent)), places)


def steps(result: Result) -> str:
    """Return LaTeX for a result: where it was rounded, first with more digits."""
    if result.before == result.value:
        return shown(result.value)
    more = round_to(result.before, _SHOWN, ROUND_DOWN)
    dots = "" if more == result.before else r"\ldots"
    return rf"{shown(more)}{dots} \approx {shown(result.value)}"
