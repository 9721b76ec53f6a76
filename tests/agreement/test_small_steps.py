"""Steps made for a tiny network's very sizes: they agree with the reference, stop where it stops, and leave no seam."""

import tempfile
from dataclasses import replace
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from two_engines import LABELS, NUMBERS, X, assert_agree, assert_float32_as_good, both, network, train

import glassnet as gn
from glassnet.compiled import compiler, machine_code, team
from glassnet.compiled.plan import Product
from glassnet.compiled.sizes import small_places
from glassnet.engines import Block, CompiledEngine, Descent, Rates, ReferenceEngine, compiled
from glassnet.errors import NonFiniteError
from glassnet.maths.activation import Activation, RowActivation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.domains import PROBABILITIES, UNIT
from glassnet.maths.functions import softmax, softmax_pullback
from glassnet.maths.loss import ElementwiseLoss, Targets
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer

compiled_only = pytest.mark.skipif(not machine_code.JITTED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
dtypes = pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.long)])

INPUTS, TRUTH, YES_NO = X[:38, :2], NUMBERS[:38, :2], LABELS[:38] % 2  # the last step of an epoch has 2 rows
GENTLE = {"optimizer": "sgd(0.02)", "epochs": 3, "batch_size": 4}


@pytest.fixture(autouse=True, scope="module")
def small_from_the_first_step():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "FIRST_SMALL_STEP", 0)
        yield


def tiny(*activations, dtype="float64", **more):
    """A network 2-3-2, or with more layers of 3."""
    *hidden, last = activations
    return network(*[gn.Dense(3, g, **more) for g in hidden], gn.Dense(2, last, **more), inputs=2, dtype=dtype)


def assert_small(outcome):
    """Require that small steps were the last that were taken: only they leave θ in their own little memory."""
    place, theta = int(outcome.engine._program.run[0].small), outcome.net.theta
    assert place > 0
    np.testing.assert_array_equal(outcome.engine._memory[place : place + theta.size], theta)


def assert_not_small(outcome):
    assert outcome.engine._program.run[0].small == 0


def agree(net, truth=TRUTH, loss="squared_error", inputs=INPUTS, **options):
    """Require small steps to agree with the reference engine, in the dtype of the network."""
    check = assert_agree if net.dtype == np.float64 else assert_float32_as_good
    outcome = check(net, inputs, truth, loss, **GENTLE | options)
    assert_small(outcome)
    return outcome


# Each formula

HALVED = Activation(
    "own_halved",
    value=lambda z: 0.5 + 0.5 * z / (1 + np.abs(z)),
    slope=lambda z, a: 0.5 / ((1 + np.abs(z)) * (1 + np.abs(z))),
    range=UNIT,
)
SHARE = Activation("own_share", value=HALVED.value, slope=HALVED.slope, range=PROBABILITIES)
"""Number by number, where the library has soft-max alone: so `cross_entropy` has terms."""

HIDDEN = [name for name in ACTIVATIONS if name != "softmax"] + ["leaky_relu(0.2)", "elu(0.5)"]
ENDS = [  # a loss and the last activation: with a short form and without, with one formula's numbers and another's
    ("squared_error", "identity"),
    ("half_squared_error", "tanh"),
    ("mean_squared_error", "sigmoid"),
    ("absolute_error", "identity"),
    ("huber(0.3)", "softsign"),
    ("quantile(0.8)", "identity"),
    ("log_cosh", "silu"),
    ("poisson", "exp"),
    ("poisson", "softplus"),
    ("binary_cross_entropy", "sigmoid"),
    ("binary_cross_entropy(0.1)", "sigmoid"),
    ("binary_cross_entropy", HALVED),
    ("binary_cross_entropy_from_logits(0.1)", "identity"),
    ("cross_entropy", SHARE),
]
MOVES = [  # each formula that an optimizer has
    "sgd(0.02, weight_decay=0.1)",
    "sgd(0.02, momentum=0.9, dampening=0.5)",
    "sgd(0.02, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "rmsprop(0.01, weight_decay=0.01)",
    "rmsprop(0.01, momentum=0.9)",
    "rmsprop(0.01, centered=True)",
    "rmsprop(0.01, momentum=0.9, centered=True)",
    "adagrad(0.1, lr_decay=0.05)",
    "adadelta(0.5, rho=0.8, eps=1e-5)",
    "adam(0.01)",
    "adam(0.01, betas=(0.5, 0.9), eps=1e-4, amsgrad=True)",
    "adamw(0.01, weight_decay=0.1)",
    "adamax(0.01, betas=(0.8, 0.9), eps=1e-3)",
    "nadam(0.01, weight_decay=0.01)",
    "radam(0.01, betas=(0.9, 0.99))",
    "rprop(0.01)",
]


