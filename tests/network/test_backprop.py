"""Backpropagation against two independent implementations: scalars in plain Python, and PyTorch's differentiation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import glassnet as gn

# The slow way: one number at a time, no short forms, no arrays. Each activation gives g(z) and its Jacobian ∂a_i/∂z_j.


def logistic(z):
    return 1 / (1 + math.exp(-z))


def elementwise(g, slope):
    def value_and_jacobian(zs):
        n = range(len(zs))
        return [g(z) for z in zs], [[slope(zs[i]) if i == j else 0.0 for j in n] for i in n]

    return value_and_jacobian


def slow_softmax(zs):
    total = sum(math.exp(z) for z in zs)
    a, n = [math.exp(z) / total for z in zs], range(len(zs))
    return a, [[a[i] * ((1.0 if i == j else 0.0) - a[j]) for j in n] for i in n]


SLOW_ACTIVATIONS = {
    "identity": elementwise(lambda z: z, lambda z: 1.0),
    "sigmoid": elementwise(logistic, lambda z: logistic(z) * logistic(-z)),
    "tanh": elementwise(math.tanh, lambda z: 1 / math.cosh(z) ** 2),
    "exp": elementwise(math.exp, math.exp),
    "relu": elementwise(lambda z: max(z, 0.0), lambda z: 1.0 if z > 0 else 0.0),
    "leaky_relu(0.2)": elementwise(lambda z: z if z > 0 else 0.2 * z, lambda z: 1.0 if z > 0 else 0.2),
    "elu": elementwise(lambda z: z if z > 0 else math.exp(z) - 1, lambda z: 1.0 if z > 0 else math.exp(z)),
    "softplus": elementwise(lambda z: math.log(1 + math.exp(z)), logistic),
    "softsign": elementwise(lambda z: z / (1 + abs(z)), lambda z: (1 + abs(z)) ** -2),
    "silu": elementwise(lambda z: z * logistic(z), lambda z: logistic(z) + z * logistic(z) * logistic(-z)),
    "softmax": slow_softmax,
}


def clipped(x, limit):
    return max(-limit, min(limit, x))


def slow_hinge(a, y):
    k = y.index(1.0)
    return sum(max(0.0, 1 + a[j] - a[k]) for j in range(len(a)) if j != k)


def slow_hinge_slope(a, y):
    k = y.index(1.0)
    late = [1.0 if j != k and 1 + a[j] - a[k] > 0 else 0.0 for j in range(len(a))]
    late[k] = -sum(late)
    return late


def summed(term, slope):
    return (
        lambda a, y: sum(term(p, t) for p, t in zip(a, y, strict=True)),
        lambda a, y: [slope(p, t) for p, t in zip(a, y, strict=True)],
    )


def of_probability(value, p):
    """Value·log p, where 0·log p is 0."""
    return value * math.log(p) if value else 0.0


SLOW_LOSSES = {
    "squared_error": summed(lambda p, t: (p - t) ** 2, lambda p, t: 2 * (p - t)),
    "half_squared_error": summed(lambda p, t: (p - t) ** 2 / 2, lambda p, t: p - t),
    "mean_squared_error": (
        lambda a, y: sum((p - t) ** 2 for p, t in zip(a, y, strict=True)) / len(a),
        lambda a, y: [2 * (p - t) / len(a) for p, t in zip(a, y, strict=True)],
    ),
    "absolute_error": summed(lambda p, t: abs(p - t), lambda p, t: math.copysign(1, p - t)),
    "huber": summed(
        lambda p, t: (p - t) ** 2 / 2 if abs(p - t) <= 1 else abs(p - t) - 0.5, lambda p, t: clipped(p - t, 1.0)
    ),
    "quantile(0.9)": summed(
        lambda p, t: 0.9 * (t - p) if t > p else 0.1 * (p - t), lambda p, t: -0.9 if t > p else 0.1
    ),
    "log_cosh": summed(lambda p, t: math.log(math.cosh(p - t)), lambda p, t: math.tanh(p - t)),
    "poisson": summed(lambda p, t: p - t * math.log(p), lambda p, t: 1 - t / p),
    "cross_entropy": summed(lambda p, t: -of_probability(t, p), lambda p, t: -t / p),
    "binary_cross_entropy": summed(
        lambda p, t: -of_probability(t, p) - of_probability(1 - t, 1 - p), lambda p, t: (1 - t) / (1 - p) - t / p
    ),
    "hinge": (slow_hinge, slow_hinge_slope),
}
SUITED = {"poisson": ("exp", "softplus"), "cross_entropy": ("softmax",), "binary_cross_entropy": ("sigmoid",)}


def slow_backprop(net, X, Y, loss, c, l1, l2, masks):
    """Return loss, z, a, blame (lists by layer, row, unit) and the gradient as a flat list in θ's order."""
    m, layers = len(X), net.layers
    weights = [None if w is None else w.tolist() for w in net.weights]
    biases = [None if b is None else b.tolist() for b in net.biases]
    error, error_slope = SLOW_LOSSES[loss]
    z, a, blame = [[] for _ in layers], [[list(x) for x in X]] + [[] for _ in layers], [[] for _ in layers]
    gradient_w = [None if w is None else [[0.0] * len(w[0]) for _ in w] for w in weights]
    gradient_b = [None if b is None else [0.0] * len(b) for b in biases]
    total = 0.0
    for r in range(m):
        jacobians = []
        for k, layer in enumerate(layers):
            x = a[k][r]
            if weights[k] is None:
                kept = [1.0] * len(x) if k not in masks else [keep / (1 - layer.rate) for keep in masks[k][r]]
                zs = [value * keep for value, keep in zip(x, kept, strict=True)]
                out, jacobian = SLOW_ACTIVATIONS["identity"](zs)
            else:
                zs = [sum(x[j] * weights[k][j][i] for j in range(len(x))) for i in range(layer.units)]
                if biases[k] is not None:
                    zs = [value + b for value, b in zip(zs, biases[k], strict=True)]
                out, jacobian = SLOW_ACTIVATIONS[layer.activation.name](zs)
            z[k].append(zs)
            a[k + 1].append(out)
            jacobians.append(jacobian)
        total += c[r] * error(a[-1][r], Y[r])
        slope = [c[r] * s for s in error_slope(a[-1][r], Y[r])]
        for k in reversed(range(len(layers))):
            x, jacobian = a[k][r], jacobians[k]
            n = len(z[k][r])
            delta = [sum(slope[i] * jacobian[i][j] for i in range(n)) for j in range(n)]
            blame[k].insert(r, delta)
            if weights[k] is None:
                kept = [1.0] * len(x) if k not in masks else [keep / (1 - layers[k].rate) for keep in masks[k][r]]
                slope = [d * keep for d, keep in zip(delta, kept, strict=True)]
                continue
            for i in range(n):
                for j in range(len(x)):
                    gradient_w[k][j][i] += x[j] * delta[i]
                if gradient_b[k] is not None:
                    gradient_b[k][i] += delta[i]
            slope = [sum(weights[k][j][i] * delta[i] for i in range(n)) for j in range(len(x))]
    gradient = []
    for k, w in enumerate(weights):
        if w is None:
            continue
        for j, row in enumerate(w):
            for i, value in enumerate(row):
                total += l1 * abs(value) + 0.5 * l2 * value**2
                sign = (value > 0) - (value < 0)
                gradient.append(gradient_w[k][j][i] + l1 * sign + l2 * value)
        gradient += gradient_b[k] or []
    return total, z, a, blame, gradient


