"""The plan against `predict`: an interpreter of the short vocabulary that knows no layers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.compiled.plan import Elementwise, Mask, Product, Row
from glassnet.maths.activations import ACTIVATIONS


def run(plan, theta, x, masks=None):
    """The forward pass by operations alone."""
    for operation in plan:
        match operation:
            case Product(inputs, outputs, weights, biases):
                assert x.shape[1] == inputs
                x = x @ theta[weights : weights + inputs * outputs].reshape(inputs, outputs)
                if biases is not None:
                    x = x + theta[biases : biases + outputs]
            case Elementwise(activation, units):
                assert x.shape[1] == units
                x = np.stack([activation.value(column) for column in x.T], axis=1)
            case Row(activation, units):
                assert x.shape[1] == units
                x = np.stack([activation.value(row) for row in x])
            case Mask(rate, units, layer):
                assert x.shape[1] == units
                x = x if masks is None else x * masks[layer] / (1 - rate)
            case _:
                raise AssertionError(f"{operation} is not in the vocabulary")
    return x


@st.composite
def networks(draw):
    hidden = st.sampled_from([name for name in ACTIVATIONS if name not in ("softmax", "exp")])
    layers = []
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            layers.append(gn.Dropout(draw(st.sampled_from([0.0, 0.3, 0.5]))))
        layers.append(gn.Dense(draw(st.integers(1, 6)), draw(hidden), bias=draw(st.booleans())))
    layers.append(gn.Dense(draw(st.integers(1, 5)), draw(st.sampled_from(["identity", "softmax"]))))
    net = gn.Network(draw(st.integers(1, 6)), layers, dtype="float64")
    net.theta = np.random.default_rng(draw(st.integers(0, 999))).normal(size=net.theta.size)
    return net


@given(net=networks(), m=st.integers(1, 6), seed=st.integers(0, 99))
def test_the_plan_predicts_what_the_layers_predict(net, m, seed):
    X = np.random.default_rng(seed).normal(size=(m, net.input_shape[0]))
    np.testing.assert_allclose(run(net.plan(), net.theta, X), net.predict(X), rtol=1e-12, atol=1e-13)


@given(net=networks(), seed=st.integers(0, 99))
def test_the_plan_drops_what_the_layers_drop(net, seed):
    X = np.random.default_rng(seed).normal(size=(4, net.input_shape[0]))
    p = net.backprop(X, np.ones((4, net.outputs)), loss="squared_error", training=True)
    masks = {k: p.masks.get(k, np.ones((4, net.shapes[k][0]))) for k in range(len(net.layers))}
    np.testing.assert_allclose(run(net.plan(), net.theta, X, masks), p.a[-1], rtol=1e-12, atol=1e-13)


@given(net=networks())
def test_every_number_of_theta_has_one_place_in_the_plan(net):
    met = []
    for operation in net.plan():
        if isinstance(operation, Product):
            met += range(operation.weights, operation.weights + operation.inputs * operation.outputs)
            met += range(operation.biases, operation.biases + operation.outputs) if operation.biases is not None else ()
    assert met == list(range(net.theta.size))


def test_a_plan_in_full():
    net = gn.Network(3, [gn.Dense(4, "relu"), gn.Dropout(0.25), gn.Dense(2, "softmax", bias=False)])
    assert net.plan() == (
        Product(3, 4, 0, 12),
        Elementwise(ACTIVATIONS["relu"], 4),
        Mask(0.25, 4, 1),
        Product(4, 2, 16, None),
        Row(ACTIVATIONS["softmax"], 2),
    )


@pytest.mark.parametrize(("sizes", "expected"), [((784, 30, 10), 784 * 30 + 300), ((5, 1), 5)])
def test_multiplications_are_those_of_the_products(sizes, expected):
    net = gn.Network(sizes[0], [gn.Dense(n, "sigmoid") for n in sizes[1:]])
    assert net.multiplications == expected
