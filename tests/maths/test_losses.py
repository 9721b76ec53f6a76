"""Every registered loss against one list of properties; oracles are SymPy, scikit-learn, SciPy and PyTorch."""

import functools
import itertools

import mpmath
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import InputError, UnknownNameError
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import (
    LOSSES,
    ElementwiseLoss,
    RowLoss,
    Targets,
    binary_cross_entropy,
    cross_entropy,
    huber,
    quantile,
)

A, Y = sp.symbols("a0:3", real=True), sp.symbols("y0:3", real=True)
PAIRED = list(zip(A, Y, strict=True))


def huber_term(r, delta):
    return sp.Piecewise((r**2 / 2, sp.Abs(r) <= delta), (delta * (sp.Abs(r) - delta / 2), True))


def pinball(a, y, q):
    return sp.Piecewise((q * (y - a), y >= a), ((1 - q) * (a - y), True))


def hinge_row():
    """Of the class whose y is 1, by hand: the sum over the others."""
    return sum(Y[k] * sum(sp.Max(0, 1 + A[j] - A[k]) for j in range(3) if j != k) for k in range(3))


SMOOTHED = [y * sp.Rational(9, 10) + sp.Rational(1, 30) for y in Y]
HESITANT = [y * sp.Rational(8, 10) + sp.Rational(1, 10) for y in Y]
LOG_SUM = sp.log(sum(sp.exp(a) for a in A))
DEFINITIONS = {
    "squared_error": sum((y - a) ** 2 for a, y in PAIRED),
    "half_squared_error": sum((y - a) ** 2 for a, y in PAIRED) / 2,
    "mean_squared_error": sum((y - a) ** 2 for a, y in PAIRED) / 3,
    "absolute_error": sum(sp.Abs(y - a) for a, y in PAIRED),
    "huber": sum(huber_term(y - a, sp.Integer(1)) for a, y in PAIRED),
    "huber(0.25)": sum(huber_term(y - a, sp.Rational(1, 4)) for a, y in PAIRED),
    "quantile(0.5)": sum(pinball(a, y, sp.Rational(1, 2)) for a, y in PAIRED),
    "quantile(0.9)": sum(pinball(a, y, sp.Rational(9, 10)) for a, y in PAIRED),
    "log_cosh": sum(sp.log((sp.exp(y - a) + sp.exp(a - y)) / 2) for a, y in PAIRED),
    "poisson": sum(a - y * sp.log(a) for a, y in PAIRED),
    "cross_entropy": -sum(y * sp.log(a) for a, y in PAIRED),
    "cross_entropy(0.1)": -sum(y * sp.log(a) for a, y in zip(A, SMOOTHED, strict=True)),
    "cross_entropy_from_logits": -sum(y * (a - LOG_SUM) for a, y in PAIRED),
    "cross_entropy_from_logits(0.1)": -sum(y * (a - LOG_SUM) for a, y in zip(A, SMOOTHED, strict=True)),
    "binary_cross_entropy": -sum(y * sp.log(a) + (1 - y) * sp.log(1 - a) for a, y in PAIRED),
    "binary_cross_entropy(0.2)": -sum(
        t * sp.log(a) + (1 - t) * sp.log(1 - a) for a, t in zip(A, HESITANT, strict=True)
    ),
    "binary_cross_entropy_from_logits": sum(
        y * sp.log(1 + sp.exp(-a)) + (1 - y) * sp.log(1 + sp.exp(a)) for a, y in PAIRED
    ),
    "hinge": hinge_row(),
}
KINKED = {"absolute_error", "huber", "huber(0.25)", "quantile(0.5)", "quantile(0.9)", "hinge"}
each = pytest.mark.parametrize("name", list(DEFINITIONS))


def record(name):
    return LOSSES.resolve(name)


