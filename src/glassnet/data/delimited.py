"""How a CSV or TSV file is to be read: DuckDB's sniffer sees all of it, and what it would drop silently is refused.

The sniffer decides delimiter, quotes, header and types. It sees the whole file, since from a sample it would take a
column for whole numbers and round a later 1.5 to 2. Lines it skips, and lines of other lengths, become sentences here.
"""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.data.commas import OPTIONS, decimal_commas, is_with_comma
from glassnet.data.duck import CSV_LINE, Scan, exactly, first_line, is_number
from glassnet.data.words import counted, shown
from glassnet.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITERS = ",;\t|"
LONGEST_LINE = 1 << 26  # bytes; DuckDB stops at 2 MB by itself
FOUND = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def scan_delimited(con: DuckDBPyConnection, path: Path) -> Scan:
    """Decide how a file of delimited text is to be read.

    Parameters
    ----------
    con : DuckDBPyConnection
    path : Path
        An existing file whose name ends in .csv or .tsv, with or without .gz. Lines that begin with # are comments
        where the first line does; the last of them may name the columns, as NumPy's savetxt writes it.

    Raises
    ------
    DataError
        Where the text is not one table.
    """
    name = path.name.lower()
    zipped = name.endswith(".gz")
    head = _head(path, zipped)
    encoding = _encoding(path, head)
    lines = head.decode(encoding, errors="replace").lstrip("\ufeff").splitlines()
    comments = 0
    while comments < len(lines) and lines[comments].startswith("#"):
        comments += 1
    options = {
        "compression": "gzip" if zipped else "none",
        "encoding": encoding,
        "comment": "#" if comments else "",
    }
    if name.removesuffix(".gz").endswith(".tsv"):
        options["delim"] = "\t"
    dialect = _between_commas(con, path, _sniff(con, path, options, lines), lines[comments:])
    if comments and not dialect["HasHeader"]:
        named = _named_by_comment(con, path, options, comments, len(dialect["Columns"]))
        dialect = named or dialect
    skipped = lines[: dialect["SkipRows"]]
    for number, line in enumerate(skipped, start=1):
        if line.strip() and not (comments and line.startswith("#")):
            raise DataError(
                f"{path} does not begin as a table: line {number}, {shown(line)}, does not fit the "
                f"{counted(len(dialect['Columns']), 'column')} of the lines below. Remove it, or make all lines alike."
                f"{_lonely_comma(lines[number:])}"
            )
    return _scan(con, path, dialect, lines)


def _scan(con: DuckDBPyConnection, path: Path, dialect: dict[str, Any], lines: list[str]) -> Scan:
    kinds = [str(column["type"]) for column in dialect["Columns"]]
    names = [str(column["name"]) for column in dialect["Columns"]]
    header = bool(dialect["HasHeader"])
    bound: dict[str, str] = dialect["options"] | {
        option: "" if dialect[key] in (None, "(empty)") else str(dialect[key])
        for option, key in (("delim", "Delimiter"), ("quote", "Quote"), ("escape", "Escape"), ("comment", "Comment"))
    }

    def source(types: list[str], header: bool) -> str:
        # Dates and the like are read as the text they are, to be shown as written.
        columns = ", ".join(f"'c{at}': '{kind if is_number(kind) else 'VARCHAR'}'" for at, kind in enumerate(types))
        given = "".join(f", {option} = ${at}" for at, option in enumerate(bound, start=2))
        return (
            f"read_csv($1, auto_detect = false, columns = {{{columns}}}, skip = {int(dialect['SkipRows'])}, "
            f"header = {str(header).lower()}, hive_partitioning = false, max_line_size = {LONGEST_LINE}{given})"
        )

    text, parameters = ["VARCHAR"] * len(kinds), [exactly(path), *bound.values()]
    if header:
        # DuckDB has renamed what it takes for duplicates, x and X too: the names as they are written.
        row = con.execute(f"SELECT * FROM {source(text, False)} LIMIT 1", parameters).fetchone()
        written = [str(name or "").lstrip("\ufeff").strip() for name in row or ()]
        if dialect["commented"] and written:
            written[0] = written[0].lstrip("# ")
        there = [name for name in written if name]
        if kinds == text and any("," in name for name in there) and all(map(is_with_comma, there)):
            # Where all is text, DuckDB takes the first row for names, numbers with decimal commas too.
            header, names = False, [f"column{at}" for at in range(len(names))]
        elif written:
            names = [name or made for name, made in zip(written, names, strict=True)]
    if len(names) == 1 and any(mark in names[0] for mark in DELIMITERS):
        raise _ragged(con, path, dialect["options"], lines) or DataError(
            f"{path} reads as one column, {shown(names[0])}: its lines do not split alike by any delimiter. "
            "Separate values by commas and quote those that contain one."
        )
    commas = decimal_commas(con, source(text, header), parameters, kinds)
    if commas:
        kinds, bound = list(commas.types), bound | OPTIONS
    return Scan(
        names=tuple(names),
        types=tuple(kinds),
        sql=source(kinds, header),
        parameters=(exactly(path), *bound.values()),
        headless=not header,
        thousands=commas.thousands if commas else {},
    )


