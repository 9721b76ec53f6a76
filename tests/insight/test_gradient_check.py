"""The gradient check: right gradients pass, wrong ones are caught by name, and kinks are told from both.

Legal pairs of activation and loss come from the registries, networks and rows from hypothesis. What the check takes for
the truth, its numerical derivative, is itself compared with one to 50 digits.
"""

import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError, PairingError
from glassnet.maths.activations import ACTIVATIONS, Activation
from glassnet.maths.losses import LOSSES, Targets

TOLERANCE = 1e-7
ELEMENTWISE = [name for name in ACTIVATIONS if isinstance(ACTIVATIONS[name], Activation)]
HIDDEN = [*ELEMENTWISE, "leaky_relu(0.3)", "elu(0.5)"]
LOSS_SPECS = [*LOSSES, "huber(0.3)", "quantile(0.9)"] + [
    f"{name}(0.1)" for name in LOSSES if name.partition("_from")[0].endswith("cross_entropy")
]
OUTPUTS = 3


def is_legal(loss, activation):
    try:
        LOSSES.resolve(loss).require_readable(ACTIVATIONS.resolve(activation), OUTPUTS)
    except PairingError:
        return False
    return True


LEGAL = [(loss, last) for loss in LOSS_SPECS for last in ACTIVATIONS if is_legal(loss, last)]


def truths(loss, m, outputs, rng, soft):
    """Targets of every kind that the loss accepts."""
    labels = rng.integers(0, outputs, m)
    one_hot = np.eye(outputs)[labels]
    match LOSSES.resolve(loss).targets:
        case Targets.NUMBERS:
            return rng.normal(size=(m, outputs), scale=2)
        case Targets.NONNEGATIVE:
            return rng.poisson(1.5, (m, outputs))
        case Targets.UNIT:
            return rng.uniform(size=(m, outputs)) if soft else rng.integers(0, 2, (m, outputs))
        case Targets.DISTRIBUTION if soft:
            return rng.dirichlet(np.ones(outputs), m)
        case _:
            return labels if soft else one_hot


@st.composite
def checks(draw, loss, last):
    """Arguments of `check_gradient` for a network of one to four layers."""
    layers = []
    for _ in range(draw(st.integers(0, 3))):
        layers += [gn.Dropout(draw(st.sampled_from([0.2, 0.5])))] * draw(st.integers(0, 1))
        trainable = draw(st.booleans())
        layers.append(
            gn.Dense(
                draw(st.integers(1, 4)),
                draw(st.sampled_from(HIDDEN)),
                bias=draw(st.booleans()),
                trainable_bias=trainable,
            )
        )
    layers += [gn.Dropout(0.5)] * draw(st.integers(0, 1))
    layers.append(gn.Dense(OUTPUTS, last, bias=draw(st.booleans())))
    inputs, m = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    net = gn.Network(inputs, layers, dtype=draw(st.sampled_from(["float32", "float64"])))
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    net.theta = rng.normal(size=net.theta.size, scale=draw(st.sampled_from([0.1, 0.5, 1.0])))
    weights = draw(st.none() | st.lists(st.sampled_from([0.0, 0.3, 1.0, 20.0]), min_size=m, max_size=m))
    if weights is not None:
        assume(any(weights))
    masks, training = None, draw(st.booleans())
    if draw(st.booleans()):
        masks = {
            k: rng.integers(0, 2, (m, net.shapes[k][0]))
            for k, layer in enumerate(layers)
            if isinstance(layer, gn.Dropout)
        }
    return {
        "net": net,
        "X": rng.normal(size=(m, inputs)),
        "Y": truths(loss, m, OUTPUTS, rng, draw(st.booleans())),
        "loss": loss,
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "sample_weight": weights,
        "l1": draw(st.sampled_from([0.0, 0.01, 1.0])),
        "l2": draw(st.sampled_from([0.0, 0.1])),
        "masks": masks,
        "training": training,
    }


def is_tame(arguments):
    """exp in several layers makes numbers of which a float64 cannot take differences."""
    net = arguments["net"].astype("float64")
    rest = {name: value for name, value in arguments.items() if name != "net"}
    p = net.backprop(**rest)
    return np.isfinite(p.loss) and max(np.abs(z).max() for z in p.z) < 15


