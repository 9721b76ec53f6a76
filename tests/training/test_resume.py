"""A run that was stopped, interrupted or killed, and goes on, ends with the same bits as one that never stopped."""

import concurrent.futures
import functools
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import (
    CorruptFileError,
    FileError,
    ForeignFileError,
    GlassnetWarning,
    NewerVersionError,
    ResumeError,
    TruncatedFileError,
)
from glassnet.files import read_container, write_container
from glassnet.maths.optimizers import OPTIMIZERS

SRC = str(Path(__file__).resolve().parents[2] / "src")
RNG = np.random.default_rng(3)
X = RNG.normal(size=(14, 3))
LABELS = np.array([0, 1, 2, 0, 1, 2, 2, 1, 0, 0, 1, 2, 0, 1])
XV, YV = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 2, 1, 0])


def network(dropout=0.0, dtype="float64", seed=0):
    layers = [gn.Dense(5, "tanh"), *([gn.Dropout(dropout)] if dropout else []), gn.Dense(3, "softmax")]
    return gn.Network(3, layers, seed=seed, dtype=dtype)


def train(net, folder=None, inputs=X, labels=LABELS, loss="cross_entropy", **options):
    settings = {"epochs": 4, "batch_size": 5, "optimizer": "adam(0.02)", "checkpoint_every": 1000.0} | options
    return gn.train(net, inputs, labels, loss, checkpoint=folder, **settings)


def outcome(net, history):
    """All that must be the same, bit by bit; repr tells −0.0 from 0.0 and shows every digit."""
    return net.theta.tobytes(), repr(history)


class Crash(Exception):
    """What stands for a power cut: nothing is saved on the way out."""


class Stopper:
    """Stops one call of `train` after so many events."""

    def __init__(self, how, after):
        self.how, self.left = how, after

    def __call__(self, event: gn.StepEnded | gn.EpochEnded | gn.TrainingStarted):
        self.left -= 1
        if self.left == 0 and self.how == "crash":
            raise Crash
        if self.left == 0 and self.how == "stop":
            raise gn.StopTraining("for now")
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def in_pieces(make, folder, stops, same_network, **options):
    """Train with interruptions until it is done; return the outcome and how many calls it took."""
    net, calls = make(), 0
    for how, after in [*stops, ("nothing", 0)]:
        if calls and not same_network:
            net = make()
        calls += 1
        limit = 1e-9 if how == "time" else None
        every = 1e-9 if how == "crash" else 1000.0
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Training was interrupted", GlassnetWarning)
            try:
                history = train(
                    net, folder, callbacks=[Stopper(how, after)], time_limit=limit, checkpoint_every=every, **options
                )
            except Crash:
                net = make()  # what was in memory is lost
                continue
        if history.stopped not in ("interrupted", "time limit", "for now"):
            break
    return outcome(net, history), calls


OPTIMIZER_SPECS = [
    *(name for name in OPTIMIZERS if name != "lbfgs"),
    "sgd(0.1, momentum=0.9, nesterov=True)",
    "rmsprop(0.01, momentum=0.5, centered=True)",
    "adam(0.05, amsgrad=True)",
]
SCHEDULE_SPECS = [None, "exponential(0.9, per='step')", "plateau(0.5, patience=0)", "one_cycle", "warm_up(2, 'cosine')"]
STOPS = st.lists(
    st.tuples(st.just("interrupt"), st.integers(1, 9))
    | st.tuples(st.just("crash"), st.integers(1, 9))
    | st.tuples(st.just("stop"), st.integers(1, 9))
    | st.tuples(st.just("time"), st.just(0)),
    min_size=1,
    max_size=6,
)


def check(stops, same_network, dropout, dtype, **options):
    make = functools.partial(network, dropout, dtype)
    undisturbed = make()
    expected = outcome(undisturbed, train(undisturbed, **options))
    with tempfile.TemporaryDirectory() as folder:
        found, calls = in_pieces(make, folder, stops, same_network, **options)
        assert found == expected
        # Finished: the next call returns at once with the same.
        again = make()
        assert outcome(again, train(again, folder, callbacks=[no_step], **options)) == expected
    return calls


def no_step(event: gn.StepEnded):
    raise AssertionError("a finished run takes no steps")


