"""What is said from activities, against scikit-learn, SciPy, NumPy and counting."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from glassnet.insight.features import activity as act

few_values = arrays(np.float64, st.tuples(st.integers(4, 20), st.just(3)), elements=st.integers(-3, 3).map(float))


@settings(max_examples=15)
@given(few_values, st.integers(0, 2**32))
def test_auroc_is_scikit_learns_ties_too(a, seed):
    labels = np.random.default_rng(seed).integers(0, 3, len(a))
    member = labels[:, None] == np.arange(3)
    areas = act.auroc(a, member)
    for i, c in itertools.product(range(3), range(3)):
        if member[:, c].any() and not member[:, c].all():
            assert areas[i, c] == pytest.approx(roc_auc_score(member[:, c], a[:, i]), abs=1e-12)
        else:
            assert np.isnan(areas[i, c])


@given(few_values)
def test_correlations_are_numpys(a):
    found = act.correlations(a[:, :2], a)
    for i, j in itertools.product(range(2), range(3)):
        if np.ptp(a[:, i]) == 0 or np.ptp(a[:, j]) == 0:
            assert np.isnan(found[i, j])
        else:
            assert found[i, j] == pytest.approx(np.corrcoef(a[:, i], a[:, j])[0, 1], abs=1e-12)


def test_rank_correlation_is_scipys_without_links_that_have_none():
    rng = np.random.default_rng(0)
    w, c = rng.normal(size=(7, 5)), rng.integers(-3, 4, (7, 5)) / 3
    c[2] = np.nan
    keep = np.isfinite(c)
    assert act.rank_correlation(w, c) == pytest.approx(spearmanr(w[keep], c[keep]).statistic, abs=1e-12)
    assert np.isnan(act.rank_correlation(np.ones((3, 3)), rng.normal(size=(3, 3))))
    assert np.isnan(act.rank_correlation(w, np.full((7, 5), np.nan)))


def test_class_means_and_selectivity_as_published():
    a = np.array([[4.0, -1.0], [2.0, -1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 3.0]])
    labels = np.array([0, 0, 1, 1, 2])
    member = labels[:, None] == np.arange(4)
    means = act.class_means(a, member)
    np.testing.assert_array_equal(means, [[3, 1, 0, np.nan], [-1, 1, 3, np.nan]])
    # (μ₁ − μ₋₁)/(μ₁ + μ₋₁): (3 − ½)/(3 + ½); the second, raised by its lowest, has means 0, 2, 4: (4 − 1)/(4 + 1)
    np.testing.assert_allclose(act.selectivity(means, a.min(axis=0)), [2.5 / 3.5, 3 / 5])
    one = act.class_means(a, np.ones((5, 1), bool))
    assert np.isnan(act.selectivity(one, a.min(axis=0))).all()


@given(few_values, st.integers(1, 4))
def test_strongest_rows_are_those_with_the_largest_activity_then_z(z, top):
    a = np.maximum(z, 0)
    order = act.strongest(a, z, top)
    assert order.shape == (3, top)
    for i in range(3):
        pairs = sorted(zip(a[:, i], z[:, i], strict=True), reverse=True)[:top]
        assert [(a[row, i], z[row, i]) for row in order[i]] == pairs


def test_units_that_say_the_same_are_grouped_also_through_another():
    rng = np.random.default_rng(0)
    base, noise = rng.normal(size=500), rng.normal(size=500)
    between = base + 0.3 * noise
    far = base + 0.75 * noise
    a = np.column_stack([base, rng.normal(size=500), between, np.ones(500), far, -3 * base + 1])
    r = np.corrcoef(a.T[[0, 2, 4]])
    assert r[0, 1] > 0.9
    assert r[1, 2] > 0.9
    assert r[0, 2] < 0.9
    assert act.alike(a, 0.9) == [[0, 2, 4, 5]]
    assert act.alike(a, 0.99) == [[0, 5]]
    assert act.alike(a[:, 1:2], 0.9) == []


def test_rounding_is_no_activity():
    a = np.column_stack([np.full(9, 0.1) + 1e-16 * np.arange(9), np.arange(9) * 1e-12])
    assert act.is_constant(a).tolist() == [True, False]
