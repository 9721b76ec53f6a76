"""Decimal commas: 30,5 for 30.5 and 1.234,5 for 1234.5, as much of the world writes them.

The other way round, 1,234.5 is 1234.5 too, so that 1,234 by itself says nothing. A file is read with decimal commas
only where nothing in it speaks against them; a doubt becomes a refusal, never a number that is wrong a thousandfold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.data.duck import is_integer, is_number

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Read by DuckDB as well as by Python. No zeros in front: 007 and 007,5 are names, not numbers.
WITH_COMMA = r"[+-]?((0|[1-9]\d*|[1-9]\d{0,2}(\.\d{3})+)(,\d*)?|,\d+)([eE][+-]?\d+)?"
FITS = f"regexp_full_match(v, '{WITH_COMMA}')"
THOUSANDS = r"regexp_full_match(v, '[+-]?[1-9]\d{0,2}(,\d{3})+')"
OPTIONS = {"decimal_separator": ",", "thousands": "."}  # for read_csv; it drops every dot, in 1.234 as in 1.5
DOUBT = (
    "Decimal commas are read only in a file without decimal points, where at least one comma cannot separate thousands"
)


@dataclass(frozen=True)
class Commas:
    """What a file is with decimal commas.

    Attributes
    ----------
    types : tuple of str
        DuckDB's types of its columns.
    thousands : dict
        Columns that were numbers with decimal points before, as position: one of the values with a dot.
    """

    types: tuple[str, ...]
    thousands: dict[int, str]


def decimal_commas(
    con: DuckDBPyConnection, text: str, parameters: Sequence[str], types: Sequence[str]
) -> Commas | None:
    """Find out whether the numbers of a file have decimal commas.

    Parameters
    ----------
    con : DuckDBPyConnection
    text : str
        What stands after FROM to read every column as text; it calls them c0, c1, …
    parameters : sequence of str
        The values bound in it.
    types : sequence of str
        DuckDB's types of the columns, read with decimal points.

    Returns
    -------
    Commas or None
        None where no text column is full of numbers with decimal commas, where each of their commas may separate
        thousands, or where another column has decimal points.
    """

    def look(columns: list[int], questions: str) -> dict[int, tuple[Any, ...]]:
        # One row a value: questions asked of thousands of columns side by side would take DuckDB minutes to plan.
        values = f"SELECT unnest({columns}) AS place, trim(unnest([{', '.join(f'c{at}' for at in columns)}])) AS v"
        query = f"SELECT place, {questions} FROM ({values} FROM {text}) GROUP BY place"
        return {row[0]: row[1:] for row in con.execute(query, list(parameters)).fetchall()} if columns else {}

    texts = look(
        [at for at, kind in enumerate(types) if kind == "VARCHAR"],
        f"coalesce(bool_and({FITS}), false), bool_or(contains(v, ',')), bool_or(contains(v, ',') AND NOT {THOUSANDS})",
    )
    numbers = {at: fractions for at, (all_fit, fractions, _) in texts.items() if all_fit}
    if not any(texts[at][2] for at in numbers):
        return None
    dotted = look(
        [at for at, kind in enumerate(types) if is_number(kind) and not is_integer(kind)],
        # 1e5 and nan are no whole numbers.
        f"coalesce(bool_and({FITS} OR NOT contains(v, '.')), true), min(v) FILTER (contains(v, '.')), "
        "bool_or(regexp_matches(v, '[^0-9.+-]'))",
    )
    if not all(all_fit for all_fit, _, _ in dotted.values()):
        return None
    wholes = {at for at, fractions in numbers.items() if not fractions}
    wholes |= {at for at, (_, example, other) in dotted.items() if example is not None and not other}
    return Commas(
        types=tuple("BIGINT" if at in wholes else "DOUBLE" if at in numbers else kind for at, kind in enumerate(types)),
        thousands={at: str(example) for at, (_, example, _) in dotted.items() if example is not None},
    )


def is_with_comma(text: str) -> bool:
    """Tell whether a text is a number as it is written with decimal commas."""
    return re.fullmatch(WITH_COMMA, text.strip()) is not None
