"""The error of many θ of a small network: rows lie in vector lanes, and each θ has a thread for itself.

The tiles of `products` are made for wide layers; of a layer of eight units they leave most lanes empty. Here unit j of
row r is number ``j·rows + r``, so that every loop runs over rows, whole vectors long, and a weight is one number that
meets a vector. What a θ gets depends on that θ and the rows alone, never on the number of threads.
"""

from __future__ import annotations

import numpy as np

from glassnet.compiled.decorator import compiled, compiled_sum
from glassnet.compiled.intrinsics import Numbers, at, call, look, record
from glassnet.compiled.records import ABORTED


@compiled
def sum_lanes(z: Numbers, start: float, w: Numbers, w_row: int, a: Numbers, a_row: int, inputs: int, n: int) -> None:
    """Z = start + Σ_i w_i a_i over n lanes, each sum in the order of i; z is gone over once for four inputs."""
    first = inputs % 4
    a0, a1, a2 = at(a, 0), at(a, min(1, inputs - 1) * a_row), at(a, min(2, inputs - 1) * a_row)
    w0, w1, w2 = w[0], w[min(1, inputs - 1) * w_row], w[min(2, inputs - 1) * w_row]
    if first == 1:
        for r in range(n):
            z[r] = start + w0 * a0[r]
    elif first == 2:
        for r in range(n):
            z[r] = start + w0 * a0[r] + w1 * a1[r]
    elif first == 3:
        for r in range(n):
            z[r] = start + w0 * a0[r] + w1 * a1[r] + w2 * a2[r]
    else:
        for r in range(n):
            z[r] = start
    for i in range(first, inputs, 4):
        w0, w1, w2, w3 = w[i * w_row], w[(i + 1) * w_row], w[(i + 2) * w_row], w[(i + 3) * w_row]
        a0, a1, a2, a3 = at(a, i * a_row), at(a, (i + 1) * a_row), at(a, (i + 2) * a_row), at(a, (i + 3) * a_row)
        for r in range(n):
            z[r] = z[r] + w0 * a0[r] + w1 * a1[r] + w2 * a2[r] + w3 * a3[r]


@compiled
def turn(lanes: Numbers, lanes_row: int, result: Numbers, units: int, n: int) -> None:
    """Copy lanes to rows: unit j of row r becomes number ``r·units + j``."""
    for j in range(units):
        lane = at(lanes, j * lanes_row)
        for r in range(n):
            result[r * units + j] = lane[r]


@compiled_sum
def weighted(errors: Numbers, c: Numbers, n: int) -> float:
    """Return Σ cᵢEᵢ in float64."""
    total = 0.0
    for r in range(n):
        total += np.float64(c[r]) * np.float64(errors[r])
    return total


@compiled
def errors_of_population(
    thread: int,
    threads: int,
    rows: int,
    stages: Numbers,
    count: int,
    thetas: Numbers,
    parameters: int,
    population: int,
    x: Numbers,
    y: Numbers,
    c: Numbers,
    memory: Numbers,
    room: int,
    block: int,
    widest: int,
    loss: int,
    loss_of_one: int,
    errors: Numbers,
    counters: Numbers,
) -> int:
    """Write Σ cᵢEᵢ of all rows for each θ of a population.

    Parameters
    ----------
    stages, count : table of `records.STAGE`, and how many there are
    thetas : population · parameters numbers
    x : (inputs, rows) numbers
    y : (rows, outputs) numbers
    c : (rows,) numbers
    memory : room · threads numbers
        Each thread has a room of its own: z and a of a block of rows, of the widest layer, and the block's errors.
    block, widest : int
    loss, loss_of_one : int
        Handles: of the loss of rows, and of its form for one output, or −1.
    errors : (population,) float64
    """
    z = at(memory, thread * room)
    a, z_rows = at(z, widest * block), at(z, 2 * widest * block)
    a_rows, found = at(z, 3 * widest * block), at(z, 4 * widest * block)
    outputs, zero = record(stages, count - 1).outputs, c[0] - c[0]
    for p in range(thread, population, threads):
        if look(counters, ABORTED):
            return 0
        theta = at(thetas, p * parameters)
        total = 0.0
        for first in range(0, rows, block):
            n = min(block, rows - first)
            before, before_row = at(x, first), rows
            for k in range(1, count):
                stage = record(stages, k)
                units = stage.outputs
                w, b = at(theta, stage.weights), at(theta, max(stage.biases, 0))
                for j in range(units):
                    start = b[j] if stage.biases >= 0 else zero
                    sum_lanes(at(z, j * n), start, at(w, j), units, before, before_row, stage.inputs, n)
                if k < count - 1:
                    call(stage.value, (z, a, units * n))
                    before, before_row = a, n
            end = record(stages, count - 1)
            if loss_of_one >= 0:
                call(end.value, (z, a, n))
                call(loss_of_one, (z, a, at(y, first), found, n))
            else:
                turn(z, n, z_rows, outputs, n)
                if end.by_rows:
                    for r in range(n):
                        call(end.value, (at(z_rows, r * outputs), at(a_rows, r * outputs), outputs))
                else:
                    call(end.value, (z_rows, a_rows, n * outputs))
                call(loss, (z_rows, outputs, a_rows, outputs, at(y, first * outputs), at(c, first), found, n, outputs))
            total += weighted(found, at(c, first), n)
        errors[p] = total
    return 1
