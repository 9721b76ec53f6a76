"""Networks: how they are made, drawn, printed, copied and asked; and which ones cannot be made."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError, PairingError, UnknownNameError
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.initializers import INITIALIZERS
from glassnet.maths.random import keep_mask


def deep(**arguments):
    return gn.Network(3, [gn.Dense(4, "relu"), gn.Dropout(0.5), gn.Dense(2, "softmax")], **arguments)


# Chance


@given(seed=st.integers(0, 2**63 - 1))
def test_the_same_seed_gives_the_same_network(seed):
    np.testing.assert_array_equal(deep(seed=seed).theta, deep(seed=seed).theta)


def test_other_seeds_give_other_networks():
    assert len({deep(seed=seed).theta.tobytes() for seed in range(50)}) == 50


def test_both_dtypes_draw_the_same_numbers():
    wide, narrow = deep(seed=1, dtype="float64"), deep(seed=1, dtype="float32")
    assert (wide.theta.dtype, narrow.theta.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(wide.theta.astype(np.float32), narrow.theta)


def test_float32_is_the_dtype_when_nothing_is_said():
    assert gn.Network(1, [gn.Dense(1)]).theta.dtype == np.float32


def test_each_layer_has_chance_of_its_own():
    """A layer more at the end changes no weight before it."""
    short = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(4, "tanh")], seed=2)
    long = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(4, "tanh"), gn.Dense(4, "tanh")], seed=2)
    np.testing.assert_array_equal(short.theta, long.theta[: short.theta.size])
    assert not np.array_equal(long.weights[1], long.weights[2])


def test_initialize_draws_anew():
    net = deep(seed=1)
    first = net.theta.copy()
    net.initialize(2)
    np.testing.assert_array_equal(net.theta, deep(seed=2).theta)
    net.initialize(1)
    np.testing.assert_array_equal(net.theta, first)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_weights_start_as_the_activation_advises(name):
    layer = gn.Dense(400, name)
    net = gn.Network(300, [layer], seed=0, dtype="float64")
    rule = INITIALIZERS[ACTIVATIONS[name].weight_init]
    assert layer.weight_init == rule.name
    assert net.weights[0].std() == pytest.approx(np.sqrt(rule.variance(300, 400)), rel=0.02)
    assert (net.biases[0] == 0).all()


def test_initializers_of_ones_own():
    net = gn.Network(2, [gn.Dense(3, weight_init="constant(0.5)", bias_init="ones")])
    assert net.theta.tolist() == [0.5] * 6 + [1] * 3


# What it says of itself


def test_print():
    net = gn.Network(
        784,
        [
            gn.Dense(30, "relu", trainable_bias=False),
            gn.Dropout(0.25),
            gn.Dense(10, "leaky_relu(0.2)", bias=False),
            gn.Dense(10, "softmax"),
        ],
    )
    assert str(net).splitlines() == [
        "Network of 23,960 parameters, 23,930 of them trainable, float32",
        "",
        "k  layer                                     output  weights    biases  parameters",
        "   input                                     (784,)",
        "0  Dense(30, 'relu', trainable_bias=False)   (30,)   (784, 30)  (30,)       23,550",
        "1  Dropout(0.25)                             (30,)",
        "2  Dense(10, 'leaky_relu(0.2)', bias=False)  (10,)   (30, 10)                  300",
        "3  Dense(10, 'softmax')                      (10,)   (10, 10)   (10,)          110",
    ]


def test_print_counts_are_right():
    net = deep()
    lines = str(net).splitlines()
    assert lines[0] == "Network of 26 parameters, 26 of them trainable, float32"
    assert [line.split()[-1] for line in lines[4:]] == ["16", "(4,)", "10"]


def test_repr():
    assert repr(deep(dtype="float64")) == (
        "Network((3,), [Dense(4, 'relu'), Dropout(0.5), Dense(2, 'softmax')], dtype='float64')"
    )


def test_shapes_leave_out_the_rows():
    net = deep()
    assert net.input_shape == (3,)
    assert net.shapes == [(3,), (4,), (4,), (2,)]
    assert net.outputs == 2
    assert net.multiplications == 3 * 4 + 4 * 2


# What it computes


@pytest.mark.parametrize("m", [1, 5, 4096, 4097, 9000])
def test_predict_takes_any_number_of_rows(m):
    net = deep(seed=3, dtype="float64")
    X = np.random.default_rng(0).normal(size=(m, 3))
    hidden = np.maximum(X @ net.weights[0] + net.biases[0], 0)
    z = hidden @ net.weights[2] + net.biases[2]
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    found = net.predict(X)
    assert found.shape == (m, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_predict_does_not_drop_and_keeps_the_dtype():
    net = deep(seed=3)
    assert net.predict([[1, 2, 3]]).dtype == np.float32
    np.testing.assert_array_equal(net.predict([[1, 2, 3]]), net.predict(np.array([[1.0, 2, 3]])))


def test_a_drawn_mask_is_the_one_of_its_place():
    masks = deep(seed=1).draw_masks(7, 11, 5)
    assert set(masks) == {1}
    np.testing.assert_array_equal(masks[1], keep_mask(0.5, seed=7, step=11, layer=1, rows=5, units=4))


def test_dropout_of_nothing_draws_no_mask():
    net = gn.Network(2, [gn.Dropout(0.0), gn.Dense(1)])
    assert net.draw_masks(0, 0, 3) == {}
    p = net.backprop([[1, 2]], [1], loss="squared_error", training=True)
    np.testing.assert_array_equal(p.a[1], [[1, 2]])


# Copies


def test_a_copy_has_a_theta_of_its_own():
    net = deep(seed=1)
    net.theta[:] = 2
    copy = net.copy()
    np.testing.assert_array_equal(copy.theta, net.theta)
    copy.theta[:] = 3
    assert (net.theta == 2).all()
    assert copy.layers == net.layers
    assert net.astype("float64").theta.dtype == np.float64
    assert net.theta.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_architecture_goes_through_json(dtype):
    layers = [
        gn.Dropout(0.125),
        gn.Dense(4, "leaky_relu(0.25)", trainable_bias=False, weight_init="uniform(-0.1, high=0.3)", bias_init="ones"),
        gn.Dense(3, "elu", bias=False),
        gn.Dense(2, "softmax"),
    ]
    net = gn.Network(3, layers, seed=9, dtype=dtype)
    again = gn.Network.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again.to_dict() == net.to_dict()
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in net.layers]
    np.testing.assert_array_equal(again.theta, net.theta)
    assert again.theta.dtype == dtype
    np.testing.assert_array_equal(again.predict([[1, 2, 3]]), net.predict([[1, 2, 3]]))
    np.testing.assert_array_equal(again.layout.mask("trainable"), net.layout.mask("trainable"))


def test_a_users_own_activation_is_handed_in_again():
    square = gn.Activation("square", value=lambda z: z * z, slope=lambda z, a: 2 * z)
    net = gn.Network(2, [gn.Dense(2, square), gn.Dense(1)], seed=1)
    values = json.loads(json.dumps(net.to_dict()))
    again = gn.Network.from_dict(values, {"square": square})
    np.testing.assert_array_equal(again.predict([[1, 2]]), net.predict([[1, 2]]))
    with pytest.raises(UnknownNameError, match="no activation named 'square'"):
        gn.Network.from_dict(values)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("layers"),
        lambda d: d.update(layers=[{"kind": "convolution"}]),
        lambda d: d.update(layers=3),
        lambda d: d.update(layers=["dense"]),
        lambda d: d["layers"][0].pop("units"),
        lambda d: d["layers"][0].update(units="many"),
        lambda d: d["layers"][0].update(colour="red"),
        lambda d: d["layers"][0].update(activation="nothing"),
        lambda d: d["layers"][0].update(activation=["relu"]),
        lambda d: d["layers"][0].update(weight_init="nothing"),
        lambda d: d.update(inputs=None),
        lambda d: d.update(inputs=[]),
        lambda d: d.update(inputs=[0]),
        lambda d: d.update(dtype="int8"),
        lambda d: d.update(seed=-1),
    ],
)
def test_an_architecture_that_was_spoilt_is_refused(spoil):
    values = json.loads(json.dumps(deep().to_dict()))
    spoil(values)
    with pytest.raises(InputError):
        gn.Network.from_dict(values)


# What cannot be made

D = gn.Dense


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: gn.Network(0, [D(1)]), r"inputs is 0; expected how many numbers a row of X has, such as 784"),
        (lambda: gn.Network(-3, [D(1)]), r"inputs is -3"),
        (lambda: gn.Network("784", [D(1)]), r"inputs is '784'"),
        (lambda: gn.Network(2.5, [D(1)]), r"inputs is 2.5"),
        (lambda: gn.Network(True, [D(1)]), r"inputs is True"),
        (lambda: gn.Network((), [D(1)]), r"inputs is \(\)"),
        (
            lambda: gn.Network((28, 28), [D(1)]),
            r"Layer 0: Dense reads rows of numbers, but its input has shape \(28, 28",
        ),
        (lambda: gn.Network(2, []), r"The last layer must be a Dense layer"),
        (lambda: gn.Network(2, [gn.Dropout(0.5)]), r"The last layer must be a Dense layer: it gives the prediction"),
        (lambda: gn.Network(2, D(1)), r"layers is Dense\(1, 'identity'\); expected a list of layers, such as"),
        (lambda: gn.Network(2, None), r"layers is None; expected a list of layers"),
        (lambda: gn.Network(2, [D(1), 30]), r"layers\[1\] is 30 of type int; expected a layer"),
        (lambda: gn.Network(2, [D, D(1)]), r"layers\[0\] is .* expected a layer"),
        (lambda: gn.Network(2, [D(3, "softmax"), D(1)]), r"layers\[0\] has activation 'softmax', .* last layer only"),
        (lambda: gn.Network(2, [D(1)], seed=-1), r"seed is -1; expected a whole number"),
        (lambda: gn.Network(2, [D(1)], seed=0.5), r"seed is 0.5"),
        (lambda: gn.Network(2, [D(1)], dtype="float16"), r"dtype is 'float16'; expected 'float32' or 'float64'"),
        (lambda: gn.Network(2, [D(1)], dtype="floaty"), r"dtype is 'floaty'"),
        (lambda: gn.Network(2, [D(1)], dtype=int), r"dtype is <class 'int'>"),
        (lambda: D(0), r"Dense has 0 units; expected a whole number from 1 up, as in Dense\(30, 'relu'\)"),
        (lambda: D("30"), r"Dense has '30' units"),
        (lambda: D(3.0), r"Dense has 3.0 units"),
        (lambda: D(True), r"Dense has True units"),
        (lambda: D(3, "reul"), r"no activation named 'reul'. Did you mean 'relu'"),
        (lambda: D(3, None), r"activation is None"),
        (lambda: D(3, np.tanh), r"activation is <ufunc 'tanh'> of type ufunc; expected a name such as"),
        (lambda: D(3, weight_init="he"), r"no initializer named 'he'\."),
        (lambda: D(3, bias_init="zero"), r"no initializer named 'zero'. Did you mean 'zeros'"),
        (lambda: gn.Network(2, [D(3, bias_init="he_normal")]), r"biases take 'zeros'"),
        (lambda: D(3, bias="no"), r"bias is 'no'; expected True or False"),
        (lambda: D(3, trainable_bias=None), r"trainable_bias is None; expected True or False"),
        (
            lambda: gn.Dropout(1),
            r"Dropout has rate 1; expected the share of inputs to leave out, from 0 up to, but not, 1",
        ),
        (lambda: gn.Dropout(-0.1), r"rate -0.1"),
        (lambda: gn.Dropout(float("nan")), r"rate nan"),
        (lambda: gn.Dropout("half"), r"rate 'half'"),
        (lambda: gn.Dropout(True), r"rate True"),
        (
            lambda: D(2, gn.Activation("relu", value=lambda z: z, slope=lambda z, a: 1)),
            r"named 'relu', as one of glassnet's own; rename it",
        ),
    ],
)
def test_what_makes_no_network_is_refused(make, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        make()
    assert str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize("rate", [np.float32(0.25), np.float64(0.25), 0])
def test_numpys_numbers_are_numbers(rate):
    layer = gn.Dropout(rate)
    assert layer.drop_rate == float(rate)
    assert json.loads(json.dumps(layer.to_dict())) == {"kind": "dropout", "rate": float(rate)}


def test_a_loss_that_cannot_read_the_last_layer_is_refused_before_anything_is_computed():
    net = gn.Network(2, [gn.Dense(3, "tanh")])
    with pytest.raises(
        PairingError, match=r"'cross_entropy' reads probabilities .* 'tanh' gives numbers between −1 and 1"
    ):
        net.backprop("not even an array", None, loss="cross_entropy")
    with pytest.raises(PairingError, match="needs at least 2 outputs, but the last layer has 1"):
        gn.Network(2, [gn.Dense(1, "softmax")]).objective("cross_entropy")


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"loss": "cross_entrpy"}, UnknownNameError, r"no loss named 'cross_entrpy'. Did you mean 'cross_entropy'"),
        ({"loss": None}, InputError, r"loss is None"),
        ({"reduction": "average"}, InputError, r"reduction is 'average'; expected 'mean' or 'sum'"),
        ({"reduction": None}, InputError, r"reduction is None"),
        ({"l1": -1}, InputError, r"l1 is -1; expected a number from 0 up"),
        ({"l2": "0.1"}, InputError, r"l2 is '0.1'"),
        ({"l2": np.nan}, InputError, r"l2 is nan"),
        ({"l1": np.inf}, InputError, r"l1 is inf"),
        ({"l2": True}, InputError, r"l2 is True"),
        ({"masks": {0: [[1, 0]]}}, InputError, r"masks has an entry for layer 0, which is no Dropout layer"),
        ({"masks": {7: [[1, 0]]}}, InputError, r"masks has an entry for layer 7"),
        ({"masks": {1: [[1, 0, 1]]}}, InputError, r"masks\[1\] has shape \(1, 3\); expected .* of shape \(1, 4\)"),
        ({"masks": {1: [[1, 0, 1, 0.5]]}}, InputError, r"masks\[1\].* zeros and ones"),
        ({"masks": {1: [["a"] * 4]}}, InputError, r"masks\[1\] holds <U1 values; expected numbers"),
        ({"masks": 3}, InputError, r"masks"),
    ],
)
def test_what_backprop_refuses(arguments, kind, sentence):
    with pytest.raises(kind, match=sentence):
        deep().backprop([[1, 2, 3]], [1], **{"loss": "cross_entropy", **arguments})
