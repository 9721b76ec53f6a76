"""A record's formula with numbers in the place of its letters: a(1-a) becomes 0.75 · (1-0.75)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from glassnet.insight.documents import number
from glassnet.insight.documents.expressions import factor

_TOKEN = re.compile(
    r"\\(?:begin|end|operatorname|text|mathrm)\{[^}]*\}|\\[A-Za-z]+|\\.|[A-Za-z](?:_[A-Za-z])?|\d+(?:\.\d+)?|\s+|."
)
_FUNCTION = re.compile(r"\\(?:log|tanh|cosh|exp|max|min|operatorname\{\w+\})$")
_ENDS_A_FACTOR = re.compile(r"(?:[A-Za-z0-9)\]]|\\right\))$")
_BEGINS_A_FACTOR = re.compile(r"[A-Za-z0-9(\[]|\\(?:frac|sqrt|log|tanh|cosh|exp|max|min|sigma|pi|lambda|operatorname)")
_LOSES_DIGITS = 1e-9
_TOO_SMALL = 1e-12


def with_numbers(latex: str, numbers: Mapping[str, str]) -> str:
    r"""Return LaTeX with numbers for letters, a multiplication sign where they would run together.

    Examples
    --------
    >>> with_numbers("a(1-a)", {"a": "0.75"}), with_numbers("1-a^2", {"a": "-0.5"})
    ('0.75 \\cdot (1-0.75)', '1-\\left(-0.5\\right)^2')
    >>> with_numbers(r"-y_j\log a_j", {"y_j": "1", "a_j": "0.75"})
    '-1 \\cdot \\log 0.75'
    """
    out, before, is_number = "", "", False
    for token in _TOKEN.findall(latex):
        if token in numbers:
            value = factor(numbers[token]) if r"\times" not in numbers[token] else rf"\left({numbers[token]}\right)"
            if _FUNCTION.match(before):
                out = f"{out.rstrip()} "
            elif _ENDS_A_FACTOR.search(out) and not before.startswith((r"\begin", r"\end")):
                out += r" \cdot "
            out, before, is_number = out + value, token, True
        elif token.isspace():
            out += "" if is_number else token
        else:
            out += rf" \cdot {token}" if is_number and _BEGINS_A_FACTOR.match(token) else token
            before, is_number = token, False
    return out


def written_out(latex: str, function: Callable[..., float], values: Mapping[str, float], result: str) -> str | None:
    """Return a formula with numbers that, as they are printed, give the printed result; None where none do.

    A formula such as 1 - a² has lost its digits where a is nearly 1: what float64 holds of a is not enough to find the
    result again. Then nothing is written out.

    Parameters
    ----------
    latex : str
    function : callable
        The formula itself, of the values in their order.
    values : mapping of str to float
        The letters' values.
    result : str
        LaTeX of the result.
    """
    exact = function(*values.values())
    if not math.isfinite(exact) or 0 < abs(exact) < _TOO_SMALL:
        return None
    for name in values:
        nearby = function(*(np.nextafter(v, np.inf) if n == name else v for n, v in values.items()))
        if not abs(nearby - exact) <= _LOSES_DIGITS * abs(exact):
            return None
    for digits in range(10, 18):
        if number(function(*(float(f"{value:.{digits}g}") for value in values.values()))) == result:
            return with_numbers(latex, {name: number(value, digits) for name, value in values.items()})
    return None
