"""`train` against the textbook's loop, written here row by row in plain NumPy, and against wrong arguments."""

import itertools
import math
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import GlassnetWarning, InputError, NonFiniteError, PairingError, UnknownNameError

RNG = np.random.default_rng(20240607)
X = RNG.normal(size=(11, 3))
Y = RNG.normal(size=(11, 2))
LABELS = np.array([0, 1, 2, 1, 0, 2, 2, 1, 0, 0, 1])


def two_layers(dtype="float64", seed=3):
    return gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(2, "identity")], seed=seed, dtype=dtype)


def classifier(**options):
    return gn.Network(3, [gn.Dense(5, "tanh"), gn.Dense(3, "softmax")], seed=1, dtype="float64", **options)


def one_weight(dtype="float64"):
    """A prediction that is 0 for every row of zeros, whatever the weight."""
    return gn.Network(1, [gn.Dense(1, bias=False)], seed=0, dtype=dtype)


# --- what the loop did, seen from outside ------------------------------------------------------------------------


def batches_of(m, *, epochs=1, batch_size=1, **options):
    """The rows of every step, by epoch: row i has the error 2**i, so a step's error says which rows it met."""
    found = [[] for _ in range(epochs)]
    sizes = itertools.cycle([*[batch_size] * (m // batch_size), *([m % batch_size] if m % batch_size else [])])

    def look(event: gn.StepEnded):
        total = round(event.loss * next(sizes))
        found[event.epoch].append([i for i in range(m) if total >> i & 1])

    gn.train(
        one_weight(),
        np.zeros((m, 1)),
        2.0 ** (np.arange(m) / 2),
        "squared_error",
        optimizer=gn.SGD(0.0),
        epochs=epochs,
        batch_size=batch_size,
        callbacks=[look],
        **options,
    )
    return found


def orders_of(m, epochs, seed, shuffle=True):
    """The order of rows in each epoch, one row a step."""
    found = batches_of(m, epochs=epochs, seed=seed, shuffle=shuffle)
    return [[rows[0] for rows in epoch] for epoch in found]


def slow_training(
    net,
    orders,
    batch_size,
    rate,
    *,
    weight=None,
    reduction="mean",
    l1=0.0,
    l2=0.0,
    momentum=None,
    clip_value=None,
    clip_norm=None,
):
    """Gradient descent on the squared error of `two_layers`, row by row; the losses of the epochs, and θ."""
    m, epochs = len(X), len(orders)
    weight = np.ones(m) if weight is None else weight
    parts = [np.array(net.weights[0]), np.array(net.biases[0]), np.array(net.weights[1]), np.array(net.biases[1])]
    memory = None
    losses, step = [], 0
    for epoch in range(epochs):
        met = counted = 0.0
        for start in range(0, m, batch_size):
            rows = orders[epoch][start : start + batch_size]
            total = sum(weight[i] for i in rows)
            if total == 0:
                step += 1
                continue
            W1, b1, W2, b2 = parts
            penalty = sum(l1 * np.abs(W).sum() + 0.5 * l2 * (W**2).sum() for W in (W1, W2))
            slopes = [np.zeros_like(part) for part in parts]
            for i in rows:
                c = weight[i] / total if reduction == "mean" else weight[i]
                a1 = np.tanh(X[i] @ W1 + b1)
                a2 = a1 @ W2 + b2
                met += weight[i] * (((a2 - Y[i]) ** 2).sum() + penalty)
                blame2 = 2 * (a2 - Y[i]) * c
                blame1 = (W2 @ blame2) * (1 - a1**2)
                for slope, part in zip(
                    slopes, (np.outer(X[i], blame1), blame1, np.outer(a1, blame2), blame2), strict=True
                ):
                    slope += part
            counted += total
            slopes[0] += l1 * np.sign(W1) + l2 * W1
            slopes[2] += l1 * np.sign(W2) + l2 * W2
            if clip_value is not None:
                slopes = [np.clip(slope, -clip_value, clip_value) for slope in slopes]
            if clip_norm is not None:
                norm = math.sqrt(sum((slope**2).sum() for slope in slopes))
                slopes = [slope * min(1, clip_norm / norm) for slope in slopes]
            if momentum is not None:
                old = memory or [np.zeros_like(part) for part in parts]
                memory = [momentum(step, epoch) * b + slope for b, slope in zip(old, slopes, strict=True)]
                slopes = memory
            parts = [part - rate(step, epoch) * slope for part, slope in zip(parts, slopes, strict=True)]
            step += 1
        losses.append(met / counted)
    return losses, np.concatenate([part.ravel() for part in parts])


def assert_follows_the_textbook(net, history, expected, rtol=1e-9):
    losses, theta = expected
    np.testing.assert_allclose(history.loss, losses, rtol=rtol)
    np.testing.assert_allclose(net.theta, theta, rtol=rtol, atol=rtol)


# --- the loop ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 11, 100, None])
def test_one_example_mini_batch_and_full_batch(batch_size, shuffle):
    net = two_layers()
    expected = slow_training(net, orders_of(11, 3, 5, shuffle), min(batch_size or 11, 11), lambda step, epoch: 0.05)
    options = {} if batch_size is None else {"batch_size": batch_size}
    history = gn.train(
        net, X, Y, "squared_error", optimizer=gn.SGD(0.05), epochs=3, seed=5, shuffle=shuffle,
        **({"batch_size": None} | options),
    )  # fmt: skip
    assert_follows_the_textbook(net, history, expected)
    assert history.learning_rate == [0.05] * 3
    assert history.validation_loss == []
    assert history.stopped == "all epochs done"
    assert history.epochs == 3


@settings(max_examples=60)
@given(
    batch_size=st.integers(1, 12),
    reduction=st.sampled_from(["mean", "sum"]),
    penalties=st.sampled_from([(0.0, 0.0), (0.01, 0.0), (0.0, 0.1), (0.02, 0.3)]),
    weight=st.none() | st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=11, max_size=11).filter(any),
    momentum=st.sampled_from([None, 0.9]),
    clips=st.sampled_from([(None, None), (0.2, None), (None, 0.3), (0.1, 0.2)]),
    seed=st.integers(0, 2**63 - 1),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_every_option_together(batch_size, reduction, penalties, weight, momentum, clips, seed, dtype):
    net = two_layers(dtype)
    weight = None if weight is None else np.array(weight)
    rest = {
        "reduction": reduction,
        "clip_value": clips[0],
        "clip_norm": clips[1],
        "l1": penalties[0],
        "l2": penalties[1],
    }
    expected = slow_training(
        net, orders_of(11, 2, seed), min(batch_size, 11), lambda step, epoch: 0.02, weight=weight,
        momentum=None if momentum is None else lambda step, epoch: momentum, **rest,
    )  # fmt: skip
    history = gn.train(
        net, X, Y, "squared_error", optimizer=gn.SGD(0.02, momentum=momentum or 0.0), epochs=2, batch_size=batch_size,
        sample_weight=weight, seed=seed, **rest,
    )  # fmt: skip
    assert_follows_the_textbook(net, history, expected, rtol=1e-9 if dtype == "float64" else 1e-3)


@given(m=st.integers(1, 40), batch_size=st.integers(1, 41), seed=st.integers(0, 99), shuffle=st.booleans())
def test_every_row_is_met_once_an_epoch(m, batch_size, seed, shuffle):
    epochs = batches_of(m, epochs=2, batch_size=min(batch_size, m), seed=seed, shuffle=shuffle)
    for batches in epochs:
        assert sorted(itertools.chain(*batches)) == list(range(m))
        full, last = divmod(m, min(batch_size, m))
        assert [len(rows) for rows in batches] == [min(batch_size, m)] * full + [last] * bool(last)
        if not shuffle:
            assert list(itertools.chain(*batches)) == list(range(m))


def test_orders_are_seeded_and_new_in_every_epoch():
    orders = orders_of(40, 5, seed=1)
    assert len({tuple(order) for order in orders}) == 5
    assert orders_of(40, 5, seed=1) == orders
    assert orders_of(40, 3, seed=1) == orders[:3]  # whatever the number of epochs
    assert not any(order in orders for order in orders_of(40, 5, seed=2))
    # No row has a place of its own: over many epochs each is first about as often.
    firsts = np.bincount([order[0] for order in orders_of(5, 500, seed=0)], minlength=5)
    assert firsts.min() > 65  # 100 ± 9
    assert firsts.max() < 135


def test_same_seed_same_bits_and_another_seed_others():
    def run(seed, callbacks=(), **options):
        net = gn.Network(3, [gn.Dense(8, "relu"), gn.Dropout(0.3), gn.Dense(3, "softmax")], seed=0)
        history = gn.train(
            net, X, LABELS, "cross_entropy", epochs=5, batch_size=4, seed=seed, callbacks=callbacks, **options
        )
        return net.theta.tobytes(), history

    def look(event: gn.StepEnded):
        """Hearing steps keeps the engine from running many of them at a stretch."""

    assert run(0) == run(0)
    assert run(0, [look]) == run(0)
    assert run(0, threads=1) == run(0)
    assert run(1)[0] != run(0)[0]
    # The network's seed decides where it starts, the training's what happens then.
    assert gn.Network(3, [gn.Dense(2)], seed=1).theta.tobytes() != gn.Network(3, [gn.Dense(2)], seed=2).theta.tobytes()


def test_nothing_that_is_passed_in_changes():
    x, y, weight = X.copy(), Y.copy(), np.linspace(0, 1, 11)
    gn.train(two_layers(), x, y, "squared_error", epochs=2, sample_weight=weight, l2=0.1, clip_value=0.1)
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)
    assert np.array_equal(weight, np.linspace(0, 1, 11))


def test_dropout_takes_the_masks_of_its_place():
    net = gn.Network(3, [gn.Dropout(0.2), gn.Dense(6, "tanh"), gn.Dropout(0.5), gn.Dense(2)], seed=3, dtype="float64")
    twin, errors, step = net.copy(), [], 0
    for order in orders_of(11, 2, seed=9):
        met = 0.0
        for start in range(0, 11, 4):
            rows = order[start : start + 4]
            masks = twin.draw_masks(9, step, len(rows))
            assert set(masks) == {0, 2}
            p = twin.backprop(X[rows], Y[rows], loss="squared_error", masks=masks)
            met += p.loss * len(rows)
            twin.theta -= 0.05 * p.gradient.theta
            step += 1
        errors.append(met / 11)
    history = gn.train(net, X, Y, "squared_error", optimizer=gn.SGD(0.05), epochs=2, batch_size=4, seed=9)
    np.testing.assert_allclose(history.loss, errors, rtol=1e-12)
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-12)


def test_frozen_biases_stay_bit_by_bit():
    layers = [gn.Dense(4, "tanh", trainable_bias=False, bias_init="normal"), gn.Dense(2, bias_init="normal")]
    for optimizer in ("sgd(0.1, weight_decay=0.5)", "adamw(0.1)", "lbfgs"):
        net = gn.Network(3, layers, seed=1, dtype="float64")
        before = net.copy()
        gn.train(net, X, Y, "squared_error", optimizer=optimizer, epochs=3, batch_size=None)
        assert net.biases[0].tobytes() == before.biases[0].tobytes()
        assert not np.any(net.biases[1] == before.biases[1])
        assert not np.any(net.weights[0] == before.weights[0])


def test_a_clipped_gradient_is_no_longer_than_it_may_be():
    net = one_weight()
    net.theta = [0.0]
    gn.train(net, [[1.0]], [1000.0], "squared_error", optimizer=gn.SGD(1.0), epochs=3, clip_norm=0.25)
    assert net.theta.tolist() == [0.75]


def test_a_gradient_that_is_short_enough_is_left_alone():
    nets = [two_layers(), two_layers()]
    gn.train(nets[0], X, Y, "squared_error", optimizer=gn.SGD(0.1), epochs=3, clip_norm=1e3, clip_value=1e3)
    gn.train(nets[1], X, Y, "squared_error", optimizer=gn.SGD(0.1), epochs=3)
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()


def test_frozen_biases_do_not_count_in_the_length_of_the_gradient():
    net = gn.Network(1, [gn.Dense(1, trainable_bias=False)], dtype="float64")
    net.theta = [0.0, 0.0]
    gn.train(net, [[1.0]], [1000.0], "squared_error", optimizer=gn.SGD(1.0), epochs=1, clip_norm=0.25)
    assert net.theta.tolist() == [0.25, 0.0]


# --- sample weights ----------------------------------------------------------------------------------------------


def test_rows_of_weight_zero_are_as_if_they_were_not_there():
    weight = np.array([1.0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1])
    nets = [two_layers(), two_layers()]
    keep = weight > 0
    a = gn.train(nets[0], X, Y, "squared_error", optimizer=gn.SGD(0.1), epochs=5, batch_size=None, sample_weight=weight)
    b = gn.train(nets[1], X[keep], Y[keep], "squared_error", optimizer=gn.SGD(0.1), epochs=5, batch_size=None)
    np.testing.assert_allclose(a.loss, b.loss, rtol=1e-12)
    np.testing.assert_allclose(nets[0].theta, nets[1].theta, rtol=1e-11)


def test_whole_weights_are_repeated_rows():
    weight = np.array([1, 2, 3, 1, 1, 2, 1, 1, 4, 1, 1])
    nets = [two_layers(), two_layers()]
    rows = np.repeat(np.arange(11), weight)
    for reduction in ("mean", "sum"):
        options = {"optimizer": gn.SGD(0.01), "epochs": 4, "batch_size": None, "reduction": reduction}
        a = gn.train(nets[0], X, Y, "squared_error", sample_weight=weight, **options)
        b = gn.train(nets[1], X[rows], Y[rows], "squared_error", **options)
        np.testing.assert_allclose(a.loss, b.loss, rtol=1e-12)
        np.testing.assert_allclose(nets[0].theta, nets[1].theta, rtol=1e-11)


def test_a_batch_of_weight_zero_is_skipped():
    """Adam would move on its memory alone, were the step taken."""
    weight = np.array([1.0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    thetas, losses = [], []
    net = two_layers()

    def look(event: gn.StepEnded):
        thetas.append(event.network.theta.copy())
        losses.append(event.loss)

    history = gn.train(
        net, X, Y, "squared_error", optimizer="adam(0.1)", epochs=2, batch_size=4, sample_weight=weight,
        shuffle=False, callbacks=[look],
    )  # fmt: skip
    moved = [not np.array_equal(a, b) for a, b in itertools.pairwise(thetas)]
    assert moved == [False, True, True, False, True]
    assert history.loss[0] == pytest.approx((losses[0] * 4 + losses[2] * 3) / 7, rel=1e-12)


@pytest.mark.parametrize("weight", [1e-50, 1e39])
def test_weights_that_float32_cannot_hold(weight):
    """Else every step would be skipped in silence, or be infinite."""
    with pytest.raises(InputError, match="sample_weight"):
        gn.train(two_layers("float32"), X, Y, "squared_error", epochs=1, sample_weight=np.full(11, weight))


@pytest.mark.parametrize("held_out_weight", [0.0, 1.0])
def test_weights_that_are_all_zero_on_one_side_of_a_split(held_out_weight):
    training, held_out = split_of(40, 0.25, seed=2)
    weight = np.empty(40)
    weight[training], weight[held_out] = 1.0 - held_out_weight, held_out_weight
    with pytest.raises(InputError, match="weight"):
        gn.train(
            one_weight(), np.ones((40, 1)), np.arange(40.0), "squared_error", epochs=1, sample_weight=weight,
            validation=0.25, seed=2,
        )  # fmt: skip


# --- validation --------------------------------------------------------------------------------------------------


def split_of(m, share, seed):
    """The rows that are trained on and those that are held out, seen in the errors of the steps."""
    met = []

    def look(event: gn.StepEnded):
        met.append(round(math.log2(event.loss)))

    gn.train(
        one_weight(), np.zeros((m, 1)), 2.0 ** (np.arange(m) / 2), "squared_error", optimizer=gn.SGD(0.0), epochs=1,
        batch_size=1, validation=share, seed=seed, callbacks=[look],
    )  # fmt: skip
    return sorted(met), sorted(set(range(m)) - set(met))


def test_validation_rows_of_ones_own():
    net = classifier()
    Xv, Yv = RNG.normal(size=(7, 3)), np.array([0, 1, 2, 2, 1, 0, 1])
    losses, shares = [], []

    def judge(event: gn.EpochEnded):
        prediction = event.network.predict(Xv)
        losses.append(float(-np.log(prediction[np.arange(7), Yv]).mean()))
        shares.append(float((prediction.argmax(axis=1) == Yv).mean()))
        assert event.validation_loss == pytest.approx(losses[-1], rel=1e-12)
        assert event.validation_accuracy == shares[-1]

    history = gn.train(
        net,
        X,
        LABELS,
        "cross_entropy",
        epochs=6,
        l2=0.3,
        optimizer="adam(0.05)",
        validation=(Xv, Yv),
        callbacks=[judge],
    )
    np.testing.assert_allclose(history.validation_loss, losses, rtol=1e-12)
    assert history.validation_accuracy == shares
    assert len(set(shares)) > 1  # else nothing was seen


def test_validation_sees_no_dropout_and_no_penalty():
    net = gn.Network(3, [gn.Dense(6, "tanh"), gn.Dropout(0.5), gn.Dense(2)], seed=3, dtype="float64")
    history = gn.train(net, X, Y, "squared_error", epochs=1, l1=1.0, l2=1.0, validation=(X, Y))
    expected = ((net.predict(X) - Y) ** 2).sum(axis=1).mean()
    assert history.validation_loss == pytest.approx([expected], rel=1e-12)
    assert history.validation_accuracy == []


@pytest.mark.parametrize(("m", "share", "held_out"), [(40, 0.25, 10), (10, 0.2, 2), (2, 0.5, 1)])
def test_a_share_of_the_rows_is_held_out(m, share, held_out):
    training, validating = split_of(m, share, seed=4)
    assert len(validating) == held_out
    assert sorted(training + validating) == list(range(m))
    assert split_of(m, share, seed=4) == (training, validating)
    if m == 40:
        assert split_of(m, share, seed=5) != (training, validating)
        assert validating != list(range(30, 40))


def test_what_is_held_out_is_judged_with_its_weights():
    weight = RNG.uniform(0.5, 2, size=40)
    inputs, truth = RNG.normal(size=(40, 1)), np.arange(40.0)
    _, rows = split_of(40, 0.25, seed=4)
    net = one_weight()
    history = gn.train(
        net, inputs, truth, "squared_error", epochs=1, validation=0.25, seed=4, sample_weight=weight, batch_size=None
    )
    errors = (net.predict(inputs)[rows, 0] - truth[rows]) ** 2
    assert history.validation_loss[0] == pytest.approx((errors * weight[rows]).sum() / weight[rows].sum(), rel=1e-12)


def test_a_split_keeps_the_classes_shares():
    labels = np.repeat([0, 1, 2], [80, 16, 4])
    inputs = np.eye(3)[labels]
    seen = []
    net = gn.Network(3, [gn.Dense(3, "softmax", bias=False)], dtype="float64")
    net.theta = np.zeros(9)

    def look(event: gn.EpochEnded):
        seen.append(event.network.weights[0].copy())

    for truth in (labels, np.eye(3)[labels]):
        net.theta = np.zeros(9)
        gn.train(
            net, inputs, truth, "cross_entropy", optimizer=gn.SGD(1.0), epochs=1, batch_size=None, validation=0.25,
            callbacks=[look],
        )  # fmt: skip
    # From zero, the first step of input k is proportional to how many training rows class k has.
    counts = [np.diag(weights) / (2 / 3) * 75 for weights in seen]
    np.testing.assert_allclose(counts, [[60, 12, 3]] * 2, rtol=1e-12)


def test_validation_that_overflows_does_not_stop_training(tmp_path):
    """The loss of unseen rows may well be infinite; that is for the person to see, checkpoint or not."""
    net = one_weight("float32")
    history = gn.train(
        net, [[1.0], [2.0]], [1.0, 2.0], "squared_error", epochs=2, validation=([[1e30]], [0.0]), checkpoint=tmp_path
    )
    assert history.validation_loss == [math.inf, math.inf]


# --- schedules ---------------------------------------------------------------------------------------------------


def one_cycle(t, total, peak, start=0.3, low=0.85, high=0.95):
    """Rate and momentum of PyTorch's OneCycleLR with cosines, as its documentation has them."""
    top = start * total - 1
    first, last = peak / 25, peak / 25 / 1e4

    def between(a, b, part):
        return b + (a - b) / 2 * (1 + math.cos(math.pi * part))

    if t <= top:
        return between(first, peak, t / top), between(high, low, t / top)
    part = (t - top) / (total - 1 - top)
    return between(peak, last, part), between(low, high, part)


SCHEDULES = {
    "none": (None, lambda step, epoch: 0.04),
    "by epoch": (gn.StepLR(2, gamma=0.5), lambda step, epoch: 0.04 * 0.5 ** (epoch // 2)),
    "by step": (gn.ExponentialLR(0.9, per="step"), lambda step, epoch: 0.04 * 0.9**step),
    "spelled": ("exponential(0.8)", lambda step, epoch: 0.04 * 0.8**epoch),
    "length of the run": ("cosine(per='step')", lambda step, epoch: 0.02 * (1 + math.cos(math.pi * step / 15))),
    "one cycle": ("one_cycle", lambda step, epoch: one_cycle(step, 15, 0.04)[0]),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps_heard", [True, False])
def test_schedules_move_the_rate(name, steps_heard):
    schedule, rate = SCHEDULES[name]
    net = two_layers()
    expected = slow_training(net, orders_of(11, 5, 7), 4, rate)
    heard = []

    def look(event: gn.StepEnded):
        heard.append(event.learning_rate)

    history = gn.train(
        net, X, Y, "squared_error", optimizer=gn.SGD(0.04), schedule=schedule, epochs=5, batch_size=4, seed=7,
        callbacks=[look] if steps_heard else [],
    )  # fmt: skip
    assert_follows_the_textbook(net, history, expected)
    np.testing.assert_allclose(history.learning_rate, [rate(3 * e + 2, e) for e in range(5)], rtol=1e-12)
    if steps_heard:
        np.testing.assert_allclose(heard, [rate(t, t // 3) for t in range(15)], rtol=1e-12)


def test_one_cycle_moves_momentum_too():
    net = two_layers()
    expected = slow_training(
        net, orders_of(11, 5, 7), 4, lambda step, epoch: one_cycle(step, 15, 0.02)[0],
        momentum=lambda step, epoch: one_cycle(step, 15, 0.02)[1],
    )  # fmt: skip
    history = gn.train(
        net, X, Y, "squared_error", optimizer=gn.SGD(0.02, momentum=0.5), schedule="one_cycle", epochs=5, batch_size=4,
        seed=7,
    )  # fmt: skip
    assert_follows_the_textbook(net, history, expected)


@pytest.mark.parametrize("watched", ["loss", "validation_loss"])
def test_plateau_watches_validation_or_else_the_loss(watched):
    """Rates rise from nothing better: training goes down all the time, validation goes up."""
    options = {} if watched == "loss" else {"validation": ([[1.0]], [-1.0])}
    net = one_weight()
    net.theta = [0.0]
    history = gn.train(
        net, [[1.0]], [1.0], "squared_error", optimizer=gn.SGD(0.05), epochs=6,
        schedule=gn.ReduceLROnPlateau(0.5, patience=1), **options,
    )  # fmt: skip
    assert history.loss == sorted(history.loss, reverse=True)
    reduced = [0.05, 0.05, 0.05, 0.025, 0.025, 0.0125]  # the first is the best; two that are worse, then half
    assert history.learning_rate == ([0.05] * 6 if watched == "loss" else reduced)


# --- L-BFGS ------------------------------------------------------------------------------------------------------


def test_lbfgs_finds_the_least_squares():
    net = gn.Network(3, [gn.Dense(2)], seed=0, dtype="float64")
    start = ((net.predict(X) - Y) ** 2).sum(axis=1).mean()
    history = gn.train(net, X, Y, "squared_error", optimizer="lbfgs", epochs=60, batch_size=None)
    ones = np.column_stack([X, np.ones(11)])
    best, residual, _, _ = np.linalg.lstsq(ones, Y, rcond=None)
    np.testing.assert_allclose(np.vstack([net.weights[0], net.biases[0]]), best, atol=1e-6)
    assert history.loss[0] == pytest.approx(start, rel=1e-12)
    assert history.loss[-1] == pytest.approx(residual.sum() / 11, rel=1e-9)


def test_lbfgs_with_dropout_never_takes_a_loss_of_another_mask_for_its_own():
    """Every step's error is that of its own mask at the θ where it starts."""
    net = gn.Network(3, [gn.Dropout(0.5), gn.Dense(4, "tanh"), gn.Dense(2)], seed=0, dtype="float64")
    theta, expected, heard = [net.theta.copy()], [], []

    def look(event: gn.StepEnded):
        twin = event.network.copy()
        twin.theta = theta[-1]
        masks = twin.draw_masks(3, event.step, 11)
        expected.append(twin.backprop(X, Y, loss="squared_error", masks=masks).loss)
        heard.append(event.loss)
        theta.append(event.network.theta.copy())

    gn.train(net, X, Y, "squared_error", optimizer="lbfgs", epochs=8, batch_size=None, seed=3, callbacks=[look])
    np.testing.assert_allclose(heard, expected, rtol=1e-12)


def test_lbfgs_needs_all_rows():
    with pytest.raises(InputError, match=r"batch_size is 4, but optimizer 'lbfgs' needs all 11 rows .*batch_size=None"):
        gn.train(two_layers(), X, Y, "squared_error", optimizer="lbfgs", batch_size=4)
    history = gn.train(two_layers(), X, Y, "squared_error", optimizer="lbfgs", epochs=1)  # 32 are all
    assert history.epochs == 1


@pytest.mark.parametrize("clip", [{"clip_norm": 1.0}, {"clip_value": 1.0}])
def test_lbfgs_refuses_clipping(clip):
    with pytest.raises(InputError, match=r"leave out clip_norm and clip_value"):
        gn.train(two_layers(), X, Y, "squared_error", optimizer="lbfgs", batch_size=None, **clip)


# --- kinds of labels and arrays ----------------------------------------------------------------------------------


def result(inputs, truth, loss="cross_entropy", network=classifier, **options):
    net = network()
    history = gn.train(net, inputs, truth, loss, epochs=2, batch_size=4, **options)
    return net.theta.tobytes(), history.loss


def test_labels_may_be_integers_or_one_hot():
    expected = result(X, LABELS)
    for truth in (
        LABELS.tolist(),
        LABELS.astype(np.int8),
        LABELS.astype(np.uint64),
        LABELS[:, None],
        np.eye(3)[LABELS],
        np.eye(3, dtype=int)[LABELS],
        np.eye(3, dtype=bool)[LABELS],
        pd.Series(LABELS, index=range(50, 61)),
        pl.Series(LABELS),
        pa.array(LABELS),
        pd.DataFrame(np.eye(3)[LABELS]),
    ):
        assert result(X, truth) == expected


def test_one_output_takes_a_column_or_a_vector():
    def yes_or_no():
        return gn.Network(3, [gn.Dense(1, "sigmoid")], seed=0, dtype="float64")

    truth = (LABELS > 0).astype(int)
    expected = result(X, truth, "binary_cross_entropy", yes_or_no)
    for same in (truth[:, None], truth.astype(float), truth > 0, truth.tolist(), pd.Series(truth > 0)):
        assert result(X, same, "binary_cross_entropy", yes_or_no) == expected


def test_tables_are_taken_as_they_are():
    expected = result(X, LABELS)
    names = ["a", "b", "c"]
    for table in (
        X.tolist(),
        np.asfortranarray(X),
        pd.DataFrame(X, columns=names, index=range(7, 18)),
        pl.DataFrame(X, schema=names),
        pa.table({name: X[:, k] for k, name in enumerate(names)}),
    ):
        assert result(table, LABELS) == expected
    mixed = pd.DataFrame({"a": np.arange(11), "b": X[:, 1], "c": LABELS > 0})
    assert result(mixed, LABELS) == result(np.column_stack([np.arange(11), X[:, 1], LABELS > 0]), LABELS)


def test_more_outputs_than_labels_is_said_where_the_call_stands():
    with pytest.warns(
        GlassnetWarning, match=r"3 outputs, but Y names only 2 classes: no row shows output 1\."
    ) as caught:
        gn.train(classifier(), X, np.where(LABELS > 0, 2, 0), "cross_entropy", epochs=1)
    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]


def test_a_single_class_is_an_error():
    with pytest.raises(InputError, match=r"Y holds the single class 1 in all 11 rows; expected at least two classes"):
        gn.train(classifier(), X, np.ones(11, int), "cross_entropy")


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_without_an_output(label):
    truth = LABELS.copy()
    truth[4] = label
    with pytest.raises(InputError, match=rf"the label {label}; the network has 3 outputs, so expected labels 0 to 2"):
        gn.train(classifier(), X, truth, "cross_entropy")
    with pytest.raises(InputError, match=f"validation Y holds the label {label}"):
        gn.train(classifier(), X, LABELS, "cross_entropy", validation=(X, truth))


# --- NaN and infinity --------------------------------------------------------------------------------------------

CASES = {}


def case(function):
    """A network, rows, truth and loss that go wrong in the named quantity at row 7 of 12, if at a row."""
    CASES[function.__name__] = function()
    return function


def rows_with(normal, bad):
    values = np.full((12, 1), normal)
    values[7] = bad
    return values


@case
def z():
    net = gn.Network(1, [gn.Dense(1, bias=False), gn.Dense(1, bias=False)], dtype="float32")
    net.theta = [1e20, 1.0]
    return net, rows_with(1e-20, 1e20), np.zeros(12), "squared_error", {"layer": 0, "row": 7, "unit": 0}


@case
def a():
    net = gn.Network(1, [gn.Dense(1, bias=False), gn.Dense(2, "exp", bias=False)], dtype="float64")
    net.theta = [1.0, 0.0, 1.0]
    return net, rows_with(1.0, 1000.0), np.ones((12, 2)), "poisson", {"layer": 1, "row": 7, "unit": 1}


@case
def loss():
    net = gn.Network(1, [gn.Dense(1, bias=False)], dtype="float32")
    net.theta = [1.0]
    return net, rows_with(1.0, 1e30), np.zeros(12), "squared_error", {"layer": None, "row": 7, "unit": None}


@case
def blame():
    square_root = gn.Activation("root", value=lambda z: np.sqrt(np.abs(z)), slope=lambda z, a: 0.5 * np.sign(z) / a)
    net = gn.Network(1, [gn.Dense(1, "identity", bias=False), gn.Dense(1, square_root, bias=False)], dtype="float64")
    net.theta = [1.0, 1.0]
    return net, rows_with(1.0, 0.0), np.ones(12), "squared_error", {"layer": 1, "row": 7, "unit": 0}


@case
def gradient():
    net = gn.Network(2, [gn.Dense(1, bias=False)], dtype="float32")
    net.theta = [0.0, 0.0]
    inputs = np.column_stack([np.ones(12), rows_with(1.0, 1e30)])
    return net, inputs, np.full(12, 1e15), "half_squared_error", {"layer": 0, "row": None, "unit": 1}


@case
def theta():
    net = gn.Network(2, [gn.Dense(1, bias=False)], dtype="float32")
    net.theta = [0.0, 0.0]
    inputs = np.column_stack([np.zeros(12), rows_with(0.0, 1e25)])
    return net, inputs, np.full(12, 1e10), "half_squared_error", {"layer": 0, "row": None, "unit": 1, "rate": 1e10}


@pytest.mark.parametrize("batch_size", [1, 5, None])
@pytest.mark.parametrize("quantity", CASES)
def test_where_a_nan_or_an_infinity_first_appeared(quantity, batch_size):
    start, inputs, truth, loss, expected = CASES[quantity]
    net, before = start.copy(), []
    expected = dict(expected)

    def look(event: gn.StepEnded):
        before.append(event.network.theta.copy())

    rate = expected.pop("rate", 1e-30)
    if quantity == "theta" and batch_size != 1:
        rate *= 12  # the mean of some rows moves less than one
    with pytest.raises(NonFiniteError) as caught:
        gn.train(
            net, inputs, truth, loss, optimizer=gn.SGD(rate), epochs=3, batch_size=batch_size, callbacks=[look], seed=11
        )
    error = caught.value
    assert error.quantity == quantity
    assert {name: getattr(error, name) for name in expected} == expected
    step = 0
    if batch_size is not None:
        order = orders_of(12, 1, seed=11)[0]
        step = order.index(7) // batch_size
    assert error.step == step
    assert len(before) == step
    last = before[-1] if before else start.theta
    assert net.theta.tobytes() == last.tobytes()  # the last good weights
    message = str(error)
    assert f"step {step}" in message.lower()
    assert "keeps its weights from before this step" in message
    if expected["row"] is not None:
        assert "row 7" in message
    assert message.count("\n") < 2


def test_rows_are_named_as_the_caller_numbers_them_after_a_split():
    _, held_out = split_of(30, 0.3, seed=6)
    inputs = np.ones((30, 1))
    bad = next(row for row in range(15, 30) if row not in held_out)
    inputs[bad] = 1e30
    with pytest.raises(NonFiniteError, match=f"for row {bad}") as caught:
        gn.train(one_weight("float32"), inputs, np.zeros(30), "squared_error", validation=0.3, seed=6, batch_size=4)
    assert caught.value.row == bad


def test_the_step_is_counted_over_the_whole_run():
    """The rate grows until the weight bursts."""
    net, steps = one_weight(), []

    def look(event: gn.StepEnded):
        steps.append((event.step, event.network.theta.copy()))

    with pytest.raises(NonFiniteError) as caught:
        gn.train(
            net, np.ones((4, 1)), np.zeros(4), "squared_error", optimizer=gn.SGD(1e20), epochs=100, batch_size=2,
            callbacks=[look],
        )  # fmt: skip
    assert [step for step, _ in steps] == list(range(len(steps)))
    assert len(steps) > 4
    assert caught.value.step == len(steps)
    assert net.theta.tobytes() == steps[-1][1].tobytes()
    assert np.isfinite(net.theta).all()
    assert caught.value.history.stopped == str(caught.value)
    assert caught.value.history.epochs == len(steps) // 2
    assert all(math.isfinite(loss) for loss in caught.value.history.loss)


def test_lbfgs_meets_an_infinity_where_it_starts():
    net, inputs, truth, loss, _ = CASES["z"]
    net = net.copy()
    with pytest.raises(NonFiniteError) as caught:
        gn.train(net, inputs, truth, loss, optimizer="lbfgs", batch_size=None)
    assert (caught.value.quantity, caught.value.row) == ("z", 7)
    assert net.theta.tobytes() == CASES["z"][0].theta.tobytes()


def test_a_network_that_holds_nan_is_told_at_the_first_step():
    net = two_layers()
    net.weights[1][2, 1] = np.nan
    with pytest.raises(NonFiniteError) as caught:
        gn.train(net, X, Y, "squared_error", optimizer="adam")
    assert (caught.value.quantity, caught.value.layer, caught.value.step, caught.value.unit) == ("z", 1, 0, 1)


# --- wrong arguments ---------------------------------------------------------------------------------------------

NAN_ROW = np.where(np.arange(33).reshape(11, 3) == 16, np.nan, X)

WRONG = [
    ({"net": "digits"}, "net is a str; expected a gn.Network"),
    ({"X": X[:, :2]}, r"X has shape \(11, 2\); the network reads rows of shape \(3,\)"),
    ({"X": X[0]}, r"pass X\[None, :\]"),
    ({"X": X[:0], "Y": Y[:0]}, "X has no rows"),
    ({"X": NAN_ROW}, r"X holds nan at \[5, 1\]"),
    ({"X": X.astype(str)}, "X holds <U.* values; expected numbers"),
    ({"X": [[1, 2, 3], [1, 2]]}, "X cannot be read as one array"),
    ({"X": np.full((11, 3), {}, object)}, "X is an object array that holds {}"),
    ({"X": X * 1e300, "net": two_layers("float32")}, "beyond float32"),
    ({"Y": Y[:5]}, r"Y has shape \(5, 2\); X has 11 rows"),
    ({"Y": Y[:, :1]}, r"Y has shape \(11,\) and holds float64 numbers, but the network has 2 outputs"),
    ({"Y": np.where(Y[3, 1] == Y, np.inf, Y)}, r"Y holds inf at \[3, 1\]"),
    ({"Y": 1.0}, r"Y has shape \(\)"),
    ({"loss": "squarederror"}, "no loss named 'squarederror'. Did you mean 'squared_error'"),
    ({"loss": 3}, "loss is 3"),
    ({"optimizer": "adem"}, "no optimizer named 'adem'. Did you mean .*'adam'"),
    ({"optimizer": "sgd(momentum=-1)"}, "momentum is -1"),
    ({"optimizer": gn.SGD}, "optimizer is .*SGD"),
    ({"optimizer": 0.1}, "optimizer is 0.1"),
    ({"schedule": "cosinus"}, "no schedule named 'cosinus'. Did you mean 'cosine'"),
    ({"schedule": 0.5}, "schedule is 0.5"),
    ({"epochs": 0}, "epochs is 0; expected a whole number from 1 up"),
    ({"epochs": 2.0}, r"epochs is 2\.0"),
    ({"epochs": True}, "epochs is True"),
    ({"epochs": "ten"}, "epochs is 'ten'"),
    ({"batch_size": 0}, "batch_size is 0; expected how many rows a step takes"),
    ({"batch_size": -3}, "batch_size is -3"),
    ({"batch_size": 1.5}, r"batch_size is 1\.5"),
    ({"batch_size": True}, "batch_size is True"),
    ({"batch_size": "all"}, "batch_size is 'all'"),
    ({"validation": 0.0}, "0"),
    ({"validation": 1.0}, "1"),
    ({"validation": True}, "validation is True; expected a pair"),
    ({"validation": "0.2"}, "validation is '0.2'"),
    ({"validation": (X, Y, Y)}, "expected a pair"),
    ({"validation": X}, "expected a pair"),
    ({"validation": (X[:, :1], Y)}, "validation X has shape"),
    ({"validation": (X, Y[:4])}, "validation Y has shape"),
    ({"validation": (NAN_ROW, Y)}, "validation X holds nan"),
    ({"sample_weight": np.ones(10)}, r"sample_weight has shape \(10,\)"),
    ({"sample_weight": np.arange(11) - 3}, "sample_weight holds -3 in row 0"),
    ({"sample_weight": np.zeros(11)}, "sample_weight is 0 for every row"),
    ({"sample_weight": NAN_ROW[:, 1]}, "sample_weight holds nan"),
    ({"sample_weight": "balanced"}, "sample_weight holds <U8 values"),
    ({"reduction": "median"}, "reduction is 'median'; expected 'mean' or 'sum'"),
    ({"reduction": ["mean"]}, "reduction is"),
    ({"l1": -1}, "l1 is -1"),
    ({"l2": math.nan}, "l2 is nan"),
    ({"l2": "0.1"}, r"l2 is '0\.1'"),
    ({"clip_norm": 0}, "clip_norm is 0; expected a positive number"),
    ({"clip_norm": math.inf}, "clip_norm is inf"),
    ({"clip_value": -1}, "clip_value is -1"),
    ({"clip_value": "1"}, "clip_value is '1'"),
    ({"early_stopping": 5}, "there are no validation rows; pass validation=0.2"),
    ({"early_stopping": 0, "validation": (X, Y)}, "patience is 0"),
    ({"early_stopping": True, "validation": (X, Y)}, "patience is True"),
    ({"early_stopping": "5", "validation": (X, Y)}, "patience is '5'"),
    ({"early_stopping": gn.EarlyStopping(monitor="validation_accuracy"), "validation": (X, Y)}, "accuracy"),
    ({"time_limit": 0}, "time_limit is 0; expected a positive number"),
    ({"time_limit": "1h"}, "time_limit is '1h'"),
    ({"callbacks": print}, "callbacks is .*; expected a list of functions"),
    ({"callbacks": [3]}, "callbacks holds 3; expected functions of one event"),
    ({"callbacks": 3}, "callbacks is 3"),
    ({"checkpoint": 3}, "checkpoint"),
    ({"checkpoint": True}, "checkpoint"),
    ({"checkpoint_every": -1}, "checkpoint_every is -1"),
    ({"seed": -1}, "seed is -1"),
    ({"seed": 0.5}, r"seed is 0\.5"),
    ({"seed": None}, "seed is None"),
    ({"seed": 2**63}, "seed is"),
    ({"shuffle": "no"}, "shuffle is 'no'"),
    ({"resume": "no"}, "resume is 'no'"),
    ({"threads": 0}, "threads is 0; expected a whole number from 1 up"),
    ({"threads": 1.5}, r"threads is 1\.5"),
    ({"engine": "reference engine"}, "no engine named 'reference engine'. Did you mean 'reference'"),
    ({"engine": None}, "engine"),
    ({"engine": ["reference"]}, "engine"),
    ({"net": gn.Network(3, [gn.Dense(2, "tanh")]), "loss": "cross_entropy", "Y": LABELS % 2}, "tanh"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=[f"{n}-{'-'.join(w)}" for n, (w, _) in enumerate(WRONG)])
def test_every_wrong_argument_is_a_sentence(wrong, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = {"net": two_layers(), "X": X, "Y": Y, "loss": "squared_error", "epochs": 1} | wrong
    before = getattr(arguments["net"], "theta", np.zeros(0)).copy()
    with pytest.raises((InputError, PairingError), match=words) as caught:
        gn.train(**arguments)
    message = str(caught.value)
    assert message.count("\n") < 2
    assert message.rstrip()[-1] in ".?"
    assert len(message) < 400
    assert np.array_equal(getattr(arguments["net"], "theta", np.zeros(0)), before)
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_are_errors_of_their_own():
    with pytest.raises(UnknownNameError):
        gn.train(two_layers(), X, Y, "squared_error", engine="compiled?")


def test_a_schedule_that_asks_for_momentum_of_an_optimizer_without():
    """PyTorch refuses it; here the optimizer stays without."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gn.train(two_layers(), X, Y, "squared_error", optimizer="adagrad", schedule="one_cycle", epochs=2)


def test_the_reference_engine_keeps_numpy_to_one_thread():
    from threadpoolctl import threadpool_info

    seen = []

    def look(event: gn.EpochEnded):
        seen.append({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})

    before = [pool["num_threads"] for pool in threadpool_info()]
    gn.train(two_layers(), X, Y, "squared_error", epochs=1, threads=1, callbacks=[look], engine="reference")
    assert seen == [{1}]
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_trainings_that_overlap_give_back_the_threads_they_found():
    """The first to begin is the first to end, so that the limits are not nested."""
    from threadpoolctl import threadpool_info, threadpool_limits

    second_began, first_ended = threading.Event(), threading.Event()

    def first(event: gn.TrainingStarted):
        second.start()
        assert second_began.wait(20)

    def hold(event: gn.TrainingStarted):
        second_began.set()
        assert first_ended.wait(20)

    options = {"epochs": 1, "engine": "reference"}
    second = threading.Thread(
        target=gn.train, args=(two_layers(), X, Y, "squared_error"), kwargs=options | {"callbacks": [hold]}
    )
    before = [pool["num_threads"] for pool in threadpool_info()]
    if max(before) == 1:
        pytest.skip("this machine gives NumPy a single thread; there is nothing to give back")
    try:
        gn.train(two_layers(), X, Y, "squared_error", **options, callbacks=[first])
        first_ended.set()
        second.join()
        assert [pool["num_threads"] for pool in threadpool_info()] == before
    finally:
        threadpool_limits(max(before), user_api="blas")
