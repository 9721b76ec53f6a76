"""The derivative and its factors, against an autodiff that knows nothing of glassnet, and against brute force."""

import itertools
import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from autodiff import ACTIVATION, LOSS, PAIRS, truths
from autodiff import gradient as gradient_by_autograd
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES


def random_spot(net, rng, biases=True):
    names = ("weights", "biases") if biases else ("weights",)
    k, parameter, place = [e for e in net.layout.places if e[1].name in names][
        rng.integers(len([e for e in net.layout.places if e[1].name in names]))
    ]
    at = tuple(int(rng.integers(n)) for n in parameter.shape)
    return {"weight" if parameter.name == "weights" else "bias": (k, *at)}, place.start + np.ravel_multi_index(
        at, parameter.shape
    )


def test_the_oracle_covers_the_library():
    assert set(ACTIVATIONS) == set(ACTIVATION)
    assert {loss.split("(")[0] for loss in LOSS} == set(LOSSES)


@pytest.mark.parametrize(("loss", "last"), PAIRS)
def test_value_is_the_gradient_for_every_pair(loss, last):
    rng = np.random.default_rng(zlib.crc32(f"{loss} {last}".encode()))
    hidden = list(ACTIVATION)[:-1]
    for trial in range(3):
        layers = [
            gn.Dense(4, hidden[(trial * 5 + len(last)) % 14]),
            gn.Dropout(0.3),
            gn.Dense(3, hidden[trial * 3 + 1]),
        ]
        net = gn.Network(3, [*layers, gn.Dense(3, last)], seed=trial, dtype="float64")
        net.theta[:] += rng.normal(scale=0.1, size=net.theta.size)
        x, y = rng.normal(size=(5, 3)), truths(loss, 5, 3, rng)
        masks = {1: rng.integers(0, 2, (5, 4))}
        spot, index = random_spot(net, rng)
        row = int(rng.integers(5))
        found = gn.explain(net, x, y, row=row, loss=loss, masks=masks, **spot)
        one = {1: masks[1][row : row + 1]}
        expected = gradient_by_autograd(net, x[row : row + 1], y[row : row + 1], loss, np.ones(1), one)[index]
        assert found.value == pytest.approx(expected, rel=1e-10, abs=1e-13)
        if not math.isnan(found.numerical):
            assert abs(found.numerical - expected) <= 1e-7 * abs(expected) + 4 * found.bound
        assert math.prod(f.value for f in found.factors) == pytest.approx(found.value, rel=1e-12, abs=1e-300)
        assert math.fsum(p.value for p in found.paths) == pytest.approx(found.value, rel=1e-9, abs=1e-14)
        assert found.row == row


networks = st.builds(
    lambda sizes, activations, bias, seed: (sizes, activations, bias, seed),
    st.lists(st.integers(1, 6), min_size=2, max_size=5),
    st.lists(st.sampled_from(["sigmoid", "tanh", "softplus", "silu", "identity"]), min_size=4, max_size=4),
    st.booleans(),
    st.integers(0, 10_000),
)


@settings(max_examples=40)
@given(networks, st.integers(1, 6), st.sampled_from(["mean", "sum"]), st.floats(0, 0.5), st.floats(0, 0.5), st.data())
def test_rows_weights_and_penalties(network, m, reduction, l1, l2, data):
    sizes, activations, bias, seed = network
    rng = np.random.default_rng(seed)
    layers = [gn.Dense(n, g, bias=bias) for n, g in zip(sizes[1:], activations, strict=False)]
    net = gn.Network(sizes[0], layers, seed=seed, dtype="float64")
    net.theta[:] += rng.normal(scale=0.3, size=net.theta.size)
    x, y = rng.normal(size=(m, sizes[0])), rng.normal(size=(m, sizes[-1]))
    weight = rng.uniform(0.1, 3, m)
    rows = data.draw(st.lists(st.integers(0, m - 1), min_size=1, max_size=m, unique=True) | st.none())
    spot, index = random_spot(net, rng)
    found = gn.explain(
        net, x, y, rows, loss="squared_error", reduction=reduction, sample_weight=weight, l1=l1, l2=l2, **spot
    )
    taken = list(range(m)) if rows is None else rows
    w = weight[taken]
    c = w / w.sum() if reduction == "mean" else w
    expected = gradient_by_autograd(net, x[taken], y[taken], "squared_error", c, None, l1, l2)[index]
    assert found.value == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert found.shares.rows.tolist() == taken
    assert math.fsum((*found.shares.value, *found.penalty)) == pytest.approx(found.value, rel=1e-12, abs=1e-15)
    np.testing.assert_allclose(found.shares.coefficient, c, rtol=1e-12)
    assert found.text()
    assert found.to_dict()["value"] == found.value


