"""Numbers as a reader with a calculator checks them: what is printed multiplies and adds up to what is printed.

A result carries eight significant digits; its factors and terms carry two more, or as many as it takes until the
printed ones, computed with exactly, round to the printed result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext

DIGITS = 8
_MORE, _MOST = 2, 17
_SMALLEST, _LARGEST = 1e-4, 1e7  # between them without a power of ten


def number(value: float | Decimal, digits: int = DIGITS) -> str:
    r"""Return LaTeX for a number, rounded to so many significant digits.

    Examples
    --------
    >>> number(0.05), number(-1234.5678901), number(0.000012345678901)
    ('0.05', '-1234.5679', '1.2345679 \\times 10^{-5}')
    """
    if not math.isfinite(value):
        return r"\text{NaN}" if math.isnan(value) else ("-" if value < 0 else "") + r"\infty"
    shown = f"{value:.{digits - 1}e}"
    mantissa, exponent = shown.split("e")
    if value == 0:
        return "0"
    if _SMALLEST <= abs(float(value)) < _LARGEST:
        return _trimmed(f"{Decimal(shown):f}")
    return rf"{_trimmed(mantissa)} \times 10^{{{int(exponent)}}}"


def products(terms: Sequence[Sequence[float]], digits: int = DIGITS) -> tuple[list[list[str]], str]:
    r"""Return LaTeX for the factors of each term of a sum of products, and for the sum.

    The printed factors, multiplied and added up, round to the printed sum. Where terms cancel, the sum has only the
    digits that the terms give it.

    Examples
    --------
    >>> products([[0.4, 0.13849856162945076], [0.5, -0.03809823651655623]])
    ([['0.4', '0.1384985616'], ['0.5', '-0.03809823652']], '0.036350306')
    """
    exact = math.fsum(math.prod(factors) for factors in terms)
    shown: list[list[str]] = []
    for digits_left in range(digits, 0, -1):
        result = number(exact, digits_left)
        for more in range(digits + _MORE, _MOST + 1):
            shown = [[number(factor, more) for factor in factors] for factors in terms]
            if not math.isfinite(exact) or number(_computed(shown), digits_left) == result:
                return shown, result
    return shown, number(_computed(shown), 1)


def product(factors: Sequence[float], digits: int = DIGITS) -> tuple[list[str], str]:
    r"""Return LaTeX for factors and for their product, such that the printed factors multiply to the printed product.

    Examples
    --------
    >>> product([0.7413650695523157, 0.18681560180895948])
    (['0.7413650696', '0.1868156018'], '0.13849856')
    """
    (shown,), result = products([factors], digits)
    return shown, result


def total(terms: Sequence[float], digits: int = DIGITS) -> tuple[list[str], str]:
    r"""Return LaTeX for terms and for their sum, such that the printed terms add up to the printed sum.

    Examples
    --------
    >>> total([0.1234567890123, -0.1234567])
    (['0.1234567890123', '-0.1234567'], '8.90123 \\times 10^{-8}')
    """
    shown, result = products([[term] for term in terms], digits)
    return [term for (term,) in shown], result


def as_decimal(latex: str) -> Decimal:
    """Return the very number that LaTeX made by `number` shows."""
    return Decimal(latex.replace(r" \times 10^{", "e").replace("}", ""))


def _computed(shown: Sequence[Sequence[str]]) -> Decimal:
    """Return the sum of products of what is printed, exactly."""
    with localcontext() as context:
        context.prec = 1000
        return sum((math.prod(map(as_decimal, factors), start=Decimal(1)) for factors in shown), Decimal(0))


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
