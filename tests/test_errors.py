"""Errors travel between processes."""

import pickle

import pytest

import glassnet as gn
from glassnet.errors import NonFiniteError


def test_a_nan_travels_with_all_that_is_known():
    net = gn.Network(1, [gn.Dense(1, "exp", weight_init="ones")], dtype="float64")
    with pytest.raises(NonFiniteError) as raised:
        gn.train(net, [[800.0]], [1.0], "squared_error", epochs=1)
    error = pickle.loads(pickle.dumps(raised.value))
    assert str(error) == str(raised.value)
    assert (error.step, error.quantity, error.layer, error.row) == (0, "a", 0, 0)
    assert error.story.to_dict() == raised.value.story.to_dict()
