"""`glassnet influence`: which training rows lowered or raised the error of one prediction, with receipts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from glassnet.cli.answers import page_place, save_answer
from glassnet.cli.console import say, say_json
from glassnet.cli.options import Data, Json, ModelPath, Whole, WholeOrNone
from glassnet.cli.patience import told_if_slow
from glassnet.cli.runs import OpenedRun, open_run
from glassnet.errors import InputError
from glassnet.insight.influence import influence as ask
from glassnet.insight.subject import as_row
from glassnet.training.arguments import as_count


def influence(
    model: ModelPath,
    source: Annotated[
        str | None, Parameter(help="The rows. Left out: those that the run says it was trained on.")
    ] = None,
    /,
    *,
    row: Annotated[WholeOrNone, Parameter(help="The questioned row of the source, from 0.")] = None,
    test_row: Annotated[
        WholeOrNone, Parameter(help="Or a row of the source's own test set, from 0, where it has one (mnist).")
    ] = None,
    top: Annotated[Whole, Parameter(help="How many rows to show in either direction.")] = 10,
    method: Annotated[
        Literal["unrolled", "exact", "tracin", "last_layer"],
        Parameter(
            help="unrolled: the derivative of the run, step by step; exact: with the whole Hessian; tracin: gradients "
            "at snapshots, as published; last_layer: of the last layer alone."
        ),
    ] = "unrolled",
    last_layer: Annotated[bool, Parameter(negative=(), help="The same as --method last_layer.")] = False,
    prove: Annotated[
        WholeOrNone,
        Parameter(help="Retrain without this many most helpful, most harmful and random rows, and compare."),
    ] = None,
    draws: Annotated[Whole, Parameter(help="How many random sets of rows to take out for comparison.")] = 10,
    seed: Annotated[Whole, Parameter(help="Decides the random sets.")] = 0,
    out: Annotated[Path | None, Parameter(help="An HTML file to write; it works offline.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Tell which training rows lowered or raised the error of one prediction; --prove retrains without them."""
    as_count("--top", top)
    if prove is not None:
        as_count("--prove", prove)
    as_count("--draws", draws)
    if last_layer and method not in ("unrolled", "last_layer"):
        raise InputError(f"--last-layer and --method {method} are two methods; leave one of them out.")
    if (row is None) == (test_row is None):
        raise InputError(
            "Name the prediction that is questioned with --row (or --test-row of a source's own test set)."
        )
    place = None if out is None else page_place(out, model, "influence")
    run = open_run(model, source, data)
    question = _question(run, row, test_row)
    replay = run.replay()
    encoder = run.opened.encoder
    retrainings = f" and training {draws + 3} times anew" if prove is not None else ""
    with told_if_slow(f"taking the run's {replay.steps:,} steps again{retrainings}."):
        found = ask(
            replay,
            **question,
            method="last_layer" if last_layer else method,
            prove=prove,
            draws=draws,
            seed=seed,
            numbers=run.training_rows,
            validation_numbers=run.held_out_rows,
            class_names=encoder.classes or None,
            units=(float(encoder.target_shift), float(encoder.target_scale)),
            image_shape=encoder.image_shape,
        )
    title = (
        f"Influence on row {row} of {Path(run.opened.table.called).name}"
        if row is not None
        else f"Influence on test row {test_row}"
    )
    if json:
        say_json({"model": str(model), "source": run.opened.table.source, **found.to_dict(top)})
        if place is not None:
            save_answer(place, found.html(title, top), quiet=True)
        return
    say(found.text(top))
    if place is not None:
        save_answer(place, found.html(title, top))


def _question(run: OpenedRun, row: int | None, test_row: int | None) -> dict[str, Any]:
    """Return whose error is questioned, or refuse a row that there is not."""
    if row is not None:
        return {"row": as_row(row, len(run.opened.table), "--row", run.opened.table.called)}
    if run.held_out_rows is not None:
        raise InputError(
            f"{run.opened.table.called} has no test set of its own; --row counts all its rows, trained on or held out."
        )
    return {"validation_row": as_row(test_row, len(run.held_out), "--test-row", "the test set")}
