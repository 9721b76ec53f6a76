"""Formulas: none of the library's falls back, a user's own compile where they can, and never a stale one runs."""

import functools
import itertools
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import special
from two_engines import LABELS, NUMBERS, X, assert_agree, both, errors_of_arrays, network, train

import glassnet as gn
from glassnet.engines import CompiledEngine, Descent, ReferenceEngine, make_engine
from glassnet.errors import GlassnetWarning
from glassnet.maths.activation import RowActivation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS, SGD

GENTLE = {"optimizer": "sgd(0.02)", "epochs": 3, "batch_size": 16}


# The library's own


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_in_the_registries_falls_back(dtype):
    """A warning would be an error here."""
    for name, activation in ACTIVATIONS.items():
        layers = [gn.Dense(3, activation if name != "softmax" else "tanh"), gn.Dense(3, activation)]
        loss = "cross_entropy" if name == "softmax" else "squared_error"
        assert made(gn.Network(2, layers, dtype=dtype), loss, SGD())
    for loss in LOSSES.values():
        assert made(gn.Network(2, [gn.Dense(3, loss.last_activation)], dtype=dtype), loss, SGD())
    for optimizer in OPTIMIZERS.values():
        assert made(gn.Network(2, [gn.Dense(3)], dtype=dtype), "squared_error", optimizer)


def made(net, loss, optimizer):
    return type(make_engine("compiled", net, net.objective(loss), Descent(optimizer), 4, 0)) is CompiledEngine


# A user's own that compile

SCALE = 1.5


def half(z):
    return 0.5 * z


def helped(z):
    return half(np.tanh(z)) + half(half(z))


def sign(z):
    """A helper with the name of one of NumPy's."""
    return z / (1 + np.abs(z))


def closure(k, m):
    return lambda z: k * np.tanh(m * z), lambda z, a: k * m * (1 - np.tanh(m * z) ** 2)


ELEMENTWISE = {
    "exp": (lambda z: 1 - np.exp(-z * z), lambda z, a: 2 * z * (1 - a)),
    "swish2": (
        lambda z: z / (1 + np.exp(-2 * z)),
        lambda z, a: (1 + (2 * z + 1) * np.exp(-2 * z)) / (1 + np.exp(-2 * z)) ** 2,
    ),
    "tanh": (lambda z: np.tanh(z / 2), lambda z, a: (1 - a**2) / 2),
    "tanh itself": (np.tanh, lambda z, a: 1 - a**2),
    "where": (lambda z: np.where(z > 0, z, 0.3 * z), lambda z, a: np.where(z > 0, 1, 0.3)),
    "where of whole numbers": (lambda z: np.where(z > 0, z, 0), lambda z, a: np.where(z > 0, 1, 0)),
    "log1p and sqrt": (
        lambda z: np.log1p(z * z) + np.sqrt(1 + z * z),
        lambda z, a: 2 * z / (1 + z * z) + z / np.sqrt(1 + z * z),
    ),
    "maximum": (lambda z: np.maximum(z, 0) + np.minimum(z, 1), lambda z, a: (z > 0) + 1.0 * (z < 1)),
    "clip": (lambda z: np.clip(z, -1, 1), lambda z, a: np.where(np.abs(z) < 1, 1.0, 0.0)),
    "square": (lambda z: z**2, lambda z, a: 2 * z),
    "cube": (lambda z: 0.1 * z**3, lambda z, a: 0.3 * z**2),
    "power": (lambda z: np.abs(z) ** 1.5, lambda z, a: 1.5 * np.abs(z) ** 0.5 * np.sign(z)),
    "arctan": (lambda z: np.arctan(z) * 2 / np.pi, lambda z, a: 2 / np.pi / (1 + z**2)),
    "sin": (lambda z: z + np.sin(z) ** 2, lambda z, a: 1 + np.sin(2 * z)),
    "abs": (lambda z: 0.5 * (z + abs(z)), lambda z, a: 0.5 * (1 + np.sign(z))),
    "log of exp": (lambda z: np.log(1 + np.exp(z)), lambda z, a: 1 / (1 + np.exp(-z))),
    "a bool as slope": (lambda z: np.maximum(z, 0), lambda z, a: z > 0),
    "a number as slope": (lambda z: z, lambda z, a: 1),
    "helpers": (helped, lambda z, a: half(1 - np.tanh(z) ** 2) + 0.25),
    "a helper named as NumPy's": (lambda z: sign(z), lambda z, a: 1 / (1 + np.abs(z)) ** 2),
    "global constants": (lambda z: SCALE * np.tanh(z), lambda z, a: SCALE - a * a / SCALE),
    "math": (lambda z: z * math.sqrt(2.0), lambda z, a: math.sqrt(2.0) + 0 * z),
    "closure": closure(0.7, 1.3),
    "defaults": (lambda z, k=0.5: np.tanh(k * z), lambda z, a, k=0.5: k * (1 - a * a)),
    "a loop": (lambda z: polynomial(z), lambda z, a: 0.1 * (1 + 2 * z)),
}


