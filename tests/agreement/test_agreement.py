"""Everything that training knows, on both engines from the same start: θ, history and the optimizer's state agree."""

import numpy as np
import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from two_engines import LABELS, NUMBERS, X, assert_agree, assert_float32_as_good, cases, network, train

import glassnet as gn
from glassnet.compiled import program
from glassnet.engines import Block, CompiledEngine, Descent, Rates, ReferenceEngine
from glassnet.errors import PairingError
from glassnet.maths.activation import RowActivation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.functions import softmax, softmax_pullback
from glassnet.maths.loss import Targets
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.maths.schedules import SCHEDULES
from glassnet.network import network as network_module

pytestmark = pytest.mark.filterwarnings("ignore:The network has .* outputs, but Y names only")

SPELLED_ACTIVATIONS = [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.5)"]
HIDDEN = [name for name in SPELLED_ACTIVATIONS if name != "softmax"]
SMOOTHED = [f"{name}(0.1)" for name in LOSSES if "cross_entropy" in name]
SPELLED_LOSSES = [*LOSSES, "huber(0.3)", "quantile(0.8)", *SMOOTHED]
SPELLED_OPTIMIZERS = [
    *(name for name in OPTIMIZERS if name != "lbfgs"),
    "sgd(0.05, momentum=0.9)",
    "sgd(0.05, momentum=0.9, dampening=0.5)",
    "sgd(0.05, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "sgd(0.05, weight_decay=0.1)",
    "rmsprop(0.01, alpha=0.9, eps=1e-6, weight_decay=0.01)",
    "rmsprop(0.01, momentum=0.9)",
    "rmsprop(0.01, momentum=0.9, centered=True, weight_decay=0.01)",
    "adagrad(0.1, lr_decay=0.05, weight_decay=0.01, initial_accumulator_value=0.3)",
    "adadelta(0.5, rho=0.8, eps=1e-5, weight_decay=0.01)",
    "adam(0.01, betas=(0.5, 0.9), eps=1e-4, amsgrad=True, weight_decay=0.01)",
    "adamw(0.01, weight_decay=0.1, amsgrad=True)",
    "adamax(0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.01)",
    "nadam(0.01, weight_decay=0.01, momentum_decay=0.1)",
    "nadam(0.01, weight_decay=0.01, decoupled_weight_decay=True)",
    "radam(0.01, weight_decay=0.01)",
    "radam(0.01, betas=(0.9, 0.99), weight_decay=0.01, decoupled_weight_decay=True)",
    "radam(0.01, betas=(0.9, 0.6))",
    "rprop(0.05, etas=(0.3, 1.5), step_sizes=(0.02, 0.1))",
]
SPELLED_SCHEDULES = [
    *SCHEDULES,
    "multi_step((1, 3), 0.5)",
    "multi_step((2, 7), 0.5, per='step')",
    "exponential(0.9, per='step')",
    "cosine(per='step')",
    "cosine_restarts(3, per='step')",
    "one_cycle(0.1, three_phase=True, anneal_strategy='linear')",
    "one_cycle(0.1, cycle_momentum=False)",
    "cyclic(0.001, 0.1, step_size_up=3)",
    "cyclic(0.001, 0.1, step_size_up=3, mode='exp_range', gamma=0.9)",
    "warm_up(2, 'cosine')",
    "warm_up(3, 'exponential(0.9)', per='step')",
    "plateau(0.5, patience=0)",
]
BORDERS = [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 100]
"""Widths around those of vectors and tiles, of 16 to 64 bytes, in both dtypes."""


def regression(activation="tanh", width=17, **more):
    return network((width, activation), (3, "identity"), **more)


GENTLE = {"optimizer": "sgd(0.02, momentum=0.5)", "epochs": 3, "batch_size": 16}


def both_dtypes(net, inputs, truth, loss, **options):
    assert_agree(net, inputs, truth, loss, **GENTLE | options)
    assert_float32_as_good(net, inputs, truth, loss, **GENTLE | options)


# Each registered thing


@pytest.mark.parametrize("activation", HIDDEN)
def test_each_activation_in_hidden_layers(activation):
    net = network((17, activation), (6, activation), (3, "identity"))
    more = {"clip_norm": 0.1} if activation == "exp" else {}  # e to the power of e to the power of x
    both_dtypes(net, X, NUMBERS, "squared_error", **more)


