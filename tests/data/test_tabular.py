from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from glassnet.data import Table, open_source
from glassnet.errors import DataError, GlassnetWarning, UnknownNameError


def write(path: Path, rows: Iterable[Sequence[object]], **dialect: Any) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, **dialect).writerows(rows)
    return path


def read(tmp_path: Path, text: str | bytes, name: str = "t.csv", **options: Any) -> Table:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return open_source(path, **options)


def read_parquet(tmp_path: Path, columns: dict[str, Any], **options: Any) -> Table:
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    return open_source(tmp_path / "t.parquet", **options)


# Against other readers of the same file


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet"])
def test_california_reads_as_pandas_and_polars_read_it(shared: Path, tmp_path: Path, ending: str) -> None:
    frame = pl.read_parquet(shared / "california.parquet")
    path = tmp_path / f"california{ending}"
    if ending == ".parquet":
        path = shared / "california.parquet"
    else:
        text = frame.write_csv(separator="\t" if ".tsv" in ending else ",").encode()
        path.write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)
    table = open_source(path, target="MedHouseVal")
    oracle = pd.read_parquet(path) if ending == ".parquet" else pd.read_csv(path, sep=None, engine="python")
    assert table.task == "regression"
    assert table.columns == tuple(name for name in frame.columns if name != "MedHouseVal")
    assert np.array_equal(table.inputs, oracle[list(table.columns)].to_numpy())
    assert table.targets is not None
    assert np.array_equal(table.targets, oracle["MedHouseVal"].to_numpy())
    assert np.array_equal(table.inputs, frame.select(table.columns).to_numpy())
    assert table.inputs.shape == (20640, 8)
    assert table.inputs.dtype == np.float64
    assert table.source == str(path)


def test_rows_keep_their_order_however_many_there_are(tmp_path: Path) -> None:
    count = 400_000
    numbers = np.arange(count)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": numbers, "b": numbers[::-1] * 0.5}), path, row_group_size=7000)
    table = open_source(path)
    assert np.array_equal(table.inputs, np.stack([numbers, numbers[::-1] * 0.5], axis=1))
    text = "a,b\n" + "".join(f"{at},{at % 7}\n" for at in range(count))
    assert np.array_equal(read(tmp_path, text).inputs, np.stack([numbers, numbers % 7], axis=1))


# Round trips through Python's csv module

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
exact = st.integers(-(2**53), 2**53)
dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)


def is_name(name: str) -> bool:
    """Tell whether a header is one that cannot be taken for a number, a comment or a delimiter."""
    return name[0].isalpha() and not any(mark in name for mark in ",;\t|:#\"'\\~")


@settings(max_examples=150)
@given(data=st.data(), header=st.lists(names.filter(is_name), min_size=2, max_size=6, unique=True), dialect=dialects)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, header: list[str], dialect: dict[str, Any]
) -> None:
    # Booleans and dates are words too: a header among rows of its own kind is no header.
    assume(not any(name.lower() in ("t", "f", "y", "n", "true", "false", "yes", "no", "nan", "inf") for name in header))
    kinds = data.draw(st.lists(st.sampled_from([finite, exact]), min_size=len(header), max_size=len(header)))
    rows = data.draw(st.lists(st.tuples(*kinds), min_size=1, max_size=30))
    path = write(tmp_path_factory.mktemp("csv") / "t.csv", [header, *rows], **dialect)
    table = open_source(path)
    assert table.columns == tuple(header)
    assert table.inputs.tolist() == [[float(value) for value in row] for row in rows]


@settings(max_examples=60)
@given(
    cells=st.lists(st.lists(st.text(max_size=5) | finite.map(str), min_size=1, max_size=4), min_size=1, max_size=6),
    ending=st.sampled_from(["t.csv", "t.tsv"]),
)
def test_any_text_is_a_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]], ending: str
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows(cells)
    refuse_or_read(tmp_path_factory.mktemp("csv") / ending, stream.getvalue().encode("utf-8", "surrogatepass"))


