"""What records made of a few plain numbers share: a check of the numbers when they are made, and a spelling.

Optimizers, schedules and initializers are such records: frozen dataclasses whose every field has a default. The checks
also turn NumPy's numbers into Python's, so that a spelling can be read back and float32 arrays stay float32.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

from glassnet.errors import InputError


def spell(name: str, record: Any, *, leave_out: Iterable[str] = ()) -> str:
    """Return the text that makes `record` again: its registry name, then what differs from the defaults.

    The first field is written bare, the others with their names, keyword-only ones last; fields in `leave_out` are not
    written.

    Examples
    --------
    >>> from glassnet.maths.optimizers import SGD
    >>> spell("sgd", SGD(0.1, momentum=0.9))
    'sgd(0.1, momentum=0.9)'
    """
    written = []
    for k, field in enumerate(sorted(fields(record), key=lambda field: field.kw_only is True)):
        value = getattr(record, field.name)
        value = getattr(value, "spec", value)
        if value != field.default and field.name not in leave_out:
            written.append(repr(value) if k == 0 else f"{field.name}={value!r}")
    return f"{name}({', '.join(written)})" if written else name


def refusal(record: Any, field: str, expected: str) -> InputError:
    """Return the error for a field that cannot be used: what came, what was expected, what to do."""
    default = next(f.default for f in fields(record) if f.name == field)
    return InputError(
        f"{type(record).__name__}: {field} is {getattr(record, field)!r}; expected {expected}. "
        f"Leave it out for the default, {default!r}."
    )


def require_number(record: Any, field: str, *, low: float, high: float = math.inf, ends: str = "[)") -> None:
    """Require a real number between `low` and `high`; `ends` says as an interval which of the two belong to it."""
    value = _as_float(getattr(record, field))
    if value is None or not _inside(value, low, high, ends):
        raise refusal(record, field, f"a number {_interval(low, high, ends)}")
    object.__setattr__(record, field, value)


def require_argument(
    function: str, argument: str, value: object, example: float, *, low: float, high: float = math.inf, ends: str = "()"
) -> float:
    """Return a factory's argument as a float between `low` and `high`; `ends` as in `require_number`."""
    number = _as_float(value)
    if number is None or not _inside(number, low, high, ends):
        raise InputError(
            f"{function}: {argument} is {value!r}; expected a number {_interval(low, high, ends)}, "
            f"as in '{function}({example})'."
        )
    return number


def require_pair(record: Any, field: str, first: tuple[float, float, str], second: tuple[float, float, str]) -> None:
    """Require two real numbers, each in its interval ``(low, high, ends)``."""
    expected = f"two numbers, the first {_interval(*first)}, the second {_interval(*second)}"
    pair = getattr(record, field)
    if isinstance(pair, str) or not isinstance(pair, Iterable):
        raise refusal(record, field, expected)
    values = tuple(_as_float(value) for value in pair)
    if len(values) != 2 or any(v is None or not _inside(v, *i) for v, i in zip(values, (first, second), strict=True)):
        raise refusal(record, field, expected)
    object.__setattr__(record, field, values)


def require_whole(record: Any, field: str, *, low: int) -> None:
    """Require a whole number of at least `low`."""
    value = _as_int(getattr(record, field))
    if value is None or value < low:
        raise refusal(record, field, f"a whole number, {low} or more")
    object.__setattr__(record, field, value)


def require_flag(record: Any, field: str) -> None:
    """Require True or False."""
    if not isinstance(getattr(record, field), bool):
        raise refusal(record, field, "True or False")


def require_choice(record: Any, field: str, choices: tuple[str, ...]) -> None:
    """Require one of a few words."""
    value = getattr(record, field)
    if not isinstance(value, str) or value not in choices:
        raise refusal(record, field, " or ".join(map(repr, choices)))


def _as_float(value: object) -> float | None:
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else None


def _as_int(value: object) -> int | None:
    return operator.index(value) if isinstance(value, Integral) and not isinstance(value, bool) else None


def _inside(value: float, low: float, high: float, ends: str) -> bool:
    above = value >= low if ends[0] == "[" else value > low
    return above and (value <= high if ends[1] == "]" else value < high)


def _interval(low: float, high: float, ends: str) -> str:
    least = f"of at least {low:g}" if ends[0] == "[" else f"above {low:g}"
    if high == math.inf:
        return least
    return f"{least} and {'at most' if ends[1] == ']' else 'below'} {high:g}"
