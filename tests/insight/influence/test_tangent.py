"""Curvature times a direction, without forming it, against what nudging and brute force give."""

import math

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.influence.tangent import Rows
from glassnet.network.backprop import forward
from glassnet.network.parameters import Parameters

PAIRS = [
    ("tanh", "softmax", "cross_entropy"),
    ("gelu", "sigmoid", "binary_cross_entropy"),
    ("mish", "softmax", "squared_error"),
    ("softsign", "exp", "poisson"),
    ("elu", "identity", "log_cosh"),
    ("silu", "identity", "cross_entropy_from_logits"),
    ("gelu_tanh", "sigmoid", "mean_squared_error"),
    ("sigmoid", "identity", "binary_cross_entropy_from_logits"),
    ("relu", "identity", "huber"),
]


def rows_of(hidden, last, loss, *, bends, l2=0.1):
    chance = np.random.default_rng(3)
    layers = [gn.Dense(5, hidden), gn.Dropout(0.3), gn.Dense(4, hidden, groups=((3, 2), (2, 2))), gn.Dense(3, last)]
    net = gn.Network(4, layers, dtype="float64", seed=1)
    net.theta[net.layout.mask("present")] += 0.1 * chance.normal(size=net.layout.parameters)
    x, y, weight = chance.normal(size=(7, 4)), chance.random((7, 3)), chance.random(7)
    objective = net.objective(loss, "mean", 0.0, l2)
    masks = net.draw_masks(0, 0, 7)
    y /= y.sum(axis=1, keepdims=True)
    direction = chance.normal(size=net.theta.size) * net.layout.mask("present")

    def at(theta):
        net.theta[:] = theta
        return Rows.at(net, objective, x, y, weight, masks, bends)

    return net, at, direction, masks


@pytest.mark.parametrize(("hidden", "last", "loss"), PAIRS)
def test_the_hessian_is_the_slope_of_the_gradient(hidden, last, loss):
    net, at, v, _ = rows_of(hidden, last, loss, bends=True)
    theta, h = net.theta.copy(), 1e-6
    up, down = at(theta + h * v).passed, at(theta - h * v).passed
    rows = at(theta)
    said, bent = rows.along(v)
    np.testing.assert_allclose(bent, (up.gradient.theta - down.gradient.theta) / (2 * h), rtol=1e-5, atol=2e-8)
    expected = (up.row_errors - down.row_errors) / (2 * h)
    np.testing.assert_allclose(said, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(rows.said(v), said, rtol=1e-12)


@pytest.mark.parametrize(("hidden", "last", "loss"), PAIRS[:4])
def test_gauss_newton_is_the_jacobian_around_the_losss_own_curvature(hidden, last, loss):
    net, at, v, masks = rows_of(hidden, last, loss, bends=False, l2=0.0)
    rows = at(net.theta.copy())
    p, theta, h = rows.passed, net.theta.copy(), 1e-6

    def z_at(point):
        return forward(net.layers, Parameters(net.layout, point), p.a[0], masks)[0][-1]

    jacobian = np.stack([(z_at(theta + h * e) - z_at(theta - h * e)) / (2 * h) for e in np.eye(theta.size)], axis=2)
    g, own, short = net.layers[-1].activation, rows.objective.loss, rows.objective.loss.short_forms

    def errors(z):
        form = short.get(g)
        return form.rows(z, rows.y) if form is not None else own.rows(g.apply(z), rows.y)

    step, outputs = 1e-4, 3
    units = step * np.eye(outputs)
    expected = np.zeros(theta.size)
    for j in range(outputs):
        for i in range(outputs):
            z = p.z[-1]
            corners = errors(z + units[i] + units[j]) + errors(z - units[i] - units[j])
            bend = (corners - errors(z + units[i] - units[j]) - errors(z - units[i] + units[j])) / (4 * step**2)
            expected += np.einsum("m,mn,m->n", p.coefficient * bend, jacobian[:, i], jacobian[:, j] @ v)
    present = net.layout.mask("present")
    np.testing.assert_allclose(rows.along(v)[1], np.where(present, expected, 0.0), rtol=1e-4, atol=1e-6)


def test_gradients_summed_with_other_shares():
    net, at, _, _ = rows_of("tanh", "softmax", "cross_entropy", bends=True, l2=0.0)
    rows = at(net.theta.copy())
    share = np.array([0.0, 1.0, -2.0, 0.5, 0.0, 0.0, 3.0])
    each = [rows.gradient_of(one) for one in np.eye(7)]
    np.testing.assert_allclose(rows.gradient_of(share), share @ np.array(each), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(rows.gradient_of(rows.passed.coefficient), rows.passed.gradient.theta, rtol=1e-10)


@pytest.mark.parametrize(
    ("hidden", "last", "loss"),
    [
        ("silu", "identity", "squared_error"),
        ("mish", "softplus", "squared_error"),
        ("tanh", "sigmoid", "squared_error"),
        ("softplus", "sigmoid", "binary_cross_entropy"),
        ("tanh", "identity", "binary_cross_entropy_from_logits"),
    ],
)
def test_a_row_of_zeros_that_meets_biases_of_zero(hidden, last, loss):
    """XOR's first row in a new network: z is 0, where |z| in the sigmoid's formula has a corner."""
    net = gn.Network(2, [gn.Dense(3, hidden), gn.Dense(1, last)], dtype="float64", seed=1)
    x, y = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[0.25], [1.0]])
    theta, v, h = net.theta.copy(), np.random.default_rng(2).normal(size=net.theta.size), 1e-6

    def at(theta):
        net.theta[:] = theta
        return Rows.at(net, net.objective(loss, "mean", 0.0, 0.0), x, y, np.ones(2), {}, True)

    expected = (at(theta + h * v).passed.gradient.theta - at(theta - h * v).passed.gradient.theta) / (2 * h)
    np.testing.assert_allclose(at(theta).along(v)[1], expected, rtol=1e-6, atol=1e-8)


def test_a_formula_of_ones_own_that_cannot_be_followed_is_refused():
    def spread(z):
        return np.array([[math.exp(each) for each in row] for row in z.tolist()])

    growth = gn.Activation("growth", value=spread, slope=lambda z, a: spread(z))
    net = gn.Network(2, [gn.Dense(3, growth), gn.Dense(1)], dtype="float64", seed=1)
    objective = net.objective("squared_error", "mean", 0.0, 0.0)
    rows = Rows.at(net, objective, np.ones((2, 2)), np.ones((2, 1)), np.ones(2), {}, True)
    with pytest.raises(InputError, match="no derivative is known"):
        rows.along(np.ones(net.theta.size))
