"""How the harness speaks with a participant: a line of JSON there, a line of JSON back, over stdin and stdout.

A participant is a process of its own, in an environment of its own. It reads its rows once, keeps them as it likes
best, and times itself, so that nothing but training stands between two readings of the clock.
"""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from benchmarks.workloads import WORKLOADS, Array, Workload


class CannotExpressError(Exception):
    """This participant cannot train this workload; the message is the reason that the table quotes."""


class Participant(ABC):
    """One way to train one workload with one number of threads."""

    def __init__(self, workload: Workload, theta0: Array, X: Array, Y: Array, threads: int) -> None:
        self.workload, self.theta0, self.X, self.Y, self.threads = workload, theta0, X, Y, threads

    @abstractmethod
    def version(self) -> str:
        """Return the names and versions of what trains."""

    @abstractmethod
    def result(self) -> Array:
        """Return what is compared with ours before a time counts.

        For training, θ after ten steps from θ0 without dropout, in glassnet's layout; for prediction, the outputs for
        ten batches.
        """

    @abstractmethod
    def time(self, steps: int, epochs: int) -> dict[str, float]:
        """Return as "seconds" how long `epochs` passes over the rows of the first `steps` batches take.

        Training starts at θ0, with an optimizer that knows nothing, so that every timing does the same work. Compiling
        and preparing stand outside. A participant may add timings under names of its own.
        """

    def first(self, steps: int) -> tuple[Array, Array]:
        """Return the rows of the first `steps` batches."""
        m = steps * self.workload.batch
        return self.X[:m], self.Y[:m]


def serve(kind: type[Participant]) -> None:
    """Answer the harness until it hangs up."""
    # Libraries print to stdout as they like; the answers have a copy of it to themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    participant: Any = None
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask["do"] == "prepare":
                with np.load(ask["rows"]) as file:
                    X, Y, theta0 = (file[name] for name in ("X", "Y", "theta0"))
                participant = kind(WORKLOADS[ask["workload"]], theta0, X, Y, ask["threads"])
                answer = {"version": participant.version()}
            elif ask["do"] == "result":
                np.save(ask["into"], participant.result())
                answer = {}
            else:
                answer = participant.time(ask["steps"], ask["epochs"])
        except CannotExpressError as reason:
            answer = {"cannot": str(reason)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
