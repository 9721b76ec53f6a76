"""What can be said of rows before any network sees them: scales, targets, rows that come twice, inputs that tell all.

Knows arrays only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ROWS_FOR_DISTANCES, _WORK_FOR_DISTANCES = 1500, 10_000_000_000


@final
@dataclass(frozen=True, eq=False)
class Scales:
    """On what scales columns of numbers are.

    Parameters
    ----------
    size : (n,) array
        The root mean square of each column.
    spread : (n,) array
        Its standard deviation.
    dense : (n,) bool array
        Whether most of its values differ from one another: no indicator, and no pixel that is nearly always dark.
    overall : float
        The root mean square of all numbers together.
    """

    size: Array
    spread: Array
    dense: Array
    overall: float

    @property
    def constant(self) -> Array:
        """Which columns never change: (n,) bool."""
        return self.spread <= 1e-12 * np.maximum(self.size, 1e-300)

    @property
    def contrast(self) -> float:
        """The largest over the smallest spread of the dense columns."""
        there = self.spread[self.dense & ~self.constant]
        return float(there.max() / there.min()) if len(there) > 1 else 1.0


def scales(x: Array) -> Scales:
    """Return the scales of columns of x (m, n)."""
    largest = np.abs(x).max(axis=0, initial=0.0)
    safe = np.where(largest > 0, largest, 1.0)
    size = safe * np.sqrt(np.mean((x / safe) ** 2, axis=0))
    ordered = np.sort(x, axis=0)
    m = len(x)
    central = ordered[int(0.75 * (m - 1))] - ordered[int(0.25 * (m - 1))]
    distinct = (np.diff(ordered, axis=0) > 0).sum(axis=0) + 1
    dense = (central > 0) & (distinct > min(10, m // 3))
    top = float(size.max(initial=0.0)) or 1.0
    return Scales(size, x.std(axis=0), dense, top * float(np.sqrt(np.mean((size / top) ** 2))))


# --- rows that come twice ------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Twins:
    """Held-out rows that were also trained on.

    Parameters
    ----------
    rows : int
        How many held-out rows were looked at.
    exact, near : int
        How many of them are in the training rows to the last digit, or all but.
    contradicting : int
        How many of the exact ones have another label there.
    expected : float
        How many exact ones there would be by chance, if columns were independent of one another.
    example : (int, int) or None
        A training row and a held-out row that are twins.
    """

    rows: int
    exact: int
    near: int
    contradicting: int
    expected: float
    example: tuple[int, int] | None

    @property
    def share(self) -> float:
        """The share of held-out rows with a twin."""
        return (self.exact + self.near) / self.rows if self.rows else 0.0


def twins(x: Array, xv: Array, labels: Array | None, labels_v: Array | None) -> Twins:
    """Return which held-out rows stand among the training rows; all rows are compared exactly, some by distance."""
    places: dict[bytes, int] = {}
    for i, row in enumerate(np.ascontiguousarray(x + 0.0)):
        places.setdefault(row.tobytes(), i)
    exact, contradicting, example, single = 0, 0, None, np.ones(len(xv), bool)
    for i, row in enumerate(np.ascontiguousarray(xv + 0.0)):
        place = places.get(row.tobytes())
        if place is None:
            continue
        exact, single[i] = exact + 1, False
        example = example or (place, i)
        contradicting += bool(labels is not None and labels_v is not None and labels[place] != labels_v[i])
    near, pair = _near(x, xv[single], np.flatnonzero(single))
    return Twins(len(xv), exact, near, contradicting, _expected(x) * len(xv), example or pair)


def _expected(x: Array) -> float:
    """Return how many of the rows x a new row would equal if its columns were drawn independently."""
    some = x[:: max(1, len(x) // 4000)]
    logarithm = 0.0
    for column in some.T:
        _, counts = np.unique(column, return_counts=True)
        m = len(some)
        pairs = float((counts * (counts - 1)).sum()) / max(1, m * (m - 1))
        logarithm += float(np.log(max(pairs, 1.0 / m**2)))
    return len(x) * float(np.exp(max(logarithm, -700)))


def _near(x: Array, xv: Array, numbers: Array) -> tuple[int, tuple[int, int] | None]:
    """Return how many rows are far nearer to a training row than that is to its own neighbourhood."""
    scale = x.std(axis=0, dtype=np.float64)
    there = scale > 0
    if there.sum() < 2 or len(xv) == 0 or len(x) < 30:
        return 0, None
    most = max(20, _WORK_FOR_DISTANCES // (len(x) * x.shape[1]))
    some = xv[:: -(-len(xv) // most)]
    numbers = numbers[:: -(-len(xv) // most)]
    shift = x[:, there].mean(axis=0)
    train = ((x[:, there] - shift) / scale[there]).astype(np.float32)
    held = ((some[:, there] - shift) / scale[there]).astype(np.float32)
    # by how much nearer than its tenth neighbour the first is by chance depends on the dimensions that rows fill
    spectrum = np.linalg.eigvalsh(np.atleast_2d(np.cov(train[: 2 * _ROWS_FOR_DISTANCES].T)))
    spectrum = np.maximum(spectrum, 0)
    dimensions = float(spectrum.sum() ** 2 / (spectrum**2).sum())
    limit = min(0.03, 1e-4 ** (1 / max(1.0, dimensions)))
    count, example = 0, None
    k = min(10, len(train) - 1)
    square = (train**2).sum(axis=1)
    for i in range(0, len(held), 256):
        part = held[i : i + 256]
        distance = (part**2).sum(axis=1)[:, None] + square - 2 * part @ train.T
        first = distance.argmin(axis=1)
        tenth = np.sqrt(np.maximum(np.partition(distance, k, axis=1)[:, k], 0))
        nearest = np.sqrt(((part - train[first]) ** 2).sum(axis=1))  # without the cancellation of the sums above
        close = nearest < limit * tenth
        count += int(close.sum())
        if example is None and close.any():
            at = int(np.argmax(close))
            example = int(first[at]), int(numbers[i + at])
    return round(count * len(xv) / len(some)), example


# --- an input that tells all ---------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Leak:
    """An input that all but equals the target.

    Parameters
    ----------
    column : int
    agreement : float
        The share of the target's variance that it explains, or of rows whose class it gives away.
    by_share : bool
        Whether `agreement` is a share of rows.
    others : float
        The same of the best other input.
    by_neighbour : float
        The largest share of rows, beyond the commonest class, whose class is that of the row before and after them in
        the order of one input; 0 where rows have numbers.
    neighbour_column : int
        The input it is of.
    """

    column: int
    agreement: float
    by_share: bool
    others: float
    by_neighbour: float = 0.0
    neighbour_column: int = 0


def leaks(x: Array, labels: Array | None, y: Array | None, classes: int) -> list[Leak]:
    """Return inputs that tell the target by themselves: of classes the label, of numbers each output.

    A continuous input is held against a straight line (numbers, ranks too) or the means of the classes; one of few
    values against the commonest class of each value.
    """
    m, n = x.shape
    if n < 2 or m < 20:
        return []
    agreement, by_share = np.zeros(n), np.zeros(n, bool)
    spread = x.std(axis=0)
    safe = np.where(spread > 0, spread, 1.0)
    u = (x - x.mean(axis=0)) / safe
    if labels is not None:
        present = np.unique(labels)
        means = np.stack([u[labels == c].mean(axis=0) for c in present])
        counts = np.array([(labels == c).sum() for c in present])
        agreement = (counts[:, None] * means**2).sum(axis=0) / m
        for j in np.flatnonzero(spread > 0):
            values, where = np.unique(x[:, j], return_inverse=True)
            if len(present) <= len(values) <= max(2 * classes, 4):
                table = np.zeros((len(values), len(present)))
                np.add.at(table, (where, np.searchsorted(present, labels)), 1)
                # beyond what the commonest class alone explains
                right, commonest = table.max(axis=1).sum() / m, counts.max() / m
                every_class = len(np.unique(table.argmax(axis=1))) == len(present)
                if every_class and commonest < 1:
                    agreement[j], by_share[j] = (right - commonest) / (1 - commonest), True
    elif y is not None:
        for output in y.T:
            if output.std() == 0:
                continue
            plain = (u * ((output - output.mean()) / output.std())[:, None]).mean(axis=0) ** 2
            ranks = _ranks(x), _ranks(output[:, None])
            ranked = (ranks[0] * ranks[1]).mean(axis=0) ** 2
            agreement = np.maximum(agreement, np.maximum(plain, ranked))
    agreement[spread == 0] = 0
    order = np.argsort(-agreement)
    best = order[0]
    other = [float(agreement[j]) for j in order[1:] if not _same(x[:, best], x[:, j])]
    beside, column = (0.0, 0) if labels is None else _by_neighbour(x, labels)
    return [Leak(int(best), float(agreement[best]), bool(by_share[best]), max(other, default=0.0), beside, column)]


def _same(a: Array, b: Array) -> bool:
    """Return whether two columns are functions of each other: a line apart, or the same partition of the rows."""
    spread = float(a.std() * b.std())
    if spread == 0:
        return False
    if abs(float(((a - a.mean()) * (b - b.mean())).mean())) > (1 - 1e-9) * spread:
        return True
    kinds = len(np.unique(a))
    if kinds > 50 or kinds != len(np.unique(b)):
        return False
    return len(np.unique(np.stack([a, b], axis=1), axis=0)) == kinds


def _by_neighbour(x: Array, labels: Array) -> tuple[float, int]:
    """Return how well the nearest value of one input tells the class, and which input does so best."""
    commonest = float(np.bincount(labels).max()) / len(labels)
    if commonest == 1:
        return 0.0, 0
    right = np.zeros(x.shape[1])
    for j, column in enumerate(x.T):
        order = np.argsort(column, kind="stable")
        values, told = column[order], labels[order]
        if (np.diff(values) > 0).mean() < 0.5:
            continue  # too few different values to lie beside one another
        right[j] = 0.5 * ((told[1:-1] == told[:-2]).mean() + (told[1:-1] == told[2:]).mean())
    best = int(right.argmax())
    return float((right[best] - commonest) / (1 - commonest)), best


def _ranks(x: Array) -> Array:
    ranks = np.argsort(np.argsort(x, axis=0, kind="stable"), axis=0, kind="stable").astype(np.float64)
    ranks -= ranks.mean(axis=0)
    spread = ranks.std(axis=0)
    scaled: Array = ranks / np.where(spread > 0, spread, 1.0)
    return scaled
