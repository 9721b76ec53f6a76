"""A record's formula with numbers in the place of its letters: a(1-a) becomes 0.75 · (1-0.75)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from glassnet.insight.documents import number

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z](?:_[A-Za-z])?|\d+(?:\.\d+)?|\s+|.")
_ENDS_A_FACTOR = re.compile(r"[A-Za-z0-9)\]]$|\\right\)$")
_NO_FACTOR = (r"\left", r"\right", r"\le", r"\end", r"\;", r"\,", r"\\")


def with_numbers(latex: str, numbers: Mapping[str, str]) -> str:
    r"""Return LaTeX with numbers for letters, a multiplication sign where they would run together.

    Examples
    --------
    >>> with_numbers("a(1-a)", {"a": "0.75"}), with_numbers("1-a^2", {"a": "-0.5"})
    ('0.75 \\cdot (1-0.75)', '1-\\left(-0.5\\right)^2')
    """
    out = ""
    after_number = False
    for token in _TOKEN.findall(latex):
        if token in numbers:
            value = numbers[token]
            value = rf"\left({value}\right)" if value.startswith("-") or r"\times" in value else value
            opens = not out or not _ENDS_A_FACTOR.search(out)
            out += value if opens else rf" \cdot {value}"
            after_number = True
        elif after_number and (token[0].isalnum() or token in ("(", "[") or _is_factor(token)):
            out += rf" \cdot {token}"
            after_number = False
        elif token.isspace() and after_number:
            continue
        else:
            out += token
            after_number = False
    return out


def _is_factor(token: str) -> bool:
    return token.startswith("\\") and token not in _NO_FACTOR and token not in (r"\cdot", r"\times", r"\end")


def readable(function: Callable[..., float], values: Mapping[str, float], result: str) -> dict[str, str]:
    """Return LaTeX for values, with as many digits as it takes until `function` of what is printed gives `result`."""
    shown: dict[str, str] = {}
    for digits in range(10, 18):
        shown = {name: number(value, digits) for name, value in values.items()}
        if number(function(*(float(f"{value:.{digits}g}") for value in values.values()))) == result:
            break
    return shown