@settings(max_examples=60)
@given(content=st.binary(min_size=1, max_size=60))
def test_any_bytes_are_a_table_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    refuse_or_read(tmp_path_factory.mktemp("csv") / "t.csv", content)


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_parquet_file_is_a_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(50)), "b": [at / 3 for at in range(50)], "c": ["x"] * 50}), stream)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    refuse_or_read(tmp_path_factory.mktemp("parquet") / "t.parquet", bytes(content[: data.draw(st.integers(1, 4000))]))


def refuse_or_read(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        table = open_source(path)
    except DataError as problem:
        said: str | None = str(problem)
    else:
        said = None
        assert table.inputs.shape == (len(table), len(table.columns))
        assert np.isfinite(table.inputs).all()
    assert said is None or 1 <= len(said.splitlines()) <= 2


# Values


def test_a_late_fraction_is_not_rounded(tmp_path: Path) -> None:
    # DuckDB's sniffer looks at 20,480 rows by default and would read this 1.5 as 2.
    assert read(tmp_path, "a,b\n" + "1,2\n" * 30_000 + "1.5,2\n").inputs[-1].tolist() == [1.5, 2]
    with pytest.raises(DataError, match=r"'a' .* holds text, 'x', in row 30001"):
        read(tmp_path, "a,b\n" + "1,2\n" * 30_000 + "x,2\n")


def test_numbers_in_other_types_are_numbers(tmp_path: Path) -> None:
    table = read_parquet(
        tmp_path,
        {
            "decimal": pa.array([Decimal("1.10"), Decimal("-2.20")]),
            "unsigned": pa.array([1, 2**60], pa.uint64()),
            "tiny": pa.array([-128, 127], pa.int8()),
            "half": pa.array([0.5, 2], pa.float16()),
            "single": pa.array([0.1, 2], pa.float32()),
            "flag": pa.array([True, False]),
            "huge": pa.array([Decimal(2**100), Decimal(3)], pa.decimal128(38, 0)),
        },
    )
    assert table.inputs.T.tolist() == [
        [1.1, -2.2], [1, 2.0**60], [-128, 127], [0.5, 2], [float(np.float32(0.1)), 2], [1, 0], [2.0**100, 3]
    ]  # fmt: skip


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, 2**64 - 1, 10**30 + 1, -(2**53) - 1])
def test_whole_numbers_that_float64_cannot_hold_are_refused(tmp_path: Path, number: int) -> None:
    with pytest.raises(DataError, match=f"'a' .* holds {number}, a whole number too long .* in row 2"):
        read(tmp_path, f"a,b\n1,2\n{number},2\n")
    assert read(tmp_path, f"a,b\n1,2\n{number},2\n", ignore=["a"]).columns == ("b",)


def test_whole_numbers_that_float64_can_hold_are_read(tmp_path: Path) -> None:
    table = read(tmp_path, f"a,b,c\n{2**53},{-(2**62)},{2**100}\n")
    assert table.inputs.tolist() == [[2.0**53, -(2.0**62), 2.0**100]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["x"], "holds text, 'x', in row 1"),
        (["007", "1"], "holds text, '007', in row 1"),
        (["1", "?", "2"], "holds text, '.', in row 2"),
        (["2020-01-02"], "holds a date, '2020-01-02', in row 1"),
        (["12:30:01"], "holds a time, '12:30:01', in row 1"),
        (["2020-01-02 03:04:05"], "holds a time, '2020-01-02 03:04:05', in row 1"),
        (["1", "", "2"], "holds a missing value in row 2"),
        (["1", "nan"], "holds nan, no finite number, in row 2"),
        (["1", "-inf"], "holds -inf, no finite number, in row 2"),
        (["1", "2", "1e999"], "holds inf, no finite number, in row 3"),
    ],
)
def test_a_column_of_a_csv_file_that_is_no_numbers(tmp_path: Path, values: list[str], words: str) -> None:
    path = write(tmp_path / "t.csv", [["good", "a b"], *([at, value] for at, value in enumerate(values))])
    with pytest.raises(DataError, match=f"column 'a b' .* {words}.* leave it out with --ignore 'a b'"):
        open_source(path)
    assert open_source(path, ignore=["a b"]).inputs.tolist() == [[at] for at in range(len(values))]


