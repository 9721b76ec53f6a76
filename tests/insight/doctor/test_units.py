"""Units and blame against networks whose weights were set so that the answer is known."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.doctor.units import look
from glassnet.maths.losses import LOSSES


def test_dead_units_are_those_that_never_fire():
    net = gn.Network(3, [gn.Dense(5, "relu"), gn.Dense(2, "softmax")], seed=0, dtype="float64")
    x = np.random.default_rng(0).normal(size=(50, 3))
    net.biases[0][:] = [-100, 0, -100, 0, 0]
    body = look(net, net.theta, LOSSES["cross_entropy"], x, np.zeros(50, int))
    assert (body.layers[0].dead, body.layers[0].units, body.layers[1].dead) == (2, 5, 0)


@pytest.mark.parametrize("g", ["relu", "elu", "gelu", "silu", "mish", "softplus", "leaky_relu"])
def test_fresh_networks_have_hardly_any_dead_units(g):
    net = gn.Network(20, [gn.Dense(64, g), gn.Dense(64, g), gn.Dense(1)], seed=0)
    x = np.random.default_rng(0).normal(size=(300, 20))
    body = look(net, net.theta, LOSSES["squared_error"], x, np.zeros((300, 1)))
    assert max(layer.dead for layer in body.hidden) <= 2


@pytest.mark.parametrize(
    ("g", "slope"),
    [
        ("sigmoid", lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2 / 0.25),
        ("tanh", lambda z: 1 / np.cosh(z) ** 2),
    ],
)
def test_flat_is_below_a_twentieth_of_the_steepest_slope(g, slope):
    net = gn.Network(1, [gn.Dense(1, g), gn.Dense(1)], dtype="float64")
    net.theta = [1.0, 0.0, 1.0, 0.0]
    z = np.linspace(-8, 8, 801)[:, None]
    body = look(net, net.theta, LOSSES["squared_error"], z, z)
    assert body.layers[0].flat == pytest.approx(np.mean(slope(z) < 0.05))
    assert body.layers[0].stuck == 0
    net.theta = [0.0, 9.0, 1.0, 0.0]
    assert look(net, net.theta, LOSSES["squared_error"], z, z).layers[0].stuck == 1


def test_blame_is_the_root_mean_square_of_rows_own_blame():
    net = gn.Network(4, [gn.Dense(6, "tanh"), gn.Dropout(0.5), gn.Dense(3, "softmax")], seed=1, dtype="float64")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    body = look(net, net.theta, LOSSES["cross_entropy"], x, y)
    alone = [net.backprop(x[i : i + 1], y[i : i + 1], "cross_entropy").blame for i in range(20)]
    for layer, k in zip(body.layers, (0, 2), strict=True):
        assert layer.blame == pytest.approx(np.sqrt(np.mean([(b[k] ** 2).sum() for b in alone])))
    assert body.blame_ratio == pytest.approx(body.layers[0].blame / body.layers[1].blame)


def test_right_initial_weights_keep_blame_and_others_do_not():
    """He and others, 2015: a layer of relu units multiplies the variance of blame by n Var(w) / 2."""
    x = np.random.default_rng(0).normal(size=(200, 50))
    y = np.zeros((200, 50))  # so that the last layer's blame keeps its direction
    ratios = []
    for factor in (0.5, 1.0, 2.0):
        net = gn.Network(50, [*[gn.Dense(50, "relu") for _ in range(8)], gn.Dense(50)], seed=0, dtype="float64")
        for k in range(1, 8):
            net.weights[k][:] *= factor
        ratios.append(look(net, net.theta, LOSSES["squared_error"], x, y).blame_ratio)
    assert 0.2 < ratios[1] < 5
    assert ratios[0] / ratios[1] == pytest.approx(2.0**-7, rel=1e-9)
    assert ratios[2] / ratios[1] == pytest.approx(2.0**7, rel=1e-9)


def test_what_is_not_finite_is_said():
    net = gn.Network(2, [gn.Dense(3, "relu"), gn.Dense(1)], seed=0)
    net.theta[0] = np.nan
    with np.errstate(all="ignore"):
        body = look(net, net.theta, LOSSES["squared_error"], np.ones((4, 2)), np.ones((4, 1)))
    assert not body.finite
