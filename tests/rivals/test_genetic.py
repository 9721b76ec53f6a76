"""The genetic algorithm against the theory of its selection, and what it can and cannot reach."""

import contextlib

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Block
from glassnet.network.objective import make_objective
from glassnet.rivals import Arena, BudgetSpent
from glassnet.rivals.genetic import Genetic, chosen, genes_of

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def xor(seed=0):
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "sigmoid")], seed=seed)
    block = Block(XOR, XOR.sum(1, keepdims=True) % 2, np.ones(4))
    return Arena(net, make_objective("squared_error", "mean", 0, 0), block), net.theta.astype(float)


def recorded(arena, monkeypatch):
    """The stacks that are asked about, as they come."""
    stacks, ask = [], arena.costs
    monkeypatch.setattr(arena, "costs", lambda stack: stacks.append(stack.copy()) or ask(stack))
    return stacks


@pytest.mark.parametrize("tournament", [1, 2, 3, 7])
def test_a_tournament_draws_each_rank_as_often_as_the_theory_says(tournament):
    p, draws = 10, 200_000
    chance = np.random.default_rng(tournament)
    rank = chance.permutation(p)
    won = np.bincount(rank[chosen(rank.astype(float), tournament, draws, chance)], minlength=p) / draws
    i = np.arange(p)
    expected = ((p - i) ** tournament - (p - i - 1) ** tournament) / p**tournament
    assert (np.abs(won - expected) <= 5 * np.sqrt(expected * (1 - expected) / draws) + 1e-12).all()


@pytest.mark.parametrize("tournament", [2, 3, 5])
def test_the_best_takes_over_as_fast_as_goldberg_and_deb_say(tournament):
    p, generations = 2000, []
    for seed in range(40):
        chance = np.random.default_rng(seed)
        costs, t = np.arange(p, dtype=float), 0
        while costs.min() == 0 and costs.max() > 0:  # the best one may be lost by chance: then it counts for nothing
            costs, t = costs[chosen(costs, tournament, p, chance)], t + 1
        if costs.max() == 0:
            generations.append(t)
    assert len(generations) > 20
    expected = (np.log(p) + np.log(np.log(p))) / np.log(tournament)
    assert np.mean(generations) == pytest.approx(expected, rel=0.2)


def test_a_neuron_is_a_gene_with_all_its_incoming_weights():
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dropout(0.5), gn.Dense(4, bias=False), gn.Dense(1)])
    genes = genes_of(net.layout, "units")
    for index, gene in enumerate(genes):
        layer, _, at = net.layout.locate(index)
        assert gene == {0: 0, 2: 3, 3: 7}[layer] + at[-1]
    assert genes_of(net.layout, "weights").tolist() == list(range(net.theta.size))


def test_learns_xor_with_a_population_of_thousands_in_one_question_a_generation(monkeypatch):
    arena, theta = xor()
    stacks = recorded(arena, monkeypatch)
    steps = Genetic(4000, elite=3).steps(arena, theta, np.random.default_rng(0))
    for _ in range(40):
        best = next(steps)
    assert arena.losses(best[None])[0] < 0.01
    assert [stack.shape for stack in stacks] == [(4000, 9)] + 39 * [(3997, 9)]


@pytest.mark.parametrize("exchange", ["units", "weights"])
def test_without_mutation_it_only_combines_what_the_first_generation_has(exchange, monkeypatch):
    arena, theta = xor()
    stacks = recorded(arena, monkeypatch)
    steps = Genetic(40, mutation=0, exchange=exchange).steps(arena, theta, np.random.default_rng(1))
    walk = [arena.losses(next(steps)[None])[0] for _ in range(80)]
    genes = genes_of(arena.layout, exchange)
    for gene in np.unique(genes):
        alleles = {tuple(row) for row in stacks[0][:, genes == gene]}
        assert {tuple(row) for stack in stacks[1:] for row in stack[:, genes == gene]} <= alleles
    assert walk[-1] == walk[-30] > 0.02  # all are alike, and no further step is possible


def test_crossover_takes_half_of_the_genes_from_each_parent(monkeypatch):
    arena, theta = xor()
    stacks = recorded(arena, monkeypatch)
    steps = Genetic(2000, mutation=0, crossover=1.0, tournament=1, exchange="weights").steps(
        arena, theta, np.random.default_rng(0)
    )
    next(steps), next(steps)
    where = {value: person for person, row in enumerate(stacks[0]) for value in row}
    parents = np.array([[where[value] for value in row] for row in stacks[1]])
    two = np.array([len(set(row)) for row in parents])
    assert two.max() == 2
    # the first gene's parent gave each other one with probability ½: 9 weights, 8 others
    shared = (parents[two == 2][:, 1:] == parents[two == 2][:, :1]).mean() * 8
    expected = (4 - 8 * 0.5**8) / (1 - 0.5**8)  # a binomial of 8, given that it is not all 8
    assert shared == pytest.approx(expected, abs=0.2)


def test_is_smaller_where_the_budget_would_not_hold_thirty_generations():
    arena, theta = xor()
    arena.start(evaluations=4 * 900)
    yielded = 0
    with contextlib.suppress(BudgetSpent):
        for _ in Genetic(4000).steps(arena, theta, np.random.default_rng(0)):
            yielded += 1
    assert yielded >= 30
    assert arena.evaluations > 4 * 850
