"""`gn.doctor` as people call it: with little and with much, and what it says, proves and refuses."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

import glassnet as gn


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.data / 16, data.target


def _network(units=32, g="relu", seed=0):
    return gn.Network(64, [gn.Dense(units, g), gn.Dense(10, "softmax")], seed=seed)


@pytest.fixture(scope="module")
def healthy(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("healthy") / "digits.run"
    net = _network()
    history = gn.train(net, *digits, "cross_entropy", epochs=15, validation=0.2, checkpoint=folder)
    return net, history, folder


@pytest.fixture(scope="module")
def hot(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hot") / "hot.run"
    net = _network(seed=1)
    history = gn.train(net, *digits, "cross_entropy", optimizer="sgd(8)", epochs=8, validation=0.2, checkpoint=folder)
    return net, history, folder


def test_a_healthy_run_hears_one_line_with_its_figures(digits, healthy):
    net, history, folder = healthy
    found = gn.doctor(net, *digits, history=history, run=folder)
    assert found.healthy
    assert found.unseen == ()
    assert str(found).count("\n") == 0
    assert str(found).startswith("Nothing ails this training: ")
    held_out = history.validation_accuracy[-1]
    assert f"{held_out:.1%} of the held-out rows right" in str(found)


def test_a_share_that_was_held_out_is_found_again(digits, tmp_path):
    X, y = digits
    net = _network()
    gn.train(net, X[:500], y[:500], "cross_entropy", epochs=4, validation=0.27, seed=5, checkpoint=tmp_path / "x.run")
    found = gn.doctor(net, X[:500], y[:500], run=tmp_path / "x.run")
    assert found.signs.known.held_out is not None
    assert len(found.signs.known.held_out) == 135
    assert found.caveat == ""


def test_what_could_not_be_looked_at_is_told_when_asked(digits, healthy):
    found = gn.doctor(healthy[0], *digits)
    assert found.healthy
    assert len(found.unseen) == 4
    assert all(each not in str(found) for each in found.unseen)


def test_other_rows_than_those_of_the_run_are_told(digits, healthy):
    net, history, folder = healthy
    X, y = digits
    found = gn.doctor(net, X[::-1], y[::-1], history=history, run=folder)
    assert "fingerprint differs" in found.caveat
    assert found.caveat in str(found)


def test_another_network_than_that_of_the_run_is_refused(digits, healthy):
    with pytest.raises(gn.GlassnetError, match="of another network"):
        gn.doctor(_network(16), *digits, run=healthy[2])


def test_a_rate_too_high_is_told_and_the_cure_is_proved(digits, hot):
    net, history, folder = hot
    found = gn.doctor(net, *digits, history=history, run=folder, prove=True)
    assert found.names[0] == "rate_too_high"
    better = found.findings[0].numbers["better_rate"]
    assert better < 4
    trial = found.trials[0]
    assert trial.helped
    assert len(trial.loss_after) == len(trial.loss_before) == 8
    # the same start, batches and length by hand
    other = _network(seed=1)
    again = gn.train(other, *digits, "cross_entropy", optimizer=gn.SGD(better), epochs=8, validation=0.2)
    guess = np.array(history.validation_loss) / np.array(trial.validation_before)
    np.testing.assert_allclose(np.array(trial.validation_after) * guess[0], again.validation_loss, rtol=1e-6)
    assert "Tried: " in found.text()
    assert "▁" in found.text()


def test_without_the_run_a_rate_too_high_is_probable(digits, hot):
    net, history, _ = hot
    found = gn.doctor(net, *digits, history=history, validation=0.2)
    assert {"rate_too_high", "dead_units"} & set(found.names[:1])


def test_early_stopping_is_proved_by_taking_the_run_again(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 20))
    y = (X[:, 0] + 0.8 * rng.normal(size=160) > 0).astype(int)
    net = gn.Network(20, [gn.Dense(128, "relu"), gn.Dense(2, "softmax")], seed=0)
    split = (X[:80], y[:80]), (X[80:], y[80:])
    history = gn.train(
        net,
        *split[0],
        "cross_entropy",
        optimizer="adam(0.01)",
        epochs=60,
        validation=split[1],
        checkpoint=tmp_path / "r",
    )
    found = gn.doctor(net, *split[0], history=history, run=tmp_path / "r", validation=split[1], prove=True)
    assert found.names == ("overfitting",)
    best = found.findings[0].numbers["best_epoch"]
    trial = found.trials[0]
    assert trial.helped
    assert (
        f"{history.validation_loss[best] / history.validation_loss[-1] * trial.validation_before[-1]:.0%}" in trial.says
    )
    assert len(trial.loss_after) == best + 1


def test_the_run_is_not_changed_by_being_looked_at(digits, hot):
    net, history, folder = hot
    before, written = net.theta.copy(), {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    gn.doctor(net, *digits, history=history, run=folder, prove=True)
    assert np.array_equal(net.theta, before)
    assert {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()} == written


def test_a_run_that_met_a_nan_is_told_from_its_folder_alone(tmp_path):
    rng = np.random.default_rng(0)
    X = 1e4 * rng.normal(size=(200, 3))
    net = gn.Network(3, [gn.Dense(16, "relu"), gn.Dense(1)], seed=0)
    with pytest.raises(gn.GlassnetError):
        gn.train(net, X, X[:, 0] ** 2, "squared_error", optimizer="sgd(0.1)", checkpoint=tmp_path / "r", epochs=5)
    found = gn.doctor(net, X, X[:, 0] ** 2, run=tmp_path / "r")
    assert found.names[0] == "not_finite"
    assert "In step" in found.findings[0].says or "The update of step" in found.findings[0].says


def test_a_diagnosis_is_plain_values_in_json(digits, hot):
    net, history, folder = hot
    found = gn.doctor(net, *digits, history=history, run=folder, prove=True)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["findings"][0]["name"] == found.names[0]
    assert values["trials"][0]["loss_after"] == list(found.trials[0].loss_after)


def test_a_name_from_the_data_cannot_write_html(tmp_path, see):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    X = np.stack([rng.normal(size=300), y + 0.0, rng.normal(size=300) + y], axis=1)
    net = gn.Network(3, [gn.Dense(8, "relu"), gn.Dense(2, "softmax")], seed=0)
    history = gn.train(net, X, y, "cross_entropy", epochs=8)
    names = ["a", "<script>alert(1)</script>", "c"]
    found = gn.doctor(net, X, y, history=history, feature_names=names)
    assert found.names == ("leaking_target",)
    assert "<script>alert" not in found.html()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_can_be_read(digits, hot, tmp_path, see, width, dark):
    net, history, folder = hot
    page = tmp_path / "page.html"
    page.write_text(gn.doctor(net, *digits, history=history, run=folder, prove=True).html("Diagnosis of hot"))
    seen = see(page, width=width, dark=dark)
    assert seen.troubles() == []
    assert "Rate too high" in seen.page.inner_text("main")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"history": {"loss": [1.0]}}, "history is a dict; expected what gn.train returned"),
        ({"start": [1.0, 2.0]}, "start has shape"),
        ({"run": "nowhere.run"}, "nowhere.run"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(digits, arguments, says):
    with pytest.raises(gn.GlassnetError, match=says):
        gn.doctor(_network(), *digits, **arguments)


# --- shapes of networks and targets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "loss", "kind"),
    [
        ([gn.Dense(1)], "squared_error", "number"),
        ([gn.Dense(16, "tanh"), gn.Dense(1)], "huber", "number"),
        ([gn.Dense(16, "relu"), gn.Dropout(0.1), gn.Dense(1)], "absolute_error", "number"),
        ([gn.Dense(16, "tanh"), gn.Dense(1)], "quantile(0.8)", "number"),
        ([gn.Dense(16, "tanh"), gn.Dense(1, "exp")], "poisson", "count"),
        ([gn.Dense(16, "gelu"), gn.Dense(2)], "mean_squared_error", "two numbers"),
        ([gn.Dense(1, "sigmoid")], "binary_cross_entropy", "class"),
        ([gn.Dense(16, "relu"), gn.Dense(1)], "binary_cross_entropy_from_logits", "class"),
        ([gn.Dense(16, "relu"), gn.Dense(2)], "cross_entropy_from_logits", "class"),
        ([gn.Dense(16, "relu"), gn.Dense(2)], "hinge", "class"),
        ([gn.Dense(16, "sigmoid"), gn.Dense(1, "sigmoid")], "squared_error", "class"),
        ([gn.Dense(16, "tanh"), gn.Dense(2, "sigmoid")], "binary_cross_entropy", "two labels"),
    ],
)
def test_every_kind_of_training_can_be_healthy(layers, loss, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    signal = X[:, 0] - 0.5 * X[:, 1]
    noise = 0.3 * rng.normal(size=400)
    Y = {
        "number": signal + noise,
        "count": rng.poisson(np.exp(0.5 * signal)).astype(float),
        "two numbers": np.stack([signal, X[:, 2]], axis=1) + noise[:, None],
        "class": (signal + noise > 0).astype(int),
        "two labels": np.stack([signal + noise > 0, X[:, 2] > 0], axis=1).astype(float),
    }[kind]
    net = gn.Network(4, layers, seed=0)
    history = gn.train(net, X, Y, loss, optimizer="adam(0.01)", epochs=30, validation=0.25)
    found = gn.doctor(net, X, Y, history=history, validation=0.25)
    assert found.names == ()
    assert gn.doctor(net, X, Y).names == ()
