"""Sensitivity against brute force row by row, against nudged weights and inputs, and against what training did."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.sensitivity import measuring, sensitivity

RNG = np.random.default_rng(7)
X = RNG.normal(size=(23, 4)) * [1, 10, 0.1, 3]
LABELS = np.arange(23) % 3
NUMBERS = RNG.normal(size=(23, 2))


def classes(dtype="float64"):
    layers = [gn.Dense(6, "relu"), gn.Dropout(0.4), gn.Dense(5, "tanh"), gn.Dense(3, "softmax")]
    return gn.Network(4, layers, seed=2, dtype=dtype), LABELS, "cross_entropy"


CASES = {
    "classes, dropout": classes,
    "float32": lambda: classes("float32"),
    "numbers": lambda: (gn.Network(4, [gn.Dense(5, "gelu"), gn.Dense(2)], seed=1), NUMBERS, "huber"),
    "no hidden layer": lambda: (gn.Network(4, [gn.Dense(3, "softmax")], seed=1), LABELS, "cross_entropy"),
    "one output": lambda: (gn.Network(4, [gn.Dense(1, "sigmoid")], seed=1), LABELS == 1, "binary_cross_entropy"),
    "no biases": lambda: (gn.Network(4, [gn.Dense(2, "tanh", bias=False)], seed=1), NUMBERS, "squared_error"),
    "dropout first": lambda: (gn.Network(4, [gn.Dropout(0.5), gn.Dense(2)], seed=1), NUMBERS, "squared_error"),
    "long form": lambda: (gn.Network(4, [gn.Dense(3, "softmax")], seed=1), LABELS, "squared_error"),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]()


def error(net, x, y, loss):
    return net.backprop(x, y, loss).loss


def gradients_row_by_row(net, y, loss):
    exact = net.astype("float64")
    return np.array([exact.backprop(X[i : i + 1], y[i : i + 1], loss).gradient.theta for i in range(len(X))])


def nudged_inputs(net, x, y, loss):
    """Central differences of the error in each input of one row."""
    exact, h = net.astype("float64"), 1e-6
    slope = []
    for j in range(x.shape[1]):
        up, down = x.copy(), x.copy()
        up[0, j] += h
        down[0, j] -= h
        slope.append((error(exact, up, y, loss) - error(exact, down, y, loss)) / (2 * h))
    return np.array(slope)


def nudged_weights(net, x, y, loss):
    exact, h = net.astype("float64"), 1e-6
    slope = []
    for i in range(len(exact.theta)):
        was = exact.theta[i]
        ends = []
        for nudge in (h, -h):
            exact.theta[i] = was + nudge
            ends.append(error(exact, x, y, loss))
        exact.theta[i] = was
        slope.append((ends[0] - ends[1]) / (2 * h))
    return np.array(slope)


@pytest.mark.parametrize("at_a_time", [1, 10**9])
def test_means_over_rows_are_those_of_each_row_by_itself(case, at_a_time, monkeypatch):
    net, y, loss = case
    monkeypatch.setattr(measuring, "_BYTES_AT_A_TIME", at_a_time)
    found = sensitivity(net, X, y, loss)
    each = gradients_row_by_row(net, y, loss)
    np.testing.assert_allclose(found.magnitude, np.abs(each).mean(axis=0), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(found.mean, each.mean(axis=0), rtol=1e-10, atol=1e-15)
    inputs = np.array([nudged_inputs(net, X[i : i + 1], y[i : i + 1], loss) for i in range(len(X))])
    np.testing.assert_allclose(found.input_magnitude, np.abs(inputs).mean(axis=0), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.input_mean, inputs.mean(axis=0), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.input_spread, X.std(axis=0), rtol=1e-12)
    assert found.error == pytest.approx(error(net.astype("float64"), X, y, loss))


@pytest.mark.parametrize("row", [0, 17, np.int64(22)])
def test_one_row_is_its_numerical_derivative(case, row):
    net, y, loss = case
    found = sensitivity(net, X, y, loss, row=row)
    x, truth = X[row : row + 1], y[row : row + 1]
    np.testing.assert_allclose(found.mean, nudged_weights(net, x, truth, loss), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.input_mean, nudged_inputs(net, x, truth, loss), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(found.magnitude, np.abs(found.mean))
    np.testing.assert_allclose(found.input_spread, X.std(axis=0))  # the spread is that of all rows
    assert found.x.tolist() == X[row].tolist()


def test_rows_that_pull_apart_cancel_in_the_mean_only():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    net.theta = [1.0, 0.0]
    found = sensitivity(net, [[1.0], [1.0]], [3.0, -1.0], "half_squared_error")
    assert found.mean.tolist() == [0.0, 0.0]
    assert found.magnitude.tolist() == [2.0, 2.0]


# --- lists -------------------------------------------------------------------------------------------------------


def test_top_is_the_largest_of_all_and_of_a_layer():
    net, y, loss = classes()
    found = sensitivity(net, X, y, loss)
    by_hand = sorted(range(len(found.magnitude)), key=lambda i: -found.magnitude[i])
    assert [each.name for each in found.top(12)] == [net.layout.describe(i) for i in by_hand[:12]]
    assert len(found.top(10**6)) == len(found.magnitude)
    for k in (0, 2, 3):
        names = [net.layout.describe(i) for i in by_hand if net.layout.locate(i)[0] == k]
        assert [each.name for each in found.top(5, k)] == names[:5]
    assert found.top(5, 1) == []  # dropout has none


def test_weights_are_named_by_what_they_join():
    net, y, loss = classes()
    frame = pd.DataFrame(X, columns=["age", "area", "rooms", "floor"])
    found = sensitivity(net, frame, y, loss, class_names=["low", "mid", "high"])
    named = {each.name: (each.source, each.target, each.value) for each in found.top(10**6)}
    assert named["weights[0][1, 5]"] == ("area", "unit 5 of layer 0", net.weights[0][1, 5])
    assert named["weights[2][5, 4]"] == ("unit 5 of layer 0", "unit 4 of layer 2", net.weights[2][5, 4])
    assert named["weights[3][4, 2]"] == ("unit 4 of layer 2", "output high", net.weights[3][4, 2])
    assert named["biases[3][0]"] == ("bias", "output low", net.biases[3][0])
    first = found.inputs(1)[0]
    j = int(np.argmax(found.input_magnitude * X.std(axis=0)))
    assert first.name == frame.columns[j]
    assert first.scaled == pytest.approx(found.input_magnitude[j] * X[:, j].std())


def test_inputs_of_other_units_compare():
    """The same data in metres and in millimetres: the slope changes a thousandfold, what is compared does not."""
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(1)], seed=0, dtype="float64")
    other = net.copy()
    other.weights[0][0] /= 1000
    y = NUMBERS[:, 0]
    a = sensitivity(net, X[:, :2], y, "squared_error")
    b = sensitivity(other, X[:, :2] * [1000, 1], y, "squared_error")
    np.testing.assert_allclose(a.input_magnitude, b.input_magnitude * [1000, 1])
    np.testing.assert_allclose(a.input_scaled, b.input_scaled)


def test_layers_sum_up():
    net, y, loss = classes()
    found = sensitivity(net, X, y, loss, last_update=np.ones(net.layout.size))
    layers = found.layers()
    assert [each.layer for each in layers] == [0, 2, 3]
    assert sum(each.share for each in layers) == pytest.approx(1)
    assert layers[0].average == pytest.approx(found.magnitude[: 4 * 6 + 6].mean())
    assert layers[0].parameters == 30
    assert {each.update for each in layers} == {1.0}


def test_plain_values():
    net, y, loss = classes()
    found = sensitivity(net, X, y, loss, last_update=net.theta)
    values = json.loads(json.dumps(found.to_dict(3), allow_nan=False))
    assert len(values["weights"]) == 3
    assert len(values["inputs"]) == 4
    assert [len(each["weights"]) for each in values["layers"]] == [3, 3, 3]
    assert "weights[" in str(found)
    assert "rank correlation" in found.text()


# --- the last update ---------------------------------------------------------------------------------------------


def test_the_ratio_of_plain_descent_is_its_learning_rate():
    net, y, loss = classes()
    before = net.copy()
    net = gn.Network(4, [layer for layer in net.layers if not isinstance(layer, gn.Dropout)], seed=2, dtype="float64")
    before = net.copy()
    gn.train(net, X, y, loss, optimizer="sgd(0.25)", batch_size=None, epochs=1)
    found = sensitivity(before, X, y, loss, last_update=net.theta - before.theta)
    ratios = [each.ratio for each in found.top(10**6) if each.ratio is not None and abs(each.mean) > 1e-6]
    assert len(ratios) > 40
    np.testing.assert_allclose(ratios, 0.25, rtol=1e-7)


def test_strong_effects_get_large_adjustments():
    net, y, loss = classes()
    slope = sensitivity(net, X, y, loss).magnitude
    assert sensitivity(net, X, y, loss, last_update=slope * -3).rank_correlation() == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=len(slope))
    by_hand = np.corrcoef(pd.Series(slope).rank(), pd.Series(np.abs(noise)).rank())[0, 1]
    assert sensitivity(net, X, y, loss, last_update=noise).rank_correlation() == pytest.approx(by_hand)


def test_the_folder_of_the_run(tmp_path):
    net, y, loss = classes("float32")
    gn.train(net, X, y, loss, epochs=2, batch_size=8, checkpoint=tmp_path / "a.run")
    last = []

    def note(event: gn.StepEnded):
        last.append(event.network.theta.copy())

    again, _, _ = classes("float32")
    gn.train(again, X, y, loss, epochs=2, batch_size=8, callbacks=[note])
    found = sensitivity(net, X, y, loss, last_update=tmp_path / "a.run")
    np.testing.assert_array_equal(found.last_update, (last[-1] - last[-2]).astype(float))
    assert "step 5" in found.last_update_says
    other = sensitivity(classes("float32")[0], X, y, loss, last_update=tmp_path / "a.run")
    assert other.last_update is None
    assert "other weights" in other.last_update_says
    early = gn.EarlyStopping(1, monitor="loss", min_delta=1e3)
    gn.train(net, X, y, loss, epochs=9, checkpoint=tmp_path / "b.run", early_stopping=early)
    stopped = sensitivity(net, X, y, loss, last_update=str(tmp_path / "b.run"))
    assert stopped.last_update is None
    assert "before its planned end" in stopped.text()


# --- limits ------------------------------------------------------------------------------------------------------


def test_many_rows_and_a_million_weights_in_little_memory():
    net = gn.Network(784, [gn.Dense(1000, "relu"), gn.Dense(100, "relu"), gn.Dense(10, "softmax")])
    x = np.random.default_rng(0).random((4000, 784), np.float32)
    tracemalloc.start()
    found = sensitivity(net, x, np.arange(4000) % 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.magnitude.shape == (net.layout.size,)
    # X in float64 is 25 MB, θ 7; the rows' gradients would be 29 GB
    assert peak < 250e6


def test_what_is_refused():
    net, y, loss = classes()
    for row in (23, -1, 1.5, True, "a"):
        with pytest.raises(InputError, match="row is"):
            sensitivity(net, X, y, loss, row=row)
    with pytest.raises(InputError, match="last_update has shape"):
        sensitivity(net, X, y, loss, last_update=np.ones(3))
    with pytest.raises(InputError, match="no folder of a run"):
        sensitivity(net, X, y, loss, last_update="nowhere.run")
    with pytest.raises(InputError, match="image_shape"):
        sensitivity(net, X, y, loss, image_shape=(3, 3))
    with pytest.raises(InputError, match=r"expected a gn\.Network"):
        sensitivity("net", X, y)


def test_weights_that_are_not_finite():
    net, y, loss = classes()
    net.theta[3] = np.nan
    with pytest.raises(NonFiniteError, match="of row 0 or its slope is not finite"):
        sensitivity(net, X, y, loss)


def test_a_flat_place_is_said_to_be_flat():
    net = gn.Network(2, [gn.Dense(1)], dtype="float64")
    net.theta = [0, 0, 1.0]
    found = sensitivity(net, np.eye(2), [1.0, 1.0], "squared_error")
    assert "hardly reacts to anything" in found.text()
    assert found.rank_correlation() is None
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_links_that_do_not_exist_are_no_weights():
    if "groups" not in gn.Dense.__dataclass_fields__:
        pytest.skip("Dense has no groups")
    net = gn.Network(4, [gn.Dense(4, "tanh", groups=[(2, 2), (2, 2)]), gn.Dense(2)], seed=0, dtype="float64")
    found = sensitivity(net, X, NUMBERS, "squared_error")
    absent = ~net.layout.mask("present")
    assert absent.sum() == 8
    assert not found.magnitude[absent].any()
    assert len(found.top(10**6)) == net.layout.parameters
    each = gradients_row_by_row(net, NUMBERS, "squared_error")
    np.testing.assert_allclose(found.magnitude, np.abs(each).mean(axis=0), rtol=1e-12)
