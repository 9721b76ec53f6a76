"""Blame flows backward: from the loss through every stage, then into the gradient, and the gradient moves θ.

The four equations of `glassnet.network.backprop`, on matrices of rows. Passing blame back needs a thread's own rows
alone. The gradient sums over all rows, so threads meet before it, and each then owns some pieces of θ: it adds up a
piece's gradient, moves the piece and copies it to where the next step reads it fastest.
"""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled
from glassnet.compiled.forward import not_finite
from glassnet.compiled.intrinsics import Numbers, at, call, record
from glassnet.compiled.products import copy_to_panels, multiply_tiles, transpose_to_panels
from glassnet.compiled.records import Job
from glassnet.compiled.sums import add_penalty_gradient, clip_values, largest, penalty, shorten, squares
from glassnet.compiled.tiles import MULTIPLY, SET, tile_columns


@compiled
def blame(job: Job, first: int, last: int) -> None:
    """Turn the slopes in every `d` into blame δ = c ∂E/∂z, for rows `first` to `last` of the chunk."""
    run, memory = record(job.run, 0), job.memory
    end = record(job.stages, run.stages - 1)
    z, a = at(memory, end.d + first * end.d_row), at(memory, end.a + first * end.a_row)
    y, c, errors = at(memory, run.y + first * run.outputs), at(memory, run.c + first), at(memory, run.errors + first)
    # (1)  δ = ∇ₐE ⊙ g′(z), times the row's share c
    call(run.loss, (z, end.d_row, a, end.a_row, y, c, errors, last - first, run.outputs))
    if end.by_rows and run.short == 0:
        pull_back_rows(job, run.stages - 1, first, last)
    for k in range(run.stages - 1, 1, -1):
        pass_back(job, k, first, last)
        if record(job.stages, k - 1).by_rows:
            pull_back_rows(job, k - 1, first, last)


@compiled
def pass_back(job: Job, k: int, first: int, last: int) -> None:
    """(2)  δ of the stage before = (θᵀ δ) ⊙ g′(z), where its `d` holds the slope."""
    run, memory = record(job.run, 0), job.memory
    before, stage = record(job.stages, k - 1), record(job.stages, k)
    width = tile_columns(memory)
    sizes = last - first, before.outputs, stage.outputs
    delta = at(memory, stage.d + first * stage.d_row), stage.d_row, 1
    slope = at(memory, before.d + first * before.d_row), before.d_row
    w = at(memory, stage.transposed), stage.outputs * width, width
    multiply_tiles(run, sizes, delta, w, slope, (slope[0], 0, False), MULTIPLY)


@compiled
def pull_back_rows(job: Job, k: int, first: int, last: int) -> None:
    """Where the activation looks at whole rows: ∂E/∂z = Jᵀ ∂E/∂a, row by row."""
    memory, stage = job.memory, record(job.stages, k)
    for i in range(first, last):
        z, d = at(memory, stage.z + i * stage.outputs), at(memory, stage.d + i * stage.d_row)
        call(stage.pullback, (z, d, stage.outputs))


@compiled
def add_gradient(job: Job, p: int, place: int, first: int, last: int, more: bool) -> None:
    """Sum the gradient of piece p over rows `first` to `last` of the chunk, at a place.

    Where there is `more`, the sums go on from those of the chunk before, so that chunks do not show in the bits.
    """
    run, memory, piece = record(job.run, 0), job.memory, record(job.pieces, p)
    before, stage = record(job.stages, piece.stage - 1), record(job.stages, piece.stage)
    n = stage.outputs
    g = at(memory, place)
    delta = at(memory, stage.d + first * stage.d_row)
    if first == last:  # a slice of a chunk with few rows
        for j in range(0 if more else piece.count):
            g[j] = 0
    else:
        sizes, width = (piece.rows, n, last - first), tile_columns(memory)
        if piece.is_bias:
            a = at(memory, run.one), 0, 0  # (3)  ∂E/∂b = Σ δ, as if of an input that is always 1
        else:
            a = at(memory, before.a + first * before.a_row + piece.first), 1, before.a_row  # (4)  ∂E/∂W = aᵀ δ
        multiply_tiles(run, sizes, a, (delta, width, stage.d_row), (g, n), (g, n, more), SET)


