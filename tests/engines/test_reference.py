"""The reference engine: its steps against steps taken by hand, and what it does where numbers end."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import ENGINES, Block, Descent, Engine, Rates, ReferenceEngine
from glassnet.errors import GlassnetError, NonFiniteError
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.network.inputs import one_hot

INF = float("inf")


def never():
    return False


def block_of(net, m=12, seed=0, weight=None, labels=True, **more):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, net.input_shape[0])).astype(net.dtype)
    y = rng.integers(0, net.outputs, m) if labels else rng.normal(size=(m, net.outputs)).astype(net.dtype)
    weight = np.ones(m, net.dtype) if weight is None else np.array(weight, net.dtype)
    return Block(x, y, weight, **more)


def classifier(dtype="float64", dropout=False, **arguments):
    layers = [gn.Dense(5, "tanh", **arguments), *([gn.Dropout(0.5)] * dropout), gn.Dense(3, "softmax", **arguments)]
    return gn.Network(4, layers, seed=2, dtype=dtype)


def engine_of(net, optimizer="sgd(0.1)", loss="cross_entropy", batch_size=4, seed=0, descent=(), **objective):
    optimizer = OPTIMIZERS.resolve(optimizer)
    return ReferenceEngine(
        net, net.objective(loss, **objective), Descent(optimizer, **dict(descent)), batch_size=batch_size, seed=seed
    )


def rates_of(engine, n, momentum=None):
    return Rates(np.full(n, engine.descent.optimizer.learning_rate), None if momentum is None else np.full(n, momentum))


def run(engine, block, order, rates, stop=never):
    """Let consecutive batches of the engine's size be the steps."""
    bounds = np.minimum(np.arange(len(rates) + 1) * engine.batch_size, len(order))
    return engine.run(block, order, bounds, rates, stop)


# Steps


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd(0.1, momentum=0.9)", "adam(0.01)", "rprop"])
def test_run_is_backprop_and_update_over_consecutive_batches(optimizer, dropout, reduction):
    net, by_hand = classifier(dropout=dropout), classifier(dropout=dropout)
    engine = engine_of(net, optimizer, reduction=reduction, l1=0.01, l2=0.1, seed=7)
    block = block_of(net, weight=np.arange(12) % 5)
    order = np.random.default_rng(1).permutation(12)[:10]
    steps = run(engine, block, order, rates_of(engine, 3))

    method = OPTIMIZERS.resolve(optimizer)
    state = method.init(by_hand.theta)
    for i, rows in enumerate((order[:4], order[4:8], order[8:])):
        w = block.sample_weight[rows]
        p = by_hand.backprop(
            block.x[rows],
            block.y[rows],
            "cross_entropy",
            reduction=reduction,
            sample_weight=w,
            l1=0.01,
            l2=0.1,
            masks=by_hand.draw_masks(7, i, len(rows)),
        )
        penalty = p.loss - p.coefficient @ p.row_errors
        assert steps.weights[i] == w.sum()
        assert steps.errors[i] == pytest.approx((w @ p.row_errors) / w.sum() + penalty, rel=1e-12)
        method.update(by_hand.theta, p.gradient.theta, state)
    assert len(steps) == 3
    assert engine.state.step == 3
    np.testing.assert_allclose(net.theta, by_hand.theta, rtol=1e-13)
    for name in state:
        np.testing.assert_allclose(engine.state.optimizer[name], state[name], rtol=1e-12)


def test_rates_and_momentum_of_each_step_are_those_that_were_asked_for():
    net, by_hand = classifier(), classifier()
    engine = engine_of(net, "sgd(0.5, momentum=0.9)")
    block = block_of(net)
    run(engine, block, np.arange(12), Rates(np.array([0.1, 0.2, 0.0]), np.array([0.5, 0.9, 0.1])))
    sgd = OPTIMIZERS.resolve("sgd(0.5, momentum=0.9)")
    state = sgd.init(by_hand.theta)
    for rows, rate in zip((slice(4), slice(4, 8), slice(8, 12)), ((0.1, 0.5), (0.2, None), (0.0, 0.1)), strict=True):
        p = by_hand.backprop(block.x[rows], block.y[rows], "cross_entropy")
        sgd.update(by_hand.theta, p.gradient.theta, state, *rate)
    np.testing.assert_array_equal(net.theta, by_hand.theta)


