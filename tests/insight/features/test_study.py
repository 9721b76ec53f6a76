"""What is found in networks of which it is known what their units see."""

import json

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import InputError, NonFiniteError, PairingError
from glassnet.insight.features import features
from glassnet.network.backprop import forward

from .conftest import NAMES, planted_rows


@pytest.fixture(scope="module")
def found(planted):
    return features(*planted, image_shape=(3, 3))


def test_every_hidden_unit_is_there_and_its_state_is_known(found):
    assert [unit.name for unit in found.units] == [f"0:{i}" for i in range(7)]
    states = dict(zip(NAMES, [unit.state for unit in found.units], strict=True))
    assert states.pop("dead") == "dead"
    assert states.pop("constant") == "constant"
    assert set(states.values()) == {"works"}
    (layer,) = found.layers
    assert (layer.dead, layer.constant, layer.saturated) == ((4,), (6,), ())


def test_the_unit_that_copies_a_pixel_shows_that_pixel(found, planted):
    _, x, labels = planted
    unit = found.units[0]
    pixel = np.zeros(9)
    pixel[7] = 1
    np.testing.assert_array_equal(unit.direction, pixel)
    np.testing.assert_array_equal(unit.weights, pixel)
    order = np.argsort(-x[:, 7])[:8]
    assert unit.rows.tolist() == order.tolist()
    np.testing.assert_array_equal(unit.activities, x[order, 7])
    assert unit.answers == tuple(map(str, labels[order]))
    np.testing.assert_allclose(unit.row_mean, x[order].mean(axis=0))
    best = x.mean(axis=0)
    best[7] = x[:, 7].max()
    np.testing.assert_allclose(unit.best_input, best)
    assert unit.best_z == unit.highest_z == x[:, 7].max()
    assert unit.incoming_correlation[7] == pytest.approx(1)
    assert unit.incoming_correlation[3] == pytest.approx(np.corrcoef(x[:, 3], x[:, 7])[0, 1])


def test_units_that_say_the_same_are_told_also_with_another_scale_or_sign(found):
    assert found.layers[0].alike == ((0, 3), (1, 2))
    assert found.units[2].same_as == ("0:1",)
    assert found.units[5].same_as == ()


def test_the_unit_that_sees_class_2_tells_it_always(found, planted):
    unit = found.units[5]
    assert unit.auroc[2] == 1
    assert unit.sees == 2
    assert unit.selectivity == 1
    assert unit.active == pytest.approx(1 / 3)
    assert set(unit.answers) == {"2"}
    assert found.seeing(2)[0] is unit
    assert found.seeing("2") == found.seeing(2)
    assert {u.state for u in found.seeing(2)} == {"works"}
    assert len(found.seeing(2)) == 5


def test_links_between_hidden_and_output_skip_dropout(found, planted):
    net, x, _ = planted
    a = forward(net.layers, net.parameters, x)[1]
    for unit in found.units[:4]:
        assert (unit.hears, unit.heard_by) == (None, 2)
        np.testing.assert_array_equal(unit.outgoing_weights, net.weights[2][unit.index])
        expected = [np.corrcoef(a[1][:, unit.index], a[3][:, c])[0, 1] for c in range(3)]
        np.testing.assert_allclose(unit.outgoing_correlation, expected, atol=1e-12)
        np.testing.assert_allclose(unit.effect, a[1][:, unit.index].mean() * net.weights[2][unit.index])
    assert np.isnan(found.units[4].outgoing_correlation).all()
    assert [(links.layer, links.links, links.compared) for links in found.links] == [(0, 63, 45), (2, 21, 15)]


def test_a_later_units_direction_is_the_mean_numerical_slope_at_its_rows(deep):
    net, x, labels = deep
    found = features(net, x, labels, top=5)
    assert [layer.layer for layer in found.layers] == [0, 2]
    unit = found.unit(2, 3)
    assert unit.hears == 0
    assert len(unit.weights) == 6

    def z(rows):
        return forward(net.layers, net.parameters, rows)[0][2][:, 3]

    assert unit.rows.tolist() == np.argsort(-z(x))[:5].tolist()
    h = 1e-6
    slope = [(z(x[unit.rows] + h * e) - z(x[unit.rows] - h * e)).mean() / (2 * h) for e in np.eye(5)]
    np.testing.assert_allclose(unit.direction, slope, atol=1e-8)


