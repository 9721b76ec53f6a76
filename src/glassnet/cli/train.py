"""`glassnet train`: from a source of rows to a model file."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

import glassnet
from glassnet.cli.console import fail, in_words, note, program, progress_console, say, say_json
from glassnet.cli.options import Data, Ignore, Json, RowsOrAll, Sizes, Source, Target, Task, Whole, WholeOrNone
from glassnet.cli.progress import shown
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
from glassnet.data import Table, split
from glassnet.data.words import shown as in_quotes
from glassnet.engines.nonfinite.story import Story
from glassnet.errors import FileError, InputError, NonFiniteError, ResumeError
from glassnet.files import Model, save_model, write_bytes
from glassnet.maths.losses import LOSSES
from glassnet.network import Dense, Network
from glassnet.training import EarlyStopping, History, RunFolder, Scores, TrainingStarted, evaluate
from glassnet.training import train as train_network
from glassnet.training.loop import ALL_DONE, INTERRUPTED, TIME_OVER


def train(
    source: Source,
    /,
    *,
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
    clip_norm: float | None = None,
    clip_value: float | None = None,
    patience: WholeOrNone = None,
    time_limit: float | None = None,
    validation: float = 0.2,
    seed: Whole = 0,
    dtype: Literal["float32", "float64"] = "float32",
    threads: WholeOrNone = None,
    engine: Literal["compiled", "reference"] = "compiled",
    out: Path | None = None,
    ledger: bool = True,
    resume: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Train a network on a table or images and save it.

    Parameters
    ----------
    hidden
        Neurons of each hidden layer, such as 64 32. Left out: 256 128 for images, 64 64 for tables.
    activation
        Of the hidden layers: relu, tanh, sigmoid, gelu, silu, ... or with a number, "leaky_relu(0.2)".
    dropout
        Share of each hidden layer's outputs to leave out at random while training. Left out: 0.4 for images, else 0.
    loss
        Left out: cross_entropy for classes, squared_error for numbers. Others: half_squared_error, absolute_error,
        "huber(2.0)", "quantile(0.9)", poisson, binary_cross_entropy, hinge, ...
    output
        Activation of the last layer, if not the one that suits the loss.
    optimizer
        adam (the default), sgd, "sgd(momentum=0.9)", adamw, rmsprop, lbfgs, ...
    learning_rate
        The optimizer's first number. Left out: 0.002 for the default optimizer, else its own.
    schedule
        How the learning rate goes on: constant, cosine, "step(10)", one_cycle, plateau, ...
    epochs
        How often every row is met. Left out: as often as meets a million rows, between 10 and 60.
    batch_size
        Rows in a step, or all. Left out: 32, or 128 from 20,000 rows on.
    l1
        Penalty on the size of the weights, times Σ|w|.
    l2
        Penalty on the size of the weights, times ½Σw².
    clip_norm
        Shorten the gradient of a step to this length.
    clip_value
        Bring each entry of the gradient into ± this.
    patience
        Stop after so many epochs without a better held-out loss, and keep the best weights.
    time_limit
        Stop after so many seconds.
    validation
        Share of the rows to hold out, to judge the network by.
    seed
        Decides weights, split, order of rows and dropout; the same seed gives the same network.
    dtype
        Of the numbers in the network.
    threads
        How many threads to use at most; the result does not depend on it.
    engine
        Machine code, or the textbook in NumPy.
    out
        Where to save the model; the run is kept in a folder beside it.
    ledger
        Note of each row and epoch how it did, for glassnet blame; it takes a few per cent of the time.
    resume
        Go on where a run that was stopped or killed left off.
    """
    began = time.monotonic()
    console = None if json else progress_console()
    out = Path(f"{stem_of(source)}.safetensors") if out is None else out
    _require_place(out)
    table = open_table(source, data, target, task, ignore, loss)
    training, held_out, rows_of = divided(table, validation, seed)
    plain = recipe(len(training), table.image_shape is not None, table.task or "")
    chosen_loss = LOSSES.resolve(loss or plain.loss)
    chosen_optimizer = optimizer_for(optimizer, learning_rate, plain.learning_rate)
    encoder = encoder_for(training, chosen_loss)
    x, y = encoder.inputs(training, dtype), encoder.targets(training, dtype)
    xv, yv = encoder.inputs(held_out, dtype), encoder.targets(held_out, dtype)
    layers = layers_for(
        table,
        list(plain.hidden) if hidden is None else hidden_sizes(hidden),
        activation,
        plain.dropout if dropout is None else dropout,
        chosen_loss,
        output,
    )
    net = Network(x.shape[1], layers, seed=seed, dtype=dtype)
    folder = RunFolder(out.with_suffix(".run"))
    origin = {"source": table.source, "fingerprint": table.fingerprint, "rows": len(table), **rows_of}
    if resume:
        _require_same_data(folder, origin)

    def started(event: TrainingStarted) -> None:  # only now are all arguments known to be right
        places = {"path": _absolute(source), "folder": None if data is None else _absolute(data)}
        folder.save_source({**origin, **{name: place for name, place in places.items() if place is not None}})
        if not json:
            _introduce(source, table, training, held_out, net, guessed=target is not None and task is None)

    with contextlib.ExitStack() as stack:
        bar = [] if console is None else stack.enter_context(shown(console))
        try:
            history = train_network(
                net,
                x,
                y,
                chosen_loss,
                optimizer=chosen_optimizer,
                schedule=schedule,
                epochs=plain.epochs if epochs is None else epochs,
                batch_size=batch_size_for(batch_size, plain.batch_size, chosen_optimizer),
                validation=(xv, yv),
                l1=l1,
                l2=l2,
                clip_norm=clip_norm,
                clip_value=clip_value,
                early_stopping=None if patience is None else EarlyStopping(patience),
                time_limit=time_limit,
                callbacks=[started, *bar],
                checkpoint=folder.path,
                resume=resume,
                seed=seed,
                threads=threads,
                engine=engine,
                ledger=ledger,
            )
            trouble = None
        except NonFiniteError as error:
            history, trouble = error.history, error
    scores = evaluate(net, xv, yv, chosen_loss)
    results = _results(out, time.monotonic() - began, history, scores)
    provenance = {
        "command": ["glassnet", *sys.argv[1:]],
        "glassnet": glassnet.__version__,
        "data": origin,
        "results": {k: v for k, v in results.items() if k not in ("model", "seconds")},
    }
    model = Model(net, chosen_loss.name, encoder.to_dict(), provenance)
    if trouble is not None:
        out = out.with_name(f"{out.stem}.diverged{out.suffix}")
        save_model(model, out)
        rows = None if table.held_out is not None else split(table, validation, seed)[0]
        story = trouble.story if rows is None else trouble.story.renumbered(rows)
        if json:
            say_json({**results, "stopped": story.message(), "model": str(out), "story": story.to_dict()})
            return fail(f"{story.message()} The weights are saved in {out}.")
        return fail(f"{story.text()}\n{_named_columns(story, encoder.columns)}\nThe weights are saved in {out}.")
    previous = _keep_previous(out)
    out = _save(model, out)
    if json:
        say_json({**results, "model": str(out)})
    else:
        _conclude(source, data, out, folder, results, scores)
        if previous is not None:
            say(f"The model that was there before is now {previous}.")
    return 130 if history.stopped == INTERRUPTED else 0


