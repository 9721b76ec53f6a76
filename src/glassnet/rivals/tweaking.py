"""Random tweaking: add a little noise to all weights at once, and keep what is better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_number
from glassnet.rivals.arena import Arena
from glassnet.rivals.rival import Rival

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Tweaking(Rival):
    """Random tweaking, the (1+1) evolution strategy: θ + σ·noise replaces θ where it is no worse.

    The 1/5 rule adapts the step: where more than one try in five succeeds, σ is too timid and grows; else it shrinks.

    Parameters
    ----------
    step : float
        σ of the first try.
    success : float
        The share of successes at which σ stays as it is.
    growth : float
        What σ is multiplied by after a success; after a failure by growth^(−success/(1−success)).

    Notes
    -----
    On the sphere Σθ² it converges linearly, at a rate that falls as 1/n (Rechenberg's progress rate): about the same
    factor of improvement for each n tries.

    Examples
    --------
    >>> Tweaking(0.2).spec
    'tweaking(0.2)'
    """

    name = "tweaking"
    title = "Random tweaking"
    idea = "Add a little noise to all weights, and keep the change if the network got no worse."
    source = "Rechenberg, Evolutionsstrategie, 1973; the 1/5 rule in the form of Kern et al., Natural Computing 3, 2004"
    never_worse = True

    step: float = 0.1
    success: float = 0.2
    growth: float = 1.2

    def __post_init__(self) -> None:
        require_number(self, "step", low=0, ends="()")
        require_number(self, "success", low=0, high=1, ends="()")
        require_number(self, "growth", low=1, ends="()")

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield the best θ after each try."""
        best, sigma = theta.copy(), self.step
        cost = arena.costs(best[None])[0]
        shrink = self.growth ** (-self.success / (1 - self.success))
        while True:
            tried = best.copy()
            tried[arena.free] += sigma * chance.standard_normal(len(arena.free))
            tried_cost = arena.costs(tried[None])[0]
            if tried_cost <= cost:
                best, cost = tried, tried_cost
                sigma *= self.growth
            else:
                sigma *= shrink
            yield best
