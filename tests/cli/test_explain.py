"""`glassnet explain` as people use it: on a saved model, in four forms, with wrong input."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import glassnet as gn
from glassnet.cli import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small model of digits and one of a table."""
    place = tmp_path_factory.mktemp("explain")
    before = os.getcwd()
    os.chdir(place)
    try:
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(60, 2)).round(3)
        lines = [f"{a},{b},{3 * a - b:.4f}" for a, b in rows]
        (place / "prices.csv").write_text("area,<b>rooms</b>,price\n" + "\n".join(lines) + "\n", encoding="utf-8")
        assert run(["train", "digits:3,7", "--epochs", "3", "--hidden", "6", "--json", "--out", "d.safetensors"]) == 0
        assert run(["train", "prices.csv", "--target", "price", "--epochs", "3", "--hidden", "4", "--json"]) == 0
    finally:
        os.chdir(before)
    return place


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_a_weight_in_the_terminal(capsys):
    assert run(["explain", "prices.safetensors", "prices.csv", "--row", "5", "--weight", "0:1,2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("How w[0][1,2] moves the error\n")
    assert "input 1 (<b>rooms</b>)" in text
    assert "output 0 (price)" in text
    assert "by nudging the weight to both sides" in text


def test_the_numbers_are_those_of_python(capsys):
    assert run(["explain", "prices.safetensors", "prices.csv", "--row", "5,7", "--bias", "0:1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    from glassnet.cli.models import open_model

    opened = open_model("prices.safetensors", "prices.csv", None, with_truth=True)
    net = opened.model.network.astype("float64")
    p = net.backprop(opened.x[[5, 7]], opened.y[[5, 7]], opened.loss)
    assert found["value"] == pytest.approx(p.gradient.biases[0][1], rel=1e-12)
    assert [row["row"] for row in found["rows"]] == [5, 7]
    assert found["weight"] == "biases[0][1]"


@pytest.mark.parametrize(
    ("form", "begins"),
    [("--latex", "\\documentclass"), ("--html", "<!doctype html>"), ("--markdown", "# How ")],
)
def test_forms(capsys, form, begins):
    assert run(["explain", "d.safetensors", "digits:3,7", "--row", "17", form]) == 0
    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.parametrize(("name", "begins"), [("why.html", "<!doctype"), ("why.tex", "\\doc"), ("why.md", "# How")])
def test_a_file_in_the_form_of_its_ending(capsys, folder, name, begins):
    for _ in range(2):  # its own file is written over
        assert run(["explain", "d.safetensors", "digits:3,7", "--out", name]) == 0
    assert (folder / name).read_text(encoding="utf-8").startswith(begins)
    assert name in capsys.readouterr().out


def test_a_page_in_a_browser(folder, see):
    arguments = ["explain", "prices.safetensors", "prices.csv", "--row", "5", "--weight", "0:1,2"]
    assert run([*arguments, "--out", "page.html"]) == 0
    text = (folder / "page.html").read_text(encoding="utf-8")
    assert "<b>rooms</b>" not in text
    assert "&lt;b&gt;rooms&lt;/b&gt;" in text
    assert see(folder / "page.html").troubles() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["explain"], "needs a model and rows"),
        (["explain", "d.safetensors"], "needs a model and rows"),
        (["explain", "d.safetensors", "digits:3,7", "--row", "400"], "0 to 361"),
        (["explain", "d.safetensors", "digits:3,7", "--row", "-1"], "row"),
        (["explain", "d.safetensors", "digits:3,7", "--row", "one"], "expected a number"),
        (["explain", "d.safetensors", "digits:3,7", "--weight", "0:64,0"], "has 64 inputs"),
        (["explain", "d.safetensors", "digits:3,7", "--weight", "0-1-2"], "names no parameter"),
        (["explain", "d.safetensors", "digits:3,7", "--loss", "squared"], "Did you mean"),
        (["explain", "d.safetensors", "digits:3,7", "--html", "--latex"], "one of them"),
        (["explain", "d.safetensors", "digits:3,7", "--out", "why.pdf"], "ends in"),
        (["explain", "d.safetensors", "digits:3,7", "--out", "nowhere/why.html"], "does not exist"),
        (["explain", "d.safetensors", "digits:3,7", "--out", "mine.md"], "was not made by glassnet"),
        (["explain", "absent.safetensors", "digits"], "absent.safetensors"),
    ],
)
def test_wrong_input(capsys, folder, arguments, words):
    (folder / "mine.md").write_text("# My diary about glassnet\n", encoding="utf-8")
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert words in error
    assert (folder / "mine.md").read_text(encoding="utf-8") == "# My diary about glassnet\n"


def test_a_large_network_answers_at_once(tmp_path):
    """784-1000-100-10, start of Python included. A bound that only a blunder can break; benchmarks measure it."""
    net = gn.Network(784, [gn.Dense(1000, "relu"), gn.Dense(100, "relu"), gn.Dense(10, "softmax")], seed=0)
    x = np.random.default_rng(0).random((1, 784))
    np.save(tmp_path / "x.npy", x)
    gn.save(net, tmp_path / "net.safetensors")
    code = (
        "import glassnet as gn, numpy as np; net = gn.load('net.safetensors');"
        "print(gn.explain(net, np.load('x.npy'), [3], 0).text())"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "of 1,000" in done.stdout
    assert time.monotonic() - began < 20
