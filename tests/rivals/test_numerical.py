import numpy as np
import pytest

import glassnet as gn
from glassnet.rivals.numerical import Numerical


@pytest.fixture
def curved(arena_of):
    """A small tanh network whose error has every derivative."""
    chance = np.random.default_rng(0)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(2, "tanh")], seed=1, dtype="float64")
    X, Y = chance.normal(size=(6, 3)), chance.normal(size=(6, 2))
    return net, arena_of(net, X, Y, "squared_error", l2=0.1)


@pytest.mark.parametrize(("differences", "order"), [("forward", 1), ("central", 2)])
def test_a_tenth_of_the_nudge_leaves_a_tenth_of_the_error_or_a_hundredth(curved, differences, order):
    net, arena = curved
    true = arena.gradient(net.theta)[1]
    off = []
    for nudge in (1e-2, 1e-3):
        estimate = Numerical(differences=differences, nudge=nudge).estimator(arena, np.random.default_rng(0))
        off.append(np.linalg.norm(estimate(net.theta, None) - true))
    assert off[0] > 1e-7
    assert off[0] / off[1] == pytest.approx(10**order, rel=0.1)


@pytest.mark.parametrize(("differences", "tolerance"), [("forward", 1e-3), ("central", 1e-7)])
def test_it_walks_where_gradient_descent_walks(curved, walk, differences, tolerance):
    net, arena = curved
    path = walk(Numerical(0.1, differences=differences, optimizer="sgd"), arena, net.theta, steps=30)
    assert np.linalg.norm(path[-1] - path[0]) > 0.3
    for _ in range(30):
        net.theta[:] -= 0.1 * net.backprop(arena.x, arena.y, "squared_error", l2=0.1).gradient.theta
    np.testing.assert_allclose(path[-1], net.theta, atol=tolerance)


def test_it_reaches_the_least_squares_solution(arena_of, walk):
    chance = np.random.default_rng(3)
    X, Y = chance.normal(size=(40, 3)), chance.normal(size=(40, 2))
    net = gn.Network(3, [gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, X, Y, "half_squared_error")
    path = walk(Numerical(0.5, optimizer="sgd", batch_size=40), arena, net.theta, steps=100)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(40)]), Y, rcond=None)[0]
    np.testing.assert_allclose(path[-1], best.ravel(), atol=1e-8)


@pytest.mark.parametrize("differences", ["forward", "central"])
@pytest.mark.parametrize("batch_size", [4, 6])
def test_a_step_costs_one_or_two_evaluations_for_each_weight_that_moves_and_row(
    arena_of, walk, differences, batch_size
):
    net = gn.Network(3, [gn.Dense(4, "tanh", trainable_bias=False), gn.Dense(2)], seed=1)
    arena = arena_of(net, np.ones((6, 3)), np.zeros((6, 2)), "squared_error")
    rival = Numerical(differences=differences, batch_size=batch_size)
    walk(rival, arena, net.theta, steps=1)
    weights = 3 * 4 + 4 * 2 + 2
    assert arena.evaluations == (2 * weights if differences == "central" else weights + 1) * batch_size
    assert arena.evaluations == rival.evaluations_a_step(arena)


def test_chunks_of_the_nudges_give_the_same_slopes(curved, monkeypatch):
    net, arena = curved
    for differences in ("forward", "central"):
        estimate = Numerical(differences=differences).estimator(arena, np.random.default_rng(0))
        whole = estimate(net.theta, None)
        with monkeypatch.context() as patch:
            patch.setattr("glassnet.rivals.numerical._BYTES_AT_A_TIME", 3 * 2 * net.theta.nbytes)
            np.testing.assert_array_equal(estimate(net.theta, None), whole)


def test_it_says_where_not_one_step_can_be_paid_for(curved):
    _, arena = curved
    assert Numerical().caution(arena) == ""
    arena.start(evaluations=100)
    assert "One step takes 312 evaluations, where backpropagation takes 18; 100 are left" in Numerical().caution(arena)
