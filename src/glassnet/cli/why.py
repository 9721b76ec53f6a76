"""`glassnet why`: which rows, and what else, moved a weight in some steps of its training."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any

from cyclopts import Parameter

from glassnet.cli.answers import Form
from glassnet.cli.console import note
from glassnet.cli.options import Data, ModelPath, Whole, WholeOrNone
from glassnet.cli.runs import OpenedRun, open_run
from glassnet.errors import InputError
from glassnet.training.arguments import as_count

_LOOK_AFTER, _LONG = 2.0, 5.0


def why(
    model: ModelPath,
    source: Annotated[
        str | None, Parameter(help="The rows it was trained on. Left out: where the run says they were.")
    ] = None,
    /,
    *,
    weight: Annotated[
        str | None, Parameter(help="Layer, and the neurons the weight leads from and to: 1:12,3.")
    ] = None,
    bias: Annotated[str | None, Parameter(help="Layer and neuron of a bias instead: 1:3.")] = None,
    epoch: Annotated[WholeOrNone, Parameter(help="An epoch, from 0.")] = None,
    epochs: Annotated[str | None, Parameter(help="Several: 2:5 for 2, 3 and 4.")] = None,
    step: Annotated[WholeOrNone, Parameter(help="A step, counted over the whole training, from 0.")] = None,
    steps: Annotated[str | None, Parameter(help="Several: 700:720 for 700 to 719.")] = None,
    top: Annotated[Whole, Parameter(help="How many rows to show on either side.")] = 10,
    data: Data = None,
    form: Form = Form(),  # noqa: B008 - frozen
) -> None:
    """Tell why a weight moved: which rows pushed it up and down, and what momentum, scaling, decay and clipping added.

    Its steps are taken again from the run's folder; without a range, those of the whole training.
    """
    form.require()
    as_count("--top", top)
    if (weight is None) == (bias is None):
        raise InputError("Name one parameter: a weight as in --weight 1:12,3, or a bias as in --bias 1:3.")
    from glassnet.insight.places import find
    from glassnet.insight.why.asking import take_apart
    from glassnet.insight.why.span import as_span

    run = open_run(model, source, data)
    place = find(run.opened.model.network, weight or bias or "", "weights" if bias is None else "biases")
    replay = run.replay()
    span = as_span(replay, epoch=epoch, epochs=epochs, step=step, steps=steps)
    found = take_apart(
        replay,
        place,
        span,
        top=top,
        row_numbers=run.training_rows,
        labels=_labels(run),
        tell=_Patience(len(span)),
        **run.names,
    )
    form.give(found)


def _labels(run: OpenedRun) -> Any:
    """Return the truth of the rows that were trained on, as the source has it."""
    import numpy as np

    table = run.opened.table.rows(run.training_rows)
    if run.opened.encoder.classes:
        return np.array(table.classes)[table.targets]
    return np.asarray(table.targets, np.float64)


class _Patience:
    """Says, once, how long it will take, where that is longer than a moment."""

    def __init__(self, steps: int) -> None:
        self._steps, self._began, self._told = steps, time.monotonic(), False

    def __call__(self, done: int) -> None:
        seconds = time.monotonic() - self._began
        if self._told or seconds < _LOOK_AFTER:
            return
        self._told, left = True, seconds / done * (self._steps - done)
        if left > _LONG:
            about = f"{math.ceil(left):,} seconds" if left < 120 else f"{math.ceil(left / 60):,} minutes"
            note(f"taking {self._steps:,} steps again and each apart, in float64; about {about} more.")