@given(cuts=st.lists(st.integers(1, 5), min_size=1, max_size=6), dropout=st.booleans())
def test_many_runs_are_one_run(cuts, dropout):
    """The bits do not depend on how steps are cut into calls; dropout goes by the step's number."""
    n = sum(cuts)
    nets = [classifier(dropout=dropout) for _ in range(2)]
    engines = [engine_of(net, "adam(0.01)", batch_size=2) for net in nets]
    block = block_of(nets[0], m=2 * n)
    order = np.random.default_rng(3).permutation(2 * n)
    whole = run(engines[0], block, order, rates_of(engines[0], n))
    errors, at = [], 0
    for cut in cuts:
        steps = run(engines[1], block, order[2 * at : 2 * (at + cut)], rates_of(engines[1], cut))
        errors += steps.errors.tolist()
        at += cut
    assert errors == whole.errors.tolist()
    np.testing.assert_array_equal(nets[0].theta, nets[1].theta)
    assert engines[0].state.step == engines[1].state.step == n


@pytest.mark.parametrize("after", [0, 1, 2])
def test_stop_is_asked_between_steps(after):
    net, other = classifier(), classifier()
    engine, twin = engine_of(net), engine_of(other)
    block = block_of(net)
    asked = []

    def stop():
        asked.append(engine.state.step)
        return len(asked) > after

    steps = run(engine, block, np.arange(12), rates_of(engine, 3), stop)
    assert len(steps) == len(steps.errors) == len(steps.weights) == engine.state.step == after
    assert asked == list(range(after + 1))
    run(twin, block, np.arange(4 * after), rates_of(twin, after))
    np.testing.assert_array_equal(net.theta, other.theta)


def test_a_stop_that_rises_leaves_whole_steps():
    net, other = classifier(), classifier()
    engine, twin = engine_of(net), engine_of(other)
    block = block_of(net)

    def stop():
        if engine.state.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(engine, block, np.arange(12), rates_of(engine, 3), stop)
    run(twin, block, np.arange(8), rates_of(twin, 2))
    np.testing.assert_array_equal(net.theta, other.theta)