def polynomial(z):
    total = z * 0
    for k in range(3):
        total = total + 0.1 * z**k
    return total


def own_net(activation, dtype="float64"):
    return network((9, activation), (3, "identity"), dtype=dtype)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_activation_of_the_users_own_compiles_and_agrees(name):
    value, slope = ELEMENTWISE[name]
    assert_agree(own_net(gn.Activation("own", value=value, slope=slope)), X, NUMBERS, "squared_error", **GENTLE)


@pytest.mark.parametrize("name", ["swish2", "cube", "arctan", "defaults"])
def test_in_float32_it_stays_float32(name):
    value, slope = ELEMENTWISE[name]
    net = own_net(gn.Activation("own", value=value, slope=slope), "float32")
    reference, compiled = both(net, X, NUMBERS, "squared_error", **GENTLE)
    for array, difference, movement in errors_of_arrays(net, compiled.net.theta, reference.net.theta):
        assert difference <= 2e-5 * movement, array


def unit_length(z):
    return z / np.sqrt(0.1 + (z * z).sum(axis=-1, keepdims=True))


def unit_length_pullback(z, a, d):
    return (d - a * (d * a).sum(axis=-1, keepdims=True)) / np.sqrt(0.1 + np.sum(z * z, axis=-1, keepdims=True))


def sparse(z):
    """Soft-max of twice z, written with functions rather than methods."""
    e = np.exp(2 * (z - np.max(z, axis=-1, keepdims=True)))
    return e / np.sum(e, axis=-1, keepdims=True)


def centred(z):
    return z - z.mean(axis=-1, keepdims=True)