def all_paths(net, p, k, i, end):
    """Every path from neuron i of layer k to the error, by brute force: (neurons, product without the signal)."""
    later = list(range(k + 1, len(net.layers)))
    for neurons in itertools.product(*(range(net.shapes[m + 1][0]) for m in later)):
        value, before = 1.0, i
        slopes = [net.layers[k].activation.slope(p.z[k], p.a[k + 1])[0]]
        slopes += [net.layers[m].activation.slope(p.z[m], p.a[m + 1])[0] for m in later]
        for t, (m, q) in enumerate(zip(later, neurons, strict=True)):
            value *= slopes[t][before] * net.weights[m][before, q]
            before = q
        yield (i, *neurons), value * slopes[-1][before] * end[before]


def test_paths_are_all_ways_and_come_in_order():
    rng = np.random.default_rng(3)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(5, "sigmoid"), gn.Dense(3, "tanh")], seed=2, dtype="float64")
    x, y = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    p = net.backprop(x, y, "half_squared_error")
    expected = {n: v * x[0, 2] for n, v in all_paths(net, p, 0, 1, (p.a[-1] - y)[0])}
    found = gn.explain(net, x, y, 0, (0, 2, 1), loss="half_squared_error", most=4)
    assert found.path_count == len(expected) == 15
    assert {path.neurons for path in found.paths} == set(expected)
    for path in found.paths:
        assert path.value == pytest.approx(expected[path.neurons], rel=1e-12)
        assert math.prod(path.factors) == pytest.approx(path.value, rel=1e-12)
    sizes = [abs(path.value) for path in found.paths]
    assert sizes == sorted(sizes, reverse=True)
    assert found.remainder(4) == pytest.approx(sum(p.value for p in found.paths[4:]), abs=1e-15)
    assert "the 4 largest of 15" in found.text()


def test_where_paths_are_too_many_the_largest_are_found_without_walking_all():
    rng = np.random.default_rng(0)
    layers = [gn.Dense(60, "tanh"), gn.Dense(50, "relu"), gn.Dense(40, "tanh"), gn.Dense(5, "softmax")]
    net = gn.Network(10, layers, seed=1, dtype="float64")
    x = rng.normal(size=(1, 10))
    found = gn.explain(net, x, [2], 0, (1, 3, 7), most=6)
    assert found.path_count == 40 * 5
    deep = gn.explain(net, x, [2], 0, (0, 3, 7), most=6)
    assert deep.path_count == 50 * 40 * 5 == 10_000
    assert len(deep.paths) == 10_000
    wide = gn.Network(10, [gn.Dense(9, "tanh"), *layers], seed=1, dtype="float64")
    some = gn.explain(wide, x, [2], 0, (0, 3, 7), most=6)
    assert some.path_count == 60 * 50 * 40 * 5
    assert len(some.paths) == 6
    plain = some.to_dict()
    assert math.fsum([*(path["value"] for path in plain["paths"]), plain["remainder"]]) == pytest.approx(some.value)
    p = wide.backprop(x, [2], "cross_entropy")
    best = 0.0  # the largest path by brute force over matrices, the signal and first slope left out
    onward = np.abs(wide.weights[4] * p.blame[4][0])
    for k in (3, 2, 1):
        slope = wide.layers[k].activation.slope(p.z[k], p.a[k + 1])[0]
        onward = np.abs(wide.weights[k] * slope) * onward.max(axis=1)
    best = onward[7].max() * abs(x[0, 3] * wide.layers[0].activation.slope(p.z[0], p.a[1])[0, 7])
    assert abs(some.paths[0].value) == pytest.approx(best, rel=1e-12)


