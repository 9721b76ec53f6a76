"""Random guessing: set all weights at random within a range, again and again, and remember the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_number, require_whole
from glassnet.rivals.arena import Arena
from glassnet.rivals.candidates import at_once
from glassnet.rivals.rival import Rival

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Guessing(Rival):
    """Random guessing: θ is drawn anew from U(−reach, reach) for every try; what was learnt before is not used.

    Parameters
    ----------
    reach : float
        Weights are drawn between −reach and reach.
    guesses : int
        How many θ are tried between two yields; fewer where they would not fit in memory or the budget.

    Notes
    -----
    If the θ that are good enough take up the share q of the range, it needs 1/q guesses in the mean, and after N
    guesses has failed with probability (1−q)^N. It finds weights for XOR. A ball of radius r takes up
    π^(n/2)/Γ(n/2+1)·(r/2·reach)ⁿ of the range, so that it fails as weights are added: at 20 weights a ball as wide as
    the range has 1/40,000,000 of it.

    Examples
    --------
    >>> Guessing(2.0).spec
    'guessing(2.0)'
    """

    name = "guessing"
    title = "Random guessing"
    idea = "Draw all weights at random, again and again, and keep the best network so far."
    source = (
        "Brooks, A discussion of random methods for seeking maxima, Operations Research 6, 1958; for networks "
        "Schmidhuber, Hochreiter & Bengio, Evaluating benchmark problems by random guessing, 2001"
    )
    never_worse = True

    reach: float = 5.0
    guesses: int = 1000

    def __post_init__(self) -> None:
        require_number(self, "reach", low=0, ends="()")
        require_whole(self, "guesses", low=1)

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield the best θ so far, the start among them, after each block of guesses."""
        best = theta.copy()
        cost = arena.costs(best[None])[0]
        while True:
            tried = np.tile(theta, (at_once(arena, self.guesses), 1))
            tried[:, arena.free] = chance.uniform(-self.reach, self.reach, (len(tried), len(arena.free)))
            costs = arena.costs(tried)
            winner = np.argmin(costs)
            if costs[winner] < cost:
                best, cost = tried[winner].copy(), costs[winner]
            yield best