ROWS = {
    "unit length": (unit_length, unit_length_pullback),
    "soft-max of 2z": (sparse, lambda z, a, d: 2 * a * (d - (d * a).sum(axis=-1, keepdims=True))),
    "centred": (centred, lambda z, a, d: d - d.mean(axis=-1, keepdims=True)),
    "an axis by position": (
        lambda z: z - 0.1 * z.sum(-1, keepdims=True),
        lambda z, a, d: d - 0.1 * np.sum(d, -1, keepdims=True),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_an_activation_of_whole_rows(name):
    value, pullback = ROWS[name]
    own = RowActivation("own_rows", value=value, row_pullback=pullback)
    for net in (own_net(own), network((4, "tanh"), (3, own)), network((9, own), gn.Dropout(0.3), (3, "identity"))):
        assert_agree(net, X, NUMBERS, "squared_error", **GENTLE)


def root(x):
    return np.sqrt(1 + x**2)


def shifted(a):
    return np.exp(a - a.max(axis=-1, keepdims=True))


OWN_LOSSES = [
    gn.ElementwiseLoss("quartic", term=lambda a, y: (a - y) ** 4, term_slope=lambda a, y: 4 * (a - y) ** 3),
    gn.ElementwiseLoss(
        "smooth",
        term=lambda a, y: root(a - y),
        term_slope=lambda a, y: (a - y) / root(a - y),
        mean_over_outputs=True,
    ),
    gn.RowLoss(
        "distance",
        row_value=lambda a, y: np.sqrt(1 + ((a - y) ** 2).sum(axis=-1)),
        row_slope=lambda a, y: (a - y) / np.sqrt(1 + ((a - y) ** 2).sum(axis=-1, keepdims=True)),
    ),
    gn.RowLoss(
        "log_sum_exp",
        row_value=lambda a, y: np.log(shifted(a).sum(axis=-1)) + a.max(axis=-1) - (a * y).sum(axis=-1),
        row_slope=lambda a, y: shifted(a) / shifted(a).sum(axis=-1, keepdims=True) - y,
    ),
]


@pytest.mark.parametrize("loss", OWN_LOSSES, ids=lambda loss: loss.name)
def test_a_loss_of_the_users_own(loss):
    for truth in (NUMBERS, LABELS):
        assert_agree(own_net("tanh"), X, truth, loss, **GENTLE | {"optimizer": "sgd(0.002)"})


# A user's own that the compiler refuses


class Steep:
    """An object that is called: more than bytecode."""

    def __init__(self, k):
        self.k = k

    def __call__(self, z):
        return np.tanh(self.k * z)


TABLE = {"k": 2.0}
REFUSED = {
    "scipy": (lambda z: special.ndtr(z), lambda z, a: np.exp(-z * z / 2) / np.sqrt(2 * np.pi)),
    "a dictionary": (lambda z: np.tanh(TABLE["k"] * z), lambda z, a: TABLE["k"] * (1 - a * a)),
    "vectorize": (np.vectorize(math.tanh), lambda z, a: 1 - a * a),
    "a keyword of NumPy's that scalars lack": (
        lambda z: np.tanh(z, where=np.isfinite(z), out=np.zeros_like(z)),
        lambda z, a: 1 - a * a,
    ),
    "try": (lambda z: np.tanh(np.asarray(z, order="C").astype(str).astype(float)), lambda z, a: 1 - a * a),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_compiler_refuses_trains_through_the_reference_engine_and_says_so(name):
    value, slope = REFUSED[name]
    net = own_net(gn.Activation("my_own_curve", value=value, slope=slope))
    expected = train(net.copy(), X, NUMBERS, "squared_error", "reference", **GENTLE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = train(net.copy(), X, NUMBERS, "squared_error", "compiled", **GENTLE)
    assert type(found.engine) is ReferenceEngine
    assert found.bits == expected.bits
    assert [warning.category for warning in caught] == [GlassnetWarning]
    text = str(caught[0].message)
    assert "my_own_curve" in text
    assert "reference engine" in text
    assert len(text.splitlines()) == 1, "a sentence, not the compiler's report"
    assert text.endswith(".")


@pytest.mark.parametrize(
    "value",
    [functools.partial(np.multiply, 1.0), Steep(1.0), np.vectorize(math.tanh)],
    ids=["partial", "object", "vectorize"],
)
def test_what_is_called_but_no_function_trains_all_the_same(value):
    """Compiled or not, as long as it is right."""
    slope = (lambda z, a: 1 + 0 * z) if isinstance(value, functools.partial) else (lambda z, a: 1 - a * a)
    net = own_net(gn.Activation("own", value=value, slope=slope))
    expected = train(net.copy(), X, NUMBERS, "squared_error", "reference", **GENTLE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlassnetWarning)
        found = train(net.copy(), X, NUMBERS, "squared_error", "compiled", **GENTLE)
    for array, difference, movement in errors_of_arrays(net, found.net.theta, expected.net.theta):
        assert difference <= 1e-10 * movement, array


def test_a_loss_that_the_compiler_refuses():
    loss = gn.ElementwiseLoss(
        "normal", term=lambda a, y: -special.log_ndtr(a * y), term_slope=lambda a, y: -y * np.exp(-(a * a))
    )
    with pytest.warns(GlassnetWarning, match="reference engine"):
        found = train(own_net("tanh"), X, NUMBERS, loss, **GENTLE)
    assert type(found.engine) is ReferenceEngine


# No stale kernels


def power_of(exponent):
    def value(z):
        return np.abs(z) ** exponent

    def slope(z, a):
        return exponent * np.abs(z) ** (exponent - 1) * np.sign(z)

    return value, slope


def via_default(k):
    return lambda z, k=k: k * z, lambda z, a, k=k: k + 0 * z


def via_keyword(k):
    def value(z, *, k=k):
        return k * z

    def slope(z, a, *, k=k):
        return k + 0 * z

    return value, slope


def via_helper(k):
    def helper(z):
        return k * z

    return lambda z: helper(z), lambda z, a: helper(1 + 0 * z)


def via_numpy(k):
    g = {2: np.tanh, 3: np.arctan}[k]
    return lambda z: g(z), lambda z, a: 0.5 + 0 * z


def via_module(k):
    """A module of the user's own, as if it had been edited in between."""
    import types

    module = types.ModuleType("curves")
    exec(f"K = {k}\ndef curve(z):\n    return K * z\n", module.__dict__)
    return lambda z: module.curve(z), lambda z, a: module.K + 0 * z


def via_text(k):
    names = {"np": np}
    exec(f"def value(z):\n    return {k} * z\n\ndef slope(z, a):\n    return {k} + 0 * z\n", names)
    return names["value"], names["slope"]


def via_global(k):
    names = {"np": np, "K": k}
    exec("def value(z):\n    return K * z\n\ndef slope(z, a):\n    return K + 0 * z\n", names)
    return names["value"], names["slope"]


MAKERS = [power_of, via_default, via_keyword, via_helper, via_numpy, via_module, via_text, via_global]


@pytest.mark.parametrize("make", MAKERS)
def test_two_formulas_of_one_name_are_two(make):
    thetas = []
    for k in (2, 3, 2):
        value, slope = make(k)
        net = own_net(gn.Activation("own", value=value, slope=slope))
        expected = train(net.copy(), X, NUMBERS, "squared_error", "reference", **GENTLE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GlassnetWarning)
            found = train(net.copy(), X, NUMBERS, "squared_error", **GENTLE)
        for array, difference, movement in errors_of_arrays(net, found.net.theta, expected.net.theta):
            assert difference <= 1e-10 * movement, (array, k)
        thetas.append(found.net.theta.tobytes())
    assert thetas[0] == thetas[2] != thetas[1]


def test_a_closure_that_changes_its_number():
    k = 2.0

    def value(z):
        return k * z

    def slope(z, a):
        return k + 0 * z

    own = gn.Activation("own", value=value, slope=slope)
    for number in (2.0, 3.0):
        k = number
        assert_agree(own_net(own), X, NUMBERS, "squared_error", **GENTLE)


# Other processes

SCRIPT = """
import json, sys
import numpy as np
import glassnet as gn
from glassnet.maths.activation import RowActivation

def soft(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

ROWS = RowActivation("rows", value=soft, row_pullback=lambda z, a, d: a * (d - (d * a).sum(axis=-1, keepdims=True)))
CURVE = gn.Activation(
    "curve",
    value=lambda z: np.arctan(z) + np.sin(z) * np.abs(z) ** 1.5 + np.cbrt(z) * np.log2(1 + z * z),
    slope=lambda z, a: np.arctan2(z, 1.0) + np.hypot(z, 1.0) + np.exp2(-z * z) + np.arcsinh(z),
)
KINDS = {"rows": ROWS, "curve": CURVE, "tanh": "tanh", "gelu": "gelu"}
X, Y = np.random.default_rng(0).normal(size=(40, 5)), np.random.default_rng(1).normal(size=(40, 3))
bits = {}
for name in sys.argv[1:]:
    net = gn.Network(5, [gn.Dense(7, KINDS[name]), gn.Dense(3, "identity")], seed=1, dtype="float64")
    gn.train(net, X, Y, "squared_error", optimizer="sgd(0.01)", epochs=2, threads=2)
    bits[name] = net.theta.tobytes().hex()
print(json.dumps(bits))
"""


def run_script(folder, *names):
    source = str(Path(gn.__file__).parents[1])
    environment = os.environ | {"GLASSNET_CACHE_DIR": str(folder), "PYTHONPATH": source}
    command = [sys.executable, "-W", "error", "-c", SCRIPT, *names]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout), result.stderr


def test_later_processes_compute_the_same_from_kept_machine_code(tmp_path):
    """In any order of old and new: what is loaded must not disturb what is compiled afterwards, nor the other way."""
    first, said = run_script(tmp_path, "rows", "curve", "tanh")
    assert said.count("compiling") == 1
    for names in (["curve", "tanh", "rows"], ["tanh", "gelu", "rows", "curve"]):
        later, _ = run_script(tmp_path, *names)
        for name in set(names) & set(first):
            assert later[name] == first[name], name
    _, said = run_script(tmp_path, "curve", "tanh")
    assert "compiling" not in said


def test_formulas_that_are_alike_are_not_mistaken():
    """Every pair of two formulas that are alike: the kernels of one must not be those of the other."""
    alike = [
        (lambda z: z + 1, lambda z, a: 1 + 0 * z),
        (lambda z: z - 1, lambda z, a: 1 + 0 * z),
        (lambda z: z + 1.0, lambda z, a: 1 + 0.0 * z),
        (lambda z: 1 - z, lambda z, a: -1 + 0 * z),
        (lambda z: np.exp(z), lambda z, a: a),
        (lambda z: np.sin(z), lambda z, a: a),
    ]
    nets = [own_net(gn.Activation("own", value=value, slope=slope)) for value, slope in alike]
    outcomes = [assert_agree(net, 0.1 * X, NUMBERS, "squared_error", **GENTLE).bits[0] for net in nets]
    same = {(i, j) for i, j in itertools.combinations(range(len(alike)), 2) if outcomes[i] == outcomes[j]}
    assert same == {(0, 2)}
