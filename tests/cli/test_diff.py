"""`glassnet diff` as a person types it."""

import json
import shutil

import pytest

from glassnet.cli import run

TRAIN = ["train", "digits:3,7", "--hidden", "6", "--json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, *options in (
        ("a", "--epochs", "4"),
        ("b", "--epochs", "4"),
        ("c", "--epochs", "6"),
        ("d", "--seed", "1"),
    ):
        assert (
            run(
                [
                    *TRAIN,
                    *options,
                    *(() if "--epochs" in options else ("--epochs", "4")),
                    "--out",
                    f"{folder}/{name}.safetensors",
                ]
            )
            == 0
        )
    return folder


def answer_of(capsys, code, *arguments):
    assert run(["diff", *map(str, arguments), "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_equal_runs(folder, capsys):
    answer = answer_of(capsys, 0, folder / "a.run", folder / "b.safetensors")
    assert (answer["same"], answer["outcome"], answer["same_until"]) == (True, "same", 40)
    assert run(["diff", str(folder / "a"), str(folder / "b")]) == 0
    assert "the same to the last bit, all 40 steps" in " ".join(capsys.readouterr().out.split())


def test_another_length_of_the_schedule_acts_from_the_second_epoch_on(folder, capsys):
    """cosine(4) and cosine(6) give the same rate in epoch 0 alone."""
    answer = answer_of(capsys, 1, folder / "a.safetensors", folder / "c.safetensors")
    assert (answer["outcome"], answer["step"], answer["epoch"]) == ("step", 10, 1)
    assert any("learning rate" in cause for cause in answer["causes"])
    assert [each["name"] for each in answer["settings"]] == ["schedule"]
    assert answer["largest"]["difference"] != 0


def test_another_seed(folder, capsys):
    answer = answer_of(capsys, 1, folder / "a.run", folder / "d.run")
    assert answer["outcome"] == "start"
    assert {"seed of order and dropout", "seed of the first weights"} <= {each["name"] for each in answer["settings"]}
    assert run(["diff", str(folder / "a.run"), str(folder / "d.run")]) == 1
    assert "They part before the first step" in capsys.readouterr().out


def test_without_the_model_only_snapshots_tell(folder, capsys, tmp_path):
    shutil.copytree(folder / "a.run", tmp_path / "a.run")
    shutil.copytree(folder / "c.run", tmp_path / "c.run")
    answer = answer_of(capsys, 1, tmp_path / "a.run", tmp_path / "c.run")
    assert (answer["outcome"], answer["same_until"], answer["until"]) == ("between", 10, 20)
    assert "a.safetensors" in answer["remark"]
    answer = answer_of(capsys, 1, tmp_path / "a.run", folder / "c.run")  # whose rows serve both
    assert (answer["outcome"], answer["step"]) == ("step", 10)


def test_pages(folder, capsys, tmp_path, see):
    place = tmp_path / "d.html"
    assert run(["diff", str(folder / "a.run"), str(folder / "c.run"), "--out", str(place)]) == 1
    assert "Written to" in capsys.readouterr().out
    for width, dark in ((1280, True), (360, False)):
        assert see(place, width=width, dark=dark).troubles() == []


def test_lines_are_no_wider_than_a_terminal(folder, capsys, tmp_path):
    deep = tmp_path / ("a-folder-of-" + "long" * 12 + "-names")
    deep.mkdir()
    lines = ["a,b,c", *(f"{i},{i * i % 7},{i * 2.5}" for i in range(40))]
    (deep / "t.csv").write_text("\n".join(lines))
    out = deep / "other.safetensors"
    layers = ["--hidden", "30,20,10", "--activation", "tanh", "--optimizer", "sgd(learning_rate=0.05, momentum=0.9)"]
    assert (
        run(["train", str(deep / "t.csv"), "--target", "c", "--epochs", "2", *layers, "--out", str(out), "--json"]) == 0
    )
    capsys.readouterr()
    for one, two in ((folder / "a.run", out), (out, folder / "d.run"), (folder / "a.run", folder / "d.run")):
        assert run(["diff", str(one), str(two)]) == 1
        said = capsys.readouterr().out
        assert max(map(len, said.splitlines())) <= 100, said
        assert "seed" in said or "momentum=0.9" in said


def test_refusals(folder, capsys, tmp_path):
    for other, said in (("none.run", "There is no"), ("none.safetensors", "holds no run"), (tmp_path, "holds no run")):
        assert run(["diff", str(folder / "a.run"), str(other)]) == 2
        assert said in capsys.readouterr().err
