"""Commands as a person types them, and what they answer."""

import json

from glassnet.cli import run


def answer_of(capsys, *arguments):
    """The object that --json prints, of a command that must succeed."""
    return answer_and_notes_of(capsys, *arguments)[0]


def answer_and_notes_of(capsys, *arguments):
    """The same, and what was said besides."""
    assert run([*map(str, arguments), "--json"]) == 0, capsys.readouterr().err
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def error_of(capsys, *arguments):
    """What a command says that must refuse: a sentence or two, and nothing else."""
    assert run(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert 1 <= len(captured.err.strip().splitlines()) <= 2, captured.err
    return captured.err
