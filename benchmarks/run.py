"""Compare training with glassnet and its peers: microseconds a step on seven workloads, all in one run, in turn.

Run as ``python -m benchmarks.run`` from the repository's root; README.md says which environments to make.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine, write
from benchmarks.participants.ours import network
from benchmarks.processes import LeftOutError, Peer, Process
from benchmarks.workloads import WORKLOADS, Array, Workload, rows

RESULTS = Path(__file__).parent / "results"
TIE = 0.03


def participants(torch_python: str, jax_python: str) -> dict[str, Peer]:
    at = "benchmarks.participants."
    torch, jax = (torch_python, "numpy torch"), (jax_python, "numpy jax optax")
    return {
        "ours": Peer("glassnet", at + "ours"),
        "eager": Peer("PyTorch eager", at + "torch_eager", *torch),
        "compile": Peer("torch.compile", at + "torch_compile", *torch),
        "jax": Peer("JAX scan", at + "jax_scan", *jax),
        "sklearn": Peer("scikit-learn", at + "sklearn_mlp"),
    }


@dataclass
class Entry:
    """A participant with one number of threads, and what was measured of it."""

    process: Process
    version: str
    first_call: float
    deviation: float
    """‖θ − our θ‖ over how far our θ moved, after ten steps."""
    steps: int = 0
    epochs: int = 0
    calibration: list[float] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    others: list[dict[str, float]] = field(default_factory=list)

    def step_seconds(self) -> float:
        """Measure once: seconds a step."""
        answer = self.process.ask("time", steps=self.steps, epochs=self.epochs)
        self.others.append({name: value / self.steps for name, value in answer.items() if name != "seconds"})
        return float(answer["seconds"] / (self.steps * self.epochs))

    def choose_length(self, limit: int, seconds: float) -> None:
        """Find how many steps, and passes over them, take about so many seconds."""
        self.steps, self.epochs = min(8, limit), 1
        while (took := self.step_seconds() * self.steps) < seconds / 10 and self.steps < limit:
            self.steps = min(limit, self.steps * 10)
        # a first difference of two calls may be all noise, even below 0
        whole_call = self.others[-1].get("one_epoch_call", 0.0)
        per_step = max(took / self.steps, whole_call / 10, 1e-9)
        self.steps = max(1, min(limit, round(seconds / per_step)))
        self.epochs = max(1, round(seconds / (per_step * self.steps)))
        self.step_seconds()  # with this length once before it counts: JAX compiles for it


def require_agreement(theta: Array, ours: Array, theta0: Array, *, kinks: bool) -> float:
    """Return ‖θ − our θ‖ over how far our θ moved; raise where float32 does not explain the difference.

    The same products added in another order differ by about √n·2⁻²⁴, 2e-6 for our sizes. Where all is smooth, so does
    the movement; Adam, which divides by gradients near 0, makes up to 5e-5 of it here. The least mistake that could be
    made, leaving weight decay out, shows as 2e-3, so 1e-3 is the limit. Beside a ReLU's kink, a share of 2e-6 of all
    (row, unit) pairs falls on the other side in each step. A gradient sums such pairs with either sign, so ten steps
    with a share f differ by √(10f) = 5e-3 of the movement, and 1e-2 is the limit. Besides, each step rounds every θ by
    up to 2⁻²⁴ of its size, on either side. Norms are compared, since one entry of Adam's may turn its sign.
    """
    moved = float(np.linalg.norm(ours - theta0))
    deviation = float(np.linalg.norm(theta - ours))
    rounding = 2 * 10 * 2.0**-24 * float(np.linalg.norm(theta0))
    if not deviation <= (1e-2 if kinks else 1e-3) * moved + rounding:  # "not" so that a NaN is refused
        raise LeftOutError(f"its θ after ten steps differs from ours by {deviation / moved:.2g} of the movement.")
    return deviation / moved


def enter(
    peer: Peer, threads: int, workload: Workload, folder: str, ours: Array | None, theta0: Array
) -> tuple[Entry, Array]:
    """Start a participant and compare its first ten steps with ours; on failure, end it and raise LeftOutError."""
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(Process(peer, threads, f"{folder}/inductor"))
        prepared = process.ask("prepare", workload=workload.name, rows=f"{folder}/rows.npz", threads=threads)
        begun = time.perf_counter()
        process.ask("time", steps=8, epochs=1)
        first_call = time.perf_counter() - begun
        process.ask("result", into=f"{folder}/theta.npy")
        theta: Array = np.load(f"{folder}/theta.npy")
        deviation = require_agreement(theta, theta if ours is None else ours, theta0, kinks=workload.hidden == "relu")
        stack.pop_all()
    return Entry(process, prepared["version"], first_call, deviation), theta


def compare(
    workload: Workload, peers: dict[str, Peer], thread_counts: list[int], n_rounds: int, seconds: float
) -> dict[str, Any]:
    """Measure one workload; return what the JSON file holds of it."""
    result: dict[str, Any] = {"multiply_adds": workload.multiply_adds, "participants": {}, "left_out": {}}
    theta0, ours = network(workload, dropout=False).theta, None
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        X, Y = rows(workload)
        np.savez(f"{folder}/rows.npz", X=X, Y=Y, theta0=theta0)
        del X, Y
        chosen: dict[str, Entry] = {}
        for name, peer in peers.items():
            entries: list[Entry] = []
            try:
                for threads in thread_counts:
                    entry, theta = enter(peer, threads, workload, folder, ours, theta0)
                    running.push(entry.process)
                    ours = theta if ours is None else ours
                    entry.choose_length(workload.steps, seconds)
                    entries.append(entry)
                for _ in range(3):
                    for entry in entries:
                        entry.calibration.append(entry.step_seconds())
            except LeftOutError as reason:
                for entry in entries:
                    entry.process.__exit__(None, None, None)
                if name == "ours":
                    raise
                result["left_out"][name] = str(reason)
                continue
            best = min(entries, key=lambda e: statistics.median(e.calibration))
            for entry in entries:
                if entry is not best:
                    entry.process.__exit__(None, None, None)
            best.others.clear()
            result["participants"][name] = {"calibration": {e.process.threads: e.calibration for e in entries}}
            chosen[name] = best
        for r in range(n_rounds):
            names = list(chosen)
            for name in names[r % len(names) :] + names[: r % len(names)]:
                chosen[name].rounds.append(chosen[name].step_seconds())
    for name, e in chosen.items():
        others = {key: statistics.median(o[key] for o in e.others) for key in e.others[0]}
        result["participants"][name] |= {
            "version": e.version,
            "threads": e.process.threads,
            "steps": e.steps,
            "epochs": e.epochs,
            "seconds_a_step": statistics.median(e.rounds),
            "rounds": e.rounds,
            "first_call": e.first_call,
            "deviation": e.deviation,
        } | others
    return result


# --- what is printed -------------------------------------------------------------------------------------------------


def verdict(result: dict[str, Any]) -> str:
    """Say whether the fastest peer was beaten."""
    times = {n: p["seconds_a_step"] for n, p in result["participants"].items()}
    ours = times.pop("ours")
    if not times:
        return "alone"
    fastest = min(times, key=lambda n: times[n])
    ratio = times[fastest] / ours
    word = "ties with" if abs(ratio - 1) <= TIE else "beats" if ratio > 1 else "loses to"
    return f"{word} {fastest} ×{ratio:.3g}"


def row(workload: Workload, result: dict[str, Any], peers: dict[str, Peer]) -> str:
    """Return one line of the table: µs a step (threads) and how many times ours that is."""
    ours = result["participants"]["ours"]
    rate = 2e-9 * workload.multiply_adds / ours["seconds_a_step"]
    whole = 1e6 * ours["one_epoch_call"]
    cells = [f"{1e6 * ours['seconds_a_step']:.2f} ({ours['threads']})", f"{rate:.1f}", f"{whole:.2f}"]
    for name in list(peers)[1:]:
        p = result["participants"].get(name)
        ratio = p["seconds_a_step"] / ours["seconds_a_step"] if p else 0
        cells.append(f"{1e6 * p['seconds_a_step']:.2f} ({p['threads']}) ×{ratio:.3g}" if p else "–")
    return "| " + " | ".join([workload.name, *cells, verdict(result)]) + " |"


def heading(peers: dict[str, Peer]) -> str:
    columns = ["workload", "glassnet", "GFLOP/s", "one-epoch call", *(p.title for p in list(peers.values())[1:])]
    return "\n".join(["| " + " | ".join([*columns, "verdict"]) + " |", "|" + "---|" * (len(columns) + 1)])


def notes(results: dict[str, Any], peers: dict[str, Peer]) -> str:
    """Return what the table leaves unsaid: the geometric mean, who is missing and why, and first calls."""
    lines = ["", "µs a step, median (threads) ×times ours; one-epoch call: all of a call, over its steps."]
    lines.append("The ten steps compared beforehand leave dropout out, since every participant draws its own masks.")
    for name in list(peers)[1:]:
        both = [r["participants"] for r in results.values() if name in r["participants"]]
        if both:
            mean = statistics.geometric_mean(p[name]["seconds_a_step"] / p["ours"]["seconds_a_step"] for p in both)
            lines.append(f"{peers[name].title}: ×{mean:.2f} as a geometric mean over {len(both)} workloads.")
    reasons: dict[str, list[str]] = {}
    for workload, result in results.items():
        for name, reason in result["left_out"].items():
            reasons.setdefault(f"{peers[name].title}: {reason}", []).append(workload)
    lines += [f"Left out on {', '.join(where)}: {reason}" for reason, where in reasons.items()]
    lines.append("First call, 8 steps with whatever it compiles, in seconds:")
    for workload, result in results.items():
        first = [f"{peers[n].title} {p['first_call']:.2f}" for n, p in result["participants"].items()]
        lines.append(f"  {workload}: " + ", ".join(first))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"workloads, parted by commas: {', '.join(WORKLOADS)}")
    parser.add_argument("--peers", default="eager,compile,jax,sklearn", help="parted by commas; default: %(default)s")
    parser.add_argument("--threads", default="1,2", help="numbers of threads that each may choose from: %(default)s")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="about how long one timing takes")
    parser.add_argument("--torch", default="/tmp/torchenv/bin/python", help="interpreter that has PyTorch")
    parser.add_argument("--jax", default="/tmp/jaxenv/bin/python", help="interpreter that has JAX and optax")
    parser.add_argument("--output", type=Path, default=RESULTS / "training.json")
    options = parser.parse_args()
    every = participants(options.torch, options.jax)
    wanted = options.only.split(",") if options.only else list(WORKLOADS)
    names = ["ours", *(name for name in options.peers.split(",") if name)]
    for kind, given, known in (("workload", wanted, WORKLOADS), ("peer", names, every)):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"{unknown[0]!r} is no {kind}; there are {', '.join(known)}.")
    peers = {name: every[name] for name in names}
    thread_counts = [n for n in map(int, options.threads.split(",")) if n <= (os.cpu_count() or 1)]
    results: dict[str, Any] = {}
    print(heading(peers), flush=True)
    for name in wanted:
        try:
            results[name] = compare(WORKLOADS[name], peers, thread_counts, options.rounds, options.seconds)
        except LeftOutError as reason:
            raise SystemExit(f"{name} cannot be compared, since a participant failed: {reason}") from None
        print(row(WORKLOADS[name], results[name], peers), flush=True)
        write(options.output, {"machine": machine(), "workloads": results})
    print(notes(results, peers))
    print(f"Written to {options.output}.")


if __name__ == "__main__":
    main()