@pytest.mark.parametrize(("loss", "last"), LEGAL, ids=[f"{loss} after {last}" for loss, last in LEGAL])
@settings(max_examples=15)
@given(data=st.data())
def test_every_legal_pair_passes(loss, last, data):
    arguments = data.draw(checks(loss, last))
    assume(is_tame(arguments))
    check = gn.check_gradient(**arguments)
    n = arguments["net"].theta.size
    assert check.checked + len(check.kinks) == n
    if check.checked:
        assert check.max_relative_error < TOLERANCE, str(check)
        assert check.passed
    else:
        assert np.isnan(check.max_relative_error)


def test_enough_is_compared_to_mean_something():
    """Kinks and tame networks are the exception: of ordinary networks nearly every parameter is compared."""
    compared = total = 0
    for seed, (loss, last) in enumerate(LEGAL):
        rng = np.random.default_rng(seed)
        net = gn.Network(3, [gn.Dense(4, HIDDEN[seed % len(HIDDEN)]), gn.Dense(OUTPUTS, last)], dtype="float64")
        net.theta = rng.normal(size=net.theta.size, scale=0.5)
        check = gn.check_gradient(net, rng.normal(size=(5, 3)), truths(loss, 5, OUTPUTS, rng, True), loss)
        compared, total = compared + check.checked, total + net.theta.size
        assert check.passed
    assert compared > 0.99 * total


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("loss", [loss for loss in LOSSES if LOSSES[loss].min_outputs == 1])
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_few_outputs(loss, outputs, seed):
    rng = np.random.default_rng(seed)
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(outputs, LOSSES[loss].last_activation)], dtype="float64")
    net.theta = rng.normal(size=net.theta.size)
    Y = truths(loss, 4, outputs, rng, soft=True)
    assert gn.check_gradient(net, rng.normal(size=(4, 2)), Y[:, 0] if outputs == 1 else Y, loss).passed


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_inputs_of_another_size(layers, scale):
    rng = np.random.default_rng(layers)
    net = gn.Network(4, [gn.Dense(5, "tanh")] * (layers - 1) + [gn.Dense(1, "identity")], seed=3, dtype="float64")
    net.theta[:20] /= scale
    check = gn.check_gradient(net, rng.normal(size=(8, 4)) * scale, rng.normal(size=8) * scale, "squared_error")
    assert check.passed, str(check)


# Illegal pairs

ILLEGAL = [(loss, last) for loss in LOSSES for last in ACTIVATIONS if not is_legal(loss, last)]


@pytest.mark.parametrize(("loss", "last"), ILLEGAL, ids=[f"{loss} after {last}" for loss, last in ILLEGAL])
@pytest.mark.parametrize("ask", ["check", "backprop", "train", "evaluate"])
def test_illegal_pairs_name_a_fix_that_passes(ask, loss, last):
    X = np.random.default_rng(0).normal(size=(4, 2))
    labels = [0, 1, 2, 0]

    def attempt(loss, last, ask=ask):
        net = gn.Network(2, [gn.Dense(4, "tanh"), gn.Dense(OUTPUTS, last)], seed=1, dtype="float64")
        call = {
            "check": gn.check_gradient,
            "train": lambda *a, **k: gn.train(*a, **k, epochs=1),
            "evaluate": gn.evaluate,
            "backprop": gn.Network.backprop,
        }[ask]
        return call(net, X, labels, loss=loss)

    with pytest.raises(PairingError) as caught:
        attempt(loss, last)
    assert isinstance(caught.value, ValueError)
    words = str(caught.value).split(". ", 1)[1].replace(",", "").replace(".", "").split()
    names = [word[1:-1] for word in words if word.startswith("'")]
    tried = 0
    for k, name in enumerate(names):
        if name in ACTIVATIONS and not (k and names[k - 1] in LOSSES):
            assert attempt(loss, name, "check").passed  # "Give the last layer activation 'softmax'"
            tried += 1
        elif name in LOSSES:
            assert names[k + 1] in ACTIVATIONS
            assert attempt(name, names[k + 1], "check").passed  # "use 'binary_cross_entropy' after 'sigmoid'"
            tried += 1
    assert tried >= 1


# Kinks


def relu_at_zero():
    """Row 0 gives neuron 0 the sum 0, neuron 1 a sum above it; row 1 both below."""
    net = gn.Network(2, [gn.Dense(2, "relu"), gn.Dense(1)], dtype="float64")
    net.weights[0] = [[1, 1], [-1, 1]]
    net.weights[1] = [[2], [3]]
    return net


