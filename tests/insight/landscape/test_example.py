"""The hill: its two valleys are where an independent optimizer and a fine grid find them, and there are no others."""

import numpy as np
import pytest
from scipy.ndimage import minimum_filter
from scipy.optimize import approx_fprime, minimize

from glassnet.insight.landscape import hill
from glassnet.insight.landscape.example import START_LEFT, START_RIGHT, X, Y

x, y = np.ravel(X), np.ravel(Y)


def error(theta):
    w, b = theta
    return float(np.mean((1 / (1 + np.exp(-(w * x + b))) - y) ** 2))


@pytest.fixture(scope="module")
def example():
    return hill(points=41)


def test_both_descents_end_where_an_independent_optimizer_ends(example):
    for start, end, loss in zip(
        (START_LEFT, START_RIGHT), (example.deepest, example.basin), example.losses, strict=True
    ):
        found = minimize(error, end, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15})
        np.testing.assert_allclose(end, found.x, atol=0.02)
        assert loss == pytest.approx(error(end), rel=1e-12)
        assert loss == pytest.approx(found.fun, abs=1e-7)
        from_start = minimize(error, start, method="L-BFGS-B", bounds=[(s - 4, s + 4) for s in start])
        assert from_start.fun >= example.losses[0] - 1e-9
        hessian = np.array([approx_fprime(end, lambda t, i=i: approx_fprime(t, error, 1e-4)[i], 1e-4) for i in (0, 1)])
        assert (np.linalg.eigvalsh(hessian) > 1e-4).all()  # a bottom, not a saddle
    assert example.losses[1] > 4 * example.losses[0]


def test_the_path_only_goes_down(example):
    for walk, start in zip(example.landscape.walks, (START_LEFT, START_RIGHT), strict=True):
        assert (np.diff(walk.loss) <= 1e-12).all()
        np.testing.assert_allclose(walk.coordinates[0] + example.landscape.origin, start)
        assert walk.in_plane == pytest.approx(1)


def test_a_fine_grid_has_these_two_basins_and_no_other(example):
    w, b = np.linspace(-4, 6, 1001), np.linspace(-4, 4, 801)
    E = np.mean((1 / (1 + np.exp(-(w[:, None, None] * x + b[:, None]))) - y) ** 2, axis=-1)
    around = np.ones((3, 3), bool)
    around[1, 1] = False
    lower = minimum_filter(E, footprint=around) > E
    lower[[0, -1]] = lower[:, [0, -1]] = False
    places = np.array([(w[i], b[j]) for i, j in np.argwhere(lower)])
    assert len(places) == 2
    np.testing.assert_allclose(places, [example.deepest, example.basin], atol=0.02)
    assert len(example.landscape.basins) == 2
    # a hill stands between: whatever way is taken from one to the other climbs, by 5 % of the basin's error
    level = example.losses[1] * 1.05
    reached = np.zeros(E.shape, bool)
    i, j = np.argmin(np.abs(w - example.basin[0])), np.argmin(np.abs(b - example.basin[1]))
    reached[i, j] = True
    from scipy.ndimage import binary_propagation

    reached = binary_propagation(reached, mask=level > E)
    i, j = np.argmin(np.abs(w - example.deepest[0])), np.argmin(np.abs(b - example.deepest[1]))
    assert not reached[i, j]


def test_the_words_say_where_they_end(example):
    text = example.text()
    assert f"{example.losses[0]:.4f}" in text
    assert f"{example.losses[1]:.4f}" in text
    assert "Auer" in text
    assert example.to_dict()["local_basin"]["loss"] == example.losses[1]
    with pytest.raises(ValueError, match="from 3 up"):
        hill(points=2)