@pytest.mark.parametrize("optimizer", OPTIMIZER_SPECS)
@settings(max_examples=6)
@given(
    stops=STOPS,
    same_network=st.booleans(),
    schedule=st.sampled_from(SCHEDULE_SPECS),
    dropout=st.sampled_from([0.0, 0.4]),
    dtype=st.sampled_from(["float32", "float64"]),
    early_stopping=st.sampled_from([None, 1, 2]),
    batch_size=st.sampled_from([3, 5, 14]),
    shuffle=st.booleans(),
    l2=st.sampled_from([0.0, 0.01]),
)
def test_stopped_anywhere_it_ends_with_the_same_bits(optimizer, **options):
    check(optimizer=optimizer, validation=(XV, YV), **options)


@settings(max_examples=20)
@given(
    stops=STOPS,
    same_network=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
    dtype=st.sampled_from(["float32", "float64"]),
    early_stopping=st.sampled_from([None, 2]),
)
def test_lbfgs_too(**options):
    check(optimizer="lbfgs", batch_size=None, epochs=9, validation=(XV, YV), **options)


@pytest.mark.parametrize("how", ["interrupt", "crash", "stop"])
@pytest.mark.parametrize("optimizer", OPTIMIZER_SPECS)
def test_stopped_after_every_single_step(how, optimizer):
    """Each call gets a step further, and no more."""
    stops = [(how, 2)] * 20
    options = {"epochs": 3, "schedule": "plateau(0.5, patience=0)", "validation": (XV, YV), "early_stopping": 2}
    calls = check(stops, False, 0.3, "float64", optimizer=optimizer, **options)
    assert calls > 6


def test_validation_split_and_sample_weights_survive():
    weight = np.linspace(0.1, 2, 14)
    check([("interrupt", 3), ("crash", 2)], False, 0.2, "float32", validation=0.3, sample_weight=weight, seed=5)


def test_figures_that_are_not_finite_survive():
    net = gn.Network(1, [gn.Dense(1, bias=False)], seed=0)
    options = {
        "inputs": [[1.0], [2.0]],
        "labels": [1.0, 2.0],
        "loss": "squared_error",
        "validation": ([[1e30]], [0.0]),
    }
    expected = outcome(net, train(net, **options))
    assert "inf" in expected[1]
    with tempfile.TemporaryDirectory() as folder:
        found, calls = in_pieces(
            lambda: gn.Network(1, [gn.Dense(1, bias=False)], seed=0), folder, [("interrupt", 3)] * 2, False, **options
        )
    assert found == expected
    assert calls == 3


# --- a run that goes on ------------------------------------------------------------------------------------------


def test_the_same_network_goes_on_in_the_same_process(tmp_path):
    twin = network()
    expected = outcome(twin, train(twin))
    net = network()
    with pytest.warns(GlassnetWarning, match="interrupted in epoch 1 after 2 of 3 steps"):
        train(net, tmp_path, callbacks=[Stopper("interrupt", 7)])  # started, 3 steps, 1 epoch, 2 steps
    began = []

    def note(event: gn.TrainingStarted | gn.StepEnded):
        began.append((type(event).__name__, event.epoch, getattr(event, "step", None)))

    assert outcome(net, train(net, tmp_path, callbacks=[note])) == expected
    assert began[:2] == [("TrainingStarted", 1, None), ("StepEnded", 1, 5)]


def test_a_finished_run_returns_at_once(tmp_path):
    net = network()
    expected = outcome(net, train(net, tmp_path))
    for again in (net, network()):
        began = time.monotonic()
        assert outcome(again, train(again, tmp_path, callbacks=[no_step])) == expected
        assert time.monotonic() - began < 2


def test_a_finished_run_restores_the_best_weights_again(tmp_path):
    options = {"validation": (XV, YV), "early_stopping": 2, "epochs": 200, "optimizer": "adam(0.3)"}
    net = network()
    history = train(net, tmp_path, **options)
    assert history.stopped == "no better for 2 epochs"
    assert history.best_epoch < history.epochs - 1
    for again in (net, network()):
        assert outcome(again, train(again, tmp_path, callbacks=[no_step], **options)) == outcome(net, history)


