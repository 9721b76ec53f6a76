"""Options that several commands share, written once: their types, names and help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

from cyclopts import Parameter, Token


def whole(type_: Any, tokens: Sequence[Token]) -> Any:
    """Read whole numbers, one or a list, also "64,32"; a fraction is refused and not rounded."""
    words = [word for token in tokens for word in token.value.replace(",", " ").split()]
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        shown = " ".join(token.value for token in tokens)
        raise ValueError(f"{shown!r} is no {'list of whole numbers' if _is_list(type_) else 'whole number'}.") from None
    return numbers if _is_list(type_) else numbers[0]


def rows_or_all(type_: Any, tokens: Sequence[Token]) -> Any:
    """Read a whole number, or the word all."""
    return "all" if tokens[0].value == "all" else whole(int, tokens)


def _is_list(type_: Any) -> bool:
    return get_origin(type_) is list


Source = Annotated[
    str,
    Parameter(help="The rows: digits, digits:3,7, mnist, or a CSV or Parquet file of numbers."),
]
ModelPath = Annotated[Path, Parameter(help="A model file, such as digits.safetensors.")]
Data = Annotated[Path | None, Parameter(help="The folder with MNIST's IDX files, gzipped or not.")]
Target = Annotated[str | None, Parameter(help="The column to predict.")]
Task = Annotated[
    Literal["classification", "regression"] | None,
    Parameter(help="What to predict: one of a few classes, or a number. Seen from the target column if left out."),
]
Ignore = Annotated[
    list[str] | None,
    Parameter(consume_multiple=True, negative=(), help="Columns to leave out."),
]
Json = Annotated[bool, Parameter(negative=(), help="Print one JSON object and nothing else.")]
Whole = Annotated[int, Parameter(converter=whole)]
WholeOrNone = Annotated[int | None, Parameter(converter=whole)]
Sizes = Annotated[list[int] | None, Parameter(converter=whole, consume_multiple=True, negative=())]
RowsOrAll = Annotated[int | Literal["all"] | None, Parameter(converter=rows_or_all)]