def test_a_csv_column_without_values(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'b' .* is empty: every value is missing"):
        read(tmp_path, "a,b\n1,\n2,\n")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pa.array(["x"]), "holds text, 'x', in row 1"),
        (pa.array(["x"]).dictionary_encode(), "holds text, 'x', in row 1"),
        (pa.array([b"x"]), "holds bytes, 'x', in row 1"),
        (pa.array([date(2020, 1, 2)]), "holds a date, '2020-01-02', in row 1"),
        (pa.array([0], pa.timestamp("us")), "holds a time, '1970-01-01 00:00:00', in row 1"),
        (pa.array([[1]]), "holds nested values"),
        (pa.array([{"x": 1}]), "holds nested values"),
        (pa.nulls(1), "is empty: every value is missing"),
        (pa.array([None], pa.int64()), "holds a missing value in row 1"),
        (pa.array([float("nan")]), "holds nan, no finite number, in row 1"),
        (pa.array([float("inf")], pa.float32()), "holds inf, no finite number, in row 1"),
    ],
)
def test_a_column_of_a_parquet_file_that_is_no_numbers(tmp_path: Path, values: Any, words: str) -> None:
    with pytest.raises(DataError, match=f"column 'b' .* {words}.* leave it out with --ignore b"):
        read_parquet(tmp_path, {"a": [7], "b": values})
    assert read_parquet(tmp_path, {"a": [7], "b": values}, ignore=["b"]).inputs.tolist() == [[7]]


def test_the_target_is_not_to_be_left_out(tmp_path: Path) -> None:
    for text in ("a,b\n1,x\n2,y\n", "a,b\n1,\n2,3\n"):
        with pytest.raises(DataError, match="'b'") as caught:
            read(tmp_path, text, target="b")
        assert "--ignore" not in str(caught.value)


def test_the_text_columns_of_a_real_table_are_named_one_after_the_other(shared: Path) -> None:
    columns = pq.read_schema(shared / "adult.parquet").names
    ignored: list[str] = []
    while True:
        try:
            table = open_source(shared / "adult.parquet", ignore=ignored)
            break
        except DataError as problem:
            ignored.append(next(name for name in columns if f"--ignore {name}." in str(problem)))
    numbers = pd.read_parquet(shared / "adult.parquet").select_dtypes("number")
    assert table.columns == tuple(numbers.columns)
    assert np.array_equal(table.inputs, numbers.to_numpy())


def test_a_column_that_a_model_needs_is_not_to_be_left_out(tmp_path: Path) -> None:
    for text in (
        "a,b,y\n1,x,2\n3,4,5\n",
        "a,b,y\n1,,2\n3,4,5\n",
        "a,b,y\n1,2020-01-02,2\n",
        f"a,b,y\n1,{2**53 + 1},2\n",
    ):
        with pytest.raises(DataError, match=r"'b' .* in row 1.* This model needs it: correct or remove") as caught:
            read(tmp_path, text, columns=("a", "b"), target="y", task="regression")
        assert "--" not in str(caught.value)
    with pytest.raises(DataError, match=r"'y' .* holds a missing value in row 2\. This model needs it"):
        read(tmp_path, "a,y\n1,2\n3,\n", columns=("a",), target="y", task="regression")
    with pytest.raises(DataError, match=r"no column 'y', which this model predicts\. It has a, b\.$"):
        read(tmp_path, "a,b\n1,2\n", columns=("a",), target="y", task="regression")
    with pytest.raises(
        DataError, match=r"'y' .* holds 2\.5, and .* this model tells apart are whole numbers\. Correct"
    ):
        read(tmp_path, "a,y\n1,2.5\n3,4\n", columns=("a",), target="y", task="classification")


