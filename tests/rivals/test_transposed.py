import numpy as np
import pytest

import glassnet as gn
from glassnet.rivals.backprop import Backprop
from glassnet.rivals.transposed import Transposed


@pytest.fixture
def rows():
    chance = np.random.default_rng(0)
    return chance.normal(size=(12, 4)), chance.normal(size=(12, 2))


def network(activation, seed=0):
    layers = [gn.Dense(5, activation), gn.Dropout(0.2), gn.Dense(3, activation, bias=False), gn.Dense(2)]
    return gn.Network(4, layers, seed=seed, dtype="float64")


def field(arena, rival=None):
    return (rival or Transposed()).estimator(arena, np.random.default_rng(0))


def jacobian(move, theta):
    """∂ move_i / ∂θ_j by central differences."""
    h = 1e-5 * np.eye(len(theta))
    return np.array([(move(theta + e, None) - move(theta - e, None)) / 2e-5 for e in h]).T


@pytest.mark.parametrize(
    ("loss", "factor"), [("half_squared_error", 1), ("squared_error", 2), ("mean_squared_error", 1)]
)
def test_on_a_linear_network_it_is_the_gradient_up_to_the_errors_factor(arena_of, rows, loss, factor):
    net = network("identity")
    arena = arena_of(net, *rows, loss)
    true = net.backprop(*rows, loss).gradient.theta
    np.testing.assert_allclose(factor * field(arena)(net.theta, None), true, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_with_other_hidden_layers_there_is_an_angle_to_the_gradient(arena_of, rows, degrees, activation):
    net = network(activation, seed=3)
    arena = arena_of(net, *rows, "half_squared_error")
    true = net.backprop(*rows, "half_squared_error").gradient
    move = field(arena)(net.theta, None)
    assert 3 < degrees(move, true.theta) < 90
    np.testing.assert_allclose(move[-8:], true.theta[-8:], rtol=1e-10)  # the last layer has no g′ to leave out


@pytest.mark.parametrize(("activation", "is_one"), [("identity", True), ("tanh", False)])
def test_with_other_hidden_layers_it_is_the_gradient_of_nothing(arena_of, rows, activation, is_one):
    """A gradient's Jacobian is a Hessian, and symmetric."""
    net = network(activation)
    J = jacobian(field(arena_of(net, *rows, "half_squared_error")), net.theta)
    lopsided = np.linalg.norm(J - J.T) / np.linalg.norm(J)
    assert (lopsided < 1e-6) if is_one else (lopsided > 0.05)


def test_it_does_not_rest_where_the_error_is_smallest(arena_of, walk, rows):
    net = gn.Network(4, [gn.Dense(2, "tanh"), gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, *rows, "half_squared_error")
    lowest = walk(Backprop("lbfgs", batch_size=12), arena, net.theta, steps=300)[-1]
    assert np.linalg.norm(arena.gradient(lowest)[1]) < 1e-5
    assert np.linalg.norm(field(arena)(lowest, None)) > 0.01


def test_on_a_linear_network_it_reaches_the_least_squares_solution(arena_of, walk, rows):
    X, Y = rows
    net = gn.Network(4, [gn.Dense(4), gn.Dense(2)], seed=0, dtype="float64")
    path = walk(Transposed(0.1, optimizer="sgd"), arena_of(net, X, Y, "half_squared_error"), net.theta, steps=2000)
    net.theta[:] = path[-1]
    ones = np.column_stack([X, np.ones(12)])
    np.testing.assert_allclose(net.predict(X), ones @ np.linalg.lstsq(ones, Y, rcond=None)[0], atol=1e-5)


def test_where_every_slope_is_positive_it_may_learn_all_the_same(arena_of, walk, xor):
    X, Y = xor
    net = gn.Network(2, [gn.Dense(4, "tanh"), gn.Dense(1, "sigmoid")], seed=1, dtype="float64")
    path = walk(Transposed(), arena_of(net, X, Y, "binary_cross_entropy"), net.theta, steps=2000)
    net.theta[:] = path[-1]
    assert ((net.predict(X) > 0.5) == Y).all()


def test_a_step_costs_a_pass(arena_of, walk, rows):
    arena = arena_of(network("tanh"), *rows, "squared_error")
    walk(Transposed(batch_size=5), arena, network("tanh").theta, steps=2)
    assert arena.evaluations == 3 * 10