@pytest.mark.parametrize("early_stopping", [None, 50])
@pytest.mark.parametrize("same_network", [True, False])
def test_more_epochs_continue_a_finished_run(same_network, early_stopping, tmp_path):
    options = {"validation": (XV, YV), "early_stopping": early_stopping, "schedule": "exponential(0.9)"}
    twin = network(0.2)
    expected = outcome(twin, train(twin, epochs=9, **options))
    net = network(0.2)
    first = train(net, tmp_path, epochs=4, **options)
    assert first.epochs == 4
    net = net if same_network else network(0.2)
    history = train(net, tmp_path, epochs=9, **options)
    assert history.stopped == "all epochs done"
    assert outcome(net, history) == expected


def test_more_epochs_do_not_wake_a_run_that_stopped_for_its_own_reasons(tmp_path):
    options = {"validation": (XV, YV), "early_stopping": 1, "optimizer": "adam(0.5)"}
    net = network()
    history = train(net, tmp_path, epochs=100, **options)
    assert history.stopped == "no better for 1 epochs"
    again = network()
    assert outcome(again, train(again, tmp_path, epochs=200, callbacks=[no_step], **options)) == outcome(net, history)


@pytest.mark.parametrize("stop_after", [17, 18])
def test_fewer_epochs_than_are_over_take_no_more_steps(stop_after, tmp_path):
    """Stopped at the end of the fourth epoch or within the fifth, and then asked for two."""
    with pytest.warns(GlassnetWarning, match="interrupted"):
        train(network(), tmp_path, epochs=9, callbacks=[Stopper("interrupt", stop_after)])
    history = train(network(), tmp_path, epochs=2, callbacks=[no_step])
    assert history.epochs == 4


def test_a_schedule_as_long_as_the_run_is_another_when_epochs_are_added(tmp_path):
    train(network(), tmp_path, schedule="cosine", epochs=4)
    with pytest.raises(ResumeError, match=r"schedule was \"cosine\(4\)\", now \"cosine\(8\)\""):
        train(network(), tmp_path, schedule="cosine", epochs=8)


def test_resume_false_starts_over(tmp_path):
    folder = tmp_path / "digits.run"
    expected = outcome(net := network(), train(net, folder, epochs=2))
    steps = []

    def note(event: gn.StepEnded):
        steps.append(event.step)

    again = network()
    assert outcome(again, train(again, folder, epochs=2, resume=False, callbacks=[note])) == expected
    assert steps == list(range(6))
    # Also with other settings, where resuming would be refused.
    other, twin = network(), network()
    found = outcome(other, train(other, folder, resume=False, optimizer="sgd(0.1)"))
    assert found == outcome(twin, train(twin, optimizer="sgd(0.1)"))


def test_resume_false_starts_over_from_the_weights_the_network_has_now(tmp_path):
    net = network()
    train(net, tmp_path / "run")
    after = net.theta.copy()
    twin = network()
    twin.theta = after
    assert outcome(net, train(net, tmp_path / "run", resume=False)) == outcome(twin, train(twin))


def test_a_run_without_a_folder_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(network())
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_met_a_nan_goes_on_from_its_last_checkpoint(tmp_path):
    """And meets the same NaN at the same step."""
    inputs = X * 1.0
    options = {"inputs": inputs, "labels": X[:, 0], "loss": "squared_error", "optimizer": "sgd(1e6)", "epochs": 500}

    def fails():
        net = gn.Network(3, [gn.Dense(1)], seed=0)
        with pytest.raises(gn.GlassnetError) as caught:
            train(net, tmp_path, checkpoint_every=1e-9, **options)
        return str(caught.value).split(". ")[0], net.theta.tobytes()  # how it came about is told of what was seen

    first = fails()
    assert "In step" in first[0] or "update of step" in first[0]
    assert fails() == first


# --- refusals ----------------------------------------------------------------------------------------------------

