from __future__ import annotations

import doctest
import os
from pathlib import Path
from typing import Any

import pytest

from glassnet.data import open_source, sources
from glassnet.errors import DataError


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("digit", r"no source 'digit'\. Did you mean digits\? A source is digits, mnist"),
        ("digit:3,7", r"Did you mean digits:3,7\?"),
        ("MNIST", r"Did you mean mnist\?"),
        ("cifar", r"no source 'cifar'\. A source is digits, mnist .*\.csv.*\.parquet file"),
        ("", "no source ''"),
        (":", "no source ':'"),
        ("http://somewhere/t.csv", "There is no file"),
        ("a\0.csv", "no source"),
        ("x" * 5000 + ".csv", "cannot be read"),
    ],
)
def test_an_unknown_source_lists_the_forms(source: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        open_source(source)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.xlsx").write_bytes(b"PK")
    (tmp_path / "prices.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"prices\.xlsx is a file, and its name ends in none of \.csv"):
        open_source("prices.xlsx")
    with pytest.raises(DataError, match=r"Did you mean prices\.csv\?"):
        open_source("prices")
    with pytest.raises(DataError, match="is a folder"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("digits", {"folder": "."}, "needs no folder"),
        ("digits", {"target": "x"}, "a target of its own, the digit"),
        ("digits", {"task": "regression"}, "has classes"),
        ("digits", {"ignore": ["pixel 0,0"]}, "none of which can be ignored"),
        ("t.csv", {"folder": "."}, "--data goes with mnist"),
    ],
)
def test_options_that_a_source_does_not_have(source: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(source, **options)


def test_images_may_be_asked_for_by_their_own_target() -> None:
    assert open_source("digits", target="digit", task="classification", columns=("pixel 0,0",)).target == "digit"


@pytest.mark.parametrize(
    "asked", [{}, {"target": "price", "task": "regression"}, {"target": "kind", "task": "classification"}]
)
def test_a_model_of_a_table_does_not_read_images(asked: dict[str, Any]) -> None:
    words = r"^This model was trained on the columns area, rooms of a table; digits has pixels\."
    with pytest.raises(DataError, match=words) as caught:
        open_source("digits:3,7", columns=("area", "rooms"), **asked)
    assert "--" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="not an ordinary file"):
        open_source(tmp_path / "t.csv")


def test_the_example_in_the_docstring() -> None:
    results = doctest.testmod(sources)
    assert (results.failed, results.attempted) == (0, 2)