@st.composite
def cases(draw, losses=tuple(SLOW_LOSSES), hidden=tuple(set(SLOW_ACTIVATIONS) - {"softmax", "exp"})):
    """A network, rows, truths, and everything `backprop` takes."""
    loss = draw(st.sampled_from(sorted(losses)))
    outputs = draw(st.integers(2 if loss in ("cross_entropy", "hinge") else 1, 4))
    last = draw(st.sampled_from(SUITED.get(loss, ("identity", "tanh", "softplus", "softmax", "leaky_relu(0.2)"))))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    layers = []
    for units in sizes[1:]:
        if draw(st.booleans()):
            layers.append(gn.Dropout(draw(st.sampled_from([0.0, 0.25, 0.5]))))
        layers.append(gn.Dense(units, draw(st.sampled_from(sorted(hidden))), bias=draw(st.booleans())))
    layers.append(gn.Dense(outputs, last, bias=draw(st.booleans()), trainable_bias=draw(st.booleans())))
    net = gn.Network(sizes[0], layers, seed=draw(st.integers(0, 99)), dtype="float64")
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    net.theta = rng.normal(size=net.theta.size, scale=0.8)
    m = draw(st.integers(1, 5))
    X = rng.normal(size=(m, sizes[0]))
    labels = rng.integers(0, outputs, m)
    one_hot = np.eye(outputs)[labels]
    Y = {
        "cross_entropy": rng.dirichlet(np.ones(outputs), m) if outputs > 1 else one_hot,
        "hinge": one_hot,
        "binary_cross_entropy": rng.integers(0, 2, (m, outputs)).astype(float),
        "poisson": rng.poisson(2.0, (m, outputs)).astype(float),
    }.get(loss, rng.normal(size=(m, outputs)))
    as_labels = loss in ("cross_entropy", "hinge") and draw(st.booleans())
    weights = draw(st.none() | st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=m, max_size=m))
    if weights is not None and not any(weights):
        weights[0] = 2.0
    masks = {}
    for k, layer in enumerate(layers):
        if isinstance(layer, gn.Dropout) and draw(st.booleans()):
            masks[k] = rng.integers(0, 2, (m, net.shapes[k][0])).tolist()
    return {
        "net": net,
        "X": X.tolist(),
        "Y": one_hot.tolist() if as_labels else Y.tolist(),
        "passed": labels if as_labels else Y,
        "loss": loss,
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "sample_weight": weights,
        "l1": draw(st.sampled_from([0.0, 0.01])),
        "l2": draw(st.sampled_from([0.0, 0.1])),
        "masks": masks,
    }


