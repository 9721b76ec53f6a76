"""Metrics against scikit-learn, and by hand where it has none."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, r2_score

from glassnet.maths.metrics import accuracy, predicted_classes, r2

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))


@given(
    labels=hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 3)),
    seed=st.integers(0, 99),
)
def test_accuracy_is_scikit_learns(labels, seed):
    prediction = np.random.default_rng(seed).normal(size=(len(labels), 4))
    expected = accuracy_score(labels, [max(range(4), key=row.__getitem__) for row in prediction])
    assert accuracy(prediction, labels) == pytest.approx(expected)
    assert accuracy(prediction, np.eye(4)[labels]) == pytest.approx(expected)


@given(truth=hnp.arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 1.0])), seed=st.integers(0, 99))
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_accuracy_of_yes_and_no(threshold, truth, seed):
    prediction = np.random.default_rng(seed).normal(size=(len(truth), 1))
    expected = sum((p > threshold) == (t == 1) for p, t in zip(prediction[:, 0], truth, strict=True)) / len(truth)
    assert accuracy(prediction, truth[:, None], threshold) == pytest.approx(expected)


def test_the_class_is_the_largest_output_and_the_first_of_equals():
    assert predicted_classes(np.array([[0.1, 0.9, 0.9], [3, 2, 1]])).tolist() == [1, 0]
    assert predicted_classes(np.array([[0.5], [0.51], [-2]]), threshold=0.5).tolist() == [0, 1, 0]
    assert predicted_classes(np.array([[0.2, 0.1]]), threshold=0.5).tolist() == [0]


@given(
    truth=hnp.arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 3)), elements=numbers),
    seed=st.integers(0, 9),
)
def test_r2_is_scikit_learns(truth, seed):
    guess = truth + np.random.default_rng(seed).normal(size=truth.shape)
    assume(truth.std(axis=0).min() > 1e-3)  # scikit-learn has a rule of its own for a column of one number
    expected = r2_score(truth, guess, multioutput="variance_weighted")
    assert r2(guess, truth) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_r2_of_the_truth_of_the_mean_and_of_one_number():
    truth = np.array([[1.0], [2.0], [6.0]])
    assert r2(truth, truth) == 1
    assert r2(np.full((3, 1), 3.0), truth) == 0
    assert np.isnan(r2(truth, np.ones((3, 1))))


def test_r2_is_summed_in_float64():
    truth = (1e6 + np.arange(1000, dtype=np.float32))[:, None]
    assert r2(truth + np.float32(1), truth) == pytest.approx(1 - 1000 / (1000 * (1000**2 - 1) / 12), rel=1e-9)
