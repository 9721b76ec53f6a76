import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.rivals.perceptron import Perceptron


def zero(inputs, outputs=1, activation="sigmoid", **options):
    net = gn.Network(inputs, [gn.Dense(outputs, activation, **options)], dtype="float64")
    net.theta[:] = 0
    return net


def mistakes(path):
    return sum(not np.array_equal(a, b) for a, b in itertools.pairwise(path))


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), inputs=st.integers(1, 6), margin=st.floats(0.05, 1.0))
def test_it_makes_no_more_mistakes_than_the_theorem_allows(arena_of, walk, seed, inputs, margin):
    """(R/γ)², for any unit vector that separates the rows with the margin γ; the bias is a 1 in each row."""
    chance = np.random.default_rng(seed)
    u = chance.normal(size=inputs + 1)
    u /= np.linalg.norm(u)
    rows = np.column_stack([chance.normal(size=(400, inputs)), np.ones(400)])
    rows = rows[np.abs(rows @ u) >= margin][:40]
    truth = (rows @ u > 0).astype(float)
    assume(len(rows) > 1)
    net = zero(inputs)
    path = walk(
        Perceptron(), arena_of(net, rows[:, :-1], truth[:, None], "binary_cross_entropy"), net.theta, steps=1500
    )
    assert mistakes(path) <= (np.linalg.norm(rows, axis=1).max() / np.abs(rows @ u).min()) ** 2
    net.theta[:] = path[-1]
    if mistakes(path[-len(rows) * 2 :]) == 0:
        np.testing.assert_array_equal(net.predict(rows[:, :-1])[:, 0] > 0.5, truth == 1)


def test_several_classes_have_the_bound_of_kesler(arena_of, walk):
    chance = np.random.default_rng(0)
    U = chance.normal(size=(4, 3))
    U /= np.linalg.norm(U)
    rows = np.column_stack([chance.normal(size=(300, 3)), np.ones(300)])
    scores = np.sort(rows @ U, axis=1)
    rows = rows[scores[:, -1] - scores[:, -2] > 0.1]
    labels = (rows @ U).argmax(axis=1)
    margin = (np.sort(rows @ U, axis=1)[:, -1] - np.sort(rows @ U, axis=1)[:, -2]).min()
    net = zero(3, 3, "softmax")
    path = walk(Perceptron(), arena_of(net, rows[:, :-1], labels, "cross_entropy"), net.theta, steps=40 * len(rows))
    assert 3 < mistakes(path) <= 2 * (rows**2).sum(axis=1).max() / margin**2
    net.theta[:] = path[-1]
    np.testing.assert_array_equal(net.predict(rows[:, :-1]).argmax(axis=1), labels)


@pytest.mark.parametrize("task", ["xor", "symmetry"])
def test_what_no_plane_separates_it_never_learns(arena_of, walk, request, task):
    """Somewhere each epoch it is wrong; from 0 its weights are whole numbers, stay small and so come round again."""
    X, Y = request.getfixturevalue(task)
    net = zero(X.shape[1])
    path = np.array(walk(Perceptron(), arena_of(net, X, Y, "binary_cross_entropy"), net.theta, steps=100 * len(X)))
    epochs = path[:: len(X)]
    for before, after in zip(range(0, len(path) - 1, len(X)), range(len(X), len(path), len(X)), strict=True):
        assert mistakes(path[before : after + 1]) > 0
    for theta in epochs:
        z = X @ theta[:-1] + theta[-1]
        assert ((z > 0) != (Y[:, 0] == 1)).any()
    assert np.array_equal(path, path.round())
    assert np.abs(path).max() <= (3 if task == "xor" else 40)
    if task == "xor":
        assert len(np.unique(path, axis=0)) < 60


@pytest.mark.parametrize("gate", [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0]])
def test_it_learns_and_or_and_nand(arena_of, walk, xor, gate):
    X, Y = xor[0], np.array(gate, float)[:, None]
    net = zero(2, activation="identity")
    path = walk(Perceptron(), arena_of(net, X, Y, "binary_cross_entropy_from_logits"), net.theta, steps=200)
    net.theta[:] = path[-1]
    np.testing.assert_array_equal(net.predict(X) > 0, Y == 1)
    assert mistakes(path[-40:]) == 0


def test_a_row_costs_one_evaluation_and_the_learning_rate_only_scales(arena_of, walk, xor):
    net = zero(2)
    arena = arena_of(net, *xor, "binary_cross_entropy")
    path = walk(Perceptron(), arena, net.theta, evaluations=100)
    assert arena.evaluations == 100 == len(path) - 1
    np.testing.assert_allclose(0.25 * np.array(path), walk(Perceptron(0.25), arena, net.theta, evaluations=100))


def test_rows_of_no_weight_are_passed_over(arena_of, walk, xor):
    X, Y = xor
    net = zero(2)
    arena = arena_of(net, X, Y, "binary_cross_entropy", sample_weight=[1, 1, 1, 0])
    net.theta[:] = walk(Perceptron(), arena, net.theta, steps=100)[-1]
    np.testing.assert_array_equal(net.predict(X)[:3] > 0.5, Y[:3] == 1)


def test_what_must_not_move_stays(arena_of, walk, xor):
    net = zero(2, trainable_bias=False)
    net.biases[0][:] = -0.3
    path = walk(Perceptron(), arena_of(net, *xor, "binary_cross_entropy"), net.theta, steps=50)
    assert {theta[2] for theta in path} == {-0.3}
    assert mistakes(path) > 5


def test_it_turns_down_hidden_layers_and_numbers(arena_of, xor):
    two = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "sigmoid")])
    assert Perceptron().refusal(arena_of(two, *xor, "binary_cross_entropy")) == (
        "Trains a single layer only; this network has 2."
    )
    one = gn.Network(2, [gn.Dense(1)])
    assert "classes only" in Perceptron().refusal(arena_of(one, *xor, "squared_error"))
    dropped = gn.Network(2, [gn.Dropout(0.5), gn.Dense(1, "sigmoid")])
    assert Perceptron().refusal(arena_of(dropped, *xor, "binary_cross_entropy")) == ""
