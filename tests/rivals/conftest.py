"""What tests of rivals share: an arena in one line, a walk of a few steps, and an angle."""

import itertools

import numpy as np
import pytest

from glassnet.engines import Block
from glassnet.rivals import Arena, BudgetSpent


@pytest.fixture(scope="session")
def arena_of():
    """``arena_of(net, X, Y, loss, reduction=, l2=, sample_weight=)``."""

    def make(net, X, Y, loss, *, sample_weight=None, **options):
        X, Y = np.asarray(X, float), np.asarray(Y)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        arena = Arena(net, net.objective(loss, **options), Block(X, Y, weight), engine="reference")
        arena.start()
        return arena

    return make


@pytest.fixture(scope="session")
def walk():
    """``walk(rival, arena, theta, steps=, evaluations=, seed=)`` gives the θ of each step, copied, the start first."""

    def take(rival, arena, theta, *, steps=None, evaluations=None, seed=0):
        arena.start(evaluations=evaluations)
        path = [np.array(theta, float)]
        try:
            for theta in itertools.islice(rival.steps(arena, path[0].copy(), np.random.default_rng(seed)), steps):
                path.append(theta.copy())
        except BudgetSpent:
            pass
        return path

    return take


@pytest.fixture(scope="session")
def degrees():
    """``degrees(u, v)``: the angle between two vectors."""

    def between(u, v):
        u, v = np.ravel(u), np.ravel(v)
        return np.degrees(np.arccos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1)))

    return between


@pytest.fixture(scope="session")
def xor():
    """The four rows of XOR: X (4, 2), Y (4, 1)."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return X, np.array([[0.0], [1.0], [1.0], [0.0]])


@pytest.fixture(scope="session")
def symmetry():
    """All 64 rows of six inputs, and whether they read the same from both ends: X (64, 6), Y (64, 1); eight do."""
    X = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    return X, (X[:, ::-1] == X).all(axis=1).astype(float)[:, None]