def test_blocks_are_left_alone():
    net = classifier()
    engine = engine_of(net)
    block = block_of(net)
    copies = block.x.copy(), block.y.copy(), block.sample_weight.copy()
    run(engine, block, np.arange(12), rates_of(engine, 3))
    for array, copy in zip((block.x, block.y, block.sample_weight), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_registry_of_engines():
    assert ENGINES["reference"] is ReferenceEngine
    assert issubclass(ReferenceEngine, Engine)
    assert len(block_of(classifier())) == 12


# Weights of rows


def test_a_step_whose_rows_do_not_count_is_skipped():
    net = classifier()
    engine = engine_of(net, "adam(0.01, weight_decay=0.1)")
    block = block_of(net, weight=[1] * 4 + [0] * 4 + [2] * 4)
    run(engine, block, np.arange(4), rates_of(engine, 1))
    theta, state = net.theta.copy(), {name: array.copy() for name, array in engine.state.optimizer.items()}
    steps = run(engine, block, np.arange(4, 8), rates_of(engine, 1))
    assert (steps.weights.tolist(), len(steps)) == ([0], 1)
    np.testing.assert_array_equal(net.theta, theta)
    for name, array in state.items():
        np.testing.assert_array_equal(engine.state.optimizer[name], array)
    assert engine.state.step == 2
    run(engine, block, np.arange(8, 12), rates_of(engine, 1))
    assert not np.array_equal(net.theta, theta)


def test_a_skipped_step_does_not_weigh_in_the_history():
    weight = np.array([1, 1, 1, 1, 0, 0, 0, 0], float)
    X, Y = np.random.default_rng(0).normal(size=(8, 4)), np.arange(8) % 3
    losses = []
    for rows in (slice(8), slice(4)):
        net = classifier()
        history = gn.train(
            net, X[rows], Y[rows], "cross_entropy", batch_size=4, shuffle=False, epochs=1, sample_weight=weight[rows]
        )
        losses.append((history.loss, net.theta.tolist()))
    assert losses[0] == losses[1]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_short_last_batch_is_averaged_over_its_own_rows(reduction):
    net, by_hand = classifier(), classifier()
    engine = engine_of(net, "sgd(1.0)", batch_size=8, reduction=reduction)
    block = block_of(net, m=9)
    run(engine, block, np.array([8]), rates_of(engine, 1))
    p = by_hand.backprop(block.x[8:], block.y[8:], "cross_entropy", reduction=reduction)
    np.testing.assert_array_equal(net.theta, by_hand.theta - p.gradient.theta)


# Clipping


@given(
    gradient=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8),
    value=st.none() | st.floats(1e-3, 1e3),
    norm=st.none() | st.floats(1e-3, 1e3),
)
def test_clipping(gradient, value, norm):
    found = np.array(gradient)
    Descent(gn.SGD(), clip_value=value, clip_norm=norm).clip(found)
    expected = [min(max(g, -value), value) for g in gradient] if value is not None else gradient
    length = sum(g * g for g in expected) ** 0.5
    if norm is not None and length > norm:
        expected = [g * norm / length for g in expected]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    if norm is not None:
        assert np.linalg.norm(found) <= norm * (1 + 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_by_norm_keeps_the_direction_of_a_gradient_whose_square_overflows(dtype):
    """Exploding gradients are what clipping is for."""
    large = 1e25 if dtype == "float32" else 1e200
    gradient = np.array([3 * large, -4 * large, 0], dtype)
    with np.errstate(over="ignore"):
        Descent(gn.SGD(), clip_norm=1.0).clip(gradient)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, [0.6, -0.8, 0], rtol=1e-6)


@pytest.mark.parametrize(("descent", "length"), [({"clip_norm": 1e-3}, 1e-3), ({"clip_value": 1e-4}, None)])
def test_a_step_is_no_longer_than_clipping_allows(descent, length):
    net = classifier()
    engine = engine_of(net, "sgd(1.0)", descent=descent)
    before = net.theta.copy()
    run(engine, block_of(net), np.arange(4), rates_of(engine, 1))
    step = net.theta - before
    if length is not None:
        assert np.linalg.norm(step) == pytest.approx(length)
    else:
        assert np.abs(step).max() == pytest.approx(1e-4)
        assert len(np.unique(np.abs(step).round(12))) < 5


def test_a_short_gradient_is_not_clipped():
    nets = [classifier(), classifier()]
    for net, descent in zip(nets, ({}, {"clip_norm": 1e6, "clip_value": 1e6}), strict=True):
        engine = engine_of(net, "sgd(1.0)", descent=descent)
        run(engine, block_of(net), np.arange(12), rates_of(engine, 3))
    np.testing.assert_array_equal(nets[0].theta, nets[1].theta)


# Frozen biases


@pytest.mark.parametrize(
    "optimizer",
    ["sgd(0.1, momentum=0.9, weight_decay=0.5)", "adamw(0.1, weight_decay=0.5)", "adam(0.1, weight_decay=0.5)", "lbfgs"]
    + [name for name in OPTIMIZERS if name not in ("sgd", "adamw", "adam", "lbfgs")],
)
def test_frozen_biases_do_not_move_though_their_gradient_shows(optimizer):
    net = classifier(trainable_bias=False, bias_init="constant(0.3)")
    before = net.theta.copy()
    block = block_of(net)
    assert (net.backprop(block.x, block.y, "cross_entropy").gradient.biases[0] != 0).all()
    engine = engine_of(net, optimizer, batch_size=12, l1=0.01, l2=0.1)
    for _ in range(3):
        run(engine, block, np.arange(12), rates_of(engine, 1))
    for k in (0, 1):
        assert net.biases[k].tolist() == [0.3] * len(net.biases[k])
    trainable = net.layout.mask("trainable")
    assert (net.theta[trainable] != before[trainable]).all()


