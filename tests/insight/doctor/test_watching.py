"""The callback: it warns while training goes wrong, once, and is silent otherwise."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits

import glassnet as gn
from glassnet.errors import NonFiniteError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    return X, (X[:, 0] + rng.normal(size=200) > 0).astype(int)


def _network(seed=0, g="relu", units=64, inputs=20):
    return gn.Network(inputs, [gn.Dense(units, g), gn.Dense(2, "softmax")], seed=seed)


def test_a_healthy_training_hears_nothing():
    data = load_digits()
    watch = gn.Doctor()
    net = gn.Network(64, [gn.Dense(32, "relu"), gn.Dense(10, "softmax")], seed=0)
    gn.train(
        net,
        data.data / 16,
        data.target,
        "cross_entropy",
        epochs=15,
        schedule="cosine",
        validation=0.2,
        callbacks=[watch],
    )
    assert watch.findings == []
    assert watch.diagnosis.healthy
    assert watch.diagnosis.figures["epochs"] == 15


def test_learning_by_heart_is_told_while_it_goes_on(rows):
    epochs = []
    watch = gn.Doctor()
    with pytest.warns(gn.GlassnetWarning, match="learns its training rows by heart") as told:
        gn.train(
            _network(),
            *rows,
            "cross_entropy",
            optimizer="adam(0.01)",
            epochs=60,
            validation=0.3,
            callbacks=[watch, lambda event: epochs.append(event.epoch)],
        )
    assert len(told) == 1
    assert [finding.name for finding in watch.findings] == ["overfitting"]
    assert int(str(told[0].message).split()[1].rstrip(":")) < 40 < len(epochs)


def test_an_error_that_rises_is_told(rows):
    X, y = rows
    watch = gn.Doctor()
    with pytest.warns(gn.GlassnetWarning, match="rises"):
        gn.train(
            _network(g="tanh"), X, y, "cross_entropy", optimizer="sgd(3, momentum=0.98)", epochs=10, callbacks=[watch]
        )
    assert watch.findings[0].name == "rate_too_high"


def test_a_standstill_is_told(rows):
    with pytest.warns(gn.GlassnetWarning, match="Nothing moves"):
        gn.train(_network(), *rows, "cross_entropy", optimizer="adam(1e-8)", epochs=8, callbacks=[gn.Doctor()])


def test_dead_units_are_told_and_the_diagnosis_is_whole(rows):
    net = _network()
    net.biases[0][:] = -50
    watch = gn.Doctor()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gn.train(net, *rows, "cross_entropy", epochs=8, validation=0.3, callbacks=[watch])
    assert "64 of 64 units of layer 0" in str(told[0].message)
    assert watch.diagnosis.names[0] == "dead_units"


def test_a_second_training_begins_with_a_clean_sheet(rows):
    watch = gn.Doctor()
    with pytest.warns(gn.GlassnetWarning):
        gn.train(_network(), *rows, "cross_entropy", optimizer="adam(1e-8)", epochs=8, callbacks=[watch])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gn.train(_network(), *rows, "cross_entropy", epochs=3, callbacks=[watch])
    assert watch.findings == []
    assert watch.diagnosis.figures["epochs"] == 3


def test_the_bits_of_a_training_do_not_depend_on_being_watched(rows):
    watched, alone = _network(), _network()
    gn.train(watched, *rows, "cross_entropy", epochs=4, callbacks=[gn.Doctor()])
    gn.train(alone, *rows, "cross_entropy", epochs=4)
    assert np.array_equal(watched.theta, alone.theta)


def test_a_nan_that_ended_training_is_named(rows):
    X, y = rows
    watch = gn.Doctor()
    net = gn.Network(20, [gn.Dense(64, "relu"), gn.Dense(64, "relu"), gn.Dense(1)], seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(NonFiniteError):
            gn.train(net, X, X[:, :1] + y[:, None], "squared_error", optimizer="sgd(5)", epochs=5, callbacks=[watch])
    assert watch.diagnosis.names[0] == "not_finite"


def test_units_that_are_saturated_from_the_start_are_told(rows):
    X, y = rows
    with pytest.warns(gn.GlassnetWarning, match="are saturated for"):
        gn.train(
            _network(g="tanh"),
            np.c_[X, np.full(len(X), 1e6)][:, 1:],
            y,
            "cross_entropy",
            optimizer="sgd(1e-4)",
            epochs=4,
            callbacks=[gn.Doctor()],
        )
