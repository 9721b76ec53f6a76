"""What the commands share that ask about a model's rows, and about its run where it has one: noise and curvature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, final

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from glassnet.cli.console import note, say, say_json
from glassnet.cli.models import Opened, open_model
from glassnet.cli.options import RowsOrAll, Whole
from glassnet.cli.runs import open_run, run_beside
from glassnet.errors import InputError
from glassnet.insight.run_facts import RunFacts, run_facts

Array = NDArray[Any]

TrainingSource = Annotated[
    str | None,
    Parameter(help="The rows: digits, mnist, a CSV or Parquet file. Left out: those the run was trained on."),
]
Rows = Annotated[RowsOrAll, Parameter(help="How many rows to look at, or all. Left out: as many as take a moment.")]
Seed = Annotated[Whole, Parameter(help="Decides which rows are drawn.")]
OptimizerOrNone = Annotated[
    str | None, Parameter(help='The optimizer in use, such as "sgd(momentum=0.9)". Left out: the run\'s.')
]
RateOrNone = Annotated[float | None, Parameter(help="The learning rate in use. Left out: the run's last.")]


@final
@dataclass(frozen=True)
class Questioned:
    """A model, the rows it is questioned about, and the run that made it.

    Parameters
    ----------
    opened : Opened
    x, y : arrays
        Of the training rows, or of all rows where the source is another.
    run : RunFacts or None
        None where none is kept, or another's.
    trained_on : bool
        Whether these are the rows it was trained on.
    """

    opened: Opened
    x: Array
    y: Array
    run: RunFacts | None
    trained_on: bool


def open_questioned(model: Path, source: str | None, data: Path | None) -> Questioned:
    """Open a model with the rows it was trained on or, where the source is another, with all rows of that.

    Raises
    ------
    FileError
        If no source is named, and no run says which it was.
    InputError
        If the rows do not fit the model.
    """
    if source is None:
        run = open_run(model, None, data)
        x, y, _ = run.arrays()
        return Questioned(run.opened, x, y, _run_of(model, run.opened), True)
    opened = open_model(model, source, data, with_truth=True)
    held_out = opened.held_out()
    same = opened.model.provenance.get("data", {}).get("fingerprint") == opened.table.fingerprint
    if not same:
        note(
            f"{opened.table.source} is not what this model was trained on, or has changed since; all its rows are "
            "taken."
        )
    part = np.arange(len(opened.table)) if held_out is None else np.flatnonzero(~held_out)
    return Questioned(opened, opened.x[part], opened.y[part], _run_of(model, opened), same)


def _run_of(model: Path, opened: Opened) -> RunFacts | None:
    """Return what is known of the run beside a model, if it is the one that led to these weights."""
    folder = run_beside(model)
    if not folder.checkpoint.exists():
        return None
    try:
        return run_facts(opened.model.network, folder)
    except InputError as error:
        note(f"{error} It is left out.")
        return None


def give(model: Path, asked: Questioned, found: Any, json: bool) -> None:
    """Print a finding in words, or as one JSON object."""
    table = asked.opened.table
    if json:
        say_json({"model": str(model), "source": table.source, "trained_on": asked.trained_on, **found.to_dict()})
        return
    whose = "the rows it was trained on" if asked.trained_on else "all rows"
    say(f"{model}, by {whose} in {table.source}")
    say(found.text())
