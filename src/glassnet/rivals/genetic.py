"""A genetic algorithm: a population of networks; the fitter are parents more often, children mix and mutate weights.

A whole generation is one stack of θ: it is bred by NumPy and judged by one question to the arena.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import require_choice, require_number, require_whole
from glassnet.network.parameters import Layout
from glassnet.rivals.arena import Arena
from glassnet.rivals.candidates import population
from glassnet.rivals.rival import Rival

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Genetic(Rival):
    """A genetic algorithm with tournament selection, uniform crossover, Gaussian mutation and elitism.

    Parameters
    ----------
    population : int
        Networks of a generation; fewer where 30 generations would not fit in the budget, or the stack not in memory.
    spread : float
        σ of the noise around the start from which the first generation is drawn. The start itself belongs to it.
    tournament : int
        A parent is the best of so many drawn at random.
    crossover : float
        The share of children that have two parents.
    exchange : {"units", "weights"}
        What such a child takes whole from the one parent or the other, each with probability ½: a neuron with all its
        incoming weights, or each weight by itself.
    mutation : float
        The share of a child's weights that noise is added to.
    step : float
        σ of that noise.
    elite : int
        How many of the best live on unchanged.

    Notes
    -----
    A tournament of s in a population of p draws the one of rank i (0 is best) with probability ((p−i)ˢ −
    (p−i−1)ˢ)/pˢ; without variation the best one takes over in about (ln p + ln ln p)/ln s generations (Goldberg & Deb
    1991). It learns XOR. Without mutation it can only combine the values that the first generation has, and stops
    where they are used up; with it, σ stays as it is, so that the last digits come slowly. Crossover mixes
    networks that do the same with their neurons in another order, and their child does not ("competing conventions").

    Examples
    --------
    >>> Genetic(4000, tournament=3, exchange="weights").spec
    "genetic(4000, exchange='weights')"
    """

    name = "genetic"
    title = "Genetic algorithm"
    idea = "Keep a population of networks; let the better ones have children that mix and mutate their weights."
    source = (
        "Holland, Adaptation in natural and artificial systems, 1975; Montana & Davis, Training feedforward neural "
        "networks using genetic algorithms, IJCAI 1989; Goldberg & Deb, A comparative analysis of selection schemes "
        "used in genetic algorithms, FOGA 1991"
    )
    never_worse = True

    population: int = 1000
    spread: float = 1.0
    tournament: int = 3
    crossover: float = 0.7
    exchange: str = "units"
    mutation: float = 0.1
    step: float = 0.5
    elite: int = 2

    def __post_init__(self) -> None:
        require_whole(self, "population", low=4)
        require_number(self, "spread", low=0, ends="()")
        require_whole(self, "tournament", low=1)
        require_number(self, "crossover", low=0, high=1, ends="[]")
        require_choice(self, "exchange", ("units", "weights"))
        require_number(self, "mutation", low=0, high=1, ends="[]")
        require_number(self, "step", low=0, ends="()")
        require_whole(self, "elite", low=1)

    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield the best θ of each generation."""
        free, size = arena.free, population(arena, self.population, least=min(8, self.population))
        elite = min(self.elite, size // 2)
        genes = genes_of(arena.layout, self.exchange)[free]
        people = np.tile(theta[free], (size, 1))
        people[1:] += self.spread * chance.standard_normal((size - 1, len(free)))
        stack = np.tile(theta, (size, 1))
        stack[:, free] = people
        costs = arena.costs(stack)
        yield stack[np.argmin(costs)].copy()
        while True:
            kept = np.argsort(costs, kind="stable")[:elite]
            children = self._breed(people, costs, genes, size - elite, chance)
            people = np.concatenate([people[kept], children])
            stack[:, free] = people
            costs = np.concatenate([costs[kept], arena.costs(stack[elite:])])
            yield stack[np.argmin(costs)].copy()

    def _breed(self, people: Array, costs: Array, genes: Array, count: int, chance: np.random.Generator) -> Array:
        """Return `count` children (count, free): chosen parents, mixed, with noise on some of their weights."""
        mothers = chosen(costs, self.tournament, count, chance)
        fathers = chosen(costs, self.tournament, count, chance)
        from_father = chance.random((count, int(genes.max(initial=0)) + 1)) < 0.5
        from_father &= chance.random((count, 1)) < self.crossover
        children: Array = np.where(from_father[:, genes], people[fathers], people[mothers])
        mutated = np.flatnonzero(chance.random(children.shape, np.float32) < self.mutation)
        children.ravel()[mutated] += self.step * chance.standard_normal(len(mutated))
        return children


def chosen(costs: Array, tournament: int, count: int, chance: np.random.Generator) -> Array:
    """Return the winners of `count` tournaments, each between some drawn at random: (count,) int.

    Examples
    --------
    >>> chosen(np.array([3.0, 1.0, 2.0]), 50, 4, np.random.default_rng(0)).tolist()
    [1, 1, 1, 1]
    """
    drawn = chance.integers(0, len(costs), (count, tournament))
    winners: Array = drawn[np.arange(count), np.argmin(costs[drawn], axis=1)]
    return winners


def genes_of(layout: Layout, exchange: str) -> Array:
    """Return the gene that each entry of θ belongs to, (n,) int: each its own, or one for each neuron."""
    if exchange == "weights":
        return np.arange(layout.size)
    genes, first, layer = np.empty(layout.size, np.int64), 0, -1
    units = 0
    for k, parameter, place in layout.places:
        if k != layer:
            first, layer, units = first + units, k, parameter.shape[-1]
        genes[place] = first + np.arange(parameter.size) % units  # the last axis of each array counts the neurons
    return genes
