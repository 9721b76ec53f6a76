r"""Eigenvalues and the trace of a symmetric matrix of which only products with vectors are known.

The largest and the smallest eigenvalues come from Lanczos' method with restarts (ARPACK, through SciPy), the trace from
random signs: E[xᵀHx] = tr H for entries ±1 (Hutchinson, 1990). What the found eigenvectors Q hold of the trace is added
exactly, and signs are drawn for the rest alone, which spares most of the spread: tr H = Σλ + tr (I−QQᵀ)H(I−QQᵀ), as in
Meyer, Musco, Musco & Woodruff, Hutch++: optimal stochastic trace estimation, SOSA 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Product = Callable[[Array], Array]

_MOST_RESTARTS = 40
_BYTES_AT_A_TIME = 32 * 2**20


@final
@dataclass(frozen=True)
class Pairs:
    """Eigenvalues, (k,), each with its direction in a row of (k, n)."""

    values: Array
    vectors: Array


def largest_pairs(product: Product, n: int, count: int, tolerance: float, chance: np.random.Generator) -> Pairs | None:
    """Return the `count` largest eigenvalues, from the largest down; None where none settles.

    Parameters
    ----------
    product : callable
        H v of one vector.
    n : int
        Above `count`.
    count : int
    tolerance : float
        ‖Hv − λv‖ may be this share of |λ|.
    chance : Generator
        Draws the vector to start from.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    operator = LinearOperator((n, n), matvec=lambda v: product(v.ravel()), dtype=np.float64)
    start = chance.standard_normal(n)
    try:
        values, vectors = eigsh(
            operator,
            k=count,
            which="LA",
            tol=tolerance,
            v0=start,
            ncv=min(n, max(2 * count + 1, 12)),
            maxiter=_MOST_RESTARTS,
        )
    except ArpackNoConvergence as error:
        values, vectors = error.eigenvalues, error.eigenvectors
    if not len(values):
        return None
    order = np.argsort(values)[::-1]
    return Pairs(values[order], np.ascontiguousarray(vectors.T[order]))


def smallest_pair(product: Product, n: int, top: float, tolerance: float, chance: np.random.Generator) -> Pairs | None:
    """Return the smallest eigenvalue; its residual is measured against the spread of all, from `top` down.

    It is the largest of top·I − H, where the many eigenvalues near 0 are not near 0.
    """
    found = largest_pairs(lambda v: top * v - product(v), n, 1, tolerance, chance)
    return None if found is None else Pairs(top - found.values, found.vectors)


def trace(product: Product, n: int, known: Pairs, probes: int, chance: np.random.Generator) -> tuple[float, float]:
    """Return the trace and its standard error.

    Parameters
    ----------
    product : callable
        H v of a stack of vectors (p, n).
    n : int
    known : Pairs
        Orthonormal directions; they need not be exact eigenvectors.
    probes : int
        How many vectors of random signs, from 2 up.
    chance : Generator
    """
    q = np.linalg.qr(known.vectors.T)[0].T  # to the last digit
    exact = float((q * product(q)).sum())
    drawn: list[float] = []
    at_a_time = max(1, _BYTES_AT_A_TIME // (8 * n))
    while len(drawn) < probes:
        signs = chance.choice([-1.0, 1.0], (min(at_a_time, probes - len(drawn)), n))
        rest = signs - (signs @ q.T) @ q
        drawn += (rest * product(rest)).sum(axis=1).tolist()
    return exact + float(np.mean(drawn)), float(np.std(drawn, ddof=1) / np.sqrt(probes))
