"""The simple predictors: leaving a row out in closed form is leaving it out, and chance is told from agreement."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.kernel_ridge import KernelRidge

from glassnet.insight.doctor.references import _ridge, references, signal


@pytest.mark.parametrize("weighted", [False, True])
def test_left_out_rows_are_predicted_as_if_fitted_without_them(weighted):
    """Against scikit-learn's kernel ridge regression, fitted anew without each row; the mean is of all rows."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    weight = rng.uniform(0.5, 2, 40) if weighted else np.ones(40)
    kernel = x @ x.T + 1.0
    found = _ridge("line", kernel, None, t, weight)
    mean, unit = np.average(t, axis=0, weights=weight), np.trace(kernel * weight / weight.mean()) / 40
    errors = {}
    for ridge in (2e-3, 2e-2, 0.2, 2.0):
        predicted = np.empty_like(t)
        for i in range(40):
            rest = np.arange(40) != i
            model = KernelRidge(alpha=ridge * unit, kernel="precomputed")
            model.fit(kernel[np.ix_(rest, rest)], t[rest] - mean, sample_weight=weight[rest] / weight.mean())
            predicted[i] = model.predict(kernel[i, rest][None])[0] + mean
        errors[ridge] = predicted
    best = min(errors.values(), key=lambda p: (weight[:, None] * (p - t) ** 2).sum())
    np.testing.assert_allclose(found.out_of_sample, best, rtol=1e-8, atol=1e-10)


def test_held_out_rows_are_predicted_by_all():
    rng = np.random.default_rng(1)
    x, xv = rng.normal(size=(100, 2)), rng.normal(size=(30, 2))
    truth = 2 * x[:, :1] - x[:, 1:]
    line = references(x, truth, np.ones(100), xv)[0]
    np.testing.assert_allclose(line.held_out, 2 * xv[:, :1] - xv[:, 1:], atol=0.1)


def test_signal_is_a_standard_normal_under_chance_and_large_where_there_is_agreement():
    rng = np.random.default_rng(2)
    by_chance = [signal(rng.normal(size=(100, 3)), rng.normal(size=(100, 3))) for _ in range(150)]
    assert abs(np.mean(by_chance)) < 0.3
    assert 0.8 < np.std(by_chance) < 1.25
    truth = rng.normal(size=(100, 1))
    assert signal(truth + rng.normal(size=(100, 1)), truth) > 5  # a correlation of 0.7, times √99


def test_pixels_that_are_nearly_always_dark_do_not_drown_the_others():
    """Divided by its tiny spread, a pixel that is lit in one image would put that image far from all others."""
    x, y = load_digits(return_X_y=True)
    x, t = x[:600] / 16, np.eye(10)[y[:600]]
    x[np.arange(7), [0, 32, 39, 24, 31, 16, 23]] += 0.01
    right = max(np.mean(r.out_of_sample.argmax(axis=1) == y[:600]) for r in references(x, t, np.ones(600), None))
    assert right > 0.96
