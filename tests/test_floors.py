"""The floors of the design hold: no room imports one above it."""

from importlinter.cli import lint_imports


def test_each_floor_imports_only_those_below(capsys):
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out
