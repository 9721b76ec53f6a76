"""Products with the Hessian against HIPS autograd's, with formulas written anew, and nudged gradients."""

import math

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import hessian
from autograd.scipy.special import erf

import glassnet as gn
from glassnet.insight.curvature import product as product_module
from glassnet.maths.losses import SQUARED_ERROR

SELU, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "exp": anp.exp,
    "relu": lambda z: anp.where(z > 0, z, 0 * z),
    "leaky_relu(0.2)": lambda z: anp.where(z > 0, z, 0.2 * z),
    "elu(1.5)": lambda z: anp.where(z > 0, z, 1.5 * (anp.exp(z) - 1)),
    "selu": lambda z: SELU * anp.where(z > 0, z, ALPHA * (anp.exp(z) - 1)),
    "gelu": lambda z: 0.5 * z * (1 + erf(z / math.sqrt(2))),
    "gelu_tanh": lambda z: 0.5 * z * (1 + anp.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z / (1 + anp.exp(-z)),
    "mish": lambda z: z * anp.tanh(anp.log(1 + anp.exp(z))),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "softsign": lambda z: z / (1 + anp.abs(z)),
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
}


def log_softmax(a):
    return a - anp.log(anp.sum(anp.exp(a), axis=1, keepdims=True))


def huber(r, delta):
    return anp.where(anp.abs(r) <= delta, 0.5 * r * r, delta * (anp.abs(r) - 0.5 * delta))


LOSSES = {  # (m, outputs) twice to (m,)
    "squared_error": lambda a, y: anp.sum((a - y) ** 2, axis=1),
    "half_squared_error": lambda a, y: 0.5 * anp.sum((a - y) ** 2, axis=1),
    "mean_squared_error": lambda a, y: anp.mean((a - y) ** 2, axis=1),
    "absolute_error": lambda a, y: anp.sum(anp.abs(a - y), axis=1),
    "huber(0.7)": lambda a, y: anp.sum(huber(a - y, 0.7), axis=1),
    "quantile(0.9)": lambda a, y: anp.sum(anp.where(y > a, 0.9 * (y - a), 0.1 * (a - y)), axis=1),
    "log_cosh": lambda a, y: anp.sum(anp.log(anp.cosh(a - y)), axis=1),
    "poisson": lambda a, y: anp.sum(a - y * anp.log(a), axis=1),
    "cross_entropy": lambda a, y: -anp.sum(y * anp.log(a), axis=1),
    "cross_entropy_from_logits": lambda a, y: -anp.sum(y * log_softmax(a), axis=1),
    "binary_cross_entropy": lambda a, y: -anp.sum(y * anp.log(a) + (1 - y) * anp.log(1 - a), axis=1),
    "binary_cross_entropy_from_logits": lambda a, y: anp.sum(anp.log(1 + anp.exp(a)) - y * a, axis=1),
    "hinge": lambda a, y: anp.sum(
        (1 - y)
        * anp.where(1 + a - anp.sum(a * y, axis=1, keepdims=True) > 0, 1.0, 0.0)
        * (1 + a - anp.sum(a * y, axis=1, keepdims=True)),
        axis=1,
    ),
}
LAST = {"poisson": "exp", "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}

PAIRS = (
    [(g, "squared_error", "identity") for g in ACTIVATIONS if g != "softmax"]
    + [("tanh", loss, LAST.get(loss, "identity")) for loss in LOSSES]
    + [("gelu", "squared_error", "softmax"), ("silu", "log_cosh", "softmax"), ("relu", "cross_entropy", "softmax")]
    + [("elu(1.5)", "poisson", "softplus"), ("mish", "binary_cross_entropy", "softmax"), ("tanh", "hinge", "tanh")]
    + [("sigmoid", "squared_error", g) for g in ("sigmoid", "gelu_tanh", "softsign", "exp")]
)


def theirs(x, y, first, loss, last, weight, l2):
    """Return autograd's Hessian of Σ cᵢEᵢ with the penalty at θ of a 3-4-3 network."""

    def error(theta):
        w, b, v, d = theta[:12].reshape(3, 4), theta[12:16], theta[16:28].reshape(4, 3), theta[28:]
        a = ACTIVATIONS[last](anp.dot(ACTIVATIONS[first](anp.dot(x, w) + b), v) + d)
        penalty = 0.5 * l2 * (anp.sum(w * w) + anp.sum(v * v))
        return anp.sum(weight * LOSSES[loss](a, y)) / np.sum(weight) + penalty

    return hessian(error)


@pytest.mark.parametrize(("first", "loss", "last"), PAIRS)
def test_hessians_are_those_of_autograd(first, loss, last):
    chance = np.random.default_rng(3)
    net = gn.Network(3, [gn.Dense(4, first), gn.Dropout(0.4), gn.Dense(3, last)], seed=1)
    net.theta = chance.normal(size=net.theta.size) * 0.6
    x, labels, weight = chance.normal(size=(6, 3)), np.array([0, 1, 2, 1, 0, 2]), np.array([1, 2, 1, 0, 1, 0.5])
    found = gn.curvature(net, x, labels, loss=loss, sample_weight=weight, l2=0.03)
    expected = theirs(x, np.eye(3)[labels], first, loss, last, weight, 0.03)(net.theta.astype(np.float64))
    ours = found.product(np.eye(net.theta.size))
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())
    assert found.products.moves.numerical == {}  # every formula of glassnet's own is followed exactly
    np.testing.assert_allclose(found.trace, np.trace(expected), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(expected), rtol=0, atol=1e-10)


