"""What can be said of units from their activities over rows: which classes they tell apart, which are dead or alike.

Arrays in, arrays out: activities are (m, units), classes a table of membership (m, c). No network is known here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_HARDLY = 1e-9
"""A spread under this share of the largest size is rounding, not activity."""


def is_constant(activity: Array) -> Array:
    """Return which columns hardly change over the rows: (units,) bool."""
    low, high = activity.min(axis=0), activity.max(axis=0)
    constant: Array = high - low <= _HARDLY * np.maximum(np.abs(low), np.abs(high))
    return constant


def correlations(one: Array, other: Array) -> Array:
    """Return Pearson's correlation of every column of `one` with every column of `other`: (n, p).

    NaN where one of the two is constant over the rows: there is nothing to correlate.
    """
    return (_standard(one).T @ _standard(other)) / len(one)


def _standard(columns: Array) -> Array:
    """Return columns of mean 0 and deviation 1, NaN where a column is constant."""
    centred = columns - columns.mean(axis=0)
    size = np.abs(centred).max(axis=0)
    centred = centred / np.where(size > 0, size, 1.0)  # so that no square overflows or vanishes
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    standard: Array = centred / np.where(is_constant(columns), np.nan, deviation)
    return standard


def class_means(activity: Array, member: Array) -> Array:
    """Return the mean activity of each unit over the rows of each class: (units, c); NaN for a class without rows."""
    counts = member.sum(axis=0).astype(float)
    means: Array = (activity.T @ member.astype(float)) / np.where(counts > 0, counts, np.nan)
    return means


def auroc(activity: Array, member: Array) -> Array:
    """Return how well each unit's activity tells each class from the rest: (units, c).

    The area under the ROC curve: the chance that a row of the class excites the unit more than a row of the rest, ties
    counted half. 1 is always, ½ is no better than a coin, 0 means that the unit falls silent for just this class. NaN
    for a class without rows, or without a rest.

    References
    ----------
    Hanley & McNeil, The meaning and use of the area under a ROC curve, Radiology 143, 1982: it is Mann and Whitney's U.
    """
    from scipy.stats import rankdata

    ranks = rankdata(activity, axis=0)
    inside = member.sum(axis=0).astype(float)
    pairs = inside * (len(member) - inside)
    u = ranks.T @ member.astype(float) - inside * (inside + 1) / 2
    area: Array = u / np.where(pairs > 0, pairs, np.nan)
    return area


def selectivity(means: Array, lowest: Array) -> Array:
    """Return how much one class stands out for each unit: (μ₁ − μ₋₁)/(μ₁ + μ₋₁), (units,) from 0 to 1.

    μ₁ is the largest class mean and μ₋₁ the mean of the other classes' means, both measured from the unit's lowest
    activity, so that it also holds for activities below 0; with ReLU it is the index as published. NaN where no two
    classes have rows, or the unit never moves.

    References
    ----------
    Morcos, Barrett, Rabinowitz & Botvinick, On the importance of single directions for generalization, ICLR 2018.
    """
    raised = means - lowest[:, None]
    known = np.isfinite(raised)
    count = known.sum(axis=1)
    first = np.where(known, raised, 0.0).max(axis=1, initial=0.0)
    others = (np.where(known, raised, 0.0).sum(axis=1) - first) / np.maximum(count - 1, 1)
    total = first + others
    usable = (count >= 2) & (total > 0)
    index: Array = np.where(usable, first - others, np.nan) / np.where(usable, total, 1.0)
    return index


def strongest(activity: Array, z: Array, top: int) -> Array:
    """Return the rows that excite each unit most, the strongest first: (units, top); equal activities by their z."""
    order: Array = np.lexsort((z.T, activity.T))[:, : -top - 1 : -1]
    return order


def alike(activity: Array, threshold: float) -> list[list[int]]:
    """Return groups of units that say the same thing: |correlation| above `threshold`, directly or through another."""
    from scipy.sparse.csgraph import connected_components

    units = np.flatnonzero(~is_constant(activity))
    if len(units) < 2:
        return []
    moving = activity[:, units]
    near = np.abs(correlations(moving, moving)) > threshold
    _, label = connected_components(near, directed=False)
    groups = [units[label == g].tolist() for g in np.flatnonzero(np.bincount(label) > 1)]
    return sorted(groups, key=lambda group: (-len(group), group))


def rank_correlation(weights: Array, correlation: Array) -> float:
    """Return Spearman's rank correlation of links' weights and the correlations of their ends; NaN where none is told.

    Links with an end that never moves have no correlation and are left out.
    """
    from scipy.stats import rankdata

    known = np.isfinite(correlation)
    w, c = weights[known], correlation[known]
    if len(w) < 2 or np.ptp(w) == 0 or np.ptp(c) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(w), rankdata(c))[0, 1])
