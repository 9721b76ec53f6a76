"""`glassnet curve`: error on held-out rows against the number of rows trained on, and what more rows would bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from glassnet.cli.answers import page_place, save_answer
from glassnet.cli.console import progress_console, say, say_json
from glassnet.cli.options import Data, Ignore, Json, RowsOrAll, Sizes, Source, Target, Task, Whole, WholeOrNone
from glassnet.cli.recipe import recipe
from glassnet.cli.setup import (
    batch_size_for,
    divided,
    encoder_for,
    hidden_sizes,
    layers_for,
    open_table,
    optimizer_for,
    stem_of,
)
from glassnet.insight.curve import CurveProgress, learning_curve
from glassnet.maths.losses import LOSSES
from glassnet.network import Network


def curve(
    source: Source,
    /,
    *,
    out: Path | None = None,
    sizes: Sizes = None,
    seeds: Whole = 10,
    target: Target = None,
    task: Task = None,
    data: Data = None,
    ignore: Ignore = None,
    hidden: Sizes = None,
    activation: str = "relu",
    dropout: float | None = None,
    loss: str | None = None,
    output: str | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    schedule: str = "cosine",
    epochs: WholeOrNone = None,
    batch_size: RowsOrAll = None,
    l1: float = 0.0,
    l2: float = 0.0,
    validation: float = 0.2,
    seed: Whole = 0,
    threads: WholeOrNone = None,
    json: Json = False,
) -> int:
    """Train on few rows, more, and all, and tell what still more rows would bring.

    Options of the training are those of glassnet train, with the same defaults. Ctrl-C keeps what is done.

    Parameters
    ----------
    out
        The HTML file to write; it works offline. Left out: SOURCE.curve.html, and none with --json.
    sizes
        How many rows to train on, such as 50 100 200 400. Left out: all that are not held out, half of them, a quarter,
        ..., 8 sizes at most.
    seeds
        How often to repeat each size, with other subsets, weights and orders of rows.
    hidden
        Neurons of each hidden layer, such as 64 32. Left out: 256 128 for images, 64 64 for tables.
    activation
        Of the hidden layers.
    dropout
        Share of each hidden layer's outputs to leave out while training. Left out: 0.4 for images, else 0.
    loss
        Left out: cross_entropy for classes, squared_error for numbers.
    output
        Activation of the last layer, if not the one that suits the loss.
    optimizer
        adam (the default), sgd, "sgd(momentum=0.9)", ...
    learning_rate
        The optimizer's first number.
    schedule
        How the learning rate goes on: constant, cosine, ...
    epochs
        How often every row is met; small sizes get at least 300 steps.
    batch_size
        Rows in a step, or all.
    l1
        Penalty on the size of the weights, times Σ|w|.
    l2
        Penalty on the size of the weights, times ½Σw².
    validation
        Share of the rows to hold out, the same for every size and seed.
    seed
        The first seed; also decides which rows are held out.
    threads
        How many trainings go on at once at most; the figures do not depend on it.
    """
    stem = stem_of(source)
    place = page_place(out, f"{stem}.html", "curve") if out is not None or not json else None
    table = open_table(source, data, target, task, ignore, loss)
    training, held_out, _ = divided(table, validation, seed)
    plain = recipe(len(training), table.image_shape is not None, table.task or "")
    chosen_loss = LOSSES.resolve(loss or plain.loss)
    chosen_optimizer = optimizer_for(optimizer, learning_rate, plain.learning_rate)
    encoder = encoder_for(training, chosen_loss)  # scales are those of all rows to train on, at every size
    layers = layers_for(
        table,
        list(plain.hidden) if hidden is None else hidden_sizes(hidden),
        activation,
        plain.dropout if dropout is None else dropout,
        chosen_loss,
        output,
    )
    inputs = len(encoder.columns)
    with _shown(None if json else progress_console()) as progress:
        found = learning_curve(
            lambda seed: Network(inputs, layers, seed=seed),
            encoder.inputs(training),
            encoder.targets(training),
            chosen_loss,
            sizes=sizes,
            seeds=seeds,
            validation=(encoder.inputs(held_out), encoder.targets(held_out)),
            optimizer=chosen_optimizer,
            schedule=schedule,
            epochs=plain.epochs if epochs is None else epochs,
            batch_size=batch_size_for(batch_size, plain.batch_size, chosen_optimizer),
            l1=l1,
            l2=l2,
            seed=seed,
            threads=threads,
            units=encoder.target_scale,
            progress=progress,
        )
    if json:
        say_json({"source": table.source, "target": table.target, **found.to_dict()})
        if place is not None:
            save_answer(place, found.html(_title(source)), quiet=True)
    elif place is not None:
        say(found.text())
        save_answer(place, found.html(_title(source)))
    return 130 if found.interrupted else 0


def _title(source: str) -> str:
    return f"Learning curve of {source}"


@final
class _Bar:
    """Says once how long it will take, and then how far it is."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self.console, self.progress = console, progress
        self.task: TaskID | None = None

    def __call__(self, event: CurveProgress) -> None:
        if self.task is None:
            at_once = f", {event.workers} at a time" if event.workers > 1 else ""
            seconds = f"about {event.seconds_left:.0f} s" if event.seconds_left >= 2 else "a second or two"
            self.console.print(
                f"{event.runs} trainings{at_once}: {seconds}, going by the first, on the fewest rows. "
                "Ctrl-C keeps what is done.",
                highlight=False,
                soft_wrap=True,
            )
            self.task = self.progress.add_task("", total=1.0, runs="")
        runs = f"{event.runs_done}/{event.runs}"
        self.progress.update(self.task, completed=event.share, runs=runs)


@contextlib.contextmanager
def _shown(console: Console | None) -> Iterator[_Bar | None]:
    if console is None:
        yield None
        return
    columns = (
        TextColumn("training {task.fields[runs]}"),
        BarColumn(bar_width=24),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(console, progress)
