"""`glassnet landscape` as a person types it."""

import json
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.cli import run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small table, a model trained on it, and its run."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    kind = (x[:, 0] * x[:, 1] > 0).astype(int)
    lines = ["a,b,kind", *(f"{p:.4f},{q:.4f},{k}" for (p, q), k in zip(x, kind, strict=True))]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["train", "table.csv", "--target", "kind", "--hidden", "4", "--epochs", "12"]) == 0
    return folder


@pytest.fixture(autouse=True)
def in_folder(trained, monkeypatch):
    monkeypatch.chdir(trained)
    yield
    for page in trained.glob("*.html"):
        page.unlink()


def refused(capsys, *arguments):
    assert run(["landscape", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_the_path_comes_from_the_run_beside_the_model(capsys):
    assert run(["landscape", "table.safetensors", "table.csv", "--points", "9"]) == 0
    captured = capsys.readouterr()
    assert "The 48 rows it was trained on." in captured.out
    assert "principal directions of the training path" in captured.out
    assert "Written to table.landscape.html" in captured.out
    assert captured.err == ""
    assert "glassnet" in Path("table.landscape.html").read_text(encoding="utf-8")[:2000]


def test_json_is_one_object_and_its_numbers_are_the_networks(capsys):
    assert run(["landscape", "table.safetensors", "table.csv", "--points", "5", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    values = json.loads(line)
    model = gn.load("table.safetensors")
    assert values["directions"] == "path"
    assert np.array(values["loss"]).shape == (5, 5)
    i, j = values["alpha"].index(0), values["beta"].index(0)
    assert values["loss"][i][j] == pytest.approx(values["own_loss"])
    assert values["walks"][0]["loss"][-1] == pytest.approx(values["own_loss"])
    assert model.layers[-1].units == 2
    assert not Path("table.landscape.html").exists()


def test_without_a_run_it_says_so_and_takes_random_directions(capsys, tmp_path):
    (tmp_path / "alone.safetensors").write_bytes(Path("table.safetensors").read_bytes())
    model = str(tmp_path / "alone.safetensors")
    assert run(["landscape", model, "table.csv", "--points", "5", "--out", "a.html"]) == 0
    captured = capsys.readouterr()
    assert "There is no run of this model" in captured.err
    assert "the directions are random" in captured.err
    assert "Two random directions" in captured.out
    assert "There is no run" in refused(capsys, model, "table.csv", "--directions", "path")


@pytest.mark.parametrize("words", [["0:1,2", "1:0"], ["0:1,2 1:0"]])
def test_two_weights(capsys, words):
    assert run(["landscape", "table.safetensors", "table.csv", "--points", "5", "--directions", *words]) == 0
    assert "weights[0][1, 2] and biases[1][0]" in capsys.readouterr().out


def test_starts_train_as_the_model_did_and_their_table_is_in_the_page(capsys):
    arguments = ["landscape", "table.safetensors", "table.csv", "--points", "5", "--starts", "6", "--out", "b.html"]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    assert "6 starts, from random weights each, on 48 rows" in captured.out
    assert "adam(0.002)" in captured.out
    assert "12 epochs" in captured.out
    assert captured.err.index("training 6 starts; how long") < captured.err.index("a start takes")
    assert "Valleys reached" in Path("b.html").read_text(encoding="utf-8")
    assert run([*arguments, "--epochs", "3", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["starts"]
    assert sum(valley["count"] for valley in values["valleys"]) == 6
    assert "3 epochs, schedule cosine" in values["says"]


def test_a_long_grid_says_how_long_and_then_how_far(capsys, monkeypatch):
    from glassnet.cli import landscape
    from glassnet.insight.landscape import GridProgress

    now = iter([100.0, 101.0, 105.0, 111.0, 122.0])
    monkeypatch.setattr(landscape.time, "monotonic", lambda: next(now))
    report = landscape._GridReport()
    for done, left in ((2, 90.0), (60, 40.0), (100, 39.0), (900, 25.0), (2601, 0.0)):
        report(GridProgress(done, 2601, left))
    assert capsys.readouterr().err.splitlines() == [
        "Note: the error at 2,601 points takes about 40 s more.",
        "Note: 900 of 2,601 points, about 25 s left.",
    ]


def test_ctrl_c_writes_the_page_of_what_is_done(capsys, monkeypatch):
    from glassnet.cli import landscape

    def interrupt(self, progress):
        if progress.done == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(landscape._Report, "__call__", interrupt)
    arguments = ["landscape", "table.safetensors", "table.csv", "--points", "5", "--starts", "50", "--out", "c.html"]
    assert run(arguments) == 130
    assert "of 50, then interrupted" in capsys.readouterr().out
    assert "of 50, then interrupted" in Path("c.html").read_text(encoding="utf-8")


def test_the_hill(capsys):
    assert run(["landscape", "hill", "--out", "hill.html", "--points", "21"]) == 0
    assert "local basin" in capsys.readouterr().out
    assert "Auer" in Path("hill.html").read_text(encoding="utf-8")
    assert run(["landscape", "hill", "--json", "--points", "5"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["local_basin"]["loss"] > values["deepest"]["loss"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["table.safetensors"], "Which rows"),
        (["nothing.safetensors", "table.csv"], "There is no file"),
        (["table.safetensors", "table.csv", "--directions", "sideways"], "two weights"),
        (["table.safetensors", "table.csv", "--directions", "0:0,0", "0:9,9"], "2 inputs: 0 to 1"),
        (["table.safetensors", "table.csv", "--points", "2"], "from 3 up"),
        (["table.safetensors", "table.csv", "--rows", "0"], "rows"),
        (["table.safetensors", "table.csv", "--span", "-1"], "span"),
        (["table.safetensors", "table.csv", "--starts", "-1"], "--starts"),
        (["table.safetensors", "table.csv", "--out", "page.txt"], "ends in .html"),
        (["table.safetensors", "digits"], "column"),
    ],
)
def test_wrong_arguments_are_told(capsys, arguments, says):
    assert says in refused(capsys, *arguments)
