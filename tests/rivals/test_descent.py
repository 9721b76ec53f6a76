import itertools

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import GlassnetError
from glassnet.rivals.descent import Descending, batches, misses
from glassnet.rivals.registry import RIVALS

DESCENDING = [name for name in RIVALS if isinstance(RIVALS[name], Descending)]


@pytest.mark.parametrize("name", DESCENDING)
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": "quick"}, "learning_rate is 'quick'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"optimizer": "addam"}, "did you mean"),
        ({"optimizer": "lbfgs"}, "needs a gradient alone"),
        ({"optimizer": "sgd(0.5)"}, "learning_rate=0.5"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(name, fields, said):
    with pytest.raises(GlassnetError) as error:
        type(RIVALS[name])(**fields)
    assert said.lower() in str(error.value).lower()


def test_batches_meet_each_row_once_an_epoch_in_a_new_order(arena_of):
    net = gn.Network(1, [gn.Dense(1)])
    arena = arena_of(net, np.zeros((10, 1)), np.zeros(10)[:, None], "squared_error")
    steps = list(itertools.islice(batches(arena, 4, np.random.default_rng(0)), 6))
    assert [len(rows) for rows in steps] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(steps[:3]), np.concatenate(steps[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)
    assert next(batches(arena, 10, np.random.default_rng(0))) is None


@pytest.mark.parametrize(
    ("last", "outputs", "loss"),
    [
        ("identity", 2, "half_squared_error"),
        ("sigmoid", 1, "binary_cross_entropy"),
        ("softmax", 3, "cross_entropy"),
        ("identity", 3, "cross_entropy_from_logits"),
        ("identity", 1, "binary_cross_entropy_from_logits"),
        ("exp", 1, "poisson"),
    ],
)
def test_misses_are_the_last_layers_blame_where_loss_and_activation_suit_each_other(arena_of, last, outputs, loss):
    chance = np.random.default_rng(0)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(outputs, last)], seed=0, dtype="float64")
    X = chance.normal(size=(5, 3))
    Y = chance.integers(0, outputs, 5) if outputs == 3 else chance.integers(0, 2, (5, outputs)).astype(float)
    weight = chance.uniform(1, 2, 5)
    expected = net.backprop(X, Y, loss, sample_weight=weight).blame[-1]
    arena = arena_of(net, X, Y, loss, sample_weight=weight)
    np.testing.assert_allclose(misses(arena, arena.forward(net.theta), None), expected, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", DESCENDING)
def test_a_walk_ends_at_the_last_finite_weights(arena_of, walk, name):
    net = gn.Network(2, [gn.Dense(2), gn.Dense(1)], seed=0, dtype="float64")
    rival = type(RIVALS[name])(1e200, optimizer="sgd")
    if name == "delta":
        net = gn.Network(2, [gn.Dense(1)], seed=0, dtype="float64")
    arena = arena_of(net, [[1.0, 2.0], [3.0, -1.0]], [[1.0], [2.0]], "squared_error")
    path = walk(rival, arena, net.theta, steps=50)
    assert len(path) < 50
    assert all(np.isfinite(theta).all() for theta in path)
