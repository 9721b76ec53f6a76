"""Every registered activation against one list of properties; the oracle is its definition in SymPy, to 60 digits."""

import functools

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import InputError, UnknownNameError
from glassnet.maths.activations import ACTIVATIONS, RELU, SOFTMAX, Activation, RowActivation, elu, leaky_relu
from glassnet.maths.functions import sigmoid, softmax, softplus

Z = sp.Symbol("z", real=True)
E = sp.exp(Z)
LOG_1_E = sp.log(1 + E)

# Klambauer et al., equation 14: the two numbers in closed form.
_C, _D = sp.erfc(1 / sp.sqrt(2)), sp.erfc(sp.sqrt(2))
SELU_ALPHA = -sp.sqrt(2 / sp.pi) / (_C * sp.exp(sp.Rational(1, 2)) - 1)
SELU_SCALE = (
    (1 - _C * sp.sqrt(sp.E))
    * sp.sqrt(2 * sp.pi)
    / sp.sqrt(2 * _D * sp.E**2 + sp.pi * _C**2 * sp.E - 2 * (2 + sp.pi) * _C * sp.sqrt(sp.E) + sp.pi + 2)
)


def below_zero(formula):
    return sp.Piecewise((Z, Z > 0), (formula, True))


DEFINITIONS = {
    "identity": Z,
    "sigmoid": 1 / (1 + sp.exp(-Z)),
    "tanh": (sp.exp(Z) - sp.exp(-Z)) / (sp.exp(Z) + sp.exp(-Z)),
    "exp": E,
    "relu": below_zero(0 * Z),
    "leaky_relu": below_zero(Z / 100),
    "leaky_relu(0.25)": below_zero(Z / 4),
    "elu": below_zero(E - 1),
    "elu(1.5)": below_zero(sp.Rational(3, 2) * (E - 1)),
    "selu": SELU_SCALE * below_zero(SELU_ALPHA * (E - 1)),
    "gelu": Z * sp.erfc(-Z / sp.sqrt(2)) / 2,
    "gelu_tanh": Z / 2 * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (Z + sp.Rational("0.044715") * Z**3))),
    "silu": Z / (1 + sp.exp(-Z)),
    "mish": Z * sp.tanh(LOG_1_E),
    "softplus": LOG_1_E,
    "softsign": Z / (1 + sp.Abs(Z)),
}
KINKED = {"relu", "leaky_relu", "leaky_relu(0.25)", "elu", "elu(1.5)", "selu", "softsign"}

ORDINARY = np.concatenate([np.linspace(-12, 12, 97), [-1e-3, -1e-8, 1e-8, 1e-3, -25.5, 25.5]])
EXTREME = np.array([-1e4, -745.5, -700.0, -100.0, -40.0, 40.0, 100.0, 700.0, 745.5, 1e4])

each = pytest.mark.parametrize("name", list(DEFINITIONS))


def record(name):
    return ACTIVATIONS.resolve(name)


@functools.cache
def exact(name, derivatives=0):
    """The definition, or its derivative, as a function of float that is right to the last bit of a float."""
    formula = sp.lambdify(Z, sp.diff(DEFINITIONS[name], Z, derivatives), "mpmath")

    @functools.cache
    def value(z):
        with mpmath.workdps(60):
            return float(formula(mpmath.mpf(z)))

    return lambda points: np.array([value(float(z)) for z in points])


def places(name):
    """Ordinary and extreme places where the definition fits into a float64."""
    points = np.concatenate([ORDINARY, EXTREME])
    return points[points < 700.5] if name == "exp" else points


def test_every_registered_activation_is_defined_here():
    assert {name.partition("(")[0] for name in DEFINITIONS} | {"softmax"} == set(ACTIVATIONS)


def test_the_constants_of_selu_are_those_of_the_paper():
    """Mean 0 and variance 1 are a fixed point: the definition of the two numbers."""
    with mpmath.workdps(30):
        g = sp.lambdify(Z, DEFINITIONS["selu"], "mpmath")
        for power, moment in ((1, 0), (2, 1)):
            found = mpmath.quad(lambda z, n=power: g(z) ** n * mpmath.npdf(z), [-mpmath.inf, 0, mpmath.inf])
            assert abs(found - moment) < 1e-15