def test_frozen_biases_neither_lengthen_nor_share_a_clipped_gradient():
    net, free = classifier(trainable_bias=False), classifier()
    engine = engine_of(net, "sgd(1.0)", batch_size=12, descent={"clip_norm": 1e-3})
    block = block_of(net)
    gradient = free.backprop(block.x, block.y, "cross_entropy").gradient.theta
    gradient[~net.layout.mask("trainable")] = 0
    before = net.theta.copy()
    run(engine, block, np.arange(12), rates_of(engine, 1))
    np.testing.assert_allclose(before - net.theta, gradient * 1e-3 / np.linalg.norm(gradient), rtol=1e-9, atol=1e-15)


# Many θ at once


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error", "hinge"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(p=st.integers(1, 5), seed=st.integers(0, 99), reduction=st.sampled_from(["mean", "sum"]))
def test_losses_are_those_of_each_theta_alone(loss, dtype, p, seed, reduction):
    net = classifier(dtype, dropout=True)
    engine = engine_of(net, loss=loss, l1=0.01, l2=0.1, reduction=reduction)
    block = block_of(net, m=7, seed=seed, weight=np.arange(7) % 3)
    thetas = np.random.default_rng(seed).normal(size=(p, net.theta.size)).astype(dtype)
    before = net.theta.copy()
    found = engine.losses(thetas, block)
    assert found.shape == (p,)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(net.theta, before)
    arguments = {"loss": loss, "l1": 0.01, "l2": 0.1, "reduction": reduction, "sample_weight": block.sample_weight}
    for theta, error in zip(thetas, found, strict=True):
        net.theta = theta
        assert error == pytest.approx(
            net.backprop(block.x, block.y, **arguments).loss, rel=1e-5 if dtype == "float32" else 1e-12
        )


def test_losses_in_chunks_are_the_same(monkeypatch):
    net = classifier()
    engine, block = engine_of(net), block_of(net)
    thetas = np.random.default_rng(0).normal(size=(23, net.theta.size))
    whole = engine.losses(thetas, block)
    monkeypatch.setattr("glassnet.engines.reference._BYTES_AT_A_TIME", 1)
    np.testing.assert_allclose(engine.losses(thetas, block), whole, rtol=1e-14)


def test_losses_of_real_targets_and_a_network_without_biases():
    net = gn.Network(3, [gn.Dense(2, "relu", bias=False), gn.Dense(2, bias=False)], seed=1, dtype="float64")
    engine = engine_of(net, loss="mean_squared_error")
    block = block_of(net, labels=False)
    found = engine.losses(np.stack([net.theta, 0 * net.theta]), block)
    expected = [((net.predict(block.x) - block.y) ** 2).mean(), (block.y**2).mean()]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_row_errors_are_without_dropout_and_penalty(monkeypatch):
    net = classifier(dropout=True)
    engine = engine_of(net, "sgd(0.1)", l1=1.0, l2=1.0)
    block = block_of(net, m=11)
    errors, prediction = engine.row_errors(block.x, block.y)
    truth = one_hot(block.y, LOSSES["cross_entropy"], 3, net.dtype)
    np.testing.assert_array_equal(prediction, net.predict(block.x))
    np.testing.assert_allclose(errors, -np.log((prediction * truth).sum(axis=1)), rtol=1e-12)
    monkeypatch.setattr("glassnet.engines.reference._ROWS_AT_A_TIME", 3)
    np.testing.assert_allclose(engine.row_errors(block.x, block.y)[0], errors, rtol=1e-13)


# Where numbers end