def _sniff(
    con: DuckDBPyConnection, path: Path, options: dict[str, str], lines: list[str], **fixed: str | int
) -> dict[str, Any]:
    """Ask DuckDB's sniffer; the text is UTF-8 unless it cannot be."""
    import duckdb

    given = "".join(f", {option} = ${at}" for at, option in enumerate(options, start=2))
    given += "".join(f", {option} = {value}" for option, value in fixed.items())
    query = (
        "SELECT * FROM sniff_csv($1, sample_size = -1, hive_partitioning = false, "
        f"max_line_size = {LONGEST_LINE}{given})"
    )
    try:
        cursor = con.execute(query, [exactly(path), *options.values()])
        row = cursor.fetchone()
    except duckdb.InterruptException:
        raise
    except duckdb.Error as problem:
        if "not utf-8" in str(problem) and options["encoding"] == "utf-8":
            return _sniff(con, path, options | {"encoding": "latin-1"}, lines, **fixed)
        if "memory" in str(problem).lower():
            raise
        raise _ragged(con, path, options, lines) or _unreadable(path, problem) from problem
    names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, row or (), strict=True)) | {"options": options, "commented": False}


def _between_commas(con: DuckDBPyConnection, path: Path, dialect: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    """Return the dialect by the delimiter of the first line, where DuckDB has split at what may be decimal commas."""
    fits = dialect["HasHeader"] and not dialect["SkipRows"]
    if dialect["Delimiter"] != "," or fits or all(is_number(str(each["type"])) for each in dialect["Columns"]):
        return dialect
    top = next((line for line in lines if line.strip()), "")
    mark = max(DELIMITERS.replace(",", ""), key=top.count)
    if not 0 < top.count(mark) >= top.count(",") - 1:  # n values have n - 1 delimiters and at most n decimal commas
        return dialect
    try:
        other = _sniff(con, path, dialect["options"] | {"delim": mark}, [])
    except DataError:
        return dialect
    return dialect if any(line.strip() for line in lines[: other["SkipRows"]]) else other


def _lonely_comma(lines: list[str]) -> str:
    """Return what to do where the lines are single numbers with decimal commas, which read as two columns."""
    below = next((line.strip() for line in lines if line.strip()), "")
    return f' If these are decimal commas, quote each number: "{below}".' if is_with_comma(below) else ""


def _named_by_comment(
    con: DuckDBPyConnection, path: Path, options: dict[str, str], comments: int, columns: int
) -> dict[str, Any] | None:
    """Read the last comment line as the header, where it fits the columns below."""
    try:
        dialect = _sniff(con, path, options | {"comment": ""}, [], skip=comments - 1, header="true")
    except DataError:
        return None
    fits = len(dialect["Columns"]) == columns and dialect["SkipRows"] == comments - 1
    return dialect | {"commented": True} if fits else None


def _unreadable(path: Path, problem: BaseException) -> DataError:
    line = first_line(problem)
    if "sniffing" in line:
        line = "its lines share no delimiter, quote and number of values"
    if "not latin-1" in line:
        line = "it is neither UTF-8 nor Latin-1"
    return DataError(f"{path} cannot be read as CSV: {line}. Save it again as UTF-8 text with commas and a header.")


def _ragged(con: DuckDBPyConnection, path: Path, options: dict[str, str], lines: list[str]) -> DataError | None:
    """Return the sentence that names the first line with another number of values, where that is what is wrong."""
    import duckdb

    top = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    for delimiter in sorted(DELIMITERS, key=top.count, reverse=True):
        width = top.count(delimiter) + 1
        if width == 1 or '"' in top:
            continue
        columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(width))
        bound = options | {"delim": delimiter, "quote": '"', "escape": '"'}
        given = "".join(f", {option} = ${at}" for at, option in enumerate(bound, start=2))
        query = (
            f"SELECT count(*) FROM read_csv($1, auto_detect = false, header = false, columns = {{{columns}}}, "
            f"hive_partitioning = false, max_line_size = {LONGEST_LINE}{given})"
        )
        try:
            con.execute(query, [exactly(path), *bound.values()]).fetchall()
        except duckdb.InterruptException:
            raise
        except duckdb.Error as problem:
            line, found = CSV_LINE.search(str(problem)), FOUND.search(str(problem))
            if line and found:
                return DataError(
                    f"{path} is not one table: its first line has {found[1]} values and line {line[1]} has {found[2]}. "
                    "Make all lines alike, and quote values that contain the delimiter."
                )
    return None


def _head(path: Path, zipped: bool) -> bytes:
    """Return the first bytes of the text; a gzip file is read through, since DuckDB does not compare its checksum."""
    if not zipped:
        with path.open("rb") as stream:
            return stream.read(1 << 16)
    try:
        with gzip.open(path) as packed:
            head = packed.read(1 << 16)
            while packed.read(1 << 20):
                pass
            return head
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{path} is a damaged or incomplete gzip file. Make or download it again.") from problem


def _encoding(path: Path, head: bytes) -> str:
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise DataError(f"{path} is text in UTF-32. Save it as UTF-8.")
    if head.startswith(b"\xfe\xff") or (len(head) > 3 and head[0] == 0 and head[2] == 0):
        raise DataError(f"{path} is text in UTF-16, big-endian. Save it as UTF-8.")
    if head.startswith(b"\xff\xfe") or (len(head) > 3 and head[1] == 0 and head[3] == 0):
        return "utf-16"
    return "utf-8"