def test_nothing_of_the_registries_is_left_out():
    assert {name.split("(")[0] for name in HIDDEN} == {
        name for name, record in ACTIVATIONS.items() if isinstance(record, Activation)
    }
    assert {name.split("(")[0] for name, _ in ENDS} == {
        name for name, record in LOSSES.items() if isinstance(record, ElementwiseLoss)
    }
    assert {name.split("(")[0] for name in MOVES} == {
        name for name, record in OPTIMIZERS.items() if isinstance(record, ElementwiseOptimizer)
    }


def truths(loss):
    """Labels, and every other kind of truth that a loss reads."""
    rng, m = np.random.default_rng(4), len(INPUTS)
    yield YES_NO
    yield {
        Targets.NUMBERS: TRUTH,
        Targets.NONNEGATIVE: rng.poisson(1.5, size=(m, 2)).astype(float),
        Targets.UNIT: np.clip(1.4 * rng.random((m, 2)) - 0.2, 0, 1),
        Targets.DISTRIBUTION: rng.dirichlet(np.ones(2), m),
    }[LOSSES.resolve(loss).targets]


def each_once():
    """Every activation, end and optimizer at least once, in as few combinations as there are optimizers."""
    assert len(ENDS) <= len(HIDDEN) == len(MOVES)
    for i, optimizer in enumerate(MOVES):
        yield HIDDEN[i], ENDS[i % len(ENDS)], optimizer


def spelled(part):
    return "-".join(map(spelled, part)) if isinstance(part, tuple) else getattr(part, "name", part)


@dtypes
@pytest.mark.parametrize(("activation", "end", "optimizer"), [*each_once()], ids=spelled)
def test_each_activation_loss_and_optimizer(activation, end, optimizer, dtype):
    loss, last = end
    for truth in truths(loss):
        agree(tiny(activation, last, dtype=dtype), truth, loss, optimizer=optimizer)


@pytest.mark.long
@dtypes
@pytest.mark.parametrize("end", ENDS, ids=spelled)
@pytest.mark.parametrize("activation", HIDDEN)
def test_each_activation_with_each_loss_and_nearly_each_optimizer(activation, end, dtype):
    loss, last = end
    optimizer = MOVES[(HIDDEN.index(activation) + ENDS.index(end)) % len(MOVES)]
    for truth in truths(loss):
        agree(tiny(activation, last, dtype=dtype), truth, loss, optimizer=optimizer)


# Rows, sizes and options


@pytest.mark.parametrize("cut", [0, 3, 17])
@dtypes
@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": np.random.default_rng(3).random(38)},
        {"sample_weight": (np.arange(38) % 3).astype(float)},
        {"sample_weight": (np.arange(38) // 4 % 2).astype(float), "shuffle": False},  # every other step has no weight
        {"sample_weight": np.eye(38)[37]},
        {"reduction": "sum"},
        {"reduction": "sum", "sample_weight": (np.arange(38) % 3).astype(float)},
        {"shuffle": False, "validation": (INPUTS[:7], TRUTH[:7])},
        {"schedule": "cosine(per='step')", "seed": 3},
    ],
    ids=lambda options: "-".join(options),
)
def test_rows_weights_and_rates(monkeypatch, options, dtype, cut):
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", cut)
    agree(tiny("tanh", "identity", dtype=dtype), optimizer="adam(0.02)", **options)


@dtypes
def test_rows_of_weight_zero_do_not_count_whatever_they_hold(dtype):
    weight = (np.arange(38) % 3).astype(float)
    huge = np.where(weight[:, None] == 0, 1e300 if dtype == "float64" else 1e38, INPUTS)
    agree(tiny("relu", "identity", dtype=dtype), inputs=huge, sample_weight=weight)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_a_batch_with_fewer_rows(m):
    agree(tiny("tanh", "identity"), TRUTH[:m], inputs=INPUTS[:m])


