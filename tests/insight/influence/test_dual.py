"""Formulas differentiated as they stand, against numerical derivatives."""

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.insight.influence.dual import Dual, slope_of, value_of
from glassnet.maths.activation import Activation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer

SPELLINGS = [
    "sgd(0.1, momentum=0.9, weight_decay=0.01)",
    "sgd(0.1, momentum=0.9, nesterov=True)",
    "rmsprop(0.01, momentum=0.5, centered=True)",
    "adam(0.01, amsgrad=True)",
    "nadam(0.01, decoupled_weight_decay=True, weight_decay=0.1)",
]


def numerical(f, inputs, k):
    up, down, h = [each.copy() for each in inputs], [each.copy() for each in inputs], 1e-5 * np.abs(inputs[k])
    up[k], down[k] = up[k] + h, down[k] - h
    return [(a - b) / (2 * h) for a, b in zip(f(*up), f(*down), strict=True)]


@pytest.mark.parametrize("name", [*OPTIMIZERS, *SPELLINGS])
def test_every_optimizers_step_by_everything_it_comes_from(name):
    optimizer = OPTIMIZERS.resolve(name)
    if not isinstance(optimizer, ElementwiseOptimizer):
        pytest.skip("looks at all parameters together")
    chance = np.random.default_rng(0)
    theta = chance.normal(size=6)
    state = optimizer.init(theta)
    for _ in range(7):  # until RAdam trusts its measure of size
        optimizer.update(theta, chance.normal(size=6), state)
    inputs = [theta, chance.normal(size=6), *(state[slot] for slot in optimizer.slots)]
    inputs = [np.where(each == 0, 0.5, each) for each in inputs]  # Rprop forgets a slope by a 0, where it has a kink
    numbers = optimizer.coefficients(state)
    results = optimizer.formula(*(Dual(each, {k: 1.0}) for k, each in enumerate(inputs)), *numbers)
    assert len(results) == 1 + len(optimizer.slots)
    for result, plain in zip(results, optimizer.formula(*inputs, *numbers), strict=True):
        np.testing.assert_array_equal(value_of(result), plain)
    for k in range(len(inputs)):
        expected = numerical(lambda *each: optimizer.formula(*each, *numbers), inputs, k)
        for result, slope in zip(results, expected, strict=True):
            np.testing.assert_allclose(np.broadcast_to(slope_of(result, k), 6), slope, rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.5)"])
def test_every_activation_and_its_slope(name):
    g = ACTIVATIONS.resolve(name)
    z = np.linspace(-3.1, 2.9, 12).reshape(2, 6)
    direction = np.cos(np.arange(12.0)).reshape(2, 6)
    a = g.value(Dual(z, {0: direction}))
    h = 1e-6
    expected = (g.apply(z + h * direction) - g.apply(z - h * direction)) / (2 * h)
    np.testing.assert_allclose(slope_of(a, 0), expected, rtol=1e-7, atol=1e-9)
    if isinstance(g, Activation):
        up, down = z + h * direction, z - h * direction
        expected = (g.slope(up, g.apply(up)) - g.slope(down, g.apply(down))) / (2 * h)
        found = slope_of(g.slope(Dual(z, {0: direction}), a), 0)
        np.testing.assert_allclose(np.broadcast_to(found, z.shape), expected, rtol=1e-7, atol=1e-8)


def test_a_weight_that_never_moved_has_no_slope():
    zero = Dual(np.zeros(1), {0: 1.0})
    assert slope_of(np.sqrt(zero * zero), 0).tolist() == [0.0]


def test_a_function_without_known_derivative_is_refused():
    with pytest.raises(InputError, match=r"numpy\.cbrt"):
        np.cbrt(Dual(np.ones(1), {0: 1.0}))
    with pytest.raises(InputError, match=r"numpy\.mean"):
        np.mean(Dual(np.ones(1), {0: 1.0}))