def test_saturated_units():
    net = gn.Network(2, [gn.Dense(3, "sigmoid"), gn.Dense(2, "softmax")], dtype="float64")
    net.weights[0] = [[1000, 1, 0], [0, 0, 1]]
    x = np.random.default_rng(0).normal(size=(200, 2))
    states = [unit.state for unit in features(net, x, (x[:, 0] > 0).astype(int)).units]
    assert states == ["saturated", "works", "works"]


# --- what is compared with -------------------------------------------------------------------------------------------


def one_output(activation):
    return gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1, activation)], seed=0, dtype="float64")


X = np.random.default_rng(0).normal(size=(60, 3))


def test_numbers_are_compared_by_correlation():
    y = X @ [1.0, 2.0, -1.0]
    found = features(one_output("identity"), X, y, class_names=["price"])
    assert (found.truth, found.classes, found.outputs) == ("numbers", (), ("price",))
    net = one_output("identity")
    a = forward(net.layers, net.parameters, X)[1][1]
    for unit in found.units:
        assert unit.truth_correlation[0] == pytest.approx(np.corrcoef(a[:, unit.index], y)[0, 1])
        assert unit.sees is None
        assert unit.auroc.shape == (0,)
        assert unit.telling == abs(unit.truth_correlation[0])
    assert unit.answers[0] == f"{y[unit.rows[0]]:.4g}"
    with pytest.raises(InputError, match="numbers, not classes"):
        found.seeing(0)


def test_yes_and_no_on_one_output_are_two_classes():
    y = (X[:, 0] > 0).astype(int)
    found = features(one_output("sigmoid"), X, y, class_names=["no", "yes"])
    assert (found.classes, found.class_counts) == (("no", "yes"), (int((y == 0).sum()), int(y.sum())))
    assert found.units[0].auroc.sum() == pytest.approx(1)
    assert found.effect_on(found.units[0], 1) == found.units[0].effect[0] == -found.effect_on(found.units[0], 0)
    assert features(one_output("sigmoid"), X, y).classes == ("0 = 0", "0 = 1")
    assert features(one_output("sigmoid"), X, y / 2 + 0.25, class_names=["p"]).classes == ("p = 0.25", "p = 0.75")


def test_classes_that_do_not_exclude_each_other():
    y = (X[:, :2] > 0).astype(float)
    net = gn.Network(3, [gn.Dense(3, "relu", bias=False), gn.Dense(2, "sigmoid")], dtype="float64")
    net.weights[0] = np.eye(3)
    found = features(net, X, y, class_names=["a", "b"])
    assert found.units[0].auroc[0] == found.units[1].auroc[1] == 1
    assert found.units[0].auroc[1] < 0.9
    assert found.class_counts == tuple(y.sum(axis=0).astype(int))
    both = found.shown.keys()
    assert both
    assert {answer for unit in found.units for answer in unit.answers} <= {"a", "b", "a, b", "none"}


@pytest.mark.parametrize(
    ("outputs", "activation", "truth", "classes"),
    [
        (3, "softmax", "predicted classes", 3),
        (1, "sigmoid", "predicted classes", 2),
        (2, "sigmoid", "predicted classes", 2),
        (2, "identity", "predicted numbers", 0),
    ],
)
def test_without_truth_predictions_stand_in(outputs, activation, truth, classes):
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(outputs, activation)], seed=1)
    found = features(net, X)
    assert (found.truth, len(found.classes)) == (truth, classes)
    if activation == "softmax":
        assert found.class_counts == tuple(np.bincount(net.predict(X).argmax(axis=1), minlength=3))
    assert "predict" in found.text()


# --- arguments -------------------------------------------------------------------------------------------------------


