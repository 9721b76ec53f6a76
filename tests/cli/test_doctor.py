"""`glassnet doctor` as people type it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import glassnet as gn
from glassnet.cli import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("doctor")


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert (
            run(["train", "digits:3,7", "--epochs", "6", "--hidden", "16", "--out", "fine.safetensors", "--json"]) == 0
        )
        slow = ["--optimizer", "sgd", "--learning-rate", "1e-5", "--hidden", "16", "--epochs", "4"]
        assert run(["train", "digits:3,7", *slow, "--out", "slow.safetensors", "--json"]) == 0


def test_a_healthy_model_hears_one_line(here, trained, capsys):
    capsys.readouterr()
    assert run(["doctor", "fine.safetensors"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Nothing ails this training: ")
    assert out.count("\n") == 1


def test_a_sick_one_hears_the_cure_with_its_curves(here, trained, capsys):
    capsys.readouterr()
    assert run(["doctor", "slow.safetensors", "digits:3,7", "--prove", "--out", "slow.html"]) == 0
    out = capsys.readouterr().out
    assert "1. The rate 1e-05 is too low" in out
    assert "Cure: Train at " in out
    assert "It helps" in out
    assert "Written to slow.html." in out
    assert "with the cure, held-out rows end at" in (here / "slow.html").read_text(encoding="utf-8")


def test_json_is_one_object(here, trained, capsys):
    capsys.readouterr()
    assert run(["doctor", "slow.safetensors", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["findings"][0]["name"] == "rate_too_low"
    assert values["source"] == "digits:3,7"
    assert values["healthy"] is False


def test_no_file_of_a_persons_is_written_over(here, trained, capsys):
    (here / "mine.html").write_text("my own page")
    assert run(["doctor", "fine.safetensors", "--out", "mine.html"]) == 2
    assert "was not made by glassnet" in capsys.readouterr().err
    assert (here / "mine.html").read_text() == "my own page"


def test_another_source_is_refused(here, trained, capsys):
    assert run(["doctor", "fine.safetensors", "digits"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_a_model_without_its_run_is_refused_in_a_sentence(here, trained, capsys):
    (here / "alone.safetensors").write_bytes((here / "fine.safetensors").read_bytes())
    assert run(["doctor", "alone.safetensors", "digits:3,7"]) == 2
    assert "alone.run" in capsys.readouterr().err


def test_rows_are_counted_as_the_source_counts_them(tmp_path, capsys, monkeypatch):
    """Twins by the file's own rows, and the row of a NaN as the training named it."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3)).repeat(3, axis=0)[rng.permutation(300)]
    y = (x[:, 0] > 0).astype(int)
    lines = ["a,b,c,y", *(",".join([*map(repr, map(float, row)), str(label)]) for row, label in zip(x, y, strict=True))]
    Path("t.csv").write_text("\n".join(lines) + "\n")
    assert run(["train", "t.csv", "--target", "y", "--epochs", "10", "--json"]) == 0
    capsys.readouterr()
    assert run(["doctor", "t.safetensors", "--json"]) == 0
    findings = {each["name"]: each["says"] for each in json.loads(capsys.readouterr().out)["findings"]}
    said = re.search(r"held-out row (\d+) is training row (\d+)", findings["duplicates_across_split"])
    held_out, row = map(int, said.groups())
    np.testing.assert_array_equal(x[held_out], x[row])
    assert run(["train", "t.csv", "--target", "y", "--optimizer", "sgd(1e30)", "--out", "h.safetensors", "--json"]) == 2
    told = re.search(r"row (\d+)", json.loads(capsys.readouterr().out)["stopped"])[0]
    assert run(["doctor", "h.safetensors"]) == 0
    assert told in " ".join(capsys.readouterr().out.split())


def test_a_layer_that_was_dead_from_the_start_is_no_fault_of_the_rate():
    X, y = load_digits(return_X_y=True)
    net = gn.Network(64, [gn.Dense(64, "relu"), gn.Dense(10, "softmax")], seed=0)
    net.biases[0][:] = -50
    history = gn.train(net, X / 16, y, "cross_entropy", epochs=10, validation=0.2)
    assert gn.doctor(net, X / 16, y, history=history).names[0] == "dead_units"
