"""Many θ of a small network at once: as the reference says, and the same bits on any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.compiled.evaluator import Evaluator
from glassnet.engines import Block, CompiledEngine, Descent, ReferenceEngine
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import SGD

PAIRS = [
    ("identity", "squared_error", 1),
    ("identity", "mean_squared_error", 3),
    ("sigmoid", "binary_cross_entropy", 1),
    ("sigmoid", "binary_cross_entropy", 2),
    ("identity", "binary_cross_entropy_from_logits", 1),
    ("softmax", "cross_entropy", 3),
    ("softmax", "squared_error", 3),
    ("softmax", "squared_error", 1),
    ("identity", "hinge", 4),
    ("exp", "poisson", 1),
]


def engines(net, loss, threads):
    objective = net.objective(loss, l2=0.01)
    arguments = net, objective, Descent(SGD()), 8, 0
    return ReferenceEngine(*arguments), [CompiledEngine(*arguments, t) for t in threads]


def block_of(net, loss, m, chance):
    x = chance.standard_normal((m, net.input_shape[0])).astype(net.dtype)
    if net.outputs > 1 and loss in ("cross_entropy", "hinge"):
        y = chance.integers(0, net.outputs, m)
    else:
        y = chance.integers(0, 2, (m, net.outputs)).astype(net.dtype)
    return Block(x, y, chance.uniform(0, 2, m).astype(net.dtype))


@given(
    inputs=st.integers(1, 20),
    hidden=st.lists(st.integers(1, 9), max_size=2),
    pair=st.sampled_from(PAIRS),
    m=st.sampled_from([1, 2, 7, 64, 200, 1037]),
    population=st.integers(1, 9),
    dtype=st.sampled_from(["float32", "float64"]),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_it_agrees_with_the_reference(inputs, hidden, pair, m, population, dtype, bias, seed):
    last, loss, outputs = pair
    layers = [gn.Dense(n, "tanh", bias=bias) for n in hidden]
    net = gn.Network(inputs, [*layers, gn.Dense(outputs, last, bias=bias)], dtype=dtype, seed=seed)
    chance = np.random.default_rng(seed)
    thetas = (0.5 * chance.standard_normal((population, net.theta.size))).astype(dtype)
    block = block_of(net, loss, m, chance)
    if not block.sample_weight.any():
        return
    reference, compiled = engines(net, loss, (1, 2, 5))
    assert compiled[0]._evaluator._is_thin
    truth = reference.losses(thetas, block)
    found = [engine.losses(thetas, block) for engine in compiled]
    np.testing.assert_allclose(found[0], truth, rtol=2e-4 if dtype == "float32" else 1e-11)
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()
    one_by_one = np.concatenate([compiled[0].losses(theta[None], block) for theta in thetas])
    assert one_by_one.tobytes() == found[0].tobytes(), "what a θ gets depends on the others"


@pytest.mark.parametrize("hidden", [[8], [60]])
def test_threads_and_the_caller_s_own_give_the_same_bits(hidden):
    """Enough work that threads are woken, in rows in lanes and in tiles."""
    net = gn.Network(5, [gn.Dense(n, "tanh") for n in hidden] + [gn.Dense(3, "softmax")], dtype="float64")
    chance = np.random.default_rng(0)
    block, thetas = block_of(net, "cross_entropy", 700, chance), chance.standard_normal((90, net.theta.size))
    reference, compiled = engines(net, "cross_entropy", (1, 2, 3))
    found = [engine.losses(thetas, block) for engine in compiled]
    assert len({each.tobytes() for each in found}) == 1
    np.testing.assert_allclose(found[0], reference.losses(thetas, block), rtol=1e-12)
    few = compiled[1].losses(thetas[:2], Block(block.x[:9], block.y[:9], block.sample_weight[:9]))
    np.testing.assert_allclose(
        few, reference.losses(thetas[:2], Block(block.x[:9], block.y[:9], block.sample_weight[:9])), rtol=1e-12
    )


def test_labels_and_numbers_can_come_in_turn():
    """Memory of an earlier call serves a later one, and nothing of the earlier is left in it."""
    net = gn.Network(5, [gn.Dense(60, "tanh"), gn.Dense(3, "softmax")], dtype="float64")
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 3, 50)
    x, c, thetas = chance.standard_normal((50, 5)), np.ones(50), chance.standard_normal((4, net.theta.size))
    loss = LOSSES["cross_entropy"]
    short = loss.short_forms[net.layers[-1].activation]
    evaluator = Evaluator(net.plan(), 5, net.dtype, net.theta.size, 2, (loss, short, np.array([1.0, 0.0])))
    first = evaluator.errors_of_population(thetas, x, labels, c)
    numbers = evaluator.errors_of_population(thetas, x, np.eye(3)[labels], c)
    evaluator.predict(thetas[0], x)
    again = evaluator.errors_of_population(thetas, x, labels, c)
    assert first.tobytes() == numbers.tobytes() == again.tobytes()


def test_what_is_not_finite_is_seen_in_its_own_theta_alone():
    net = gn.Network(2, [gn.Dense(4, "relu"), gn.Dense(1)], dtype="float64")
    chance = np.random.default_rng(0)
    thetas = chance.standard_normal((3, net.theta.size))
    thetas[1, 3] = np.nan
    found = engines(net, "squared_error", (2,))[1][0].losses(thetas, block_of(net, "squared_error", 20, chance))
    assert np.isfinite(found).tolist() == [True, False, True]
