"""`glassnet noise` as a person types it."""

from pathlib import Path

import numpy as np
import pytest
from asking import answer_and_notes_of as answer_of
from asking import error_of

import glassnet as gn
from glassnet.cli import run

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    out = folder / "a.safetensors"
    asked = ["train", "digits:3,7", "--hidden", "8", "--epochs", "3", "--out", str(out), "--json"]
    assert run([*asked, "--optimizer", "sgd(learning_rate=0.1)", "--schedule", "constant"]) == 0
    return out


def test_it_is_about_the_rows_that_were_trained_on(trained, capsys):
    answer, notes = answer_of(capsys, "noise", trained)
    assert notes == ""
    assert (answer["rows"], answer["trained_on"], answer["source"]) == (290, True, "digits:3,7")
    assert (answer["batch_size"], answer["learning_rate"]) == (32, 0.1)
    assert len(answer["moments"]) == 4
    named, _ = answer_of(capsys, "noise", trained, "digits:3,7")
    assert named == answer
    # the gradients of all rows of the source less those that were held out
    table, net = gn.open_source("digits:3,7"), gn.load(trained)
    held_out = gn.data.split(table, 0.2, 0)[1]
    part = np.setdiff1d(np.arange(len(table)), held_out)
    x = (table.inputs[part] / 16).astype(np.float32)
    g = gn.row_gradients(net, x, table.targets[part], "cross_entropy").array()
    assert answer["variance"] == pytest.approx(np.trace(np.cov(g.T)), rel=1e-6)


def test_words(trained, capsys):
    assert run(["noise", str(trained)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the rows it was trained on in digits:3,7" in out
    assert "simple noise scale" in out
    assert "CABS (Balles et al., 2017), η tr Σ/E at the rate 0.1" in out
    assert "On the way" in out


def test_a_model_without_its_run(trained, capsys):
    Path("c.safetensors").write_bytes(trained.read_bytes())
    answer, _ = answer_of(capsys, "noise", "c.safetensors", "digits:3,7")
    assert (answer["rows"], answer["moments"], answer["batch_size"]) == (290, [], None)
    assert "needs a learning rate" in answer["cabs"]["says"]
    assert "There is no run beside c.safetensors" in error_of(capsys, "noise", "c.safetensors")


def test_anothers_run_is_left_out(trained, capsys):
    assert run(["train", "digits:3,7", "--hidden", "8", "--epochs", "1", "--out", "b.safetensors", "--json"]) == 0
    capsys.readouterr()
    Path("b.safetensors").write_bytes(trained.read_bytes())
    answer, notes = answer_of(capsys, "noise", "b.safetensors", "digits:3,7")
    assert "other weights" in notes
    assert answer["moments"] == []


def test_what_is_refused(trained, capsys):
    assert "expected at least 3" in error_of(capsys, "noise", trained, "--rows", "2")
    assert "batch_size is 0" in error_of(capsys, "noise", trained, "--batch-size", "0")
    assert "nowhere" in error_of(capsys, "noise", "nowhere.safetensors", "digits:3,7")
    assert "optimizer" in error_of(capsys, "noise", trained, "--optimizer", "sdg")