def truths(loss, m=40, outputs=3, seed=4):
    """Every kind of truth that a loss reads."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, outputs, m)
    if outputs > 1:
        yield labels
        yield np.eye(outputs)[labels]
    match loss.targets:
        case Targets.NUMBERS:
            yield rng.normal(size=(m, outputs))
        case Targets.NONNEGATIVE:
            yield rng.poisson(1.5, size=(m, outputs)).astype(float)
        case Targets.UNIT:
            yield np.clip(rng.random((m, outputs)) * 1.4 - 0.2, 0, 1)
        case Targets.DISTRIBUTION:
            yield rng.dirichlet(np.ones(outputs), m) if outputs > 1 else np.ones((m, 1))


def pairs():
    for loss in SPELLED_LOSSES:
        for last in SPELLED_ACTIVATIONS:
            try:
                LOSSES.resolve(loss).require_readable(ACTIVATIONS.resolve(last), 3)
            except PairingError:
                continue
            yield loss, last


@pytest.mark.parametrize(("loss", "last"), [*pairs()])
def test_each_loss_after_each_last_activation_that_it_reads(loss, last):
    net = network((7, "tanh"), (3, last))
    for truth in truths(LOSSES.resolve(loss)):
        assert_agree(net, X, truth, loss, **GENTLE | {"epochs": 2})


@pytest.mark.parametrize("loss", SPELLED_LOSSES)
def test_each_loss_in_float32(loss):
    record = LOSSES.resolve(loss)
    net = network((7, "tanh"), (3, record.last_activation))
    for truth in truths(record):
        assert_float32_as_good(net, X, truth, loss, **GENTLE)


@pytest.mark.parametrize("loss", [name for name in SPELLED_LOSSES if LOSSES.resolve(name).min_outputs == 1])
def test_each_loss_with_a_single_output(loss):
    record = LOSSES.resolve(loss)
    net = network((7, "tanh"), (1, record.last_activation))
    for truth in truths(record, outputs=1):
        assert_agree(net, X, truth, loss, **GENTLE)
        assert_agree(net, X, truth[:, 0], loss, **GENTLE)
    assert_agree(net, X, LABELS % 2, loss, **GENTLE)


@pytest.mark.parametrize("optimizer", SPELLED_OPTIMIZERS)
def test_each_optimizer(optimizer):
    both_dtypes(regression(), X, NUMBERS, "squared_error", optimizer=optimizer, epochs=8)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs(history_size=3)", "lbfgs(0.5, reuse=False)"])
def test_lbfgs(optimizer):
    options = {"optimizer": optimizer, "batch_size": None, "epochs": 6}
    assert_agree(regression(), X, NUMBERS, "squared_error", **options, l1=0.01, l2=0.1, reduction="sum")
    frozen = [gn.Dense(9, "tanh", trainable_bias=False), gn.Dropout(0.3), gn.Dense(3, "softmax")]
    weight = np.arange(40) % 3
    assert_agree(network(*frozen), X, LABELS, "cross_entropy", **options, sample_weight=weight)


@pytest.mark.parametrize("optimizer", ["sgd(0.05, momentum=0.8)", "adam(0.02)"])
@pytest.mark.parametrize("schedule", SPELLED_SCHEDULES)
def test_each_schedule(schedule, optimizer):
    plain = train(regression(), X, NUMBERS, "squared_error", optimizer=optimizer, epochs=6, batch_size=16)
    moved = assert_agree(
        regression(), X, NUMBERS, "squared_error", optimizer=optimizer, schedule=schedule, epochs=6, batch_size=16
    )
    if schedule not in (
        "constant",
        "step",
        "multi_step",
        "plateau",
        "plateau(0.5, patience=0)",
    ):  # wait longer than this
        assert not np.array_equal(plain.net.theta, moved.net.theta)


# What joins a step


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "options",
    [
        {"l1": 0.03},
        {"l2": 0.3},
        {"l1": 0.02, "l2": 0.1},
        {"clip_norm": 0.05},
        {"clip_value": 0.01},
        {"clip_value": 0.02, "clip_norm": 0.1, "l2": 0.1},
        {"clip_norm": 1e6},
        {"sample_weight": np.random.default_rng(3).random(40)},
        {"sample_weight": (np.arange(40) % 3).astype(float), "l1": 0.01},
        {"sample_weight": (np.arange(40) // 8 % 2).astype(float), "shuffle": False, "batch_size": 8},
        {"sample_weight": (np.arange(40) // 8 % 2).astype(float), "shuffle": False, "batch_size": 8, "clip_norm": 0.1},
        {"sample_weight": np.eye(40)[7], "l2": 0.1, "optimizer": "adamw(0.01)"},
    ],
    ids=str,
)
def test_penalties_clipping_and_weights(options, reduction):
    rate = "sgd(0.01)" if reduction == "mean" else "sgd(0.001)"
    options = {"optimizer": rate, "reduction": reduction} | options
    both_dtypes(regression(), X, NUMBERS, "squared_error", **options, validation=(X[:11], NUMBERS[:11]))


def test_rows_of_weight_zero_do_not_count_whatever_they_hold():
    huge = np.where(np.arange(40)[:, None] % 3 == 0, 1e300, X)
    weight = (np.arange(40) % 3).astype(float)
    for activation in ("exp", "relu", "gelu_tanh"):  # all zeros of x, and e¹ᵉ³⁰⁰
        assert_agree(regression(activation), huge, NUMBERS, "squared_error", **GENTLE, sample_weight=weight)


def test_rows_of_weight_zero_do_not_count_where_a_row_of_zeros_overflows():
    net = network((1, "exp"), (1, "identity"), inputs=1)
    net.theta = [-800.0, 800.0, 1.0, 0.0]
    options = {"sample_weight": [1.0, 0.0, 1.0], "optimizer": "sgd(1e-6)", "epochs": 2, "batch_size": None}
    assert_agree(net, [[1.0], [5.0], [1.001]], [[1.0], [2.0], [1.5]], "squared_error", **options)


DROPOUTS = {
    "first": [gn.Dropout(0.3), (16, "relu"), (3, "identity")],
    "middle": [(16, "selu"), gn.Dropout(0.15), (9, "tanh"), (3, "identity")],
    "last": [(16, "tanh"), (5, "sigmoid"), gn.Dropout(0.5), (3, "identity")],
    "in a row": [gn.Dropout(0.1), gn.Dropout(0.2), (7, "tanh"), gn.Dropout(0.3), gn.Dropout(0.4), (3, "identity")],
    "rate 0": [gn.Dropout(0.0), (7, "tanh"), gn.Dropout(0.0), gn.Dropout(0.3), (3, "identity")],
    "almost all": [(16, "tanh"), gn.Dropout(0.999), (3, "identity")],
    "hardly any": [(16, "tanh"), gn.Dropout(1e-12), (3, "identity")],
    "padded rows": [gn.Dropout(0.3), (256, "tanh"), gn.Dropout(0.5), (3, "identity")],
}


@pytest.mark.parametrize("layers", [*DROPOUTS.values()], ids=[*DROPOUTS])
def test_dropout(layers):
    for weight in (None, (np.arange(40) % 3).astype(float)):
        both_dtypes(network(*layers), X, NUMBERS, "squared_error", seed=5, sample_weight=weight)


@pytest.mark.parametrize("where", ["first", "last", "all"])
@pytest.mark.parametrize("how", ["frozen", "absent"])
def test_frozen_and_absent_biases(where, how):
    off = {"trainable_bias": False} if how == "frozen" else {"bias": False}
    first, last = (off if where in ("first", "all") else {}), (off if where in ("last", "all") else {})
    net = network(gn.Dense(17, "tanh", **first), gn.Dense(3, "identity", **last))
    for optimizer in ("sgd(0.01, momentum=0.9)", "adamw(0.01, weight_decay=0.1)"):
        both_dtypes(net, X, NUMBERS, "squared_error", optimizer=optimizer, clip_norm=0.3, l2=0.1)


OWN_SOFTMAX = RowActivation("own_softmax", value=softmax, row_pullback=softmax_pullback)
"""Soft-max where the library's name is refused: inside a network."""


