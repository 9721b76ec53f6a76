"""Evolution strategies: a cloud of networks around one θ; the cloud moves to where the better ones lie.

CMA-ES learns the shape of the cloud and keeps a matrix of n × n for it; the antithetic strategy of OpenAI keeps the
cloud round, which also serves large networks. The covariance update is the package `cma`'s, by the author of the
method; all else is here.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import refusal, require_choice, require_number, require_whole
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.rivals.arena import Arena
from glassnet.rivals.candidates import population
from glassnet.rivals.rival import Rival
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]

_MOST_FOR_AUTO, _MOST_FOR_CMA = 300, 3000
_OPENAI_POPULATION = 128
_MOST_AFTER_RESTARTS = 4096
_WORST = 1e300  # stands for infinity, which cma does not take


@final
@dataclass(frozen=True)
class Evolution(Rival):
    """Evolution strategies: CMA-ES up to 300 weights, OpenAI's antithetic strategy beyond.

    CMA-ES draws θ_i = m + σ·N(0, C). The mean m moves to the weighted mean of the better half, C is bent towards the
    steps that led there, and σ grows where steps add up and shrinks where they cancel. OpenAI-ES draws pairs m ± σε_i
    and steps along its estimate of a gradient, with errors replaced by ranks u:

        ĝ = 1/(2σP) Σᵢ (u(m + σεᵢ) − u(m − σεᵢ)) εᵢ,    P pairs

    Parameters
    ----------
    method : {"auto", "cma", "openai"}
    population : int
        Networks of a generation; 0 is the method's own: 4 + ⌊3 ln n⌋ for CMA-ES, 128 for OpenAI-ES. That of OpenAI-ES
        is smaller where 30 generations would not fit in the budget, or the stack not in memory.
    step : float
        σ: where CMA-ES begins, and what OpenAI-ES keeps.
    optimizer : str
        Spelling of the optimizer that OpenAI-ES gives ĝ to.
    shaping : {"ranks", "none"}
        What OpenAI-ES uses for u: ranks from −½ to ½, or the errors themselves.

    Notes
    -----
    CMA-ES converges linearly on Σθ², and after it has learnt C as fast on an ellipsoid of any axes (Hansen 2016);
    only the order of the errors counts. Where it stops moving it starts again near the start with a doubled
    population (Auger & Hansen 2005). It yields the best θ so far. Its matrix grows as n², so that it refuses more
    than 3,000 weights.

    Without shaping the expected ĝ is the gradient of the smoothed error, the mean of E(m + σε). Its noise is that of
    a random direction: on a plane E = g·θ, the expected |ĝ − g|² is (n+1)/P·|g|². So for each pair it learns n times
    less than one backward pass tells (Nesterov & Spokoiny 2017). It yields m, which may be worse than the start.
    Deviations from Salimans et al.: no virtual batch normalisation, no weight decay, the noise is drawn afresh and
    not from a table.

    Examples
    --------
    >>> Evolution("openai", optimizer="sgd(0.1)").spec
    "evolution('openai', optimizer='sgd(0.1)')"
    """

    name = "evolution"
    title = "Evolution strategy"
    idea = "Try a cloud of networks around one set of weights, and move the cloud to where the better ones lie."
    source = (
        "Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772, 2016; Salimans et al., Evolution strategies "
        "as a scalable alternative to reinforcement learning, arXiv:1703.03864, 2017"
    )

    method: str = "auto"
    population: int = 0
    step: float = 0.3
    optimizer: str = "adam(0.05)"
    shaping: str = "ranks"

    def __post_init__(self) -> None:
        require_choice(self, "method", ("auto", "cma", "openai"))
        require_whole(self, "population", low=0)
        if 0 < self.population < 4:
            raise refusal(self, "population", "4 or more, or 0 for the method's own")
        require_number(self, "step", low=0, ends="()")
        require_choice(self, "shaping", ("ranks", "none"))
        if OPTIMIZERS.resolve(self.optimizer).full_batch:
            raise refusal(self, "optimizer", "an optimizer that takes one gradient a step, such as 'adam(0.05)'")

    def refusal(self, arena: Arena) -> str:
        """Return why it cannot train this network: too many weights for a matrix of them, or no package `cma`."""
        n = len(arena.free)
        if self._is_cma(n) and n > _MOST_FOR_CMA:
            return (
                f"CMA-ES keeps a matrix of weights by weights; {n:,} weights are more than {_MOST_FOR_CMA:,}. "
                "Use evolution('openai')."
            )
        if self._is_cma(n) and importlib.util.find_spec("cma") is None:
            return "CMA-ES needs the package cma, which is not installed: pip install cma. Or use evolution('openai')."
        return ""

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield after each generation: the best θ so far (CMA-ES), or the middle of the cloud (OpenAI-ES)."""
        if self._is_cma(len(arena.free)):
            with OneBlasThread():  # on matrices of this size more threads only wait for each other
                yield from self._cma(arena, theta, chance)
        else:
            yield from self._openai(arena, theta, chance)

    def _is_cma(self, n: int) -> bool:
        return self.method == "cma" or (self.method == "auto" and n <= _MOST_FOR_AUTO)

    def _cma(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        free, best = arena.free, theta.copy()
        cost = arena.costs(best[None])[0]
        size, middle = self.population or 4 + math.floor(3 * math.log(max(1, len(free)))), theta[free]
        yield best
        while len(free):
            strategy = _strategy(middle, self.step, size, chance)
            stack = np.tile(theta, (size, 1))
            while True:
                with np.errstate(all="ignore"):
                    drawn = strategy.ask()
                stack[:, free] = drawn
                costs = arena.costs(stack)
                with np.errstate(all="ignore"):
                    strategy.tell(drawn, np.minimum(costs, _WORST).tolist())
                winner = np.argmin(costs)
                if costs[winner] < cost:
                    best, cost = stack[winner].copy(), costs[winner]
                yield best
                if strategy.stop():
                    break
            size = max(size, min(2 * size, _MOST_AFTER_RESTARTS))
            middle = theta[free] + self.step * chance.standard_normal(len(free))

    def _openai(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        free, mean = arena.free, theta.copy()
        pairs = max(2, population(arena, self.population or _OPENAI_POPULATION) // 2)
        optimizer = OPTIMIZERS.resolve(self.optimizer)
        state = optimizer.init(mean)
        gradient = np.zeros_like(mean)
        stack = np.empty((2 * pairs, len(mean)))
        while True:
            noise = chance.standard_normal((pairs, len(free)))
            stack[:] = mean
            stack[:pairs, free] += self.step * noise
            stack[pairs:, free] -= self.step * noise
            costs = np.minimum(arena.costs(stack), _WORST)
            u = centred_ranks(costs) if self.shaping == "ranks" else costs
            gradient[free] = (u[:pairs] - u[pairs:]) @ noise / (2 * self.step * pairs)
            moved = mean.copy()
            optimizer.update(moved, gradient, state)
            mean[free] = moved[free]
            yield mean


def centred_ranks(costs: Array) -> Array:
    """Return the rank of each cost, from −½ for the lowest to ½ for the highest; equal costs share the mean of theirs.

    Examples
    --------
    >>> centred_ranks(np.array([7.0, 1.0, 100.0])).tolist()
    [0.0, -0.5, 0.5]
    """
    from scipy.stats import rankdata

    ranks: Array = (rankdata(costs) - 1) / max(1, len(costs) - 1) - 0.5
    return ranks


def _strategy(mean: Array, step: float, size: int, chance: np.random.Generator) -> Any:
    """Return cma's strategy, with all its chance from `chance`, stopping only where it moves no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cma says at import that it cannot plot without matplotlib
        import cma

    options = {
        "popsize": size,
        "seed": math.nan,  # leave NumPy's global state alone
        "randn": lambda *shape: chance.standard_normal(shape),
        "verbose": -9,
        "maxiter": math.inf,
        "tolfun": 0,
        "tolfunhist": 0,
        "tolflatfitness": 100,
    }
    return cma.CMAEvolutionStrategy(mean, step, options)
