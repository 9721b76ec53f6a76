"""`glassnet sensitivity`: which weights and which inputs the error reacts to most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.answers import page_place, save_answer
from glassnet.cli.console import note, say, say_json
from glassnet.cli.models import open_model
from glassnet.cli.options import Data, Json, ModelPath, Source, Whole, WholeOrNone
from glassnet.cli.patience import told_if_slow
from glassnet.cli.runs import run_beside
from glassnet.errors import InputError
from glassnet.insight.sensitivity import sensitivity as measure
from glassnet.insight.subject import as_row
from glassnet.training.arguments import as_count


def sensitivity(
    model: ModelPath,
    source: Source,
    /,
    *,
    row: Annotated[
        WholeOrNone, Parameter(help="A row of the source, from 0. Left out: the mean over all rows.")
    ] = None,
    top: Annotated[Whole, Parameter(help="How many weights and inputs to show.")] = 20,
    out: Annotated[Path | None, Parameter(help="An HTML file to write; it works offline.")] = None,
    run: Annotated[
        Path | None, Parameter(help="The folder of the training, for the last update. Left out: MODEL.run.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Rank weights and inputs by how strongly the error reacts to them, with the size of the last update beside it."""
    as_count("--top", top)
    place = None if out is None else page_place(out, model, "sensitivity")
    if run is not None and not run.is_dir():
        raise InputError(
            f"--run is {run}, which is no folder. Name the folder that glassnet train kept, such as x.run."
        )
    folder = run_beside(model).path if run is None else run
    opened = open_model(model, source, data, with_truth=True)
    if row is not None:
        as_row(row, len(opened.table), "--row", source)
    if opened.source_has_changed:
        note(f"{opened.table.source} is not as it was when this model was trained.")
    net = opened.model.network
    with told_if_slow(
        f"measuring how the error of {len(opened.x):,} rows reacts to {net.layout.parameters:,} weights."
    ):
        found = measure(
            net,
            opened.x,
            opened.y,
            opened.loss,
            row=row,
            last_update=folder if folder.is_dir() else None,
            image_shape=opened.encoder.image_shape,
            **opened.names,
        )
    title = f"Sensitivity of {model.name}" + ("" if row is None else f", row {row}")
    if json:
        say_json({"model": str(model), "source": opened.table.source, **found.to_dict(top)})
        if place is not None:
            save_answer(place, found.html(title, top), quiet=True)
        return
    say(found.text(top))
    if place is not None:
        save_answer(place, found.html(title, top))