CHANGES = {
    "data": {"inputs": X + 1e-9},
    "network": {"make": lambda: gn.Network(3, [gn.Dense(5, "relu"), gn.Dense(3, "softmax")], seed=0, dtype="float64")},
    "loss": {"loss": "cross_entropy(label_smoothing=0.1)"},
    "reduction": {"reduction": "sum"},
    "l1": {"l1": 0.1},
    "l2": {"l2": 0.1},
    "optimizer": {"optimizer": "adam(0.03)"},
    "clip_norm": {"clip_norm": 1.0},
    "clip_value": {"clip_value": 1.0},
    "schedule": {"schedule": "exponential"},
    "early_stopping": {"early_stopping": gn.EarlyStopping(3, "loss")},
    "batch_size": {"batch_size": 4},
    "shuffle": {"shuffle": False},
    "seed": {"seed": 1},
}


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_is_named(what, finished, tmp_path):
    if finished:
        train(network(), tmp_path)
    else:
        with pytest.warns(GlassnetWarning, match="interrupted"):
            train(network(), tmp_path, callbacks=[Stopper("interrupt", 3)])
    before = {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    change = dict(CHANGES[what])
    net = change.pop("make", network)()
    start = net.theta.copy()
    with pytest.raises(ResumeError, match=r"cannot be continued with these arguments: .* was .*, now ") as caught:
        train(net, tmp_path, **change)
    message = str(caught.value)
    assert {name.partition(".")[0] for name in re.findall(r"([\w.\[\]]+) was ", message)} == {what}
    assert "resume=False" in message
    assert "\n" not in message
    assert np.array_equal(net.theta, start)
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.roll(LABELS, 1)},
        {"sample_weight": np.linspace(1, 2, 14)},
        {"validation": (XV, YV)},
        {"inputs": X[:-1], "labels": LABELS[:-1]},
        {"inputs": X[::-1], "labels": LABELS[::-1]},
    ],
    ids=["labels", "weights", "validation", "fewer rows", "another order"],
)
def test_changed_data_is_named(change, tmp_path):
    train(network(), tmp_path)
    with pytest.raises(ResumeError, match=r"validation was" if "validation" in change else r"data was"):
        train(network(), tmp_path, **change)


def test_changed_validation_data_is_named(tmp_path):
    train(network(), tmp_path, validation=(XV, YV))
    with pytest.raises(ResumeError, match=r"validation was"):
        train(network(), tmp_path, validation=(XV * 2, YV))


def test_several_changes_are_all_named(tmp_path):
    train(network(), tmp_path)
    with pytest.raises(ResumeError) as caught:
        train(network(), tmp_path, seed=9, optimizer="sgd(0.1)")
    assert 'optimizer was "adam(0.02)", now "sgd(0.1)"' in str(caught.value)
    assert "seed was 0, now 9" in str(caught.value)


def test_what_decides_no_bit_may_change(tmp_path):
    twin = network()
    expected = outcome(twin, train(twin))
    with pytest.warns(GlassnetWarning, match="interrupted"):
        train(network(), tmp_path, callbacks=[Stopper("interrupt", 6)], threads=1)
    net = network()
    history = train(net, tmp_path, threads=2, time_limit=100.0, checkpoint_every=1e-9, callbacks=[print_nothing])
    assert outcome(net, history) == expected


def test_more_rows_a_step_than_there_are_means_all(tmp_path):
    twin = network()
    expected = outcome(twin, train(twin, batch_size=None))
    with pytest.warns(GlassnetWarning, match="interrupted"):
        train(network(), tmp_path, batch_size=100, callbacks=[Stopper("interrupt", 5)])
    net = network()
    assert outcome(net, train(net, tmp_path, batch_size=None)) == expected


def print_nothing(event: gn.StepEnded):
    pass


def test_weights_of_another_network_are_noticed(tmp_path):
    train(network(), tmp_path)
    other = network()
    other.theta[0] += 1e-9
    start = other.theta.copy()
    with pytest.raises(ResumeError, match="began with other weights"):
        train(other, tmp_path)
    assert np.array_equal(other.theta, start)


# --- a damaged checkpoint ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The bytes of a checkpoint in the middle of a run."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.warns(GlassnetWarning, match="interrupted"):
        train(network(), folder, callbacks=[Stopper("interrupt", 7)])
    return (folder / "checkpoint.safetensors").read_bytes()


def resumed(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / "checkpoint.safetensors").write_bytes(content)
    net = network()
    start = net.theta.copy()
    try:
        return train(net, folder)
    finally:
        if sys.exc_info()[0] is not None:
            assert np.array_equal(net.theta, start)


def test_a_good_checkpoint_is_taken(checkpoint, tmp_path):
    assert resumed(tmp_path / "run", checkpoint).epochs == 4


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.7, 0.999])
def test_a_truncated_checkpoint(share, checkpoint, tmp_path):
    with pytest.raises(TruncatedFileError, match=r"checkpoint\.safetensors") as caught:
        resumed(tmp_path / "run", checkpoint[: int(share * len(checkpoint))])
    assert str(caught.value).count("\n") < 2
    left = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    assert left == checkpoint[: int(share * len(checkpoint))]


