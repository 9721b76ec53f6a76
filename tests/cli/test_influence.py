"""`glassnet influence` as a person types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from asking import answer_of, error_of

import glassnet as gn
from glassnet.cli import run

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    out = folder / "a.safetensors"
    assert run(["train", "digits:3,7", "--hidden", "8", "--epochs", "3", "--out", str(out), "--json"]) == 0
    return out


def test_rows_are_counted_as_the_source_counts_them(trained, capsys):
    table, net = gn.open_source("digits:3,7"), gn.load(trained)
    parts = set()
    for row in range(0, 60, 7):
        answer = answer_of(capsys, "influence", trained, "--row", row, "--top", "3")
        asked = answer["questioned"]
        x = (table.inputs[row : row + 1] / 16).astype(np.float32)
        loss = net.backprop(x, table.targets[row : row + 1], "cross_entropy").loss
        assert asked["error"] == pytest.approx(loss, rel=1e-4)
        assert asked["truth"] == table.classes[table.targets[row]]
        assert asked["row"] == row
        parts.add(asked["part"])
        for each in answer["helpful"] + answer["harmful"]:
            assert each["truth"] == table.classes[table.targets[each["row"]]]
    assert parts == {"training", "held out"}


def test_methods(trained, capsys):
    found = {
        method: answer_of(capsys, "influence", trained, "digits:3,7", "--row", "17", "--method", method)
        for method in ("unrolled", "exact", "tracin", "last_layer")
    }
    assert {each["method"] for each in found.values()} == set(found)
    assert answer_of(capsys, "influence", trained, "--row", "17", "--last-layer") == {
        **found["last_layer"],
        "source": found["last_layer"]["source"],
    }
    assert len({json.dumps(each["helpful"]) for each in found.values()}) == 4


def test_receipts_words_and_page(trained, capsys):
    assert run(["influence", str(trained), "--row", "17", "--top", "4", "--prove", "20", "--out", "i.html"]) == 0
    out = capsys.readouterr().out
    assert "20 most helpful" in out
    assert "20 most harmful" in out
    assert out.count("20 random  ") == 10
    assert "Rank correlation of predicted and actual change over" in out
    assert "Written to i.html" in out
    assert "Influence on row 17" in Path("i.html").read_text(encoding="utf-8")
    answer = answer_of(capsys, "influence", trained, "--row", "17", "--prove", "20", "--draws", "2")
    assert [each["kind"] for each in answer["proof"]["removals"]] == ["helpful", "harmful", "random", "random"]
    assert answer["proof"]["removals"][0]["actual"] > 0


def test_a_table_of_ones_own(capsys):
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(120, 2))
    price = 1000 + 50 * rows[:, 0] + chance.normal(size=120)
    price[11] = 3000  # a slip of the pen
    lines = ["size,age,price", *(f"{a},{b},{p}" for (a, b), p in zip(rows, price, strict=True))]
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert run(["train", "t.csv", "--target", "price", "--hidden", "4", "--epochs", "5", "--json"]) == 0
    capsys.readouterr()
    answer = answer_of(capsys, "influence", "t.safetensors", "--row", "11")
    assert answer["questioned"]["truth"] == "3000"
    assert run(["influence", str(Path("t.safetensors").absolute()), "--row", "11", "--out", "i.html"]) == 0
    assert "in the units the network was trained in" in capsys.readouterr().out
    page = Path("i.html").read_text(encoding="utf-8")
    assert "<title>Influence on row 11 of t.csv</title>" in page
    assert "in the units the network was trained in" in page
    if answer["questioned"]["part"] == "training":
        assert answer["helpful"][0]["row"] == 11
    Path("t.csv").write_text("\n".join([*lines[:5], "1,1,1", *lines[6:]]), encoding="utf-8")
    assert "not those that" in error_of(capsys, "influence", "t.safetensors", "--row", "11")


def test_what_is_refused(trained, capsys):
    assert "--row" in error_of(capsys, "influence", trained)
    assert "362 rows" in error_of(capsys, "influence", trained, "--row", "362")
    assert "--row is -1" in error_of(capsys, "influence", trained, "--row", "-1")
    assert "--top is 0" in error_of(capsys, "influence", trained, "--row", "1", "--top", "0")
    assert "--prove is 0" in error_of(capsys, "influence", trained, "--row", "1", "--prove", "0")
    assert "rows that count" in error_of(capsys, "influence", trained, "--row", "1", "--prove", "5000")
    assert "no test set" in error_of(capsys, "influence", trained, "--test-row", "1")
    assert "two methods" in error_of(capsys, "influence", trained, "--row", "1", "--last-layer", "--method", "exact")
    assert "ends in .html" in error_of(capsys, "influence", trained, "--row", "1", "--out", "a.pdf")
    assert "nowhere" in error_of(capsys, "influence", "nowhere.safetensors", "--row", "1")
    Path("b.safetensors").write_bytes(trained.read_bytes())
    assert "run" in error_of(capsys, "influence", "b.safetensors", "digits:3,7", "--row", "1")
