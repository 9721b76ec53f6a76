import itertools

import numpy as np
import pytest

import glassnet as gn
from glassnet.rivals.direct_feedback_alignment import DirectFeedbackAlignment
from glassnet.rivals.feedback_alignment import FeedbackAlignment


@pytest.fixture(scope="module")
def linear_task():
    """Lillicrap et al., 2016, figure 1: 30-20-10, to copy a random linear map; ours has 200 rows, drawn once."""
    chance = np.random.default_rng(0)
    X = chance.normal(size=(200, 30))
    net = gn.Network(30, [gn.Dense(20, bias=False), gn.Dense(10, bias=False)], seed=0, dtype="float64")
    net.theta *= 0.1
    return net, X, X @ chance.uniform(-1, 1, (30, 10)) / np.sqrt(10)


def hidden_angles(net, X, Y, loss, path, rate, degrees):
    """Angles between the hidden layer's steps of a plain descent and its true gradient."""
    first, angles = net.weights[0].size, []
    net = net.copy()
    for before, after in itertools.pairwise(path):
        net.theta[:] = before
        true = net.backprop(X, Y, loss).gradient.theta
        angles.append(degrees((before - after)[:first] / rate, true[:first]))
    return np.array(angles)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_angle_to_the_gradient_falls_from_90_as_the_map_is_learned(arena_of, walk, degrees, linear_task, seed):
    net, X, Y = linear_task
    arena = arena_of(net, X, Y, "half_squared_error")
    rival = FeedbackAlignment(0.05, optimizer="sgd", batch_size=200)
    path = walk(rival, arena, net.theta, steps=600, seed=seed)
    angles = hidden_angles(net, X, Y, "half_squared_error", path, 0.05, degrees)
    assert 70 < angles[0] < 110
    assert angles[200:].max() < 70
    assert np.median(angles[300:]) < 45
    losses = arena.losses(np.array([path[0], path[-1]]))
    assert losses[1] < 0.02 * losses[0]


def test_it_cannot_come_round_while_the_weights_in_front_of_the_output_stand_still(arena_of, degrees, linear_task):
    """The forward weights do the turning: those of the start are at some 90° to B, and so is the blame from then on."""
    net, X, Y = linear_task
    arena = arena_of(net, X, Y, "half_squared_error")
    theta = net.theta.copy()
    rival, chance = FeedbackAlignment(optimizer="sgd"), np.random.default_rng(0)
    estimate = rival.estimator(arena, chance)
    first = net.weights[0].size
    for _ in range(300):
        theta[:first] -= 0.05 * estimate(theta, None)[:first]
    true = arena.gradient(theta)[1]
    assert degrees(estimate(theta, None)[:first], true[:first]) > 60
    errors = arena.losses(np.stack([net.theta, theta]))
    assert errors[1] > 0.6 * errors[0]


