"""`glassnet look` as a person types it."""

import json
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.cli import run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a network for digits and one for a table, made by the command line."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    rows = rng.uniform(1, 9, (60, 2))
    lines = ["<b>area</b>,rooms,price", *(f"{a:.3f},{r:.3f},{3 * a - r:.3f}" for a, r in rows)]
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    quick = ["--hidden", "20", "--epochs", "2", "--json"]
    assert run(["train", "digits", "--out", str(folder / "digits.safetensors"), *quick]) == 0
    assert run(["train", str(table), "--target", "price", "--out", str(folder / "table.safetensors"), *quick]) == 0
    return folder


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_row_of_digits(trained, capsys):
    model = str(trained / "digits.safetensors")
    capsys.readouterr()
    assert run(["look", model, "digits", "--row", "17", "--out", "look.html"]) == 0
    out = capsys.readouterr().out
    assert "Row 17: error E = " in out
    assert out.rstrip().endswith("Written to look.html. Open it in a browser.")
    page = Path("look.html").read_text(encoding="utf-8")
    assert "data:image/png" in page
    assert "pixel 0," in page


def test_json_is_the_drawing_in_full(trained, capsys):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    model = trained / "digits.safetensors"
    capsys.readouterr()
    assert run(["look", str(model), "digits", "--row", "17", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    net = gn.load(model).astype("float64")
    p = net.backprop((X[17:18] / 16).astype("float32"), y[17:18], "cross_entropy")
    assert answer["loss"]["value"] == pytest.approx(p.loss, rel=1e-6)
    last = answer["columns"][-1]["neurons"]
    assert [n["blame"] for n in last] == pytest.approx(p.blame[-1][0].tolist(), rel=1e-5)
    assert [n["truth"] for n in last] == np.eye(10)[y[17]].tolist()
    assert not list(Path().iterdir())
    assert run(["look", str(model), "digits", "--json", "--out", "page.html"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_table_and_the_weights_alone(trained, capsys):
    model, table = str(trained / "table.safetensors"), str(trained / "table.csv")
    assert run(["look", model, table, "--row", "3", "--neurons", "5", "--bias", "--training"]) == 0
    page = Path("table.look.html").read_text(encoding="utf-8")
    assert "<b>area" not in page
    assert "&lt;b&gt;area&lt;/b&gt;" in page
    assert run(["look", model]) == 0  # over the page of before, which glassnet made
    assert "No row was chosen" in Path("table.look.html").read_text(encoding="utf-8")
    bare = gn.Network(3, [gn.Dense(2, "softmax")])
    gn.save(bare, "bare.safetensors")
    assert run(["look", "bare.safetensors"]) == 0
    assert "3 → 2." in capsys.readouterr().out


def test_the_company(capsys):
    assert run(["look", "company", "--out", "company.html"]) == 0
    out = capsys.readouterr().out
    assert "Freya, the chief, said" in out
    assert "Freya passes it down to the managers" in out
    assert "Bruno hears" in out
    assert "Bruno hears" in Path("company.html").read_text(encoding="utf-8")
    assert run(["look", "company", "--json"]) == 0
    assert [c["units"] for c in json.loads(capsys.readouterr().out)["columns"]] == [2, 3, 1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["company", "digits"], "takes no rows"),
        (["company", "--row", "3", "--training"], "takes no --row and --training"),
        (["MODEL", "digits", "--row", "1797"], "expected a whole number from 0 to 1,796"),
        (["MODEL", "digits", "--row", "x"], "no whole number"),
        (["MODEL", "digits", "--neurons", "0"], "neurons is 0"),
        (["MODEL", "--row", "3"], "--row is given without rows"),
        (["MODEL", "--training"], "--training is given without rows"),
        (["MODEL", "--data", "."], "--data is given without rows"),
        (["MODEL", "digits", "--out", "look.txt"], "ends in .html"),
        (["MODEL", "digits", "--out", "mine.html"], "was not made by glassnet"),
        (["MODEL", "nowhere.csv"], "nowhere.csv"),
        (["nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
def test_wrong_input_is_one_sentence(trained, capsys, arguments, says):
    Path("mine.html").write_text("<p>my own page</p>", encoding="utf-8")
    model = str(trained / "digits.safetensors")
    capsys.readouterr()
    assert run(["look", *(model if word == "MODEL" else word for word in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert "Traceback" not in captured.err
    assert Path("mine.html").read_text(encoding="utf-8") == "<p>my own page</p>"
