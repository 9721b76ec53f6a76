"""Small runs to be questioned, kept in a folder."""

import dataclasses

import numpy as np

import glassnet as gn


def blobs(m=24, classes=3, inputs=4, seed=0):
    """Rows of classes that overlap."""
    chance = np.random.default_rng(seed)
    y = chance.integers(0, classes, m)
    return chance.normal(size=(m, inputs)) + 1.2 * np.eye(classes, inputs)[y], y


def run_of(folder, layers, X, Y, loss="cross_entropy", *, dtype="float64", seed=3, **options):
    """Train, and return the run as it can be taken again."""
    net = gn.Network(X.shape[1], layers, dtype=dtype, seed=1)
    kept = {name: options[name] for name in ("validation", "sample_weight") if name in options}
    gn.train(net, X, Y, loss, seed=seed, engine="reference", checkpoint=folder, ledger=False, **options)
    return gn.Replay(folder, X, Y, **kept), net


def with_weight(replay, row, weight, last):
    """Return θ after `last` steps of the run with another weight of one row."""
    weights = replay.block.sample_weight.copy()
    weights[row] = weight
    training = replay.training(0, block=dataclasses.replace(replay.block, sample_weight=weights))
    training.advance(last)
    return training.network.theta


def error_at(replay, theta, x, y):
    """Return the error of one row at θ."""
    net = replay.training(0).network
    net.theta[:] = theta
    return float(net.backprop(x, y, replay.objective.loss).row_errors[0])