def shares(case):
    w = case["sample_weight"] or [1.0] * len(case["X"])
    return [x / sum(w) for x in w] if case["reduction"] == "mean" else w


def pass_of(case, **changed):
    case = {**case, **changed}
    arguments = {name: case[name] for name in ("loss", "reduction", "sample_weight", "l1", "l2", "masks")}
    return case["net"].backprop(case["X"], case["passed"], **arguments)


def assert_close(found, expected):
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-9, atol=1e-12)


@settings(max_examples=300)
@given(case=cases())
def test_every_quantity_is_that_of_the_slow_way(case):
    p = pass_of(case)
    c = shares(case)
    slow = slow_backprop(case["net"], case["X"], case["Y"], case["loss"], c, case["l1"], case["l2"], case["masks"])
    loss, z, a, blame, gradient = slow
    assert p.loss == pytest.approx(loss, rel=1e-11, abs=1e-12)
    assert_close(p.coefficient, c)
    for k in range(len(case["net"].layers)):
        assert_close(p.z[k], z[k])
        assert_close(p.a[k + 1], a[k + 1])
        assert_close(p.blame[k], blame[k])
    assert_close(p.a[0], case["X"])
    assert_close(p.gradient.theta, gradient)


@given(case=cases())
def test_row_errors_are_each_rows_own(case):
    """No share, no weight, no penalty: those of the row alone, and the step's error is their sum by shares."""
    p = pass_of(case)
    error, _ = SLOW_LOSSES[case["loss"]]
    own = [error(a, y) for a, y in zip(p.a[-1].tolist(), case["Y"], strict=True)]
    assert_close(p.row_errors, own)
    bare = pass_of(case, l1=0.0, l2=0.0)
    assert bare.loss == pytest.approx(sum(c * e for c, e in zip(shares(case), own, strict=True)), rel=1e-11, abs=1e-12)