# --- before ------------------------------------------------------------------------------------------------------


def _require_place(out: Path) -> None:
    """Refuse a place for the model before anything is computed."""
    if out.suffix != ".safetensors":
        raise InputError(
            f"--out is {out}; expected a name that ends in .safetensors, as no other file is written over."
        )
    if not out.parent.is_dir():
        raise FileError(f"Cannot write {out}: the folder {out.parent} does not exist. Create it first.")
    if out.is_dir():
        raise FileError(f"Cannot write {out}: it is a folder. Give the name of a file.")


def _absolute(place: str | Path) -> str | None:
    """Return where a file or folder is from everywhere; None for a source with a name of its own."""
    return str(Path(place).resolve()) if Path(place).exists() else None


def _require_same_data(folder: RunFolder, origin: dict[str, Any]) -> None:
    """Refuse to continue on changed data; where there is nothing to continue, say that a run begins."""
    before = folder.load_source()
    if before is None:
        note(f"there is no run in {folder.path} to go on with; this one begins at the start.")
    elif before.get("source") != origin["source"]:
        raise ResumeError(f"The run in {folder.path} is of {before.get('source')}; name another place with --out.")
    elif before.get("fingerprint") != origin["fingerprint"]:
        raise ResumeError(
            f"The data of {origin['source']} has changed since the run in {folder.path} began, so it cannot be "
            "continued. Restore the data, or leave --resume out to start over."
        )


