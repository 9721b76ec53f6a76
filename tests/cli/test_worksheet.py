"""`glassnet worksheet` as a person types it."""

import json
from pathlib import Path

import pytest

from glassnet.cli import run
from glassnet.insight.worksheet import worksheet


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


ARGUMENTS = ["worksheet", "2-2-1", "--rows", "2", "--seed", "4"]
SHEET = worksheet("2-2-1", rows=2, seed=4)


def test_markdown_is_piped_and_text_shown_on_a_terminal(capsys, monkeypatch):
    assert run(ARGUMENTS) == 0
    assert capsys.readouterr().out == SHEET.markdown()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run(ARGUMENTS) == 0
    assert capsys.readouterr().out == SHEET.text()


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_the_form_can_be_named(capsys, form):
    assert run([*ARGUMENTS, f"--{form}"]) == 0
    assert capsys.readouterr().out.rstrip() == getattr(SHEET, form)().rstrip()


@pytest.mark.parametrize(("name", "form"), [("s.md", "markdown"), ("s.tex", "latex"), ("s.HTML", "html")])
def test_the_ending_of_the_file_decides(capsys, name, form):
    for _ in range(2):  # the second time over its own file
        assert run([*ARGUMENTS, "--out", name]) == 0
    assert Path(name).read_text(encoding="utf-8") == getattr(SHEET, form)()
    assert f"Written to {name}." in capsys.readouterr().out


def test_json_is_one_object_and_nothing_else(capsys):
    assert run([*ARGUMENTS, "--json", "--out", "s.md"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(SHEET.to_dict()))
    assert Path("s.md").exists()


def test_every_option_reaches_the_sheet(capsys):
    options = ["--activation", "tanh", "--loss", "squared_error", "--learning-rate", "0.25", "--no-bias"]
    assert run(["worksheet", "2-2-2", *options]) == 0
    expected = worksheet("2-2-2", activation="tanh", loss="squared_error", learning_rate=0.25, bias=False)
    assert capsys.readouterr().out == expected.markdown()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["2"], "joined by hyphens"),
        (["a-b"], "joined by hyphens"),
        (["2-0-1"], "must be 1 or more"),
        (["784-100-10"], "too many for pen and paper"),
        (["2-2-1", "--rows", "9"], "from 1 to 4"),
        (["2-2-1", "--rows", "1.5"], "no whole number"),
        (["2-2-1", "--seed", "-1"], "seed"),
        (["2-2-1", "--activation", "sigmod"], "Did you mean 'sigmoid'?"),
        (["2-2-1", "--loss", "cross_entropy"], "at least 2 outputs"),
        (["2-2-1", "--learning-rate", "0"], "above 0"),
        (["2-2-1", "--out", "s.pdf"], ".tex"),
        (["2-2-1", "--out", "nowhere/s.md"], "does not exist"),
        (["2-2-1", "--latex", "--out", "s.md"], "two forms"),
        (["2-2-1", "--out", "sheet"], ".tex"),
        ([], "worksheet"),
    ],
)
def test_wrong_input_is_a_sentence(capsys, arguments, says):
    assert run(["worksheet", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert "Traceback" not in captured.err
    assert len(captured.err.strip().splitlines()) <= 3


def test_another_file_is_not_written_over(capsys):
    Path("mine.md").write_text("# My lesson\n")
    assert run([*ARGUMENTS, "--out", "mine.md"]) == 2
    assert "not made by glassnet" in capsys.readouterr().err
    assert Path("mine.md").read_text() == "# My lesson\n"