def run_into(net, block, loss="squared_error", optimizer="sgd(0.1)", steps=1, **objective):
    """Run until it fails; return the error, θ before and θ after."""
    engine = engine_of(net, optimizer, loss, batch_size=len(block), **objective)
    engine.state.step = 40
    before = net.theta.copy()
    with pytest.raises(NonFiniteError) as caught:
        run(engine, block, np.arange(len(block)), rates_of(engine, steps))
    error = caught.value
    assert isinstance(error, GlassnetError)
    assert isinstance(error, ArithmeticError)
    assert "step 40" in str(error)
    assert "keeps its weights from before this step" in str(error)
    assert str(error).endswith(".")
    np.testing.assert_array_equal(net.theta, before)
    assert np.isfinite(net.theta).all()
    assert engine.state.step == error.step == 40
    return error


def one_wide(x, y=0.0):
    """Rows of one number each, with truth y."""
    x = np.array(x, float)[:, None]
    return Block(x, np.full_like(x, y), np.ones(len(x)))


def where(error):
    return error.quantity, error.layer, error.row, error.unit


def test_exp_overflows_in_layer_0_row_3():
    net = gn.Network(1, [gn.Dense(2, "exp"), gn.Dense(1)], dtype="float64")
    net.theta = [1, 100, 0, 0, 1, 1, 0]
    error = run_into(net, one_wide([0, 1, 2, 9, 8]))
    assert where(error) == ("a", 0, 3, 1)
    assert "a of layer 0, neuron 1, became inf for row 3" in str(error)


def test_the_sum_overflows_before_the_activation():
    net = gn.Network(1, [gn.Dense(1, "relu"), gn.Dense(1)], dtype="float64")
    net.theta = [1e300, 0, 1, 0]
    error = run_into(net, one_wide([1, 2, 1e10]))
    assert where(error) == ("z", 0, 2, 0)
    assert "z of layer 0, neuron 0, became inf for row 2" in str(error)


def test_the_loss_overflows():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    net.theta = [1, 0]
    error = run_into(net, one_wide([1, -1e200]))
    assert where(error) == ("loss", None, 1, None)
    assert "the error became inf for row 1" in str(error)


def test_only_the_blame_is_no_number():
    g = gn.Activation("odd", value=lambda z: z, slope=lambda z, a: np.where(z > 5, np.nan, 1.0))
    net = gn.Network(1, [gn.Dense(1, g), gn.Dense(2, g), gn.Dense(1)], dtype="float64")
    net.theta = [1, 0, 0.1, 0.1, 0, 0, 1, 1, 0]
    error = run_into(net, one_wide([1, 2, 6, 7]))
    assert where(error) == ("blame", 0, 2, 0)
    assert "blame of layer 0, neuron 0, became nan for row 2" in str(error)


def test_blame_is_looked_for_from_the_back():
    """It is computed from the last layer to the first, so the last layer's is the first that went wrong."""
    g = gn.Activation("odd", value=lambda z: z, slope=lambda z, a: np.where(z > 5, np.inf, 1.0))
    net = gn.Network(1, [gn.Dense(1, g), gn.Dense(1, g)], dtype="float64")
    net.theta = [1, 0, 1, 0]
    assert where(run_into(net, one_wide([1, 6]))) == ("blame", 1, 1, 0)


def test_only_the_gradient_overflows():
    """Each row's blame is finite, and so is the error; the sum of blame times signal is not."""
    net = gn.Network(1, [gn.Dense(1, "tanh")], dtype="float64")
    net.theta = [1e-160, 0]
    error = run_into(net, one_wide([1e160, 1e160], y=1e150), loss="half_squared_error")
    assert (error.quantity, error.layer, error.row) == ("gradient", 0, None)
    assert "the gradient of weights[0][0, 0] became -inf" in str(error)
    assert error.unit == 0


def test_only_the_sum_of_errors_overflows():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    net.theta = [0, 0]
    error = run_into(net, one_wide([1, 1], y=1.2e154), reduction="sum", loss="squared_error")
    assert (error.quantity, error.layer, error.row) == ("loss", None, None)
    assert "the sum of the rows' errors and the penalty became inf" in str(error)


def test_a_penalty_that_overflows_is_called_by_its_name():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    net.theta = [1e160, 0]
    error = run_into(net, one_wide([0, 0]), l2=1.0)
    assert error.quantity == "loss"
    assert "penalty" in str(error)