@pytest.mark.parametrize("width", [1, 9, 16, 256])
def test_activations_of_whole_rows_inside_the_network(width):
    for after in ([], [gn.Dropout(0.3)], [gn.Dropout(0.3), gn.Dropout(0.2)]):
        net = network((8, "tanh"), (width, OWN_SOFTMAX), *after, (3, "identity"))
        both_dtypes(net, X, NUMBERS, "squared_error")
    both_dtypes(network((width, OWN_SOFTMAX), (3, "softmax")), X, LABELS, "cross_entropy")


# Sizes


@pytest.mark.parametrize("width", BORDERS)
def test_widths_around_vectors_and_tiles(width):
    rng = np.random.default_rng(width)
    inputs, truth = rng.normal(size=(37, width)), rng.normal(size=(37, width))
    net = network((width, "tanh"), (width, "tanh"), (width, "identity"), inputs=width)
    both_dtypes(net, inputs, truth, "mean_squared_error", optimizer="sgd(0.1)")
    both_dtypes(network((width, "tanh"), (3, "softmax")), X, LABELS, "cross_entropy")
    both_dtypes(network((3, "tanh"), (width, "identity")), X, np.tile(NUMBERS[:, :1], width), "mean_squared_error")


@pytest.mark.parametrize("width", [255, 256, 257, 511, 512, 513])
def test_widths_whose_rows_are_padded(width):
    net = network((width, "relu"), (width, "sigmoid"), (3, "softmax"))
    both_dtypes(net, X, LABELS, "cross_entropy", epochs=2)


