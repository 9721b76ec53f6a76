"""`glassnet predict`: what a saved network makes of rows."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from glassnet.cli.console import note, say, say_json
from glassnet.cli.models import open_model
from glassnet.cli.options import Data, Json, ModelPath, Source
from glassnet.data import Decoded
from glassnet.files import write_bytes

_ROWS_ON_A_SCREEN = 10


def predict(
    model: ModelPath,
    source: Source,
    /,
    *,
    data: Data = None,
    out: Annotated[Path | None, Parameter(help="A CSV file to write all predictions to.")] = None,
    json: Json = False,
) -> None:
    """Predict rows with a saved network: CSV on standard output, in the order of the rows.

    On a terminal only the first rows are shown; piped, or with --out, all of them.
    """
    opened = open_model(model, source, data, with_truth=False)
    decoded = opened.encoder.decode(opened.model.network.predict(opened.x))
    header, rows = _as_rows(decoded)
    if out is not None:
        write_bytes(out, _as_csv(header, rows).encode())
    if json:
        columns = {f"{name}s": [row[k] for row in rows] for k, name in enumerate(header) if k > 0}
        say_json({"model": str(model), "source": opened.table.source, **columns})
    elif out is not None:
        say(f"{len(rows):,} predictions written to {out}.")
    elif sys.stdout.isatty() and len(rows) > _ROWS_ON_A_SCREEN:
        say(_as_csv(header, rows[:_ROWS_ON_A_SCREEN]).rstrip())
        note(f"the first {_ROWS_ON_A_SCREEN} of {len(rows):,} rows; write all with --out predictions.csv")
    else:
        say(_as_csv(header, rows).rstrip())


def _as_rows(decoded: Decoded) -> tuple[list[str], list[list[Any]]]:
    """Return the header and the rows of the answer: number, prediction and, for classes, how sure the network is."""
    if decoded.scores is None:
        return ["row", "prediction"], [[i, float(value)] for i, value in enumerate(decoded.values)]
    sure = decoded.scores.max(axis=1)
    rows = [[i, str(name), round(float(p), 6)] for i, (name, p) in enumerate(zip(decoded.values, sure, strict=True))]
    return ["row", "prediction", "probability"], rows


def _as_csv(header: list[str], rows: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
