"""Networks with planted structure, of which it is known what their units see."""

import numpy as np
import pytest

import glassnet as gn

NAMES = ["copies pixel 7", "some", "some, scaled", "pixel 7 turned", "dead", "sees class 2", "constant"]
"""What the seven hidden units of `planted` are."""


def planted_rows(m=90, seed=0):
    """Return 3 x 3 images: pixel 0 is lit just for class 2, and everything else is noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(m) % 3
    x = rng.uniform(0, 1, (m, 9))
    x[:, 0] = np.where(labels == 2, rng.uniform(0.5, 1, m), 0.0)
    return x, labels


@pytest.fixture(scope="session")
def planted():
    """Return a network 9-7-3 whose hidden units are made by hand, with rows and labels."""
    net = gn.Network(9, [gn.Dense(7, "relu"), gn.Dropout(0.5), gn.Dense(3, "softmax")], seed=0, dtype="float64")
    w = np.zeros((9, 7))
    w[7, 0] = 1
    w[:, 1] = np.linspace(0.2, 1, 9)
    w[:, 2] = 2.5 * w[:, 1]
    w[7, 3] = -1
    w[:, 4] = -1
    w[0, 5] = 1
    net.weights[0] = w
    net.biases[0] = [0, 0, 0, 1, -1, 0, 2]
    net.weights[2] = np.random.default_rng(4).normal(size=(7, 3))
    x, labels = planted_rows()
    return net, x, labels


@pytest.fixture(scope="session")
def deep():
    """Return a smooth network 5-6-4-2 with a Dropout layer, and rows."""
    layers = [gn.Dense(6, "tanh"), gn.Dropout(0.3), gn.Dense(4, "sigmoid"), gn.Dense(2, "softmax")]
    net = gn.Network(5, layers, seed=3, dtype="float64")
    net.theta = np.random.default_rng(1).normal(size=net.theta.size)
    x = np.random.default_rng(2).normal(size=(40, 5))
    return net, x, (x[:, 0] > 0).astype(int)
