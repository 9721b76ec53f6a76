"""The numbers of a drawing, against backpropagation, against nudges in NumPy written out here, and against sums."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError, NonFiniteError, PairingError
from glassnet.insight.drawing import look

ACTIVATIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "softplus": lambda z: np.log1p(np.exp(z)),
    "identity": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(),
}


def error(net, x, y, *, nudge=None, link=None, h=0.0):
    """½Σ(h−y)² of one row, in plain NumPy; `nudge` (layer, unit) adds h to its z, None of a layer means x.

    `link` (layer, j, i) passes a nudge of z_j (or x_j) in the layer before on to z_i alone.
    """
    a = np.array(x, float)
    before = None
    if nudge is not None and nudge[0] is None:
        a[nudge[1]] += h
    for k, layer in enumerate(net.layers):
        z = a @ net.weights[k] + (0 if net.biases[k] is None else net.biases[k])
        if nudge == (k, nudge and nudge[1]):
            z[nudge[1]] += h
        if link is not None and link[0] == k:
            _, j, i = link
            moved = a[j] + h
            if before is not None:
                g, old = before
                moved = g(old[j] + h)
            z[i] += net.weights[k][j, i] * (moved - a[j])
        g = ACTIVATIONS[layer.activation.name]
        before, a = (g, z), g(z)
    return 0.5 * ((a - y) ** 2).sum()


def slope_at(function, h=1e-4):
    """Five points, error O(h⁴)."""
    return (8 * (function(h) - function(-h)) - (function(2 * h) - function(-2 * h))) / (12 * h)


def subject(sizes, activations, *, seed=0, rows=4, bias=True, scale=0.8):
    layers = [gn.Dense(n, g, bias=bias) for n, g in zip(sizes[1:], activations, strict=True)]
    net = gn.Network(sizes[0], layers, dtype="float64")
    rng = np.random.default_rng(seed)
    net.theta = rng.normal(0, scale, net.theta.size)
    return net, rng.normal(size=(rows, sizes[0])), rng.uniform(size=(rows, sizes[-1]))


@pytest.mark.parametrize("last", ["sigmoid", "softmax", "identity"])
def test_blame_and_shares_are_derivatives(last):
    net, X, Y = subject([3, 4, 3, 2], ["tanh", "softplus", last], seed=5)
    drawing = look(net, X, Y, 2, "half_squared_error").drawing
    assert drawing.loss == pytest.approx(error(net, X[2], Y[2]), rel=1e-12)
    for column in drawing.columns:
        for neuron in column.neurons:
            at = (column.layer, neuron.index)
            numerical = slope_at(lambda h, at=at: error(net, X[2], Y[2], nudge=at, h=h))
            assert neuron.blame == pytest.approx(numerical, rel=1e-8, abs=1e-10)
    for gap in drawing.gaps:
        for link in gap.links:
            at = (gap.layer, link.source, link.target)
            numerical = slope_at(lambda h, at=at: error(net, X[2], Y[2], link=at, h=h))
            assert link.share == pytest.approx(numerical, rel=1e-8, abs=1e-10)
            assert link.weight == net.weights[gap.layer][link.source, link.target]


def everything(draw):
    depth = draw(st.integers(1, 4))
    layers = []
    for n in range(depth):
        last = n == depth - 1
        if draw(st.booleans()):
            layers.append(gn.Dropout(draw(st.sampled_from([0.2, 0.5]))))
        choices = ["relu", "sigmoid", "gelu", "tanh"] if not last else ["identity", "sigmoid", "softmax"]
        layers.append(gn.Dense(draw(st.integers(1, 7)), draw(st.sampled_from(choices)), bias=draw(st.booleans())))
    return gn.Network(draw(st.integers(1, 7)), layers, seed=draw(st.integers(0, 99)), dtype="float32")


@settings(max_examples=50)
@given(st.data())
def test_it_is_backprop_and_all_sums_are_whole(data):
    net = everything(data.draw)
    training, most, m = data.draw(st.booleans()), data.draw(st.integers(1, 8)), data.draw(st.integers(1, 5))
    row = data.draw(st.integers(0, m - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    X, Y = rng.normal(size=(m, net.input_shape[0])), rng.uniform(size=(m, net.outputs))
    seen = look(net, X, Y, row, "squared_error", training=training, neurons=most)
    exact = net.astype("float64")
    p = exact.backprop(X, Y, "squared_error", reduction="sum", training=training)
    alone = exact.backprop(
        X[[row]], Y[[row]], "squared_error", masks={k: mask[[row]] for k, mask in p.masks.items()}
    ).gradient
    dense = [k for k in range(len(net.layers)) if net.weights[k] is not None]
    assert [column.layer for column in seen.drawing.columns] == [None, *dense]
    assert seen.drawing.loss == pytest.approx(p.row_errors[row], rel=1e-9)
    for c, column in enumerate(seen.drawing.columns):
        assert len(column.neurons) == min(most, column.units)
        if column.layer is not None:
            k = column.layer
            for n in column.neurons:
                got = (n.z, n.a, n.blame)
                assert got == pytest.approx((p.z[k][row, n.index], p.a[k + 1][row, n.index], p.blame[k][row, n.index]))
                assert n.signals.total + (n.bias or 0) == pytest.approx(n.z, abs=1e-9)
                assert n.weight_in.total == pytest.approx(np.abs(exact.weights[k][:, n.index]).sum())
                if n.shares is not None:
                    assert n.shares.total == pytest.approx(n.blame, abs=1e-9)
            assert column.abs_blame.total == pytest.approx(np.abs(p.blame[k][row]).sum())
            chosen = [abs(n.blame) for n in column.neurons]
            others = np.delete(np.abs(p.blame[k][row]), [n.index for n in column.neurons])
            assert min(chosen) >= max(others, default=0) - 1e-15
        assert column.abs_blame.drawn == pytest.approx(sum(abs(n.blame) for n in column.neurons))
        if c < len(seen.drawing.gaps):
            gap = seen.drawing.gaps[c]
            weights = exact.weights[gap.layer]
            assert (gap.count.total, gap.count.drawn) == (weights.size, len(gap.links))
            assert gap.abs_weight.total == pytest.approx(np.abs(weights).sum())
            assert gap.abs_weight.drawn == pytest.approx(sum(abs(link.weight) for link in gap.links))
            assert gap.abs_share.drawn == pytest.approx(sum(abs(link.share) for link in gap.links))
            for link in gap.links:
                expected = alone.weights[gap.layer][link.source, link.target]
                assert link.gradient == pytest.approx(expected, rel=1e-9, abs=1e-12)
            for link in gap.biases:
                assert link.weight == exact.biases[gap.layer][link.target]
                assert link.gradient == pytest.approx(alone.biases[gap.layer][link.target], rel=1e-9, abs=1e-12)
    assert json.loads(json.dumps(seen.to_dict())) == seen.to_dict()
    assert math.isfinite(len(seen.svg()) + len(seen.html()))


def test_links_beyond_the_limit_are_the_weakest():
    net, X, Y = subject([60, 50, 3], ["sigmoid", "sigmoid"], seed=3)
    gap = look(net, X, Y, 1, "half_squared_error", neurons=60).drawing.gaps[0]
    p = net.backprop(X[1:2], Y[1:2], "half_squared_error")
    shares = np.abs(net.weights[0] * p.blame[0][0])
    drawn = np.zeros(shares.shape, bool)
    drawn[[link.source for link in gap.links], [link.target for link in gap.links]] = True
    assert drawn.sum() == len(gap.links) == gap.count.drawn < shares.size
    assert shares[drawn].min() >= shares[~drawn].max()
    assert gap.abs_share.rest == pytest.approx(shares[~drawn].sum())
    assert gap.abs_weight.rest == pytest.approx(np.abs(net.weights[0])[~drawn].sum())


def test_links_that_a_layer_in_groups_does_not_have_are_not_counted():
    net = gn.Network(5, [gn.Dense(4, "tanh", groups=((3, 2), (2, 2))), gn.Dense(1)], dtype="float64")
    seen = look(net, [[1.0, 2.0, 3.0, 4.0, 5.0]], [[1.0]], loss="squared_error")
    pairs = {(link.source, link.target) for link in seen.drawing.gaps[0].links}
    assert pairs == {(j, i) for j in range(3) for i in range(2)} | {(j, i) for j in (3, 4) for i in (2, 3)}
    assert (seen.drawing.gaps[0].count.drawn, seen.drawing.gaps[0].count.rest) == (10, 0)
    assert '<polygon class="band"' not in seen.html()
    few = look(net, [[1.0, 2.0, 3.0, 4.0, 5.0]], [[1.0]], loss="squared_error", neurons=1).drawing.gaps[0]
    assert few.count.total == 10
    assert few.abs_weight.total == pytest.approx(np.abs(net.weights[0]).sum())


def test_without_a_row_the_neurons_with_the_strongest_links_are_drawn():
    net, X, Y = subject([4, 30, 2], ["tanh", "identity"])
    seen = look(net, neurons=5)
    strength = np.abs(net.weights[0]).sum(axis=0) + np.abs(net.weights[1]).sum(axis=1)
    best = sorted(np.argsort(-strength)[:5])
    assert [n.index for n in seen.drawing.columns[1].neurons] == best
    assert all(n.blame is None and n.z is None for column in seen.drawing.columns for n in column.neurons)
    assert look(net, X, Y, None, neurons=5).drawing == seen.drawing
    assert "No row was chosen" in seen.html()


def test_a_dropped_neuron_is_crossed_out_and_sends_nothing():
    net = gn.Network(2, [gn.Dense(6, "sigmoid"), gn.Dropout(0.5), gn.Dense(1)], seed=1, dtype="float64")
    X, Y = np.ones((9, 2)), np.ones(9)
    mask = net.backprop(X, Y, "squared_error", training=True).masks[1][7]
    assert 0 < mask.sum() < 6
    seen = look(net, X, Y, 7, "squared_error", training=True)
    assert [n.keep for n in seen.drawing.columns[1].neurons] == (2.0 * mask).tolist()
    assert all((n.blame == 0) == (n.keep == 0) for n in seen.drawing.columns[1].neurons)
    assert seen.svg().count('class="dropped"') == 6 - mask.sum()
    assert "crossed out" in seen.text()
    assert "does nothing outside training" in look(net, X, Y, 7, "squared_error").text()


def test_where_neurons_have_no_slope_of_their_own_shares_add_up_to_the_slope_of_the_error_by_a():
    softmax = ACTIVATIONS["softmax"]
    share = gn.maths.activation.RowActivation(
        "share",
        value=lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
        row_pullback=lambda z, a, s: a * (s - (a * s).sum(axis=-1, keepdims=True)),
    )
    net = gn.Network(2, [gn.Dense(3, share), gn.Dense(2, "identity")], seed=5, dtype="float64")
    x, y = np.array([0.4, -1.0]), np.array([1.0, 0.5])
    seen = look(net, [x], [y], loss="half_squared_error")

    def error_after(a):
        return 0.5 * ((a @ net.weights[1] + net.biases[1] - y) ** 2).sum()

    z = x @ net.weights[0] + net.biases[0]
    for neuron in seen.drawing.columns[1].neurons:
        e = np.eye(3)[neuron.index]
        assert neuron.slope is None
        assert neuron.shares.total == pytest.approx(slope_at(lambda h, e=e: error_after(softmax(z) + h * e)), rel=1e-8)
        assert neuron.blame == pytest.approx(slope_at(lambda h, e=e: error_after(softmax(z + h * e))), rel=1e-8)
    assert "shares of ∂E/∂a sent back to it" in seen.html()


def test_a_network_without_hidden_layers():
    flat = gn.Network(2, [gn.Dense(1, "sigmoid")])
    assert [c.units for c in look(flat, [[1, 2]], [1]).drawing.columns] == [2, 1]
    assert look(flat, [[1, 2]], [1]).drawing.loss_name == "binary_cross_entropy"


def test_labels_and_data_frames():
    pandas = pytest.importorskip("pandas")
    net = gn.Network(2, [gn.Dense(3, "softmax")])
    frame = pandas.DataFrame({"length": [1.0, 2.0], "width": [0.5, 0.25]})
    drawing = look(net, frame, [2, 0], 1, class_names=["a", "b", "c"]).drawing
    assert [n.name for n in drawing.columns[0].neurons] == ["length", "width"]
    assert [(n.name, n.truth) for n in drawing.columns[1].neurons] == [("a", 1.0), ("b", 0.0), ("c", 0.0)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"row": 3}, "row is 3; X has 3 rows, so expected a whole number from 0 to 2"),
        ({"row": -1}, "row is -1"),
        ({"row": True}, "row is True"),
        ({"row": 1.0}, "row is 1.0"),
        ({"Y": None}, "X is given without Y"),
        ({"X": None}, "Y is given without X"),
        ({"Y": [0, 1]}, "X has 3 rows"),
        ({"X": np.ones(2)}, r"X\[None, :\]"),
        ({"X": np.ones((3, 5))}, "reads rows of shape"),
        ({"X": np.ones((0, 2)), "Y": np.ones(0, int)}, "no rows"),
        ({"X": [[1, np.nan]] * 3}, "finite"),
        ({"loss": "nonsense"}, "no loss named"),
        ({"neurons": 0}, "neurons is 0"),
        ({"neurons": 101}, "at most 100"),
        ({"feature_names": ["a"]}, "feature_names is .* expected 2 names"),
        ({"class_names": "ab"}, "class_names is 'ab'"),
        ({"neuron_names": {1: ["a", "b", "c"]}}, "no hidden layer; hidden layers here: 0"),
        ({"neuron_names": {0: ["a"]}}, "3 neurons"),
        ({"image_shape": (2, 2)}, "whose product is 2"),
        ({"image_shape": 2}, r"expected \(rows, columns\)"),
        ({"image_shape": (-1, -2)}, "whose product"),
        ({"image_shape": "12"}, "whose product"),
        ({"net": "net"}, "net is a str"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(changes, says):
    given_ = {"net": gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(2, "softmax")]), "X": np.ones((3, 2)), "Y": [0, 1, 0]}
    with pytest.raises(InputError, match=says):
        look(**{**given_, **changes})


def test_a_loss_that_cannot_read_the_output_is_refused():
    with pytest.raises(PairingError):
        look(gn.Network(1, [gn.Dense(1)]), [[1.0]], [[1.0]], loss="binary_cross_entropy")


def test_what_is_not_finite_is_named():
    net = gn.Network(2, [gn.Dense(3, "relu"), gn.Dense(1)], dtype="float64")
    net.weights[0][1, 2] = np.nan
    with pytest.raises(NonFiniteError, match=r"weights\[0\]\[1, 2\] is nan"):
        look(net)
    net.weights[0][:] = 1e200
    net.weights[1][:] = 1e200
    with pytest.raises(NonFiniteError, match=r"z of layer 1 in row 0, neuron 0, is inf"):
        look(net, [[1.0, 1.0]], [[1.0]], loss="squared_error")


@pytest.mark.parametrize("rows", [{}, {"X": np.zeros((1, 5)), "Y": [0]}])
def test_totals_that_are_not_finite_are_refused_in_a_sentence(rows):
    net = gn.Network(5, [gn.Dense(4, "softmax")], dtype="float64")
    net.weights[0] = np.full((5, 4), 1e308)
    with pytest.raises(NonFiniteError, match=r"Σ\|weight\| .* adds up to inf; a picture needs finite numbers"):
        look(net, **rows)


def test_a_gradient_that_is_not_finite_is_refused():
    net = gn.Network(1, [gn.Dense(1, bias=False)], dtype="float64")
    net.weights[0] = [[1e-200]]
    with pytest.raises(NonFiniteError, match="gradient"):
        look(net, [[1e200]], [[1e150]])
