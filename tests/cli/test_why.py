"""`glassnet why` as a person types it."""

import math
from pathlib import Path

import numpy as np
import pytest
from asking import answer_of, error_of

import glassnet as gn
from glassnet.cli import run
from glassnet.cli.runs import open_run

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "a.safetensors"
    assert run(["train", "digits:3,7", "--hidden", "8", "--epochs", "4", "--out", str(out), "--json"]) == 0
    return out


def moving_weight(model):
    """The weight of the first layer that moved most in the last step."""
    from glassnet.training import RunFolder

    net, change = gn.load(model), RunFolder(model.with_suffix(".run")).last_update().change
    i = int(np.abs(change[: net.weights[0].size]).argmax())
    return i // net.weights[0].shape[1], i % net.weights[0].shape[1]


def test_it_ends_at_the_models_weight_and_counts_rows_as_the_source_does(trained, capsys):
    j, i = moving_weight(trained)
    answer = answer_of(capsys, "why", trained, "--weight", f"0:{j},{i}", "--top", "400")
    assert answer["after"] == float(gn.load(trained).weights[0][j, i])
    assert answer["moved"] == answer["after"] - answer["before"]
    assert math.fsum(answer["parts"].values()) == pytest.approx(answer["moved"], rel=1e-12)
    assert abs(answer["parts"]["rounding"]) < 1e-5
    table = gn.open_source("digits:3,7")
    met = set(open_run(trained).training_rows.tolist())
    pushed = [*answer["up"], *answer["down"]]
    assert {each["row"] for each in pushed} <= met
    for each in pushed:
        assert each["label"] == table.classes[table.targets[each["row"]]]
        assert each["met"] == 4
        assert each["signal"] == pytest.approx(table.inputs[each["row"], j] / 16, rel=1e-6)
    assert {each["class"] for each in answer["classes"]} == {"3", "7"}


def test_words(trained, capsys):
    j, i = moving_weight(trained)
    assert run(["why", str(trained), "digits:3,7", "--weight", f"0:{j},{i}", "--epochs", "1:3", "--top", "2"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"weights[0][{j}, {i}], from input pixel {j // 8},{j % 8} to unit {i} of layer 0, went" in said
    assert "in epochs 1 to 2, steps 10 to 29" in said
    assert "Rows that pushed it up most" in said
    assert "bias correction" in said


def test_a_step_is_written_out_in_numbers(trained, capsys):
    j, i = moving_weight(trained)
    answer = answer_of(capsys, "why", trained, "--weight", f"0:{j},{i}", "--step", "38", "--top", "32")
    step = answer["step"]
    assert answer["first_step"] == answer["last_step"] == 38
    assert step["keep"] * step["memory_before"] + step["entry"] * step["slope"] == pytest.approx(step["memory"])
    assert -step["lever"] * step["memory"] == pytest.approx(answer["moved"], rel=1e-4)
    pulls = sum(each["signal"] * each["blame"] for each in [*answer["up"], *answer["down"]])
    assert step["slope"] != 0
    assert step["slope"] == pytest.approx(pulls / 32, rel=1e-9)  # 32 rows, each with a share of 1/32
    assert run(["why", str(trained), "--weight", f"0:{j},{i}", "--step", "38"]) == 0
    assert "b = " in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["html", "tex", "md"])
def test_pages(trained, capsys, suffix):
    assert run(["why", str(trained), "--bias", "0:1", "--epoch", "0", "--out", f"w.{suffix}"]) == 0
    assert f"Written to w.{suffix}" in capsys.readouterr().out
    assert "biases" in Path(f"w.{suffix}").read_text(encoding="utf-8")


def test_the_page_in_a_browser(trained, tmp_path, see):
    j, i = moving_weight(trained)
    assert run(["why", str(trained), "--weight", f"0:{j},{i}", "--out", "w.html"]) == 0
    for width, dark in ((1280, False), (360, True)):
        assert see(tmp_path / "w.html", width=width, dark=dark).troubles() == []


def test_targets_are_told_in_their_own_units(capsys):
    chance = np.random.default_rng(0)
    lines = ["size,$age_x$,price"]
    prices = {}
    for row in range(60):
        size, age = chance.uniform(50, 150), chance.uniform(0, 40)
        prices[row] = round(2000 * size - 500 * age)
        lines.append(f"{size:.3f},{age:.3f},{prices[row]}")
    Path("houses.csv").write_text("\n".join(lines), encoding="utf-8")
    train = [
        "train",
        "houses.csv",
        "--target",
        "price",
        "--hidden",
        "4",
        "--epochs",
        "2",
        "--clip-norm",
        "0.5",
        "--json",
    ]
    assert run([*train, "--optimizer", "adamw(0.01)", "--activation", "tanh"]) == 0
    capsys.readouterr()
    answer = answer_of(capsys, "why", "houses.safetensors", "--weight", "0:1,2")
    assert answer["parts"]["clipping"] != 0
    assert answer["parts"]["weight_decay"] != 0
    for each in answer["up"]:
        assert each["label"] == prices[each["row"]]
    assert run(["why", "houses.safetensors", "--weight", "0:1,2"]) == 0
    assert "from input $age_x$ to unit 2" in " ".join(capsys.readouterr().out.split())
    with open("houses.csv", "a", encoding="utf-8") as file:
        file.write("\n1,2,3")
    assert "have changed" in " ".join(error_of(capsys, "why", "houses.safetensors", "--weight", "0:1,2").split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name one parameter"),
        (["--weight", "0:1,2", "--bias", "0:1"], "Name one parameter"),
        (["--weight", "0:1"], "names no parameter"),
        (["--weight", "0:64,1"], "has 64 inputs"),
        (["--weight", "0:1,2", "--epoch", "4"], "0 to 3"),
        (["--weight", "0:1,2", "--epochs", "1-2"], "such as 2:5"),
        (["--weight", "0:1,2", "--step", "40"], "0 to 39"),
        (["--weight", "0:1,2", "--steps", "39:41"], "0 to 39"),
        (["--weight", "0:1,2", "--step", "1", "--epoch", "1"], "epoch and step"),
        (["--weight", "0:1,2", "--top", "0"], "--top"),
        (["--weight", "0:1,2", "--out", "w.txt"], ".html"),
        (["digits:3,8", "--weight", "0:1,2"], "not those that"),
    ],
)
def test_refusals(trained, capsys, arguments, said):
    assert said in error_of(capsys, "why", trained, *arguments)


def test_it_says_how_long_it_will_take(trained, capsys, monkeypatch):
    clock = iter(range(0, 10**6, 3))  # every look is three seconds after the one before
    monkeypatch.setattr("glassnet.cli.why.time.monotonic", lambda: next(clock))
    assert run(["why", str(trained), "--weight", "0:30,1"]) == 0
    assert "taking 40 steps again" in capsys.readouterr().err