@compiled
def finish_gradient(job: Job, p: int, place: int, theta: int, partials: Numbers) -> int:
    """Sum the slices of piece p's gradient, add the penalty's, and measure it; return 1 if it is not finite, else 0.

    `partials` gets three numbers: the penalty of the piece, its largest gradient, and the sum of squares of the
    gradient over the largest.
    """
    run, memory, piece = record(job.run, 0), job.memory, record(job.pieces, p)
    n = piece.count
    g = at(memory, place)
    w = at(memory, theta + piece.place)
    for s in range(1, run.slices):
        more = at(g, s * run.stride)
        for i in range(n):
            g[i] += more[i]
    if piece.penalised and (run.l1 != 0 or run.l2 != 0):
        partials[3 * p] = penalty(w, n, run.l1, run.l2)
        add_penalty_gradient(g, w, n, run.l1, run.l2)
    if piece.partial:
        keep_free(g, at(memory, run.free + piece.place), n)
    bad = not_finite(g, n) | int(partials[3 * p] - partials[3 * p] != 0)
    if piece.frozen:
        for i in range(n):
            g[i] = 0
    if run.clip_value >= 0:
        clip_values(g, n, run.clip_value)
    if run.clip_norm >= 0:
        unit = largest(g, n)
        partials[3 * p + 1] = unit
        partials[3 * p + 2] = squares(g, n, unit) if unit > 0 else 0.0
    return bad


@compiled
def keep_free(g: Numbers, free: Numbers, n: int) -> None:
    """Set the gradient to 0 where a number of θ does not move, whatever it was."""
    for i in range(n):
        if free[i] == 0:
            g[i] = 0


@compiled
def clip_norm(job: Job, p: int, place: int, partials: Numbers) -> None:
    """Shorten piece p's gradient where the whole gradient is longer than `clip_norm`; every thread finds the same."""
    run, memory, piece = record(job.run, 0), job.memory, record(job.pieces, p)
    unit, total = 0.0, 0.0
    for q in range(run.pieces):
        unit = max(unit, partials[3 * q + 1])
    if unit == 0 or unit - unit != 0:
        return
    for q in range(run.pieces):
        share = partials[3 * q + 1] / unit
        total += partials[3 * q + 2] * share * share
    length = np.sqrt(total)
    if length > run.clip_norm / unit:
        shorten(at(memory, place), piece.count, unit, run.clip_norm / length)


@compiled
def move(job: Job, p: int, place: int, theta: int, theta_next: int, coefficients: Numbers) -> int:
    """Move piece p of θ by the optimizer's formula; return 1 if it is no longer finite, else 0."""
    run, memory, piece = record(job.run, 0), job.memory, record(job.pieces, p)
    if piece.frozen or run.moves == 0:
        return 0
    now, after = at(memory, theta + piece.place), at(memory, theta_next + piece.place)
    slots = at(memory, run.slots + piece.place)
    bad = call(run.move, (now, after, at(memory, place), slots, run.stride, coefficients, piece.count))
    if piece.partial:  # weight decay must not move a frozen number either
        free = at(memory, run.free + piece.place)
        for i in range(piece.count):
            if free[i] == 0:
                after[i] = now[i]
        bad = not_finite(after, piece.count)
    return bad


@compiled
def copy_for_products(job: Job, p: int, theta: int) -> None:
    """Copy piece p of W to where the next step's products read it fastest."""
    memory, piece = job.memory, record(job.pieces, p)
    stage = record(job.stages, piece.stage)
    w = at(memory, theta + stage.weights)
    first, last = piece.first, piece.first + piece.rows
    if piece.is_bias == 0 and stage.panels >= 0:
        copy_to_panels(w, first, last, stage.inputs, stage.outputs, at(memory, stage.panels))
    if piece.is_bias == 0 and stage.transposed >= 0:
        transpose_to_panels(w, first, last, stage.outputs, at(memory, stage.transposed))