SIZES = {  # units of the layers, and rows of a batch
    "one of everything": ((1, 1), 1),
    "xor": ((2, 2, 1), 4),
    "two layers": ((2, 3, 2), 3),
    "many inputs": ((16, 3), 4),
    "many outputs": ((3, 15), 4),
    "many rows": ((1, 1), 64),
    "many layers": ((2, 2, 2, 2, 2, 2, 2), 8),
}


@pytest.mark.parametrize(("units", "rows"), [*SIZES.values()], ids=[*SIZES])
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.long)])
def test_sizes(units, rows, dtype):
    rng = np.random.default_rng(sum(units))
    m = 2 * rows + rows // 2 + 1
    net = network(*[(n, "tanh") for n in units[1:]], inputs=units[0], dtype=dtype)
    inputs, truth = rng.normal(size=(m, units[0])), rng.normal(size=(m, units[-1]))
    agree(net, truth, "mean_squared_error", inputs, batch_size=rows, optimizer="sgd(0.05)")


@pytest.mark.parametrize("without", [(0,), (1,), (0, 1)])
def test_layers_without_biases(without):
    net = network(*[gn.Dense(n, "tanh", bias=k not in without) for k, n in enumerate((3, 2))], inputs=2)
    agree(net, optimizer="adam(0.02)")


def test_a_dropout_of_nothing():
    agree(network((3, "tanh"), gn.Dropout(0.0), (2, "identity"), inputs=2))


OWN_ROWS = RowActivation("own_softmax", value=softmax, row_pullback=softmax_pullback)
OTHERWISE = {  # what small steps know nothing of
    "l1": (tiny("tanh", "identity"), TRUTH, "squared_error", {"l1": 0.1}),
    "l2": (tiny("tanh", "identity"), TRUTH, "squared_error", {"l2": 0.1}),
    "clipping by value": (tiny("tanh", "identity"), TRUTH, "squared_error", {"clip_value": 0.01}),
    "clipping by norm": (tiny("tanh", "identity"), TRUTH, "squared_error", {"clip_norm": 0.01}),
    "dropout": (network((3, "tanh"), gn.Dropout(0.5), (2, "identity"), inputs=2), TRUTH, "squared_error", {}),
    "frozen biases": (tiny("tanh", "identity", trainable_bias=False), TRUTH, "squared_error", {}),
    "soft-max at the end": (tiny("tanh", "softmax"), YES_NO, "cross_entropy", {}),
    "rows inside": (tiny(OWN_ROWS, "identity"), TRUTH, "squared_error", {}),
    "a loss of rows": (tiny("tanh", "identity"), YES_NO, "hinge", {}),
    "L-BFGS": (tiny("tanh", "identity"), TRUTH, "squared_error", {"optimizer": "lbfgs", "batch_size": None}),
    "one row too many": (tiny("tanh", "identity"), TRUTH, "squared_error", {"batch_size": 22}),
}


@pytest.mark.parametrize("case", [*OTHERWISE.values()], ids=[*OTHERWISE])
def test_what_they_know_nothing_of_is_left_to_the_others(case):
    net, truth, loss, options = case
    assert_not_small(assert_agree(net, INPUTS, truth, loss, **GENTLE | options))


# Where numbers end


def far_out(activation, weight, row, dtype):
    """An infinite z in a row, behind an activation of slope 0 there: the loss and its gradient stay finite."""
    net, huge = tiny(activation, "identity", dtype=dtype), 1e200 if dtype == "float64" else 1e30
    net.weights[0][:] = weight * huge
    inputs = np.where(np.arange(38)[:, None] == row, huge, np.abs(INPUTS))
    return net, inputs, {"shuffle": False}


def the_error_alone(dtype):
    """A last bias so large that its square is not finite, and a rate so small that θ is."""
    net, huge = tiny("tanh", "identity", dtype=dtype), 1e200 if dtype == "float64" else 1e30
    net.biases[1][:] = huge
    return net, INPUTS, {"optimizer": f"sgd({1 / huge})"}