def test_many_rows_are_drawn_and_keep_their_numbers(planted):
    net = planted[0]
    x, labels = planted_rows(400)
    found = features(net, x, labels, max_rows=100, seed=5)
    assert (found.rows, found.rows_given) == (100, 400)
    assert "100 of 400 rows, drawn at random (seed 5)" in found.text()
    for row, values in found.shown.items():
        np.testing.assert_array_equal(values, x[row])
    again, other = (features(net, x, labels, max_rows=100, seed=s) for s in (5, 6))
    assert again.to_dict() == found.to_dict()
    assert other.to_dict() != found.to_dict()
    with pytest.raises(InputError, match="X has 400 rows"):
        features(net, x, labels[:300], max_rows=100)


def test_names_come_from_a_data_frame_also_where_rows_are_drawn():
    frame = pd.DataFrame(X, columns=["age", "area", "rooms"])
    for max_rows in (20, 5000):
        assert features(one_output("identity"), frame, X[:, 0], max_rows=max_rows).inputs == ("age", "area", "rooms")


def test_one_layer_alone(deep):
    found = features(*deep, layer=2)
    assert {unit.layer for unit in found.units} == {2}
    assert [links.layer for links in found.links] == [2, 3]
    assert features(*deep, layer=[2, 0]).to_dict() == features(*deep).to_dict()


def test_links_that_do_not_exist_are_not_counted():
    layers = [gn.Dense(4, "tanh", groups=((2, 2), (1, 2))), gn.Dense(2, "softmax")]
    net = gn.Network(3, layers, seed=0, dtype="float64")
    found = features(net, X, (X[:, 0] > 0).astype(int))
    assert [(links.links, links.compared) for links in found.links] == [(6, 6), (8, 8)]
    assert np.isnan(found.units[0].incoming_correlation).tolist() == [False, False, True]


def test_plain_values_are_json_and_can_leave_long_arrays_out(found):
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert values["units"][4]["auroc"][0] == 0.5
    assert values["units"][4]["row_mean"] == [None] * 9
    assert values["units"][5]["sees"] == 2
    assert values["links"][0]["layer"] == 0
    short = json.loads(json.dumps(found.to_dict(whole=False), allow_nan=False))
    assert set(values["units"][0]) - set(short["units"][0]) >= {"weights", "direction", "best_input", "row_mean"}
    assert short["units"][0]["rows"] == values["units"][0]["rows"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": 1}, "expected a hidden Dense layer of this network: 0"),
        ({"layer": 2}, "expected a hidden Dense layer"),
        ({"layer": True}, "expected a hidden Dense layer"),
        ({"layer": []}, "empty list"),
        ({"layer": "0"}, "expected a hidden Dense layer"),
        ({"image_shape": (3, 4)}, r"product is 9"),
        ({"image_shape": 9}, r"product is 9"),
        ({"top": 0}, "top is 0"),
        ({"alike": 1.5}, "alike is 1.5"),
        ({"max_rows": 1}, "max_rows is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"class_names": ["a"]}, "3 outputs"),
        ({"feature_names": ["a"]}, "9 inputs"),
        ({"Y": np.zeros(89, int)}, "X has 90 rows"),
        ({"X": np.zeros((90, 8))}, "reads rows of shape"),
        ({"X": np.zeros((0, 9)), "Y": np.zeros(0, int)}, "no rows"),
        ({"net": "net"}, r"expected a gn\.Network"),
        ({"net": gn.Network(9, [gn.Dense(3, "softmax")])}, "no hidden layer"),
    ],
)
def test_what_is_refused(planted, change, message):
    net, x, labels = planted
    with pytest.raises(InputError, match=message):
        features(**{"net": net, "X": x, "Y": labels, **change})


def test_a_loss_that_cannot_read_the_output_is_refused(planted):
    with pytest.raises(PairingError):
        features(*planted, loss="binary_cross_entropy_from_logits")