def test_a_relu_at_zero_is_said_to_be_a_kink():
    net = relu_at_zero()
    check = gn.check_gradient(net, [[1, 1], [-1, -2.5]], [1, 2], "squared_error")
    assert check.kinks == ("weights[0][0, 0]", "weights[0][1, 0]", "biases[0][0]")
    assert check.checked == net.theta.size - 3
    assert check.passed
    on_kink = np.isnan(check.numerical)
    assert [net.layout.describe(int(i)) for i in check.indices[on_kink]] == list(check.kinks)
    text = str(check)
    assert "3 parameters sit on a kink (such as ReLU at 0)" in text
    assert "weights[0][0, 0], weights[0][1, 0], biases[0][0]" in text


def test_a_kink_of_a_row_that_does_not_count_is_no_kink():
    net = relu_at_zero()
    check = gn.check_gradient(net, [[1, 1], [-1, -2.5]], [1, 2], "squared_error", sample_weight=[0, 1])
    assert check.kinks == ()
    assert check.passed


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu(0.5)", "selu"])
def test_a_corner_at_zero_is_found_for_every_activation_that_has_one(name):
    net = gn.Network(1, [gn.Dense(1, name), gn.Dense(1)], dtype="float64")
    net.theta = [1, 0, 1, 0]
    check = gn.check_gradient(net, [[0.0]], [1], "half_squared_error")
    assert "biases[0][0]" in check.kinks  # the input 0 keeps the weight off
    assert "weights[0][0, 0]" not in check.kinks
    assert check.passed


@pytest.mark.parametrize("offset", [1e-3, 1e-5, -1e-4])
def test_a_corner_nearby_does_no_harm(offset):
    net = gn.Network(1, [gn.Dense(1, "relu"), gn.Dense(1, "tanh")], dtype="float64")
    net.theta = [1, offset, 0.7, 0.2]
    check = gn.check_gradient(net, [[0.0], [0.4]], [1, 2], "squared_error")
    assert check.kinks == ()
    assert check.passed


def test_absolute_error_at_the_truth():
    net = gn.Network(1, [gn.Dense(2)], dtype="float64")
    net.theta = [2, 3, 0, 0]
    check = gn.check_gradient(net, [[1.0]], [[2.0, 1.0]], "absolute_error")
    assert check.kinks == ("weights[0][0, 0]", "biases[0][0]")
    assert check.passed
    for loss in ("quantile", "quantile(0.2)"):
        assert gn.check_gradient(net, [[1.0]], [[2.0, 1.0]], loss).kinks == check.kinks


def test_hinge_at_its_margin():
    net = gn.Network(1, [gn.Dense(3)], dtype="float64")
    net.theta = [2, 1, -1, 0, 0, 0]  # 1 + 1 − 2 = 0
    check = gn.check_gradient(net, [[1.0]], [0], "hinge")
    assert set(check.kinks) == {"weights[0][0, 0]", "weights[0][0, 1]", "biases[0][0]", "biases[0][1]"}
    assert check.passed


def test_l1_at_a_weight_of_zero():
    net = gn.Network(2, [gn.Dense(2)], dtype="float64")
    net.theta = [0, 1, 2, 0, 0, 0]
    X, Y = [[1.0, 2.0]], [[1.0, 3.0]]
    assert gn.check_gradient(net, X, Y, "squared_error", l1=0.5).kinks == ("weights[0][0, 0]", "weights[0][1, 1]")
    assert gn.check_gradient(net, X, Y, "squared_error", l1=0.5).passed
    assert gn.check_gradient(net, X, Y, "squared_error", l2=0.5).kinks == ()


def test_all_on_a_kink():
    net = gn.Network(1, [gn.Dense(1, bias=False)], dtype="float64")
    net.theta = [1]
    check = gn.check_gradient(net, [[2.0]], [2.0], "absolute_error")
    assert (check.checked, check.worst, check.blocks) == (0, None, {})
    assert np.isnan(check.max_relative_error)
    assert not check.passed
    assert "kink" in str(check)


def test_a_dead_relu_network_has_a_gradient_of_nothing():
    net = gn.Network(2, [gn.Dense(3, "relu"), gn.Dense(1)], seed=1, dtype="float64")
    net.biases[0] = [-50, -50, -50]
    check = gn.check_gradient(net, np.ones((2, 2)), [1, 2], "squared_error")
    assert check.passed
    assert (check.backprop[:9] == 0).all()
    assert (check.numerical[:9] == 0).all()


# Wrong gradients


def wrong(slope, name="wrong"):
    """The logistic function with a slope of one's own."""
    return gn.Activation(name, value=lambda z: 1 / (1 + np.exp(-z)), slope=slope)


