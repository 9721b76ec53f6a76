"""What a question is about: which loss is meant, what names things have, what is refused."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.subject import loss_of, make_subject
from glassnet.maths.losses import LOSSES

X = np.random.default_rng(0).normal(size=(12, 3))
LABELS = np.arange(12) % 2


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("softmax", "cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
        ("exp", "poisson"),
        ("identity", "squared_error"),
        ("tanh", "squared_error"),
    ],
)
def test_the_loss_that_suits_an_untrained_network(activation, loss):
    net = gn.Network(3, [gn.Dense(2, activation)])
    assert make_subject(net, X, np.eye(2)[LABELS], None).objective.loss is LOSSES[loss]


def test_a_trained_network_knows_its_loss_wherever_it_goes(tmp_path):
    net = gn.Network(3, [gn.Dense(1, "sigmoid")])
    assert net.loss is None
    gn.train(net, X, LABELS, "half_squared_error", epochs=1)
    gn.save(net, tmp_path / "net.safetensors")
    everywhere = [net, net.copy(), net.astype("float64"), copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    for there in [*everywhere, gn.load(tmp_path / "net.safetensors")]:
        assert there.loss is LOSSES["half_squared_error"]
        assert loss_of(there, None) is LOSSES["half_squared_error"]
        assert loss_of(there, "huber") == "huber"


def test_names():
    net = gn.Network(3, [gn.Dense(2)])
    y = np.zeros((12, 2))
    assert make_subject(net, X, y).feature_names == ("x0", "x1", "x2")
    assert make_subject(net, X, y).class_names == ("0", "1")
    frame = pd.DataFrame(X, columns=["age", "area", "rooms"])
    assert make_subject(net, frame, y, class_names=["low", "high"]).feature_names == ("age", "area", "rooms")
    with pytest.raises(InputError, match="3 inputs, so expected 3 names"):
        make_subject(net, X, y, feature_names=["age"])


def test_what_is_refused():
    with pytest.raises(InputError, match=r"expected a gn\.Network"):
        make_subject("net", X, LABELS)
