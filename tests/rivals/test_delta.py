import numpy as np
import pytest

import glassnet as gn
from glassnet.rivals.delta import Delta


def one_layer(inputs, outputs=1, activation="identity", seed=0):
    return gn.Network(inputs, [gn.Dense(outputs, activation)], seed=seed, dtype="float64")


def least_squares(X, Y):
    return np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), Y, rcond=None)[0]


def test_row_by_row_it_moves_as_widrow_and_hoff_have_it(arena_of, walk):
    chance = np.random.default_rng(0)
    X, Y = chance.normal(size=(8, 3)), chance.normal(size=(8, 1))
    net = one_layer(3)
    path = walk(Delta(0.05), arena_of(net, X, Y, "squared_error"), net.theta, steps=24)
    order, rows = np.random.default_rng(0), []
    for _ in range(3):
        rows += order.permutation(8).tolist()
    w = np.array(net.theta)
    for row in rows:
        x = np.append(X[row], 1.0)
        w = w + 0.05 * (Y[row, 0] - w @ x) * x
    np.testing.assert_allclose(path[-1], w, rtol=1e-12)


def test_with_all_rows_in_a_step_it_reaches_the_least_squares_solution(arena_of, walk):
    chance = np.random.default_rng(0)
    X, Y = chance.normal(size=(50, 4)), chance.normal(size=(50, 2))
    net = one_layer(4, 2)
    path = walk(Delta(0.3, batch_size=50), arena_of(net, X, Y, "squared_error"), net.theta, steps=300)
    np.testing.assert_allclose(path[-1], least_squares(X, Y).ravel(), atol=1e-9)


def test_row_by_row_it_comes_near_it_and_nearer_with_a_smaller_learning_rate(arena_of, walk):
    """LMS is left off by a share of η (Widrow & Hoff, 1960), or by less, as an epoch meets each row once."""
    chance = np.random.default_rng(0)
    X = chance.normal(size=(100, 3))
    Y = X @ [[1.0], [-2.0], [0.5]] + chance.normal(size=(100, 1))
    net, best = one_layer(3), least_squares(X, Y).ravel()
    arena = arena_of(net, X, Y, "squared_error")
    off = {}
    for rate in (0.02, 0.005):
        ends = np.array(walk(Delta(rate), arena, net.theta, steps=8000)[4000:])
        off[rate] = ((ends - best) ** 2).sum(axis=1).mean()
    assert off[0.005] < 0.02
    assert off[0.02] / off[0.005] > 3


def test_above_its_bound_the_learning_rate_drives_the_weights_apart(arena_of, walk):
    net = one_layer(1)
    arena = arena_of(net, [[3.0]], [[1.0]], "squared_error")  # |x|² = 10 with the bias's 1: the bound is 0.2
    ends = {rate: walk(Delta(rate), arena, net.theta, steps=200)[-1] for rate in (0.19, 0.21)}
    assert abs(ends[0.19] @ [3, 1] - 1) < 1e-6
    assert abs(ends[0.21] @ [3, 1] - 1) > 1e6


def test_on_xor_it_comes_to_rest_at_one_half_for_all_rows(arena_of, walk, xor):
    X, Y = xor
    net = one_layer(2)
    path = walk(Delta(0.5, batch_size=4), arena_of(net, X, Y, "squared_error"), net.theta, steps=500)
    np.testing.assert_allclose(path[-1], [0, 0, 0.5], atol=1e-9)


@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
def test_mirror_symmetry_gets_the_same_answer_for_all_rows(arena_of, walk, symmetry, activation):
    X, Y = symmetry
    net = one_layer(6, activation=activation)
    path = walk(Delta(0.3, batch_size=64), arena_of(net, X, Y, "squared_error"), net.theta, steps=4000)
    net.theta[:] = path[-1]
    np.testing.assert_allclose(net.predict(X), 8 / 64, atol=1e-4)


def test_with_a_sigmoid_it_is_logistic_regression(arena_of, walk):
    from sklearn.linear_model import LogisticRegression

    chance = np.random.default_rng(0)
    X = chance.normal(size=(200, 3))
    y = (X @ [1.0, -1.0, 0.5] + chance.logistic(size=200) > 0).astype(int)
    net = one_layer(3, activation="sigmoid")
    arena = arena_of(net, X, y[:, None].astype(float), "half_squared_error")
    path = walk(Delta(1.0, batch_size=200), arena, net.theta, steps=500)
    known = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(path[-1], np.append(known.coef_, known.intercept_), atol=1e-4)


def test_it_turns_down_hidden_layers(arena_of, xor):
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(2, "tanh"), gn.Dense(1)])
    assert Delta().refusal(arena_of(net, *xor, "squared_error")) == "Trains a single layer only; this network has 3."
    assert Delta().refusal(arena_of(one_layer(2), *xor, "squared_error")) == ""
