"""Which rows a learning curve trains on: sizes from few to all, and subsets that lie within each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.random import Purpose, generator

Array = NDArray[Any]

_MOST_SIZES = 8
_FEWEST_ROWS = 10


def as_sizes(sizes: Sequence[int] | None, labels: Array | None, orders: Sequence[Array]) -> tuple[int, ...]:
    """Return the sizes in ascending order: those that were asked for, or all rows, their half, their quarter and so on.

    Parameters
    ----------
    sizes : sequence of int or None
    labels : (m,) array or None
    orders : sequence of (m,) arrays
        The rows in the order of each seed; see `nested_order`.

    Raises
    ------
    InputError
        If a size is no whole number, there are fewer rows, or a subset would hold one class only.
    """
    m = len(orders[0])
    least = 1 if labels is None else max(_rows_until_two_classes(labels[order]) for order in orders)
    if sizes is None:
        classes = 0 if labels is None else len(np.unique(labels))
        halves = [m]
        while len(halves) < _MOST_SIZES and halves[-1] // 2 >= max(_FEWEST_ROWS, 2 * classes, least):
            halves.append(halves[-1] // 2)
        return tuple(reversed(halves))
    if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray) or len(sizes) == 0:
        raise InputError(f"sizes is {sizes!r:.80}; expected a list of row counts, such as [50, 100, 200].")
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise InputError(f"sizes holds {size!r}; expected whole numbers from 1 up.")
        if size > m:
            raise InputError(f"sizes holds {size:,}, but only {m:,} rows are there to train on (the rest is held out).")
        if size < least:
            raise InputError(
                f"A subset of {size} row{'s' * (size != 1)} holds one class only, so that there is nothing to tell "
                f"apart. Begin with {least:,} rows or more."
            )
    return tuple(sorted({int(size) for size in sizes}))


def _rows_until_two_classes(labels: Array) -> int:
    """Return how many rows it takes, in this order, until two classes are there."""
    return int(np.argmax(labels != labels[0])) + 1


def nested_order(labels: Array | None, m: int, seed: int) -> Array:
    """Return all m rows in an order whose first n are the subset of size n, (m,).

    So the subsets of one seed lie within each other. With labels, (m,), the first n hold every class in its share, to
    about one row: row number r of a class of s rows is put at (r + u)/s of the way, where u in [0, 1) is the class's
    own chance.
    """
    chance = generator(seed, Purpose.SAMPLING, 2)
    order = chance.permutation(m)
    if labels is None:
        return order
    place = np.empty(m)
    for label in np.unique(labels):
        here = order[labels[order] == label]
        place[here] = (np.arange(len(here)) + chance.random()) / len(here)
    return np.lexsort((chance.random(m), place))