@pytest.mark.parametrize("optimizer", ["sgd(1e300)", "adam(1e308)", "rmsprop(1e308)"])
def test_a_huge_learning_rate_makes_theta_overflow(optimizer):
    net = gn.Network(1, [gn.Dense(2, bias=False), gn.Dense(1, bias=False)], dtype="float64")
    net.theta = [1e3, 1, 1, 1e200]
    error = run_into(net, one_wide([1e3], y=5e100), optimizer=optimizer, loss="absolute_error")
    assert (error.quantity, error.row) == ("theta", None)
    assert error.layer in (0, 1)
    assert f"The update of step 40 made weights[{error.layer}]" in str(error)
    assert net.layout.locate(error.unit)[0] == error.layer


def test_rows_are_numbered_as_the_caller_numbers_them():
    net = gn.Network(1, [gn.Dense(1, "exp")], dtype="float64")
    net.theta = [1, 0]
    block = dataclasses.replace(one_wide([1, 900, 2]), numbers=np.array([70, 80, 90]))
    assert run_into(net, block).row == 80


def test_rows_are_numbered_by_the_block_and_not_by_the_batch():
    net = gn.Network(1, [gn.Dense(1, "exp")], dtype="float64")
    net.theta = [1e-3, 0]
    engine = engine_of(net, "sgd(0.0)", "squared_error", batch_size=2)
    block = one_wide([1, 2, 3, 9e6, 5])
    with pytest.raises(NonFiniteError) as caught:
        run(engine, block, np.array([4, 1, 0, 3]), rates_of(engine, 2))
    assert (caught.value.row, caught.value.step) == (3, 1)


def test_training_says_the_row_of_the_callers_array_also_after_a_split():
    X = np.arange(40.0)[:, None]
    X[17] = 2e5
    net = gn.Network(1, [gn.Dense(1, "exp")], dtype="float64")
    net.theta = [0.01, 0]
    rows = set()
    for seed in range(6):
        attempt = net.copy()
        try:
            gn.train(
                attempt, X, np.ones(40), "squared_error", optimizer="sgd(0.0)", epochs=1, validation=0.3, seed=seed
            )
        except NonFiniteError as error:
            rows.add((error.quantity, error.row))
    assert rows == {("a", 17)}


def test_earlier_steps_of_the_run_are_kept():
    net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    net.theta = [0, 0]
    engine = engine_of(net, "sgd(0.1)", "squared_error", batch_size=1)
    block = one_wide([1, 1e200], y=1.0)
    with pytest.raises(NonFiniteError) as caught:
        run(engine, block, np.array([0, 1]), rates_of(engine, 2))
    assert net.theta == pytest.approx([0.2, 0.2])
    assert (caught.value.step, engine.state.step) == (1, 1)


def test_no_warning_comes_with_it():
    """The sentence is enough; pytest turns NumPy's warnings into errors."""
    net = gn.Network(1, [gn.Dense(1, "exp")])
    net.theta = [1, 0]
    with pytest.raises(NonFiniteError, match=r"^In step 0, a of layer 0, neuron 0, became inf for row 1\."):
        gn.train(net, [[0], [500]], [1, 2], "squared_error", epochs=3, shuffle=False)
    assert net.theta.tolist() == [1, 0]


def test_a_row_of_weight_zero_may_hold_what_it_likes():
    """Weight 0 is how one says that a row does not count, also where its error would be infinite."""
    net, without = (gn.Network(1, [gn.Dense(1, "exp"), gn.Dense(1)], seed=3, dtype="float64") for _ in range(2))
    for network in (net, without):
        network.weights[0] = [[1.0]]
    X, Y = [[0.5], [900.0], [0.7]], [1.0, 2.0, 3.0]
    gn.train(net, X, Y, "squared_error", optimizer="sgd(0.1)", epochs=1, batch_size=None, sample_weight=[1, 0, 1])
    gn.train(without, X[::2], Y[::2], "squared_error", optimizer="sgd(0.1)", epochs=1, batch_size=None)
    np.testing.assert_allclose(net.theta, without.theta, rtol=1e-13)
