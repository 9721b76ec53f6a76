"""Callbacks: which events each hears, what they hold, and how training is stopped from one."""

import functools
import typing

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.training.events import Event, Listeners

X = np.random.default_rng(0).normal(size=(10, 3))
Y = np.random.default_rng(1).normal(size=10)

ALL = [gn.TrainingStarted, gn.StepEnded, gn.Progressed, gn.EpochEnded, gn.CheckpointSaved, gn.TrainingEnded]


def network():
    return gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1)], seed=0, dtype="float64")


def train(callbacks, net=None, **options):
    settings = {"epochs": 3, "batch_size": 4, "optimizer": gn.SGD(0.05)} | options
    return gn.train(network() if net is None else net, X, Y, "squared_error", callbacks=callbacks, **settings)


def heard_by(callback):
    listeners = Listeners([callback])
    return {kind for kind in ALL if listeners.hear(kind)}


# --- who hears what ----------------------------------------------------------------------------------------------


class Listener:
    """All the ways in which something can be called."""

    def __call__(self, event: gn.StepEnded): ...
    def method(self, event: gn.EpochEnded | gn.StepEnded) -> None: ...
    def bare(self, event): ...
    @classmethod
    def of_class(cls, event: gn.TrainingEnded): ...
    @staticmethod
    def static(event: gn.TrainingStarted): ...


class BareListener:
    def __call__(self, event): ...


def of_step(event: gn.StepEnded): ...
def of_two(event: gn.StepEnded | gn.TrainingEnded): ...
def of_old_union(event: typing.Union[gn.StepEnded, gn.TrainingEnded]): ...  # noqa: UP007
def of_all(event: Event): ...
def of_string(event: "gn.Progressed"): ...
def of_string_union(event: "gn.Progressed | gn.CheckpointSaved") -> "None": ...
def with_more(event: gn.StepEnded, memory: list = [], *, scale: float = 1.0): ...  # noqa: B006
def with_rest(*events): ...
def without(event): ...
def with_two(log: list, event: gn.StepEnded): ...


@functools.wraps(of_step)
def wrapped(*rest, **named):
    return of_step(*rest, **named)


HEARD = [
    (of_step, {gn.StepEnded}),
    (of_two, {gn.StepEnded, gn.TrainingEnded}),
    (of_old_union, {gn.StepEnded, gn.TrainingEnded}),
    (of_all, set(ALL)),
    (of_string, {gn.Progressed}),
    (of_string_union, {gn.Progressed, gn.CheckpointSaved}),
    (with_more, {gn.StepEnded}),
    (wrapped, {gn.StepEnded}),
    (with_rest, {gn.EpochEnded}),
    (without, {gn.EpochEnded}),
    (lambda event: None, {gn.EpochEnded}),
    (print, {gn.EpochEnded}),
    ([].append, {gn.EpochEnded}),
    (Listener(), {gn.StepEnded}),
    (Listener().method, {gn.EpochEnded, gn.StepEnded}),
    (Listener().bare, {gn.EpochEnded}),
    (Listener().of_class, {gn.TrainingEnded}),
    (Listener.static, {gn.TrainingStarted}),
    (BareListener(), {gn.EpochEnded}),
    (functools.partial(with_two, []), {gn.StepEnded}),
    (functools.partial(without), {gn.EpochEnded}),
    (functools.partial(with_more, scale=2.0), {gn.StepEnded}),
]


@pytest.mark.parametrize(("callback", "kinds"), HEARD, ids=[str(n) for n in range(len(HEARD))])
def test_a_callback_hears_what_its_parameter_is_annotated_with(callback, kinds):
    assert heard_by(callback) == kinds


def test_every_kind_of_event_has_a_public_name():
    assert set(Event.__subclasses__()) == set(ALL)


def takes_nothing(): ...
def takes_two(event, other): ...
def takes_names_only(*, event): ...
def of_numbers(event: int): ...
def of_event_or_none(event: gn.EpochEnded | None): ...
def of_any(event: typing.Any): ...
def of_value(event: 3): ...
def misspelled(event: "gn.EpochEnd"): ...
def unknown(event: "EpochEnded"): ...  # noqa: F821
def no_python(event: "epoch ended"): ...  # noqa: F722