def nudged(net, x, y, loss, v, **settings):
    """Return H v from gradients to both sides."""
    exact = net.astype("float64")

    def gradient(theta):
        exact.theta = theta
        return exact.backprop(x, y, loss, **settings).gradient.theta

    start, h = exact.theta.copy(), 1e-5
    return (gradient(start + h * v) - gradient(start - h * v)) / (2 * h)


@pytest.mark.parametrize("g", ["sigmoid", "softplus", "silu", "mish", "gelu", "gelu_tanh", "tanh"])
def test_formulas_with_corners_inside_are_smooth_where_z_is_0(g):
    """XOR's row of zeros meets biases of 0: |z| in the sigmoid's formula has a corner there, the sigmoid has none."""
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
    net = gn.Network(2, [gn.Dense(3, g), gn.Dense(1, "sigmoid")], seed=0)
    v = np.random.default_rng(0).normal(size=net.theta.size)
    found = gn.curvature(net, x, y, loss="squared_error").product(v)
    np.testing.assert_allclose(found, nudged(net, x, y, "squared_error", v), rtol=1e-7, atol=1e-9)


def test_what_training_does_not_move_is_left_out():
    layers = [
        gn.Dense(4, "tanh", groups=((1, 2), (2, 2)), bias_init="ones", trainable_bias=False),
        gn.Dense(2, "tanh", bias=False),
        gn.Dense(1),
    ]
    net = gn.Network(3, layers, seed=4)
    chance = np.random.default_rng(1)
    x, y = chance.normal(size=(9, 3)), chance.normal(size=9)
    found = gn.curvature(net, x, y, loss="huber", l1=0.1)
    free = net.layout.mask("trainable")
    assert found.parameters == free.sum() == 2 + 4 + 8 + 3 - 0
    v = np.where(free, chance.normal(size=net.theta.size), 0.0)
    expected = np.where(free, nudged(net, x, y, "huber", v), 0.0)  # L1 has corners, and adds nothing
    np.testing.assert_allclose(found.product(v), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(found.product(v + 5.0 * ~free), found.product(v))
    assert len(found.eigenvalues) == found.parameters
    assert "4 parameters that training does not move" in found.text()


def test_rows_by_the_block_on_several_threads_and_many_vectors_give_the_same(monkeypatch):
    chance = np.random.default_rng(2)
    x, y = chance.normal(size=(50, 3)), chance.integers(0, 3, 50)
    net = gn.Network(3, [gn.Dense(5, "gelu"), gn.Dense(3, "softmax")], seed=2)
    v = chance.normal(size=(4, net.theta.size))
    whole = gn.curvature(net, x, y).product(v)
    monkeypatch.setattr(product_module, "_FEWEST_ROWS", 7)
    monkeypatch.setattr(product_module, "_NUMBERS_OF_BLOCK", 0)
    monkeypatch.setattr(product_module, "_NUMBERS_AT_A_TIME", 100)
    for kept in (10**9, 0):
        monkeypatch.setattr(product_module, "_KEPT_NUMBERS", kept)
        for threads in (1, 3):
            monkeypatch.setattr(product_module, "_cores", lambda threads=threads: threads)
            parts = gn.curvature(net, x, y)
            np.testing.assert_allclose(parts.product(v), whole, rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose([parts.product(one) for one in v], whole, rtol=1e-12, atol=1e-15)
            own = parts.products.along(v[0])
            np.testing.assert_allclose(own.mean(), v[0] @ whole[0], rtol=1e-12)


def test_each_rows_bend_is_its_own():
    chance = np.random.default_rng(5)
    x, y = chance.normal(size=(5, 2)), chance.normal(size=(5, 2))
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(2, "softplus")], seed=2)
    v = chance.normal(size=net.theta.size)
    rows = gn.curvature(net, x, y, loss="squared_error", sample_weight=[1, 3, 2, 0.5, 1]).products.along(v)
    for i in range(5):
        alone = gn.curvature(net, x[i : i + 1], y[i : i + 1], loss="squared_error")
        np.testing.assert_allclose(rows[i], v @ alone.product(v), rtol=1e-10)


