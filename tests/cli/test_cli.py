"""The commands as a person types them: right input, wrong input, and what stands on which stream."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.cli import run


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def prices(path="prices.csv", rows=120, seed=0):
    rng = np.random.default_rng(seed)
    area, rooms = rng.uniform(20, 200, rows), rng.integers(1, 7, rows)
    price = 3000 * area + 20_000 * rooms + rng.normal(0, 5000, rows)
    lines = ["area,rooms,price", *(f"{a:.3f},{r},{p:.2f}" for a, r, p in zip(area, rooms, price, strict=True))]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quick(*more):
    return ["--hidden", "8", "--epochs", "3", *more]


def error_of(capsys, *arguments):
    """Run a command that must fail and return its message: one or two lines, no traceback, exit code 2."""
    assert run(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert 1 <= len(captured.err.strip().splitlines()) <= 2, captured.err
    return captured.err


def answer_of(capsys, *arguments):
    """Run a command with --json and return its one object."""
    assert run([*arguments, "--json"]) == 0, capsys.readouterr().err
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    return json.loads(captured.out)


# --- the set piece -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_train_digits_reaches_97_5_percent_held_out(capsys, seed):
    result = answer_of(capsys, "train", "digits", "--seed", str(seed))
    assert result["validation"]["accuracy"] >= 0.975
    assert set(result) >= {"model", "seconds", "epochs", "train", "validation"}
    assert Path(result["model"]).name == "digits.safetensors"
    assert Path("digits.safetensors").exists()
    assert {p.name for p in Path("digits.run").iterdir()} == {
        "checkpoint.safetensors",
        "history.json",
        "snapshots",
        "source.json",
    }


def test_train_says_where_the_model_is_and_what_to_type_next(capsys):
    assert run(["train", "digits:3,7", *quick()]) == 0
    out = capsys.readouterr().out
    assert "2 classes" in out
    assert "digits-3-7.safetensors" in out
    following = re.search(r"Next: +(?:uv run )?(glassnet .*)", out).group(1).split()
    assert run(following[1:]) == 0
    assert "Held out, never trained on: accuracy" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_file_content(capsys):
    for out in ("one.safetensors", "two.safetensors"):
        answer_of(capsys, "train", "digits:3,7", *quick("--out", out, "--seed", "3"))
    assert gn.load("one.safetensors").theta.tobytes() == gn.load("two.safetensors").theta.tobytes()


def test_lbfgs_takes_all_rows_of_itself(capsys):
    result = answer_of(capsys, "train", "digits:3,7", "--optimizer", "lbfgs", "--schedule", "constant", *quick())
    assert result["train"]["loss"] < 0.69


# --- a table of numbers ------------------------------------------------------------------------------------------


def test_regression_predicts_in_the_units_of_the_target(capsys):
    prices()
    result = answer_of(capsys, "train", "prices.csv", "--target", "price")
    assert result["validation"]["r2"] > 0.95
    answer = answer_of(capsys, "predict", "prices.safetensors", "prices.csv")
    truth = np.loadtxt("prices.csv", delimiter=",", skiprows=1)[:, 2]
    assert np.corrcoef(answer["predictions"], truth)[0, 1] > 0.97
    assert abs(np.mean(answer["predictions"]) - truth.mean()) < 0.05 * truth.mean()


def test_predict_needs_no_target_and_takes_columns_in_any_order(capsys):
    prices()
    answer_of(capsys, "train", "prices.csv", "--target", "price", *quick())
    rows = [line.split(",") for line in Path("prices.csv").read_text().splitlines()]
    Path("new.csv").write_text("\n".join(f"{r},{a}" for a, r, _ in rows) + "\n")
    with_target = answer_of(capsys, "predict", "prices.safetensors", "prices.csv")
    without = answer_of(capsys, "predict", "prices.safetensors", "new.csv")
    assert with_target["predictions"] == without["predictions"]
    assert "price" in error_of(capsys, "evaluate", "prices.safetensors", "new.csv")


def test_predictions_are_written_as_csv(capsys):
    run(["train", "digits:3,7", *quick()])
    capsys.readouterr()
    assert run(["predict", "digits-3-7.safetensors", "digits:3,7", "--out", "p.csv"]) == 0
    lines = Path("p.csv").read_text().splitlines()
    assert lines[0] == "row,prediction,probability"
    assert len(lines) == 1 + 362
    assert {line.split(",")[1] for line in lines[1:]} <= {"3", "7"}


def test_evaluate_tells_held_out_rows_from_trained_ones(capsys):
    result = answer_of(capsys, "train", "digits", "--epochs", "5")
    answer = answer_of(capsys, "evaluate", "digits.safetensors", "digits")
    assert answer["held_out"]["accuracy"] == result["validation"]["accuracy"]
    assert answer["held_out"]["loss"] == pytest.approx(result["validation"]["loss"], rel=1e-6)
    assert answer["held_out"]["rows"] + answer["train"]["rows"] == 1797


def test_check_and_info(capsys):
    answer_of(capsys, "train", "digits:3,7", *quick())
    answer = answer_of(capsys, "check", "digits-3-7.safetensors", "digits:3,7")
    assert answer["passed"]
    assert answer["max_relative_error"] < 1e-7
    assert answer["checked"] + answer["kinks"] == 200
    described = answer_of(capsys, "info", "digits-3-7.safetensors")
    assert described["network"]["layers"][0]["units"] == 8
    assert described["loss"] == "cross_entropy"
    assert described["provenance"]["data"]["fingerprint"].startswith("sha256:")
    assert run(["info", "digits-3-7.safetensors"]) == 0
    assert "one of 3, 7" in capsys.readouterr().out


# --- resume ------------------------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_and_ends_with_the_same_bits(capsys):
    common = ["train", "digits", "--epochs", "25", "--seed", "4"]
    answer_of(capsys, *common, "--out", "whole.safetensors")
    command = [sys.executable, "-m", "glassnet", *common, "--out", "killed.safetensors"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(Path().glob("killed.run/snapshots/epoch-0004*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not Path("killed.safetensors").exists()
    answer_of(capsys, *common, "--out", "killed.safetensors", "--resume")
    assert gn.load("whole.safetensors").theta.tobytes() == gn.load("killed.safetensors").theta.tobytes()
    assert Path("whole.run/history.json").read_bytes() == Path("killed.run/history.json").read_bytes()


def test_resume_refuses_changed_data_and_settings(capsys):
    prices()
    answer_of(capsys, "train", "prices.csv", "--target", "price", *quick())
    assert "batch_size" in error_of(
        capsys, "train", "prices.csv", "--target", "price", *quick("--batch-size", "7", "--resume")
    )
    prices(seed=1)
    assert "changed" in error_of(capsys, "train", "prices.csv", "--target", "price", *quick("--resume"))
    assert run(["evaluate", "prices.safetensors", "prices.csv"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("All rows: R²")
    assert "is not as it was" in captured.err


def test_resume_with_nothing_to_resume_begins(capsys):
    assert run(["train", "digits:3,7", *quick("--resume")]) == 0
    assert "begins at the start" in capsys.readouterr().err


def test_what_an_earlier_training_left_is_kept(capsys):
    answer_of(capsys, "train", "digits:3,7", *quick("--seed", "1"))
    before = Path("digits-3-7.safetensors").read_bytes()
    answer_of(capsys, "train", "digits:3,7", *quick("--seed", "2"))
    assert Path("digits-3-7.previous.safetensors").read_bytes() == before
    assert Path("digits-3-7.previous.run").is_dir()


# --- wrong input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian", "digits"], "train"),
        (["train", "digit"], "digits"),
        (["train", "digits", "--hiden", "3"], "--hidden"),
        (["train", "digits", "--hidden", "x"], "--hidden"),
        (["train", "digits", "--hidden", "64", "0"], "0 units"),
        (["train", "digits", "--activation", "rleu"], "relu"),
        (["train", "digits", "--loss", "crossentropy"], "cross_entropy"),
        (["train", "digits", "--optimizer", "adm"], "adam"),
        (["train", "digits", "--schedule", "cosin"], "cosine"),
        (["train", "digits", "--epochs", "0"], "epochs is 0"),
        (["train", "digits", "--batch-size", "0"], "batch_size is 0"),
        (["train", "digits", "--learning-rate", "-1"], "learning_rate"),
        (["train", "digits", "--validation", "1.5"], "1.5"),
        (["train", "digits", "--seed", "-1"], "seed"),
        (["train", "digits", "--loss", "cross_entropy", "--output", "tanh"], "softmax"),
        (["train", "digits", "--engine", "warp"], "reference"),
        (["train", "digits:3"], "class"),
        (["train", "digits:3,12"], "12"),
        (["train", "mnist"], "--data"),
        (["train", "nothere.csv", "--target", "y"], "nothere.csv"),
        (["train", "digits", "--out", "no/such/folder/m.safetensors"], "folder"),
        (["predict", "nothere.safetensors", "digits"], "nothere.safetensors"),
        (["info", "."], "folder"),
        (["train"], "SOURCE"),
    ],
)
def test_wrong_input_is_a_sentence(capsys, arguments, words):
    assert words in error_of(capsys, *arguments)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,city,y\n1,Rome,2\n2,Oslo,3\n3,Bern,4\n", "city"),
        ("a,b,y\n1,,2\n2,5,3\n3,1,4\n", "'b'"),
        ("a,b,y\n1,2,3\n", "row"),
        ("", "empty"),
    ],
)
def test_a_table_that_is_not_all_numbers_is_a_sentence_that_names_the_column(capsys, content, words):
    Path("t.csv").write_text(content, encoding="utf-8")
    assert words in error_of(capsys, "train", "t.csv", "--target", "y")


def test_an_unknown_target_suggests(capsys):
    prices()
    assert "'price'" in error_of(capsys, "train", "prices.csv", "--target", "prise")
    assert "--target" in error_of(capsys, "train", "prices.csv")


def test_not_finite_ends_with_a_sentence_and_the_last_good_weights(capsys):
    prices()
    too_fast = ["train", "prices.csv", "--target", "price", "--optimizer", "sgd", "--learning-rate", "1e30", *quick()]
    assert run([*too_fast, "--json"]) == 2
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1
    assert "The steps are too large" in captured.err
    answer = json.loads(captured.out)
    assert answer["model"] == "prices.diverged.safetensors"
    assert answer["stopped"] in captured.err
    assert answer["story"]["cause"]["kind"] == "rate"
    assert not Path("prices.safetensors").exists()  # a good model is not replaced by one that diverged
    assert np.isfinite(gn.load("prices.diverged.safetensors").theta).all()


def test_no_file_of_other_people_is_written_over(capsys):
    prices()
    before = Path("prices.csv").read_bytes()
    assert ".safetensors" in error_of(capsys, "train", "prices.csv", "--target", "price", *quick("--out", "prices.csv"))
    answer_of(capsys, "train", "prices.csv", "--target", "price", *quick())
    model = Path("prices.safetensors").read_bytes()
    for place in ("prices.csv", "prices.safetensors"):
        assert "holds no predictions" in error_of(capsys, "predict", "prices.safetensors", "prices.csv", "--out", place)
    assert Path("prices.csv").read_bytes() == before
    assert Path("prices.safetensors").read_bytes() == model
    for _ in range(2):
        assert run(["predict", "prices.safetensors", "prices.csv", "--out", "p.csv"]) == 0


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--epochs", "2.5"], "'2.5' is no whole number"),
        (["--hidden", "8.7"], "no list of whole numbers"),
        (["--hidden"], "--hidden 0"),
        (["--batch-size", "many"], "'many' is no whole number"),
        (["--learning-rate", "0"], "learning_rate"),
        (["--learning-rate", "nan"], "learning_rate is nan"),
        (["--optimizer", "sgd(momentm=0.9)"], "sgd takes: learning_rate, momentum"),
        (["--loss", "mse"], "mean_squared_error"),
        (["--activation", "ReLU"], "'relu'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(capsys, option, words):
    if option == ["--learning-rate", "0"]:
        answer_of(capsys, "train", "digits:3,7", *quick(*option))  # a rate of 0 is legal, and learns nothing
        history = json.loads(Path("digits-3-7.run/history.json").read_text())
        assert history["learning_rate"] == [0.0, 0.0, 0.0]
        return
    assert words in error_of(capsys, "train", "digits:3,7", *option)


def test_sizes_may_be_written_with_commas(capsys):
    answer_of(capsys, "train", "digits:3,7", "--hidden", "6,5", "--epochs", "1")
    assert [layer.units for layer in gn.load("digits-3-7.safetensors").layers if hasattr(layer, "units")] == [6, 5, 2]


# --- streams, signals, start-up ----------------------------------------------------------------------------------


def test_interrupted_training_keeps_the_weights_and_says_so(tmp_path):
    command = [sys.executable, "-m", "glassnet", "train", "digits", "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "digits.run/snapshots/epoch-0000.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert "--resume" in out
    assert np.isfinite(gn.load(tmp_path / "digits.safetensors").theta).all()


def test_a_reader_that_stops_reading_is_no_error():
    answer = subprocess.run(
        f"{sys.executable} -m glassnet train digits:3,7 --hidden 4 --epochs 1 --json > /dev/null; "
        f"{sys.executable} -m glassnet predict digits-3-7.safetensors digits:3,7 | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "row,prediction,probability\n"
    assert answer.stderr == ""


def test_streams_that_cannot_print_everything():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    command = f"{sys.executable} -m glassnet train digits:3,7 --hidden 4 --epochs 1"
    for redirection, code in (("> log.txt", 0), (">&-", 0), ("2>&-", 0), ("> /dev/full", 2)):
        answer = subprocess.run(
            f"{command} {redirection}", shell=True, capture_output=True, text=True, env=environment, check=False
        )
        assert answer.returncode == code, (redirection, answer.stderr)
        assert "Traceback" not in answer.stderr
    assert "parameters" in Path("log.txt").read_text()


def test_help_loads_no_arrays():
    code = "import sys; from glassnet.cli import run; code = run(['--help']); print(code, 'numpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "0 False"
    assert "train" in answer.stdout


@pytest.mark.parametrize("command", ["train", "predict", "evaluate", "check", "info"])
def test_every_command_explains_itself(capsys, command):
    assert run([command, "--help"]) == 0
    assert f"glassnet {command}" in capsys.readouterr().out


def test_the_story_of_a_nan_is_told_in_the_rows_and_columns_of_the_source(capsys):
    """One count is 1e30, in a row that people count from 0 as the source does."""
    rng = np.random.default_rng(1)
    rows = [
        [f"{x:.3f}", f"{y:.3f}", str(n)] for x, y, n in zip(*rng.normal(size=(2, 90)), rng.poisson(2, 90), strict=True)
    ]
    for bad in (11, 64):
        row = rows[bad]
        rows[bad] = [*row[:2], "1e30"]
        Path("visits.csv").write_text("\n".join(["heat,rain,n", *map(",".join, rows)]) + "\n", encoding="utf-8")
        rows[bad] = row
        command = ["train", "visits.csv", "--target", "n", "--loss", "poisson", "--optimizer", "sgd", *quick()]
        assert run([*command, "--validation", "0.1"]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("Error: In step ")
        assert f"Row {bad} has the truth 1e30" in captured.err
        for words in ("Cause: ", "Cure:  ", "How it came to that:", "What was tried:", "visits.diverged.safetensors"):
            assert words in captured.err
        assert re.search(r"x\[\d\] is the column '(heat|rain)'", captured.err) or "x[" not in captured.err
        assert "Traceback" not in captured.err