@given(case=cases())
def test_gradient_is_blame_times_the_signal_that_came_in(case):
    p = pass_of(case, l1=0.0, l2=0.0)
    for k in range(len(case["net"].layers)):
        if p.gradient.weights[k] is not None:
            came_in = p.a[k]
            assert_close(p.gradient.weights[k], came_in.T @ p.blame[k])
        if p.gradient.biases[k] is not None:
            assert_close(p.gradient.biases[k], p.blame[k].sum(axis=0))


@given(case=cases())
def test_a_row_of_weight_zero_is_as_good_as_absent(case):
    m = len(case["X"])
    assume(m > 1)
    weights = [0.0] + [2.0] * (m - 1)
    without = {
        "X": case["X"][1:],
        "passed": case["passed"][1:],
        "sample_weight": weights[1:],
        "masks": {k: mask[1:] for k, mask in case["masks"].items()},
    }
    p, q = pass_of(case, sample_weight=weights), pass_of(case, **without)
    assert p.coefficient[0] == 0
    assert (p.blame[0][0] == 0).all()
    assert p.loss == pytest.approx(q.loss, rel=1e-12, abs=1e-13)
    assert_close(p.gradient.theta, q.gradient.theta)


@given(case=cases())
def test_weights_count_as_repetitions(case):
    m = len(case["X"])
    repeated = [r for r in range(m) for _ in range(1 + r % 2)]
    twice = {
        "X": [case["X"][r] for r in repeated],
        "passed": np.asarray(case["passed"])[repeated],
        "sample_weight": None,
        "masks": {k: [mask[r] for r in repeated] for k, mask in case["masks"].items()},
    }
    p, q = pass_of(case, sample_weight=[1 + r % 2 for r in range(m)]), pass_of(case, **twice)
    assert p.loss == pytest.approx(q.loss, rel=1e-11, abs=1e-12)
    assert_close(p.gradient.theta, q.gradient.theta)


@given(case=cases())
def test_sum_is_mean_times_the_weights(case):
    total = sum(case["sample_weight"] or [1.0] * len(case["X"]))
    mean, total_of = (pass_of(case, reduction=r, l1=0.0, l2=0.0) for r in ("mean", "sum"))
    assert total_of.loss == pytest.approx(total * mean.loss, rel=1e-12, abs=1e-13)
    assert_close(total_of.gradient.theta, total * mean.gradient.theta)
    assert mean.coefficient.sum() == pytest.approx(1)


