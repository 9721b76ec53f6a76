"""All combinations: each once, in the stated order, with the best found by brute force."""

import contextlib
import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import Block
from glassnet.errors import InputError
from glassnet.network.objective import make_objective
from glassnet.rivals import Arena, BudgetSpent
from glassnet.rivals.grid import Grid


def linear(n, truth, start=9.0):
    """An arena whose error is Σ(θ − truth)²."""
    net = gn.Network(n, [gn.Dense(1, "identity", bias=False)], dtype="float64")
    net.theta[:] = start
    x = np.sqrt(n) * np.eye(n)
    block = Block(x, x @ np.reshape(truth, (n, 1)), np.ones(n))
    return Arena(net, make_objective("squared_error", "mean", 0, 0), block), net.theta.copy()


def visited(grid, n, steps=None, seed=0):
    """All θ that a grid asks about, in order, and the best one it ends with."""
    arena, theta = linear(n, np.zeros(n))
    stacks, ask = [], arena.costs
    arena.costs = lambda stack: stacks.append(stack.copy()) or ask(stack)
    for best in itertools.islice(grid.steps(arena, theta, np.random.default_rng(seed)), steps):
        theta = best
    return np.concatenate(stacks[1:]) if len(stacks) > 1 else np.empty((0, n)), theta


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 9), st.integers(1, 4), st.integers(0, 100))
def test_the_spread_order_visits_every_combination_once(values, n, seed):
    found, _ = visited(Grid(values, reach=1.0), n, seed=seed)
    levels = np.linspace(-1, 1, values)
    assert len(found) == values**n
    assert set(map(tuple, found)) == set(itertools.product(levels, repeat=n))


def test_counting_has_the_last_weight_fastest():
    found, _ = visited(Grid(5, reach=2.0, order="count"), 4)
    assert (found == np.array(list(itertools.product(np.linspace(-2, 2, 5), repeat=4)))).all()


@pytest.mark.parametrize("values", [6, 7, 16, 1000])
def test_in_the_spread_order_each_weight_takes_all_its_values_at_once(values):
    found, _ = visited(Grid(values), 30, steps=1)
    for column in found[:values].T:
        assert len(set(column)) == values


@pytest.mark.parametrize("order", ["count", "spread"])
def test_goes_on_where_another_run_has_stopped(order):
    whole, _ = visited(Grid(7, order=order), 3, seed=4)
    rest, _ = visited(Grid(7, order=order, first=100), 3, seed=4)
    assert (rest == whole[100:]).all()


@pytest.mark.parametrize("order", ["count", "spread"])
def test_finds_the_best_point_of_the_grid_by_brute_force_on_xor(order):
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = x.sum(1, keepdims=True) % 2
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "sigmoid")], seed=0)
    arena = Arena(net, make_objective("squared_error", "mean", 0, 0), Block(x, y, np.ones(4)))
    *_, best = Grid(3, reach=5.0, order=order).steps(arena, net.theta.astype(float), np.random.default_rng(0))
    lowest = np.inf
    for t in np.array(list(itertools.product([-5.0, 0.0, 5.0], repeat=9))):
        hidden = np.tanh(x @ t[:4].reshape(2, 2) + t[4:6])
        lowest = min(lowest, ((1 / (1 + np.exp(-(hidden @ t[6:8] + t[8]))) - y[:, 0]) ** 2).mean())
    assert arena.losses(best[None])[0] == pytest.approx(lowest, rel=1e-12)


def test_comes_no_nearer_than_its_spacing_allows():
    truth = np.array([0.37, -0.81, 0.02])
    arena, theta = linear(3, truth)
    *_, best = Grid(11, reach=1.0).steps(arena, theta, np.random.default_rng(0))
    levels = np.linspace(-1, 1, 11)
    assert best == pytest.approx(levels[np.abs(levels[:, None] - truth).argmin(axis=0)])


def test_runs_what_the_budget_allows_of_a_grid_that_no_one_finishes():
    arena, theta = linear(30, np.zeros(30), start=100.0)
    arena.start(evaluations=30 * 5001)
    with contextlib.suppress(BudgetSpent):
        for found in Grid(1000).steps(arena, theta, np.random.default_rng(0)):
            best = found
    assert arena.evaluations == 30 * 5001
    assert np.abs(best).max() <= 5.0


def test_says_beforehand_how_long_it_takes_and_does_not_count_that():
    arena, _ = linear(9, np.zeros(9))
    arena.start(evaluations=1000)
    began = time.perf_counter()
    says = Grid(1000).caution(arena).splitlines()
    assert time.perf_counter() - began < 20
    assert arena.evaluations == 0
    assert says[0].startswith("All combinations: 9 weights of 1,000 values each have 10²⁷ combinations.")
    assert says[0].endswith("It tries as many as the budget allows. At that speed:")
    assert "centuries" in says[0]
    assert [line.split(":")[0].strip() for line in says[1:]] == [f"{n} weights" for n in range(2, 9)]


def test_the_speed_it_says_is_the_speed_at_which_it_runs():
    arena, theta = linear(9, np.zeros(9))

    def said_to_real():
        said = float(Grid(4).caution(arena).split("At the ")[1].split(" a second")[0].replace(",", ""))
        began = time.perf_counter()
        list(Grid(4).steps(arena, theta, np.random.default_rng(0)))
        return said / (4**9 / (time.perf_counter() - began))

    assert any(1 / 5 < said_to_real() < 5 for _ in range(8))  # a busy machine disturbs some of them


def test_says_what_is_wrong():
    with pytest.raises(InputError, match="values is 1"):
        Grid(1)
    with pytest.raises(InputError, match="at most 1,000,000"):
        Grid(10**7)
    arena, _ = linear(2, np.zeros(2))
    assert Grid(10, first=100).refusal(arena) == "There are 100 combinations; none is left at first=100."
    assert Grid(10, first=99).refusal(arena) == ""
