"""What the ledger of rows costs: training with it and without it, in turn, on the benchmark networks.

Run as ``python -m benchmarks.ledger`` with nothing else running. Each round trains twice from the same θ, once with the
ledger and once without, in an order that changes from round to round; the figure is the median of the rounds' ratios.
Rows are shuffled, as they are by default.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import glassnet as gn
from benchmarks.machine import machine, write
from benchmarks.participants.ours import network, optimizer_and_loss
from benchmarks.workloads import WORKLOADS, Workload, rows

RESULTS = Path(__file__).parent / "results"


def seconds(w: Workload, theta0: Any, X: Any, Y: Any, epochs: int, threads: int, ledger: bool) -> float:
    """Return how long one call of `gn.train` takes."""
    optimizer, loss = optimizer_and_loss(w)
    net = network(w)
    net.theta = theta0
    settings = {"optimizer": optimizer, "epochs": epochs, "batch_size": w.batch, "threads": threads, "ledger": ledger}
    start = time.perf_counter()
    gn.train(net, X, Y, loss, **settings)
    return time.perf_counter() - start


def measure(w: Workload, rounds: int, at_least: float, threads: int) -> dict[str, Any]:
    """Return the medians of a workload, in seconds, and of the ratios less 1."""
    X, Y = rows(w)
    theta0 = network(w).theta.copy()
    epochs, took = 1, seconds(w, theta0, X, Y, 1, threads, True)
    while took < at_least:
        epochs = max(epochs + 1, int(epochs * at_least / took))
        took = seconds(w, theta0, X, Y, epochs, threads, True)
    pairs = []
    for i in range(rounds):
        pair = {}
        for ledger in (i % 2 == 0, i % 2 == 1):
            pair[ledger] = seconds(w, theta0, X, Y, epochs, threads, ledger)
        pairs.append((pair[False], pair[True]))
    without, with_ = (statistics.median(column) for column in zip(*pairs, strict=True))
    overhead = statistics.median(b / a - 1 for a, b in pairs)
    return {
        "workload": w.name,
        "rows": len(X),
        "epochs": epochs,
        "threads": threads,
        "seconds_without": without,
        "seconds_with": with_,
        "overhead": overhead,
        "overhead_of_medians": with_ / without - 1,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="workloads, such as textbook,table")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="the least time of one training")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path, default=RESULTS / "ledger.json")
    args = parser.parse_args()
    names = list(WORKLOADS) if args.only is None else args.only.split(",")
    found = []
    for name in names:
        for threads in args.threads:
            found.append(measure(WORKLOADS[name], args.rounds, args.seconds, threads))
            print(
                "{workload:12} {threads} threads {seconds_without:8.3f} s {seconds_with:8.3f} s {overhead:+.1%}".format(
                    **found[-1]
                ),
                flush=True,
            )
    write(args.out, {"machine": machine(), "numpy": np.__version__, "measured": found})


if __name__ == "__main__":
    main()