WRONG_SLOPES = {
    "of the weighted sum": lambda z, a: z * (1 - z),
    "of the other sign": lambda z, a: -a * (1 - a),
    "a power too many": lambda z, a: a * (1 - a * a),
    "a factor too much": lambda z, a: a * (1 - a) * 1.00001,
    "almost": lambda z, a: a * (1 - a) + 1e-6,
    "none": lambda z, a: 0 * a,
    "left out": lambda z, a: 1 + 0 * a,
    "only where positive": lambda z, a: np.where(z > 0, a * (1 - a), 0),
    "of tanh": lambda z, a: 1 - a * a,
}


@pytest.mark.parametrize("mistake", list(WRONG_SLOPES))
@pytest.mark.parametrize("place", [0, 1])
def test_a_wrong_slope_is_caught(mistake, place):
    layers = [gn.Dense(3, "tanh"), gn.Dense(3, "tanh"), gn.Dense(2)]
    layers[place] = gn.Dense(3, wrong(WRONG_SLOPES[mistake]))
    net = gn.Network(2, layers, seed=4, dtype="float64")
    net.biases[place] = [0.5, -0.4, 0.2]
    X, Y = np.random.default_rng(0).normal(size=(2, 5, 2))
    check = gn.check_gradient(net, X, Y, "squared_error")
    assert check.max_relative_error > TOLERANCE
    assert not check.passed
    off = {name for name, error in check.blocks.items() if error > TOLERANCE}
    assert {f"weights[{place}]", f"biases[{place}]"} <= off
    assert not {name for name in off if int(name[-2]) > place}, "the layers after it are right"
    assert check.worst.name[: check.worst.name.index("]") + 1] in off
    assert "do NOT agree" in str(check)
    assert f"Furthest off: {check.worst.name}" in str(check)


def test_the_worst_parameter_is_named():
    """Only neuron 2 of layer 0 is ever above 1, where this slope is wrong."""
    g = gn.Activation("bent", value=lambda z: z * z, slope=lambda z, a: np.where(z > 1, 3 * z, 2 * z))
    net = gn.Network(2, [gn.Dense(3, g), gn.Dense(1)], dtype="float64")
    net.weights[0] = [[0.1, 0.2, 3], [0.1, 0.3, 0]]
    net.weights[1] = [[1], [1], [1]]
    check = gn.check_gradient(net, [[1, 0.5]], [0.3], "squared_error")
    assert check.worst.name in ("weights[0][0, 2]", "weights[0][1, 2]", "biases[0][2]")
    assert check.worst.relative_error == pytest.approx(1 / 3, rel=1e-6)
    assert check.worst.backprop == pytest.approx(1.5 * check.worst.numerical, rel=1e-6)
    assert check.worst.bound < 1e-10
    assert check.blocks["weights[1]"] < TOLERANCE
    assert check.blocks["biases[0]"] > 0.1
    assert check.max_relative_error == max(check.blocks.values())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_no_number_does_not_pass(bad):
    g = wrong(lambda z, a: np.where(z > 0.9, bad, a * (1 - a)))
    net = gn.Network(1, [gn.Dense(2, g), gn.Dense(1)], dtype="float64")
    net.theta = [0.5, 2, 0, 0, 1, 1, 0]
    check = gn.check_gradient(net, [[1.0]], [3.0], "squared_error")
    assert not check.passed
    assert not check.max_relative_error < TOLERANCE
    assert check.worst.name in ("weights[0][0, 1]", "biases[0][1]")
    assert not np.isfinite(check.worst.backprop)


def test_a_nan_in_a_later_block_does_not_hide_behind_an_earlier_one():
    """Only the biases' derivative is no number: blame NaN there, inputs without rows that see it."""
    from glassnet.insight.gradient_check import _compare

    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    check = _compare(net, np.arange(2), np.array([1.0, np.nan]), np.array([1.0, 1.0]), np.array([1e-16, 1e-16]))
    assert not check.passed
    assert check.worst.name == "biases[0][0]"


def test_a_wrong_loss_is_caught():
    loss = gn.ElementwiseLoss("mine", term=lambda a, y: (a - y) ** 2, term_slope=lambda a, y: a - y)
    net = gn.Network(2, [gn.Dense(2, "tanh")], seed=1, dtype="float64")
    check = gn.check_gradient(net, [[1, 2]], [[0.2, 0.4]], loss)
    assert check.max_relative_error == pytest.approx(0.5)
    right = gn.ElementwiseLoss("mine", term=lambda a, y: (a - y) ** 2, term_slope=lambda a, y: 2 * (a - y))
    assert gn.check_gradient(net, [[1, 2]], [[0.2, 0.4]], right).passed


