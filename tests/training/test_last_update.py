"""What a run's folder tells of its last step: the change of θ itself, and nothing where it cannot know."""

import contextlib
import os
import signal
import warnings

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import CorruptFileError, GlassnetWarning
from glassnet.files import read_container, write_container
from glassnet.training import RunFolder

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(14, 3)), np.arange(14) % 3


def network(dtype="float64", dropout=True):
    layers = [gn.Dense(5, "tanh"), *([gn.Dropout(0.2)] if dropout else []), gn.Dense(3, "softmax")]
    return gn.Network(3, layers, seed=1, dtype=dtype)


def train(net, folder=None, **options):
    settings = {"epochs": 7, "batch_size": 5, "optimizer": "adam(0.02)", "schedule": "cosine"} | options
    return gn.train(net, X, Y, "cross_entropy", checkpoint=folder, **settings)


class Path:
    """Notes θ after every step, in a training of its own that is looked at step by step."""

    def __init__(self, net, **options):
        self.thetas, self.rates = [net.theta.copy()], []
        train(net, callbacks=[self.note], **options)

    def note(self, event: gn.StepEnded):
        self.thetas.append(event.network.theta.copy())
        self.rates.append(event.learning_rate)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "sgd(0.1, momentum=0.9)", "batch_size": 1},
        {"batch_size": None, "epochs": 40},
        {"epochs": 1, "batch_size": None},
        {"optimizer": "lbfgs", "batch_size": None, "epochs": 3, "schedule": None},
        {"validation": 0.3},
    ],
    ids=str,
)
def test_it_is_the_change_of_the_last_step(dtype, engine, options, tmp_path):
    options = {**options, "engine": engine}
    path = Path(network(dtype), **options)
    net = network(dtype)
    train(net, tmp_path, **options)
    assert net.theta.tobytes() == path.thetas[-1].tobytes()
    found = RunFolder(tmp_path).last_update()
    np.testing.assert_array_equal(found.change, path.thetas[-1] - path.thetas[-2])
    assert found.theta.tobytes() == net.theta.tobytes()
    assert found.step == len(path.thetas) - 2
    assert found.learning_rate == path.rates[-1]
    assert found.optimizer.startswith(options.get("optimizer", "adam").split("(")[0])


def test_it_does_not_change_a_bit_and_lies_in_the_checkpoint_alone(tmp_path):
    with_folder, without = network(), network()
    assert train(with_folder, tmp_path) == train(without)
    assert with_folder.theta.tobytes() == without.theta.tobytes()
    _, arrays = read_container(tmp_path / "checkpoint.safetensors", "checkpoint")
    assert "last_update" in arrays
    for snapshot in (tmp_path / "snapshots").iterdir():
        assert "last_update" not in read_container(snapshot, "checkpoint")[1]


@pytest.mark.parametrize("after", [1, 3, 20, 21])
def test_a_run_in_two_pieces_tells_the_same(after, tmp_path):
    train(network(), tmp_path / "whole")

    class Crash(Exception):
        pass

    left = [after]

    def crash(event: gn.StepEnded):
        left[0] -= 1
        if left[0] == 0:
            raise Crash

    with contextlib.suppress(Crash):
        train(network(), tmp_path / "pieces", callbacks=[crash], checkpoint_every=1e-9)
    train(network(), tmp_path / "pieces")
    names = ("whole/checkpoint.safetensors", "pieces/checkpoint.safetensors")
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1
    train(network(), tmp_path / "pieces")  # done already, and still known
    assert (tmp_path / names[0]).read_bytes() == (tmp_path / names[1]).read_bytes()


def test_more_epochs_move_it_on(tmp_path):
    options = {"schedule": None}
    train(network(), tmp_path, **options, epochs=3)
    first = RunFolder(tmp_path).last_update()
    train(network(), tmp_path, **options, epochs=6)
    path = Path(network(), **options, epochs=6)
    found = RunFolder(tmp_path).last_update()
    np.testing.assert_array_equal(found.change, path.thetas[-1] - path.thetas[-2])
    assert (first.step, found.step) == (8, 17)


def test_a_run_that_was_stopped_does_not_tell(tmp_path):
    assert RunFolder(tmp_path).last_update() is None  # there is no run

    def interrupt(event: gn.EpochEnded):
        if event.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training was interrupted", GlassnetWarning)
        assert train(network(), tmp_path, callbacks=[interrupt]).stopped == "interrupted"
    assert RunFolder(tmp_path).last_update() is None
    assert train(network(), tmp_path / "time", time_limit=1e-9).stopped == "time limit"
    assert RunFolder(tmp_path / "time").last_update() is None


def test_patience_that_ends_it_early_leaves_nothing_to_tell(tmp_path):
    early = gn.EarlyStopping(1, monitor="loss", min_delta=1e3)
    history = train(network(), tmp_path, early_stopping=early)
    assert history.stopped == "no better for 1 epochs"
    assert RunFolder(tmp_path).last_update() is None


def test_weights_of_the_best_epoch_are_not_those_after_the_last_step(tmp_path):
    net = network()
    early = gn.EarlyStopping(50, monitor="loss", min_delta=1e3)  # only the first epoch is ever the best
    train(net, tmp_path, early_stopping=early)
    found = RunFolder(tmp_path).last_update()
    assert found.theta.tobytes() != net.theta.tobytes()


def test_a_checkpoint_that_is_none(tmp_path):
    train(network(), tmp_path)
    document, arrays = read_container(tmp_path / "checkpoint.safetensors", "checkpoint")
    del document["settings"]
    write_container(tmp_path / "checkpoint.safetensors", "checkpoint", document, arrays)
    with pytest.raises(CorruptFileError, match="does not hold a run"):
        RunFolder(tmp_path).last_update()
