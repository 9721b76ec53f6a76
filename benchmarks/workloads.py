"""The seven workloads: what is trained, on which rows, and how θ is laid out.

Every participant imports this module, so it knows NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOMENTUM = 0.9
WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class Workload:
    """A network, its loss and its optimizer; `steps` batches of rows are one epoch."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    hidden: Literal["sigmoid", "relu", "silu", "selu"]
    output: Literal["sigmoid", "identity", "softmax"]
    """With "softmax" the loss is cross-entropy of integer labels, else Σ(h−y)² averaged over rows."""
    optimizer: Literal["sgd", "momentum", "adam", "adamw"]
    learning_rate: float
    steps: int
    """An epoch's steps: many, so that the rows of all do not stay in cache, and at most about 200 MB of rows."""
    drop_rate: float = 0.0

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of a step's products: forward, gradient and, but for the first layer, blame."""
        products = [inputs * outputs for inputs, outputs in pairwise(self.sizes)]
        return self.batch * (3 * sum(products) - products[0])


# wide learns at 0.01: at 0.1 its loss rises from 3 to 8 in three steps, and then its ReLUs are dead.
WORKLOADS = {
    w.name: w
    for w in (
        Workload("xor", (2, 2, 1), 4, "sigmoid", "sigmoid", "sgd", 0.5, 100_000),
        Workload("textbook", (784, 30, 10), 10, "sigmoid", "sigmoid", "sgd", 0.1, 6_000),
        Workload("digits", (784, 128, 10), 128, "relu", "softmax", "adam", 1e-3, 480),
        Workload("table", (20, 64, 64, 1), 256, "silu", "identity", "adamw", 1e-3, 2_000),
        Workload("deep table", (50, 256, 256, 256, 2), 256, "selu", "softmax", "adamw", 1e-3, 480, drop_rate=0.15),
        Workload("900k", (784, 1000, 100, 10), 128, "relu", "softmax", "momentum", 0.01, 160),
        Workload("wide", (1024, 1024, 1024, 1024, 1024, 10), 512, "relu", "softmax", "sgd", 0.01, 16),
    )
}


def rows(workload: Workload, seed: int = 0) -> tuple[Array, Array]:
    """Return one epoch of rows: X (m, inputs) float32, and Y (m,) labels or (m, outputs) float32.

    Inputs are normal, and a random linear map says what they mean, so that there is something to learn throughout and
    no participant ends among vanishing gradients. XOR has its four rows only.
    """
    m, inputs, outputs = workload.steps * workload.batch, workload.sizes[0], workload.sizes[-1]
    if workload.name == "xor":
        truth = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], np.float32)
        X, Y = np.split(np.tile(truth, (workload.steps, 1)), [2], axis=1)
        return X.copy(), Y.copy()
    chance = np.random.default_rng(seed)
    X = chance.standard_normal((m, inputs), dtype=np.float32)
    signal = X @ (chance.standard_normal((inputs, outputs), dtype=np.float32) / np.float32(np.sqrt(inputs)))
    if workload.output == "identity":
        return X, np.sin(2 * signal)
    labels = signal.argmax(axis=1)
    return X, labels if workload.output == "softmax" else np.eye(outputs, dtype=np.float32)[labels]


def split(theta: Array, sizes: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """Return views (inputs, outputs) and (outputs,) of each layer's weights and biases."""
    views, start = [], 0
    for inputs, outputs in pairwise(sizes):
        middle = start + inputs * outputs
        views.append((theta[start:middle].reshape(inputs, outputs), theta[middle : middle + outputs]))
        start = middle + outputs
    return views


def join(layers: list[tuple[Array, Array]]) -> Array:
    """Return one vector of all weights and biases; what `split` undoes."""
    return np.concatenate([part.ravel() for layer in layers for part in layer])
