"""Many steps of training, computed by several threads that run this same function side by side.

A step has three phases, with a meeting after each where there is need: rows (forward, then blame backward, each thread
its own rows), gradient (each thread its own pieces of θ), update (the same pieces). What a thread owns has no bearing
on the bits: an element of a product is one sum in a fixed order, and the other sums are made of parts that depend on
the network and the batch alone.
"""

from __future__ import annotations

import numpy as np

from glassnet.compiled.backward import add_gradient, blame, clip_norm, copy_for_products, finish_gradient, move
from glassnet.compiled.decorator import compiled
from glassnet.compiled.forward import fetch, forward
from glassnet.compiled.intrinsics import Numbers, at, look, record
from glassnet.compiled.meeting import meet
from glassnet.compiled.notes import expect_notes, note_rows, notes_of_epoch
from glassnet.compiled.records import LAST_STEP, NOT_FINITE, WISHED, Job


@compiled
def take_steps(
    thread: int,
    threads: int,
    steps: int,
    job: Job,
    shares: Numbers,
    bounds: Numbers,
    totals: Numbers,
    coefficients: Numbers,
    errors: Numbers,
    partials: Numbers,
    notes: Numbers,
    counters: Numbers,
) -> int:
    """Take steps until all are taken, one meets a NaN, or somebody wishes to stop; return how many were taken whole.

    Parameters
    ----------
    thread, threads, steps : int
    job : Job
    shares : (threads + 1) int64
        Thread t owns pieces ``shares[t]`` to ``shares[t + 1]``.
    bounds : (steps + 1) int64
        Step s takes the rows from ``order[bounds[s]]`` to ``order[bounds[s + 1]]``.
    totals : (steps) float64
        Σw of each step.
    coefficients : (steps · k) numbers
        Of the optimizer's formula.
    errors : (steps) float64
        Written: what each step met.
    partials : (pieces · 3) float64
        Room for sums over each piece.
    notes : numbers
        Written where the run has a truth: see `notes`.
    counters : int64
        See `records`.
    """
    run = record(job.run, 0)
    theta, theta_next = run.theta, run.theta + run.stride
    keep = run.keep + thread * run.keep_row
    own = run.piece + thread * run.piece_room  # where this thread has the gradient of the piece it works on
    meeting = 1
    for p in range(shares[thread], shares[thread + 1]):
        copy_for_products(job, p, theta)
    if meet(counters, threads, meeting):
        return 0
    for s in range(steps):
        if totals[s] == 0:
            errors[s] = 0
            continue
        error, bad = 0.0, 0
        own_notes = notes_of_epoch(job, bounds[s], notes) if run.truth else notes
        stand_in = first_that_counts(job, bounds[s])
        for chunk in range(bounds[s], bounds[s + 1], run.chunk):
            rows = min(run.chunk, bounds[s + 1] - chunk)
            first, last = rows * thread // threads, rows * (thread + 1) // threads
            if run.truth:
                expect_notes(job, first, last, chunk, own_notes)
            fetch(job, chunk, first, last, totals[s], stand_in)
            bad |= forward(job, theta, first, last, chunk - bounds[s], run.first_step + s, keep)
            blame(job, first, last)
            if run.truth:
                note_rows(job, thread, first, last, chunk, own_notes)
            meeting += 1
            if meet(counters, threads, meeting):
                return s
            if thread == 0:
                error += sum_of_errors(job, rows)
                bad |= int(error - error != 0)
            more, ends = chunk > bounds[s], chunk + rows == bounds[s + 1]
            if run.separate:  # few pieces, or the whole gradient is wanted
                add_slices(job, thread, threads, rows, more)
            else:  # all in one go, while the piece is in the cache
                for p in range(shares[thread], shares[thread + 1]):
                    place = own if ends and not more else run.gradient + record(job.pieces, p).place
                    add_gradient(job, p, place, 0, rows, more)
                    if ends:
                        bad |= finish_gradient(job, p, place, theta, partials)
                        bad |= update(
                            job, p, place, theta, theta_next, partials, at(coefficients, s * run.coefficients)
                        )
            if run.separate or not ends:
                meeting += 1
                if meet(counters, threads, meeting):
                    return s
        if run.separate:
            for p in range(shares[thread], shares[thread + 1]):
                bad |= finish_gradient(job, p, run.gradient + record(job.pieces, p).place, theta, partials)
            meeting += 1
            if meet(counters, threads, meeting):
                return s
            for p in range(shares[thread], shares[thread + 1]):
                place = run.gradient + record(job.pieces, p).place
                bad |= update(job, p, place, theta, theta_next, partials, at(coefficients, s * run.coefficients))

        if bad and counters[NOT_FINITE] > s:
            counters[NOT_FINITE] = s
        if thread == 0 and look(counters, WISHED):
            counters[LAST_STEP] = s
        meeting += 1
        if meet(counters, threads, meeting):
            return s
        if thread == 0:
            errors[s] = (error / totals[s] if run.sum_reduction else error) + sum_of_penalties(job, partials)
        # all threads read the same here: nobody writes again before the next meeting
        if counters[NOT_FINITE] == s:
            return s
        theta, theta_next = theta_next, theta
        if counters[LAST_STEP] == s:
            return s + 1
    return steps


