"""Which rows are trained on and which are held out.

Knows labels and counts only and needs NumPy alone, so that training can use it on plain arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.data.table import Table
from glassnet.data.words import counted
from glassnet.errors import InputError
from glassnet.maths.random import Purpose, check_seed


def split(table: Table, fraction: float = 0.2, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide a table's rows into those to train on and those to hold out, class by class where there are classes.

    Parameters
    ----------
    table : Table
    fraction : float
        The share to hold out, between 0 and 1.
    seed : int

    Returns
    -------
    training, held_out : ndarray of int64
        Row numbers, ascending; together every row once. ``table.rows(training)`` is the table of the first.

    Raises
    ------
    InputError
        As `split_rows`.
    """
    return split_rows(table.targets if table.task == "classification" else None, len(table), fraction, seed)


def split_rows(
    labels: ArrayLike | None, m: int, fraction: float = 0.2, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide m rows into those to train on and those to hold out.

    Every row gets a random 64-bit key and each class holds out the rows with its smallest keys. The keys are the raw
    words of PCG64 on ``SeedSequence(seed, spawn_key=(3,))``, where 3 is ``Purpose.SPLITS``. NumPy keeps this stream as
    it is, so the same seed gives the same rows in every version and on every machine.

    Parameters
    ----------
    labels : array of int or str of shape (m,), or None
        The class of each row. With labels, each class holds out its share, rounded so that the sum comes out right, and
        each class of two rows or more is on both sides; a class of one row is trained on.
    m : int
        How many rows there are.
    fraction : float
        The share to hold out, between 0 and 1; at least one row is on each side.
    seed : int

    Returns
    -------
    training, held_out : ndarray of int64
        Row numbers, ascending; together every row once.

    Raises
    ------
    InputError
        Where fraction, seed or labels are not of that kind, or there are too few rows to divide.
    """
    if not isinstance(fraction, (int, float)) or isinstance(fraction, bool) or not 0 < fraction < 1:
        raise InputError(f"The fraction to hold out lies between 0 and 1, both excluded; got {fraction!r}.")
    sequence = np.random.SeedSequence(check_seed(seed), spawn_key=(Purpose.SPLITS,))
    if m < 2:
        raise InputError(f"{counted(m, 'row')} cannot be divided into training and held-out rows; it takes 2.")
    groups = np.zeros(m, dtype=np.int64) if labels is None else _groups(np.asarray(labels), m)
    sizes = np.bincount(groups)
    if sizes.max() < 2:
        raise InputError(
            f"Each of the {m} rows has a class of its own, so that none can be held out and also be learned. "
            "Give more rows, or validation data of your own."
        )
    quota = _quotas(sizes, fraction)
    keys = np.random.PCG64(sequence).random_raw(m)
    order: NDArray[np.int64] = np.lexsort((keys, groups))  # by group, within it by key; ties (one in 2**64) by row
    rank = np.arange(m) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held = np.zeros(m, dtype=bool)
    held[order] = rank < np.repeat(quota, sizes)
    return np.flatnonzero(~held).astype(np.int64), np.flatnonzero(held).astype(np.int64)


def _groups(labels: NDArray[Any], m: int) -> NDArray[np.int64]:
    if labels.shape != (m,):
        raise InputError(f"Labels for {counted(m, 'row')} have shape ({m},); got {labels.shape}.")
    if labels.dtype.kind not in "iubUS":
        raise InputError(f"Labels are whole numbers or names; got {labels.dtype}.")
    return np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _quotas(sizes: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """Return how many rows each class holds out: its share, rounded by the largest remainder within its bounds."""
    lower, upper = np.minimum(1, sizes - 1), sizes - 1
    shares = sizes * fraction
    quota: NDArray[np.int64] = np.clip(np.floor(shares).astype(np.int64), lower, upper)
    total = math.floor(int(sizes.sum()) * fraction + 0.5)
    # Stable, so that equal remainders go to the first class.
    order = np.argsort(quota - shares, kind="stable")
    order = order[quota[order] < upper[order]]
    quota[order[: max(0, total - int(quota.sum()))]] += 1
    return quota
