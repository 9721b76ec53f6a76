"""What a step notes of its rows, right after their blame is found: see `glassnet.engines.notes`.

A row's blame is in memory, times its share c, and so are all signals; ‖∂Eᵢ/∂θ‖² is ‖δ‖²(‖a‖² + 1) of every layer.
"""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled
from glassnet.compiled.intrinsics import Numbers, at, fetch_soon, record
from glassnet.compiled.records import APART, Job
from glassnet.compiled.squares import AT_A_TIME, squares

CLASSES, YES_OR_NO = 1, 2
"""Values of `glassnet.engines.notes.Truth`."""


@compiled
def notes_of_epoch(job: Job, start: int, notes: Numbers) -> Numbers:
    """Return where the rows of an epoch have their notes: the epoch of the place `start` of the order."""
    run = record(job.run, 0)
    return at(notes, 4 * ((run.met + start) // run.rows * run.rows))


@compiled
def expect_notes(job: Job, first: int, last: int, chunk: int, notes: Numbers) -> None:
    """Bring near where rows will be noted: they lie all over the memory, and finding them takes a while."""
    for i in range(first, last):
        fetch_soon(at(notes, 4 * job.rows.order[chunk + i]))


@compiled
def note_rows(job: Job, thread: int, first: int, last: int, chunk: int, notes: Numbers) -> None:
    """Note what rows `first` to `last` of a chunk are like, whose first row is at place `chunk` of the order.

    `notes` are those of the epoch, four numbers for each row of the data.
    """
    run, memory = record(job.run, 0), job.memory
    end = record(job.stages, run.stages - 1)
    square = at(memory, run.squares)
    for i in range(first, last):
        square[i] = 0
    for g in range(run.groups):
        add_squares(job, thread, g, first, last)
    for i in range(first, last):
        row, c = job.rows.order[chunk + i], memory[run.c + i]
        if c != 0 or job.rows.weight[row] > 0:  # else another row was computed in its place
            a, y = at(memory, end.a + i * end.a_row), at(memory, run.y + i * run.outputs)
            norm = np.sqrt(square[i]) / c  # NaN where the weight is so small that its share is 0
            write_note(run, memory[run.errors + i], norm, a, y, at(notes, 4 * row))


@compiled
def add_squares(job: Job, thread: int, g: int, first: int, last: int) -> None:
    """Add c²‖∂Eᵢ/∂θ‖² of each row, over the weights of group g and the biases of its units."""
    run, memory, group = record(job.run, 0), job.memory, record(job.groups, g)
    before, stage = record(job.stages, group.stage - 1), record(job.stages, group.stage)
    square, heard = at(memory, run.squares), at(memory, run.heard + thread * 2 * APART)
    blamed = at(heard, APART)
    a_row, d_row, inputs, units = before.a_row, stage.d_row, group.inputs, group.units
    a, delta = at(memory, before.a + group.first_input), at(memory, stage.d + group.first_unit)
    has_bias = stage.biases >= 0
    for start in range(first, last, AT_A_TIME):
        i = max(0, min(start, last - AT_A_TIME))  # the last few are taken together with some before them
        squares(at(a, i * a_row), a_row, inputs, heard)
        squares(at(delta, i * d_row), d_row, units, blamed)
        for j in range(start - i, min(AT_A_TIME, last - i)):
            square[i + j] += heard[j] * blamed[j]
            if has_bias:
                square[i + j] += blamed[j]


@compiled
def write_note(run: Numbers, error: float, norm: float, a: Numbers, y: Numbers, note: Numbers) -> None:
    """Note error and norm of a row, by how much it is right, and what it is taken for."""
    note[0], note[1] = error, norm
    if run.truth == CLASSES:
        label, predicted, truest, largest, second = 0, 0, y[0], a[0], -np.inf
        for j in range(1, run.outputs):  # selections, not branches, which nobody could predict
            is_truer, is_larger = y[j] > truest, a[j] > largest
            label, truest = (j, y[j]) if is_truer else (label, truest)
            smaller = largest if is_larger else a[j]
            second = smaller if smaller > second else second
            predicted, largest = (j, a[j]) if is_larger else (predicted, largest)
        note[2] = a[label] - (second if predicted == label else largest)
        note[3] = predicted
    elif run.truth == YES_OR_NO:
        above = a[0] - run.threshold
        note[2] = 2 * above if y[0] > 0.5 else -2 * above
        note[3] = 1 if above > 0 else 0
    else:
        note[2] = np.nan
        note[3] = a[0] if run.outputs == 1 else np.nan