@functools.cache
def exact(name, derivative=None):
    """The definition (or ∂/∂a_j) of one row of three outputs."""
    formula = DEFINITIONS[name] if derivative is None else sp.diff(DEFINITIONS[name], A[derivative])
    compiled = sp.lambdify((*A, *Y), formula, ["mpmath", {"Heaviside": lambda x, *_: mpmath.mpf(int(x > 0))}])

    def value(a, y):
        with mpmath.workdps(40):
            return float(compiled(*(mpmath.mpf(float(x)) for x in (*a, *y))))

    return value


def rows_for(name, m=60, seed=0, dtype=np.float64):
    """Predictions and truths that the loss can read; some truths at the ends of what is allowed."""
    rng, loss = np.random.default_rng(seed), record(name)
    a = rng.normal(size=(m, 3), scale=1.5)
    if loss.domain.sums_to_one:
        a = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    elif loss.domain.high == 1:
        a = 1 / (1 + np.exp(-a))
    elif loss.domain.low == 0:
        a = np.exp(a)
    soft = rng.dirichlet(np.ones(3), size=m)
    hard = np.eye(3)[rng.integers(0, 3, m)]
    y = {
        Targets.NUMBERS: rng.normal(size=(m, 3), scale=1.5),
        Targets.NONNEGATIVE: rng.poisson(1.0, size=(m, 3)).astype(float),
        Targets.UNIT: np.where(np.arange(m)[:, None] % 2, rng.integers(0, 2, (m, 3)), rng.uniform(size=(m, 3))),
        Targets.DISTRIBUTION: np.where(np.arange(m)[:, None] % 2, soft, hard),
        Targets.ONE_HOT: hard,
    }[loss.targets]
    return a.astype(dtype), y.astype(dtype)


def test_every_registered_loss_is_defined_here():
    assert {name.partition("(")[0] for name in DEFINITIONS} == set(LOSSES)


@each
def test_row_error_is_the_definition(name):
    a, y = rows_for(name)
    loss = record(name)
    expected = [exact(name)(*pair) for pair in zip(a, y, strict=True)]
    np.testing.assert_allclose(loss.rows(a, loss.smooth(y)), expected, rtol=1e-13, atol=1e-13)


