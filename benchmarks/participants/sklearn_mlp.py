"""scikit-learn's MLPClassifier, an epoch for each `partial_fit`; its regressor has no workload of ours to itself."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.protocol import CannotExpressError, Participant, serve
from benchmarks.workloads import MOMENTUM, Array, join, split


class SklearnMLP(Participant):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        w = self.workload
        if w.output == "sigmoid":
            raise CannotExpressError("no squared error of a sigmoid output")
        if w.hidden not in ("relu", "sigmoid"):
            raise CannotExpressError(f"no {w.hidden} activation")

    def version(self) -> str:
        return f"scikit-learn {sklearn.__version__}"

    def start(self) -> MLPClassifier:
        """Return a classifier at θ0 with a fresh optimizer."""
        w = self.workload
        mlp = MLPClassifier(
            w.sizes[1:-1],
            activation=w.hidden.replace("sigmoid", "logistic"),
            solver="adam" if w.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=w.batch,
            learning_rate_init=w.learning_rate,
            epsilon=1e-9,  # its ε stands beside √v where others' stands beside √v/√(1−β₂^t): 1e-8 of theirs at step 10
            momentum=MOMENTUM if w.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        # A first step makes its arrays; θ0 goes into them, and the optimizer is made anew by the next call.
        mlp.partial_fit(*self.first(1), classes=np.arange(w.sizes[-1]))
        for k, (weights, biases) in enumerate(split(self.theta0, w.sizes)):
            mlp.coefs_[k][...], mlp.intercepts_[k][...] = weights, biases
        del mlp._optimizer
        mlp.t_ = 0
        return mlp

    def result(self) -> Array:
        mlp = self.start().partial_fit(*self.first(10))
        return join(list(zip(mlp.coefs_, mlp.intercepts_, strict=True)))

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        mlp, (X, Y) = self.start(), self.first(steps)
        start = time.perf_counter()
        for _ in range(epochs):
            mlp.partial_fit(X, Y)
        return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    serve(SklearnMLP)
