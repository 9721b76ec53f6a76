"""Slopes against numerical derivatives, best inputs against SciPy's optimizer, effects against nudged activities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import glassnet as gn
from glassnet.insight.features.inputs import best_inputs, effects, input_slopes, most_exciting
from glassnet.network.backprop import forward


@pytest.mark.parametrize("k", [0, 2, 3])
def test_slopes_are_the_numerical_derivative_of_z(deep, k):
    net, x, _ = deep
    units = np.arange(len(x)) % net.shapes[k + 1][0]
    rows = np.random.default_rng(0).permutation(len(x))
    slopes = np.empty_like(x)
    slopes[rows] = input_slopes(net, k, *forward(net.layers, net.parameters, x), rows, units[rows])

    def of(rows):
        return forward(net.layers, net.parameters, rows)[0][k][np.arange(len(x)), units]

    h = 1e-6
    for j, nudge in enumerate(h * np.eye(5)):
        np.testing.assert_allclose(slopes[:, j], (of(x + nudge) - of(x - nudge)) / (2 * h), atol=1e-8)


def test_many_rows_are_taken_in_parts(deep, monkeypatch):
    net, x, _ = deep
    asked = (net, 2, *forward(net.layers, net.parameters, x), np.arange(len(x)), np.arange(len(x)) % 4)
    whole = input_slopes(*asked)
    monkeypatch.setattr("glassnet.insight.features.inputs._NUMBERS_AT_A_TIME", 30)
    np.testing.assert_allclose(input_slopes(*asked), whole, rtol=1e-12)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 5), st.floats(0.05, 4))
def test_the_most_exciting_input_is_the_optimizers(seed, n, radius):
    rng = np.random.default_rng(seed)
    low, high = -rng.uniform(0, 1.5, n), rng.uniform(0, 1.5, n)
    direction, centre = rng.normal(size=(1, n)), rng.uniform(low, high)
    direction[0, rng.uniform(size=n) < 0.2] = 0
    x = most_exciting(direction, centre, radius, low, high)[0]
    assert ((low - 1e-12 <= x) & (x <= high + 1e-12)).all()
    assert np.linalg.norm(x - centre) <= radius + 1e-9
    oracle = minimize(
        lambda v: -direction[0] @ v,
        centre,
        jac=lambda v: -direction[0],
        bounds=list(zip(low, high, strict=True)),
        constraints={"type": "ineq", "fun": lambda v: radius**2 - (v - centre) @ (v - centre)},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert direction[0] @ x >= direction[0] @ np.clip(oracle.x, low, high) - 1e-6


def test_without_walls_it_lies_along_the_direction_and_far_away_in_the_corner():
    direction, wide = np.array([[3.0, -4.0], [0.0, 0.0]]), np.full(2, 100.0)
    np.testing.assert_allclose(most_exciting(direction, np.zeros(2), 5.0, -wide, wide), [[3, -4], [0, 0]])
    np.testing.assert_allclose(most_exciting(direction, np.ones(2), 1e6, -wide, wide), [[100, -100], [1, 1]])


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e-160, 1e200, 1e307])
def test_the_most_exciting_input_does_not_depend_on_the_size_of_the_direction(size):
    wide = np.full(3, 5.0)
    found = most_exciting(size * np.array([[1.0, 2.0, -1.0]]), np.zeros(3), 1.0, -wide, wide)
    np.testing.assert_allclose(found, np.array([[1.0, 2.0, -1.0]]) / 6**0.5)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_nor_do_the_walls_depend_on_the_units_of_x(size):
    direction, wide = np.array([[3.0, 4.0, 0.0], [1.0, 1e-5, 0.0]]), np.full(3, 0.9)
    found = most_exciting(direction, np.zeros(3), size, -size * wide, size * wide) / size
    np.testing.assert_allclose(found, [[0.6, 0.8, 0], [0.9, 0.19**0.5, 0]])


def test_a_slope_too_small_to_square_moves_nothing():
    wide = np.full(2, 0.5)
    found = most_exciting(np.array([[1.0, 1e-200]]), np.zeros(2), 0.6, -wide, wide)
    assert np.linalg.norm(found) <= 0.6


def test_ascent_stays_within_bounds_and_never_falls_behind_its_start(deep):
    net, x, _ = deep
    low, high, centre, radius = x.min(axis=0), x.max(axis=0), x.mean(axis=0), 2.0
    starts = x[forward(net.layers, net.parameters, x)[0][2].argmax(axis=0)]
    found, z = best_inputs(net, 2, starts, centre, radius, low, high)
    assert ((low - 1e-12 <= found) & (found <= high + 1e-12)).all()
    assert (np.linalg.norm(found - centre, axis=1) <= radius + 1e-9).all()
    np.testing.assert_allclose(z, np.diag(forward(net.layers, net.parameters, found)[0][2]))
    away = starts - centre
    pulled = centre + away * np.minimum(1, radius / np.linalg.norm(away, axis=1))[:, None]
    assert (z >= np.diag(forward(net.layers, net.parameters, pulled)[0][2]) - 1e-12).all()
    rng = np.random.default_rng(0)  # a local best only, but better than nearly all of two thousand places at random
    tried = centre + rng.normal(size=(2000, 5))
    tried = np.clip(centre + (tried - centre) * radius / np.linalg.norm(tried - centre, axis=1)[:, None], low, high)
    assert (z >= np.quantile(forward(net.layers, net.parameters, tried)[0][2], 0.99, axis=0)).all()


@pytest.mark.parametrize("activation", ["softmax", "identity"])
def test_effects_are_activity_times_the_nudged_outputs_slope(activation):
    layers = [gn.Dense(4, "tanh"), gn.Dense(3, "silu"), gn.Dropout(0.2), gn.Dense(2, activation)]
    net = gn.Network(3, layers, seed=0, dtype="float64")
    x = np.random.default_rng(0).normal(size=(20, 3))
    z, a = forward(net.layers, net.parameters, x)
    found = effects(net, z, a, np.arange(20))
    h = 1e-6
    for k in (0, 1):
        for i in range(a[k + 1].shape[1]):

            def logits(nudge, k=k, i=i):
                signal = a[k + 1].copy()
                signal[:, i] += nudge
                return forward_from(net, k + 1, signal)

            slope = (logits(h) - logits(-h)) / (2 * h)
            np.testing.assert_allclose(found[k][i], (a[k + 1][:, [i]] * slope).mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(found[1], a[2].mean(axis=0)[:, None] * net.weights[3], rtol=1e-12)
    few = effects(net, z, a, np.array([3, 7]))
    np.testing.assert_array_equal(few[1], found[1])
    pair = effects(net, [each[[3, 7]] for each in z], [each[[3, 7]] for each in a], np.arange(2))
    np.testing.assert_allclose(few[0], pair[0])


def forward_from(net, k, signal):
    """Return the last z from the input of layer k."""
    for j in range(k, len(net.layers)):
        z = net.layers[j].forward(signal, net.parameters[j], None)
        signal = net.layers[j].activation.apply(z)
    return z
