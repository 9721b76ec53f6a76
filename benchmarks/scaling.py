"""How the cost of `gn.train` grows with examples, width and depth, and that its memory does not grow with epochs.

Run as ``python -m benchmarks.scaling``. Every point is measured in a process of its own, whose peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, write
from benchmarks.participants.ours import Ours, network
from benchmarks.workloads import WORKLOADS, rows

ROOT = Path(__file__).parents[1]
POINTS = {
    "examples": [(m, 128, 3) for m in (20_000, 60_000, 200_000)],
    "width": [(40_000, width, 3) for width in (100, 300, 1000)],
    "depth": [(40_000, 128, depth) for depth in (3, 9, 30)],
}
"""(examples, width of each hidden layer, number of hidden layers); the table workload otherwise, ReLU."""


def measure(examples: int, width: int, depth: int, rounds: int, threads: int) -> dict[str, Any]:
    """Return seconds of an epoch, and peak memory in MiB after calls of few epochs and after one of many."""
    table = WORKLOADS["table"]
    sizes = (table.sizes[0], *[width] * depth, table.sizes[-1])
    workload = replace(table, sizes=sizes, hidden="relu", learning_rate=1e-4, steps=examples // table.batch)
    trainer = Ours(workload, network(workload).theta, *rows(workload), threads)

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux

    trainer.time(workload.steps, 2)
    seconds = [trainer.time(workload.steps, 2)["seconds"] / 2 for _ in range(rounds)]
    few = peak()
    trainer.time(workload.steps, 20)
    return {
        "examples": examples,
        "width": width,
        "depth": depth,
        "parameters": trainer.theta0.size,
        "multiply_adds": workload.multiply_adds * workload.steps,
        "epoch_seconds": statistics.median(seconds),
        "rounds": seconds,
        "mib_after_3_epochs": few,
        "mib_after_21_epochs": peak(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shrink", type=int, default=1, help="divide the examples, for a quick look")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "scaling.json")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        examples, width, depth = json.loads(options.point)
        print(json.dumps(measure(examples, width, depth, options.rounds, options.threads)))
        return
    results: dict[str, list[dict[str, Any]]] = {}
    for what, points in POINTS.items():
        print(f"{what:>9s}  multiply-adds  ms an epoch  GFLOP/s   MiB after 3 epochs, 21 epochs")
        results[what] = []
        for examples, width, depth in points:
            point = json.dumps([examples // options.shrink, width, depth])
            arguments = ["--point", point, "--rounds", str(options.rounds), "--threads", str(options.threads)]
            command = [sys.executable, "-m", "benchmarks.scaling", *arguments]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                raise SystemExit(f"The point {what} {point} ended with code {done.returncode}; its words are above.")
            p = json.loads(done.stdout.splitlines()[-1])
            results[what].append(p)
            print(
                f"{p[what]:9,d}  {p['multiply_adds']:13.3g}  {1e3 * p['epoch_seconds']:11.1f}  "
                f"{2e-9 * p['multiply_adds'] / p['epoch_seconds']:7.1f}  "
                f"{p['mib_after_3_epochs']:19.0f}  {p['mib_after_21_epochs']:9.0f}",
                flush=True,
            )
        low, high = results[what][0], results[what][-1]
        work, cost = (high[key] / low[key] for key in ("multiply_adds", "epoch_seconds"))
        print(f"{'':9s}  {work:.1f} times the arithmetic takes {cost:.1f} times as long.\n")
    write(options.output, {"machine": machine(), "points": results})
    print(f"Written to {options.output}.")


if __name__ == "__main__":
    main()
