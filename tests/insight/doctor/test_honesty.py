"""What the doctor must not get wrong: weighted rows, cures that are run, leaks, runs without a step, absurd figures."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import FileError
from glassnet.insight.doctor import columns
from glassnet.insight.doctor.judging import share


def _rare(share_of_one, shift, m=4000, seed=1):
    rng = np.random.default_rng(seed)
    y = (rng.random(m) < share_of_one).astype(int)
    X = rng.normal(size=(m, 6))
    X[y == 1, :3] += shift
    return X, y


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_weighted_rows_are_judged_as_held_out_ones_are(scale):
    X, y = _rare(0.1, 1.3)
    weight = scale * np.where(y == 1, 5.0, 0.56)[:3000]
    net = gn.Network(6, [gn.Dense(16, "relu"), gn.Dense(2, "softmax")], seed=0)
    held = X[3000:], y[3000:]
    history = gn.train(
        net, X[:3000], y[:3000], "cross_entropy", validation=held, sample_weight=weight, epochs=20, seed=1
    )
    found = gn.doctor(net, X[:3000], y[:3000], history=history, validation=held, sample_weight=weight)
    assert found.healthy
    rows = found.signs.rows
    counted = (net.predict(rows.x).argmax(axis=1) == rows.y).mean()
    assert found.figures["training_accuracy"] == pytest.approx(counted)


def test_without_a_leak_a_higher_error_is_no_harm():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + 0.6 * rng.normal(size=900)
    X = np.c_[X, y]
    net = gn.Network(5, [gn.Dense(16, "relu"), gn.Dense(1)], seed=0)
    history = gn.train(net, X, y, "squared_error", optimizer="adam(0.01)", epochs=15, validation=0.25)
    found = gn.doctor(net, X, y, history=history, validation=0.25, optimizer="adam(0.01)", prove=True)
    assert found.names[0] == "leaking_target"
    assert found.trials[0].helped is None
    assert "what the network can really do" in found.trials[0].says


def test_a_rare_class_is_proved_by_what_is_found_of_it():
    X, y = _rare(0.02, 1.2)
    net = gn.Network(6, [gn.Dense(16, "relu"), gn.Dense(2, "softmax")], seed=0)
    history = gn.train(net, X, y, "cross_entropy", epochs=6, validation=0.25)
    found = gn.doctor(net, X, y, history=history, validation=0.25, optimizer="adam", prove=True)
    assert found.names[0] == "imbalance"
    assert found.trials[0].helped


def test_the_cure_of_vanishing_blame_that_is_run_is_the_one_named():
    X, y = _rare(0.5, 1.5, m=600)
    net = gn.Network(6, [*(gn.Dense(16, "sigmoid") for _ in range(8)), gn.Dense(2, "softmax")], seed=0)
    start = net.theta.copy()
    history = gn.train(net, X, y, "cross_entropy", optimizer="sgd(0.1)", epochs=10)
    found = gn.doctor(net, X, y, history=history, start=start, optimizer="sgd(0.1)", prove=True)
    assert found.names[0] == "vanishing_blame"
    assert "Use relu" in found.findings[0].cure
    assert "with relu" in found.trials[0].tried


def test_weights_that_are_all_zero_are_called_so():
    X, y = _rare(0.5, 1.5, m=600)
    net = gn.Network(6, [gn.Dense(16, "tanh"), gn.Dense(16, "tanh"), gn.Dense(2, "softmax")], seed=0)
    net.theta[:] = 0
    start = net.theta.copy()
    history = gn.train(net, X, y, "cross_entropy", epochs=10)
    found = gn.doctor(net, X, y, history=history, start=start)
    assert "initial weights are zero" in found.findings[0].says


def test_two_columns_that_each_are_the_answer_leak():
    X, y = _rare(0.3, 0.3, m=500)
    found = columns.leaks(np.c_[X, y, 1 - y], y, None, 2)[0]
    assert found.agreement == 1
    assert found.column in (6, 7)
    assert found.others < 0.5


def test_a_run_that_never_took_a_step_is_told(tmp_path):
    X, y = _rare(0.5, 1.5, m=300)
    net = gn.Network(6, [gn.Dense(2, "softmax")], seed=0)
    (tmp_path / "x.run").mkdir()
    found = gn.doctor(net, X, y, run=tmp_path / "x.run")
    assert any("never took a step" in each for each in found.unseen)


def test_a_run_without_a_folder_is_refused_in_a_sentence_that_says_what_to_do(tmp_path):
    X, y = _rare(0.5, 1.5, m=300)
    net = gn.Network(6, [gn.Dense(2, "softmax")], seed=0)
    with pytest.raises(FileError, match="ended before its first step"):
        gn.doctor(net, X, y, run=tmp_path / "x.run")


def test_a_schedule_that_decays_too_early_is_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 6))
    y = X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * X[:, 3]
    net = gn.Network(6, [gn.Dense(32, "relu"), gn.Dense(1)], seed=0)
    how = {"optimizer": "sgd(0.003)", "schedule": "step(1, 0.2)"}
    start = net.theta.copy()
    history = gn.train(net, X, y, "squared_error", epochs=30, validation=0.25, **how)
    found = gn.doctor(net, X, y, history=history, validation=0.25, start=start, **how)
    assert "rate_too_low" in found.names
    assert "schedule" in found.findings[0].says
    assert "cosine" in found.findings[0].cure


def test_no_absurd_percentages():
    assert share(1e40) == "many times"
    assert share(0.315) == "32% of"