def test_an_undeclared_corner_is_not_excused():
    """Only declared kinks are left out: a slope that is wrong at a corner shows."""
    undeclared = gn.Activation("corner", value=np.abs, slope=lambda z, a: np.sign(z) + (z == 0))
    net = gn.Network(1, [gn.Dense(1, undeclared)], dtype="float64")
    net.theta = [1, 0]
    assert not gn.check_gradient(net, [[0.0]], [1], "half_squared_error").passed
    declared = gn.Activation("corner", value=np.abs, slope=lambda z, a: np.sign(z), kinks=(0.0,))
    net = gn.Network(1, [gn.Dense(1, declared)], dtype="float64")
    net.theta = [1, 0]
    assert gn.check_gradient(net, [[0.0]], [1], "half_squared_error").kinks == ("biases[0][0]",)


def test_kinks_may_be_given_as_a_list():
    g = gn.Activation("corner", value=np.abs, slope=lambda z, a: np.sign(z), kinks=[0.0])
    net = gn.Network(1, [gn.Dense(1, g)], dtype="float64")
    net.theta = [1, 0]
    assert gn.check_gradient(net, [[0.0]], [1], "half_squared_error").kinks == ("biases[0][0]",)


def test_an_error_that_is_infinite_is_not_called_a_kink():
    """e^(e^…) overflows: there is nothing to compare, and the check must say why."""
    net = gn.Network(1, [gn.Dense(1, "exp"), gn.Dense(1)], dtype="float64")
    net.theta = [1000, 0, 1, 0]
    with pytest.raises(ArithmeticError, match=r"inf"):
        gn.check_gradient(net, [[1.0]], [1.0], "squared_error")


# Samples, dtypes, purity


def test_samples():
    net = gn.Network(6, [gn.Dense(50, "tanh"), gn.Dense(3)], seed=1)
    X, Y = np.random.default_rng(0).normal(size=(4, 6)), np.ones((4, 3))
    full = gn.check_gradient(net, X, Y, "squared_error")
    assert full.checked == net.theta.size == len(full.indices)
    for samples in (1, 7, 60, 200, 10_000):
        check = gn.check_gradient(net, X, Y, "squared_error", samples=samples)
        assert check.checked == min(samples, net.theta.size)
        assert len(set(check.indices.tolist())) == check.checked
        np.testing.assert_allclose(check.numerical, full.numerical[check.indices], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(check.backprop, full.backprop[check.indices])
        assert check.passed
    blocks = gn.check_gradient(net, X, Y, "squared_error", samples=40).blocks
    assert set(blocks) == {"weights[0]", "biases[0]", "weights[1]", "biases[1]"}


def test_a_seed_decides_the_sample():
    net = gn.Network(6, [gn.Dense(50, "tanh"), gn.Dense(3)], seed=1)
    X, Y = np.ones((2, 6)), np.ones((2, 3))
    indices = [gn.check_gradient(net, X, Y, "squared_error", samples=20, seed=s).indices.tolist() for s in (0, 0, 1)]
    assert indices[0] == indices[1] != indices[2]


@pytest.mark.parametrize("samples", [0, -1, 1.5, "all", True])
def test_what_is_no_number_of_samples(samples):
    net = gn.Network(1, [gn.Dense(1)])
    with pytest.raises(
        InputError, match=r"samples is .*; expected a whole number from 1 up, or None for all parameters\.$"
    ):
        gn.check_gradient(net, [[1]], [1], "squared_error", samples=samples)


def test_float32_networks_are_checked_in_float64():
    net = gn.Network(3, [gn.Dense(4, "gelu"), gn.Dense(2, "softmax")], seed=1, dtype="float32")
    theta = net.theta.copy()
    X = np.random.default_rng(0).normal(size=(5, 3))
    check = gn.check_gradient(net, X, [0, 1, 1, 0, 1], "cross_entropy")
    assert check.passed
    assert check.backprop.dtype == check.numerical.dtype == np.float64
    wide = gn.check_gradient(net.astype("float64"), X, [0, 1, 1, 0, 1], "cross_entropy")
    np.testing.assert_array_equal(check.backprop, wide.backprop)
    assert net.theta.dtype == np.float32
    np.testing.assert_array_equal(net.theta, theta)


def test_what_the_check_holds():
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(1)], seed=0, dtype="float64")
    X, Y = [[1, 2], [3, -1]], [1, 2]
    check = gn.check_gradient(net, X, Y, "squared_error", l2=0.1, sample_weight=[1, 3])
    p = net.backprop(X, Y, "squared_error", l2=0.1, sample_weight=[1, 3])
    np.testing.assert_array_equal(check.backprop, p.gradient.theta)
    np.testing.assert_allclose(check.numerical, p.gradient.theta, rtol=1e-8, atol=1e-12)
    assert check.kinks == ()
    lines = str(check).splitlines()
    assert lines[0].startswith("Backpropagation and the numerical derivative agree: relative error ")
    assert lines[0].endswith("over 13 parameters.")
    assert [line.split()[0] for line in lines[1:5]] == ["weights[0]", "biases[0]", "weights[1]", "biases[1]"]


