"""Tables from CSV and Parquet files: which columns, are they all numbers, and what is the target's task.

All parsing is DuckDB's. This module says in a sentence what keeps a file from being a table of numbers, naming the
column and the first row; text, dates and missing values are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassnet.data.delimited import scan_delimited
from glassnet.data.duck import Scan, connection, is_integer, is_number, is_wide
from glassnet.data.parquet import scan_parquet
from glassnet.data.table import Table, Task
from glassnet.data.words import counted, leave_out, listed, nearest, shown, suggestion
from glassnet.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
MOST_CLASSES = 20
AT_ONCE = 64  # columns fetched together: a second copy of so many exists for a moment
FOREIGN = {
    b"PAR1": "a Parquet file: name it .parquet",
    b"\x1f\x8b": "compressed by gzip: name it .csv.gz or .tsv.gz",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet: save it as CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"ARROW1": "an Arrow file: save it as Parquet",
}


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
        Read only these inputs, those of them that the file has.

    Returns
    -------
    Table
        float64, in the order of the file. Whole numbers that float64 cannot hold, such as 2**53 + 1, are refused.

    Raises
    ------
    DataError
        Where the file is not a table of numbers, or does not have the columns named.
    """
    _check_file(path)
    with connection(path) as con:
        scan = scan_parquet(con, path) if path.name.lower().endswith(".parquet") else scan_delimited(con, path)
        _check_names(path, scan, target, ignore)
        at_target = None if target is None else scan.names.index(target)
        chosen = [
            at
            for at, name in enumerate(scan.names)
            if at != at_target and name not in ignore and (columns is None or name in columns)
        ]
        if not chosen and columns is None:
            raise DataError(
                f"{path} has no column to learn from: {listed(scan.names)} is all, and that is the target or ignored."
            )
        wanted = chosen if at_target is None else [*chosen, at_target]
        for at in wanted:
            if not is_number(scan.types[at]):
                raise _not_numbers(con, path, scan, at, at == at_target)
        if not wanted:
            raise DataError(f"{path} has none of the columns {listed(columns or ())}. It has {listed(scan.names)}.")
        names = ", ".join(f"c{at}" for at in wanted)
        con.execute(f"CREATE TEMP TABLE t AS SELECT {names} FROM {scan.sql}", list(scan.parameters))
        if _count(con) == 0:
            raise DataError(f"{path} has {counted(len(scan.names), 'column')} and no rows below their names.")
        inputs = _numbers(con, path, scan, chosen, target)
        classes: tuple[str, ...] = ()
        if at_target is None:
            targets, found = None, None
        else:
            values = _numbers(con, path, scan, [at_target], target)[:, 0]
            found, classes, targets = _targets(path, scan.names[at_target], scan.types[at_target], values, task)
    return Table(
        inputs=inputs,
        columns=tuple(scan.names[at] for at in chosen),
        targets=targets,
        target=target,
        task=found,
        classes=classes,
        source=str(path.absolute()),
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


def _check_names(path: Path, scan: Scan, target: str | None, ignore: Sequence[str]) -> None:
    twice = [name for name, times in Counter(scan.names).items() if times > 1]
    if twice:
        raise DataError(f"{path} has more than one column named {shown(twice[0])}. Give each column its own name.")
    headless = " The first row looks like data: write the names of the columns above it." if scan.headless else ""
    if target is not None and target not in scan.names:
        hint = suggestion(target, scan.names)
        raise DataError(f"{path} has no column {shown(target)}.{hint}{headless} It has {listed(scan.names)}.")
    for name in ignore:
        if name not in scan.names:
            hint = suggestion(name, scan.names)
            raise DataError(
                f"{path} has no column {shown(name)} to ignore.{hint}{headless} It has {listed(scan.names)}."
            )
    if target is not None and target in ignore:
        raise DataError(f"{shown(target)} cannot be the target and be ignored.")


def _not_numbers(con: DuckDBPyConnection, path: Path, scan: Scan, at: int, is_target: bool) -> DataError:
    """Say what a column holds instead of numbers, and the first row where it does."""
    column, kind = shown(scan.names[at]), scan.types[at]
    remedy = "Turn it into numbers" if is_target else f"Turn it into numbers, or {leave_out(scan.names[at])}"
    if "[" in kind or kind.startswith(("STRUCT", "MAP", "UNION", "LIST")):
        return DataError(f"The column {column} of {path} holds nested values, not numbers. {remedy}.")
    con.execute(f"CREATE TEMP TABLE t AS SELECT c{at}::VARCHAR AS v FROM {scan.sql}", list(scan.parameters))
    if _count(con) == 0:
        return DataError(f"{path} has {counted(len(scan.names), 'column')} and no rows below their names.")
    first = "SELECT rowid + 1, v FROM t WHERE v IS NOT NULL AND {} ORDER BY rowid LIMIT 1"
    found = con.execute(first.format("NOT coalesce(isfinite(TRY_CAST(v AS DOUBLE)), false)")).fetchone()
    found = found or con.execute(first.format("true")).fetchone()
    if found is None:
        return DataError(f"The column {column} of {path} is empty: every value is missing. {remedy}.")
    row, value = found
    if str(value).strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return DataError(f"The column {column} of {path} holds {value}, no finite number, in row {row}. {remedy}.")
    if kind.startswith(("DATE", "TIME", "INTERVAL")):
        what = f"a {'date' if kind == 'DATE' else 'time'}, {shown(value)},"
    elif kind == "BLOB":
        what = f"bytes, {shown(value)},"
    else:
        what = f"text, {shown(value)},"
    return DataError(f"The column {column} of {path} holds {what} in row {row}, not a number. {remedy}.")


def _count(con: DuckDBPyConnection) -> int:
    row = con.execute("SELECT count(*) FROM t").fetchone()
    return int(row[0]) if row else 0


def _numbers(
    con: DuckDBPyConnection, path: Path, scan: Scan, chosen: list[int], target: str | None
) -> NDArray[np.float64]:
    """Fetch columns of the table t as float64, (m, n), and refuse what float64 cannot hold."""
    numbers = np.empty((_count(con), len(chosen)), dtype=np.float64)
    for start in range(0, len(chosen), AT_ONCE):
        some = chosen[start : start + AT_ONCE]
        fetched = con.execute(f"SELECT {', '.join(f'c{at}::DOUBLE AS c{at}' for at in some)} FROM t").fetchnumpy()
        for place, at in enumerate(some, start=start):
            values: Any = fetched[f"c{at}"]
            missing = np.ma.getmaskarray(values)
            if missing.any():
                raise _refused(path, scan.names[at], target, "a missing value", int(missing.argmax()))
            numbers[:, place] = np.ma.getdata(values)
            wrong = ~np.isfinite(numbers[:, place])
            if wrong.any():
                row = int(wrong.argmax())
                raise _refused(path, scan.names[at], target, f"{numbers[row, place]}, no finite number,", row)
            if is_wide(scan.types[at]) and np.abs(numbers[:, place]).max() >= 2**53:
                _check_exact(con, path, scan, at, target)
    return numbers


def _check_exact(con: DuckDBPyConnection, path: Path, scan: Scan, at: int, target: str | None) -> None:
    back = f"TRY_CAST(c{at}::DOUBLE AS {scan.types[at]})"
    changed = con.execute(
        f"SELECT rowid, c{at}::VARCHAR FROM t WHERE {back} IS DISTINCT FROM c{at} ORDER BY rowid LIMIT 1"
    ).fetchone()
    if changed:
        what = f"{changed[1]}, a whole number too long to be held exactly (beyond 2**53),"
        raise _refused(path, scan.names[at], target, what, int(changed[0]))


def _refused(path: Path, name: str, target: str | None, what: str, row: int) -> DataError:
    remedy = "remove the row" if name == target else leave_out(name)
    return DataError(f"The column {shown(name)} of {path} holds {what} in row {row + 1}. Correct it, or {remedy}.")


def _targets(
    path: Path, name: str, kind: str, values: NDArray[np.float64], task: Task | None
) -> tuple[Task, tuple[str, ...], NDArray[Any]]:
    """Decide the task; return it, the names of the classes, and the targets."""
    distinct = np.unique(values)
    if task is None:
        if len(distinct) == 1:
            where = "has a single row" if len(values) == 1 else f"is {distinct[0]:g} in all {len(values)} rows"
            raise DataError(
                f"The target {shown(name)} of {path} {where}: there is nothing to learn. Name another column."
            )
        task = "classification" if is_integer(kind) and len(distinct) <= MOST_CLASSES else "regression"
    if task == "regression":
        return task, (), values
    uneven = distinct != np.floor(distinct)
    if uneven.any():
        raise DataError(
            f"The target {shown(name)} of {path} holds {float(distinct[uneven.argmax()])!r}, and classes are whole "
            "numbers. Train it as regression, or number the classes."
        )
    names = ("false", "true") if kind == "BOOLEAN" else None
    classes = tuple(names[int(each)] if names else str(int(each)) for each in distinct)
    return task, classes, np.searchsorted(distinct, values).astype(np.int64)
