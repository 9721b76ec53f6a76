"""Tables from CSV and Parquet files: which columns, are they all numbers, and what is the target's task.

All parsing is DuckDB's. This module says in a sentence what keeps a file from being a table of numbers, naming the
column and the first row; text, dates and missing values are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassnet.data.commas import DOUBT, WITH_COMMA
from glassnet.data.delimited import scan_delimited
from glassnet.data.duck import Scan, connection, is_integer, is_number, is_wide
from glassnet.data.parquet import scan_parquet
from glassnet.data.paths import straight
from glassnet.data.table import Table, Task
from glassnet.data.words import counted, it_has, leave_out, listed, nearest, shown, suggestion
from glassnet.errors import DataError, warn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
MOST_CLASSES = 20
AT_ONCE = 64  # columns fetched together: a second copy of so many exists for a moment
# What a row number is called that was written without a name: by DuckDB, by pandas in CSV, and in Parquet.
UNNAMED = re.compile(r"column\d+|Unnamed: \d+|__index_level_\d+__")
COMMAS = re.compile(r"[+-]?[\d.]*,[\d.,]*")
FOREIGN = {
    b"PAR1": "a Parquet file: name it .parquet",
    b"\x1f\x8b": "compressed by gzip: name it .csv.gz or .tsv.gz",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet: save it as CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"ARROW1": "an Arrow file: save it as Parquet",
}


@dataclass(frozen=True)
class _Reading:
    """One file while it is being read: what every sentence about it needs.

    Attributes
    ----------
    con : DuckDBPyConnection
        Holds the table t of the columns wanted, once it is made.
    path : Path
    scan : Scan
    target : str or None
    columns : sequence of str, or None
        The inputs that a trained model needs; None where a model is yet to be trained.
    """

    con: DuckDBPyConnection
    path: Path
    scan: Scan
    target: str | None
    columns: Sequence[str] | None

    def remedy(self, name: str, correct: str, otherwise: str = "") -> str:
        """Return what can be done about a column: correct it, or, unless it is needed, leave it out."""
        if self.columns is not None:
            return "This model needs it: correct or remove such rows."
        instead = otherwise if name == self.target else f", or {leave_out(name)}"
        return f"{correct}{instead}."


def read_file(
    path: Path,
    *,
    target: str | None = None,
    task: Task | None = None,
    ignore: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> Table:
    """Read a CSV or Parquet file of numbers.

    Parameters
    ----------
    path : Path
        Ends in one of `ENDINGS`.
    target : str, optional
        The column to predict; without one all columns are inputs.
    task : {"classification", "regression"}, optional
        What the target is. Without it, whole numbers or booleans (by their type, not 1.0 and 2.0) of at most 20
        distinct values are classes, in ascending order, and everything else is regression; a target with a single value
        is an error. With it, a single value is accepted, since a trained model may be tried on such rows.
    ignore : sequence of str
        Columns to leave out.
    columns : sequence of str, optional
        Read only these inputs, which a trained model needs.

    Returns
    -------
    Table
        float64, in the order of the file. A column without a name that numbers the rows is left out, with a warning,
        unless `columns` asks for it. Whole numbers that float64 cannot hold, such as 2**53 + 1, are refused.

    Raises
    ------
    DataError
        Where the file is not a table of numbers, or does not have the columns named.
    """
    _check_file(path)
    with connection(path) as con:
        scan = scan_parquet(con, path) if path.name.lower().endswith(".parquet") else scan_delimited(con, path)
        file = _Reading(con, path, scan, target, columns)
        _check_names(file, ignore)
        at_target = None if target is None else scan.names.index(target)
        chosen = [
            at
            for at, name in enumerate(scan.names)
            if at != at_target and name not in ignore and (columns is None or name in columns)
        ]
        wanted = chosen if at_target is None else [*chosen, at_target]
        for at in wanted:
            if not is_number(scan.types[at]):
                raise _not_numbers(file, at)
        names = ", ".join(f"c{at}" for at in wanted) or "1"
        con.execute(f"CREATE TEMP TABLE t AS SELECT {names} FROM {scan.sql}", list(scan.parameters))
        if _count(con) == 0:
            raise DataError(f"{path} has {counted(len(scan.names), 'column')} and no rows below their names.")
        if columns is None:
            chosen = _without_row_numbers(file, chosen)
        if not chosen and columns is None:
            raise DataError(
                f"{path} has no column to learn from: it has {listed(scan.names)}, and the target, row numbers and "
                "what is ignored are no inputs."
            )
        for at in wanted:
            if example := scan.thousands.get(at):
                warn(
                    f"{path} has decimal commas, so that the dots in its column {shown(scan.names[at])} separate "
                    f"thousands: {example} is read as {example.replace('.', '')}."
                )
        inputs = _numbers(file, chosen)
        classes: tuple[str, ...] = ()
        if at_target is None:
            targets, found = None, None
        else:
            found, classes, targets = _targets(file, at_target, _numbers(file, [at_target])[:, 0], task)
    return Table(
        inputs=inputs,
        columns=tuple(scan.names[at] for at in chosen),
        targets=targets,
        target=target,
        task=found,
        classes=classes,
        source=str(straight(path.absolute())),
        called=str(path),
    )


def _check_file(path: Path) -> None:
    """Refuse what is no file, is empty, or is known to be something else by its first bytes."""
    if path.is_dir():
        inside = [each.name for each in sorted(path.iterdir()) if each.name.lower().endswith(ENDINGS)]
        raise DataError(f"{path} is a folder. Name one file{f' in it: {listed(inside, 5)}' if inside else ''}.")
    if not path.exists():
        folder = path.parent
        near = nearest(path.name, [each.name for each in folder.iterdir()]) if folder.is_dir() else []
        if not folder.is_dir():
            hint = f" The folder {folder} does not exist either."
        else:
            hint = f" Did you mean {' or '.join(str(folder / each) for each in near)}?" if near else ""
        raise DataError(f"There is no file {path}.{hint}")
    if not path.is_file():
        raise DataError(f"{path} is not an ordinary file.")
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    if not head:
        raise DataError(f"{path} is empty. A table has the names of its columns in the first line and rows below.")
    name = path.name.lower()
    for start, what in FOREIGN.items():
        own = (start == b"PAR1" and name.endswith(".parquet")) or (start == b"\x1f\x8b" and name.endswith(".gz"))
        if head.startswith(start) and not own:
            raise DataError(f"{path} is not what its name says but {what}.")
    if name.endswith(".gz") and not head.startswith(b"\x1f\x8b"):
        raise DataError(f"{path} is not compressed by gzip, whatever its name says: name it without .gz.")


def _headless(scan: Scan) -> str:
    return " The first row looks like data: write the names of the columns above it." if scan.headless else ""


def _check_names(file: _Reading, ignore: Sequence[str]) -> None:
    path, target, names = file.path, file.target, file.scan.names
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(f"{path} has more than one column named {shown(twice[0])}. Give each column its own name.")
    headless = _headless(file.scan)
    if target is not None and target not in names:
        if file.columns is not None:
            raise DataError(
                f"{path} has no column {shown(target)}, which this model predicts.{headless}{it_has([target], names)}"
            )
        raise DataError(
            f"{path} has no column {shown(target)}.{suggestion(target, names)}{headless} It has {listed(names)}."
        )
    for name in ignore:
        if name not in names:
            hint = suggestion(name, names)
            raise DataError(f"{path} has no column {shown(name)} to ignore.{hint}{headless} It has {listed(names)}.")
    if missing := [name for name in file.columns or () if name not in names]:
        few = f"lacks the column{'' if len(missing) == 1 else 's'}"
        what = "has none of the columns" if len(missing) == len(file.columns or ()) else few
        raise DataError(f"{path} {what} {listed(missing)}, which this model reads.{headless}{it_has(missing, names)}")
    if target is not None and target in ignore:
        raise DataError(f"{shown(target)} cannot be the target and be ignored.")


def _without_row_numbers(file: _Reading, chosen: list[int]) -> list[int]:
    """Return the columns without those that have no name and tell all rows apart, as an index that was written along.

    They need not count from 0 or 1: an index keeps its numbers when rows are shuffled or taken out.
    """
    kept = []
    for at in chosen:
        name, kind = file.scan.names[at], file.scan.types[at]
        if not file.scan.headless and UNNAMED.fullmatch(name) and is_integer(kind) and kind != "BOOLEAN":
            row = file.con.execute(f"SELECT count(*) > 1 AND count(DISTINCT c{at}) = count(*) FROM t").fetchone()
            if row and row[0]:
                warn(
                    f"The column {shown(name)} of {file.path} only numbers the rows and is left out. "
                    "To learn from it, give it a name of its own."
                )
                continue
        kept.append(at)
    return kept


def _not_numbers(file: _Reading, at: int) -> DataError:
    """Say what a column holds instead of numbers, and the first row where it does."""
    con, path, scan = file.con, file.path, file.scan
    column, kind = shown(scan.names[at]), scan.types[at]
    remedy = file.remedy(scan.names[at], "Turn it into numbers")
    if "[" in kind or kind.startswith(("STRUCT", "MAP", "UNION", "LIST")):
        return DataError(f"The column {column} of {path} holds nested values, not numbers. {remedy}")
    con.execute(f"CREATE TEMP TABLE t AS SELECT c{at}::VARCHAR AS v FROM {scan.sql}", list(scan.parameters))
    if _count(con) == 0:
        return DataError(f"{path} has {counted(len(scan.names), 'column')} and no rows below their names.")
    first = "SELECT rowid + 1, v FROM t WHERE v IS NOT NULL AND {} ORDER BY rowid LIMIT 1"
    no_number = "NOT coalesce(isfinite(TRY_CAST(v AS DOUBLE)), false)"
    # Beside numbers with decimal commas, it is the one value that is none which has to be found.
    for condition in (f"{no_number} AND NOT regexp_full_match(trim(v), '{WITH_COMMA}')", no_number, "true"):
        found = con.execute(first.format(condition)).fetchone()
        if found:
            break
    else:
        return DataError(f"The column {column} of {path} is empty: every value is missing. {remedy}")
    row, value = found
    if str(value).strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return DataError(f"The column {column} of {path} holds {value}, no finite number, in row {row}. {remedy}")
    if kind.startswith(("DATE", "TIME", "INTERVAL")):
        what = f"a {'date' if kind == 'DATE' else 'time'}, {shown(value)},"
    elif kind == "BLOB":
        what = f"bytes, {shown(value)},"
    else:
        what = f"text, {shown(value)},"
    doubt = f" {DOUBT}." if COMMAS.fullmatch(str(value).strip()) else ""
    return DataError(f"The column {column} of {path} holds {what} in row {row}, not a number.{doubt} {remedy}")


def _count(con: DuckDBPyConnection) -> int:
    row = con.execute("SELECT count(*) FROM t").fetchone()
    return int(row[0]) if row else 0


def _numbers(file: _Reading, chosen: list[int]) -> NDArray[np.float64]:
    """Fetch columns of the table t as float64, (m, n), and refuse what float64 cannot hold."""
    numbers = np.empty((_count(file.con), len(chosen)), dtype=np.float64)
    for start in range(0, len(chosen), AT_ONCE):
        some = chosen[start : start + AT_ONCE]
        fetched = file.con.execute(f"SELECT {', '.join(f'c{at}::DOUBLE AS c{at}' for at in some)} FROM t").fetchnumpy()
        for place, at in enumerate(some, start=start):
            values: Any = fetched[f"c{at}"]
            missing = np.ma.getmaskarray(values)
            if missing.any():
                raise _refused(file, at, "a missing value", int(missing.argmax()))
            numbers[:, place] = np.ma.getdata(values)
            wrong = ~np.isfinite(numbers[:, place])
            if wrong.any():
                row = int(wrong.argmax())
                raise _refused(file, at, f"{numbers[row, place]}, no finite number,", row)
            if is_wide(file.scan.types[at]) and np.abs(numbers[:, place]).max() >= 2**53:
                _check_exact(file, at)
    return numbers


def _check_exact(file: _Reading, at: int) -> None:
    back = f"TRY_CAST(c{at}::DOUBLE AS {file.scan.types[at]})"
    changed = file.con.execute(
        f"SELECT rowid, c{at}::VARCHAR FROM t WHERE {back} IS DISTINCT FROM c{at} ORDER BY rowid LIMIT 1"
    ).fetchone()
    if changed:
        what = f"{changed[1]}, a whole number too long to be held exactly (beyond 2**53),"
        raise _refused(file, at, what, int(changed[0]))


def _refused(file: _Reading, at: int, what: str, row: int) -> DataError:
    name = file.scan.names[at]
    remedy = file.remedy(name, "Correct it", ", or remove the row")
    return DataError(f"The column {shown(name)} of {file.path} holds {what} in row {row + 1}. {remedy}")


def _targets(
    file: _Reading, at: int, values: NDArray[np.float64], task: Task | None
) -> tuple[Task, tuple[str, ...], NDArray[Any]]:
    """Decide the task; return it, the names of the classes, and the targets."""
    target, kind = f"The target {shown(file.scan.names[at])} of {file.path}", file.scan.types[at]
    distinct = np.unique(values)
    if task is None:
        if len(distinct) == 1:
            where = "has a single row" if len(values) == 1 else f"is {distinct[0]:g} in all {len(values)} rows"
            raise DataError(f"{target} {where}: there is nothing to learn. Name another column.")
        task = "classification" if is_integer(kind) and len(distinct) <= MOST_CLASSES else "regression"
    if task == "regression":
        return task, (), values
    uneven = distinct != np.floor(distinct)
    if uneven.any():
        value = f"{target} holds {float(distinct[uneven.argmax()])!r}"
        if file.columns is not None:
            raise DataError(
                f"{value}, and the classes that this model tells apart are whole numbers. Correct or remove such rows."
            )
        raise DataError(f"{value}, and classes are whole numbers. Train it as regression, or number the classes.")
    names = ("false", "true") if kind == "BOOLEAN" else None
    classes = tuple(names[int(each)] if names else str(int(each)) for each in distinct)
    return task, classes, np.searchsorted(distinct, values).astype(np.int64)
