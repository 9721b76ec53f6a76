import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import glassnet as gn
from glassnet.rivals.proportional import Proportional, share_by_weight


@pytest.fixture
def rows():
    chance = np.random.default_rng(0)
    return chance.normal(size=(12, 4)), chance.normal(size=(12, 1))


def positive(activation="identity"):
    """4-3-1, the weights in front of the output 0.5, 1 and 1.5: they add up to 3."""
    net = gn.Network(4, [gn.Dense(3, activation), gn.Dropout(0.5), gn.Dense(1)], seed=0, dtype="float64")
    net.weights[2] = [[0.5], [1.0], [1.5]]
    return net


def move_of(arena, theta):
    return Proportional().estimator(arena, np.random.default_rng(0))(theta, None)


@given(
    e=arrays(float, (2, 3), elements=st.floats(-10, 10)),
    weights=arrays(float, (4, 3), elements=st.floats(0.01, 10)),
)
def test_shares_add_up_to_what_was_shared_and_follow_the_weights(e, weights):
    shares = share_by_weight(e, weights)
    np.testing.assert_allclose(shares.sum(axis=1), e.sum(axis=1), atol=1e-9)
    for row in range(2):
        by_hand = [sum(e[row, i] * weights[j, i] / weights[:, i].sum() for i in range(3)) for j in range(4)]
        np.testing.assert_allclose(shares[row], by_hand, atol=1e-9)


def test_near_a_sum_of_0_shares_have_no_bound():
    sizes = [np.abs(share_by_weight(np.ones((1, 1)), np.array([[1.0], [gap - 1.0]]))).max() for gap in (1, 1e-3, 1e-9)]
    np.testing.assert_allclose(sizes, [1, 1e3, 1e9], rtol=1e-6)
    assert not np.isfinite(share_by_weight(np.ones((1, 1)), np.array([[1.0], [-1.0]]))).any()


def test_one_positive_output_on_a_linear_network_gives_the_gradient_over_the_sum(arena_of, rows):
    net = positive()
    move = move_of(arena_of(net, *rows, "half_squared_error"), net.theta)
    true = net.backprop(*rows, "half_squared_error").gradient
    np.testing.assert_allclose(move[:15], true.theta[:15] / 3.0, rtol=1e-10)
    np.testing.assert_allclose(move[15:], true.theta[15:], rtol=1e-10)


def test_below_a_sum_of_0_hidden_layers_go_uphill(arena_of, rows, degrees):
    net = positive()
    net.weights[2] = [[0.5], [1.0], [-1.6]]  # −0.1 in all
    arena = arena_of(net, *rows, "half_squared_error")
    move, true = move_of(arena, net.theta), net.backprop(*rows, "half_squared_error").gradient.theta
    assert degrees(move[:15], true[:15]) == pytest.approx(180)
    uphill = net.theta - 1e-6 * np.where(np.arange(19) < 15, move, 0)
    assert np.diff(arena.losses(np.stack([net.theta, uphill])))[0] > 0


def test_several_outputs_are_at_an_angle_even_on_a_linear_network(arena_of, degrees):
    chance = np.random.default_rng(1)
    net = gn.Network(4, [gn.Dense(3), gn.Dense(2)], seed=0, dtype="float64")
    net.weights[1] = [[1, 3], [2, 0.1], [0.2, 4]]
    X, Y = chance.normal(size=(12, 4)), chance.normal(size=(12, 2))
    move = move_of(arena_of(net, X, Y, "half_squared_error"), net.theta)
    assert 2 < degrees(move[:15], net.backprop(X, Y, "half_squared_error").gradient.theta[:15]) < 90


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_with_other_hidden_layers_it_is_no_gradient(arena_of, rows, degrees, activation):
    net = positive(activation)
    move = move_of(arena_of(net, *rows, "half_squared_error"), net.theta)
    true = net.backprop(*rows, "half_squared_error").gradient.theta
    assert degrees(move[:15], true[:15]) > 3


def test_it_reaches_the_least_squares_solution_where_weights_stay_positive(arena_of, walk, rows):
    X, Y = rows
    net = positive()
    path = walk(Proportional(0.1, optimizer="sgd"), arena_of(net, X, Y, "half_squared_error"), net.theta, steps=1500)
    net.theta[:] = path[-1]
    ones = np.column_stack([X, np.ones(12)])
    np.testing.assert_allclose(net.predict(X), ones @ np.linalg.lstsq(ones, Y, rcond=None)[0], atol=1e-5)


def test_at_a_sum_of_0_the_walk_ends_and_before_it_the_caution_says_so(arena_of, walk, rows):
    net = positive()
    net.weights[2] = [[1.0], [1.0], [-2.0]]
    arena = arena_of(net, *rows, "half_squared_error")
    assert len(walk(Proportional(), arena, net.theta, steps=5)) == 1
    assert "add up to nearly 0" in Proportional().caution(arena)
    flat = arena_of(gn.Network(4, [gn.Dense(1)]), *rows, "half_squared_error")
    assert Proportional().caution(flat) == ""