# --- formulas of the user's own -------------------------------------------------------------------------------------

SWISH2 = gn.Activation(
    "swish2",
    value=lambda z: z / (1 + np.exp(-2 * z)),
    slope=lambda z, a: (1 + (2 * z + 1) * np.exp(-2 * z)) / (1 + np.exp(-2 * z)) ** 2,
)
ODD = gn.Activation(  # arctan with a corner at 1, by functions that nothing is known of
    "odd",
    value=lambda z: np.where(z < 1, np.arctan(z), np.arctan(z) + z - 1),
    slope=lambda z, a: np.asarray([1 / (1 + t * t) + (t >= 1) for t in np.ravel(z).tolist()]).reshape(z.shape),
    kinks=(1.0,),
)
CUBIC = gn.ElementwiseLoss(
    "cubic", term=lambda a, y: np.abs(a - y) ** 3, term_slope=lambda a, y: 3 * (a - y) * abs(a - y)
)
SPREAD = gn.RowLoss(
    "spread",
    row_value=lambda a, y: np.log(np.sum((a - y) ** 2, axis=-1) + 1),
    row_slope=lambda a, y: 2 * (a - y) / (np.sum((a - y) ** 2, axis=-1, keepdims=True) + 1),
)
SPREAD_ODD = gn.RowLoss(
    "spread_odd",
    row_value=SPREAD.row_value,
    row_slope=lambda a, y: 2 * (a - y) / (np.einsum("...j,...j->...", a - y, a - y)[..., None] + 1),
)


@pytest.mark.parametrize("loss", [CUBIC, SPREAD, SPREAD_ODD, SQUARED_ERROR], ids=lambda loss: loss.name)
@pytest.mark.parametrize("g", [SWISH2, ODD], ids=lambda g: g.name)
def test_formulas_of_ones_own(g, loss):
    chance = np.random.default_rng(8)
    net = gn.Network(3, [gn.Dense(4, g), gn.Dense(2)], seed=3, dtype="float64")
    x, y = chance.normal(size=(6, 3)), chance.normal(size=(6, 2))
    found = gn.curvature(net, x, y, loss=loss)
    v = chance.normal(size=(2, net.theta.size))
    for ours, one in zip(found.product(v), v, strict=True):
        np.testing.assert_allclose(ours, nudged(net, x, y, loss, one), rtol=1e-6, atol=1e-8)
    unknown = {name for name, how in (("odd", g is ODD), ("spread_odd", loss is SPREAD_ODD)) if how}
    assert set(found.products.moves.numerical) == unknown
    assert all(bound < 1e-6 for bound in found.products.moves.numerical.values())
    assert ("differentiated numerically" in found.text()) == bool(unknown)
