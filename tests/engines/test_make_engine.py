"""Which engine a name gives, and what it asks of a user's own formulas first."""

import math

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError

X = np.linspace(-1, 1, 12).reshape(6, 2)


def train(activation, engine):
    net = gn.Network(2, [gn.Dense(3, activation), gn.Dense(1)], seed=0)
    return gn.train(net, X, X[:, :1], "squared_error", epochs=1, engine=engine)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("value", [lambda z: z if z > 0 else 0 * z, lambda z: math.tanh(z)], ids=["if", "math.tanh"])
def test_a_formula_of_single_numbers_is_refused_before_training(value, engine):
    """It would compile, and fail in whatever reads arrays: predict, evaluate, the gradient check."""
    with pytest.raises(InputError, match=r"Activation 'own' cannot be applied to an array of z: .*np\.where"):
        train(gn.Activation("own", value=value, slope=lambda z, a: np.ones_like(z)), engine)


def test_an_activation_that_makes_another_shape_is_refused():
    with pytest.raises(InputError, match="shape"):
        train(gn.Activation("own", value=lambda z: 1.0, slope=lambda z, a: np.ones_like(z)), "compiled")


def test_np_clip_compiles_however_its_limits_are_named():
    def clip(z):
        return np.clip(z, a_min=-0.5, a_max=0.5)

    own = gn.Activation("own", value=clip, slope=lambda z, a: np.where(np.abs(z) < 0.5, 1.0, 0.0))
    assert train(own, "compiled").loss == pytest.approx(train(own, "reference").loss, rel=1e-5)
