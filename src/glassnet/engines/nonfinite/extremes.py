"""Which numbers of which rows are far larger than usual: inputs, targets and weights of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block

Array = NDArray[Any]

FAR = 50.0
"""How many times the usual size is far out."""

_SAMPLE, _MOST_ROWS, _ROWS_AT_A_TIME = 10_000, 500_000, 4096


@final
@dataclass(frozen=True)
class Extreme:
    """One number of one row that is far out.

    Parameters
    ----------
    kind : str
        "input", "target" or "sample_weight".
    row : int
        Of the block.
    column : int or None
    value : float
    usual : float
        The usual size there.
    more : int
        How many more numbers of that kind are far out in the row.
    """

    kind: str
    row: int
    column: int | None
    value: float
    usual: float
    more: int = 0

    @property
    def ratio(self) -> float:
        """How many times the usual size it is."""
        return abs(self.value) / self.usual


def usual_sizes(values: Array) -> Array:
    """Return the size that nine of ten numbers in each column stay within, or in most columns if that is more.

    An overflow is a matter of plain size, so a column of tiny numbers is measured by the others.

    Parameters
    ----------
    values : (m, n) array

    Returns
    -------
    (n,) float64 array
        Above 0.
    """
    some = np.abs(values[:: max(1, len(values) // _SAMPLE)].astype(np.float64))
    sizes = np.sort(some, axis=0)[int(0.9 * (len(some) - 1))]
    present = sizes[sizes > 0]
    floor = float(np.median(present)) if len(present) else 1.0
    usual: Array = np.maximum(sizes, floor)
    return usual


def usual_size_of_inputs(block: Block) -> tuple[float, int]:
    """Return the usual size in the column where it is largest, and the column."""
    sizes = usual_sizes(block.x)
    return float(sizes.max()), int(sizes.argmax())


def usual_size_of_targets(block: Block) -> float:
    """Return the usual size of the targets; 1 for labels."""
    return 1.0 if block.y.ndim == 1 else float(usual_sizes(block.y).max())


def extremes(block: Block, rows: Array, go_on: Callable[[], None] = lambda: None) -> list[Extreme]:
    """Return for each of the rows that holds a number far out the one that is farthest, the farthest row first.

    At most the last 500,000 of `rows` are looked at; `go_on` is asked between them, and may raise something.
    """
    found: dict[int, Extreme] = {}
    for kind, values in _columns(block):
        usual = usual_sizes(values)
        far = FAR * usual
        for i in range(max(0, len(rows) - _MOST_ROWS), len(rows), _ROWS_AT_A_TIME):
            go_on()
            some = rows[i : i + _ROWS_AT_A_TIME]
            size = np.abs(values[some].astype(np.float64))
            for at in np.flatnonzero((size > far).any(axis=1)):
                column = int(np.argmax(size[at] / usual))
                row = int(some[at])
                number = None if kind == "sample_weight" else column
                more = int((size[at] > far).sum()) - 1
                extreme = Extreme(kind, row, number, float(values[row, column]), float(usual[column]), more)
                if row not in found or found[row].ratio < extreme.ratio:
                    found[row] = extreme
    return sorted(found.values(), key=lambda extreme: -extreme.ratio)


def _columns(block: Block) -> Iterator[tuple[str, Array]]:
    yield "input", block.x
    if block.y.ndim == 2:
        yield "target", block.y
    yield "sample_weight", block.sample_weight[:, None]