@pytest.mark.parametrize(
    "callback",
    [takes_nothing, takes_two, takes_names_only, of_numbers, of_event_or_none, of_any, of_value, misspelled, unknown,
     no_python, "of_step", None, 3],
    ids=lambda callback: getattr(callback, "__name__", repr(callback)),
)  # fmt: skip
def test_a_callback_that_cannot_be_called_with_an_event(callback):
    with pytest.raises(InputError) as caught:
        train([callback])
    message = str(caught.value)
    assert "callback" in message.lower()
    assert getattr(callback, "__name__", repr(callback)) in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "callbacks",
    [of_step, 3, None, {of_step}, (c for c in [of_step])],
    ids=["a function", "a number", "None", "a set", "a generator"],
)
def test_callbacks_that_are_no_list(callbacks):
    with pytest.raises(InputError, match="expected a list of functions of one event"):
        train(callbacks)


def test_a_tuple_of_callbacks_in_their_order():
    log = []
    train((lambda event: log.append(1), lambda event: log.append(2)), epochs=2)
    assert log == [1, 2, 1, 2]


# --- what happens in which order ---------------------------------------------------------------------------------


def test_events_of_a_run_in_their_order(tmp_path):
    log = []

    def note(event: Event):
        log.append(event)

    net = network()
    history = train([note], net, epochs=2, checkpoint=tmp_path / "run", checkpoint_every=1e-9)
    kinds = [type(event).__name__ for event in log]
    step, saved = ["StepEnded", "Progressed"], ["CheckpointSaved"]
    epoch = [*step, *saved, *step, *saved, *step]
    assert kinds == ["TrainingStarted", *epoch, "EpochEnded", *saved, *epoch, "EpochEnded", *saved, "TrainingEnded"]
    assert all(event.network is net for event in log)

    started, ended = log[0], log[-1]
    assert (started.epochs, started.steps_per_epoch, started.epoch) == (2, 3, 0)
    assert ended.history is history
    assert history.stopped == "all epochs done"

    steps = [event for event in log if isinstance(event, gn.StepEnded)]
    assert [(event.epoch, event.step) for event in steps] == [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (1, 5)]
    assert {event.learning_rate for event in steps} == {0.05}
    progressed = [event for event in log if isinstance(event, gn.Progressed)]
    assert [(event.epoch, event.steps, event.steps_per_epoch) for event in progressed] == [
        (0, 1, 3), (0, 2, 3), (0, 3, 3), (1, 1, 3), (1, 2, 3), (1, 3, 3)
    ]  # fmt: skip
    sizes = np.array([4, 4, 2])
    for first in (0, 3):
        losses = np.array([event.loss for event in steps[first : first + 3]])
        means = np.cumsum(losses * sizes) / np.cumsum(sizes)
        np.testing.assert_allclose([event.loss for event in progressed[first : first + 3]], means, rtol=1e-12)
    epochs = [event for event in log if isinstance(event, gn.EpochEnded)]
    assert [event.epoch for event in epochs] == [0, 1]
    assert [event.loss for event in epochs] == history.loss
    assert all(event.validation_loss is None and event.validation_accuracy is None for event in epochs)
    assert not any(event.is_best for event in epochs)
    saves = [event for event in log if isinstance(event, gn.CheckpointSaved)]
    assert {event.path for event in saves} == {tmp_path / "run" / "checkpoint.safetensors"}
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_a_steps_loss_is_that_of_its_rows_before_its_update():
    net, seen = network(), []
    before = [net.copy()]

    def look(event: gn.StepEnded):
        seen.append(event.loss)
        before.append(event.network.copy())

    train([look], net, epochs=1, shuffle=False, l2=0.1)
    rows = [slice(0, 4), slice(4, 8), slice(8, 10)]
    expected = [
        b.backprop(X[r], Y[r], loss="squared_error", l2=0.1).loss for b, r in zip(before[:-1], rows, strict=True)
    ]
    np.testing.assert_allclose(seen, expected, rtol=1e-12)
    assert before[-1].theta.tobytes() == net.theta.tobytes()


def test_the_best_epochs_are_marked():
    marks, losses = [], []

    def look(event: gn.EpochEnded):
        marks.append(event.is_best)
        losses.append(event.validation_loss)

    train([look], epochs=30, validation=(X, -Y), early_stopping=30, optimizer="sgd(0.2)")
    assert marks == [loss < min(losses[:k], default=np.inf) for k, loss in enumerate(losses)]
    assert False in marks