def _keep_previous(model: Path) -> Path | None:
    """Copy the model of an earlier training, so that it is not lost, and return the copy; one is kept."""
    if not model.is_file():
        return None
    previous = model.with_name(f"{model.stem}.previous{model.suffix}")
    write_bytes(previous, model.read_bytes())
    return previous


def _save(model: Model, out: Path) -> Path:
    """Save the model, if need be elsewhere: what was learned must not be lost for a full disk."""
    try:
        save_model(model, out)
    except FileError as error:
        elsewhere = Path(tempfile.gettempdir()) / out.name
        note(f"{error} The model is saved as {elsewhere} instead.")
        save_model(model, elsewhere)
        return elsewhere
    return out


def _named_columns(story: Story, columns: Sequence[str]) -> str:
    """Say which columns the story's inputs are."""
    told = sorted({int(j) for j in re.findall(r"\bx\[(\d+)\]", story.text())})
    return "".join(f"\nx[{j}] is the column {in_quotes(columns[j])}, as the encoder scales it." for j in told)


# --- what is said ------------------------------------------------------------------------------------------------


def _introduce(source: str, table: Table, training: Table, held_out: Table, net: Network, *, guessed: bool) -> None:
    what = f"target {table.target}"
    if table.task == "classification":
        what = f"{len(table.classes)} classes" + (" (for a number, add --task regression)" if guessed else "")
    rows = f"{len(training):,} rows of {len(table.columns)} numbers to train on, {len(held_out):,} held out"
    say(f"{source}: {rows}; {what}")
    dense = [shape[0] for shape, layer in zip(net.shapes[1:], net.layers, strict=True) if isinstance(layer, Dense)]
    say(f"Network {' → '.join(map(str, [net.shapes[0][0], *dense]))}, {net.layout.parameters:,} parameters")


def _results(out: Path, seconds: float, history: History, scores: Scores) -> dict[str, Any]:
    """Return what --json prints; a figure that is not finite is null, as JSON has no word for it."""
    last = history.best_epoch if history.best_epoch is not None else -1
    figures = {"loss": scores.loss, "accuracy": scores.accuracy}
    if scores.accuracy is None:
        figures["r2"] = scores.r2
    return {
        "model": str(out),
        "seconds": round(seconds, 3),
        "epochs": history.epochs,
        "stopped": history.stopped,
        "train": {"loss": history.loss[last] if history.loss else None},
        "validation": {name: x if x is not None and math.isfinite(x) else None for name, x in figures.items()},
    }


def _conclude(
    source: str, data: Path | None, out: Path, folder: RunFolder, results: dict[str, Any], scores: Scores
) -> None:
    say(f"Held-out {in_words(scores)}, after {results['epochs']} epochs in {results['seconds']:.1f} s.")
    if results["stopped"] != ALL_DONE:
        can_go_on = results["stopped"] in (INTERRUPTED, TIME_OVER)
        more = " To train on, repeat the command with --resume." if can_go_on else ""
        say(f"Stopped: {results['stopped']}.{more}")
    say(f"Model: {out}")
    say(f"Run:   {folder.path}{os.sep}")
    arguments = shlex.join([str(out), source, *([] if data is None else ["--data", str(data)])])
    say(f"Next:  {program()} evaluate {arguments}")
    say(f"       {program()} predict {arguments}")
    say(f"       {program()} info {shlex.quote(str(out))}")
