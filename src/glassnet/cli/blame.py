"""`glassnet blame`: which training rows are probably mislabelled, and which the network fought with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from glassnet.cli.answers import page_place, save_answer
from glassnet.cli.console import note, say, say_json
from glassnet.cli.models import Opened, open_model
from glassnet.cli.options import Data, Json, ModelPath, Whole
from glassnet.cli.patience import told_if_slow
from glassnet.cli.runs import OpenedRun, open_run, run_beside
from glassnet.insight.blame import blame as judge
from glassnet.training.arguments import as_count


def blame(
    model: ModelPath,
    source: Annotated[
        str | None,
        Parameter(help="The rows it was trained on, and others held out. Left out: where the run says they were."),
    ] = None,
    /,
    *,
    top: Annotated[Whole, Parameter(help="How many rows each list has at most.")] = 20,
    out: Annotated[Path | None, Parameter(help="An HTML file to write; it works offline.")] = None,
    ledger: Annotated[
        bool, Parameter(negative="--no-ledger", help="Read the ledger of the run; without it the network judges alone.")
    ] = True,
    data: Data = None,
    json: Json = False,
) -> None:
    """Tell which training rows are probably mislabelled, with what the network would say, and which it fought with."""
    as_count("--top", top)
    place = None if out is None else page_place(out, model, "blame")
    folder = run_beside(model)
    if source is None or (ledger and folder.checkpoint.exists()):
        run = open_run(model, source, data)
        opened, arguments = run.opened, _of_run(run, ledger)
    else:
        opened = open_model(model, source, data, with_truth=True)
        arguments = _without_run(opened)
    net, encoder = opened.model.network, opened.encoder
    with told_if_slow(f"looking through {len(opened.table):,} rows."):
        found = judge(
            net,
            opened.x,
            opened.y,
            loss=opened.loss,
            top=top,
            image_shape=encoder.image_shape,
            **arguments,
            **_names(opened),
        )
    title = f"Suspect rows of {model.name}"
    if json:
        say_json({"model": str(model), "source": opened.table.source, **found.to_dict()})
        if place is not None:
            save_answer(place, found.html(title), quiet=True)
        return
    say(found.text())
    if place is not None:
        save_answer(place, found.html(title))


def _of_run(run: OpenedRun, by_ledger: bool) -> dict[str, Any]:
    """Return the ledger, and which rows of the source it is of; rows are counted as the source counts them."""
    arguments: dict[str, Any] = {"trained_rows": run.training_rows}
    if by_ledger:
        arguments["ledger"] = run.replay().ledger if run.folder.checkpoint.exists() else None
        if arguments["ledger"] is None:
            note(f"the run in {run.folder.path} kept no ledger of its rows.")
    if run.held_out_rows is None:
        dtype = run.opened.model.network.dtype.name
        held_out = run.opened.encoder.inputs(run.held_out, dtype), run.opened.encoder.targets(run.held_out, dtype)
        arguments["held_out"] = held_out
    return arguments


def _without_run(opened: Opened) -> dict[str, Any]:
    """Return which rows the model was trained on, as far as it says so."""
    if opened.source_has_changed:
        note(f"{opened.table.source} is not as it was when this model was trained.")
    held_out = opened.held_out()
    return {} if held_out is None else {"trained_rows": np.flatnonzero(~held_out)}


def _names(opened: Opened) -> dict[str, Any]:
    """Return what inputs and classes are called, and how to show numbers in their own units."""
    encoder, table = opened.encoder, opened.table
    places = {name: at for at, name in enumerate(table.columns)}
    original = table.inputs
    if table.columns != encoder.columns:
        original = original[:, [places[name] for name in encoder.columns]]
    classes = encoder.classes if encoder.task == "classification" else None
    if classes is not None and len(classes) != max(2, opened.model.network.outputs):
        classes = None
    return {
        "feature_names": encoder.columns,
        "class_names": classes if encoder.task == "classification" else [encoder.target] * opened.model.network.outputs,
        "original": original,
        "target_shift": encoder.target_shift,
        "target_scale": encoder.target_scale,
    }
