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
from glassnet.errors import FileError
from glassnet.files import write_bytes
from glassnet.maths.domains import UNIT
from glassnet.network import Network

_ROWS_ON_A_SCREEN = 10
_PLURALS = {"prediction": "predictions", "probability": "probabilities", "score": "scores"}


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
    if out is not None:
        _require_place(out)
    opened = open_model(model, source, data, with_truth=False)
    decoded = opened.encoder.decode(opened.model.network.predict(opened.x))
    header, rows = _as_rows(decoded, opened.model.network)
    if out is not None:
        write_bytes(out, _as_csv(header, rows).encode())
    if json:
        columns = {_PLURALS[name]: [row[k] for row in rows] for k, name in enumerate(header) if k > 0}
        say_json({"model": str(model), "source": opened.table.source, **columns})
    elif out is not None:
        say(f"{len(rows):,} predictions written to {out}.")
    elif sys.stdout.isatty() and len(rows) > _ROWS_ON_A_SCREEN:
        say(_as_csv(header, rows[:_ROWS_ON_A_SCREEN]).rstrip())
        note(f"the first {_ROWS_ON_A_SCREEN} of {len(rows):,} rows; write all with --out predictions.csv")
    else:
        say(_as_csv(header, rows).rstrip())


def _require_place(out: Path) -> None:
    """Refuse to write over a file that is no earlier answer of this command."""
    if out.is_file() and out.stat().st_size:
        with out.open("rb") as file:
            if not file.readline().startswith(b"row,prediction"):
                raise FileError(f"{out} exists and holds no predictions; name another file with --out, or remove it.")


def _as_rows(decoded: Decoded, network: Network) -> tuple[list[str], list[list[Any]]]:
    """Return the header and the rows of the answer: number, prediction and, for classes, how sure the network is."""
    digits = 9 if network.dtype.name == "float32" else 17
    if decoded.scores is None:
        return ["row", "prediction"], [[i, float(f"{value:.{digits}g}")] for i, value in enumerate(decoded.values)]
    best = decoded.scores.max(axis=1)
    rows = [[i, str(name), round(float(p), 6)] for i, (name, p) in enumerate(zip(decoded.values, best, strict=True))]
    is_probability = UNIT.accepts(network.layers[-1].activation.range)
    return ["row", "prediction", "probability" if is_probability else "score"], rows


def _as_csv(header: list[str], rows: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
