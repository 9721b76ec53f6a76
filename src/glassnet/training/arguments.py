"""What people pass to `train`, checked one by one.

Each function returns what the loop can use, or raises an `InputError` that says what is wrong.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.data.split import split_rows
from glassnet.engines import Block, Descent
from glassnet.errors import InputError
from glassnet.maths.optimizers import LBFGS
from glassnet.maths.schedules import SCHEDULES, Schedule
from glassnet.network.inputs import are_classes, as_rows, as_sample_weight, as_targets, require_classes_to_learn
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.training.scores import has_classes
from glassnet.training.stopping import EarlyStopping

Array = NDArray[Any]


# --- arrays ------------------------------------------------------------------------------------------------------


def make_blocks(
    net: Network,
    objective: Objective,
    X: ArrayLike,
    Y: ArrayLike,
    sample_weight: ArrayLike | None,
    validation: Any,
    seed: int,
) -> tuple[Block, Block | None]:
    """Return the checked rows to train on and to validate with."""
    block = _as_block(net, objective, X, Y, sample_weight, "")
    if validation is None:
        held_out = None
    elif isinstance(validation, int | float) and not isinstance(validation, bool):
        labels = block.y if block.y.ndim == 1 else block.y.argmax(axis=1) if are_classes(block.y) else None
        training_rows, held_out_rows = split_rows(labels, len(block), validation, seed)
        held_out, block = _rows(block, held_out_rows), _rows(block, training_rows)
    elif isinstance(validation, tuple | list) and len(validation) == 2:
        held_out = _as_block(net, objective, validation[0], validation[1], None, "validation ")
    else:
        raise InputError(
            f"validation is {validation!r:.80}; expected a pair (Xv, Yv), or the share of rows "
            "to hold out, such as 0.2."
        )
    for part, rows in (("to train on", block), ("held out", held_out)):
        if rows is not None and not rows.sample_weight.any():
            raise InputError(f"sample_weight is 0 for every row {part}; expected at least one row that counts.")
    require_classes_to_learn(block.y, objective.loss, net.outputs)
    return block, held_out


def _as_block(
    net: Network, objective: Objective, X: ArrayLike, Y: ArrayLike, sample_weight: ArrayLike | None, prefix: str
) -> Block:
    x = as_rows(X, net.input_shape, net.dtype, f"{prefix}X")
    y = as_targets(Y, objective.loss, len(x), net.outputs, net.dtype, f"{prefix}Y")
    return Block(x, y, as_sample_weight(sample_weight, len(x), net.dtype))


def _rows(block: Block, rows: Array) -> Block:
    return Block(block.x[rows], block.y[rows], block.sample_weight[rows], numbers=rows)


# --- arguments ---------------------------------------------------------------------------------------------------


def as_count(name: str, value: object) -> int:
    """A whole number from 1 up."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} is {value!r}; expected a whole number from 1 up.")
    return int(value)


def as_limit(name: str, value: object) -> float | None:
    """A positive number, or None for none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
        raise InputError(f"{name} is {value!r}; expected a positive number, or None for none.")
    return float(value)


def as_batch_size(batch_size: object, m: int, descent: Descent) -> int:
    """How many of m rows a step takes; all of them for None."""
    if batch_size is None:
        return m
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise InputError(
            f"batch_size is {batch_size!r}; expected how many rows a step takes: 1 for one example, "
            "a number such as 32, or None for all rows."
        )
    if descent.optimizer.full_batch and batch_size < m:
        raise InputError(
            f"batch_size is {batch_size}, but optimizer {descent.optimizer.name!r} needs all {m} rows in each step; "
            "pass batch_size=None."
        )
    return min(int(batch_size), m)


def as_schedule(schedule: str | Schedule | None, epochs: int, steps: int) -> Schedule | None:
    """A schedule whose open lengths are taken from the run."""
    return None if schedule is None else SCHEDULES.resolve(schedule).for_run(epochs, steps)


def require_watched(schedule: Schedule | None, held_out: Block | None, objective: Objective) -> None:
    """Refuse a schedule that watches an accuracy which nothing gives."""
    if schedule is None or schedule.watches == "loss":
        return
    if held_out is None or not has_classes(held_out.y, objective.loss):
        raise InputError(
            f"Schedule {schedule.spec!r} watches the validation accuracy, but no validation rows have classes. "
            "Pass validation=0.2, or watch the loss with mode='min'."
        )


def as_flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {value!r}; expected True or False.")
    return bool(value)


def as_early_stopping(
    value: EarlyStopping | int | None, held_out: Block | None, objective: Objective
) -> EarlyStopping | None:
    """A rule to stop by, for which there must be something to watch."""
    if value is None:
        return None
    early = value if isinstance(value, EarlyStopping) else EarlyStopping(patience=value)
    if held_out is None and early.monitor != "loss":
        raise InputError(
            f"early_stopping watches {early.monitor!r}, but there are no validation rows; pass validation=0.2, "
            "or watch the training loss with EarlyStopping(monitor='loss')."
        )
    if early.monitor == "validation_accuracy" and held_out is not None and not has_classes(held_out.y, objective.loss):
        raise InputError("early_stopping watches 'validation_accuracy', but Y has no classes; watch 'validation_loss'.")
    return early


def fit_to_network(descent: Descent, net: Network) -> Descent:
    """Refuse what cannot go together; a line search must not reuse a loss that dropout made random."""
    optimizer = descent.optimizer
    if not net.layout.mask("trainable").any():
        raise InputError("The network has no trainable parameters; there is nothing to train.")
    if not optimizer.full_batch:
        return descent
    if descent.clip_norm is not None or descent.clip_value is not None:
        raise InputError(
            f"Optimizer {optimizer.name!r} searches along the true gradient, which clipping would falsify; "
            "leave out clip_norm and clip_value."
        )
    if isinstance(optimizer, LBFGS) and any(layer.drop_rate for layer in net.layers):
        return dataclasses.replace(descent, optimizer=dataclasses.replace(optimizer, reuse=False))
    return descent