def test_wide_output_and_wide_input():
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(30, 513)), rng.integers(0, 512, 30)
    both_dtypes(network((4, "tanh"), (512, "softmax"), inputs=513), inputs, labels, "cross_entropy", epochs=2)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 7, 11, 12, 13, 24, 25, 39, 40, None])
def test_batch_sizes_and_short_last_batches(batch_size):
    both_dtypes(regression(), X, NUMBERS, "squared_error", batch_size=batch_size, optimizer="sgd(0.01)")


def test_one_row_and_one_of_everything():
    net = network((1, "tanh"), inputs=1)
    assert_agree(net, [[0.3]], [[0.7]], "squared_error", optimizer="sgd(0.1)", epochs=4)


# Batches that do not fit into memory at once, and networks of few pieces


def small_chunks(monkeypatch, rows, slices_from=10**9):
    """Let at most so many rows be in memory, and gradients be summed in slices from so many rows on."""
    monkeypatch.setattr(program, "_BYTES_OF_A_CHUNK", 0)
    monkeypatch.setattr(program, "_ROWS_OF_A_CHUNK", min(rows, slices_from))


@pytest.mark.parametrize("rows", [1, 7, 16, 39])
def test_batches_larger_than_a_chunk(monkeypatch, rows):
    monkeypatch.setattr(program, "_FEW_PIECES", 0)
    small_chunks(monkeypatch, rows)
    layers = [gn.Dropout(0.2), (17, "tanh"), gn.Dropout(0.3), (3, "identity")]
    for more in ({}, {"clip_norm": 0.1}, {"sample_weight": (np.arange(40) % 3).astype(float)}):
        both_dtypes(network(*layers), X, NUMBERS, "squared_error", batch_size=40, **more)
    both_dtypes(network(*layers), X, NUMBERS, "squared_error", batch_size=24)


@pytest.mark.parametrize("rows", [1, 5, 15, 16, 17, 40])
@pytest.mark.parametrize("batch_size", [40, 39, 33, 17])
def test_gradients_summed_in_slices(monkeypatch, rows, batch_size):
    monkeypatch.setattr(program, "_FEW_PIECES", 10**9)
    small_chunks(monkeypatch, rows)
    for more in ({}, {"clip_norm": 0.1, "l2": 0.1}):
        made = assert_agree(regression(), X, NUMBERS, "squared_error", **GENTLE | {"batch_size": batch_size} | more)
        assert (made.engine._program.run[0].slices > 1) == (rows <= batch_size)


def test_many_rows_in_slices_and_a_short_last_batch():
    rng = np.random.default_rng(0)
    inputs, truth = rng.normal(size=(1029, 3)), rng.normal(size=(1029, 2))
    net = network((4, "tanh"), (2, "identity"), inputs=3)
    made = assert_agree(net, inputs, truth, "squared_error", batch_size=1024, shuffle=False, optimizer="sgd(0.1)")
    assert made.engine._program.run[0].slices > 1


# Networks that nobody chose


@settings(max_examples=80)
@given(cases())
def test_networks_that_nobody_chose(case):
    net, inputs, truth, loss, options = case
    try:
        train(net.copy(), inputs, truth, loss, "reference", **options)
    except gn.GlassnetError:
        reject()  # such as a validation half in which no row counts
    assert_agree(net, inputs, truth, loss, tolerance=1e-9, **options)


# Judging rows


