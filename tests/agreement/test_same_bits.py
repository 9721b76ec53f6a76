"""The same bits whatever the number of threads, however steps are cut into calls, and after a crash."""

import tempfile

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from two_engines import LABELS, NUMBERS, X, cases, network, train

import glassnet as gn
from glassnet.compiled import program
from glassnet.engines import Block, CompiledEngine, Descent, Rates, compiled
from glassnet.errors import GlassnetError
from glassnet.maths.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore:The network has .* outputs, but Y names only")
THREADS = (1, 2, 3, 4)


@pytest.fixture(autouse=True, scope="module")
def threads_are_really_used():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "WORK_FOR_A_THREAD", 1)
        yield


def assert_same_bits(outcomes):
    """θ, history and the optimizer's state: bit by bit."""
    first, *others = outcomes
    for other in others:
        assert other.bits == first.bits


def with_all_threads(net, *arguments, **options):
    outcomes = [train(net.copy(), *arguments, **options | {"threads": n}) for n in THREADS]
    work = net.multiplications * min(outcomes[0].engine.batch_size, 4)
    if work >= max(THREADS):
        assert [outcome.engine._workers for outcome in outcomes] == list(THREADS)
    assert_same_bits(outcomes)
    return outcomes[0]


@settings(max_examples=40)
@given(cases(dtypes=("float32", "float64")))
def test_any_number_of_threads(case):
    net, inputs, truth, loss, options = case
    try:
        with_all_threads(net, inputs, truth, loss, **options)
    except GlassnetError:
        reject()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("few_pieces", [0, 10**9], ids=["whole", "sliced"])
@pytest.mark.parametrize("chunk", [1, 6, 17, 40])
def test_any_number_of_threads_with_chunks_and_slices(monkeypatch, chunk, few_pieces, dtype):
    monkeypatch.setattr(program, "_BYTES_OF_A_CHUNK", 0)
    monkeypatch.setattr(program, "_ROWS_OF_A_CHUNK", chunk)
    monkeypatch.setattr(program, "_FEW_PIECES", few_pieces)
    net = network((33, "silu"), gn.Dropout(0.3), (9, "tanh"), (3, "identity"), dtype=dtype)
    options = {"optimizer": "adam(0.01)", "epochs": 3, "batch_size": 40, "validation": (X, NUMBERS)}
    for more in ({}, {"clip_norm": 0.1, "l1": 0.01, "l2": 0.1}):
        with_all_threads(net, X, NUMBERS, "squared_error", **options, **more)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_with_padded_rows_and_many_rows_to_judge(dtype):
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(700, 5)), rng.integers(0, 3, 700)
    net = network((512, "relu"), gn.Dropout(0.2), (3, "softmax"), dtype=dtype)
    options = {"optimizer": "sgd(0.1, momentum=0.9)", "epochs": 2, "batch_size": 64, "clip_norm": 0.5}
    with_all_threads(net, inputs, labels, "cross_entropy", validation=0.5, **options)


def test_lbfgs_with_any_number_of_threads():
    net = network((33, "tanh"), gn.Dropout(0.2), (3, "softmax"))
    with_all_threads(net, X, LABELS, "cross_entropy", optimizer="lbfgs", batch_size=None, epochs=5, l2=0.1)


# The cut into calls


def hears_every_step(event: gn.StepEnded):
    pass


@settings(max_examples=25)
@given(cases(dtypes=("float32", "float64")))
def test_steps_one_at_a_time(case):
    net, inputs, truth, loss, options = case
    try:
        whole = train(net.copy(), inputs, truth, loss, **options)
    except GlassnetError:
        reject()
    single = train(net.copy(), inputs, truth, loss, **options, callbacks=[hears_every_step])
    assert_same_bits([whole, single])


class Crash(Exception):
    """What stands for a power cut: nothing is saved on the way out."""


def crash_after(steps):
    def callback(event: gn.StepEnded):
        if event.step + 1 == steps:
            raise Crash

    return callback


@settings(max_examples=20)
@given(cases(dtypes=("float32", "float64")), st.integers(1, 12), st.sampled_from(THREADS), st.sampled_from(THREADS))
def test_killed_and_resumed_with_another_number_of_threads(case, steps, before, after):
    net, inputs, truth, loss, options = case
    try:
        whole = train(net.copy(), inputs, truth, loss, **options)
    except GlassnetError:
        reject()
    with tempfile.TemporaryDirectory() as folder:
        options |= {"checkpoint": folder, "checkpoint_every": 1e-9}
        try:
            crash = [crash_after(steps)]
            train(net.copy(), inputs, truth, loss, **options | {"threads": before}, callbacks=crash)
        except Crash:
            pass
        resumed = train(net.copy(), inputs, truth, loss, **options | {"threads": after})
    assert resumed.bits[:2] == whole.bits[:2]
    if whole.engine.state.step > steps:  # else the run had ended, and its second call takes no step
        assert resumed.bits == whole.bits


@pytest.mark.parametrize("optimizer", ["nadam(0.001)", "sgd(0.001)"])
def test_stopped_in_the_middle_of_one_call(optimizer):
    """The scalars of the optimizer count the steps that were taken, not those that were asked for."""
    n, net = 400_000, network((16, "tanh"), (1, "identity"), inputs=2)  # much more than one look at the wish takes
    block = Block(X[:4, :2], NUMBERS[:4, :1], np.ones(4))
    order, rates = np.tile(np.arange(4), n), Rates(np.full(n, 0.001))
    objective, descent = net.objective("squared_error"), Descent(OPTIMIZERS.resolve(optimizer))
    stopped, whole = (CompiledEngine(net.copy(), objective, descent, 4, 0, threads=1) for _ in range(2))
    bounds = np.arange(0, 4 * n + 1, 4)
    taken = len(stopped.run(block, order, bounds, rates, lambda: True))
    assert 0 < taken < n
    assert stopped.state.step == stopped.state.optimizer["step"] == taken
    whole.run(block, order[: 4 * taken], bounds[: taken + 1], Rates(rates.learning_rate[:taken]), lambda: False)
    assert stopped.network.theta.tobytes() == whole.network.theta.tobytes()
    for name, array in whole.state.optimizer.items():
        assert stopped.state.optimizer[name].tobytes() == array.tobytes(), name
