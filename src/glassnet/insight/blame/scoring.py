"""How suspect a row is: formulas over what each epoch and the fitted network say of it. No rows are known here.

A network learns what many rows agree on before it learns single rows by heart (Arpit and others, A closer look at
memorization in deep networks, 2017). A row whose truth is wrong is therefore met with a large error for long, even
where the network knows it by heart in the end; the mean over the training keeps what the end forgot.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_VOTES_AT_A_TIME = 4_000_000


def error_left(first: Array, fitted: Array) -> float:
    """Return what share of the mean error of the first epoch the fitted network still has, 0 to 1."""
    before, now = float(first.mean(dtype=np.float64)), float(fitted.mean())
    return min(1.0, now / before) if before > 0 and now > 0 else 0.0


def judgement(kept: Array | None, fitted: Array, left: float) -> Array:
    """Return what the training and the fitted network say together: (m,) float64.

    It is left · fitted + (1 − left) · mean, over the epochs after the first and the fitted network, which counts as one
    more. Where much of the error is left, earlier epochs knew less than the fitted network does; where little is left,
    it has learned by heart what they could still tell apart. The first epoch is left out, as the network was then
    mostly what chance had made it.

    Parameters
    ----------
    kept : (e, m) array or None
        What was noted in each epoch that is kept; None without a ledger.
    fitted : (m,) array
        The same of the fitted network.
    left : float
        The share of the error that is left.

    Examples
    --------
    >>> import numpy as np
    >>> judgement(np.array([[9.0], [4.0], [3.0]]), np.array([2.0]), 0.5)
    array([2.5])
    """
    later = np.empty((0, len(fitted))) if kept is None else kept[1:]
    mean = (later.sum(axis=0, dtype=np.float64) + fitted) / (len(later) + 1)
    both: Array = left * fitted + (1 - left) * mean
    return both


def nearest_other(predictions: Array, outputs: Array, labels: Array) -> Array:
    """Return the class, other than its label, that each row was taken for most: (m,) int64.

    Each epoch after the first has a vote, and so has the fitted network, with the largest of its other outputs; where
    votes are equal, the fitted network decides.

    Parameters
    ----------
    predictions : (e, m) int array
        The class in each kept epoch; no epochs without a ledger.
    outputs : (m, classes) array
        Of the fitted network.
    labels : (m,) int array
    """
    m, classes = outputs.shape
    nearest = np.empty(m, np.int64)
    step = max(1, _VOTES_AT_A_TIME // classes)
    for first in range(0, m, step):
        part = slice(first, min(first + step, m))
        own = labels[part]
        at = np.arange(len(own))
        others = outputs[part].astype(np.float64)
        others[at, own] = -np.inf
        cells = (at * classes + predictions[1:, part]).ravel()
        votes = np.bincount(cells, minlength=others.size).reshape(others.shape).astype(np.float64)
        votes[at, others.argmax(axis=1)] += 1.5
        votes[at, own] = -1
        nearest[part] = votes.argmax(axis=1)
    return nearest


def in_medians(distance: Array) -> Array:
    """Return distances in units of their median, so that they compare between tables: (m,) float64."""
    median = float(np.median(distance)) if len(distance) else 0.0
    unit = median or float(distance.mean() if len(distance) else 0.0) or 1.0
    scaled: Array = distance / unit
    return scaled


def gap(scores: Array) -> tuple[float, float]:
    """Return where scores fall into two groups best, and how well: the threshold, and η² between 0 and 1.

    η² is the share of the scores' variance that lies between the two groups (Otsu, A threshold selection method from
    gray-level histograms, 1979).

    Examples
    --------
    >>> import numpy as np
    >>> gap(np.array([0.0, 1.0, 9.0, 10.0]))
    (5.0, 0.9878048780487805)
    """
    x = np.sort(np.asarray(scores, np.float64))
    spread = float(x.var()) if len(x) > 1 else 0.0
    if spread == 0 or not np.isfinite(spread):
        return float("inf"), 0.0
    k = np.arange(1, len(x))
    below = np.cumsum(x)[:-1] / k
    above = np.cumsum(x[::-1])[::-1][1:] / (len(x) - k)
    between = (k / len(x)) * (1 - k / len(x)) * (above - below) ** 2
    best = int(between.argmax())
    return float((x[best] + x[best + 1]) / 2), float(between[best] / spread)