# The numerical derivative itself


def error_to_50_digits(net, X, labels, weights, l1, l2):
    """The step's error of a tanh-sigmoid-softmax network as a function of θ, in mpmath."""
    sizes = [shape[0] for shape in net.shapes]
    functions = [mpmath.tanh, lambda z: 1 / (1 + mpmath.exp(-z))]

    def error(*theta):
        theta, penalty = list(theta), mpmath.mpf(0)
        layers = []
        for inputs, units in itertools.pairwise(sizes):
            w, theta = theta[: inputs * units], theta[inputs * units :]
            b, theta = theta[:units], theta[units:]
            layers.append((w, b))
            penalty += l1 * sum(map(abs, w)) + l2 / mpmath.mpf(2) * sum(x * x for x in w)
        total = mpmath.mpf(0)
        for x, label, weight in zip(X, labels, weights, strict=True):
            a = [mpmath.mpf(float(value)) for value in x]
            for k, (w, b) in enumerate(layers):
                z = [b[i] + sum(a[j] * w[j * len(b) + i] for j in range(len(a))) for i in range(len(b))]
                a = [functions[k](value) for value in z] if k < 2 else [mpmath.exp(value) for value in z]
            total -= mpmath.mpf(weight) * mpmath.log(a[label] / sum(a))
        return total / sum(weights) + penalty

    return error


def test_the_numerical_derivative_is_right_to_ten_digits():
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(2, "sigmoid"), gn.Dense(3, "softmax")], seed=5, dtype="float64")
    rng = np.random.default_rng(1)
    net.theta = rng.normal(size=net.theta.size)
    X, labels, weights, l1, l2 = rng.normal(size=(3, 2)), [2, 0, 1], [1, 2, 4], 0.01, 0.1
    check = gn.check_gradient(net, X, labels, "cross_entropy", sample_weight=weights, l1=l1, l2=l2)
    error = error_to_50_digits(net, X, labels, weights, mpmath.mpf(l1), mpmath.mpf(l2))
    with mpmath.workdps(50):
        theta = [mpmath.mpf(float(t)) for t in net.theta]
        exact = []
        for i in range(len(theta)):
            h = mpmath.mpf(10) ** -15
            up, down = list(theta), list(theta)
            up[i], down[i] = up[i] + h, down[i] - h
            exact.append(float((error(*up) - error(*down)) / (2 * h)))
    assert check.checked == len(exact)
    np.testing.assert_allclose(check.numerical, exact, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(check.backprop, exact, rtol=1e-11, atol=1e-14)
    p = net.backprop(X, labels, "cross_entropy", sample_weight=weights, l1=l1, l2=l2)
    assert p.loss == pytest.approx(float(error(*theta)), rel=1e-13)


@pytest.mark.parametrize("loss", ["squared_error", "log_cosh"])
def test_the_rounding_bound_is_a_bound(loss):
    """Of a function whose derivative is known, rounding alone puts the numerical one off, by no more than it says."""
    rng = np.random.default_rng(3)
    for scale in (1e-4, 1.0, 1e4):
        net = gn.Network(5, [gn.Dense(4)], dtype="float64")
        net.theta = rng.normal(size=net.theta.size)
        X, Y = rng.normal(size=(6, 5)), scale * rng.normal(size=(6, 4))
        check = gn.check_gradient(net, X, Y, loss)
        assert check.passed
        gap = np.abs(check.backprop - check.numerical)
        assert gap.max() <= 1e-8 * max(1, np.abs(check.backprop).max())
        assert check.worst.bound > 0
