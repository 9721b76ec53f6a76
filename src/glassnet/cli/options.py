"""Options that several commands share, written once: their types, names and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

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
