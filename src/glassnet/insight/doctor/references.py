"""How well simple predictors do on the same rows: by what they reach, a network's own figures can be judged.

Kernel ridge regression with three kernels (a line, a smooth one, a rough one that is near to nearest neighbours), each
row predicted by all others, which one inverse gives in closed form. Knows arrays only.

References
----------
Hastie, Tibshirani & Friedman, The elements of statistical learning, 2009, sections 5.8 and 7.10 (leaving one out).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROWS = 700
"""Rows that the predictors learn from."""

_RIDGES = (2e-3, 2e-2, 0.2, 2.0)
_SHUFFLES = 60


@final
@dataclass(frozen=True, eq=False)
class Reference:
    """A simple predictor.

    Parameters
    ----------
    name : str
    out_of_sample : (m, outputs) array
        What it predicts of each row it learned from, by the other rows alone.
    held_out : (p, outputs) array or None
        What it predicts of held-out rows.
    """

    name: str
    out_of_sample: Array
    held_out: Array | None


def references(x: Array, t: Array, weight: Array, xv: Array | None) -> list[Reference]:
    """Return the simple predictors of t (m, outputs) from x (m, inputs).

    Parameters
    ----------
    x, t : (m, inputs), (m, outputs) float64 arrays
        Classes as one-hot numbers.
    weight : (m,) array
        How much each row counts.
    xv : (p, inputs) array or None
        Held-out rows.
    """
    shift, scale = x.mean(axis=0), _scales(x)
    u = np.clip((x - shift) / scale, -8, 8)
    v = None if xv is None else np.clip((xv - shift) / scale, -8, 8)
    distance = _distances(u, u)
    typical = float(np.median(distance[distance > 0])) if (distance > 0).any() else 1.0
    found = []
    for name, kernel in (
        ("a linear model", lambda a, b: a @ b.T / max(1, a.shape[1]) + 1.0),
        ("a smooth kernel", lambda a, b: np.exp(-2.0 * (_distances(a, b) / typical) ** 2) + 0.1),
        ("neighbouring rows", lambda a, b: np.exp(-3.0 * _distances(a, b) / typical) + 0.1),
    ):
        found.append(_ridge(name, kernel(u, u), None if v is None else kernel(v, u), t, weight))
    return found


def _ridge(name: str, kernel: Array, across: Array | None, t: Array, weight: Array) -> Reference:
    """Return kernel ridge regression with the ridge that leaves the smallest error when each row is left out."""
    mean = np.average(t, axis=0, weights=weight)
    root = np.sqrt(weight / weight.mean())[:, None]
    weighted, target = kernel * root * root.T, root * (t - mean)
    unit = float(np.trace(weighted)) / len(kernel)
    best: tuple[float, Array, Array] | None = None
    for ridge in _RIDGES:
        inverse = np.linalg.inv(weighted + ridge * unit * np.eye(len(kernel)))
        dual = inverse @ target
        left_out = dual / np.diag(inverse)[:, None]  # the residual of a row that was left out, times its root
        error = float((left_out**2).sum())
        if best is None or error < best[0]:
            best = error, t - left_out / root, root * dual
    assert best is not None
    return Reference(name, best[1], None if across is None else across @ best[2] + mean)


def trees(x: Array, t: Array, weight: Array, xv: Array | None) -> Reference:
    """Return randomised trees, each row predicted by those that did not see it (Geurts, Ernst & Wehenkel, 2006).

    They find what depends on few of many inputs, which kernels overlook; scikit-learn takes a second to import.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(
        150, min_samples_leaf=3, max_features=0.5, bootstrap=True, oob_score=True, random_state=0
    )
    forest.fit(x, t[:, 0] if t.shape[1] == 1 else t, weight)
    out = np.asarray(forest.oob_prediction_).reshape(len(t), -1)
    held_out = None if xv is None else np.asarray(forest.predict(xv)).reshape(len(xv), -1)
    return Reference("randomised trees", out, held_out)


def signal(prediction: Array, t: Array) -> float:
    """Return by how many standard deviations predictions agree with the truth more than with shuffled truths.

    A permutation test (Good, Permutation, parametric and bootstrap tests of hypotheses, 2005) of Σ (h − h̄)·(t − t̄),
    with both outputs scaled to one spread, so that no output of large numbers drowns the others.
    """
    h = prediction - prediction.mean(axis=0)
    truth = t - t.mean(axis=0)
    h = h / np.maximum(h.std(axis=0), 1e-12)
    truth = truth / np.maximum(truth.std(axis=0), 1e-12)
    products = h @ truth.T if len(h) <= ROWS else None
    order = np.random.default_rng(0)
    agreement = float((h * truth).sum())
    rows = np.arange(len(h))
    shuffled = []
    for _ in range(_SHUFFLES):
        other = order.permutation(len(h))
        chance = products[rows, other].sum() if products is not None else (h * truth[other]).sum()
        shuffled.append(float(chance))
    spread = float(np.std(shuffled)) or 1e-12
    return (agreement - float(np.mean(shuffled))) / spread


def _scales(x: Array) -> Array:
    """Return what to divide columns by: their spread, but a floor for those that are nearly always the same."""
    spread = x.std(axis=0)
    there = spread > 0
    if not there.any():
        return np.ones_like(spread)
    ordered = np.sort(x, axis=0)
    m = len(x)
    central = ordered[int(0.85 * (m - 1))] - ordered[int(0.15 * (m - 1))]
    sparse = there & (central == 0)
    floor = 0.5 * float(np.quantile(spread[sparse], 0.9)) if sparse.any() else 0.0
    scale = np.where(sparse, np.maximum(spread, floor), spread)
    scales: Array = np.where(scale > 0, scale, 1.0)
    return scales


def _distances(a: Array, b: Array) -> Array:
    """Return the Euclidean distances of all rows of a from all rows of b: (len(a), len(b))."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    distances: Array = np.sqrt(np.maximum(squares, 0))
    return distances
