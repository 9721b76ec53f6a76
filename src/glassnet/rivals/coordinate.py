"""One weight at a time: change one weight, hold the rest, and go on to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_choice, require_number, require_whole
from glassnet.rivals.arena import Arena
from glassnet.rivals.candidates import at_once
from glassnet.rivals.rival import Rival

Array = NDArray[Any]

_LEAST_REACH = 1e-6
"""A weight that has come to rest still looks so far, since others move and may call it again."""


@final
@dataclass(frozen=True)
class Coordinate(Rival):
    """Coordinate search: θ_j moves to the lowest error along its own axis, for one j after another.

    The line search asks for the errors at θ_j ± reach·2⁻ᵏ, k = 0, 1, …, all at once; then once more at the vertex of
    the parabola through the lowest point and its two neighbours. The best point is taken if it is lower than where
    θ_j was. Each weight keeps its own reach: four times its last move, but at most four times, at least a quarter of
    what it was.

    Parameters
    ----------
    order : {"cyclic", "random"}
        From the first weight to the last, or in a new random order each time round.
    reach : float
        How far a weight is moved at first.
    points : int
        Points asked for on each side.

    Notes
    -----
    On a linear network with squared error each line is a parabola and its vertex is found exactly, so that one time
    round is one iteration of Gauss and Seidel on the normal equations, and it converges to least squares. It learns
    XOR from some starts. It is slow where weights pull together (a narrow slanted valley), and it stands still at
    a kink that no single weight can leave, as absolute errors have (Tseng 2001), and where two weights in a row are 0.

    Examples
    --------
    >>> Coordinate("random").spec
    "coordinate('random')"
    """

    name = "coordinate"
    title = "One weight at a time"
    idea = "Change one weight, hold all others, keep the best value found, and go on to the next weight."
    source = "Southwell, Relaxation methods, 1940; Powell, On search directions for minimization algorithms, 1973"
    never_worse = True

    order: str = "cyclic"
    reach: float = 1.0
    points: int = 6

    def __post_init__(self) -> None:
        require_choice(self, "order", ("cyclic", "random"))
        require_number(self, "reach", low=0, ends="()")
        require_whole(self, "points", low=2)

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield θ after each weight."""
        points = max(2, min(self.points, at_once(arena, 2 * self.points) // 2))
        grid = 2.0 ** -np.arange(points)
        grid = np.concatenate([-grid, grid[::-1]])
        stack = np.tile(theta, (2 * points, 1))
        theta = theta.copy()
        reach = np.full(arena.size, self.reach)
        cost = arena.costs(theta[None])[0]
        yield theta
        while len(arena.free):
            for j in arena.free if self.order == "cyclic" else chance.permutation(arena.free):
                here = theta[j]
                stack[:, j] = here + reach[j] * grid
                t = np.insert(stack[:, j], points, here)
                costs = np.insert(arena.costs(stack), points, cost)
                stack[:, j] = here
                best = int(np.argmin(costs)) if costs.min() < cost else points
                theta[j], cost = t[best], costs[best]
                vertex = _vertex(t, costs, best)
                if vertex is not None and arena.left >= arena.rows:
                    stack[0, j] = vertex
                    lowest = arena.costs(stack[:1])[0]
                    if lowest < cost:
                        theta[j], cost = vertex, lowest
                stack[:, j] = theta[j]
                reach[j] = np.clip(4 * abs(theta[j] - here), reach[j] / 4, reach[j] * 4).clip(_LEAST_REACH)
                yield theta


def _vertex(t: Array, costs: Array, best: int) -> float | None:
    """Return where the parabola through the best point and its neighbours is lowest; None where it has no bottom."""
    middle = min(max(best, 1), len(t) - 2)
    (a, b, c), (fa, fb, fc) = t[middle - 1 : middle + 2], costs[middle - 1 : middle + 2]
    if not np.isfinite([fa, fb, fc]).all() or not a < b < c:
        return None
    # Newton's divided differences: f(t) = fa + s·(t−a) + q·(t−a)(t−b)
    s, q = (fb - fa) / (b - a), ((fc - fb) / (c - b) - (fb - fa) / (b - a)) / (c - a)
    if not q > 0:
        return None
    vertex = 0.5 * (a + b) - s / (2 * q)
    far = 4 * (t[-1] - t[0])  # beyond that three points know nothing
    return float(vertex) if t[0] - far <= vertex <= t[-1] + far else None
