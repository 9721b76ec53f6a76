"""Scores against scikit-learn's and against plain sums."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, r2_score

import glassnet as gn
from glassnet.engines import Block
from glassnet.errors import InputError, PairingError
from glassnet.training.scores import score

RNG = np.random.default_rng(5)


def as_it_is(outputs, activation="identity", dtype="float64"):
    """A network that predicts what it is given."""
    net = gn.Network(outputs, [gn.Dense(outputs, activation, bias=False)], dtype=dtype)
    net.theta = np.eye(outputs).ravel()
    return net


def test_numbers():
    inputs, truth = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 3))
    scores = gn.evaluate(as_it_is(3), inputs, truth, "squared_error")
    assert scores.rows == 50
    assert scores.loss == pytest.approx(((inputs - truth) ** 2).sum() / 50, rel=1e-12)
    assert scores.accuracy is None
    assert scores.r2 == pytest.approx(r2_score(truth, inputs, multioutput="variance_weighted"), rel=1e-12)


def test_numbers_in_one_output():
    inputs, truth = RNG.normal(size=50), RNG.normal(size=50)
    scores = gn.evaluate(as_it_is(1), inputs[:, None], truth, "half_squared_error")
    assert scores.loss == pytest.approx(((inputs - truth) ** 2).sum() / 100, rel=1e-12)
    assert scores.r2 == pytest.approx(r2_score(truth, inputs), rel=1e-12)


def test_zeros_and_ones_are_numbers_where_the_loss_reads_numbers():
    scores = gn.evaluate(as_it_is(1), RNG.normal(size=(6, 1)), [0, 1, 1, 0, 1, 0], "squared_error")
    assert scores.accuracy is None
    assert scores.r2 is not None


def test_a_truth_that_does_not_vary_has_no_r2():
    scores = gn.evaluate(as_it_is(1), [[1.0], [2.0]], [3.0, 3.0], "squared_error")
    assert scores.loss == 2.5
    assert math.isnan(scores.r2)


@given(m=st.integers(1, 40), seed=st.integers(0, 999), one_hot=st.booleans())
def test_classes(m, seed, one_hot):
    chance = np.random.default_rng(seed)
    inputs, labels = chance.normal(size=(m, 4)), chance.integers(0, 4, m)
    truth = np.eye(4)[labels] if one_hot else labels
    net = as_it_is(4, "softmax")
    scores = gn.evaluate(net, inputs, truth, "cross_entropy")
    probabilities = np.exp(inputs) / np.exp(inputs).sum(axis=1, keepdims=True)
    assert scores.loss == pytest.approx(log_loss(labels, probabilities, labels=range(4)), rel=1e-10)
    assert scores.accuracy == accuracy_score(labels, inputs.argmax(axis=1))
    assert scores.r2 is None
    assert scores.rows == m


@pytest.mark.parametrize(
    ("loss", "activation", "threshold"),
    [("binary_cross_entropy", "sigmoid", 0.0), ("binary_cross_entropy_from_logits", "identity", 0.0)],
)
def test_yes_or_no(loss, activation, threshold):
    inputs, truth = RNG.normal(size=60), RNG.integers(0, 2, 60)
    scores = gn.evaluate(as_it_is(1, activation), inputs[:, None], truth, loss)
    assert scores.accuracy == accuracy_score(truth, inputs > threshold)
    assert scores.loss == pytest.approx(log_loss(truth, 1 / (1 + np.exp(-inputs))), rel=1e-10)
    assert 0.2 < scores.accuracy < 0.8


def test_several_yes_or_no_at_once_are_no_classes():
    scores = gn.evaluate(as_it_is(3, "sigmoid"), RNG.normal(size=(9, 3)), np.ones((9, 3)), "binary_cross_entropy")
    assert scores.accuracy is None


@pytest.mark.parametrize("m", [4095, 4096, 4097, 10_000])
def test_many_rows_are_judged_in_pieces(m):
    inputs, truth = RNG.normal(size=(m, 1)), RNG.normal(size=m)
    scores = gn.evaluate(as_it_is(1), inputs, truth, "squared_error")
    assert scores.rows == m
    assert scores.loss == pytest.approx(((inputs[:, 0] - truth) ** 2).mean(), rel=1e-12)


def test_float32_errors_are_summed_in_float64():
    inputs = RNG.normal(size=200_001).astype(np.float32)
    scores = gn.evaluate(as_it_is(1, dtype="float32"), inputs[:, None], np.zeros(len(inputs)), "squared_error")
    errors = inputs * inputs
    assert scores.loss == pytest.approx(errors.astype(float).mean(), rel=1e-12)
    assert abs(float(errors.mean()) - scores.loss) > 1e-10  # what float32 would have said


def test_dropout_is_off_and_theta_stays():
    net = gn.Network(2, [gn.Dropout(0.9), gn.Dense(2, bias=False)], dtype="float64")
    net.theta = np.eye(2).ravel()
    assert gn.evaluate(net, [[1.0, 2.0]], [[1.0, 2.0]], "squared_error").loss == 0.0
    assert np.array_equal(net.theta, np.eye(2).ravel())


def test_wrong_arguments():
    net = as_it_is(2)
    with pytest.raises(InputError, match=r"X has shape \(3, 1\)"):
        gn.evaluate(net, np.ones((3, 1)), np.ones((3, 2)), "squared_error")
    with pytest.raises(InputError, match="Y has shape"):
        gn.evaluate(net, np.ones((3, 2)), np.ones((2, 2)), "squared_error")
    with pytest.raises(InputError, match="Did you mean 'squared_error'"):
        gn.evaluate(net, np.ones((3, 2)), np.ones((3, 2)), "square_error")
    with pytest.raises(PairingError):
        gn.evaluate(net, np.ones((3, 2)), [0, 1, 1], "cross_entropy")
    with pytest.raises(InputError, match=r"expected a gn\.Network"):
        gn.evaluate("digits.safetensors", np.ones((3, 2)), np.ones((3, 2)), "squared_error")


def test_a_row_that_does_not_count_may_have_any_error():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    block = Block(np.ones((2, 1)), np.ones((2, 1)), np.array([1.0, 0.0]))
    errors = np.array([3.0, np.inf])
    assert score(net.objective("squared_error"), block, errors, np.ones((2, 1))).loss == 3.0
