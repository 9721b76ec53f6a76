"""How a Parquet file is to be read: its own column names and DuckDB's types for them.

A nested column stays one column here, of a type that the table then refuses by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.data.duck import Scan, exactly
from glassnet.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def scan_parquet(con: DuckDBPyConnection, path: Path) -> Scan:
    """Decide how a Parquet file is to be read.

    Parameters
    ----------
    con : DuckDBPyConnection
    path : Path
        An existing file whose name ends in .parquet.

    Raises
    ------
    DataError
        Where the file is not Parquet or holds no columns.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(-min(4, path.stat().st_size), 2)
        end = stream.read(4)
    if start != b"PAR1":
        raise DataError(f"{path} is not a Parquet file, whatever its name says: it does not begin with PAR1.")
    if end != b"PAR1":
        raise DataError(f"{path} is an incomplete Parquet file: it does not end with PAR1. Make or download it again.")
    source, parameters = "read_parquet($1, hive_partitioning = false)", (exactly(path),)
    described = con.execute(f"SELECT * FROM {source} LIMIT 0", list(parameters)).description or []
    names, kinds = [str(column[0]) for column in described], tuple(str(column[1]) for column in described)
    # DuckDB has renamed what it takes for duplicates, x and X too: the names as they are written.
    written = _top_names(con, parameters)
    if len(written) == len(names):
        names = written
    if not names:
        raise DataError(f"{path} holds no columns.")
    aliases = ", ".join(f"c{at}" for at in range(len(names)))
    return Scan(names=tuple(names), types=kinds, sql=f"{source} AS file({aliases})", parameters=parameters)


def _top_names(con: DuckDBPyConnection, parameters: tuple[str, ...]) -> list[str]:
    """Walk the schema, which lists every node before its children, and return the children of the root."""
    nodes = con.execute("SELECT name, num_children FROM parquet_schema($1)", list(parameters)).fetchall()
    names: list[str] = []
    inside = 0
    for name, children in nodes[1:]:
        if inside:
            inside -= 1
        else:
            names.append(str(name))
        inside += int(children or 0)
    return names
