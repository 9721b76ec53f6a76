"""Which rows are looked at where all would take too long: drawn at random, before anything of them is copied.

Rows keep the numbers that the caller knows them by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.subject import Subject, make_subject
from glassnet.maths.loss import Loss
from glassnet.network.inputs import as_numbers
from glassnet.network.network import Network

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Sample:
    """A question about some rows of many.

    Parameters
    ----------
    subject : Subject
        Of the rows that were drawn.
    numbers : (m,) int array
        Which rows of the caller's these are.
    of_rows : int
        How many the caller has.
    others : Subject or None
        As many rows again that were not drawn, where somebody asked; None where none are left.
    """

    subject: Subject
    numbers: Array
    of_rows: int
    others: Subject | None


def sample(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss | None,
    *,
    rows: int | str | None,
    affordable: float,
    seed: int,
    least: int = 1,
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    with_others: bool = False,
) -> Sample:
    """Return the question that a person's arguments describe, about as many rows as are wanted.

    Parameters
    ----------
    net, X, Y, loss, sample_weight, l1, l2
        As for `make_subject`.
    rows : int, "all" or None
        How many; None is as many as are affordable.
    affordable : float
        How many rows times parameters.
    seed : int
    least : int
        Fewer rows than this make no sense.
    with_others : bool
        Whether to draw as many other rows too.

    Raises
    ------
    InputError
        If an argument cannot be used, or there are too few rows.
    PairingError
        If the loss cannot read the last layer's output.
    """
    arrays = [as_numbers(X, "X"), as_numbers(Y, "Y")]
    arrays += [] if sample_weight is None else [as_numbers(sample_weight, "sample_weight")]
    count = len(arrays[0]) if arrays[0].ndim else 0
    fits = isinstance(net, Network) and count > 0 and all(array.ndim and len(array) == count for array in arrays)

    def about(at: Array | slice) -> Subject:
        x, y, *weight = (array[at] for array in arrays) if fits else arrays  # what does not fit is refused there
        return make_subject(net, x, y, loss, sample_weight=weight[0] if weight else None, l1=l1, l2=l2)

    if not fits:
        about(slice(None))
    numbers = _drawn(rows, count, int(affordable / net.layout.size), seed, least)
    whole = len(numbers) == count
    others = None
    if with_others and not whole:
        counted = np.arange(count) if sample_weight is None else np.flatnonzero(arrays[2])
        left = np.setdiff1d(counted, numbers)
        chance = np.random.default_rng([seed, 1])
        if len(left):
            others = about(np.sort(chance.choice(left, min(len(left), len(numbers)), replace=False)))
    return Sample(about(slice(None) if whole else numbers), numbers, count, others)


def _drawn(rows: object, count: int, affordable: int, seed: int, least: int) -> Array:
    """Return which rows are looked at, in their order."""
    if rows is None:
        rows = min(count, max(affordable, least))
    elif rows == "all":
        rows = count
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 1:
        raise InputError(f"rows is {rows!r}; expected how many rows to look at, such as 1000, or 'all'.")
    wanted = min(int(rows), count)
    if wanted < least:
        raise InputError(
            f"There {'is 1 row' if wanted == 1 else f'are {wanted} rows'} to look at; expected at least {least}, since "
            "how much rows differ is asked."
        )
    if wanted == count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, wanted, replace=False))
