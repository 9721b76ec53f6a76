"""`glassnet sensitivity` as a person types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from asking import answer_of, error_of

import glassnet as gn
from glassnet.cli import run
from glassnet.training import RunFolder

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    out = folder / "a.safetensors"
    assert run(["train", "digits:3,7", "--hidden", "8", "--epochs", "3", "--out", str(out), "--json"]) == 0
    return out


def test_a_row_is_its_gradient(trained, capsys):
    answer = answer_of(capsys, "sensitivity", trained, "digits:3,7", "--row", "17", "--top", "9")
    table = gn.open_source("digits:3,7")
    net = gn.load(trained).astype("float64")
    x = (table.inputs[17:18] / 16).astype(np.float32)
    gradient = net.backprop(x, table.targets[17:18], "cross_entropy").gradient.theta
    largest = np.sort(np.abs(gradient))[::-1][:9]
    np.testing.assert_allclose([each["magnitude"] for each in answer["weights"]], largest, rtol=1e-9)
    assert answer["row"] == 17
    assert len(answer["inputs"]) == 64
    assert {each["name"] for each in answer["inputs"]} == set(table.columns)


def test_the_last_update_of_the_run_stands_beside(trained, capsys):
    answer = answer_of(capsys, "sensitivity", trained, "digits:3,7", "--top", "1000")
    change = RunFolder(trained.with_suffix(".run")).last_update().change
    layout = gn.load(trained).layout
    by_name = {layout.describe(i): float(change[i]) for i in range(layout.size)}
    assert len(answer["weights"]) == layout.size
    for each in answer["weights"]:
        assert each["last_update"] == by_name[each["name"]]
    assert "step 29 by adam" in answer["last_update"]  # 290 rows in 10 steps, three times; counted from 0


def test_words_and_page(trained, capsys):
    assert run(["sensitivity", str(trained), "digits:3,7", "--top", "4", "--out", "s.html"]) == 0
    out = capsys.readouterr().out
    assert "Weights the error reacts to most" in out
    assert "output 3" in out
    assert "pixel" in out
    assert "Written to s.html" in out
    assert "Sensitivity of a.safetensors" in Path("s.html").read_text(encoding="utf-8")


def test_another_run_is_not_mistaken_for_this_models(trained, capsys):
    assert run(["train", "digits:3,7", "--hidden", "8", "--epochs", "2", "--out", "b.safetensors", "--json"]) == 0
    capsys.readouterr()
    answer = answer_of(capsys, "sensitivity", "b.safetensors", "digits:3,7", "--run", trained.with_suffix(".run"))
    assert "other weights" in answer["last_update"]
    assert all(each["last_update"] is None for each in answer["weights"])


def test_without_a_run_there_is_no_last_update(trained, capsys):
    Path("c.safetensors").write_bytes(trained.read_bytes())
    answer = answer_of(capsys, "sensitivity", "c.safetensors", "digits:3,7")
    assert answer["last_update"] == ""
    assert answer["rank_correlation"] is None


def test_what_is_refused(trained, capsys):
    assert "362 rows" in error_of(capsys, "sensitivity", trained, "digits:3,7", "--row", "362")
    assert "--row is -1" in error_of(capsys, "sensitivity", trained, "digits:3,7", "--row", "-1")
    assert "--top is 0" in error_of(capsys, "sensitivity", trained, "digits:3,7", "--top", "0")
    assert "no folder" in error_of(capsys, "sensitivity", trained, "digits:3,7", "--run", "nowhere")
    assert "ends in .html" in error_of(capsys, "sensitivity", trained, "digits:3,7", "--out", "a.pdf")
    assert "nowhere.safetensors" in error_of(capsys, "sensitivity", "nowhere.safetensors", "digits:3,7")
    assert "not trained on" in error_of(capsys, "sensitivity", trained, "digits:3,7,8")


def test_a_long_wait_is_told_on_standard_error(trained, capsys, monkeypatch):
    monkeypatch.setattr("glassnet.cli.patience.SECONDS", 0.0)
    assert run(["sensitivity", str(trained), "digits:3,7", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["rows"] == 362
    assert "Note: measuring how the error of 362 rows reacts to 538 weights." in captured.err
