"""What the error at many θ costs in time: how many rows and points a grid may have, and how far it is.

Knows sizes only, no weights and no rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from glassnet.network.network import Network

POINTS = 51
"""Of a grid along each direction, where that is not too long."""
_FEWEST_POINTS = 11
_FEWEST_ROWS = 128
_SECONDS = 10.0

# Measured on two cores of a busy machine, in float64, networks of 24,000 to 9 million weights, 1 to 8000 rows.
_SECONDS_PER_THETA = 2e-5
_SECONDS_PER_WEIGHT = 6e-9  # θ is made, and packed for the products
_SECONDS_PER_MULTIPLICATION = 4e-11


@final
@dataclass(frozen=True)
class GridProgress:
    """How far a grid is.

    Parameters
    ----------
    done, points : int
        Points of the grid whose error is known, and all of them.
    seconds_left : float
        Estimated for the rest from those that are done.
    """

    done: int
    points: int
    seconds_left: float


def seconds(net: Network, thetas: int, rows: int) -> float:
    """Return about how long the errors of so many θ on so many rows take."""
    weights, products = net.theta.size * _SECONDS_PER_WEIGHT, net.multiplications * _SECONDS_PER_MULTIPLICATION
    return thetas * (_SECONDS_PER_THETA + weights + rows * products)


def affordable(net: Network, points: int | None, rows: int | None, all_rows: int) -> tuple[int, int]:
    """Return how many points along each direction, and how many rows, some ten seconds allow.

    What a person chose is kept. Rows are given up first, down to 128; then points, down to 11 along each direction.
    """
    side = POINTS if points is None else points
    if rows is None:
        each = _SECONDS / side**2 - seconds(net, 1, 0)
        for_one_row = max(seconds(net, 1, 1) - seconds(net, 1, 0), 1e-12)
        rows = max(_FEWEST_ROWS, int(each / for_one_row))
    rows = min(rows, all_rows)
    if points is None:
        side = int((_SECONDS / seconds(net, 1, rows)) ** 0.5)
        side = min(POINTS, max(_FEWEST_POINTS, side - 1 + side % 2))  # odd, so that the middle is a point
    return side, rows