# Decimal commas


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("area;rooms;price\n30,5;2;100,25\n40,75;3;200,5\n", [[30.5, 2, 100.25], [40.75, 3, 200.5]]),
        ("area;price\n30,5;1.234,5\n40,5;1.234.567\n", [[30.5, 1234.5], [40.5, 1234567]]),
        # DuckDB by itself would read these by their commas and skip the header.
        ("a;b\n1,5;2,5\n1,6;2,6\n", [[1.5, 2.5], [1.6, 2.6]]),
        ("a;b;c\n1,5;2,5;,5\n-1,6e3;+2,6;0,125\n", [[1.5, 2.5, 0.5], [-1600, 2.6, 0.125]]),
        ("a;b\n1,5;2,5\n", [[1.5, 2.5]]),
        ("Fläche, m²;Preis\n1,5;2,5\n2,5;3,5\n", [[1.5, 2.5], [2.5, 3.5]]),
        ("1,5;2,5\n1,6;2,6\n", [[1.5, 2.5], [1.6, 2.6]]),
        ("1,5;2\n1,6;3\n", [[1.5, 2], [1.6, 3]]),
        ("1,5;2,5\n1.234.567;2,6\n", [[1.5, 2.5], [1234567, 2.6]]),
        ("2019;area\n1,5;2,5\n", [[1.5, 2.5]]),
        ('a;b\n"1,5"; 2,5 \n"1,6";3,5\n', [[1.5, 2.5], [1.6, 3.5]]),
        ("a;b\n1,234;1,5\n5,678;2\n", [[1.234, 1.5], [5.678, 2]]),
        ("# made\na;b\n1,5;2\n2,5;3\n", [[1.5, 2], [2.5, 3]]),
        ("a;b\n1,5;2\n" + "2;3\n" * 30_000, [[1.5, 2]] + [[2, 3]] * 30_000),
    ],
)
def test_decimal_commas(tmp_path: Path, text: str, rows: list[list[float]], name: str) -> None:
    table = read(tmp_path, text.replace(";", "\t") if name == "t.tsv" else text, name)
    assert table.inputs.tolist() == rows
    assert len(table.columns) == len(rows[0])
    assert read(tmp_path, text.replace(";", "|")).inputs.tolist() == rows


def test_quoted_decimal_commas_between_commas(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n"1,5",2\n"1.002,5",3\n').inputs.tolist() == [[1.5, 2], [1002.5, 3]]
    assert read(tmp_path, 'a\n"1,5"\n"2,5"\n').inputs.tolist() == [[1.5], [2.5]]


@given(rows=st.lists(st.tuples(finite, exact), min_size=1, max_size=30))
def test_decimal_commas_are_read_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, int]]
) -> None:
    text = "a;b\n0,5;1\n" + "".join(f"{str(a).replace('.', ',')};{b}\n" for a, b in rows)
    table = read(tmp_path_factory.mktemp("csv"), text)
    assert table.inputs.tolist() == [[0.5, 1], *([a, b] for a, b in rows)]


def test_dots_beside_decimal_commas_are_thousands_and_said_to_be(tmp_path: Path) -> None:
    text = "area;price\n30,5;1.100\n40,5;950\n"
    with pytest.warns(GlassnetWarning, match=r"decimal commas.* 'price' .* thousands: 1\.100 is read as 1100"):
        table = read(tmp_path, text, target="price")
    assert (table.task, table.classes) == ("classification", ("950", "1100"))
    assert read(tmp_path, text, ignore=["price"]).inputs.tolist() == [[30.5], [40.5]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a;b\n1,5;1.5\n2,5;2.5\n", "'1,5'"),  # both marks in one file
        ("a;b\n1,5;2\n2.5;3\n", "'1,5'"),  # and in one column
        ("a;b\n1,234;1\n5,678;2\n", "'1,234'"),  # thousands as well as thousandths
        ('a,b\n"1,234",1\n"5,678",2\n', "'1,234'"),
        ("a;b\n1,234.5;1\n2,5;2\n", None),
        ("a\n30,5\n40,5\n", None),
    ],
)
def test_doubtful_decimal_commas_are_refused(tmp_path: Path, text: str, value: str | None) -> None:
    with pytest.raises(DataError, match=r"[Dd]ecimal commas") as caught:
        read(tmp_path, text)
    assert value is None or value in str(caught.value)


