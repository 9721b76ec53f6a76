"""Stretches of several epochs: the same rows, rates, histories and checkpoints as epoch by epoch, for fewer calls."""

import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import ReferenceEngine, Steps
from glassnet.errors import NonFiniteError
from glassnet.files.container import read_container
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.maths.random import Purpose, generator
from glassnet.maths.schedules import SCHEDULES
from glassnet.training import loop
from glassnet.training.position import mean_errors
from glassnet.training.stretch import Orders, rates_of_steps


class Recorder:
    """Takes steps in no time, meets an error that is its step's own, and keeps what it was asked for.

    Parameters
    ----------
    interrupted_at, fails_at : int or None
        A step, counted over the run, in front of which Ctrl-C comes, or which fails.
    """

    def __init__(self, interrupted_at=None, fails_at=None):
        self.interrupted_at, self.fails_at, self.calls = interrupted_at, fails_at, []

    def run(self, engine, block, order, bounds, rates, stop, notes=None):
        assert len(bounds) == len(rates) + 1
        first, n = engine.state.step, len(rates)
        self.calls.append((first, order.copy(), rates))
        if self.interrupted_at is not None and first <= self.interrupted_at < first + n:
            n = self.interrupted_at - first
            signal.raise_signal(signal.SIGINT)
            assert stop()
        fails = self.fails_at is not None and first <= self.fails_at < first + n
        n = self.fails_at - first if fails else n
        engine.state.step += n
        weights = [float(block.sample_weight[order[bounds[i] : bounds[i + 1]]].sum()) for i in range(n)]
        steps = Steps(error_of(np.arange(first, first + n)), np.array(weights))
        if fails:
            error = NonFiniteError("It ended.", step=self.fails_at, quantity="loss")
            error.steps = steps
            raise error
        return steps


def error_of(step):
    return np.sin(step) ** 2 * 10.0 ** (step % 7 - 3)


@pytest.fixture
def recorder(monkeypatch):
    def stand_in(**facts):
        new = Recorder(**facts)
        monkeypatch.setattr(ReferenceEngine, "run", lambda engine, *asked: new.run(engine, *asked))
        return new

    return stand_in


def train(rows=6, weight=None, **arguments):
    net = gn.Network(1, [gn.Dense(1, "sigmoid")], seed=1)
    X, Y = np.linspace(0, 1, rows)[:, None], np.arange(rows) % 2 * 1.0
    arguments = {"batch_size": 2, "epochs": 500, "optimizer": "sgd(0.5)", "engine": "reference", **arguments}
    return gn.train(net, X, Y, "squared_error", sample_weight=weight, **arguments)


def loss_of_epoch(epoch, rows, batch, order, weight):
    """By hand, one epoch alone."""
    starts = range(0, rows, batch)
    errors = error_of(epoch * len(starts) + np.arange(len(starts)))
    weights = np.array([float(weight[order[i : i + batch]].sum()) for i in starts])
    return float((errors * weights).sum()) / float(weights.sum())


def order_of_epoch(epoch, rows, batch, seed, shuffle):
    shuffles = shuffle and rows > batch
    return generator(seed, Purpose.BATCHES, epoch).permutation(rows) if shuffles else np.arange(rows)


# What an engine is handed


