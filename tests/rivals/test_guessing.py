"""Random guessing against the geometry of what it draws from."""

import contextlib

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Block
from glassnet.errors import InputError
from glassnet.network.objective import make_objective
from glassnet.rivals import Arena, BudgetSpent
from glassnet.rivals.guessing import Guessing


def sphere(n, start):
    """An arena whose error is Σθ²: one linear neuron, row j with √n at input j and the truth 0."""
    net = gn.Network(n, [gn.Dense(1, "identity", bias=False)], dtype="float64")
    net.theta[:] = start
    block = Block(np.sqrt(n) * np.eye(n), np.zeros((n, 1)), np.ones(n))
    return Arena(net, make_objective("squared_error", "mean", 0, 0), block), net.theta.copy()


def test_needs_as_many_guesses_as_the_good_share_of_the_range_says():
    arena, theta = sphere(2, 5.0)
    radius = 0.2
    share = np.pi * radius**2 / 4
    tries = []
    for seed in range(300):
        steps = Guessing(1.0, guesses=1).steps(arena, theta, np.random.default_rng(seed))
        tries.append(next(k for k, best in enumerate(steps, 1) if best @ best < radius**2))
    # first hits are geometric: mean 1/q, standard deviation √(1−q)/q
    assert abs(np.mean(tries) - 1 / share) < 4 * np.sqrt(1 - share) / share / np.sqrt(len(tries))


def test_does_not_find_a_ball_as_wide_as_the_range_among_twenty_weights():
    arena, theta = sphere(20, 2.0)
    arena.start(evaluations=20_000 * 20)
    with contextlib.suppress(BudgetSpent):
        for found in Guessing(1.0).steps(arena, theta, np.random.default_rng(0)):
            best = found
    assert best @ best > 1.0  # V₂₀/2²⁰ = 1/40,000,000 of the range lies nearer
    assert best @ best < theta @ theta


def test_finds_weights_for_xor():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "sigmoid")], seed=0)
    arena = Arena(net, make_objective("squared_error", "mean", 0, 0), Block(x, x.sum(1, keepdims=True) % 2, np.ones(4)))
    steps = Guessing().steps(arena, net.theta.astype(float), np.random.default_rng(0))
    for _ in range(20):
        best = next(steps)
    assert arena.losses(best[None])[0] < 0.03  # with three rows of four right it is 0.125 at best


def test_spends_its_budget_to_the_last_guess():
    arena, theta = sphere(3, 1.0)
    arena.start(evaluations=3 * 1234 + 2)
    with pytest.raises(BudgetSpent):
        list(Guessing(guesses=1000).steps(arena, theta, np.random.default_rng(0)))
    assert arena.evaluations == 3 * 1234


def test_says_what_is_wrong_with_a_range():
    with pytest.raises(InputError, match="reach is -1"):
        Guessing(-1)
