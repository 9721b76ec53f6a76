"""`glassnet race` as a person types it."""

import json
from pathlib import Path

import numpy as np
import pytest

from glassnet.cli import race as race_module
from glassnet.cli import run


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.uniform(1, 9, (60, 2))
    lines = ["area,rooms,price", *(f"{a:.3f},{r:.3f},{3 * a - r:.3f}" for a, r in rows)]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    return "table.csv"


def test_digits_with_a_budget_of_evaluations(capsys):
    arguments = ["digits:3,7", "--methods", "backprop,tweaking", "numerical", "--evaluations", "2e5", "--seeds", "2"]
    assert run(["race", *arguments]) == 0
    out = capsys.readouterr().out
    assert "200,000 evaluations for each method and start" in out
    assert "ended best" in out or "alike with" in out
    assert out.rstrip().endswith("Written to digits-3-7.race.html. Open it in a browser.")
    assert "Random tweaking" in Path("digits-3-7.race.html").read_text(encoding="utf-8")


def test_a_table_as_json(table, capsys):
    arguments = [table, "--target", "price", "--methods", "backprop('sgd(0.1)', batch_size=8),spsa", "--evaluations"]
    assert run(["race", *arguments, "20000", "--hidden", "4", "3", "--seeds", "1", "--json"]) == 0
    captured = capsys.readouterr()
    values = json.loads(captured.out)
    assert [entry["method"] for entry in values["entries"]] == ["backprop('sgd(0.1)', batch_size=8)", "spsa"]
    assert values["units"] == [2, 4, 3, 1]
    assert values["loss"] == "squared_error"
    assert not list(Path().glob("*.html"))


def test_a_budget_of_time(table, capsys):
    assert run(["race", table, "--target", "price", "--methods", "tweaking", "guessing", "--budget", "1s"]) == 0
    assert "1 s in all" in capsys.readouterr().out


def test_no_hidden_layer_lets_the_delta_rule_in(table, capsys):
    arguments = ["--target", "price", "--hidden", "0", "--methods", "delta,backprop", "--evaluations", "5000"]
    assert run(["race", table, *arguments]) == 0
    assert "Left out" not in capsys.readouterr().out


def test_the_lesson(monkeypatch, capsys):
    monkeypatch.setattr(race_module, "cost_of_step", lambda: None)
    arguments = ["race", "--lesson", "--methods", "backprop,tweaking", "--budget", "4s", "--out", "l.html"]
    assert run([*arguments, "--no-cost"]) == 0
    out = capsys.readouterr().out
    for title in ("The 2-2-2 network.", "XOR.", "A 3 from a 7.", "900,000 weights."):
        assert title in out
    assert Path("l.html").read_text(encoding="utf-8").count("<h2>") == 5


def test_ctrl_c_keeps_what_was_run(monkeypatch, capsys):
    from glassnet.rivals.guessing import Guessing

    steps = Guessing.steps

    def interrupted(rival, arena, theta, chance):
        if arena.rows > 100:  # in the race itself
            raise KeyboardInterrupt
        yield from steps(rival, arena, theta, chance)

    monkeypatch.setattr(Guessing, "steps", interrupted)
    assert run(["race", "digits:3,7", "--methods", "tweaking,guessing", "--evaluations", "20000"]) == 130
    captured = capsys.readouterr()
    assert "The race was interrupted" in captured.out
    assert "Interrupted" in captured.err
    assert Path("digits-3-7.race.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "No rows are named"),
        (["digits:3,7", "--lesson"], "brings rows of its own"),
        (["digits:3,7", "--methods", "backprob"], "backprop"),
        (["digits:3,7", "--methods", "tweaking(-1)"], "step is -1"),
        (["digits:3,7", "--budget", "soon"], "no time"),
        (["digits:3,7", "--budget", "0s"], "no time"),
        (["digits:3,7", "--evaluations", "many"], "no number of evaluations"),
        (["digits:3,7", "--seeds", "0"], "seeds is 0"),
        (["digits:3,7", "--out", "race.txt"], "ends in .html"),
        (["digits:3,7", "--out", "nowhere/race.html"], "does not exist"),
        (["nothing.csv"], "nothing.csv"),
        (["digits:3,7", "--score", "speed"], "score"),
        (["digits:3,7", "--loss", "binary_cross_entropy", "--hidden", "x"], "whole number"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(arguments, says, capsys):
    assert run(["race", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert says in error


def test_a_page_of_somebody_else_is_not_written_over(capsys):
    Path("mine.html").write_text("<p>mine</p>")
    assert run(["race", "digits:3,7", "--out", "mine.html"]) == 2
    assert Path("mine.html").read_text() == "<p>mine</p>"
