"""Judging 4,000 networks 2-8-1 on 200 rows: the compiled engine against a NumPy loop over networks.

Run as ``python -m benchmarks.population``. Both are measured in turn in one process, so that the clock rate of the
moment, and neighbours, weigh on both. The loop is what a person would write: one network after the other, plain NumPy,
all rows at once; that it computes the same is checked before a time counts. ``processor`` is the ratio of processor
times, with the threads' share of a quiet machine: it says what neighbours hide.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import glassnet as gn
from benchmarks.machine import machine, write
from glassnet.engines import Block, Descent, make_engine
from glassnet.maths.optimizers import SGD

Array = NDArray[Any]

RESULTS = Path(__file__).parent / "results"
NETWORKS, ROWS = 4000, 200
KINDS = (
    ("relu", "identity", "squared_error"),
    ("tanh", "sigmoid", "squared_error"),
    ("tanh", "sigmoid", "binary_cross_entropy"),
)
FORMULAS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "identity": lambda z: z,
}


def loop(thetas: Array, x: Array, y: Array, hidden: str, last: str, loss: str) -> Array:
    """Return the error of each network, one after the other."""
    g, out, errors = FORMULAS[hidden], FORMULAS[last], np.empty(len(thetas))
    for p, theta in enumerate(thetas):
        a = g(x @ theta[:16].reshape(2, 8) + theta[16:24])
        h = out(a @ theta[24:32].reshape(8, 1) + theta[32:])
        if loss == "squared_error":
            errors[p] = ((h - y) ** 2).mean()
        else:
            errors[p] = -(y * np.log(h) + (1 - y) * np.log(1 - h)).mean()
    return errors


def measure(dtype: str, hidden: str, last: str, loss: str, rounds: int, threads: int) -> dict[str, Any]:
    """Return the times of one kind of network, in milliseconds, and their ratios."""
    chance = np.random.default_rng(0)
    net = gn.Network(2, [gn.Dense(8, hidden), gn.Dense(1, last)], dtype=dtype)
    thetas = chance.standard_normal((NETWORKS, net.theta.size)).astype(dtype)
    x = chance.standard_normal((ROWS, 2)).astype(dtype)
    y = (x[:, :1] * x[:, 1:] > 0).astype(dtype)
    block = Block(x, y, np.ones(ROWS, dtype))
    engine = make_engine("compiled", net, net.objective(loss), Descent(SGD()), ROWS, 0, threads)
    np.testing.assert_allclose(engine.losses(thetas, block), loop(thetas, x, y, hidden, last, loss), rtol=1e-3)
    walls: list[tuple[float, float]] = []
    processors: list[tuple[float, float]] = []
    for _ in range(rounds):
        times = [
            _times(lambda: loop(thetas, x, y, hidden, last, loss)),
            min(_times(lambda: engine.losses(thetas, block)) for _ in range(10)),
        ]
        walls.append((times[0][0], times[1][0]))
        processors.append((times[0][1], times[1][1]))
    by_hand, ours = (statistics.median(column) for column in zip(*walls, strict=True))
    by_hand_processor, ours_processor = (statistics.median(column) for column in zip(*processors, strict=True))
    return {
        "dtype": dtype,
        "network": f"2-8-1, {hidden}, {last}, {loss}",
        "threads": threads,
        "loop_ms": round(1e3 * by_hand, 2),
        "ours_ms": round(1e3 * ours, 2),
        "times": round(by_hand / ours, 1),
        "processor": round(by_hand_processor / ours_processor * threads, 1),
    }


def _times(work: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULTS / "population.json")
    options = parser.parse_args()
    found = []
    for dtype in ("float32", "float64"):
        for kind in KINDS:
            found.append(measure(dtype, *kind, options.rounds, options.threads))
            print("{dtype} {network}: {loop_ms} ms, {ours_ms} ms, {times} times ({processor})".format(**found[-1]))
    write(options.output, {"machine": machine(), "networks": NETWORKS, "rows": ROWS, "results": found})


if __name__ == "__main__":
    main()