def test_a_checkpoint_with_a_flipped_bit_anywhere(checkpoint, tmp_path):
    chance = random.Random(0)
    for _ in range(150):
        damaged = bytearray(checkpoint)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        with pytest.raises(FileError) as caught:
            resumed(tmp_path / "run", bytes(damaged))
        assert str(caught.value).count("\n") < 2


def test_files_that_are_no_checkpoint(checkpoint, tmp_path):
    gn.save(network(), tmp_path / "model")
    write_container(tmp_path / "newer", "checkpoint", {"version": 9}, {})
    for content, kind in (
        (b"epoch,loss\n1,0.5\n", ForeignFileError),
        ((tmp_path / "model").read_bytes(), ForeignFileError),
        ((tmp_path / "newer").read_bytes(), NewerVersionError),
    ):
        with pytest.raises(kind):
            resumed(tmp_path / "run", content)


def test_what_to_do_about_a_damaged_checkpoint_is_said(checkpoint, tmp_path):
    with pytest.raises(CorruptFileError) as caught:
        resumed(tmp_path / "run", checkpoint[:-1] + bytes([checkpoint[-1] ^ 1]))
    assert "resume=False" in str(caught.value)
    net, twin = network(), network()
    assert outcome(net, train(net, tmp_path / "run", resume=False)) == outcome(twin, train(twin))


@pytest.mark.parametrize(
    "change",
    [
        lambda document, arrays: document.pop("history"),
        lambda document, arrays: document.pop("settings"),
        lambda document, arrays: document.pop("epoch"),
        lambda document, arrays: document["settings"].pop("start"),
        lambda document, arrays: document["history"].update(mood="good"),
        lambda document, arrays: document.update(steps=99),
        lambda document, arrays: document.update(steps=-1),
        lambda document, arrays: document.update(epoch="2"),
        lambda document, arrays: arrays.pop("theta"),
        lambda document, arrays: arrays.pop("errors"),
        lambda document, arrays: arrays.update(theta=np.zeros(3)),
        lambda document, arrays: [arrays.pop(name) for name in list(arrays) if name.startswith("optimizer.")],
    ],
    ids=["no history", "no settings", "no epoch", "no start", "more history", "too many steps", "steps below zero",
         "epoch is a word", "no theta", "no errors", "another theta", "no optimizer"],
)  # fmt: skip
def test_a_right_checksum_does_not_excuse_wrong_content(change, checkpoint, tmp_path):
    (tmp_path / "c").write_bytes(checkpoint)
    document, arrays = read_container(tmp_path / "c", "checkpoint")
    change(document, arrays)
    write_container(tmp_path / "c", "checkpoint", document, arrays)
    with pytest.raises((FileError, ResumeError)) as caught:
        resumed(tmp_path / "run", (tmp_path / "c").read_bytes())
    assert str(caught.value).count("\n") < 2


# --- SIGKILL -----------------------------------------------------------------------------------------------------

RUNS, KILLS = 20, 3

CHILD = """
import json, sys
import numpy as np
import glassnet as gn

folder, options, dropout = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
chance = np.random.default_rng(0)
X = chance.normal(size=(120, 4))
labels = (X[:, 0] * X[:, 1] > 0) + 2 * (X[:, 2] > 0.5).astype(int)
net = gn.Network(4, [gn.Dense(12, "tanh"), gn.Dropout(dropout), gn.Dense(4, "softmax")], seed=1)

def tell(event: gn.TrainingStarted | gn.EpochEnded):
    print(event.epoch, flush=True)

gn.train(net, X, labels, "cross_entropy", validation=0.25, seed=2, checkpoint=folder + "/run",
         checkpoint_every=0.02, callbacks=[tell], **options)
gn.save(net, folder + "/net.safetensors")
"""

CONFIGURATIONS = [
    ({"optimizer": "adam(0.003)", "schedule": "plateau(0.7, patience=3)", "epochs": 180, "batch_size": 6}, 0.2),
    ({"optimizer": "sgd(0.05, momentum=0.9)", "schedule": "one_cycle", "epochs": 280, "batch_size": 6}, 0.0),
    ({"optimizer": "rmsprop(0.002)", "early_stopping": 200, "epochs": 250, "batch_size": 9, "l2": 1e-4}, 0.1),
    ({"optimizer": "lbfgs", "early_stopping": 5000, "epochs": 300, "batch_size": None}, 0.3),
]


