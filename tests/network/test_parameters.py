"""θ and its views: one memory, in one order, that takes numbers and nothing else."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError
from glassnet.network import Layout, Parameter, Parameters


def network(dtype="float64"):
    layers = [gn.Dense(3, "tanh"), gn.Dropout(0.1), gn.Dense(2, "relu", bias=False), gn.Dense(1, trainable_bias=False)]
    return gn.Network(2, layers, seed=5, dtype=dtype)


def test_theta_is_by_layer_weights_row_major_then_biases():
    net = network()
    net.theta = np.arange(1, 19)
    assert net.theta.shape == (18,)
    assert net.weights[0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert net.biases[0].tolist() == [7, 8, 9]
    assert net.weights[1] is None
    assert net.biases[1] is None
    assert net.weights[2].tolist() == [[10, 11], [12, 13], [14, 15]]
    assert net.biases[2] is None
    assert net.weights[3].tolist() == [[16], [17]]
    assert net.biases[3].tolist() == [18]


def test_a_texts_theta_ij_from_j_to_i_is_weights_j_i():
    net = gn.Network(2, [gn.Dense(3, bias=False)], dtype="float64")
    net.weights[0][1, 2] = 7
    net.weights[0][:] *= np.arange(2)[:, None] * (np.arange(3) == 2)
    assert net.predict([[0, 10]]).tolist() == [[0, 0, 70]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_views_are_the_same_memory(dtype):
    net = network(dtype)
    theta = net.theta
    for k in range(4):
        for name, view in net.parameters[k].items():
            assert np.shares_memory(view, theta)
            assert view.dtype == theta.dtype == dtype
            assert view is getattr(net, name)[k]
    net.weights[0][1, 2] = 5
    assert theta[5] == 5
    theta[17] = 6
    assert net.biases[3][0] == 6
    assert net.theta is theta
    assert theta.flags.c_contiguous
    assert theta.flags.writeable


def test_setters_copy():
    net = network()
    theta, numbers = net.theta, np.arange(18.0)
    net.theta = numbers
    assert net.theta is theta
    numbers[0] = 99
    assert theta[0] == 0
    weights = np.ones((2, 3))
    net.weights[0] = weights
    weights[0, 0] = 99
    assert net.weights[0].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert theta[:6].tolist() == [1] * 6
    net.biases[0] = [1, 2, 3]
    assert theta[6:9].tolist() == [1, 2, 3]
    net.theta[:] = 0
    assert net.weights[0].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_mapping_of_a_layer_cannot_lose_its_view():
    """Either the numbers go into θ or the assignment is refused; never a network with weights outside θ."""
    net = network()
    with contextlib.suppress(TypeError, InputError):
        net.parameters[0]["weights"] = np.full((2, 3), 4.0)
    assert np.shares_memory(net.weights[0], net.theta)
    np.testing.assert_array_equal(net.weights[0].ravel(), net.theta[:6])


def test_views_are_sequences_over_every_layer():
    net = network()
    assert len(net.weights) == len(net.biases) == len(net.parameters) == len(net.layers) == 4
    assert [None if w is None else w.shape for w in net.weights] == [(2, 3), None, (3, 2), (2, 1)]
    assert [None if b is None else b.shape for b in net.biases[:2]] == [(3,), None]
    assert net.weights[-1].shape == (2, 1)
    assert [sorted(layer) for layer in net.parameters] == [
        ["biases", "weights"],
        [],
        ["weights"],
        ["biases", "weights"],
    ]
    assert repr(net.weights) == "<weights of 4 layers: (2, 3), None, (3, 2), (2, 1)>"
    with pytest.raises(IndexError):
        net.weights[4]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda net: net.weights.__setitem__(1, [[1]]), r"^Layer 1 has no weights, so none can be set\.$"),
        (lambda net: net.biases.__setitem__(2, [1, 1]), r"^Layer 2 has no biases, so none can be set\.$"),
        (lambda net: net.weights.__setitem__(0, np.ones((3, 2))), r"weights\[0\] has shape \(2, 3\); got .* \(3, 2\)"),
        (lambda net: net.biases.__setitem__(0, 1.0), r"biases\[0\] has shape \(3,\); got an array of shape \(\)"),
        (lambda net: net.biases.__setitem__(0, ["a", "b", "c"]), r"biases\[0\]"),
        (lambda net: net.biases.__setitem__(0, [1, np.nan, 2]), r"biases\[0\] holds nan at \[1\]"),
        (lambda net: net.biases.__setitem__(0, [1, 2j, 2]), r"biases\[0\] holds complex"),
        (lambda net: setattr(net, "theta", np.ones(17)), r"theta has shape \(17,\); this network has 18 parameters"),
        (lambda net: setattr(net, "theta", 0), r"theta has shape \(\)"),
        (lambda net: setattr(net, "theta", [np.inf] * 18), r"theta holds inf at \[0\] \(18 such values in all\)"),
        (lambda net: setattr(net, "theta", ["1"] * 18), r"theta holds .* values; expected numbers"),
    ],
)
def test_what_is_no_theta_is_refused_and_nothing_changes(change, sentence):
    net = network()
    before = net.theta.copy()
    with pytest.raises(InputError, match=sentence):
        change(net)
    np.testing.assert_array_equal(net.theta, before)


def test_numbers_that_do_not_fit_into_float32_are_refused():
    net = network("float32")
    with pytest.raises(InputError, match="theta"):
        net.theta = np.full(18, 1e39)
    assert np.isfinite(net.theta).all()


@given(
    shapes=st.lists(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=3), min_size=1, max_size=4),
    copies=st.integers(0, 3),
)
def test_a_layout_cuts_theta_without_gap_or_overlap(shapes, copies):
    layers = [[Parameter(f"p{i}", shape, "zeros") for i, shape in enumerate(layer)] for layer in shapes]
    layout = Layout(layers)
    assert layout.size == sum(a * b for layer in shapes for a, b in layer)
    theta = np.arange(layout.size, dtype=float)
    stack = np.stack([theta] * copies) if copies else theta
    parameters = Parameters(layout, stack)
    met = []
    for k, layer in enumerate(shapes):
        assert list(parameters[k]) == [f"p{i}" for i in range(len(layer))]
        for i, shape in enumerate(layer):
            view = parameters[k][f"p{i}"]
            assert view.shape == ((copies,) if copies else ()) + shape
            one = view[0] if copies else view
            met += one.ravel().tolist()
            for at in np.ndindex(shape):
                index = int(one[at])
                assert layout.locate(index) == (k, f"p{i}", at)
                assert layout.describe(index) == f"p{i}[{k}][{', '.join(map(str, at))}]"
    assert met == theta.tolist()
    with pytest.raises(InputError, match=f"θ has {layout.size} entries; there is none at {layout.size}"):
        layout.locate(layout.size)


def test_masks_over_theta_say_what_is_trainable_and_what_is_penalised():
    net = network()
    assert net.layout.mask("trainable").tolist() == [True] * 17 + [False]
    assert net.layout.mask("penalised").tolist() == [True] * 6 + [False] * 3 + [True] * 8 + [False]


def test_names_as_people_write_them():
    net = network()
    assert net.layout.describe(5) == "weights[0][1, 2]"
    assert net.layout.describe(8) == "biases[0][2]"
    assert net.layout.describe(17) == "biases[3][0]"


def test_a_gradient_has_the_same_layout():
    net = network()
    p = net.backprop([[1, 2]], [3], loss="squared_error")
    assert p.gradient.layout is net.layout
    assert p.gradient.theta.shape == net.theta.shape
    for k in range(4):
        for name in ("weights", "biases"):
            mine, theirs = getattr(net, name)[k], getattr(p.gradient, name)[k]
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert mine.shape == theirs.shape
                assert np.shares_memory(theirs, p.gradient.theta)