@each
def test_value_is_the_definition(name):
    z = places(name)
    a = record(name).apply(z)
    np.testing.assert_allclose(a, exact(name)(z), rtol=4e-15, atol=1e-15)


@each
def test_slope_is_the_derivative_of_the_definition(name):
    g, z = record(name), places(name)
    z = z[~np.isin(z, g.kinks)]
    slope = g.pullback(z, g.apply(z), np.ones_like(z))
    np.testing.assert_allclose(slope, exact(name, 1)(z), rtol=1e-14, atol=2e-15)


@each
@given(z=st.floats(-1e4, 1e4))
def test_slope_is_the_derivative_anywhere(name, z):
    if name == "exp":
        z = min(z, 700.0)
    g, z = record(name), np.array([z])
    if z[0] not in g.kinks:
        np.testing.assert_allclose(g.slope(z, g.apply(z)), exact(name, 1)(z), rtol=1e-13, atol=2e-15)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_finite_everywhere_and_in_the_dtype_that_came(name, dtype):
    """Without a warning too: pytest turns warnings into errors."""
    g = record(name)
    z = places(name).astype(dtype)
    if name == "exp":
        z = z[z < np.log(np.finfo(dtype).max)]
    a = g.apply(z)
    blame = g.pullback(z, a, np.ones_like(z))
    assert a.dtype == blame.dtype == dtype
    assert np.isfinite(a).all()
    assert np.isfinite(blame).all()


@pytest.mark.parametrize("name", [name for name in DEFINITIONS if name != "exp"])
@pytest.mark.parametrize(("dtype", "largest"), [("float32", 3e38), ("float64", 1e308)])
def test_no_nan_is_made_of_the_largest_numbers(name, dtype, largest):
    g = record(name)
    z = np.array([-largest, largest], dtype)
    with np.errstate(over="ignore", under="ignore"):
        a = g.apply(z)
        assert np.isfinite(a).all()
        assert np.isfinite(g.pullback(z, a, np.ones_like(z))).all()


