"""The folder in which a run is kept: what lies in it, and what happens where it cannot be written."""

import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import FileError, GlassnetWarning, InputError
from glassnet.files import read_container
from glassnet.training.history import History
from glassnet.training.run_folder import RunFolder

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.random.default_rng(1).normal(size=12)


def network():
    return gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1)], seed=0, dtype="float64")


def train(folder, net=None, **options):
    settings = {"epochs": 5, "batch_size": 4, "optimizer": gn.Adam(0.01)} | options
    return gn.train(network() if net is None else net, X, Y, "squared_error", checkpoint=folder, **settings)


def tree(folder):
    """Every file below a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def snapshots(folder):
    return sorted(int(p.stem.removeprefix("epoch-")) for p in (folder / "snapshots").iterdir())


# --- what lies in it ---------------------------------------------------------------------------------------------


def test_what_a_run_leaves(tmp_path):
    net, thetas = network(), [network().theta.copy()]

    def note(event: gn.EpochEnded):
        thetas.append(event.network.theta.copy())

    history = train(tmp_path / "deep" / "digits.run", net, callbacks=[note])
    folder = tmp_path / "deep" / "digits.run"
    assert set(tree(folder)) == {
        "checkpoint.safetensors",
        "history.json",
        *(f"snapshots/epoch-{k:04d}.safetensors" for k in range(6)),
    }
    _, arrays = read_container(folder / "checkpoint.safetensors", "checkpoint")
    assert arrays["theta"].tobytes() == net.theta.tobytes()
    for k in range(6):
        document, arrays = read_container(folder / f"snapshots/epoch-{k:04d}.safetensors", "checkpoint")
        assert arrays["theta"].tobytes() == thetas[k].tobytes()
        assert (document["epoch"], document["steps"], document["step"]) == (k, 0, 3 * k)
        assert document["history"]["loss"] == history.loss[:k]


def test_the_history_lies_there_for_scripts(tmp_path):
    history = train(tmp_path, validation=(X, Y), early_stopping=2)
    found = json.loads((tmp_path / "history.json").read_text())
    assert found == history.to_dict()
    assert History.from_dict(found) == history
    assert found["stopped"] == history.stopped
    assert found["best_epoch"] == history.best_epoch is not None


@given(
    st.lists(st.floats()),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    st.none() | st.integers(0, 99),
    st.text(),
)
def test_a_history_keeps_every_bit(loss, learning_rate, best_epoch, stopped):
    history = History(loss=loss, learning_rate=learning_rate, best_epoch=best_epoch, stopped=stopped)
    back = History.from_dict(json.loads(json.dumps(history.to_dict())))
    assert repr(back) == repr(history)
    assert history.epochs == len(loss)


def test_the_history_is_strict_json_where_a_figure_is_not_finite(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save_history(History(loss=[1.5, math.inf], validation_loss=[math.nan, 2.0]))

    def refuse(word):
        raise AssertionError(word)

    found = json.loads((tmp_path / "history.json").read_text(), parse_constant=refuse)
    assert found["loss"] == [1.5, None]
    assert found["validation_loss"] == [None, 2.0]


@pytest.mark.parametrize(("epochs", "stride"), [(1, 1), (16, 1), (17, 2), (32, 2), (33, 4), (100, 8)])
def test_at_most_17_snapshots_evenly_apart(epochs, stride, tmp_path):
    train(tmp_path, epochs=epochs, batch_size=None)
    assert snapshots(tmp_path) == list(range(0, epochs + 1, stride))
    assert len(snapshots(tmp_path)) <= 17


def test_at_most_17_snapshots_though_epochs_were_added(tmp_path):
    train(tmp_path, epochs=16, batch_size=None)
    train(tmp_path, epochs=64, batch_size=None)
    train(tmp_path / "other", epochs=64, batch_size=None)
    assert snapshots(tmp_path) == snapshots(tmp_path / "other")


def test_the_same_run_leaves_the_same_bytes(tmp_path):
    train(tmp_path / "a", callbacks=[lambda event: None], checkpoint_every=1e-9)
    train(tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_checkpoints_come_as_often_as_is_asked(tmp_path):
    saves = []

    def note(event: gn.CheckpointSaved):
        saves.append(event.epoch)

    def step(event: gn.StepEnded): ...

    train(tmp_path / "always", callbacks=[note, step], checkpoint_every=1e-9, epochs=2)
    assert saves == [0, 0, 1, 1, 1, 2]
    saves.clear()
    train(tmp_path / "epochs of one step", callbacks=[note], checkpoint_every=1e-9, epochs=3, batch_size=None)
    assert saves == [1, 2, 3]
    saves.clear()
    train(tmp_path / "rarely", callbacks=[note, step], checkpoint_every=1000, epochs=2)
    assert saves == [2]


# --- the source --------------------------------------------------------------------------------------------------


def test_the_source_of_the_data(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.load_source() is None
    source = {"path": "größen.csv", "fingerprint": "ab12", "rows": 3}
    folder.save_source(source)
    assert folder.load_source() == source
    train(tmp_path)
    assert folder.load_source() == source


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"3", b"\xff\xfe", b"null"], ids=str)
def test_a_source_that_cannot_be_read_is_as_if_there_were_none(content, tmp_path):
    (tmp_path / "source.json").write_bytes(content)
    assert RunFolder(tmp_path).load_source() is None


# --- other things in the folder ----------------------------------------------------------------------------------


def test_files_of_other_people_stay(tmp_path):
    others = {".thesis.docx.tmp": b"1", "notes.txt": b"2", "snapshots/mine.txt": b"3"}
    (tmp_path / "run" / "snapshots").mkdir(parents=True)
    for name, content in others.items():
        (tmp_path / "run" / name).write_bytes(content)
    train(tmp_path / "run", epochs=1)
    assert others.items() <= tree(tmp_path / "run").items()


def test_starting_over_loses_nothing(tmp_path):
    train(tmp_path / "digits.run", seed=1)
    before = tree(tmp_path / "digits.run")
    (tmp_path / "digits.run" / "notes.txt").write_bytes(b"mine")
    train(tmp_path / "digits.run", seed=2, resume=False)
    train(tmp_path / "other.run", seed=2)
    second = tree(tmp_path / "other.run")
    assert tree(tmp_path / "digits.previous.run") == before
    assert tree(tmp_path / "digits.run") == {**second, "notes.txt": b"mine"}  # what is not glassnet's stays
    train(tmp_path / "digits.run", seed=3, resume=False)  # one is kept
    assert tree(tmp_path / "digits.previous.run") == second
    assert (tmp_path / "digits.run" / "notes.txt").read_bytes() == b"mine"
    assert sorted(os.listdir(tmp_path)) == ["digits.previous.run", "digits.run", "other.run"]


def test_starting_over_in_the_folder_where_one_stands(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    train(".", seed=1)
    net, twin = network(), network()
    try:
        train(".", net, seed=2, resume=False)
    except FileError as error:
        assert "Move it yourself" in str(error)  # noqa: PT017
        assert (tmp_path / "here" / "checkpoint.safetensors").exists()
    else:
        train(tmp_path / "other", twin, seed=2)
        assert net.theta.tobytes() == twin.theta.tobytes()


# --- where it cannot be written ----------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        net = network()
        before = net.theta.copy()
        with pytest.raises(FileError, match="Cannot make the folder") as caught:
            train(path, net)
        assert str(caught.value).count("\n") < 2
        assert np.array_equal(net.theta, before)
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize("path", [3, None, ["a"], b"bytes"], ids=repr)
def test_a_path_that_is_none(path):
    if path is None:
        assert train(path).stopped == "all epochs done"
        return
    with pytest.raises(InputError):
        train(path)


def test_training_goes_on_when_the_disk_fills_up(tmp_path, monkeypatch):
    """It says so once; the weights, and the last checkpoint that was whole, are kept."""
    net, twin = network(), network()
    expected = train(None, twin, epochs=6)
    true_replace = os.replace
    kept = []

    def full(event: gn.EpochEnded):
        def fails(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        if event.epoch == 1:
            kept.append((tmp_path / "checkpoint.safetensors").read_bytes())
            monkeypatch.setattr(os, "replace", fails)

    with pytest.warns(GlassnetWarning) as caught:
        history = train(tmp_path, net, epochs=6, checkpoint_every=1e-9, callbacks=[full])
    monkeypatch.setattr(os, "replace", true_replace)
    assert [str(w.message) for w in caught if "No space left on device" in str(w.message)] != []
    assert len(caught) == 1
    assert Path(caught[0].filename).name == Path(__file__).name  # where the call stands
    assert history == expected
    assert net.theta.tobytes() == twin.theta.tobytes()
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == kept[0]
    assert not [name for name in tree(tmp_path) if name.endswith(".tmp")]
    again = network()
    assert train(tmp_path, again, epochs=6) == expected  # from where the last checkpoint stands
    assert again.theta.tobytes() == twin.theta.tobytes()


def test_nothing_of_a_run_without_a_checkpoint_mixes_with_the_next(tmp_path):
    """A run killed in its first seconds has snapshots and no checkpoint."""

    def crash(event: gn.EpochEnded):
        if event.epoch == 7:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        train(tmp_path / "run", epochs=8, seed=1, callbacks=[crash])
    assert snapshots(tmp_path / "run") == list(range(8))
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()
    train(tmp_path / "run", epochs=2, seed=2)
    train(tmp_path / "clean", epochs=2, seed=2)
    assert tree(tmp_path / "run") == tree(tmp_path / "clean")


def test_the_moments_of_a_run_come_in_the_order_of_training(tmp_path):
    net = gn.Network(2, [gn.Dense(1)])
    kept = [net.theta.copy()]
    gn.train(
        net,
        np.eye(2),
        [1.0, 2.0],
        "squared_error",
        epochs=18,
        checkpoint=tmp_path / "a.run",
        callbacks=[lambda event: kept.append(event.network.theta.copy())],
    )
    moments = list(RunFolder(tmp_path / "a.run").moments())
    assert [document["epoch"] for document, _ in moments] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 18]
    for document, arrays in moments:
        np.testing.assert_array_equal(arrays["theta"], kept[document["epoch"]])
    assert list(RunFolder(tmp_path / "none.run").moments()) == []
    (tmp_path / "a.run" / "snapshots" / "epoch-0004.safetensors").write_bytes(b"")
    with pytest.raises(FileError, match="empty"):
        list(RunFolder(tmp_path / "a.run").moments())
