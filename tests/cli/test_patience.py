"""Commands that take long say what they do; quick ones say nothing."""

import time

import pytest

from glassnet.cli import patience
from glassnet.cli.patience import told_if_slow


def test_only_what_is_slow_is_told_once_and_on_standard_error(monkeypatch, capsys):
    with told_if_slow("counting sheep"):
        pass
    monkeypatch.setattr(patience, "SECONDS", 0.01)
    with told_if_slow("counting rows"):
        time.sleep(0.2)
    with pytest.raises(KeyError), told_if_slow("counting doors"):
        raise KeyError
    time.sleep(0.05)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Note: counting rows\n"