def count_by_hand(net):
    """Multiplications of one row's gradient: path by path, and with reuse, counted one by one."""
    widths = [shape[0] for shape in net.shapes]
    last = len(net.layers) - 1
    by_paths = 0
    for k in range(len(net.layers)):
        for path in itertools.product(*(range(widths[m + 1]) for m in range(k, len(net.layers)))):
            factors = 2 * (last - k) + 2  # w and g′ of each layer on the way, g′ of the last, ∂E/∂a
            assert len(path) == last - k + 1
            by_paths += widths[k] * factors  # a_j and these, times
            by_paths += (factors - 1) if net.layers[k].bias else 0
    shared = 0
    for k in range(len(net.layers)):
        shared += widths[k] * widths[k + 1]  # a_j δ_i
        shared += widths[k + 1]  # ⊙ g′
        shared += widths[k + 1] * widths[k] if k > 0 else 0  # θᵀδ
    return by_paths, shared


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.booleans())
def test_multiplications_are_counted_as_by_hand(sizes, bias):
    net = gn.Network(sizes[0], [gn.Dense(n, "tanh", bias=bias) for n in sizes[1:]], seed=0, dtype="float64")
    found = gn.explain(net, np.ones((1, sizes[0])), np.ones((1, sizes[-1])), 0, loss="squared_error").sharing
    assert (found.multiplications_by_paths(), found.multiplications_shared()) == count_by_hand(net)


def test_who_shares_a_factor_is_found_by_changing_it():
    """A factor is part of those derivatives, written out as sums over paths, that change when it alone changes."""
    rng = np.random.default_rng(5)
    sizes = (3, 4, 2, 3)
    net = gn.Network(3, [gn.Dense(n, "tanh") for n in sizes[1:]], seed=4, dtype="float64")
    x, y = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    p = net.backprop(x, y, "half_squared_error")

    def gradient(slopes):
        """All derivatives from given slopes, forward numbers held."""
        blame, parts = (p.a[-1] - y)[0] * slopes[2], []
        for k in (2, 1, 0):
            parts = [np.outer(p.a[k][0], blame).ravel(), blame, *parts]
            blame = (net.weights[k] @ blame) * slopes[k - 1] if k else None
        return np.concatenate(parts)

    slopes = [net.layers[k].activation.slope(p.z[k], p.a[k + 1])[0] for k in range(3)]
    before = gradient(slopes)
    np.testing.assert_allclose(before, net.backprop(x, y, "half_squared_error").gradient.theta, rtol=1e-12)
    sharing = gn.explain(net, x, y, 0, (0, 0, 0), loss="half_squared_error").sharing
    for k, i in [(0, 0), (0, 3), (1, 1), (2, 0), (2, 2)]:
        changed = [slope.copy() for slope in slopes]
        changed[k][i] *= 1.5
        assert sharing.of_blame(k, i) == np.count_nonzero(gradient(changed) != before), (k, i)
    assert sharing.of_signal(1, 2) == 2
    assert sharing.of_weight(1, 2) == 3 + 1


def test_groups_leave_out_paths_and_sharing():
    net = gn.Network(4, [gn.Dense(4, "tanh", groups=((2, 2), (2, 2))), gn.Dense(1)], seed=0, dtype="float64")
    x, y = np.ones((1, 4)), [[0.5]]
    found = gn.explain(net, x, y, 0, (0, 1, 0), loss="squared_error")
    assert found.path_count == 1
    assert found.value == pytest.approx(net.backprop(x, y, "squared_error").gradient.weights[0][1, 0])
    assert found.sharing.parameters == 2 * 4 + 4 + 5
    assert found.sharing.of_signal(0, 1) == 2
    assert found.sharing.of_blame(0, 0) == 3
    with pytest.raises(gn.GlassnetError, match="does not exist"):
        gn.explain(net, x, y, 0, (0, 1, 2))