def start(folder, configuration):
    options, dropout = CONFIGURATIONS[configuration]
    environment = {**os.environ, "PYTHONPATH": SRC, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), json.dumps(options), str(dropout)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def result(folder):
    net = gn.load(folder / "net.safetensors")
    return net.theta.tobytes(), (folder / "run" / "history.json").read_bytes()


def undisturbed(folder, configuration):
    """The result of a run that nothing stopped, how many epochs it took, and how long one of them."""
    with start(folder, configuration) as process:
        assert process.stdout.readline() == "0\n", process.stderr.read()
        began = time.monotonic()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    epochs = len(json.loads((folder / "run" / "history.json").read_text())["loss"])
    return result(folder), epochs, (time.monotonic() - began) / epochs


def killed_again_and_again(folder, configuration, epochs, seconds, seed):
    """Kill a run at random moments, start it anew each time, at last let it end; return how many kills hit."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, 0.95 * epochs) for _ in range(KILLS))
    for kills, moment in enumerate([*moments, math.inf]):
        with start(folder, configuration) as process:
            if moment < math.inf:
                for line in process.stdout:
                    if int(line) >= moment:
                        break
                time.sleep(chance.uniform(0, 3 * seconds))
                process.send_signal(signal.SIGKILL)
            _, err = process.communicate(timeout=120)
        if process.returncode == 0:
            return kills
        assert process.returncode == -signal.SIGKILL, err
    raise AssertionError("the run that nobody killed did not end")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_random_moments_it_ends_with_the_same_bits_20_times_of_20(tmp_path):
    seed = random.SystemRandom().randrange(2**32)  # other moments every time; a failure tells which
    folders = [tmp_path / f"whole{k}" for k in range(len(CONFIGURATIONS))]
    broken = [tmp_path / f"broken{k}" for k in range(RUNS)]
    for folder in folders + broken:
        folder.mkdir()
    workers = concurrent.futures.ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 2)))
    with workers:
        whole = list(workers.map(undisturbed, folders, range(len(CONFIGURATIONS))))
        jobs = [
            workers.submit(killed_again_and_again, folder, k % 4, *whole[k % 4][1:], seed + k)
            for k, folder in enumerate(broken)
        ]
        kills = [job.result() for job in jobs]
    assert len({theta for (theta, _), *_ in whole}) == len(CONFIGURATIONS)
    same = [result(folder) == whole[k % 4][0] for k, folder in enumerate(broken)]
    assert same == [True] * RUNS, f"seed {seed}, kills {kills}"
    assert sum(kills) >= 2 * RUNS, f"too few kills to mean anything: {kills}"
    left = [str(path) for folder in broken for path in folder.rglob("*.tmp")]
    assert left == []
    shutil.rmtree(tmp_path)


# --- what a review found -----------------------------------------------------------------------------------------


def test_weights_that_a_listener_moved_are_in_the_checkpoint(tmp_path):
    """Told first, saved afterwards: else a resumed run would miss what the listener did."""

    def shrink(event: gn.EpochEnded):
        event.network.theta[:] *= 0.9

    def shrink_and_crash(event: gn.EpochEnded):
        shrink(event)
        if event.epoch == 2:
            raise RuntimeError("killed")

    whole, killed = network(), network()
    train(whole, None, callbacks=[shrink])
    with pytest.raises(RuntimeError):
        train(killed, tmp_path / "run", callbacks=[shrink_and_crash], checkpoint_every=1e-9)
    again = network()
    train(again, tmp_path / "run", callbacks=[shrink])
    assert again.theta.tobytes() == whole.theta.tobytes()


def test_an_activation_of_the_same_name_that_computes_something_else_is_another_run(tmp_path):
    def own(factor):
        record = gn.Activation("mine", value=lambda z: factor * z, slope=lambda z, a: np.full_like(z, factor))
        return gn.Network(4, [gn.Dense(3, record), gn.Dense(4, "softmax")], seed=1)

    X, labels = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 4
    gn.train(own(1.0), X, labels, "cross_entropy", epochs=1, checkpoint=tmp_path / "run")
    gn.train(own(1.0), X, labels, "cross_entropy", epochs=2, checkpoint=tmp_path / "run")
    with pytest.raises(ResumeError, match="own_formulas"):
        gn.train(own(7.0), X, labels, "cross_entropy", epochs=3, checkpoint=tmp_path / "run")
