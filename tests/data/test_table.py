from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.data import Table, open_source
from glassnet.errors import InputError


def make(**changed: Any) -> Table:
    parts: dict[str, Any] = {
        "inputs": np.arange(12.0).reshape(4, 3),
        "columns": ("a", "b", "c"),
        "targets": np.array([0, 1, 1, 0]),
        "target": "y",
        "task": "classification",
        "classes": ("no", "yes"),
    }
    return Table(**(parts | changed))


def test_rows_are_taken_in_the_order_asked_for() -> None:
    table = make(held_out=make())
    some = table.rows([2, 0])
    assert some.targets is not None
    assert some.inputs.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert some.targets.tolist() == [1, 0]
    assert (some.classes, some.held_out, some.fingerprint) == (("no", "yes"), None, table.fingerprint)
    assert table.rows(np.array([False, True, False, True])).inputs[:, 0].tolist() == [3, 9]
    assert len(table.rows([])) == 0
    assert make(targets=None, target=None, task=None, classes=()).rows([1]).targets is None


@pytest.mark.parametrize("index", [[4], [-5], [0.5], [[0]], [True, False], ["0"]])
def test_rows_that_are_none(index: Any) -> None:
    with pytest.raises(InputError):
        make().rows(index)


@pytest.mark.parametrize(
    "changed",
    [
        {"columns": ("a", "b")},
        {"inputs": np.zeros(3)},
        {"targets": np.zeros(3)},
        {"targets": None},
        {"target": None},
        {"task": None},
    ],
)
def test_parts_that_do_not_fit(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        make(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": np.arange(12.0).reshape(4, 3) + np.eye(4, 3) * 1e-9},
        {"inputs": np.arange(12, dtype=np.float32).reshape(4, 3)},
        {"columns": ("a", "c", "b")},
        {"columns": ("a", "b", 'c", "d')},
        {"targets": np.array([0, 1, 1, 1])},
        {"target": "z"},
        {"classes": ("yes", "no")},
        {"targets": np.array([0.0, 1, 1, 0]), "task": "regression", "classes": ()},
        {"targets": None, "target": None, "task": None, "classes": ()},
    ],
)
def test_every_change_changes_the_fingerprint(changed: dict[str, Any]) -> None:
    assert make(**changed).fingerprint != make().fingerprint
    assert make(**changed).fingerprint == make(**changed).fingerprint


def test_the_fingerprint_is_of_values_not_of_their_layout() -> None:
    values = np.arange(12.0).reshape(4, 3)
    assert make(inputs=np.asfortranarray(values)).fingerprint == make().fingerprint
    assert make(inputs=values.astype(">f8")).fingerprint == make().fingerprint
    assert make().fingerprint.startswith("sha256:")
    assert len(make().fingerprint) == 7 + 64
    assert make(inputs=np.zeros((0, 3)), targets=np.zeros(0, int)).fingerprint != make().fingerprint


def test_a_touched_file_keeps_its_fingerprint_and_a_changed_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    first = open_source(path).fingerprint
    os.utime(path, (1, 1))
    assert open_source(path).fingerprint == first
    (tmp_path / "u.csv").write_text("a;b\r\n1;2\r\n3;4\r\n")
    assert open_source(tmp_path / "u.csv").fingerprint == first
    path.write_text("a,b\n1,2\n3,4.0000001\n")
    assert open_source(path).fingerprint != first


def test_one_is_counted_as_one() -> None:
    with pytest.raises(InputError, match="A table of 1 column needs"):
        make(columns=("a",))
    with pytest.raises(InputError, match="A table of 1 row needs"):
        make(inputs=np.zeros((1, 3)))
    with pytest.raises(InputError, match="A mask for 1 row has"):
        make(inputs=np.zeros((1, 3)), targets=np.zeros(1, np.int64)).rows([True, False])
