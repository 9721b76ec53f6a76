"""`glassnet features` as a person types it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.cli import run
from glassnet.data import Encoder, open_source
from glassnet.files import Model, save_model
from glassnet.insight.features import features as find_features


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a model of the digits and one of a table of prices."""
    folder = tmp_path_factory.mktemp("features")
    table = open_source("digits")
    encoder = Encoder.fit(table)
    net = gn.Network(64, [gn.Dense(12, "relu"), gn.Dropout(0.2), gn.Dense(8, "relu"), gn.Dense(10, "softmax")], seed=0)
    gn.train(net, encoder.inputs(table), encoder.targets(table), "cross_entropy", epochs=3)
    save(folder / "digits.safetensors", net, encoder, "cross_entropy")
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.uniform(20, 200, 60), rng.integers(1, 7, 60), rng.normal(size=60)])
    lines = ["area,rooms,<i>noise</i>,price", *(",".join(map(str, [*r, r[0] * 3000.5 + r[1]])) for r in rows)]
    (folder / "prices.csv").write_text("\n".join(lines) + "\n")
    prices = open_source(folder / "prices.csv", target="price")
    encoder = Encoder.fit(prices)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1)], seed=0)
    gn.train(net, encoder.inputs(prices), encoder.targets(prices), "squared_error", epochs=3)
    save(folder / "prices.safetensors", net, encoder, "squared_error")
    save(folder / "flat.safetensors", gn.Network(64, [gn.Dense(10, "softmax")]), Encoder.fit(table), "cross_entropy")
    return folder


def save(path, net, encoder, loss):
    save_model(Model(network=net, loss=loss, encoder=encoder.to_dict()), path)


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    yield
    for page in folder.glob("*.html"):
        page.unlink()


