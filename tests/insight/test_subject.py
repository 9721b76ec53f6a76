"""What a question is about: which loss is meant, what names things have, what is refused."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.subject import as_image_shape, as_row, loss_of, make_subject
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


def test_names_become_one_printable_line():
    net = gn.Network(3, [gn.Dense(2, "softmax")])
    subject = make_subject(
        net, X, LABELS, feature_names=["\0z", "two\nlines\u00a0of it", "á"], class_names=["a\ud800", 1]
    )
    assert subject.feature_names == ("\ufffdz", "two lines of it", "á")
    assert subject.class_names == ("a\ufffd", "1")


def test_an_image_shape_is_two_whole_numbers_that_make_the_inputs():
    assert as_image_shape(None, 6) is None
    for shape in ((2, 3), [2, 3], np.array([2, 3])):
        assert as_image_shape(shape, 6) == (2, 3)
    for shape in ((-2, -3), (2.5, 2.4), (2.0, 3.0), "23", (6,), (1, 2, 3), 6, (True, 6), (2, 4), {2, 3}, (None, 6)):
        with pytest.raises(InputError, match=r"image_shape is .*\(rows, columns\)"):
            as_image_shape(shape, 6)


def test_a_row_is_a_whole_number_among_the_rows():
    assert as_row(np.int64(4), 5) == 4
    for row in (5, -1, True, 1.0, "1", None):
        with pytest.raises(InputError, match=r"row is .* X has 5 rows, so expected a whole number from 0 to 4"):
            as_row(row, 5)
    with pytest.raises(InputError, match="--row is 1; digits has 1 row, so expected 0"):
        as_row(1, 1, "--row", "digits")
