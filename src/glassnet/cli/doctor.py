"""`glassnet doctor`: what ails a training, and the cure; with --prove the cure is run as well."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.answers import page_place, save_answer
from glassnet.cli.console import say, say_json
from glassnet.cli.options import Data, Json, ModelPath, Source
from glassnet.cli.patience import told_if_slow
from glassnet.cli.runs import OpenedRun, open_run
from glassnet.insight.doctor import doctor as ask
from glassnet.training import History
from glassnet.training.stories import load_story


def doctor(
    model: ModelPath,
    source: Source | None = None,
    /,
    *,
    prove: Annotated[bool, Parameter(negative=(), help="Run the cure of what is found, and show both curves.")] = False,
    unseen: Annotated[bool, Parameter(negative=(), help="Say also what could not be looked at.")] = False,
    out: Annotated[Path | None, Parameter(help="An HTML file to write, with the curves; it works offline.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Tell what ails a training, most important first, and the cure; one line where nothing does."""
    place = None if out is None else page_place(out, model, "doctor")
    run = open_run(model, source, data)
    x, y, held_out = run.arrays()
    what = "running the cures, each about as long as the training took." if prove else "looking at the training."
    with told_if_slow(what):
        found = ask(
            run.opened.model.network,
            x,
            y,
            run=run.folder,
            validation=held_out,
            loss=run.opened.loss,
            history=_history(run),
            numbers=run.training_rows,
            validation_numbers=run.held_out_rows,
            prove=prove,
            feature_names=run.names["feature_names"],
            class_names=run.names["class_names"],
        )
    title = f"Diagnosis of {model.name}"
    if json:
        say_json({"model": str(model), "source": run.opened.table.source, **found.to_dict()})
        if place is not None:
            save_answer(place, found.html(title), quiet=True)
        return
    say(found.text())
    if unseen:
        for each in found.unseen:
            say(f"Not looked at: {each}.")
    if place is not None:
        save_answer(place, found.html(title))


def _history(run: OpenedRun) -> History | None:
    """Return what a run met that a NaN ended, with rows counted as the source counts them; else leave it to the run."""
    story = load_story(run.folder)
    history = None if story is None else run.folder.load_history()
    if story is None or history is None:
        return None
    return dataclasses.replace(history, stopped=story.renumbered(run.training_rows.tolist()).message())