def error_of(capsys, *arguments):
    assert run(["features", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert 1 <= len(captured.err.strip().splitlines()) <= 2, captured.err
    return captured.err


def answer_of(capsys, *arguments):
    assert run(["features", *arguments, "--json"]) == 0, capsys.readouterr().err
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    return json.loads(captured.out)


def found():
    model, table = gn.load("digits.safetensors"), open_source("digits")
    return find_features(model, table.inputs / 16, table.targets, image_shape=(8, 8))


def test_a_summary_in_the_terminal_and_a_page(capsys):
    assert run(["features", "digits.safetensors", "digits"]) == 0
    out = capsys.readouterr().out
    assert "20 hidden units of the network 64 → 12 → 8 → 10, over 1,797 rows." in out
    assert re.search(r"^  8  \d:\d+ 0\.\d{3}", out, re.MULTILINE)
    assert "Written to digits.features.html." in out
    text = Path("digits.features.html").read_text(encoding="utf-8")
    assert text.count('<li class="unit"') == 20
    assert "data:image/png;base64," in text


def test_which_neurons_see_an_8(capsys):
    assert run(["features", "digits.safetensors", "digits", "--class", "8", "--out", "eight.html"]) == 0
    out = capsys.readouterr().out
    assert "174 rows of the class 8." in out
    expected = [unit.name for unit in found().seeing(8)][:10]
    assert re.findall(r"^ +(\d:\d+)", out, re.MULTILINE)[:10] == expected
    assert '<option value="8" selected>8</option>' in Path("eight.html").read_text(encoding="utf-8")
    answer = answer_of(capsys, "digits.safetensors", "digits", "--class", "8")
    assert [unit["name"] for unit in answer["units"]][:10] == expected
    assert answer["units"][0]["auroc"][8] == pytest.approx(found().seeing(8)[0].auroc[8])


def test_one_unit(capsys):
    assert run(["features", "digits.safetensors", "digits", "--unit", "2:3"]) == 0
    assert "Unit 2:3, relu." in capsys.readouterr().out
    assert Path("digits.features.html").read_text(encoding="utf-8").count('<li class="unit"') == 1
    (unit,) = answer_of(capsys, "digits.safetensors", "digits", "--unit", "2:3")["units"]
    np.testing.assert_allclose(unit["weights"], gn.load("digits.safetensors").weights[2][:, 3])
    assert len(unit["direction"]) == 64


def test_json_writes_a_page_only_where_one_is_named(capsys):
    answer = answer_of(capsys, "digits.safetensors", "digits", "--layer", "0", "--rows", "200", "--seed", "3")
    assert (answer["rows"], answer["rows_given"], answer["seed"]) == (200, 1797, 3)
    assert len(answer["units"]) == 12
    assert "weights" not in answer["units"][0]
    assert list(Path().glob("*.html")) == []
    answer_of(capsys, "digits.safetensors", "digits", "--out", "all.html")
    assert Path("all.html").exists()


def test_a_table_of_numbers(capsys):
    assert run(["features", "prices.safetensors", "prices.csv"]) == 0
    out = capsys.readouterr().out
    assert "Units whose activity goes with the truth (correlation):" in out
    assert re.search(r"^  price  0:\d [+-]", out, re.MULTILINE)
    text = Path("prices.features.html").read_text(encoding="utf-8")
    assert "&lt;i&gt;noise&lt;/i&gt;" in text
    assert "<i>noise" not in text
    assert "numbers, not classes" in error_of(capsys, "prices.safetensors", "prices.csv", "--class", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits.safetensors"], "Name rows after the model"),
        (["nothing.safetensors", "digits"], "There is no file"),
        (["digits.safetensors", "digits", "--class", "x"], "expected one of 0, 1, 2"),
        (["digits.safetensors", "digits", "--unit", "17"], "expected LAYER:NEURON"),
        (["digits.safetensors", "digits", "--unit", "0:99"], "expected one of 0:0 to 0:11"),
        (["digits.safetensors", "digits", "--unit", "1:0"], "hidden Dense layer of this network: 0 or 2"),
        (["digits.safetensors", "digits", "--layer", "3"], "hidden Dense layer of this network: 0 or 2"),
        (["digits.safetensors", "digits", "--rows", "1"], "--rows is 1"),
        (["digits.safetensors", "digits", "--seeds", "5"], "takes no --seeds"),
        (["digits.safetensors", "digits", "--out", "page.txt"], "ends in .html"),
        (["flat.safetensors", "digits"], "no hidden layer"),
        (["symmetry", "digits"], "takes no rows"),
        (["symmetry", "--class", "8", "--layer", "0"], "takes no --class and no --layer"),
        (["symmetry", "--seeds", "0"], "--seeds is 0"),
        (["nonsense", "digits"], "nonsense"),
    ],
)
def test_what_is_refused(capsys, arguments, message):
    assert message in error_of(capsys, *arguments)
    assert list(Path().glob("*.html")) == []


class Answer:
    def __init__(self, seeds, seed):
        self.told = f"{seeds} runs, seed {seed}"

    def text(self):
        return self.told

    def html(self):
        return f"<p>glassnet {self.told}</p>"

    def to_dict(self):
        return {"told": self.told}


def test_an_experiment_is_asked_by_its_name(capsys, monkeypatch):
    def experiment(seeds=20, *, seed=None, progress=None):
        progress(seeds, seeds)
        return Answer(seeds, seed)

    monkeypatch.setattr("glassnet.insight.experiments.EXPERIMENTS", {"toy": experiment})
    assert run(["features", "toy"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "20 runs, seed None",
        "Written to toy.features.html. Open it in a browser.",
    ]
    assert Path("toy.features.html").read_text() == "<p>glassnet 20 runs, seed None</p>"
    assert answer_of(capsys, "toy", "--seeds", "3", "--seed", "1") == {"experiment": "toy", "told": "3 runs, seed 1"}


def test_both_experiments_are_there():
    from glassnet.insight.experiments import EXPERIMENTS

    assert set(EXPERIMENTS) == {"symmetry", "family-trees"}