@each
def test_slope_is_the_derivative_of_the_definition(name):
    a, y = rows_for(name)
    loss = record(name)
    expected = [[exact(name, j)(*pair) for j in range(3)] for pair in zip(a, y, strict=True)]
    np.testing.assert_allclose(loss.slope(a, loss.smooth(y)), expected, rtol=1e-12, atol=1e-13)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_that_came_is_kept(name, dtype):
    a, y = rows_for(name, dtype=dtype)
    loss = record(name)
    y = loss.smooth(y)
    wide = a.astype(np.float64), y.astype(np.float64)
    assert y.dtype == loss.rows(a, y).dtype == loss.slope(a, y).dtype == dtype
    np.testing.assert_allclose(loss.rows(a, y), loss.rows(*wide), rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(loss.slope(a, y), loss.slope(*wide), rtol=2e-5, atol=1e-5)
    for short in loss.short_forms.values():
        z = np.log(a)
        assert short.rows(z, y).dtype == short.blame(a, y).dtype == dtype


@each
def test_a_stack_is_read_as_its_rows(name):
    a, y = rows_for(name, m=12)
    loss = record(name)
    stack = np.stack([a, a[::-1]])
    np.testing.assert_array_equal(loss.rows(stack, y)[0], loss.rows(a, y))
    np.testing.assert_array_equal(loss.rows(stack, y)[1], loss.rows(a[::-1], y))
    np.testing.assert_array_equal(loss.slope(stack, y)[1], loss.slope(a[::-1], y))


@each
def test_a_rows_error_does_not_depend_on_other_rows(name):
    a, y = rows_for(name, m=7)
    loss = record(name)
    np.testing.assert_array_equal(loss.rows(a, y)[3:4], loss.rows(a[3:4], y[3:4]))


@pytest.mark.parametrize(
    "name", [name for name in DEFINITIONS if record(name).label_smoothing == 0 and "from_logits" not in name]
)
def test_the_truth_itself_has_the_smallest_error(name):
    a, y = rows_for(name)
    best = {"hinge": 3 * y, "poisson": np.maximum(y, 1e-300)}.get(name, y)
    assert (record(name).rows(best, y) <= record(name).rows(a, y) + 1e-12).all()


@each
def test_kinks_are_where_the_slope_jumps(name):
    loss = record(name)
    assert (loss.kink is not None) == (name in KINKED)
    y = np.array([[1.0, 0.0, 0.0]])
    near = 1e-7
    for j, place in itertools.product(range(3), np.linspace(-3, 3, 97)):
        a = np.array([[0.3, 0.11, -0.47]])
        if loss.domain.low == 0:
            break
        sides = []
        for side in (-near, near):
            a[0, j] = place + side
            sides.append((loss.slope(a, y), None if loss.kink is None else np.sign(loss.kink(a, y))))
        bends = slopes_slope_jumps(loss, a, y, j, place)
        declared = loss.kink is not None and bool((sides[0][1] != sides[1][1]).any())
        assert bends == declared, (j, place)


def slopes_slope_jumps(loss, a, y, j, place, h=1e-5):
    slopes = []
    for k in (-2, -1, 1, 2):
        a = a.copy()
        a[0, j] = place + h * k
        slopes.append(loss.slope(a, y))
    return bool(
        (np.abs(slopes[3] - slopes[2] - slopes[1] + slopes[0]) / h + np.abs(slopes[2] - slopes[1])).max() > 0.05
    )


@each
def test_spelling_finds_the_record_again(name):
    loss = record(name)
    a, y = rows_for(name)
    assert loss.name == name
    assert record(loss.name).name == name
    np.testing.assert_array_equal(record(loss.name).rows(a, y), loss.rows(a, y))
    assert record(loss.name).label_smoothing == loss.label_smoothing


@given(delta=st.floats(1e-6, 1e6), q=st.floats(1e-9, 1 - 1e-9), smoothing=st.floats(0, 0.999))
def test_spelling_keeps_every_bit_of_an_argument(delta, q, smoothing):
    a, y = np.array([[0.25, 3.0]]), np.array([[1.0, 0.0]])
    for loss in (huber(delta), quantile(q)):
        assert record(loss.name).rows(a, y) == loss.rows(a, y)
    for factory in (cross_entropy, binary_cross_entropy):
        assert record(factory(smoothing).name).label_smoothing == smoothing


@pytest.mark.parametrize("make", [huber, quantile, cross_entropy, binary_cross_entropy])
@pytest.mark.parametrize("number", [np.float64(0.25), np.float32(0.25)])
def test_spelling_of_numpys_numbers_can_be_read_back(make, number):
    loss = make(number)
    assert record(loss.name).name == loss.name
    a = np.full((1, 2), 0.5, np.float32)
    assert loss.rows(a, a).dtype == np.float32


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_record_says_where_it_is_from_and_how_it_is_written(name):
    loss = LOSSES[name]
    assert loss.latex
    assert loss.slope_latex
    assert len(loss.source) > 10
    assert type(loss) in (ElementwiseLoss, RowLoss)


# Far out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in DEFINITIONS if record(name).domain.low < 0])
def test_finite_far_out(name, dtype):
    loss = record(name)
    a = np.array([[1e4, -1e4, 0.0], [-700.0, 700.0, 1e-30], [0.0, 0.0, 0.0]], dtype)
    y = np.eye(3, dtype=dtype)
    assert np.isfinite(loss.rows(a, y)).all()
    assert np.isfinite(loss.slope(a, y)).all()
    expected = [exact(name)(*pair) for pair in zip(a, y, strict=True)]
    np.testing.assert_allclose(
        loss.rows(a, loss.smooth(y)), expected, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-7
    )


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_certainty_that_is_right_costs_nothing_and_gives_no_nan(name):
    loss, y = record(name), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert loss.rows(y, y).tolist() == [0, 0]
    assert np.isfinite(loss.slope(y, y)).all()


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_certainty_that_is_wrong_costs_infinity(name):
    loss, y = record(name), np.array([[1.0, 0.0]])
    with np.errstate(divide="ignore"):
        assert loss.rows(1 - y, y).tolist() == [np.inf]


# Short forms

SHORT = [
    (name, g)
    for name in (
        "poisson",
        "cross_entropy",
        "cross_entropy(0.1)",
        "binary_cross_entropy",
        "binary_cross_entropy(0.2)",
    )
    for g in record(name).short_forms
]


def test_the_well_known_pairs_and_no_others_have_a_short_form():
    found = {(loss.name, g.name) for loss in LOSSES.values() for g in loss.short_forms}
    assert found == {("poisson", "exp"), ("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid")}
    for _, g in SHORT:
        assert ACTIVATIONS[g.name] is g


@pytest.mark.parametrize(("name", "g"), SHORT, ids=[f"{name} after {g.name}" for name, g in SHORT])
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 4))
def test_short_form_is_the_long_way_where_that_is_accurate(name, g, seed, scale):
    loss = record(name)
    _, y = rows_for(name, m=9, seed=seed)
    y = loss.smooth(y)
    z = np.clip(np.random.default_rng(seed).normal(size=(9, 3), scale=scale), -8, 8)
    a = g.apply(z)
    short = loss.short_forms[g]
    np.testing.assert_allclose(short.rows(z, y), loss.rows(a, y), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(short.blame(a, y), g.pullback(z, a, loss.slope(a, y)), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("name", "g"), SHORT, ids=[f"{name} after {g.name}" for name, g in SHORT])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_short_form_is_right_where_the_long_way_is_not(name, g, dtype):
    z = np.array([[-600.0, 600.0, 0.0], [80.0, -80.0, 40.0], [0.0, 0.0, -1e4]], dtype)
    if g.name == "exp":
        z = np.minimum(z, 80)
    loss = record(name)
    y = np.eye(3, dtype=dtype)
    short, a = loss.short_forms[g], g.apply(z)
    with mpmath.workdps(9000):
        expected = [float(long_way(name, g.name, row, truth)) for row, truth in zip(z, np.eye(3), strict=True)]
    y = loss.smooth(y)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(short.rows(z, y), expected, rtol=tolerance, atol=tolerance)
    assert np.isfinite(short.blame(a, y)).all()


@pytest.mark.parametrize("shift", [0.0, 1e3, -1e6])
def test_a_confident_row_keeps_its_digits_wherever_its_logits_lie(shift):
    """log(1+e⁻²⁰) ≈ 2·10⁻⁹, also beside logits of a million."""
    z, y = np.array([[shift + 20.0, shift]]), np.array([[1.0, 0.0]])
    small = float(np.log1p(np.exp(-20.0)))
    for name in ("cross_entropy", "cross_entropy_from_logits"):
        loss = record(name)
        rows = loss.short_forms[ACTIVATIONS["softmax"]].rows if loss.short_forms else loss.rows
        assert rows(z, y)[0] == pytest.approx(small, abs=4e-16)
    for z, y in ((np.array([[20.0]]), np.ones((1, 1))), (np.array([[-20.0]]), np.zeros((1, 1)))):
        found = record("binary_cross_entropy").short_forms[ACTIVATIONS["sigmoid"]].rows(z, y)[0]
        assert found == pytest.approx(small, rel=1e-14)


def long_way(name, activation, z, y):
    """The definition after the activation, in numbers of 9,000 digits."""
    e = [mpmath.exp(mpmath.mpf(float(x))) for x in z]
    a = {
        "exp": lambda: e,
        "softmax": lambda: [x / sum(e) for x in e],
        "sigmoid": lambda: [x / (1 + x) for x in e],
    }[activation]()
    formula = sp.lambdify((*A, *Y), DEFINITIONS[name], "mpmath")
    return formula(*a, *(mpmath.mpf(float(x)) for x in y))


# Other people's definitions

PEERS = [
    ("mean_squared_error", lambda y, a: sklearn.metrics.mean_squared_error(y, a)),
    ("squared_error", lambda y, a: 3 * sklearn.metrics.mean_squared_error(y, a)),
    ("absolute_error", lambda y, a: 3 * sklearn.metrics.mean_absolute_error(y, a)),
    ("quantile(0.5)", lambda y, a: 3 * sklearn.metrics.mean_pinball_loss(y, a, alpha=0.5)),
    ("quantile(0.9)", lambda y, a: 3 * sklearn.metrics.mean_pinball_loss(y, a, alpha=0.9)),
    ("huber", lambda y, a: 3 * scipy.special.huber(1.0, y - a).mean()),
    ("huber(0.25)", lambda y, a: 3 * scipy.special.huber(0.25, y - a).mean()),
    ("cross_entropy", lambda y, a: -scipy.special.xlogy(y, a).sum(axis=1).mean()),
    ("cross_entropy_from_logits", lambda y, a: -(y * scipy.special.log_softmax(a, axis=1)).sum(axis=1).mean()),
    (
        "binary_cross_entropy",
        lambda y, a: -(scipy.special.xlogy(y, a) + scipy.special.xlog1py(1 - y, -a)).sum(axis=1).mean(),
    ),
    (
        "binary_cross_entropy_from_logits",
        lambda y, a: -(y * scipy.special.log_expit(a) + (1 - y) * scipy.special.log_expit(-a)).sum(axis=1).mean(),
    ),
    ("poisson", lambda y, a: (a - scipy.special.xlogy(y, a)).sum(axis=1).mean()),
]


@pytest.mark.parametrize(("name", "peer"), PEERS, ids=[name for name, _ in PEERS])
def test_mean_of_rows_is_what_scikit_learn_and_scipy_say(name, peer):
    a, y = rows_for(name, m=40, seed=5)
    assert record(name).rows(a, y).mean() == pytest.approx(peer(y, a), rel=1e-12)


def test_cross_entropy_of_labels_is_scikit_learns_log_loss():
    a, y = rows_for("hinge", m=40, seed=1)
    a = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    expected = sklearn.metrics.log_loss(y.argmax(axis=1), a)
    assert record("cross_entropy").rows(a, y).mean() == pytest.approx(expected, rel=1e-12)


def test_poisson_is_half_the_deviance_up_to_what_the_truth_alone_decides():
    a, y = rows_for("poisson", m=40, seed=2)
    deviance = sklearn.metrics.mean_poisson_deviance(y.ravel(), a.ravel())
    of_the_truth = (y - scipy.special.xlogy(y, y)).mean()
    assert record("poisson").rows(a, y).mean() / 3 - of_the_truth == pytest.approx(deviance / 2, rel=1e-12)


TORCH_PEERS = {
    "squared_error": lambda f, a, y: f.mse_loss(a, y, reduction="none").sum(1),
    "absolute_error": lambda f, a, y: f.l1_loss(a, y, reduction="none").sum(1),
    "huber": lambda f, a, y: f.huber_loss(a, y, reduction="none").sum(1),
    "huber(0.25)": lambda f, a, y: f.huber_loss(a, y, delta=0.25, reduction="none").sum(1),
    "poisson": lambda f, a, y: f.poisson_nll_loss(a, y, log_input=False, eps=0, reduction="none").sum(1),
    "cross_entropy_from_logits": lambda f, a, y: f.cross_entropy(a, y, reduction="none"),
    "cross_entropy_from_logits(0.1)": lambda f, a, y: f.cross_entropy(a, y, label_smoothing=0.1, reduction="none"),
    "binary_cross_entropy": lambda f, a, y: f.binary_cross_entropy(a, y, reduction="none").sum(1),
    "binary_cross_entropy_from_logits": lambda f, a, y: f.binary_cross_entropy_with_logits(a, y, reduction="none").sum(
        1
    ),
    "hinge": lambda f, a, y: 3 * f.multi_margin_loss(a, y.argmax(1), reduction="none"),
}


@pytest.mark.parametrize("name", list(TORCH_PEERS))
def test_pytorch_says_the_same(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; SymPy's definitions were tested")
    a, y = rows_for(name, m=30, seed=8)
    loss = record(name)
    tensor = torch.tensor(a, requires_grad=True)
    rows = TORCH_PEERS[name](torch.nn.functional, tensor, torch.tensor(y))
    rows.sum().backward()
    np.testing.assert_allclose(loss.rows(a, loss.smooth(y)), rows.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(loss.slope(a, loss.smooth(y)), tensor.grad.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_spreads_a_share_evenly_over_the_classes(smoothing):
    smooth = cross_entropy(smoothing).smooth(np.eye(4))
    off = smoothing / 4
    np.testing.assert_allclose(smooth, np.full((4, 4), off) + np.eye(4) * (1 - smoothing), rtol=1e-15)
    np.testing.assert_allclose(smooth.sum(axis=1), 1, rtol=1e-15)
    yes_no = binary_cross_entropy(smoothing).smooth(np.array([[0.0, 1.0, 0.5]]))
    np.testing.assert_allclose(yes_no, [[smoothing / 2, 1 - smoothing / 2, 0.5]], rtol=1e-15)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_the_smallest_quantile_error_is_at_the_quantile(q):
    y = np.sort(np.random.default_rng(0).normal(size=(501, 1)), axis=0)
    errors = [quantile(q).rows(np.full_like(y, guess), y).mean() for guess in y[:, 0]]
    assert abs(int(np.argmin(errors)) - q * 500) <= 1


# What is refused


@pytest.mark.parametrize(
    ("spec", "kind", "sentence"),
    [
        ("huber(0)", InputError, r"huber: delta is 0; expected a number above 0, as in 'huber\(1.0\)'"),
        ("huber(-1.0)", InputError, r"delta is -1.0"),
        ("huber(1e400)", InputError, r"delta is inf"),
        ("huber('a')", InputError, r"huber"),
        (
            "quantile(1)",
            InputError,
            r"quantile: q is 1; expected a number above 0 and below 1, as in 'quantile\(0.9\)'",
        ),
        ("quantile(q=0)", InputError, r"q is 0"),
        ("quantile(None)", InputError, r"quantile"),
        (
            "cross_entropy(1)",
            InputError,
            r"cross_entropy: label_smoothing is 1; expected a number of at least 0 and below 1, as in",
        ),
        ("binary_cross_entropy(-0.1)", InputError, r"label_smoothing is -0.1"),
        ("cross_entropy_from_logits(2)", InputError, r"cross_entropy_from_logits: label_smoothing is 2"),
        ("squared_error(2)", InputError, r"takes no arguments"),
        ("cross_entrophy", UnknownNameError, r"Did you mean 'cross_entropy'"),
        ("mse", UnknownNameError, r"no loss named 'mse'"),
        (None, InputError, r"loss is None of type NoneType; expected a name such as 'squared_error'"),
    ],
)
def test_what_names_no_loss_is_refused(spec, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        record(spec)
    assert str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize("make", [huber, quantile, cross_entropy])
@pytest.mark.parametrize("value", ["0.5", None, [0.5], float("nan")])
def test_an_argument_that_is_no_number_is_refused_in_a_sentence(make, value):
    with pytest.raises(InputError, match=f"{make.__name__}.*expected"):
        make(value)