def the_gradient_alone(dtype):
    """A row so large that the product with its blame is not finite, and an optimizer that reads its sign.

    The sign is always the same, or Rprop would take 0·∞.
    """
    net, huge = tiny("identity", dtype=dtype), 1e200 if dtype == "float64" else 1e25
    net.weights[0][:] = 1e-50 if dtype == "float64" else 1e-10
    net.biases[0][:] = 100
    inputs = np.where(np.arange(38)[:, None] == 29, huge, np.abs(INPUTS))
    return net, inputs, {"optimizer": "rprop(1e-200, step_sizes=(0.0, 1.0))", "shuffle": False}


def exploding(net, rate, **more):
    return net, INPUTS, {"optimizer": f"sgd({rate})", "epochs": 60} | more


NON_FINITE = {
    "rate": lambda dtype: exploding(tiny("tanh", "identity", dtype=dtype), 1e6),
    "rate, after some epochs": lambda dtype: exploding(tiny("identity", dtype=dtype), 5.0, shuffle=False),
    "θ itself": lambda dtype: exploding(
        tiny("tanh", "identity", dtype=dtype), 1e308 if dtype == "float64" else 1e38, reduction="sum"
    ),
    "weights": lambda dtype: exploding(
        tiny("tanh", "identity", dtype=dtype), 1e6, sample_weight=(np.arange(38) % 3).astype(float)
    ),
    "exp": lambda dtype: (tiny("exp", "exp", dtype=dtype), 9 * INPUTS, {}),
    "the error alone": the_error_alone,
    "the gradient alone": the_gradient_alone,
    "sigmoid of ∞": lambda dtype: far_out("sigmoid", 1, 29, dtype),
    "sigmoid of −∞": lambda dtype: far_out("sigmoid", -1, 29, dtype),
    "tanh of ∞": lambda dtype: far_out("tanh", 1, 29, dtype),
    "relu of −∞": lambda dtype: far_out("relu", -1, 29, dtype),
    "∞ in the last row of a short batch": lambda dtype: far_out("sigmoid", 1, 37, dtype),
}


@pytest.mark.parametrize("cut", [0, 3])
@dtypes
@pytest.mark.parametrize("case", NON_FINITE)
def test_both_engines_say_the_same_of_what_is_not_finite(monkeypatch, case, dtype, cut):
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", cut)
    net, inputs, options = NON_FINITE[case](dtype)
    reference, found = both(net, inputs, TRUTH, "squared_error", **GENTLE | options)
    assert found.engine._program.run[0].small > 0
    assert isinstance(reference.error, NonFiniteError)
    assert isinstance(found.error, NonFiniteError)
    for name in ("step", "quantity", "layer", "row", "unit"):
        assert getattr(found.error, name) == getattr(reference.error, name), name
    close = {"rtol": 1e-9 if dtype == "float64" else 1e-3}
    np.testing.assert_allclose(found.net.theta, reference.net.theta, **close, atol=close["rtol"])
    np.testing.assert_allclose(found.error.history.loss, reference.error.history.loss, **close)
    assert found.error.history.stopped == str(found.error)
    assert found.engine.state.step == found.error.step


@dtypes
def test_the_cases_are_what_their_names_say(dtype):
    steps, quantities = {}, {}
    for case, make in NON_FINITE.items():
        net, inputs, options = make(dtype)
        error = train(net, inputs, TRUTH, "squared_error", "reference", **GENTLE | options).error
        steps[case], quantities[case] = error.step, error.quantity
    assert min(steps.values()) == 0
    assert steps["rate, after some epochs"] > 20
    assert steps["sigmoid of ∞"] == 29 // 4
    assert steps["∞ in the last row of a short batch"] == 37 // 4
    assert {quantities[case] for case in NON_FINITE if "∞" in case} == {"z"}
    assert [quantities[case] for case in ("θ itself", "the error alone", "the gradient alone")] == [
        "theta",
        "loss",
        "gradient",
    ]


@dtypes
def test_an_infinite_z_of_a_row_without_weight_is_no_harm(dtype):
    net, inputs, options = far_out("sigmoid", 1, 29, dtype)
    agree(net, inputs=inputs, sample_weight=(np.arange(38) != 29).astype(float), **options)


