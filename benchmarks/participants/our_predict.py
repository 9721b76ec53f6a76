"""Prediction with `net.predict`."""

from __future__ import annotations

import os
import resource
import time

import glassnet as gn
from benchmarks.participants.ours import network
from benchmarks.protocol import Participant, serve
from benchmarks.workloads import Array


class OurPredict(Participant):
    def version(self) -> str:
        return f"glassnet {gn.__version__}"

    def result(self) -> Array:
        net = network(self.workload)
        net.theta = self.theta0
        return net.predict(self.first(10)[0])

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        """Time, and say by how much the process grew beyond the rows (ru_maxrss counts KiB on Linux)."""
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: self.threads])  # predict takes the cores it is given
        net = network(self.workload)
        net.theta = self.theta0
        X, _ = self.first(steps)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        for _ in range(epochs):
            net.predict(X)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "grew_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}


if __name__ == "__main__":
    serve(OurPredict)
