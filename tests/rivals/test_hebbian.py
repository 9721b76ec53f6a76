import numpy as np
import pytest

import glassnet as gn
from glassnet.rivals.backprop import Backprop
from glassnet.rivals.hebbian import Hebbian


@pytest.fixture(scope="module")
def cloud():
    """200 rows of five inputs, off centre, with clearly different variances along axes of their own."""
    chance = np.random.default_rng(0)
    axes = np.linalg.qr(chance.normal(size=(5, 5)))[0]
    return chance.normal(size=(200, 5)) * [2.0, 1.5, 1.0, 0.5, 0.2] @ axes + [0.5, -0.3, 0.2, 0.1, 0.0]


def components(matrix):
    """Eigenvectors as columns, of the largest eigenvalue first."""
    return np.linalg.eigh(matrix)[1][:, ::-1]


def learn(arena_of, walk, X, rule, units, bias=False, steps=2500, rate=0.8, batch_size=200):
    net = gn.Network(5, [gn.Dense(units, bias=bias), gn.Dense(1)], seed=0, dtype="float64")
    arena = arena_of(net, X, np.zeros((len(X), 1)), "squared_error")
    net.theta[:] = walk(Hebbian(rate, rule=rule, batch_size=batch_size), arena, net.theta, steps=steps)[-1]
    return net


def same_up_to_sign(w, v, tolerance=1e-6):
    return min(np.linalg.norm(w - v), np.linalg.norm(w + v)) < tolerance


def test_oja_ends_at_the_first_principal_component(arena_of, walk, cloud):
    net = learn(arena_of, walk, cloud, "oja", 2)
    first = components(cloud.T @ cloud / 200)[:, 0]
    assert same_up_to_sign(net.weights[0][:, 0], first)
    assert same_up_to_sign(net.weights[0][:, 1], first)


def test_with_a_bias_it_is_that_of_the_covariance(arena_of, walk, cloud):
    net = learn(arena_of, walk, cloud, "oja", 1, bias=True)
    w = net.weights[0][:, 0]
    covariance = components(np.cov(cloud.T))[:, 0]
    assert same_up_to_sign(w, covariance)
    assert not same_up_to_sign(w, components(cloud.T @ cloud)[:, 0], 1e-3)
    assert abs((cloud @ w + net.biases[0]).mean()) < 1e-6


def test_sanger_ends_at_the_components_in_order(arena_of, walk, cloud):
    net = learn(arena_of, walk, cloud, "sanger", 3)
    expected = np.linalg.svd(cloud, full_matrices=False)[2]
    for unit in range(3):
        assert same_up_to_sign(net.weights[0][:, unit], expected[unit], 1e-5)


def test_the_subspace_rule_ends_at_a_basis_of_what_they_span(arena_of, walk, cloud):
    W = learn(arena_of, walk, cloud, "subspace", 3).weights[0]
    best = components(cloud.T @ cloud)[:, :3]
    np.testing.assert_allclose(W @ W.T, best @ best.T, atol=1e-5)
    np.testing.assert_allclose(W.T @ W, np.eye(3), atol=1e-5)
    assert not any(same_up_to_sign(W[:, 0], best[:, unit], 0.05) for unit in range(3))


def test_in_mini_batches_it_comes_near_the_first_component(arena_of, walk, cloud):
    net = learn(arena_of, walk, cloud, "oja", 1, batch_size=16, steps=3000, rate=0.03)
    w = net.weights[0][:, 0]
    assert abs(w @ components(cloud.T @ cloud)[:, 0]) > 0.99
    assert np.linalg.norm(w) == pytest.approx(1, abs=0.05)


def test_it_knows_no_error(arena_of, walk):
    """The class lies along what varies least: one hidden unit takes the other direction, and its last layer guesses."""
    chance = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], 100)
    X = np.column_stack([chance.normal(size=200) * 2, (2 * y - 1) * 0.5 + 0.05 * chance.normal(size=200)])
    net = gn.Network(2, [gn.Dense(1), gn.Dense(1, "sigmoid")], seed=0, dtype="float64")
    arena = arena_of(net, X, y[:, None], "binary_cross_entropy")
    right = {}
    for rival in (Hebbian(batch_size=200), Backprop("adam(0.05)", batch_size=200)):
        theta = walk(rival, arena, net.theta, evaluations=1500 * 3 * 200)[-1]
        with arena.resting():
            right[rival.name] = arena.accuracies(theta[None])[0]
    assert right["backprop"] == 1.0
    assert right["hebbian"] < 0.65


def test_where_what_varies_is_what_counts_its_last_layer_learns_the_rest(arena_of, walk):
    chance = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 50)
    X = np.array([[4.0, 0, 0, 0], [-2, 3, 0, 0], [-2, -3, 0, 0]])[labels] * 0.5 + 0.2 * chance.normal(size=(150, 4))
    net = gn.Network(4, [gn.Dense(2), gn.Dropout(0.2), gn.Dense(3, "softmax")], seed=0, dtype="float64")
    arena = arena_of(net, X, labels, "cross_entropy")
    net.theta[:] = walk(Hebbian(), arena, net.theta, steps=3000)[-1]
    assert (net.predict(X).argmax(axis=1) == labels).mean() == 1.0


def test_hidden_layers_learn_the_same_whatever_the_truth_is(arena_of, walk, cloud):
    ends = []
    for truth in (0.0, 5.0):
        net = gn.Network(5, [gn.Dense(3, "tanh"), gn.Dense(2, "tanh"), gn.Dense(1)], seed=0, dtype="float64")
        arena = arena_of(net, cloud, np.full((200, 1), truth), "squared_error")
        ends.append(walk(Hebbian(), arena, net.theta, steps=100)[-1])
    hidden = 6 * 3 + 4 * 2
    np.testing.assert_array_equal(ends[0][:hidden], ends[1][:hidden])
    assert not np.array_equal(ends[0][hidden:], ends[1][hidden:])
    assert not np.array_equal(ends[0][:hidden], net.theta[:hidden])


def test_it_turns_down_a_network_without_hidden_layers(arena_of):
    net = gn.Network(5, [gn.Dense(1)])
    arena = arena_of(net, np.ones((2, 5)), np.ones((2, 1)), "squared_error")
    assert "no hidden layer" in Hebbian().refusal(arena)


def test_a_large_layer_of_relu_does_not_tear_itself_apart(arena_of, walk):
    chance = np.random.default_rng(0)
    net = gn.Network(100, [gn.Dense(300, "relu"), gn.Dense(200, "relu"), gn.Dense(3, "softmax")], seed=0)
    arena = arena_of(net, 10 * chance.normal(size=(64, 100)), chance.integers(0, 3, 64), "cross_entropy")
    path = walk(Hebbian(), arena, net.theta, steps=60)
    assert len(path) == 61
    net.theta[:] = path[-1]
    for weights in net.weights[:2]:  # of each unit about as long as they were, on their way to a length of 1
        assert np.linalg.norm(weights, axis=0).max() < 2


def test_the_rows_share_in_the_error_does_not_change_hidden_steps(arena_of, cloud):
    net = gn.Network(5, [gn.Dense(3), gn.Dense(1)], seed=0, dtype="float64")
    steps = [
        Hebbian().estimator(arena_of(net, cloud, cloud[:, :1], "squared_error", reduction=reduction), None)(
            net.theta, None
        )
        for reduction in ("mean", "sum")
    ]
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-9, atol=1e-14)