ABS = Activation("own_abs", value=lambda z: z * z / np.abs(z), slope=lambda z, a: z / np.abs(z))


@pytest.mark.parametrize("activation", ["exp", ABS], ids=spelled)
def test_numbers_that_only_fill_up_a_vector_are_no_harm(activation):
    """They start at z = 0 and are never read: 0/0 means nothing there, nor does e to the power of e to the ..."""
    net = tiny(activation, "identity")
    assert net.weights[0].shape[1] * 4 % 8 != 0
    agree(net, optimizer="sgd(0.001)")


# No seam


class Crash(Exception):
    """What stands for a power cut: nothing is saved on the way out."""


def crash_after(steps):
    def callback(event: gn.StepEnded):
        if event.step + 1 == steps:
            raise Crash

    return callback


def hears_every_step(event: gn.StepEnded):
    pass


CUT = 13
SEAM = {"optimizer": "nadam(0.02)", "batch_size": 4, "epochs": 4, "schedule": "cosine(per='step')"}


@dtypes
def test_steps_one_at_a_time(monkeypatch, dtype):
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", CUT)
    net = tiny("tanh", "identity", dtype=dtype)
    whole = train(net.copy(), INPUTS, TRUTH, "squared_error", **SEAM)
    single = train(net.copy(), INPUTS, TRUTH, "squared_error", **SEAM, callbacks=[hears_every_step])
    assert_small(whole)
    assert whole.bits == single.bits


@dtypes
@pytest.mark.parametrize("steps", [1, CUT - 1, CUT, CUT + 1, 30])
def test_killed_and_resumed(monkeypatch, steps, dtype):
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", CUT)
    net = tiny("tanh", "identity", dtype=dtype)
    whole = train(net.copy(), INPUTS, TRUTH, "squared_error", **SEAM)
    with tempfile.TemporaryDirectory() as folder:
        options = SEAM | {"checkpoint": folder, "checkpoint_every": 1e-9}
        with pytest.raises(Crash):
            train(net.copy(), INPUTS, TRUTH, "squared_error", **options, callbacks=[crash_after(steps)])
        resumed = train(net.copy(), INPUTS, TRUTH, "squared_error", **options)
    assert resumed.bits == whole.bits


def test_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", CUT)
    monkeypatch.setattr(compiled, "WORK_FOR_A_THREAD", 1)
    net = tiny("tanh", "identity")
    outcomes = [train(net.copy(), INPUTS, TRUTH, "squared_error", **SEAM, threads=n) for n in (1, 2, 3)]
    assert [outcome.engine._workers for outcome in outcomes] == [1, 2, 3]
    assert outcomes[0].bits == outcomes[1].bits == outcomes[2].bits


def engine_of(net, batch_size, optimizer="nadam(0.001)"):
    return CompiledEngine(net, net.objective("squared_error"), Descent(OPTIMIZERS.resolve(optimizer)), batch_size, 0)


