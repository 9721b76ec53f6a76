"""glassnet, through `gn.train` as a user calls it."""

from __future__ import annotations

import time

import glassnet as gn
from benchmarks.protocol import Participant, serve
from benchmarks.workloads import MOMENTUM, WEIGHT_DECAY, Array, Workload


def network(workload: Workload, *, dropout: bool = True) -> gn.Network:
    """Return the workload's network with the θ0 that all participants start from."""
    layers: list[gn.Dense | gn.Dropout] = []
    for width in workload.sizes[1:-1]:
        layers.append(gn.Dense(width, workload.hidden))
        if dropout and workload.drop_rate:
            layers.append(gn.Dropout(workload.drop_rate))
    return gn.Network(workload.sizes[0], [*layers, gn.Dense(workload.sizes[-1], workload.output)], seed=0)


def optimizer_and_loss(workload: Workload) -> tuple[gn.maths.optimizers.Optimizer, str]:
    """Return with what a workload is trained."""
    w = workload
    optimizer = {
        "sgd": gn.SGD(w.learning_rate),
        "momentum": gn.SGD(w.learning_rate, momentum=MOMENTUM),
        "adam": gn.Adam(w.learning_rate),
        "adamw": gn.AdamW(w.learning_rate, weight_decay=WEIGHT_DECAY),
    }[w.optimizer]
    return optimizer, "cross_entropy" if w.output == "softmax" else "squared_error"


class Ours(Participant):
    """One call of `gn.train` for each timing."""

    def version(self) -> str:
        return f"glassnet {gn.__version__}"

    def _train(self, net: gn.Network, steps: int, epochs: int) -> float:
        """Train from θ0 and return the seconds of the call."""
        w = self.workload
        optimizer, loss = optimizer_and_loss(w)
        net.theta = self.theta0
        X, Y = self.first(steps)
        start = time.perf_counter()
        gn.train(
            net,
            X,
            Y,
            loss=loss,
            optimizer=optimizer,
            epochs=epochs,
            batch_size=w.batch,
            shuffle=False,
            seed=0,
            threads=self.threads,
        )
        return time.perf_counter() - start

    def result(self) -> Array:
        net = network(self.workload, dropout=False)
        self._train(net, 10, 1)
        return net.theta

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        """Time a call of one epoch and a call of `epochs` more: their difference is the steady state.

        What a call does once (checking and taking in the rows, planning) cancels; "one_epoch_call" holds it.
        """
        net = network(self.workload)
        short, long = self._train(net, steps, 1), self._train(net, steps, 1 + epochs)
        return {"seconds": long - short, "one_epoch_call": short}


if __name__ == "__main__":
    serve(Ours)
