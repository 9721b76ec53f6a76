"""Products and sums in LaTeX, with brackets where a sign would otherwise follow a sign."""

from __future__ import annotations

from collections.abc import Sequence


def factor(shown: str) -> str:
    """Return LaTeX for a number or symbol that follows a sign: in brackets, if it begins with one itself."""
    return rf"\left({shown}\right)" if shown.startswith("-") else shown


def times(factors: Sequence[str]) -> str:
    r"""Return LaTeX for a product; negative numbers behind the first factor stand in brackets.

    Examples
    --------
    >>> times(["0.5", "-0.25"])
    '0.5 \\cdot \\left(-0.25\\right)'
    """
    return r" \cdot ".join([*factors[:1], *map(factor, factors[1:])])


def plus(terms: Sequence[str]) -> str:
    """Return LaTeX for a sum; a term that begins with a minus is taken away.

    Examples
    --------
    >>> plus(["-0.5", "0.25", "-0.125"])
    '-0.5 + 0.25 - 0.125'
    """
    return terms[0] + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in terms[1:])


def products_of(terms: Sequence[Sequence[str]]) -> str:
    """Return LaTeX for a sum of products."""
    return plus([times(term) for term in terms])
