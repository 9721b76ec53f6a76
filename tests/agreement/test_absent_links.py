"""Dense layers with groups: the engines agree, absent links stay 0, and no thread count shows in the bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_engines import LABELS, NUMBERS, X, assert_agree, assert_float32_as_good, train

import glassnet as gn
from glassnet.compiled import program
from glassnet.maths.optimizers import OPTIMIZERS


def grouped(inputs, units, after, seed=1, dtype="float64", **settings):
    """A network whose first layer has groups, with biases that are not 0."""
    groups = tuple(zip(inputs, units, strict=True))
    layers = [gn.Dense(sum(units), "tanh", groups=groups, **settings), *after]
    net = gn.Network(sum(inputs), layers, seed=seed, dtype=dtype)
    noise = 0.1 * np.random.default_rng(seed).normal(size=net.theta.size)
    net.theta[:] += noise * net.layout.mask("present")
    return net


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer(optimizer):
    rate = {"lbfgs": "", "sgd": "(0.02, momentum=0.9, weight_decay=0.1)"}.get(optimizer, "(0.02)")
    net = grouped((3, 2), (4, 5), [gn.Dense(3)])
    batch = None if optimizer == "lbfgs" else 16
    options = {"epochs": 3, "batch_size": batch, "l1": 0.01, "l2": 0.1}
    made = assert_agree(net, X, NUMBERS, "squared_error", optimizer=optimizer + rate, **options)
    assert not made.net.theta[~net.layout.mask("present")].any()


@pytest.mark.parametrize("clip", [{"clip_norm": 0.1}, {"clip_value": 0.02}, {}])
@pytest.mark.parametrize("frozen", [{}, {"trainable_bias": False}, {"bias": False}])
def test_clipping_and_biases(clip, frozen):
    net = grouped((1, 4), (20, 1), [gn.Dropout(0.2), gn.Dense(3)], **frozen)
    for optimizer in ("sgd(0.02, momentum=0.9)", "adamw(0.01, weight_decay=0.1)"):
        options = {"optimizer": optimizer, "epochs": 3, "batch_size": 16, "l2": 0.1}
        made = assert_agree(net, X, NUMBERS, "squared_error", **options, **clip)
        assert not made.net.theta[~net.layout.mask("present")].any()
        assert_float32_as_good(net, X, NUMBERS, "squared_error", **options, **clip)


def test_an_optimizer_that_divides_by_nothing_where_there_is_no_link():
    """With eps = 0 Adam computes 0/0 for a gradient that is always 0; what does not exist must not make a NaN."""
    net = grouped((3, 2), (4, 5), [gn.Dense(3)])
    for engine in ("reference", "compiled"):
        made = train(net.copy(), X, NUMBERS, "squared_error", engine, optimizer="adam(0.01, eps=0.0)", epochs=2)
        assert made.error is None
        assert np.isfinite(made.net.theta).all()


def test_slices_chunks_and_threads(monkeypatch):
    for few_pieces in (0, 10**9):
        monkeypatch.setattr(program, "_FEW_PIECES", few_pieces)
        monkeypatch.setattr(program, "_BYTES_OF_A_CHUNK", 0)
        monkeypatch.setattr(program, "_ROWS_OF_A_CHUNK", 7)
        net = grouped((3, 2), (17, 16), [gn.Dense(3, "softmax")])
        options = {"optimizer": "adam(0.01)", "epochs": 2, "batch_size": 39}
        bits = {assert_agree(net, X, LABELS, "cross_entropy", **options, threads=t).bits[0] for t in (1, 2, 3)}
        assert len(bits) == 1


@settings(max_examples=10)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=4),
    where=st.sampled_from(["first", "later", "last"]),
    seed=st.integers(0, 99),
)
def test_groups_that_nobody_chose(sizes, where, seed):
    rng = np.random.default_rng(seed)
    inputs, units = (sum(n) for n in zip(*sizes, strict=True))
    layer = gn.Dense(units, "tanh", groups=sizes)
    layers = {
        "first": [layer, gn.Dense(2)],
        "later": [gn.Dense(inputs, "sigmoid"), layer, gn.Dense(2)],
        "last": [gn.Dense(inputs, "sigmoid"), layer],
    }[where]
    width = inputs if where == "first" else 5
    net = gn.Network(width, layers, seed=seed, dtype="float64")
    x, y = rng.normal(size=(30, width)), rng.normal(size=(30, net.outputs))
    options = {"optimizer": "sgd(0.01, momentum=0.9)", "epochs": 2, "batch_size": 8, "l2": 0.05}
    made = assert_agree(net, x, y, "mean_squared_error", tolerance=1e-9, **options)
    present = net.layout.mask("present")
    assert not made.net.theta[~present].any()
    assert gn.check_gradient(made.net, x, y, "mean_squared_error", l2=0.05).passed