@settings(max_examples=20)
@given(m=st.sampled_from([2, 3, 191, 192, 193, 400, 1000]), population=st.integers(1, 5), threads=st.integers(1, 6))
@example(m=1000, population=1, threads=16)
def test_errors_predictions_and_populations(m, population, threads):
    rng = np.random.default_rng(m + population)
    inputs, labels = rng.normal(size=(m, 5)), np.arange(m) % 3
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        net = network((33, "gelu"), gn.Dropout(0.5), (3, "softmax"), dtype=dtype)
        options = {"epochs": 1, "l1": 0.01, "l2": 0.1, "sample_weight": rng.random(m)}
        engines = [
            train(net.copy(), inputs, labels, "cross_entropy(0.1)", engine, threads=threads, **options).engine
            for engine in ("reference", "compiled")
        ]
        x = inputs.astype(dtype)
        engines[1].network.theta[:] = engines[0].network.theta
        for y in (labels, np.eye(3, dtype=dtype)[labels]):
            found, expected = (engine.row_errors(x, y) for engine in reversed(engines))
            for a, b in zip(found, expected, strict=True):
                assert a.shape == b.shape
                assert a.dtype == b.dtype
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
            block = Block(x, y, options["sample_weight"].astype(dtype))
            thetas = (engines[0].network.theta + 0.3 * rng.normal(size=(population, net.theta.size))).astype(dtype)
            found, expected = (engine.losses(thetas, block) for engine in reversed(engines))
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 191, 385, 5000])
def test_predict_on_many_rows(monkeypatch, m, dtype):
    inputs = np.random.default_rng(m).normal(size=(m, 5))
    for layers in ([(17, "silu"), (3, "softmax")], [(512, OWN_SOFTMAX), gn.Dropout(0.5), (1, "sigmoid")]):
        net = network(*layers, dtype=dtype)
        monkeypatch.setattr(network_module, "_WORK_TO_COMPILE_FOR", 10**18)
        expected = net.predict(inputs)
        monkeypatch.setattr(network_module, "_WORK_TO_COMPILE_FOR", 0)
        found = net.predict(inputs)
        assert found.dtype == expected.dtype
        rtol = 1e-12 if dtype == "float64" else 2e-5
        np.testing.assert_allclose(found, expected, rtol=rtol)


def test_validation_is_judged_without_dropout_and_penalty():
    options = {"validation": (X[:13], LABELS[:13]), "early_stopping": 2, "epochs": 8, "l2": 0.1}
    net = network((16, "tanh"), gn.Dropout(0.5), (3, "softmax"))
    made = assert_agree(net, X[13:], LABELS[13:], "cross_entropy", optimizer="adam(0.05)", batch_size=9, **options)
    assert len(made.history.validation_accuracy) == len(made.history.validation_loss) > 1


def test_arrays_that_lie_otherwise_in_memory():
    net = regression()
    weight = np.repeat(np.random.default_rng(3).random(40), 2)[::2]
    for inputs in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1][::-1]):
        assert_agree(net, inputs, np.asfortranarray(NUMBERS), "squared_error", **GENTLE, sample_weight=weight)
    assert_agree(network((4, "tanh"), (3, "softmax")), X, np.repeat(LABELS, 2)[::2], "cross_entropy", **GENTLE)


# The engines' own doors


def engines_of(net, **descent):
    objective, optimizer = net.objective("squared_error"), OPTIMIZERS.resolve("sgd(0.02)")
    return [
        make(net.copy(), objective, Descent(optimizer, **descent), batch_size=8, seed=0)
        for make in (ReferenceEngine, CompiledEngine)
    ]


def test_rows_of_the_order_beyond_the_last_bound_belong_to_no_step():
    weight = np.arange(1.0, 41)
    block, rates = Block(X, NUMBERS, weight), Rates(np.full(2, 0.02))
    reference, compiled = engines_of(regression())
    expected, found = (
        engine.run(block, np.arange(40), np.array([0, 8, 13]), rates, lambda: False) for engine in (reference, compiled)
    )
    assert found.weights.tolist() == expected.weights.tolist() == [weight[:8].sum(), weight[8:13].sum()]
    np.testing.assert_allclose(found.errors, expected.errors, rtol=1e-12)
    np.testing.assert_allclose(compiled.network.theta, reference.network.theta, rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_population_in_another_dtype_than_the_networks(dtype):
    net = regression(dtype="float64" if dtype == "float32" else "float32")
    block = Block(X.astype(net.dtype), NUMBERS.astype(net.dtype), np.ones(40, net.dtype))
    thetas = np.stack([net.theta, 0.5 * net.theta]).astype(dtype)
    reference, compiled = engines_of(net)
    np.testing.assert_allclose(compiled.losses(thetas, block), reference.losses(thetas, block), rtol=1e-5)


def test_rows_to_judge_that_lie_apart_in_memory():
    reference, compiled = engines_of(regression())
    for a, b in zip(compiled.row_errors(X[::2], NUMBERS[::2]), reference.row_errors(X[::2], NUMBERS[::2]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
