"""How much of the machine's multiply-add peak training `wide` reaches, and what a second thread brings.

Run as ``python -m benchmarks.peak``. Peak and training are measured in turn in one process, so that the clock rate of
the moment, and neighbours, weigh on both.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from benchmarks.fma import fma_peak
from benchmarks.machine import machine, write
from benchmarks.participants.ours import Ours, network
from benchmarks.workloads import WORKLOADS, rows

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULTS / "peak.json")
    options = parser.parse_args()
    wide = WORKLOADS["wide"]
    counts = (1, options.threads)
    given = (wide, network(wide).theta, *rows(wide))
    trainers = {threads: Ours(*given, threads) for threads in counts}
    peak: dict[int, list[float]] = {threads: [] for threads in counts}
    reached: dict[int, list[float]] = {threads: [] for threads in counts}
    for measured in range(-1, options.rounds):  # the first time compiles, and does not count
        for threads in counts:
            flops = fma_peak(threads)
            seconds = trainers[threads].time(wide.steps, 1)["seconds"] / wide.steps
            if measured >= 0:
                peak[threads].append(flops)
                reached[threads].append(2e-9 * wide.multiply_adds / seconds)

    for threads in counts:
        share = statistics.median(r / p for r, p in zip(reached[threads], peak[threads], strict=True))
        print(
            f"{threads} threads: {statistics.median(reached[threads]):.1f} of "
            f"{statistics.median(peak[threads]):.1f} GFLOP/s, {share:.1%} of the peak"
        )
    gain = statistics.median(b / a for a, b in zip(reached[1], reached[options.threads], strict=True))
    print(f"{options.threads} threads are {gain:.2f} times as fast as one.")
    write(options.output, {"machine": machine(), "peak_gflops": peak, "reached_gflops": reached, "gain": gain})
    print(f"Written to {options.output}.")


if __name__ == "__main__":
    main()
