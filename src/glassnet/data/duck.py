"""DuckDB, kept at arm's length: a private connection, the name of exactly one file, and scans with columns c0, c1, …

What DuckDB reads is described by a `Scan`; names that people wrote never enter SQL. DuckDB is imported here, and only
when a file is opened.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.data.words import shown
from glassnet.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WIDE = frozenset(("BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT", "BIGNUM"))
INTEGERS = WIDE | {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"}

CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
CSV_REASONS = {
    "unterminated quote": "has a quote that is never closed",
    "Invalid unicode": "holds bytes that are no text",
    "Maximum line size": "is longer than 64 MiB",
    "Expected Number of Columns": "has another number of values than the first",
}


@dataclass(frozen=True)
class Scan:
    """A file as DuckDB will read it.

    Attributes
    ----------
    names, types : tuple of str
        The file's own column names and DuckDB's types for them.
    sql : str
        What stands after FROM; it calls the columns c0, c1, …
    parameters : tuple of str
        The values bound to $1, $2, … in it.
    headless : bool
        The file does not name its columns, or its first row of names looks like data.
    thousands : dict
        Columns whose dots could be decimal points but for the decimal commas of others, as position: one such value.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    sql: str
    parameters: tuple[str, ...]
    headless: bool = False
    thousands: dict[int, str] = field(default_factory=dict)


def is_integer(kind: str) -> bool:
    """Tell whether a DuckDB type holds whole numbers or booleans."""
    return kind in INTEGERS or kind == "BOOLEAN" or (kind.startswith("DECIMAL") and kind.endswith(",0)"))


def is_number(kind: str) -> bool:
    """Tell whether a DuckDB type holds numbers or booleans."""
    return is_integer(kind) or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL")


def is_wide(kind: str) -> bool:
    """Tell whether a DuckDB type can hold whole numbers that float64 cannot."""
    return kind in WIDE or (kind.startswith("DECIMAL") and kind.endswith(",0)"))


@contextmanager
def connection(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a private in-memory DuckDB to read one file with.

    Parameters
    ----------
    path : Path
        The file that is about to be read, for the sentence where DuckDB gives up on it.

    Raises
    ------
    DataError
        In place of whatever DuckDB raises within the block.
    """
    import duckdb

    # Downloads nothing by itself, and spills beside other temporary files and not into the folder a person works in.
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": tempfile.gettempdir(),
    }
    con = duckdb.connect(":memory:", config=config)
    try:
        con.execute("SET enable_progress_bar = false")
        yield con
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except (duckdb.OutOfMemoryException, MemoryError) as problem:
        raise DataError(f"{path} does not fit into this machine's memory.") from problem
    except (duckdb.Error, UnicodeError) as problem:
        raise DataError(f"{path} cannot be read as a table: {first_line(problem)}.") from problem
    finally:
        con.close()


def first_line(problem: BaseException) -> str:
    """Return the part of DuckDB's message that a person can use: its first line, or for CSV the line and the reason."""
    lines = str(problem).strip().splitlines() or ["no reason given"]
    if found := CSV_LINE.search(lines[0]):
        reason = next((why for sign, why in CSV_REASONS.items() if sign in str(problem).split("Possible")[0]), None)
        return f"line {found[1]} {reason or 'does not fit the others'}"
    head, _, rest = lines[0].partition("Error: ")
    text = (rest if rest and len(head) < 30 else lines[0]).strip().rstrip(".")
    return shown(text, 200)[1:-1]


def exactly(path: Path) -> str:
    """Return the name by which DuckDB opens this one file, though its name has characters of a pattern in it.

    Raises
    ------
    DataError
        Where there is no such name: a backslash that separates no folders, together with such a character.
    """
    name = str(path)
    if not any(mark in name for mark in "*?["):
        return name
    if "\\" in name and os.sep != "\\":
        raise DataError(f"DuckDB cannot open {shown(name, 200)}: its name has a backslash and one of * ? [. Rename it.")
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in name)
