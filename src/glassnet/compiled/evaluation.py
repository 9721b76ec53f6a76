"""Forward only: predictions, the errors of rows, and the error of many θ at once."""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled
from glassnet.compiled.forward import activate, copy_row, fetch_truth, multiply
from glassnet.compiled.intrinsics import Numbers, at, call, look, record
from glassnet.compiled.records import ABORTED, Job


@compiled
def predict(job: Job, theta: int, row: int, first: int, last: int) -> None:
    """Take ``last − first`` rows of x, from `row` on, through all stages; `first` is their place in the chunk."""
    run = record(job.run, 0)
    multiply(job, 1, theta, at(job.rows.x, row * run.inputs), run.inputs, first, last)
    activate(job, 1, first, last, True)
    for k in range(2, run.stages):
        before = record(job.stages, k - 1)
        multiply(job, k, theta, at(job.memory, before.a + first * before.a_row), before.a_row, first, last)
        activate(job, k, first, last, True)


@compiled
def row_error(job: Job, row: int, place: int) -> float:
    """Return the error of the row of the data that stands at a place of the chunk, after its prediction."""
    run, memory = record(job.run, 0), job.memory
    end = record(job.stages, run.stages - 1)
    y, error = at(memory, run.y + place * run.outputs), at(memory, run.errors + place)
    fetch_truth(job, row, y)
    z, a = at(memory, end.d + place * end.d_row), at(memory, end.a + place * end.a_row)
    call(run.loss, (z, a, y, at(memory, run.c + place), error, run.outputs))
    return np.float64(error[0])


@compiled
def predict_rows(
    thread: int, threads: int, rows: int, job: Job, predictions: Numbers, errors: Numbers, counters: Numbers
) -> int:
    """Write the prediction of every row, and its error where the run has a loss.

    Each thread takes whole blocks of rows; a row's numbers depend on the row alone.
    """
    run = record(job.run, 0)
    end = record(job.stages, run.stages - 1)
    block = run.chunk // threads
    first = thread * block
    for start in range(thread * block, rows, threads * block):
        n = min(block, rows - start)
        if look(counters, ABORTED):
            return 0
        predict(job, run.theta, start, first, first + n)
        for i in range(n):
            a = at(job.memory, end.a + (first + i) * end.a_row)
            copy_row(a, at(predictions, (start + i) * run.outputs), run.outputs)
            if run.loss >= 0:
                errors[start + i] = row_error(job, start + i, first + i)
    return 1


@compiled
def errors_of_population(
    thread: int, threads: int, rows: int, job: Job, population: int, errors: Numbers, counters: Numbers
) -> int:
    """Write Σ cᵢEᵢ of all rows for each θ of a population, which lie one behind the other where the run has its θ."""
    run = record(job.run, 0)
    block = run.chunk // threads
    first = thread * block
    for p in range(thread, population, threads):
        if look(counters, ABORTED):
            return 0
        total = 0.0
        for start in range(0, rows, block):
            n = min(block, rows - start)
            predict(job, run.theta + p * run.parameters, start, first, first + n)
            for i in range(n):
                total += np.float64(job.rows.weight[start + i]) * row_error(job, start + i, first + i)
        errors[p] = total
    return 1