@given(case=cases())
def test_nothing_that_came_in_is_changed(case):
    theta = case["net"].theta.copy()
    X = np.array(case["X"])
    before = X.copy()
    p = pass_of(case, X=X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(case["net"].theta, theta)
    again = pass_of(case, X=X)
    assert p.loss == again.loss
    np.testing.assert_array_equal(p.gradient.theta, again.gradient.theta)
    assert not np.shares_memory(p.gradient.theta, case["net"].theta)


@given(case=cases())
def test_without_dropout_a_pass_predicts_as_predict_does(case):
    p = pass_of(case, masks=None)
    np.testing.assert_allclose(p.a[-1], case["net"].predict(case["X"]), rtol=1e-13)


def test_dropped_units_send_nothing_and_bear_no_blame():
    net = gn.Network(4, [gn.Dropout(0.5), gn.Dense(3, "tanh"), gn.Dropout(0.25), gn.Dense(2)], seed=1, dtype="float64")
    X = np.random.default_rng(0).normal(size=(6, 4))
    p = net.backprop(X, np.ones((6, 2)), loss="squared_error", training=True)
    assert set(p.masks) == {0, 2}
    for k, rate in ((0, 0.5), (2, 0.25)):
        assert p.masks[k].dtype == bool
        np.testing.assert_allclose(p.a[k + 1], np.where(p.masks[k], p.a[k] / (1 - rate), 0))
    assert (p.blame[1][~p.masks[2]] == 0).all()
    again = net.backprop(X, np.ones((6, 2)), loss="squared_error", masks=p.masks)
    np.testing.assert_array_equal(p.gradient.theta, again.gradient.theta)
    as_list = [p.masks[0], None, p.masks[2], None]
    again = net.backprop(X, np.ones((6, 2)), loss="squared_error", masks=as_list)
    np.testing.assert_array_equal(p.gradient.theta, again.gradient.theta)


def test_a_mask_of_ones_own_replaces_the_drawn_one():
    net = gn.Network(2, [gn.Dropout(0.5), gn.Dense(2, "tanh"), gn.Dropout(0.5), gn.Dense(1)], dtype="float64")
    own = {0: [[1, 1]]}
    drawn = net.backprop([[1, 2]], [1], loss="squared_error", training=True)
    mixed = net.backprop([[1, 2]], [1], loss="squared_error", training=True, masks=own)
    np.testing.assert_array_equal(mixed.a[1], [[2, 4]])
    np.testing.assert_array_equal(mixed.masks[2], drawn.masks[2])
    assert net.backprop([[1, 2]], [1], loss="squared_error", masks=own).masks.keys() == {0}


def test_float32_all_the_way():
    net = gn.Network(3, [gn.Dropout(0.5), gn.Dense(4, "gelu"), gn.Dense(3, "softmax")], seed=2)
    X = np.random.default_rng(0).normal(size=(5, 3))
    arguments = {"sample_weight": [1, 2, 3, 4, 5], "l1": 0.1, "l2": 0.1, "masks": {0: np.ones((5, 3))}}
    p = net.backprop(X, [0, 1, 2, 0, 1], "cross_entropy", **arguments)
    q = net.astype("float64").backprop(X, [0, 1, 2, 0, 1], "cross_entropy", **arguments)
    for array in (*p.z, *p.a, *p.blame, p.gradient.theta, p.coefficient, p.row_errors):
        assert array.dtype == np.float32
    assert type(p.loss) is float
    assert p.loss == pytest.approx(q.loss, rel=1e-5)
    np.testing.assert_allclose(p.gradient.theta, q.gradient.theta, rtol=1e-4, atol=1e-5)


def test_the_short_form_gives_the_blame_of_the_long_way():
    """Soft-max with cross-entropy, told as a user's own loss, which has no short form."""
    library = gn.maths.losses.LOSSES["cross_entropy"]
    long = gn.ElementwiseLoss("mine", term=library.term, term_slope=library.term_slope, domain=library.domain)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(3, "softmax")], seed=3, dtype="float64")
    X = np.random.default_rng(1).normal(size=(6, 3))
    Y = np.random.default_rng(2).dirichlet(np.ones(3), 6)
    p, q = (net.backprop(X, Y, loss=loss) for loss in ("cross_entropy", long))
    assert p.loss == pytest.approx(q.loss, rel=1e-13)
    for k in range(2):
        np.testing.assert_allclose(p.blame[k], q.blame[k], rtol=1e-11, atol=1e-14)


def test_a_confident_wrong_answer_still_has_a_gradient():
    """The long way has 0·∞ here."""
    for activation, loss, label in (("softmax", "cross_entropy", 1), ("sigmoid", "binary_cross_entropy", [[0, 1]])):
        net = gn.Network(1, [gn.Dense(2, activation)], dtype="float32")
        net.theta = [500, -500, 0, 0]
        p = net.backprop([[2.0]], [label] if activation == "softmax" else label, loss=loss)
        assert p.loss == 2000
        np.testing.assert_array_equal(p.blame[0], [[1, -1]])


# PyTorch