def test_decimal_points_stay_what_they_are_beside_text_with_commas(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1,5;1.5\n2,5;2.5\n", ignore=["a"]).inputs.tolist() == [[1.5], [2.5]]
    assert read(tmp_path, "a;b\nx,y;1.125\nz,5;2.125\n", ignore=["a"]).inputs.tolist() == [[1.125], [2.125]]


def test_what_is_no_number_among_decimal_commas_is_named(tmp_path: Path) -> None:
    for row in ("2,5;n/a", "2,5;12.34,5", "2,5;007,5"):
        with pytest.raises(DataError, match=f"'b' .* holds text, '{row[4:]}', in row 2"):
            read(tmp_path, f"a;b\n1,5;2,5\n{row}\n")
    with pytest.raises(DataError, match=r"'a' .* holds a missing value in row 2"):
        read(tmp_path, "a;b\n1,5;2,5\n;2,5\n")


# Targets and their task


@pytest.mark.parametrize(("distinct", "task"), [(2, "classification"), (20, "classification"), (21, "regression")])
def test_whole_numbers_are_classes_up_to_twenty(tmp_path: Path, distinct: int, task: str) -> None:
    values = [(at * 11) % distinct - 3 for at in range(60)]
    table = read(tmp_path, "a,b\n" + "".join(f"0,{value}\n" for value in values), target="b")
    assert table.targets is not None
    assert table.task == task
    if task == "classification":
        assert table.classes == tuple(str(value) for value in sorted(set(values)))
        assert [int(table.classes[at]) for at in table.targets] == values
        assert table.targets.dtype == np.int64
    else:
        assert table.classes == ()
        assert table.targets.dtype == np.float64
        assert table.targets.tolist() == values


def test_floats_are_regression_until_told_otherwise(tmp_path: Path) -> None:
    text = "a,b\n1,2.0\n3,4.0\n5,2.0\n"
    assert read(tmp_path, text, target="b").task == "regression"
    told = read(tmp_path, text, target="b", task="classification")
    assert told.targets is not None
    assert (told.classes, told.targets.tolist()) == (("2", "4"), [0, 1, 0])
    assert read(tmp_path, "a,b\n1,2\n3,4\n", target="b", task="regression").task == "regression"
    with pytest.raises(DataError, match=r"'b' .* holds 2.5, and classes are whole numbers"):
        read(tmp_path, "a,b\n1,2.5\n3,4\n", target="b", task="classification")


def test_booleans_are_the_classes_false_and_true(tmp_path: Path) -> None:
    for table in (
        read(tmp_path, "a,b\n1,true\n2,false\n", target="b"),
        read_parquet(tmp_path, {"a": [1, 2], "b": [True, False]}, target="b"),
    ):
        assert table.targets is not None
        assert (table.task, table.classes, table.targets.tolist()) == ("classification", ("false", "true"), [1, 0])


def test_a_target_of_a_single_value_is_refused_until_a_task_is_given(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'b' .* is 2 in all 2 rows"):
        read(tmp_path, "a,b\n1,2\n3,2\n", target="b")
    with pytest.raises(DataError, match="has a single row"):
        read(tmp_path, "a,b\n1,2\n", target="b")
    assert read(tmp_path, "a,b\n1,2\n", target="b", task="classification").classes == ("2",)


def test_a_task_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'regression'"):
        read(tmp_path, "a,b\n1,2\n3,4\n", target="b", task="regresion")


def test_only_the_columns_asked_for_are_looked_at(tmp_path: Path) -> None:
    text = "name,a,b,c\nx,1,2,\ny,3,4,\n"
    assert read(tmp_path, text, columns=("b", "a")).columns == ("a", "b")
    assert read(tmp_path, text, columns=("a",), target="b").inputs.tolist() == [[1], [3]]
    with pytest.raises(DataError, match=r"lacks the column A, which .* It has a: names must match in upper"):
        read(tmp_path, text, columns=("A", "b"))
    with pytest.raises(DataError, match="has none of the columns gone"):
        read(tmp_path, text, columns=("gone",))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Area,rooms ", r"It has Area, rooms: names must match in upper and lower case\."),
        ("area2,x", r"It has area2, x\."),
        ("1,2", r"The first row looks like data"),
    ],
)
def test_names_that_almost_match_are_said_to(tmp_path: Path, header: str, words: str) -> None:
    with pytest.raises(DataError, match=f"has none of the columns area, ROOMS.* {words}"):
        read(tmp_path, f"{header}\n1,2\n", columns=("area", "ROOMS"))
    pq.write_table(pa.table({" area": [1], "x": [2]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"It has ' area': names must match in upper and lower case and in blanks\."):
        open_source(tmp_path / "t.parquet", columns=("area",))


# Row numbers


@pytest.mark.parametrize("header", ["", '""', "Unnamed: 0"])
@pytest.mark.parametrize("start", [0, 1, 17])
def test_row_numbers_are_left_out_and_said_to_be(tmp_path: Path, header: str, start: int) -> None:
    text = f"{header},a,y\n" + "".join(f"{start + at},{at % 2},{at % 3}\n" for at in range(9))
    with pytest.warns(GlassnetWarning, match=r"t\.csv.* only numbers the rows.* left out"):
        table = read(tmp_path, text, target="y")
    assert table.columns == ("a",)
    name = header.strip('"') or "column0"
    # Said to be left out, asked for by a model, or not asked for by one: nothing to warn of.
    assert read(tmp_path, text, target="y", ignore=[name]).fingerprint == table.fingerprint
    assert read(tmp_path, text, target="y", columns=("a",)).fingerprint == table.fingerprint
    assert read(tmp_path, text, target="y", columns=("a", name)).columns == (name, "a")


def test_what_pandas_writes_as_its_index_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [0.5, 1.5, 2.5, 4], "y": [1, 2, 1, 2]}).sample(frac=1, random_state=0)
    frame.to_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        with pytest.warns(GlassnetWarning, match="numbers the rows"):
            assert np.array_equal(open_source(tmp_path / name).inputs, frame.to_numpy())
    with (
        pytest.warns(GlassnetWarning, match="numbers the rows"),
        pytest.raises(DataError, match="no column to learn from"),
    ):
        open_source(tmp_path / "t.csv", target="y", ignore=["a"])