@given(
    rows=st.integers(1, 12),
    batch=st.integers(1, 13),
    seed=st.sampled_from([0, 3, 2**40]),
    shuffle=st.booleans(),
    stretches=st.lists(st.integers(1, 40), max_size=6),
    start=st.integers(0, 50),
)
def test_stretches_meet_the_rows_of_each_epoch_in_turn(rows, batch, seed, shuffle, stretches, start):
    orders = Orders(rows, batch, seed, shuffle)
    step = start
    for n in stretches:
        order, bounds = orders.of_steps(*divmod(step, orders.steps_per_epoch), n)
        assert order.dtype == bounds.dtype == np.int64
        assert bounds[0] == 0
        assert bounds[-1] == len(order)
        for i in range(n):
            epoch, of_epoch = divmod(step + i, -(-rows // batch))
            expected = order_of_epoch(epoch, rows, batch, seed, shuffle)[of_epoch * batch : (of_epoch + 1) * batch]
            np.testing.assert_array_equal(order[bounds[i] : bounds[i + 1]], expected)
        step += n


@pytest.mark.parametrize("spec", list(SCHEDULES))
@pytest.mark.parametrize("per", ["epoch", "step"])
@pytest.mark.parametrize("optimizer", ["sgd(0.5)", "sgd(0.5, momentum=0.7)", "adam"])
def test_rates_are_those_of_each_step(spec, per, optimizer):
    optimizer, size = OPTIMIZERS.resolve(optimizer), 3
    schedule = SCHEDULES.resolve(f"{spec}(per={per!r})").for_run(9, 27)
    state = schedule.init()
    for epoch, step, n in ((0, 0, 1), (0, 2, 13), (4, 1, 1), (4, 2, 12)):
        rates = rates_of_steps(optimizer, schedule, state, size, epoch, step, n)
        assert len(rates) == n
        for i in range(n):
            count = epoch * size + step + i
            t = count if per == "step" else count // size
            rate, momentum = schedule.at(t, optimizer.learning_rate, optimizer.own_momentum, state)
            assert rates.learning_rate[i] == rate
            assert momentum is None if rates.momentum is None else rates.momentum[i] == momentum


@pytest.mark.parametrize("steps", [1, 2, 7, 8, 9, 15, 127, 128, 129, 1000, 1025, 8191, 8193, 20_000])
@pytest.mark.parametrize("epochs", [1, 2, 3, 17])
def test_means_of_many_epochs_have_the_bits_of_each_epoch_alone(steps, epochs):
    rng = np.random.default_rng(steps)
    errors = rng.normal(size=(epochs, steps)) * 10.0 ** rng.integers(-6, 7, size=(epochs, steps))
    weights = rng.random((epochs, steps))
    weights[-1] = 0
    found = mean_errors(errors, weights)
    for e in range(epochs - 1):
        assert found[e] == float((errors[e] * weights[e]).sum()) / float(weights[e].sum())
    assert np.isnan(found[-1])


# What the loop makes of them


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("rows", "batch"), [(6, 2), (7, 3), (4, 4), (5, 1)])
def test_history_and_rows_are_those_of_epoch_by_epoch(recorder, rows, batch, shuffle):
    stand_in = recorder()
    weight = np.arange(1.0, rows + 1)
    history = train(rows, weight, batch_size=batch, shuffle=shuffle, seed=5, schedule="exponential(0.99)")
    size = -(-rows // batch)
    assert max(len(rates) for *_, rates in stand_in.calls) > 10 * size  # epochs were put together
    orders = [order_of_epoch(e, rows, batch, 5, shuffle) for e in range(500)]
    assert history.loss == [loss_of_epoch(e, rows, batch, orders[e], weight) for e in range(500)]
    assert history.learning_rate == [0.5 * 0.99**e for e in range(500)]
    assert all(type(value) is float for value in (*history.loss, *history.learning_rate))
    np.testing.assert_array_equal(np.concatenate([order for _, order, _ in stand_in.calls]), np.concatenate(orders))


def test_the_first_stretch_is_a_step_and_the_next_are_at_most_ten_times_as_long(recorder, monkeypatch):
    monkeypatch.setattr(loop, "_ROWS_AT_A_STRETCH", 3000)
    stand_in = recorder()
    train(epochs=5000)
    lengths = [len(rates) for *_, rates in stand_in.calls]
    assert lengths[0] == 1
    assert all(after <= 10 * max(lengths[: i + 1]) for i, after in enumerate(lengths[1:]))
    assert max(lengths) == 1500
    assert max(len(order) for _, order, _ in stand_in.calls) == 3000


def epoch_ended(event: gn.EpochEnded): ...
def step_ended(event: gn.StepEnded): ...


@pytest.mark.parametrize(
    ("arguments", "longest"),
    [
        ({"callbacks": [epoch_ended]}, 3),
        ({"callbacks": [step_ended]}, 1),
        ({"validation": ([[0.5]], [1.0])}, 3),
        ({"early_stopping": gn.EarlyStopping(10**6, monitor="loss")}, 3),
        ({"schedule": "plateau"}, 3),
        ({"schedule": "warm_up(2, then='plateau')"}, 3),
    ],
    ids=lambda value: str(value)[:40],
)
def test_who_looks_at_each_epoch_sees_each(recorder, arguments, longest):
    stand_in = recorder()
    history = train(epochs=50, **arguments)
    assert history.epochs == 50
    assert max(len(rates) for *_, rates in stand_in.calls) == longest
    assert all(first % 3 + len(rates) <= 3 for first, _, rates in stand_in.calls)


@pytest.mark.parametrize("at", [1, 2, 3, 11, 12, 700, 899, 900, 901, 1499])
def test_an_interruption_is_booked_at_its_step(recorder, at, tmp_path):
    recorder(interrupted_at=at)
    with pytest.warns(gn.GlassnetWarning, match=f"in epoch {at // 3} after {at % 3} of 3 steps"):
        history = train(checkpoint=tmp_path, shuffle=False)
    assert history.stopped == "interrupted"
    document, arrays = read_container(tmp_path / "checkpoint.safetensors", "checkpoint")
    assert (document["epoch"], document["steps"], document["step"]) == (*divmod(at, 3), at)
    np.testing.assert_array_equal(arrays["errors"], error_of(np.arange(at - at % 3, at)))
    assert history.epochs == at // 3
    recorder()
    resumed = train(checkpoint=tmp_path, shuffle=False)
    assert resumed.loss == train(shuffle=False).loss
    assert resumed.loss[: at // 3] == history.loss


@pytest.mark.parametrize("at", [0, 1, 3, 11, 12, 700, 899, 900, 1499])
def test_epochs_that_ended_before_a_failure_are_in_the_history(recorder, at):
    recorder()
    whole = train(shuffle=False, schedule="exponential(0.99)")
    recorder(fails_at=at)
    with pytest.raises(NonFiniteError) as caught:
        train(shuffle=False, schedule="exponential(0.99)")
    assert caught.value.history.loss == whole.loss[: at // 3]
    assert caught.value.history.learning_rate == whole.learning_rate[: at // 3]
    assert caught.value.history.stopped.startswith("It ended. ")


def learn(seed=3, **arguments):
    """Train on the reference engine, where epochs are put together as well."""
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dropout(0.2), gn.Dense(1, "sigmoid")], seed=seed)
    X = [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]]
    settings = {
        "optimizer": "nadam(0.01)",
        "schedule": "one_cycle",
        "batch_size": 2,
        "epochs": 100,
        "engine": "reference",
    }
    history = gn.train(net, X, [0, 1, 1, 0, 1], "binary_cross_entropy", **{**settings, **arguments})
    return net, history


def test_snapshots_and_weights_are_those_of_epoch_by_epoch(tmp_path):
    together, history = learn(checkpoint=tmp_path / "together")
    apart, alone = learn(checkpoint=tmp_path / "apart", callbacks=[epoch_ended])
    assert history == alone
    assert together.theta.tobytes() == apart.theta.tobytes()
    names = sorted(path.name for path in (tmp_path / "apart" / "snapshots").iterdir())
    assert len(names) > 10
    assert names == sorted(path.name for path in (tmp_path / "together" / "snapshots").iterdir())
    for name in names:
        (document, arrays), (expected, theirs) = (
            read_container(tmp_path / folder / "snapshots" / name, "checkpoint") for folder in ("together", "apart")
        )
        assert document == expected
        assert {key: array.tobytes() for key, array in arrays.items()} == {k: a.tobytes() for k, a in theirs.items()}


@pytest.mark.parametrize("at", [37, 150, 151, 299])
def test_a_run_interrupted_inside_a_stretch_goes_on_with_the_same_bits(tmp_path, monkeypatch, at):
    whole, history = learn()
    step = ReferenceEngine._step

    def interrupted(engine, *arguments):
        if engine.state.step == at - 1:
            signal.raise_signal(signal.SIGINT)
        return step(engine, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ReferenceEngine, "_step", interrupted)
        with pytest.warns(gn.GlassnetWarning, match="interrupted"):
            _, begun = learn(checkpoint=tmp_path)
    assert begun.loss == history.loss[: at // 3]
    net, resumed = learn(checkpoint=tmp_path)
    assert net.theta.tobytes() == whole.theta.tobytes()
    assert resumed == history


def test_progress_is_told_between_stretches_and_at_the_end(recorder):
    stand_in = recorder()
    told = []

    def note(event: gn.Progressed):
        told.append((event.epoch, event.steps, event.steps_per_epoch, event.loss))

    history = train(shuffle=False, callbacks=[note])
    taken = np.cumsum([len(rates) for *_, rates in stand_in.calls])
    assert [3 * epoch + steps for epoch, steps, *_ in told] == taken.tolist()
    assert told[-1] == (499, 3, 3, history.loss[-1])


def test_a_time_limit_ends_a_run_of_epochs_without_end(recorder):
    recorder()
    history = train(epochs=10**9, time_limit=0.2)
    assert history.stopped == "time limit"
    assert history.epochs > 500