@each
def test_float32_is_float64_rounded(name):
    g = record(name)
    z = ORDINARY.astype(np.float32)
    wide = z.astype(np.float64)
    a, wide_a = g.apply(z), g.apply(wide)
    np.testing.assert_allclose(a, wide_a, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(
        g.pullback(z, a, np.ones_like(z)), g.pullback(wide, wide_a, np.ones_like(wide)), rtol=1e-5, atol=2e-6
    )


@each
def test_shape_is_kept(name):
    g = record(name)
    z = ORDINARY[:96].reshape(2, 3, 16)
    a = g.apply(z)
    assert a.shape == g.pullback(z, a, z).shape == z.shape
    np.testing.assert_array_equal(a.ravel(), g.apply(z.ravel()))
    np.testing.assert_array_equal(g.pullback(z, a, z), z * g.pullback(z, a, np.ones_like(z)))


@each
def test_arguments_are_left_alone(name):
    g, z = record(name), ORDINARY.copy()
    a = g.apply(z)
    before = a.copy()
    g.pullback(z, a, np.ones_like(z))
    np.testing.assert_array_equal(z, ORDINARY)
    np.testing.assert_array_equal(a, before)


@each
def test_range_is_honoured_and_no_wider_than_it_must_be(name):
    g = record(name)
    z = np.concatenate([np.linspace(-10, 10, 100_001), EXTREME[EXTREME < 700.5], [1e4] * (name != "exp")])
    a = g.apply(z)
    low, high = g.range.low, g.range.high
    assert low <= a.min()
    assert a.max() <= high
    ordinary = a[np.abs(z) <= 10]
    if not g.range.closed:
        assert low < ordinary.min()
        assert ordinary.max() < high
    near = 2e-3
    assert a.min() < (low + near if np.isfinite(low) else -90)
    assert a.max() > (high - near if np.isfinite(high) else 9_000)


def jumps(g, points, h=1e-4):
    """Where the slope, or the slope's slope, differs between the two sides."""
    slope = [g.pullback(z, g.apply(z), np.ones_like(z)) for z in (points + h * k for k in (-2, -1, 1, 2))]
    of_slope = np.abs(slope[2] - slope[1])
    of_slopes_slope = np.abs((slope[3] - slope[2]) / h - (slope[1] - slope[0]) / h)
    return points[(of_slope + of_slopes_slope) / (1 + np.abs(slope[0])) > 0.05]


@each
def test_kinks_are_declared_and_only_where_they_are(name):
    points = np.arange(-60, 61) / 10
    assert jumps(record(name), points).tolist() == list(record(name).kinks)
    assert bool(record(name).kinks) == (name in KINKED)


@pytest.mark.parametrize("name", [*DEFINITIONS, "softmax"])
def test_spelling_finds_the_record_again(name):
    g = record(name)
    again = record(g.name)
    assert g.name == name
    assert again.name == name
    np.testing.assert_array_equal(again.apply(ORDINARY), g.apply(ORDINARY))


@pytest.mark.parametrize("factory", [leaky_relu, elu])
@given(value=st.floats(1e-9, 1e9))
def test_spelling_keeps_every_bit_of_an_argument(factory, value):
    g = factory(value)
    np.testing.assert_array_equal(record(g.name).apply(ORDINARY), g.apply(ORDINARY))
    assert record(g.name).latex == g.latex


@pytest.mark.parametrize("number", [np.float64(0.2), np.float32(0.25), 2, np.int64(2)])
@pytest.mark.parametrize("factory", [leaky_relu, elu])
def test_spelling_of_numpys_numbers_can_be_read_back(factory, number):
    g = factory(number)
    assert record(g.name).name == g.name
    assert g.apply(np.float32([-1, 1])).dtype == np.float32


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_record_says_where_it_is_from_and_how_it_is_written(name):
    g = ACTIVATIONS[name]
    assert g.latex
    assert g.slope_latex
    assert any(c.isdigit() for c in g.source)
    assert g.weight_init in {"glorot_uniform", "he_normal", "lecun_normal"}


# Soft-max, whose slope is a Jacobian

ROWS = st.lists(st.floats(-30, 30), min_size=2, max_size=5)


@given(row=ROWS, upstream=st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_softmax_and_its_jacobian(row, upstream):
    n = len(row)
    with mpmath.workdps(40):
        e = [mpmath.exp(z) for z in row]
        a = [x / sum(e) for x in e]
        jacobian = [[a[i] * ((i == j) - a[j]) for j in range(n)] for i in range(n)]
        blame = [float(sum(upstream[i] * jacobian[i][j] for i in range(n))) for j in range(n)]
        a = [float(x) for x in a]
    z = np.array([row, row[::-1]])
    found = SOFTMAX.apply(z)
    np.testing.assert_allclose(found[0], a, rtol=1e-14, atol=0)
    np.testing.assert_allclose(found[1], a[::-1], rtol=1e-14, atol=0)
    pulled = SOFTMAX.pullback(z, found, np.array([upstream[:n], upstream[:n]]))
    np.testing.assert_allclose(pulled[0], blame, rtol=1e-13, atol=1e-14)


def test_softmax_far_out():
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [700.0, 700.0, -700.0]])
    for dtype in (np.float32, np.float64):
        a = SOFTMAX.apply(z.astype(dtype))
        assert a.dtype == dtype
        np.testing.assert_allclose(a, [[1, 0, 0], [1 / 3] * 3, [0.5, 0.5, 0]], rtol=1e-6)
        assert np.isfinite(SOFTMAX.pullback(z.astype(dtype), a, a)).all()


def test_softmax_of_a_stack_is_softmax_of_each_row():
    z = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_array_equal(SOFTMAX.apply(z)[1, 2], SOFTMAX.apply(z[1, 2:3])[0])


# The functions that formulas share