def test_weights_that_make_nan_are_named():
    net = gn.Network(3, [gn.Dense(4, "relu"), gn.Dense(2, "softmax")], seed=0)
    net.theta[5] = np.nan
    for truth in (np.zeros(60, int), None):
        with pytest.raises(NonFiniteError, match=r"Neuron 0:1 has the activity nan in row 0") as caught:
            features(net, X, truth)
        assert (caught.value.layer, caught.value.unit) == (0, 1)


def test_rows_too_far_apart_are_refused_in_a_sentence():
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(2, "softmax")], seed=0)
    with pytest.raises(NonFiniteError, match=r"Input 0 .* scale X down"):
        features(net, X * 1e200, np.zeros(60, int))


def test_rows_close_together_have_a_best_input_still():
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(2, "softmax")], seed=0)
    found, tiny = (features(net, X * size, np.zeros(60, int)) for size in (1e-3, 1e-200))
    assert tiny.radius == pytest.approx(found.radius * 1e-197)
    for unit, other in zip(found.units, tiny.units, strict=True):
        np.testing.assert_allclose(other.best_input * 1e197, unit.best_input)
        np.testing.assert_allclose(other.incoming_correlation, unit.incoming_correlation, rtol=1e-4)


def test_names_are_printable_in_every_record(planted):
    found = features(*planted, class_names=["\0z", "a\nb", "c"])
    assert found.classes == ("\ufffdz", "a b", "c")
    assert found.class_index("\0z") == 0
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1, "sigmoid")], seed=0)
    assert features(net, X, np.arange(60) % 2, class_names=["\0", "y\ny"]).classes == ("\ufffd", "y y")


def test_in_a_notebook_it_is_a_named_frame(planted):
    assert '<iframe title="What hidden units see"' in features(*planted)._repr_html_()


def test_one_row_and_one_class_are_enough_for_what_can_be_said(planted):
    net, x, labels = planted
    one = features(net, x[:1], labels[:1])
    assert {unit.state for unit in one.units} == {"dead", "constant"}
    same = features(net, x[labels == 2], labels[labels == 2])
    assert np.isnan(same.units[5].auroc).all()
    assert same.units[5].sees is None
    for each in (one, same):
        assert "no row of this class, or no unit" in each.text()
        assert each.text(of=2)
        assert each.html()


# --- words -----------------------------------------------------------------------------------------------------------


def test_the_summary_names_what_was_planted(found):
    text = found.text()
    assert str(found) == text
    assert "7 hidden units of the network 9 → 7 → 3, over 90 rows." in text
    assert "1 dead, never active (0:4); 1 constant (0:6)" in text
    assert "0:0 = 0:3, 0:1 = 0:2" in text
    assert "  2  0:5 1.000" in text


def test_a_class_and_a_unit_in_words(found, planted):
    _, x, labels = planted
    text = found.text(of=2)
    assert "30 rows of the class 2." in text
    line = next(line for line in text.splitlines() if line.split()[:1] == ["0:5"]).split()
    assert line[1] == "1.000"
    assert float(line[2]) == pytest.approx(x[labels == 2, 0].mean(), rel=1e-3)
    assert float(line[3]) == 0
    unit = found.text(unit=(0, 5))
    assert "Unit 0:5, relu." in unit
    assert "x0  +1" in unit
    assert "Says the same as 0:0" in found.text(unit=(0, 3))
    assert "Dead" in found.text(unit=(0, 4))
    with pytest.raises(InputError, match="expected one of 0:0 to 0:6"):
        found.text(unit=(0, 7))
    with pytest.raises(InputError, match="no class 'x'; expected one of 0, 1, 2"):
        found.text(of="x")


def test_large_networks_are_asked_at_fewer_rows_and_say_so(deep, monkeypatch):
    whole = features(*deep)
    assert whole.effect_rows == whole.rows == 40
    monkeypatch.setattr("glassnet.insight.features.inputs._WORK", 1)
    few = features(*deep)
    assert few.effect_rows == 32
    assert "Effects of layers before the last hidden one are means over 32 of these rows." in few.text()
    np.testing.assert_array_equal(few.unit(2, 1).effect, whole.unit(2, 1).effect)
    assert not np.array_equal(few.unit(0, 1).effect, whole.unit(0, 1).effect)