@pytest.mark.parametrize("text", ["0,5\n1,6\n", ",b\n0,5\n0,6\n", ",b\n0.5,5\n1.5,6\n", "a,b\n0,5\n1,6\n"])
def test_other_columns_are_no_row_numbers(tmp_path: Path, text: str) -> None:
    assert len(read(tmp_path, text).columns) == 2


# Names


def test_the_names_are_those_of_the_file(tmp_path: Path) -> None:
    # DuckDB itself would rename the second to "X_1".
    assert read(tmp_path, 'x,X,"a ""q"", b"\n1,2,3\n4,5,6\n').columns == ("x", "X", 'a "q", b')
    assert read_parquet(tmp_path, {"x": [1], "X": [2], "s": [3], "y z": [4]}).columns == ("x", "X", "s", "y z")
    nested = {"s": [{"x": 1, "y": [{"z": 1}]}], "x": [1], "X": [2]}
    assert read_parquet(tmp_path, nested, ignore=["s"]).columns == ("x", "X")
    assert read(tmp_path, ",b\n5,5\n5,6\n").columns == ("column0", "b")


def test_names_given_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than one column named 'x'"):
        read(tmp_path, "x,y,x\n1,2,3\n4,5,6\n")
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="more than one column named 'x'"):
        open_source(tmp_path / "t.parquet")


