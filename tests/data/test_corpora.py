"""Every file of the corpora is read as another reader reads it, or refused in a sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from glassnet.data import Table, open_source
from glassnet.errors import DataError

CORPORA = Path(__file__).parents[2].parent / "shared" / "data" / "corpora"
HERE = CORPORA.is_dir()
pytestmark = pytest.mark.skipif(not HERE, reason=f"{CORPORA} is absent")


def files(pattern: str) -> list[Any]:
    return [pytest.param(path, id=path.name) for path in sorted(CORPORA.glob(pattern))]


def read_or_refuse(path: Path) -> Table | None:
    try:
        return open_source(path)
    except DataError as problem:
        said = str(problem)
    assert 1 <= len(said.splitlines()) <= 2
    assert path.name in said.splitlines()[0]
    assert len(said.replace(str(path), "")) < 500
    return None


# Which files of the collection hold numbers only, and how many rows; every other one is refused.
NUMBERS = {
    "simple.csv": 3, "simple_no_header.csv": 3, "single_column.csv": 5, "tiny.csv": 1, "wide_columns.csv": 3,
    "whitespace_fields.csv": 3, "cr.csv": 2, "crlf.csv": 2, "lf.csv": 2, "no_final_newline.csv": 2,
    "empty_header.csv": 2, "pipe.csv": 3, "semicolon.csv": 3, "tab.csv": 3,
}  # fmt: skip


@pytest.mark.parametrize("path", files("libvroom-csv/**/*.csv"))
def test_libvroom(path: Path) -> None:
    table = read_or_refuse(path)
    assert (None if table is None else len(table)) == NUMBERS.get(path.name)


# The collection's JSON has another telephone number than its CSV.
CORRECTED = {"location_coordinates": {"Contact Phone Number": "2095257564"}}


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@pytest.mark.parametrize("path", files("csv-spectrum/csvs/*.csv"))
def test_csv_spectrum_is_read_as_its_json(path: Path) -> None:
    stored = json.loads((path.parents[1] / "json" / f"{path.stem}.json").read_text("utf-8"))
    rows = stored if isinstance(stored, list) else [stored]
    rows = [row | CORRECTED.get(path.stem, {}) for row in rows]
    texts = [name for name in rows[0] if not all(is_number(row[name]) for row in rows)]
    # A text column must be refused by name, whatever quotes, commas or line ends it holds; what is left are numbers.
    ignored: list[str] = []
    table = None
    while len(ignored) < len(rows[0]):
        try:
            table = open_source(path, ignore=ignored)
            break
        except DataError as problem:
            said = str(problem)
            ignored += [name for name in rows[0] if f"column {name!r} of" in said and name not in ignored] or [said]
    # "08123" is a number to Python and an identifier to DuckDB.
    assert set(ignored) - {"zip"} == set(texts)
    kept = [name for name in rows[0] if name not in ignored]
    if kept:
        assert table is not None
        assert table.columns == tuple(kept)
        assert table.inputs.tolist() == [[float(row[name]) for name in kept] for row in rows]


@pytest.mark.parametrize("path", files("parquet-bad/*.parquet"))
def test_damaged_parquet(path: Path) -> None:
    table = read_or_refuse(path)
    if table is not None:
        # What DuckDB can read in spite of the damage, another reader must have read alike.
        assert table.inputs.tolist() == pq.read_table(path).to_pandas().to_numpy().tolist()