def test_a_long_epoch_is_reported_a_few_times_a_second():
    log = []

    def note(event: gn.Progressed):
        log.append(event.steps)

    inputs, truth = np.zeros((4000, 3)), np.zeros(4000)
    gn.train(network(), inputs, truth, "squared_error", epochs=1, batch_size=1, callbacks=[note])
    assert log == sorted(log)
    assert log[-1] == 4000
    assert 2 <= len(log) < 400  # not one a step


def test_events_cannot_be_changed():
    def meddle(event: gn.EpochEnded):
        event.loss = 0.0

    with pytest.raises(AttributeError):
        train([meddle])


# --- stopping and failing ----------------------------------------------------------------------------------------


def test_stop_training_ends_after_this_event():
    net, thetas = network(), []

    def stop(event: gn.StepEnded):
        thetas.append(event.network.theta.copy())
        if event.step == 4:
            raise gn.StopTraining("good enough")

    history = train([stop], net)
    assert history.stopped == "good enough"
    assert history.epochs == 1
    assert len(thetas) == 5
    assert net.theta.tobytes() == thetas[-1].tobytes()


def test_stop_training_without_words_and_at_an_epochs_end():
    ended = []

    def stop(event: gn.EpochEnded):
        if event.epoch == 1:
            raise gn.StopTraining

    def note(event: gn.TrainingEnded):
        ended.append(event.history)

    net = network()
    history = train([stop, note], net, epochs=9)
    assert history.stopped == "a callback stopped it"
    assert history.epochs == 2
    assert ended == [history]
    twin = network()
    train([], twin, epochs=2)
    assert net.theta.tobytes() == twin.theta.tobytes()


def test_stop_training_restores_the_best_weights_too():
    best = []

    def stop(event: gn.EpochEnded):
        if event.is_best:
            best.append(event.network.theta.copy())
        elif len(best) > 1:
            raise gn.StopTraining("enough")

    net = network()
    history = train([stop], net, epochs=200, validation=(X, -Y), early_stopping=100, optimizer="sgd(0.05)")
    assert history.stopped == "enough"
    assert net.theta.tobytes() == best[-1].tobytes()


@pytest.mark.parametrize("kind", ALL)
def test_stop_training_may_come_with_any_event(kind, tmp_path):
    """Also with those after the last step, where there is nothing more to stop."""

    def stop(event):
        raise gn.StopTraining("now")

    stop.__annotations__["event"] = kind
    net = network()
    start = net.theta.copy()
    history = train([stop], net, checkpoint=tmp_path / "run")
    if kind in (gn.TrainingEnded, gn.CheckpointSaved):
        assert history.epochs == 3
    else:
        assert history.stopped == "now"
        assert history.epochs == (1 if kind is gn.EpochEnded else 0)
    assert np.array_equal(net.theta, start) == (kind is gn.TrainingStarted)


def test_stop_training_from_the_end_still_restores_the_best_weights(tmp_path):
    def stop(event: gn.CheckpointSaved):
        raise gn.StopTraining("now")

    best = []

    def note(event: gn.EpochEnded):
        if event.is_best:
            best.append(event.network.theta.copy())

    net = network()
    options = {"validation": (X, -Y), "early_stopping": 4, "epochs": 200, "optimizer": "sgd(0.05)"}
    train([stop, note], net, checkpoint=tmp_path / "run", **options)
    assert net.theta.tobytes() == best[-1].tobytes()


def test_an_error_of_a_callback_comes_through_and_the_weights_stay():
    net, thetas = network(), []

    def fail(event: gn.StepEnded):
        thetas.append(event.network.theta.copy())
        if event.step == 3:
            raise RuntimeError("my own mistake")

    with pytest.raises(RuntimeError, match="my own mistake"):
        train([fail], net)
    assert net.theta.tobytes() == thetas[-1].tobytes()


def test_the_start_tells_the_rows():
    seen = []

    def started(event: gn.TrainingStarted) -> None:
        seen.append(event)

    X = np.arange(20.0).reshape(10, 2)
    net = gn.Network(2, [gn.Dense(1)], dtype="float64")
    gn.train(net, X, X[:, 0], "squared_error", epochs=1, validation=0.2, callbacks=[started])
    rows, held_out = seen[0].rows, seen[0].held_out
    assert len(rows) == 8
    np.testing.assert_array_equal(np.sort(np.concatenate([rows.x, held_out.x])[:, 0]), X[:, 0])
