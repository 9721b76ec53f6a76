"""Compare batch prediction with PyTorch's: a million rows through the table network, 200,000 through the digits one.

Run as ``python -m benchmarks.predict``. Both have the rows in memory as one array; each takes the better of its numbers
of threads.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine, write
from benchmarks.participants.ours import network
from benchmarks.processes import LeftOutError, Peer, Process
from benchmarks.workloads import WORKLOADS, Workload, rows

RESULTS = Path(__file__).parent / "results"


def compare(workload: Workload, peers: dict[str, Peer], n_rounds: int) -> dict[str, Any]:
    """Return seconds and more of each participant, with each number of threads."""
    result: dict[str, Any] = {"rows": workload.steps * workload.batch, "participants": {}}
    length = {"steps": workload.steps, "epochs": 1}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        X, Y = rows(workload)
        np.savez(f"{folder}/rows.npz", X=X, Y=Y, theta0=network(workload).theta)
        del X, Y
        processes: dict[tuple[str, int], Process] = {}
        ours = None
        for name, peer in peers.items():
            for threads in (n for n in (1, 2) if n <= (os.cpu_count() or 1)):
                process = running.enter_context(Process(peer, threads, folder))
                process.ask("prepare", workload=workload.name, rows=f"{folder}/rows.npz", threads=threads)
                process.ask("result", into=f"{folder}/h.npy")
                h = np.load(f"{folder}/h.npy")
                ours = h if ours is None else ours
                # Sums of n products, each side rounded: some tens of 2⁻²⁴ of numbers of about 1.
                np.testing.assert_allclose(h, ours, rtol=1e-4, atol=1e-5)
                first = process.ask("time", **length)
                processes[name, threads] = process
                result["participants"][f"{name}, {threads} threads"] = {"first": first, "rounds": []}
        for _ in range(n_rounds):
            for (name, threads), process in processes.items():
                answer = process.ask("time", **length)
                result["participants"][f"{name}, {threads} threads"]["rounds"].append(answer["seconds"])
    for measured in result["participants"].values():
        measured["seconds"] = statistics.median(measured["rounds"])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="rows of table and of digits", default="1000000,200000")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch", default="/tmp/torchenv/bin/python", help="interpreter that has PyTorch")
    parser.add_argument("--output", type=Path, default=RESULTS / "predict.json")
    options = parser.parse_args()
    peers = {
        "glassnet": Peer("glassnet", "benchmarks.participants.our_predict"),
        "torch": Peer("PyTorch", "benchmarks.participants.torch_predict", options.torch, "numpy torch"),
    }
    results = {}
    for name, m in zip(("table", "digits"), map(int, options.rows.split(",")), strict=True):
        workload = WORKLOADS[name]
        try:
            results[name] = compare(replace(workload, steps=m // workload.batch), peers, options.rounds)
        except LeftOutError as reason:
            raise SystemExit(f"{name} cannot be compared, since a participant failed: {reason}") from None
        measured = results[name]["participants"]
        best = {p: min(v["seconds"] for k, v in measured.items() if k.startswith(p)) for p in peers}
        print(
            f"{name}, {results[name]['rows']:,} rows: PyTorch takes {best['torch'] / best['glassnet']:.2f} times ours."
        )
        for who, values in measured.items():
            extra = {k: round(v, 1) for k, v in values["first"].items() if k != "seconds"}
            print(f"  {who:20s} {1e3 * values['seconds']:9.1f} ms   {extra}", flush=True)
    write(options.output, {"machine": machine(), "networks": results})
    print(f"Written to {options.output}.")


if __name__ == "__main__":
    main()