def test_an_unknown_target_gets_its_neighbours(tmp_path: Path) -> None:
    text = "area,price,rooms\n1,2,3\n4,5,6\n"
    with pytest.raises(DataError, match=r"no column 'Pirce'\. Did you mean 'price'\? It has area, price, rooms\."):
        read(tmp_path, text, target="Pirce")
    with pytest.raises(DataError, match=r"no column 'zzz'\. It has area, price, rooms\."):
        read(tmp_path, text, target="zzz")
    with pytest.raises(DataError, match=r"no column 'room' to ignore\. Did you mean 'rooms'\?"):
        read(tmp_path, text, ignore=["room"])
    with pytest.raises(DataError, match="cannot be the target and be ignored"):
        read(tmp_path, text, target="price", ignore=["price"])
    with pytest.raises(DataError, match="no column to learn from"):
        read(tmp_path, text, target="price", ignore=["area", "rooms"])
    wide = ",".join(f"column number {at}" for at in range(500))
    with pytest.raises(DataError, match="and 488 more"):
        read(tmp_path, f"{wide}\n{','.join('1' * 500)}\n", target="y")


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "2019,2020\n1,2\n", "1,2\n"])
def test_a_file_without_header_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="The first row looks like data"):
        read(tmp_path, text, target="price")
    assert len(read(tmp_path, text)) == text.count("\n")


# Lines


@pytest.mark.parametrize("text", ["#a,b\n1,2\n3,4\n", "# made\n# a,b\n1,2\n3,4\n", "# made\na,b\n1,2\n3,4\n"])
def test_comments_at_the_top(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, text)
    assert (table.columns, table.inputs.tolist()) == (("a", "b"), [[1, 2], [3, 4]])


def test_what_savetxt_writes(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,c", fmt="%.17g")
    table = open_source(tmp_path / "t.csv")
    assert table.columns == ("a", "b", "c")
    assert np.array_equal(table.inputs, rows)


def test_no_row_is_dropped_silently(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'a' .* holds text, '#3', in row 2"):
        read(tmp_path, "a,b\n1,2\n#3,4\n5,6\n")
    with pytest.raises(DataError, match="line 1, 'my title', does not fit the 3 columns"):
        read(tmp_path, "my title\n\na,b,c\n1,2,3\n4,5,6\n")
    with pytest.raises(DataError, match="line 1, 'a,b,c', does not fit the 5 columns"):
        read(tmp_path, "a,b,c\n1,2\n3,4,5,6\n7\n8,9,10,11,12\n")
    assert read(tmp_path, "\n\na,b\n1,2\n\n3,4\n\n").inputs.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("row", "found"), [("3,4,5", 3), ("3", 1)])
@pytest.mark.parametrize("before", [1, 30_000])
def test_a_line_of_another_length_is_named(tmp_path: Path, row: str, found: int, before: int) -> None:
    with pytest.raises(DataError, match=f"first line has 2 values and line {before + 2} has {found}"):
        read(tmp_path, "a,b\n" + "1,2\n" * before + row + "\n6,7\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    table = read(tmp_path, "größe,v\n1,2\n3,4\n".encode(encoding))
    assert (table.columns, table.inputs.tolist()) == (("größe", "v"), [[1, 2], [3, 4]])


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-32", "utf-32-be"])
def test_encodings_that_are_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DataError, match=r"UTF-(16|32).*Save it as UTF-8"):
        read(tmp_path, "\ufeffa,v\n1,2\n3,4\n".encode(encoding))


# Files


@pytest.mark.parametrize(
    "name",
    ["a*.csv", "a?.csv", "a[b].csv", "[!a].csv", "**.csv", "a{b,c}.csv", "it's \"q\".csv", "x;y --.csv", "50%20.csv",
     "$1.csv", "k=3.csv", "~.csv", "ab.csv", "A.CSV", "größe.csv", "back\\slash.csv"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_exactly_the_file_that_is_named_is_read(tmp_path: Path, name: str, ending: str) -> None:
    folder = tmp_path / "k=3 [*]" / "year='1'" if "\\" not in name else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    for decoy in ("aa", "ab", "b", "abc", "ac", "x"):
        (folder / f"{decoy}.csv").write_text("a,b\n0,0\n")
        pq.write_table(pa.table({"a": [0], "b": [0]}), folder / f"{decoy}.parquet")
    path = folder / name if ending == "csv" else folder / name.replace(".csv", ".parquet").replace(".CSV", ".PARQUET")
    if ending == "csv":
        path.write_text("a,b\n4,2\n")
    else:
        pq.write_table(pa.table({"a": [4], "b": [2]}), path)
    table = open_source(path)
    assert (table.columns, table.inputs.tolist()) == (("a", "b"), [[4, 2]])
    assert open_source(table.source).fingerprint == table.fingerprint


def test_a_name_that_duckdb_cannot_open_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="backslash"):
        read(tmp_path, "a,b\n1,2\n", "a\\*.csv")


def test_the_source_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert open_source("t.csv").source == str(tmp_path / "t.csv")
    (tmp_path / "digits.csv").write_text("a,b\n1,2\n")
    assert open_source("./digits.csv").columns == ("a", "b")


def test_messages_show_the_path_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep" / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep")
    (tmp_path / "t.csv").write_text("a,b\n1,x\n")
    for given_path, said in (("in/../../t.csv", "../t.csv"), (".//../t.csv", "../t.csv"), (f"{tmp_path}/t.csv",) * 2):
        with pytest.raises(DataError, match=f" of {said} holds"):
            open_source(given_path)
        table = open_source(given_path, ignore=["b"])
        assert (table.source, table.called) == (str(tmp_path / "t.csv"), said)
    with pytest.raises(DataError, match=r"^There is no file none\.csv\."):
        open_source("in/../none.csv")
    with pytest.raises(DataError, match=r"^The folder none does not exist"):
        open_source("mnist", folder="in/../none")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no links")
def test_a_detour_through_a_link_leads_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "far" / "in").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "in")
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "far" / "t.csv").write_text("a\n2\n")
    assert open_source(tmp_path / "link" / ".." / "t.csv").inputs.tolist() == [[2]]


