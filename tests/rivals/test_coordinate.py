"""Coordinate search against Gauss and Seidel, and the places it cannot leave."""

import contextlib
import itertools

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Block
from glassnet.network.objective import make_objective
from glassnet.rivals import Arena, BudgetSpent
from glassnet.rivals.coordinate import Coordinate


def linear(x, y, loss="squared_error", start=0.0):
    net = gn.Network(x.shape[1], [gn.Dense(1, "identity", bias=False)], dtype="float64")
    net.theta[:] = start
    return Arena(net, make_objective(loss, "mean", 0, 0), Block(x, y, np.ones(len(x)))), net.theta.copy()


def walk(rival, arena, theta, steps, seed=0):
    taken = rival.steps(arena, theta, np.random.default_rng(seed))
    return [next(taken).copy() for _ in range(steps + 1)]


def test_one_time_round_is_an_iteration_of_gauss_and_seidel():
    chance = np.random.default_rng(0)
    x, y = chance.standard_normal((30, 4)), chance.standard_normal((30, 1))
    arena, theta = linear(x, y, start=chance.standard_normal(4))
    found = walk(Coordinate(), arena, theta, 20)
    a, b, w = x.T @ x, (x.T @ y)[:, 0], theta.copy()
    for step in range(20):
        j = step % 4
        w[j] = (b[j] - a[j] @ w + a[j, j] * w[j]) / a[j, j]
        assert found[step + 1] == pytest.approx(w, abs=1e-6)


@pytest.mark.parametrize("order", ["cyclic", "random"])
def test_reaches_least_squares(order):
    chance = np.random.default_rng(1)
    x, y = chance.standard_normal((40, 6)), chance.standard_normal((40, 1))
    arena, theta = linear(x, y)
    assert walk(Coordinate(order), arena, theta, 150)[-1] == pytest.approx(np.linalg.lstsq(x, y)[0][:, 0], abs=1e-6)


def test_a_slanted_valley_costs_it_as_much_as_the_correlation_says():
    rho = 0.95  # x'x = [[1, ρ], [ρ, 1]]: each time round, Gauss and Seidel keep ρ² of the distance
    arena, theta = linear(np.linalg.cholesky([[1, rho], [rho, 1]]).T * np.sqrt(2), np.zeros((2, 1)), start=[1.0, 2.0])
    found = np.array(walk(Coordinate(), arena, theta, 42))[2::2]
    assert found[1:, 0] / found[:-1, 0] == pytest.approx(rho**2, rel=1e-3)


@pytest.mark.parametrize("order", ["cyclic", "random"])
def test_stands_still_at_a_kink_that_no_single_weight_can_leave(order):
    # E = ½(5|v + w| + |v − w − 2|) at v = w = 0: either weight alone makes it larger, yet (1, −1) has E = 0
    x, y = np.array([[5.0, 5.0], [1.0, -1.0]]), np.array([[0.0], [2.0]])
    arena, theta = linear(x, y, "absolute_error")
    assert arena.losses(np.array([[1.0, -1.0]]))[0] == 0
    assert (walk(Coordinate(order), arena, theta, 60)[-1] == 0).all()


def test_stands_still_where_two_weights_in_a_row_are_zero():
    net = gn.Network(2, [gn.Dense(2, "tanh", bias=False), gn.Dense(1, "identity", bias=False)], dtype="float64")
    net.theta[:] = 0
    arena = Arena(net, make_objective("squared_error", "mean", 0, 0), Block(np.eye(2), np.ones((2, 1)), np.ones(2)))
    assert (walk(Coordinate(), arena, net.theta.copy(), 30)[-1] == 0).all()


def test_learns_xor_from_some_starts():
    x, learnt = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), 0
    for seed in range(4):
        net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "sigmoid")], seed=seed)
        block = Block(x, x.sum(1, keepdims=True) % 2, np.ones(4))
        arena = Arena(net, make_objective("squared_error", "mean", 0, 0), block)
        theta = walk(Coordinate(), arena, net.theta.astype(float), 900)[-1]
        learnt += arena.losses(theta[None])[0] < 0.01
    assert learnt >= 2


def test_asks_for_a_whole_line_at_once_and_moves_one_weight_a_step(monkeypatch):
    chance = np.random.default_rng(2)
    arena, theta = linear(chance.standard_normal((10, 5)), chance.standard_normal((10, 1)))
    sizes, ask = [], arena.costs
    monkeypatch.setattr(arena, "costs", lambda stack: sizes.append(len(stack)) or ask(stack))
    found = walk(Coordinate("random", points=7), arena, theta, 10)
    assert sizes[:3] == [1, 14, 1]
    assert set(sizes) == {1, 14}
    moved = [np.flatnonzero(after != before).tolist() for before, after in itertools.pairwise(found)]
    assert all(len(which) <= 1 for which in moved)
    assert sorted(j for which in moved[:5] for j in which) == [0, 1, 2, 3, 4]  # each once, the first time round


def test_keeps_the_last_step_that_the_budget_paid_for():
    arena, theta = linear(np.eye(3), np.ones((3, 1)))
    arena.start(evaluations=100)
    costs = []
    with contextlib.suppress(BudgetSpent):
        for found in Coordinate().steps(arena, theta, np.random.default_rng(0)):
            with arena.resting():
                costs.append(arena.losses(found[None])[0])
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]
    assert 60 < arena.evaluations <= 100


def test_an_error_that_is_not_a_number_is_never_taken():
    arena, theta = linear(np.full((1, 1), 1e160), np.zeros((1, 1)), start=1e-155)
    found = walk(Coordinate(reach=1.0), arena, theta, 5)[-1]  # further out the error overflows
    assert abs(found[0]) <= 1e-155