def assert_same(engine, other):
    assert engine.state.step == other.state.step
    assert engine.network.theta.tobytes() == other.network.theta.tobytes()
    for name, array in other.state.optimizer.items():
        assert engine.state.optimizer[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize(
    "calls", [(CUT, 12), (CUT - 1, 13), (CUT + 1, 11), (CUT - 1, 1, 1, 10), (1,) * 25, (2, 18, 5)], ids=str
)
def test_so_many_steps_and_no_more(monkeypatch, calls):
    """A call takes the steps it is asked for, wherever the cut is, and the calls together what one call takes."""
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", CUT)
    net, n = tiny("tanh", "identity"), sum(calls)
    block = Block(INPUTS, TRUTH, np.ones(38))
    order = np.random.default_rng(0).integers(0, 38, 4 * n)
    bounds, rates = np.arange(0, 4 * n + 1, 4), Rates(np.linspace(0.1, 0.01, n))
    whole, cut = engine_of(net.copy(), 4), engine_of(net.copy(), 4)
    steps = whole.run(block, order, bounds, rates, lambda: False)
    met, first = [], 0
    for count in calls:
        last = first + count
        part = order[4 * first : 4 * last], bounds[: count + 1], rates[first:last]
        met.append(cut.run(block, *part, lambda: False))
        assert len(met[-1]) == count
        first = last
        assert cut.state.step == first
    assert np.concatenate([part.errors for part in met]).tobytes() == steps.errors.tobytes()
    assert_same(cut, whole)


@pytest.mark.parametrize("cut", [0, 3, 7, 8])
def test_the_steps_before_one_that_is_not_finite_are_told(monkeypatch, cut):
    """In one call, on whichever side of the cut they are."""
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", cut)
    net, inputs, _ = far_out("sigmoid", 1, 29, "float64")
    block, order, bounds = Block(inputs, TRUTH, np.ones(38)), np.arange(38), np.arange(0, 37, 4)
    optimizer = Descent(OPTIMIZERS.resolve("sgd(0.02)"))
    met = []
    for make in (ReferenceEngine, CompiledEngine):
        engine = make(net.copy(), net.objective("squared_error"), optimizer, 4, 0)
        with pytest.raises(NonFiniteError) as found:
            engine.run(block, order, bounds, Rates(np.full(9, 0.02)), lambda: False)
        assert engine.state.step == 7
        met.append(found.value.steps)
    np.testing.assert_allclose(met[1].errors, met[0].errors, rtol=1e-12)
    assert met[1].weights.tolist() == [4.0] * 7


@pytest.mark.parametrize("cut", [0, 10, 10**6, 10**9], ids=["small", "behind the cut", "before it", "not small"])
def test_stopped_in_the_middle_of_one_call(monkeypatch, cut):
    """Small steps look at the wish as well, and the optimizer's scalars count the steps that were taken."""
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", cut)
    monkeypatch.setattr(team, "_SECONDS_BETWEEN_LOOKS", 0.001)
    n, net = 2_000_000, network((2, "tanh"), (1, "identity"), inputs=2)  # much more than one look at the wish takes
    block, rates = Block(INPUTS, TRUTH[:, :1], np.ones(38)), Rates(np.full(n, 0.001))
    order, bounds = np.arange(n) % 38, np.arange(n + 1)
    stopped, whole = engine_of(net.copy(), 1, "adagrad(0.001)"), engine_of(net.copy(), 1, "adagrad(0.001)")
    wished_from = 10 if cut == 10 else 0
    taken = len(stopped.run(block, order, bounds, rates, lambda: stopped.state.step >= wished_from))
    assert wished_from < taken < (n if cut <= 10 else min(cut, n))
    assert stopped.state.step == stopped.state.optimizer["step"] == taken
    whole.run(block, order[:taken], bounds[: taken + 1], rates[:taken], lambda: False)
    assert_same(stopped, whole)


# Compiled once, or not at all


def scaled(factor):
    """A formula that looks into a module of the user's: its content cannot be told, so no kernel of it has a name."""
    module = ModuleType("own")
    module.K = factor
    return Activation("own", value=lambda z: z * module.K, slope=lambda z, a: a * 0 + module.K)


@compiled_only
def test_a_formula_whose_content_cannot_be_told_is_compiled_once(monkeypatch):
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", 3)
    made, compile_kernel = [], compiler.compile_kernel
    monkeypatch.setattr(compiler, "compile_kernel", lambda *args: made.append(args[0].name) or compile_kernel(*args))
    net = tiny(scaled(0.5), "identity")
    options = GENTLE | {"epochs": 1, "callbacks": [hears_every_step]}
    assert_small(train(net, INPUTS, TRUTH, "squared_error", **options))
    assert made.count("take_small_steps") == 1


@compiled_only
def test_two_formulas_whose_content_cannot_be_told_are_two():
    for factor in (0.5, 1.5):
        agree(tiny(scaled(factor), "identity"))


@compiled_only
def test_an_array_that_changes_between_two_trainings(monkeypatch):
    """Machine code holds what the array held; it must not be that of before."""
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", 3)
    array = np.array([0.5, 0.25])
    own = Activation("own", value=lambda z: z * array.max(), slope=lambda z, a: a * 0 + array.max())
    for largest in (0.5, 3.0):
        array[0] = largest
        agree(tiny(own, "identity"))


@compiled_only
def test_where_the_compiler_refuses_them_training_goes_on(monkeypatch):
    """What compiles formula by formula need not compile as one function, which nobody knows before step 5000."""
    compile_kernel = compiler.compile_kernel

    def refuse(kernel, name):
        if kernel.name == "take_small_steps":
            raise machine_code.NotCompilable("It is too long.")
        return compile_kernel(kernel, name)

    monkeypatch.setattr(compiler, "compile_kernel", refuse)
    monkeypatch.setattr(compiled, "FIRST_SMALL_STEP", 3)
    assert_agree(tiny(scaled(0.75), "identity"), INPUTS, TRUTH, "squared_error", **GENTLE)


# Places


def intervals(places, slots):
    """Every matrix as (begin, end): with the room behind it that loops in whole vectors write."""
    for k, (n, m) in enumerate(pairwise(places.units), 1):
        yield places.w[k], places.w[k] + n * m
        if places.b[k] >= 0:
            yield places.b[k], places.b[k] + m
        yield places.d[k], places.d[k] + -(-m * places.rows // 8) * 8
        yield places.a[k], places.a[k] + -(-m * places.rows // 8) * 8
    yield places.a[0], places.a[0] + places.units[0] * places.rows
    yield places.y, places.y + places.units[-1] * places.rows
    yield places.c, places.c + places.rows
    for k in range(slots):
        yield places.slots + k * places.parameters, places.slots + (k + 1) * places.parameters
    yield places.g, places.g + places.parameters
    yield places.theta_next, places.theta_next + places.parameters


def products(units, biases):
    """What a network of such layers lowers to."""
    layers = [gn.Dense(n, bias=has_bias) for n, has_bias in zip(units[1:], biases, strict=True)]
    return [operation for operation in gn.Network(units[0], layers, seed=0).plan() if isinstance(operation, Product)]


@st.composite
def sizes(draw, most):
    units = draw(st.lists(st.integers(1, most), min_size=2, max_size=5))
    biases = draw(st.lists(st.booleans(), min_size=len(units) - 1, max_size=len(units) - 1))
    return units, biases, draw(st.integers(1, most)), draw(st.integers(0, 3))


@given(sizes(most=4))
def test_no_two_matrices_overlap(case):
    units, biases, rows, slots = case
    places = small_places(products(units, biases), rows, slots)
    assume(places is not None)
    taken = sorted(intervals(places, slots))
    assert taken[0][0] == 0
    assert all(end <= begin for (_, end), (begin, _) in pairwise(taken))
    assert taken[-1][1] <= places.end
    assert places.rows == rows
    assert places.units == tuple(units)


@given(sizes(most=40))
def test_what_is_small_is_small_in_every_respect(case):
    """A bound on each of what is unrolled: numbers of a matrix, parameters, products of a step."""
    units, biases, rows, slots = case
    weights = sum(n * m for n, m in pairwise(units))
    parameters = weights + sum(m for m, has_bias in zip(units[1:], biases, strict=True) if has_bias)
    expected = max(units) * rows <= 64 and parameters <= 64 and weights * rows <= 256
    assert (small_places(products(units, biases), rows, slots) is not None) == expected


@pytest.mark.parametrize(
    ("units", "rows", "small"),
    [
        ((2, 2, 1), 4, True),  # xor
        ((784, 30, 10), 10, False),  # textbook
        ((16, 3), 4, True),
        ((17, 3), 4, False),  # an input of 68 numbers
        ((7, 8), 1, True),
        ((8, 8), 1, False),  # 72 parameters
        ((6, 6), 7, True),
        ((6, 6), 8, False),  # 288 products
        ((1, 1), 64, True),
        ((1, 1), 65, False),
    ],
)
def test_borders_of_what_is_small(units, rows, small):
    assert (small_places(products(units, [True] * (len(units) - 1)), rows, 2) is not None) == small


@pytest.mark.parametrize(("k", "part"), [(0, "weights"), (0, "biases"), (1, "weights"), (1, "biases")])
def test_a_theta_with_gaps_is_not_small(k, part):
    whole = products((2, 3, 2), (True, True))
    moved = [replace(p, **{part: getattr(p, part) + 1}) if j == k else p for j, p in enumerate(whole)]
    assert small_places(whole, 4, 1) is not None
    assert small_places(moved, 4, 1) is None
