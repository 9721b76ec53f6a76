"""JAX with optax: a whole epoch is one jitted `scan` over its batches, and what it carries is donated.

XLA takes its number of threads from NPROC, once, when it starts. Tried and slower here (jax 0.10): unrolling the scan,
the "rbg" generator for dropout.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.protocol import Participant, serve
from benchmarks.workloads import MOMENTUM, WEIGHT_DECAY, Array, join, split

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "silu": jax.nn.silu, "selu": jax.nn.selu}


class JaxScan(Participant):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        w = self.workload
        self.optimizer = {
            "sgd": optax.sgd(w.learning_rate),
            "momentum": optax.sgd(w.learning_rate, momentum=MOMENTUM),
            "adam": optax.adam(w.learning_rate),
            "adamw": optax.adamw(w.learning_rate, weight_decay=WEIGHT_DECAY),
        }[w.optimizer]
        self.epochs: dict[int, tuple[Any, Any, Any]] = {}

    def version(self) -> str:
        return f"jax {jax.__version__}, optax {optax.__version__}"

    def loss(self, parameters: Any, x: Any, y: Any, key: Any, drop_rate: float) -> Any:
        w = self.workload
        last = len(parameters) - 1
        for k, (weights, biases) in enumerate(parameters):
            x = x @ weights + biases
            if k < last:
                x = ACTIVATIONS[w.hidden](x)
                if drop_rate:
                    keep = jax.random.bernoulli(jax.random.fold_in(key, k), 1 - drop_rate, x.shape)
                    x = jnp.where(keep, x / (1 - drop_rate), 0)
        if w.output == "softmax":
            return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()
        return jnp.square((jax.nn.sigmoid(x) if w.output == "sigmoid" else x) - y).sum(1).mean()

    def epoch(self, drop_rate: float, carry: Any, xs: Any, ys: Any) -> Any:
        def step(carry: Any, row: Any) -> Any:
            parameters, state, key = carry
            key, ours = jax.random.split(key) if drop_rate else (key, key)
            gradient = jax.grad(self.loss)(parameters, *row, ours, drop_rate)
            updates, state = self.optimizer.update(gradient, state, parameters)
            return (optax.apply_updates(parameters, updates), state, key), None

        return jax.lax.scan(step, carry, (xs, ys))[0]

    def start(self) -> Any:
        parameters = jax.tree.map(jnp.array, split(self.theta0, self.workload.sizes))
        return parameters, self.optimizer.init(parameters), jax.random.key(0)

    def compile(self, steps: int, drop_rate: float) -> tuple[Any, Any, Any]:
        X, Y = self.first(steps)
        b = self.workload.batch
        xs, ys = jnp.asarray(X.reshape(steps, b, -1)), jnp.asarray(Y.reshape(steps, b, *Y.shape[1:]))
        jitted = jax.jit(partial(self.epoch, drop_rate), donate_argnums=0)
        return jitted.lower(self.start(), xs, ys).compile(), xs, ys

    def result(self) -> Array:
        epoch, xs, ys = self.compile(10, drop_rate=0.0)
        parameters = epoch(self.start(), xs, ys)[0]
        return join([(np.asarray(weights), np.asarray(biases)) for weights, biases in parameters])

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        if steps not in self.epochs:
            self.epochs = {steps: self.compile(steps, self.workload.drop_rate)}
        epoch, xs, ys = self.epochs[steps]
        carry = jax.block_until_ready(self.start())
        start = time.perf_counter()
        for _ in range(epochs):
            carry = epoch(carry, xs, ys)
        jax.block_until_ready(carry)
        return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    serve(JaxScan)