@compiled
def pass_rows(
    thread: int, threads: int, rows: int, job: Job, theta_is_new: bool, shares: Numbers, counters: Numbers
) -> int:
    """Take the first rows of the order, at most a chunk, forward and their blame backward, and leave all in memory."""
    run = record(job.run, 0)
    if theta_is_new:
        for p in range(shares[thread], shares[thread + 1]):
            copy_for_products(job, p, run.theta)
        if meet(counters, threads, 1):
            return 0
    first, last = rows * thread // threads, rows * (thread + 1) // threads
    if first < last:
        fetch(job, 0, first, last, 1.0, 0)
        forward(job, run.theta, first, last, 0, 0, run.keep + thread * run.keep_row)
        blame(job, first, last)
    return 1


@compiled
def update(job: Job, p: int, place: int, theta: int, theta_next: int, partials: Numbers, coefficients: Numbers) -> int:
    """Clip piece p's gradient by the norm of all, move the piece, and copy it to where products read it."""
    if record(job.run, 0).clip_norm >= 0:
        clip_norm(job, p, place, partials)
    bad = move(job, p, place, theta, theta_next, coefficients)
    copy_for_products(job, p, theta_next)
    return bad


@compiled
def first_that_counts(job: Job, start: int) -> int:
    """Return the first row from place `start` of the order on whose weight is not 0."""
    rows = job.rows
    while rows.weight[rows.order[start]] == 0:
        start += 1
    return rows.order[start]


@compiled
def sum_of_errors(job: Job, rows: int) -> float:
    """Return Σ cᵢEᵢ over the rows of a chunk."""
    run, memory = record(job.run, 0), job.memory
    total = 0.0
    for i in range(rows):
        total += np.float64(memory[run.c + i]) * np.float64(memory[run.errors + i])
    return total


@compiled
def sum_of_penalties(job: Job, partials: Numbers) -> float:
    """Return the penalty of θ, from the sums over its pieces."""
    total = 0.0
    for p in range(record(job.run, 0).pieces):
        total += partials[3 * p]
    return total


@compiled
def add_slices(job: Job, thread: int, threads: int, rows: int, more: bool) -> None:
    """Sum the gradient of a chunk's rows, slice by slice of the rows, so that few pieces still busy all threads."""
    run = record(job.run, 0)
    for i in range(thread, run.pieces * run.slices, threads):
        p, s = i // run.slices, i % run.slices
        place = run.gradient + s * run.stride + record(job.pieces, p).place
        add_gradient(job, p, place, rows * s // run.slices, rows * (s + 1) // run.slices, more)