@pytest.mark.parametrize("rival", [FeedbackAlignment, DirectFeedbackAlignment])
def test_blame_travels_by_the_random_weights(arena_of, rival):
    """By hand, for 4-5-3-2 with tanh and Dropout, which rests."""
    chance = np.random.default_rng(0)
    layers = [gn.Dense(5, "tanh"), gn.Dropout(0.5), gn.Dense(3, "tanh"), gn.Dense(2, "sigmoid")]
    net = gn.Network(4, layers, seed=0, dtype="float64")
    X, Y = chance.normal(size=(6, 4)), chance.uniform(size=(6, 2))
    arena = arena_of(net, X, Y, "half_squared_error")
    B = rival().feedback(arena, np.random.default_rng(7))
    move = rival().estimator(arena, np.random.default_rng(7))(net.theta, None)
    W1, b1, W2, b2, W3, b3 = net.weights[0], net.biases[0], net.weights[2], net.biases[2], net.weights[3], net.biases[3]
    h1 = np.tanh(X @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    out = 1 / (1 + np.exp(-(h2 @ W3 + b3)))
    d3 = (out - Y) * out * (1 - out) / 6
    if rival is FeedbackAlignment:
        assert {k: b.shape for k, b in B.items()} == {2: (5, 3), 3: (3, 2)}
        d2 = d3 @ B[3].T * (1 - h2**2)
        d1 = d2 @ B[2].T * (1 - h1**2)
    else:
        assert {k: b.shape for k, b in B.items()} == {2: (2, 5), 3: (2, 3)}
        d2 = d3 @ B[3] * (1 - h2**2)
        d1 = d3 @ B[2] * (1 - h1**2)
    parts = [part for x, d in ((X, d1), (h1, d2), (h2, d3)) for part in (x.T @ d, d.sum(axis=0))]
    np.testing.assert_allclose(move, np.concatenate([part.ravel() for part in parts]), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("rival", [FeedbackAlignment, DirectFeedbackAlignment])
def test_the_random_weights_are_drawn_once(arena_of, rival):
    net = gn.Network(4, [gn.Dense(5, "tanh"), gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, np.eye(4), np.ones((4, 2)), "squared_error")
    estimate = rival().estimator(arena, np.random.default_rng(0))
    np.testing.assert_array_equal(estimate(net.theta, None), estimate(net.theta, None))
    other = rival().estimator(arena, np.random.default_rng(1))
    assert not np.array_equal(estimate(net.theta, None), other(net.theta, None))


def test_links_that_do_not_exist_carry_no_blame(arena_of):
    net = gn.Network(2, [gn.Dense(4), gn.Dense(2, groups=((2, 1), (2, 1))), gn.Dense(2)], seed=0)
    arena = arena_of(net, np.eye(2), np.ones((2, 2)), "squared_error")
    B = FeedbackAlignment().feedback(arena, np.random.default_rng(0))
    np.testing.assert_array_equal(B[1] == 0, net.weights[1] == 0)


@pytest.mark.parametrize("rival", [FeedbackAlignment, DirectFeedbackAlignment])
def test_it_learns_xor(arena_of, walk, xor, rival):
    X, Y = xor
    net = gn.Network(2, [gn.Dense(8, "tanh"), gn.Dense(1, "sigmoid")], seed=0, dtype="float64")
    net.theta[:] = walk(rival(), arena_of(net, X, Y, "binary_cross_entropy"), net.theta, steps=2000)[-1]
    assert ((net.predict(X) > 0.5) == Y).all()


def test_direct_feedback_trains_a_deep_network_from_0_where_backpropagation_cannot_start(arena_of, walk, xor):
    """Nøkland, 2016: with weights of 0 there is no blame for hidden layers but by feedback of their own."""
    X, Y = xor
    X = 2 * X - 1
    net = gn.Network(2, [gn.Dense(16, "tanh"), gn.Dense(16, "tanh"), gn.Dense(1, "sigmoid")], dtype="float64")
    net.theta[:] = 0
    hidden = 3 * 16 + 17 * 16
    assert not net.backprop(X, Y, "binary_cross_entropy", sample_weight=[1, 2, 1, 1]).gradient.theta[:hidden].any()
    weight = [1, 2, 1, 1]  # with rows all alike the start is a point of rest for every rule
    arena = arena_of(net, X, Y, "binary_cross_entropy", sample_weight=weight)
    net.theta[:] = walk(DirectFeedbackAlignment(), arena, net.theta, steps=1500)[-1]
    assert ((net.predict(X) > 0.5) == Y).all()


@pytest.mark.parametrize("rival", [FeedbackAlignment, DirectFeedbackAlignment])
def test_a_single_layer_has_no_use_for_feedback(arena_of, rival):
    net = gn.Network(3, [gn.Dense(2, "sigmoid")], seed=0, dtype="float64")
    X, Y = np.eye(3), np.ones((3, 2)) / 3
    arena = arena_of(net, X, Y, "squared_error")
    move = rival().estimator(arena, np.random.default_rng(0))(net.theta, None)
    np.testing.assert_allclose(move, net.backprop(X, Y, "squared_error").gradient.theta, rtol=1e-12)
