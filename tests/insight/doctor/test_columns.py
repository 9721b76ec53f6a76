"""What is said of rows alone: scales, twins and leaks, against rows that were made to have them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris

from glassnet.insight.doctor.columns import leaks, scales, twins


def test_scales_are_root_mean_squares_and_spreads():
    x = np.array([[3.0, 0.0, 7.0], [-4.0, 0.0, 7.0]])
    found = scales(x)
    np.testing.assert_allclose(found.size, [np.sqrt(12.5), 0, 7])
    np.testing.assert_allclose(found.spread, [3.5, 0, 0])
    assert found.constant.tolist() == [False, True, True]
    assert found.overall == pytest.approx(np.sqrt(np.mean(x**2)))


def test_scales_do_not_overflow():
    assert scales(np.full((5, 2), 1e300)).overall == pytest.approx(1e300)


def test_pixels_that_are_mostly_dark_are_no_contrast():
    assert scales(load_digits().data / 16).contrast < 20


@given(st.integers(0, 2**32 - 1), st.integers(0, 30))
def test_exact_twins_are_counted_one_by_one(seed, copied):
    rng = np.random.default_rng(seed)
    x, xv = rng.normal(size=(80, 4)), rng.normal(size=(30, 4))
    y, yv = rng.integers(0, 2, 80), rng.integers(0, 2, 30)
    where = rng.choice(80, copied, replace=False)
    xv[:copied] = x[where]
    found = twins(x, xv, y, yv)
    assert found.exact == copied
    assert found.contradicting == int((y[where] != yv[:copied]).sum())
    assert found.expected < 1e-3


def test_minus_zero_is_zero():
    assert twins(np.array([[0.0, 1.0]] * 40), np.array([[-0.0, 1.0]]), None, None).exact == 1


def test_near_twins_are_those_that_were_jittered():
    rng = np.random.default_rng(0)
    x, xv = rng.normal(size=(500, 10)), rng.normal(size=(200, 10))
    xv[:60] = x[:60] + 1e-3 * rng.normal(size=(60, 10))
    assert twins(x, xv, None, None).near == 60
    assert twins(x, rng.normal(size=(200, 10)), None, None).near == 0


@pytest.mark.parametrize("load", [load_digits, load_iris])
def test_real_rows_have_few_near_twins(load):
    x = load().data[np.random.default_rng(0).permutation(len(load().data))]
    some = len(x) * 4 // 5
    assert twins(x[:some], x[some:], None, None).near <= 1


def test_few_possible_rows_are_expected_to_meet_again():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (500, 5)).astype(float)
    found = twins(x, x[:100], None, None)
    assert found.exact == 100
    assert 500 < found.expected < 5000  # 100 rows, of 500 a 32nd each


def test_a_copy_of_the_target_leaks_and_a_good_input_does_not():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    x = rng.normal(size=(400, 6)) + 2 * np.eye(6)[y]
    assert leaks(x, y, None, 3)[0].agreement < 0.7
    x[:, 4] = np.array([7.0, -1.0, 3.0])[y]
    found = leaks(x, y, None, 3)[0]
    assert (found.column, found.agreement) == (4, 1.0)
    x[:, 4] = y + 0.02 * rng.normal(size=400)
    assert leaks(x, y, None, 3)[0].agreement > 0.99


def test_a_number_in_another_unit_leaks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    y = x @ rng.normal(size=(5, 1))
    assert leaks(x, None, y, 2)[0].agreement < 0.9
    x[:, 2] = np.exp(y[:, 0])
    found = leaks(x, None, y, 2)[0]
    assert (found.column, found.agreement) == (2, pytest.approx(1.0))


def test_numbers_of_a_sorted_file_lie_beside_their_class():
    rng = np.random.default_rng(0)
    y = np.sort(rng.integers(0, 2, 300))
    x = np.stack([rng.normal(size=300), np.arange(300.0)], axis=1)
    order = rng.permutation(300)
    found = leaks(x[order], y[order], None, 2)[0]
    assert found.neighbour_column == 1
    assert found.by_neighbour > 0.98
