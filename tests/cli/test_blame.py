"""`glassnet blame` as a person types it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from asking import answer_of, error_of
from sklearn.datasets import load_iris

from glassnet.cli import run

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A table with planted labels: the model's place, and which rows of the file are wrong."""
    folder = tmp_path_factory.mktemp("trained")
    x, y = load_iris(return_X_y=True)
    bad = np.random.default_rng(0).permutation(50)[:8]  # they are of class 0, and say 2
    y[bad] = 2
    lines = [",".join([*map(str, row), str(label)]) for row, label in zip(x, y, strict=True)]
    (folder / "flowers.csv").write_text("a,b,c,d,kind\n" + "\n".join(lines) + "\n")
    arguments = ["train", str(folder / "flowers.csv"), "--target", "kind", "--epochs", "25", "--learning-rate", "0.01"]
    assert run([*arguments, "--out", str(folder / "m.safetensors"), "--json"]) == 0
    return folder / "m.safetensors", set(map(int, bad))


def test_rows_are_counted_as_the_file_counts_them(trained, capsys):
    model, bad = trained
    answer = answer_of(capsys, "blame", model)
    in_training = {each["row"] for each in answer["suspects"][: len(bad)]} & bad
    held_out = {each["row"] for each in answer["held_out"]} & bad
    assert len(in_training) + len(held_out) >= len(bad) - 1
    assert answer["rows"] + answer["held_out_rows"] == 150
    for each in answer["suspects"]:
        if each["row"] in bad:
            assert (each["given"], each["suggested"]) == ("2", "0")
            assert each["epochs"] == 25
            assert {column["name"] for column in each["columns"]} <= {"a", "b", "c", "d"}


def test_the_source_may_be_named(trained, capsys):
    model, _ = trained
    assert answer_of(capsys, "blame", model) == answer_of(capsys, "blame", model, model.with_name("flowers.csv"))


def test_words_and_page(trained, capsys):
    model, _ = trained
    assert run(["blame", str(model), "--top", "3", "--out", "b.html"]) == 0
    out = capsys.readouterr().out
    assert "Suspect labels" in out
    assert "says 2, the network 0: wrong in" in out
    assert "Written to b.html" in out
    assert "Suspect rows of m.safetensors" in Path("b.html").read_text(encoding="utf-8")


def test_without_a_ledger(trained, capsys):
    model, _ = trained
    source = model.with_name("flowers.csv")
    answer = answer_of(capsys, "blame", model, source, "--no-ledger")
    assert answer["by_ledger"] is False
    assert answer["held_out_rows"] == 30
    shutil.copy(model, "alone.safetensors")
    assert answer_of(capsys, "blame", "alone.safetensors", source)["by_ledger"] is False
    assert error_of(capsys, "blame", "alone.safetensors") == error_of(
        capsys, "influence", "alone.safetensors", "--row", "1"
    )
    assert answer_of(capsys, "blame", model, "--no-ledger")["suspects"] == answer["suspects"]
    assert (
        run(["train", str(source), "--target", "kind", "--epochs", "2", "--no-ledger", "--out", "n.safetensors"]) == 0
    )
    capsys.readouterr()
    assert run(["blame", "n.safetensors"]) == 0
    captured = capsys.readouterr()
    assert "kept no ledger" in captured.err
    assert "judged by the fitted network alone" in captured.out


def test_a_training_that_was_killed_is_told_as_elsewhere(trained, capsys):
    model, _ = trained
    shutil.copytree(model.with_suffix(".run"), "k.run")
    said = error_of(capsys, "blame", "k.safetensors")
    assert said == error_of(capsys, "influence", "k.safetensors", "--row", "1")
    assert "k.run" in said
    Path("k.run/checkpoint.safetensors").unlink(missing_ok=True)
    assert error_of(capsys, "blame", "k.safetensors") == said


def test_a_run_without_its_checkpoint_still_says_which_rows(trained, capsys):
    model, _ = trained
    shutil.copy(model, "s.safetensors")
    Path("s.run").mkdir()
    shutil.copy(model.with_suffix(".run") / "source.json", "s.run/source.json")
    assert run(["blame", "s.safetensors"]) == 0
    captured = capsys.readouterr()
    assert "judged by the fitted network alone" in captured.out
    assert "s.run" in captured.err


def test_numbers_in_their_own_units(capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    price = 1000 * (5 + x[:, 0])
    price[[11, 44, 99]] *= 10
    lines = [f"{a},{b},{c}" for (a, b), c in zip(x, price, strict=True)]
    Path("prices.csv").write_text("size,age,price\n" + "\n".join(lines) + "\n")
    assert run(["train", "prices.csv", "--target", "price", "--task", "regression", "--epochs", "20", "--json"]) == 0
    capsys.readouterr()
    answer = answer_of(capsys, "blame", "prices.safetensors")
    listed = {each["row"]: each for each in (*answer["suspects"][:3], *answer["held_out"][:3])}
    assert {11, 44, 99} <= set(listed)
    for row in (11, 44, 99):
        assert listed[row]["given"] == pytest.approx(price[row], rel=1e-4)
        assert listed[row]["suggested"] < price[row] / 2


def test_digits_have_pictures(capsys):
    assert run(["train", "digits:3,8", "--hidden", "16", "--epochs", "6", "--out", "d.safetensors", "--json"]) == 0
    capsys.readouterr()
    assert run(["blame", "d.safetensors", "digits:3,8", "--top", "4", "--out", "d.html"]) == 0
    assert "data:image/png" in Path("d.html").read_text(encoding="utf-8")


def test_what_is_refused(trained, capsys):
    model, _ = trained
    assert "--top is 0" in error_of(capsys, "blame", model, "--top", "0")
    assert "ends in .html" in error_of(capsys, "blame", model, "--out", "a.pdf")
    assert "nowhere" in error_of(capsys, "blame", "nowhere.safetensors")
    Path("other.csv").write_text("a,b,c,d,kind\n" + "1,2,3,4,0\n1,2,3,5,1\n1,2,4,4,2\n" * 9)
    assert "not those that" in error_of(capsys, "blame", model, "other.csv")
    Path("mine.html").write_text("my own notes")
    assert "not made by glassnet" in error_of(capsys, "blame", model, "--out", "mine.html")
