"""Results flow forward: rows are fetched, multiplied, masked and passed through activations, stage by stage.

Rows do not depend on one another, so each thread takes its own share of them through all stages without meeting anyone.
"""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled
from glassnet.compiled.intrinsics import Numbers, at, call, record
from glassnet.compiled.masks import draw_mask
from glassnet.compiled.products import multiply_tiles
from glassnet.compiled.records import Job
from glassnet.compiled.tiles import SET, tile_columns


@compiled
def fetch(job: Job, start: int, first: int, last: int, total: float, stand_in: int) -> None:
    """Fetch rows `first` to `last` of those that start at place `start` of the order: x, y and c.

    A row of weight 0 does not count, whatever it holds: the row `stand_in`, which counts, is computed in its place.
    """
    run, rows, memory = record(job.run, 0), job.rows, job.memory
    layer = record(job.stages, 0)
    for i in range(first, last):
        row = rows.order[start + i]
        weight = rows.weight[row]
        memory[run.c + i] = weight if run.sum_reduction else weight / total
        if weight == 0:
            row = stand_in
        copy_row(at(rows.x, row * run.inputs), at(memory, layer.a + i * layer.a_row), run.inputs)
        fetch_truth(job, row, at(memory, run.y + i * run.outputs))


@compiled
def fetch_truth(job: Job, row: int, y: Numbers) -> None:
    """Fetch a row's target; a label becomes a row of two numbers."""
    run, rows = record(job.run, 0), job.rows
    if run.labels >= 0:
        target = at(job.memory, run.labels)
        for j in range(run.outputs):
            y[j] = target[1]
        y[rows.labels[row]] = target[0]
    else:
        copy_row(at(rows.targets, row * run.outputs), y, run.outputs)


@compiled
def copy_row(source: Numbers, result: Numbers, n: int) -> None:
    """Copy n numbers."""
    for j in range(n):
        result[j] = source[j]


@compiled
def forward(job: Job, theta: int, first: int, last: int, chunk_start: int, step: int, keep: int) -> int:
    """Take rows `first` to `last` of the chunk through all stages; return 1 if some z is not finite, else 0.

    Afterwards `a` of each stage holds its output and `d` the slope ∂a/∂z; of the last stage, where the loss has a short
    form, `d` still holds z.

    Parameters
    ----------
    theta : int
        The place of θ.
    chunk_start : int
        The place in the step of the chunk's first row; masks are drawn by it.
    keep : int
        The place of a row of numbers that only this thread uses.
    """
    run = record(job.run, 0)
    mask_rows(job, 0, first, last, chunk_start, step, keep)
    bad = 0
    for k in range(1, run.stages):
        before = record(job.stages, k - 1)
        multiply(job, k, theta, at(job.memory, before.a + first * before.a_row), before.a_row, first, last)
        bad |= activate(job, k, first, last, k == run.stages - 1 and run.short != 0)
        mask_rows(job, k, first, last, chunk_start, step, keep)
    return bad


@compiled
def multiply(job: Job, k: int, theta: int, a: Numbers, a_row: int, first: int, last: int) -> None:
    """Z = A W + b: rows `first` to `last` of stage k, written where its `d` is."""
    run, memory, stage = record(job.run, 0), job.memory, record(job.stages, k)
    n = stage.outputs
    w, panel, row = at(memory, theta + stage.weights), tile_columns(memory), n
    if stage.panels >= 0:
        w, panel, row = at(memory, stage.panels), stage.inputs * tile_columns(memory), tile_columns(memory)
    z = at(memory, stage.d + first * stage.d_row), stage.d_row
    b = at(memory, theta + max(stage.biases, 0)), 0, stage.biases >= 0  # the same start for every row
    multiply_tiles(run, (last - first, n, stage.inputs), (a, a_row, 1), (w, panel, row), z, b, SET)


@compiled
def activate(job: Job, k: int, first: int, last: int, only_value: bool) -> int:
    """A = g(Z), and Z becomes its slope unless only the value is wanted; return 1 if some z is not finite."""
    memory, stage = job.memory, record(job.stages, k)
    n = stage.outputs
    bad = 0
    if stage.d_row == n and stage.a_row == n and not stage.by_rows:  # one long row
        z, a = at(memory, stage.d + first * n), at(memory, stage.a + first * n)
        return call(stage.value if only_value else stage.value_and_slope, (z, a, (last - first) * n))
    for i in range(first, last):
        z, a = at(memory, stage.d + i * stage.d_row), at(memory, stage.a + i * stage.a_row)
        if stage.by_rows and not only_value:
            kept = at(memory, stage.z + i * n)
            for j in range(n):
                kept[j] = z[j]
            bad |= call(stage.value, (kept, a, n))
            for j in range(n):
                z[j] = 1
        else:
            bad |= call(stage.value if only_value else stage.value_and_slope, (z, a, n))
    return bad


@compiled
def mask_rows(job: Job, k: int, first: int, last: int, chunk_start: int, step: int, keep: int) -> None:
    """A ← A ⊙ mask/(1 − rate) for each mask behind stage k, and its slope alike: what is left out is not to blame."""
    run, memory, stage = record(job.run, 0), job.memory, record(job.stages, k)
    n = stage.outputs
    for m in range(stage.first_mask, stage.first_mask + stage.masks):
        mask, row = record(job.masks, m), at(memory, keep)
        for i in range(first, last):
            draw_mask(row, n, mask, run.key0, run.key1, step, chunk_start + i)
            scale_row(at(memory, stage.a + i * stage.a_row), row, n)
            if k > 0:
                scale_row(at(memory, stage.d + i * stage.d_row), row, n)


@compiled
def scale_row(x: Numbers, by: Numbers, n: int) -> None:
    """X ← x ⊙ by."""
    for j in range(n):
        x[j] *= by[j]


@compiled
def not_finite(x: Numbers, n: int) -> int:
    """Return 1 if one of n numbers is a NaN or infinite, else 0."""
    bad = np.int32(0)
    for j in range(n):
        bad |= np.int32(x[j] - x[j] != 0)
    return int(bad)