def test_a_user_s_own_activation_and_dropout_that_is_off():
    own = gn.Activation("cube", value=lambda z: z**3, slope=lambda z, a: 3 * z**2)
    net = gn.Network(2, [gn.Dense(3, own), gn.Dropout(0.5), gn.Dense(1)], seed=1, dtype="float64")
    x, y = [[0.3, -0.7]], [[1.0]]
    found = gn.explain(net, x, y, 0, (0, 1, 2))
    assert found.value == pytest.approx(net.backprop(x, y, "squared_error").gradient.weights[0][1, 2], rel=1e-12)
    assert "Dropout (layer 1) is off" in found.text()
    on = gn.explain(net, x, y, 0, (0, 1, 2), training=True)
    assert on.value == pytest.approx(net.backprop(x, y, "squared_error", training=True).gradient.weights[0][1, 2])
    assert "Dropout's mask" in on.text()


def test_a_kink_has_no_derivative_and_says_so():
    net = gn.Network(1, [gn.Dense(1, "relu", bias=False), gn.Dense(1)], seed=0, dtype="float64")
    net.theta = [0.0, 1.0, 0.0]
    found = gn.explain(net, [[1.0]], [[1.0]], 0, (0, 0, 0), loss="squared_error")
    assert math.isnan(found.numerical)
    assert "kink" in found.text()
    assert found.to_dict()["numerical"] is None


def test_saturated_outputs_keep_their_short_form():
    net = gn.Network(1, [gn.Dense(2, "softmax")], dtype="float64")
    net.theta = [900.0, -900.0, 0.0, 0.0]
    found = gn.explain(net, [[1.0]], [1], 0, (0, 0, 0))
    assert found.value == 1.0
    assert "short form" in found.text()


def test_many_rows_are_summed_in_blocks():
    rng = np.random.default_rng(1)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1)], seed=0, dtype="float64")
    x, y = rng.normal(size=(9000, 3)), rng.normal(size=9000)
    found = gn.explain(net, x, y, weight=(0, 1, 2), loss="squared_error")
    expected = net.backprop(x, y, "squared_error").gradient.weights[0][1, 2]
    assert found.value == pytest.approx(expected, rel=1e-11)
    assert found.numerical == pytest.approx(expected, rel=1e-7)
    assert "the other 8,990" in found.text()


NET = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dropout(0.2), gn.Dense(1)], seed=0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"row": 4}, "there are 4 rows: 0 to 3"),
        ({"row": -1}, "there are 4 rows: 0 to 3"),
        ({"row": [1, 1]}, "names a row twice"),
        ({"row": 1.5}, "the number of a row"),
        ({"row": []}, "the number of a row"),
        ({"weight": (0, 2, 0)}, "has 2 inputs: 0 to 1"),
        ({"weight": (0, 0, 3)}, "has 3 neurons: 0 to 2"),
        ({"weight": (3, 0, 0)}, "the last is 2"),
        ({"weight": (0, 0)}, "names no parameter"),
        ({"weight": "0:1;2"}, "names no parameter"),
        ({"weight": (0, 0, True)}, "names no parameter"),
        ({"bias": (0, 3)}, "0 to 2"),
        ({"weight": (0, 0, 0), "bias": (0, 0)}, "expected one of them"),
        ({"most": 0}, "most is 0"),
    ],
)
def test_what_is_refused(arguments, words):
    with pytest.raises(gn.GlassnetError, match=words):
        gn.explain(NET, np.zeros((4, 2)), np.zeros(4), **arguments)


def test_an_error_that_is_not_finite_is_refused():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    net.theta = [1e200, 0.0]
    with pytest.raises(gn.errors.NonFiniteError, match="nothing to explain"):
        gn.explain(net, [[1e200]], [[0.0]], 0, (0, 0, 0))


def test_a_layer_without_weights_means_the_one_that_reads_from_it():
    with pytest.warns(gn.GlassnetWarning, match="layer 2"):
        found = gn.explain(NET, np.ones((1, 2)), [1.0], 0, "1:2,0")
    assert str(found.place) == "weights[2][2, 0]"
    assert str(gn.explain(NET, np.ones((1, 2)), [1.0], 0, "biases[2][0]").place) == "biases[2][0]"
