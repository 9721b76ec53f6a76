"""The README is true: its commands run in an empty folder, in order, and so does its Python."""

import re
import shlex
from pathlib import Path

import pytest

from glassnet.cli import run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands():
    lines = [line.strip() for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    found = [re.sub(r"^\$ (pip install uv && )?(uv run )?", "", line).split("  #")[0] for line in lines]
    return [shlex.split(line) for line in found if line.startswith("glassnet ")]


def test_there_is_something_to_run():
    assert len(commands()) >= 5
    assert len(blocks("python")) >= 1


def test_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shared = Path(__file__).parents[3] / "shared" / "data"
    prices = "area,rooms,price\n" + "".join(f"{30 + i},{i % 5 + 1},{1000 * i + 5}\n" for i in range(80))
    Path("table.csv").write_text(prices, encoding="utf-8")
    for _, *arguments in commands():
        if "mnist" in arguments:
            continue  # minutes; tests/cli/test_mnist.py, marked long
        arguments = [argument.replace("../shared/data", str(shared)) for argument in arguments]
        expected = 1 if arguments[0] == "diff" else 0  # the two runs part, and the README says so
        assert run(arguments) == expected, (arguments, capsys.readouterr().err)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
