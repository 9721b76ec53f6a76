"""The tables that compiled code reads: what it is to compute, and where each matrix begins in the engine's memory.

Every entry that names a place counts numbers from the start of the memory; −1 stands for none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


def _table(*fields: str, numbers: tuple[str, ...] = ()) -> np.dtype[Any]:
    return np.dtype([(name, np.int64) for name in fields] + [(name, np.float64) for name in numbers])


STAGE = _table(
    "inputs",  # units of the stage before
    "outputs",  # units of this one
    "weights",  # place of W in θ, from its start
    "biases",  # place of b in θ
    "a",  # what the stage gives to the next: (rows, outputs)
    "a_row",  # how far it is from one row to the next
    "d",  # first z, then the slope g′(z), then the blame δ: (rows, outputs)
    "d_row",
    "z",  # z once more, where the activation looks at whole rows
    "panels",  # a copy of W in panels, where W as it lies is slow to read
    "transposed",  # Wᵀ in panels, to pass blame back
    "by_rows",  # whether the activation looks at whole rows
    "value",  # formulas: handles to call
    "value_and_slope",
    "pullback",
    "first_mask",
    "masks",
    "first_group",
    "groups",
)
"""A product with what follows it up to the next one; stage 0 is the input."""

MASK = _table("layer", "threshold", numbers=("scale",))
"""A dropout mask: a word of chance from `threshold` up keeps its unit, times `scale`."""

GROUP = _table("stage", "first_input", "inputs", "first_unit", "units")
"""Inputs of a stage and the units that hear them: all of them, or several groups."""

PIECE = _table("stage", "first", "rows", "place", "count", "is_bias", "frozen", "penalised", "partial")
"""A block of rows of one W, or one b: the part of θ that one thread moves at a time.

Where some of its numbers are frozen and others are not, it is `partial`.
"""

RUN = _table(
    "inputs",
    "outputs",
    "parameters",  # the length of θ
    "stages",
    "pieces",
    "slices",  # how many partial sums a gradient is made of
    "chunk",  # rows that are in memory at a time
    "theta",  # θ twice: a step reads one and writes the other
    "gradient",  # one for each slice
    "piece",  # room for the gradient of one piece, for each thread
    "piece_room",
    "stride",  # how far it is from one to the next θ, gradient or slot
    "slots",
    "y",
    "c",
    "errors",
    "squares",  # of each row's gradient
    "heard",  # and of what a stage hears, and of its blame, of a few rows for each thread
    "keep",  # a row of numbers for each thread
    "keep_row",
    "one",  # the number 1
    "free",  # 1 for each number of θ that moves, 0 for others, where pieces are partial
    "labels",  # two numbers: what the true class and what the others have as target
    "product",  # formulas and the product: handles to call
    "loss",
    "short",  # whether the loss gives δ of the last stage, rather than ∂E/∂a
    "move",
    "moves",  # whether a step moves θ, or only leaves the gradient
    "coefficients",
    "separate",  # whether gradient and update are separate phases
    "sum_reduction",
    "small",  # memory of steps made for the network's very sizes
    "key0",
    "key1",
    "first_step",
    "truth",  # what rows have as truth, as `engines.notes.Truth` numbers it; 0 where nothing is noted
    "rows",  # rows of an epoch
    "groups",
    "met",  # how many of them were met before the first step
    numbers=("l1", "l2", "clip_value", "clip_norm", "threshold"),
)
"""One training: sizes, places and settings."""


class Rows(NamedTuple):
    """The rows of a run, in the caller's arrays.

    Parameters
    ----------
    x : (m · inputs) numbers
    labels : (m,) int64, or empty
    targets : (m · outputs) numbers, or empty
    weight : (m,) numbers
    order : int64
        The rows as the steps meet them.
    """

    x: Any
    labels: Any
    targets: Any
    weight: Any
    order: Any


class Job(NamedTuple):
    """What all compiled functions are given.

    Parameters
    ----------
    run, stages, pieces, masks, groups : tables
    memory : numbers
    rows : Rows
    """

    run: Any
    stages: Any
    pieces: Any
    masks: Any
    groups: Any
    memory: Any
    rows: Rows


APART = 64
"""Numbers from one thread's place for a few of its own to the next: never on one cache line."""

# --- what threads share ------------------------------------------------------------------------------------------

ARRIVED, ABORTED, WISHED, LAST_STEP, NOT_FINITE = 0, 8, 16, 24, 32
"""Places in the int64 array that threads share, a cache line apart.

ARRIVED counts arrivals; ABORTED is 1 when all must leave; WISHED is 1 when the caller wants no further step; LAST_STEP
is the step after which all stop; NOT_FINITE the first step that met a NaN or an infinity.
"""

COUNTERS = 40
