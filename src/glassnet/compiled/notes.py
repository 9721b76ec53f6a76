"""What a step notes of its rows, right after their blame is found: see `glassnet.engines.notes`.

A row's blame is in memory, times its share c, and so are all signals; ‖∂Eᵢ/∂θ‖² is ‖δ‖²(‖a‖² + 1) of every layer.
"""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled, compiled_sum
from glassnet.compiled.intrinsics import Numbers, at, record
from glassnet.compiled.records import Job

CLASSES, YES_OR_NO = 1, 2
"""Values of `glassnet.engines.notes.Truth`."""


@compiled
def note_rows(job: Job, first: int, last: int, chunk: int, notes: Numbers) -> None:
    """Note what rows `first` to `last` of a chunk are like; `chunk` is the place of its first row in the order."""
    run, memory = record(job.run, 0), job.memory
    end = record(job.stages, run.stages - 1)
    for i in range(first, last):
        c = memory[run.c + i]
        if c != 0:  # else another row was computed in its place
            a, y = at(memory, end.a + i * end.a_row), at(memory, run.y + i * run.outputs)
            norm = np.sqrt(squares_of_gradient(job, i)) / c
            write_note(run, memory[run.errors + i], norm, a, y, at(notes, place_of_note(job, chunk + i)))


@compiled
def place_of_note(job: Job, place: int) -> int:
    """Return where it is noted what the row at a place of the order is like: by epoch, and there by row."""
    run = record(job.run, 0)
    return int(4 * ((run.met + place) // run.rows * run.rows + job.rows.order[place]))


@compiled
def squares_of_gradient(job: Job, i: int) -> float:
    """Return c²‖∂Eᵢ/∂θ‖² of row i of the chunk."""
    run, memory = record(job.run, 0), job.memory
    total = 0.0
    for k in range(1, run.stages):
        before, stage = record(job.stages, k - 1), record(job.stages, k)
        a, delta = at(memory, before.a + i * before.a_row), at(memory, stage.d + i * stage.d_row)
        if stage.groups == 1:
            heard = squares(a, stage.inputs) + (1 if stage.biases >= 0 else 0)
            total += heard * squares(delta, stage.outputs)
        else:
            for g in range(stage.first_group, stage.first_group + stage.groups):
                group = record(job.groups, g)
                heard = squares(at(a, group.first_input), group.inputs)
                total += heard * squares(at(delta, group.first_unit), group.units)
            if stage.biases >= 0:
                total += squares(delta, stage.outputs)
    return total


@compiled_sum
def squares(x: Numbers, n: int) -> float:
    """Return Σ x²."""
    total = x[0] * 0
    for j in range(n):
        total += x[j] * x[j]
    return np.float64(total)


@compiled
def write_note(run: Numbers, error: float, norm: float, a: Numbers, y: Numbers, note: Numbers) -> None:
    """Note error and norm of a row, by how much it is right, and what it is taken for."""
    note[0], note[1] = error, norm
    if run.truth == CLASSES:
        label, predicted = 0, 0
        for j in range(1, run.outputs):
            if y[j] > y[label]:
                label = j
            if a[j] > a[predicted]:
                predicted = j
        rival = 1 if label == 0 else 0
        for j in range(run.outputs):
            if j != label and a[j] > a[rival]:
                rival = j
        note[2] = a[label] - a[rival]
        note[3] = predicted
    elif run.truth == YES_OR_NO:
        above = a[0] - run.threshold
        note[2] = 2 * above if y[0] > 0.5 else -2 * above
        note[3] = 1 if above > 0 else 0
    else:
        note[2] = np.nan
        note[3] = a[0] if run.outputs == 1 else np.nan
