"""Formulas differentiated as they stand, against numerical and known derivatives."""

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.insight.dual import _PARTIALS, Dual, along, slope_of, value_of
from glassnet.insight.numerical import extrapolated
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
    results = optimizer.formula(*(Dual(each, {k: 1.0}, takes_sides=True) for k, each in enumerate(inputs)), *numbers)
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
    up, down = z + 1e-6 * direction, z - 1e-6 * direction
    moved = along(g.value, [(z, direction)])
    np.testing.assert_allclose(moved, (g.apply(up) - g.apply(down)) / 2e-6, rtol=1e-7, atol=1e-9)
    if isinstance(g, Activation):
        expected = (g.slope(up, g.apply(up)) - g.slope(down, g.apply(down))) / 2e-6
        found = along(g.slope, [(z, direction), (g.apply(z), moved)])
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


POINTS = {"arccosh": 1.7, "log": 0.7, "log2": 0.7, "log10": 0.7, "sqrt": 0.7}
SPECIAL = {"erf", "erfc", "expit"}


@pytest.mark.parametrize("takes_sides", [False, True])
@pytest.mark.parametrize("name", _PARTIALS)
def test_each_function_that_is_known(name, takes_sides):
    from scipy import special

    function = getattr(special if name in SPECIAL else np, name)
    at = np.array([POINTS.get(name, 0.3), 0.8])[: function.nin]
    found = function(*(Dual(np.array([a]), {k: 1.0}, takes_sides) for k, a in enumerate(at)))
    np.testing.assert_array_equal(found.value, function(*at))
    for k in range(function.nin):
        direction = np.eye(function.nin)[k]

        def central(h, direction=direction):
            up, down = function(*(at + h * direction)), function(*(at - h * direction))
            return np.array((up - down) / (2 * h)).reshape(1), np.abs(up).reshape(1)

        expected = extrapolated(central, np.ones(1)).value
        np.testing.assert_allclose(np.broadcast_to(slope_of(found, k), 1), expected, rtol=1e-8, atol=1e-10)


OF_ROWS = {
    "sum": lambda x: x * x.sum(axis=-1, keepdims=True) + np.sum(x, axis=1)[..., None],
    "mean": lambda x: x * np.mean(x, axis=-1, keepdims=True),
    "max": lambda x: x / x.max(axis=-1, keepdims=True) - np.max(x, axis=1, keepdims=True),
    "min": lambda x: x * x.min(axis=1, keepdims=True) - np.min(x, axis=-1)[..., None],
    "clip": lambda x: np.clip(x, 0.6, 1.5) + np.clip(x, None, 1.5),
    "where": lambda x: np.where(x > 1, x * x, 2.0),
    "filled": lambda x: x * np.ones_like(x) + np.full_like(x, 2.0) * x - np.zeros_like(x),
}


@pytest.mark.parametrize("name", OF_ROWS)
def test_functions_of_whole_rows_in_one_and_many_directions(name):
    f = OF_ROWS[name]
    chance = np.random.default_rng(4)
    x, directions = chance.uniform(0.5, 2, size=(3, 4)), chance.normal(size=(5, 3, 4))
    expected = [(f(x + 1e-6 * d) - f(x - 1e-6 * d)) / 2e-6 for d in directions]
    np.testing.assert_allclose(along(f, [(x, directions)]), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose([along(f, [(x, d)]) for d in directions], expected, rtol=1e-7, atol=1e-8)


# --- kinks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [0.0, 1e-9, 1.0, -3.0])
def test_parts_with_kinks_of_a_formula_without_them(direction):
    """At 0 the sigmoid's formula has |z| in it, and the sigmoid's slope is 1/4; a neighbour moves much faster."""
    z, v = np.array([[0.0, 1.0]]), np.array([[direction, 10.0]])
    s = 1 / (1 + np.exp(-1.0))
    found = along(ACTIVATIONS.resolve("sigmoid").value, [(z, v)])
    np.testing.assert_allclose(found, [[direction / 4, 10 * s * (1 - s)]], rtol=1e-11)


def test_a_true_kink_has_the_mean_of_both_sides_or_nan_or_a_side():
    zero = np.zeros(1)
    assert along(np.abs, [(zero, np.ones(1))]).tolist() == [0.0]
    assert along(lambda z: np.maximum(z, 0), [(zero, np.ones(1))]).tolist() == [0.5]
    assert np.isnan(slope_of(np.maximum(Dual(zero, {0: 1.0}), 0), 0)).all()
    sided = Dual(zero, {0: 1.0}, takes_sides=True)
    assert slope_of(np.maximum(sided, 0), 0).tolist() == [1.0]
    assert slope_of(np.abs(np.where(zero == 0, sided, 1.0)), 0).tolist() == [0.0]  # what is made of it takes sides too


def test_a_weight_that_never_moved_has_no_slope():
    zero = Dual(np.zeros(1), {0: 1.0}, takes_sides=True)
    assert slope_of(np.sqrt(zero * zero), 0).tolist() == [0.0]


# --- what is unknown ------------------------------------------------------------------------------------------------

UNKNOWN = {
    r"numpy\.spacing": np.spacing,
    r"numpy\.median": np.median,
    r"numpy\.add\.reduce": np.add.reduce,
    r"numpy\.exp with where": lambda x: np.exp(x, where=True),
    "over several axes": np.mean,
    "entries of an array": lambda x: x[0],
    "no array": np.asarray,
    "tolist": lambda x: np.array(x.tolist()),
}


@pytest.mark.parametrize("says", UNKNOWN)
def test_what_no_derivative_is_known_of_is_refused(says):
    with pytest.raises(InputError, match=says):
        along(UNKNOWN[says], [(np.ones((1, 2)), np.ones((1, 2)))])


def test_numbers_are_refused_by_themselves_too():
    with pytest.raises(InputError, match=r"numpy\.spacing"):
        np.spacing(Dual(np.ones(1), {0: 1.0}))
    with pytest.raises(InputError, match=r"numpy\.median"):
        np.median(Dual(np.ones(1), {0: 1.0}))