TORCH_ACTIVATIONS = {
    "identity": lambda t, z: z,
    "sigmoid": lambda t, z: t.sigmoid(z),
    "tanh": lambda t, z: t.tanh(z),
    "exp": lambda t, z: t.exp(z),
    "relu": lambda t, z: t.relu(z),
    "leaky_relu": lambda t, z: t.nn.functional.leaky_relu(z),
    "elu": lambda t, z: t.nn.functional.elu(z),
    "selu": lambda t, z: t.nn.functional.selu(z),
    "gelu": lambda t, z: t.nn.functional.gelu(z),
    "gelu_tanh": lambda t, z: t.nn.functional.gelu(z, approximate="tanh"),
    "silu": lambda t, z: t.nn.functional.silu(z),
    "mish": lambda t, z: t.nn.functional.mish(z),
    "softplus": lambda t, z: t.nn.functional.softplus(z, threshold=1000),
    "softsign": lambda t, z: t.nn.functional.softsign(z),
    "softmax": lambda t, z: t.softmax(z, dim=1),
}
TORCH_LOSSES = {
    "mean_squared_error": ("identity", lambda f, a, y: f.mse_loss(a, y, reduction="none").mean(1)),
    "absolute_error": ("tanh", lambda f, a, y: f.l1_loss(a, y, reduction="none").sum(1)),
    "huber": ("softsign", lambda f, a, y: f.huber_loss(a, y, reduction="none").sum(1)),
    "poisson": ("exp", lambda f, a, y: f.poisson_nll_loss(a, y, log_input=False, eps=0, reduction="none").sum(1)),
    "binary_cross_entropy": ("sigmoid", lambda f, a, y: f.binary_cross_entropy(a, y, reduction="none").sum(1)),
    "cross_entropy_from_logits(0.1)": (
        "identity",
        lambda f, a, y: f.cross_entropy(a, y, label_smoothing=0.1, reduction="none"),
    ),
    "cross_entropy": ("softmax", lambda f, a, y: -(y * a.log()).sum(1)),
    "hinge": ("identity", lambda f, a, y: 3 * f.multi_margin_loss(a, y.argmax(1), reduction="none")),
}


@pytest.mark.parametrize("loss", list(TORCH_LOSSES))
@pytest.mark.parametrize("hidden", [name for name in TORCH_ACTIVATIONS if name != "softmax"])
def test_pytorchs_gradient_is_the_same(loss, hidden):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the slow way was tested")
    last, peer = TORCH_LOSSES[loss]
    seed = sum(map(ord, loss + hidden))
    rng = np.random.default_rng(seed)
    layers = [gn.Dense(5, hidden), gn.Dropout(0.5), gn.Dense(4, "tanh", bias=False), gn.Dense(3, last)]
    net = gn.Network(4, layers, dtype="float64")
    net.theta = rng.normal(size=net.theta.size, scale=0.5)
    X, w = rng.normal(size=(7, 4)), rng.uniform(0, 2, 7)
    Y = rng.uniform(size=(7, 3)) if loss not in ("cross_entropy", "hinge") else np.eye(3)[rng.integers(0, 3, 7)]
    if "from_logits" in loss:
        Y = rng.dirichlet(np.ones(3), 7)
    mask = rng.integers(0, 2, (7, 5))
    p = net.backprop(X, Y, loss, sample_weight=w, l1=0.01, l2=0.1, masks={1: mask})

    theta = torch.tensor(net.theta, requires_grad=True)
    w0, b0, w2, w3, b3 = torch.split(theta, [20, 5, 20, 12, 3])
    z0 = torch.tensor(X) @ w0.reshape(4, 5) + b0
    z1 = TORCH_ACTIVATIONS[hidden](torch, z0) * torch.tensor(mask) * 2
    z2 = z1 @ w2.reshape(5, 4)
    z3 = torch.tanh(z2) @ w3.reshape(4, 3) + b3
    for z in (z0, z1, z2, z3):
        z.retain_grad()
    rows = peer(torch.nn.functional, TORCH_ACTIVATIONS[last](torch, z3), torch.tensor(Y))
    error = (rows * torch.tensor(w)).sum() / w.sum()
    penalised = torch.cat([w0, w2, w3])
    error = error + 0.01 * penalised.abs().sum() + 0.05 * (penalised**2).sum()
    error.backward()

    assert p.loss == pytest.approx(error.item(), rel=1e-12)
    np.testing.assert_allclose(p.gradient.theta, theta.grad.numpy(), rtol=1e-9, atol=1e-13)
    for k, z in enumerate((z0, z1, z2, z3)):
        np.testing.assert_allclose(p.blame[k], z.grad.numpy(), rtol=1e-8, atol=1e-14)