def test_nothing_is_left_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read(tmp_path, "a,b\n" + "1,2\n" * 50_000)
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "is empty"),
        ("t.parquet", b"", "is empty"),
        ("t.csv", b"a,b\n", "has 2 columns and no rows"),
        ("t.csv", b"a", "has 1 column and no rows"),
        ("t.csv", b"PAR1....PAR1", "is not what its name says but a Parquet file: name it .parquet"),
        ("t.csv", b"PK\x03\x04....", "a ZIP archive or a spreadsheet"),
        ("t.parquet", b"PK\x03\x04....", "a ZIP archive or a spreadsheet"),
        ("t.csv", b"SQLite format 3\0", "an SQLite database"),
        ("t.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "compressed by gzip: name it .csv.gz"),
        ("t.csv.gz", b"a,b\n1,2\n", "not compressed by gzip"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-9], "damaged or incomplete gzip"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-8] + b"\0" * 8, "damaged or incomplete gzip"),
        ("t.parquet", b"a,b\n1,2\n", "does not begin with PAR1"),
        ("t.parquet", b"PAR1....", "does not end with PAR1"),
        ("t.parquet", b"PAR1" + bytes(40) + b"PAR1", "cannot be read as a table"),
        ("t.tsv", b"a,b\n1,2\n", "reads as one column, 'a,b'"),
        ("t.csv", b'","","",""', "a quote that is never closed"),
        ("t.csv", b"\x80,v\n1,2\n", "neither UTF-8 nor Latin-1"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, content, name)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_a_parquet_file_without_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 1 column and no rows"):
        read_parquet(tmp_path, {"a": pa.array([], pa.int64())})


def test_one_row_can_be_predicted(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,2\n").inputs.tolist() == [[1, 2]]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"There is no file .*pirces\.csv\. Did you mean .*prices\.csv"):
        open_source(tmp_path / "pirces.csv")
    with pytest.raises(DataError, match=r"There is no file .*zzz\.parquet\.$"):
        open_source(tmp_path / "zzz.parquet")
    with pytest.raises(DataError, match="does not exist either"):
        open_source(tmp_path / "none" / "prices.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.csv" / "inside.csv").write_text("")
    with pytest.raises(DataError, match=r"is a folder\. Name one file in it: inside\.csv"):
        open_source(tmp_path / "folder.csv")