@pytest.mark.parametrize(
    ("function", "definition"),
    [
        (sigmoid, lambda z: 1 / (1 + mpmath.exp(-z))),
        (softplus, lambda z: mpmath.log1p(mpmath.exp(z)) if z < 100 else z + mpmath.exp(-z)),
    ],
)
def test_shared_functions_lose_no_digit_in_either_tail(function, definition):
    z = np.concatenate([ORDINARY, EXTREME, [-740.0, -708.0]])
    with mpmath.workdps(40):
        expected = np.array([float(definition(mpmath.mpf(float(x)))) for x in z])
    np.testing.assert_allclose(function(z), expected, rtol=1e-15, atol=1e-323)


def test_softmax_is_shifted():
    z = np.array([[1000.0, 1000.0], [-1000.0, -1000.0], [0.0, -2000.0]])
    np.testing.assert_array_equal(softmax(z), [[0.5, 0.5], [0.5, 0.5], [1, 0]])


# A user's own


def test_a_users_own_activation_needs_four_things():
    g = Activation("double", value=lambda z: 2 * z, slope=lambda z, a: 2 + 0 * z)
    assert g.source == "the user's own"
    assert (g.range.low, g.range.high) == (-np.inf, np.inf)
    np.testing.assert_array_equal(g.pullback(np.ones(2), g.apply(np.ones(2)), np.ones(2)), [2, 2])
    assert record(g) is g


def test_a_users_slope_may_be_one_number():
    g = Activation("triple", value=lambda z: 3 * z, slope=lambda z, a: 3.0)
    blame = g.pullback(np.ones(2, np.float32), np.ones(2, np.float32), np.ones(2, np.float32))
    assert blame.dtype == np.float32
    assert blame.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Activation("", np.tanh, lambda z, a: a), "name is ''; expected a word such as"),
        (lambda: Activation(3, np.tanh, lambda z, a: a), "name is 3"),
        (lambda: Activation("g", 3, lambda z, a: a), r"'g': value is 3; expected a function value\(z\)"),
        (lambda: Activation("g", np.tanh, None), r"slope is None; expected a function slope\(z, a\)"),
        (lambda: Activation("g", np.tanh, lambda z: z), r"slope must take 2 argument\(s\), as in slope\(z, a\)"),
        (lambda: Activation("g", lambda: 1, lambda z, a: a), r"value must take 1 argument"),
        (lambda: RowActivation("g", np.tanh, lambda z, a: a), r"row_pullback must take 3 argument"),
        (lambda: leaky_relu(0), r"leaky_relu: negative_slope is 0; expected a number above 0, as in 'leaky_relu\(0.2"),
        (lambda: leaky_relu(float("nan")), "negative_slope is nan"),
        (lambda: elu(-1.0), r"elu: alpha is -1.0"),
        (lambda: elu(float("inf")), r"alpha is inf"),
        (lambda: elu(True), r"alpha is True"),
        (lambda: elu("1"), r"alpha is '1'"),
    ],
)
def test_what_makes_no_activation_is_refused(make, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        make()
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("spec", "kind", "sentence"),
    [
        ("rellu", UnknownNameError, r"no activation named 'rellu'. Did you mean .*'relu'"),
        ("xyz", UnknownNameError, r"Known: elu, exp, gelu"),
        ("relu(0.1)", InputError, r"'relu' takes no arguments; got 'relu\(0.1\)'. Write 'relu'"),
        ("leaky_relu(slope=1)", InputError, r"leaky_relu takes: negative_slope"),
        ("leaky_relu(1, 2)", InputError, r"leaky_relu takes: negative_slope"),
        ("leaky_relu(x)", InputError, r"cannot be read; expected a name, or a name with plain values"),
        ("leaky_relu(0.1", InputError, r"cannot be read"),
        ("leaky_relu(__import__('os'))", InputError, r"cannot be read"),
        ("", UnknownNameError, r"no activation named ''"),
        (3, InputError, r"activation is 3 of type int; expected a name such as 'identity' or a record of your own"),
        (None, InputError, r"activation is None"),
        (np.tanh, InputError, r"expected a name such as"),
    ],
)
def test_what_names_no_activation_is_refused(spec, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        record(spec)
    assert str(caught.value).endswith((".", "?"))


def test_spaces_around_a_name_do_not_matter():
    assert record(" relu ") is RELU
    assert record("leaky_relu( negative_slope = 0.25 )").name == "leaky_relu(0.25)"
