"""What a training from the command line is made of: the table, its split, encoder, layers and optimizer.

Shared by the commands that train. Everything here says in sentences what it cannot use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glassnet.data import Encoder, Table, open_source, split
from glassnet.data.table import Task
from glassnet.errors import InputError
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.loss import Loss, Targets
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS, Adam, Optimizer
from glassnet.network import Dense, Dropout, Layer


def open_table(
    source: str,
    data: Path | None,
    target: str | None,
    task: Task | None,
    ignore: Sequence[str] | None,
    loss: str | None,
) -> Table:
    """Open a source and make sure that there is something to predict."""
    if task is None and loss is not None and LOSSES.resolve(loss).targets is Targets.NONNEGATIVE and target is not None:
        task = "regression"  # counts, though they may be few
    table = open_source(source, folder=data, target=target, task=task, ignore=ignore or ())
    if table.targets is None or table.task is None:
        raise InputError(f"{source} says nothing of what to predict. Name the column with --target.")
    return table


def hidden_sizes(sizes: list[int]) -> list[int]:
    """Return the sizes of hidden layers; a single 0 is none."""
    if not sizes:
        raise InputError("--hidden names no sizes. Write --hidden 64 32, or --hidden 0 for no hidden layer.")
    return [] if sizes == [0] else sizes


def divided(table: Table, validation: float, seed: int) -> tuple[Table, Table, dict[str, Any]]:
    """Return rows to train on and rows held out, and how to find them again."""
    if table.held_out is not None:
        return table, table.held_out, {"held_out": "the source's own test set"}
    training, held_out = split(table, validation, seed)
    return table.rows(training), table.rows(held_out), {"validation": validation, "split_seed": seed}


def encoder_for(training: Table, loss: Loss) -> Encoder:
    """Return the encoder; targets keep their scale where the loss reads only some numbers, such as counts."""
    encoder = Encoder.fit(training)
    if encoder.task == "regression" and loss.targets is not Targets.NUMBERS:
        return dataclasses.replace(encoder, target_shift=0.0, target_scale=1.0)
    return encoder


def layers_for(
    table: Table, hidden: list[int], activation: str, dropout: float, loss: Loss, output: str | None
) -> list[Layer]:
    """Return the layers of a network that learns a table."""
    classes = table.task == "classification"
    outputs = len(table.classes) if classes else 1
    last = loss.last_activation
    if classes and loss.targets is Targets.NUMBERS:
        last = ACTIVATIONS["sigmoid"]  # a class as numbers between 0 and 1, as the textbooks do
    layers: list[Layer] = []
    for units in hidden:
        layers.append(Dense(units, activation))
        if dropout:
            layers.append(Dropout(dropout))
    return [*layers, Dense(outputs, last if output is None else output)]


def optimizer_for(name: str | None, learning_rate: float | None, plain_rate: float) -> Optimizer:
    """Return the optimizer of a name, Adam without one, at a learning rate if one is given."""
    if name is None:
        return Adam(plain_rate if learning_rate is None else learning_rate)
    optimizer = OPTIMIZERS.resolve(name)
    return optimizer if learning_rate is None else optimizer.at_rate(learning_rate)


def batch_size_for(given: int | str | None, plain: int, optimizer: Optimizer) -> int | None:
    """Return how many rows a step takes, or None for all."""
    if given == "all" or (given is None and optimizer.full_batch):
        return None
    return plain if given is None else int(given)


def stem_of(source: str) -> str:
    """Return digits-3-7 for digits:3,7 and prices for data/prices.csv.gz: what files made from a source are called."""
    name = Path(source).name.replace(":", "-").replace(",", "-")
    for ending in (".gz", ".csv", ".tsv", ".parquet"):
        name = name.removesuffix(ending)
    return name
