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
def find_errors(job: Job, row: int, first: int, last: int) -> None:
    """Write the errors of rows that were predicted: ``last − first`` rows of the data, from `row` on."""
    run, memory = record(job.run, 0), job.memory
    end = record(job.stages, run.stages - 1)
    for i in range(first, last):
        fetch_truth(job, row + i - first, at(memory, run.y + i * run.outputs))
    z, a = at(memory, end.d + first * end.d_row), at(memory, end.a + first * end.a_row)
    y, c, errors = at(memory, run.y + first * run.outputs), at(memory, run.c + first), at(memory, run.errors + first)
    call(run.loss, (z, end.d_row, a, end.a_row, y, c, errors, last - first, run.outputs))


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
            find_errors(job, start, first, first + n)
            copy_row(at(job.memory, run.errors + first), at(errors, start), n)
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
            find_errors(job, start, first, first + n)
            for i in range(n):
                total += np.float64(job.rows.weight[start + i]) * np.float64(job.memory[run.errors + first + i])
        errors[p] = total
    return 1
