"""PyTorch with forward, backward and update of a step compiled into one graph, called through C++.

Compiling only the module, as first tutorials do, leaves autograd and the optimizer in Python: 145 µs a step of xor
against 31, 795 µs of digits against 720 (measured here, torch 2.13, one thread).
"""

from __future__ import annotations

import math
import shutil
import time
from typing import Any

import torch
from torch.nn import functional

from benchmarks.participants.torch_eager import squared_error
from benchmarks.protocol import CannotExpressError, Participant, serve
from benchmarks.workloads import MOMENTUM, WEIGHT_DECAY, Array, join, split

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "relu": functional.relu,
    "silu": functional.silu,
    "selu": functional.selu,
}
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8

Tensors = list[torch.Tensor]


class TorchCompile(Participant):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        if not any(map(shutil.which, ("c++", "g++", "clang++"))):
            raise CannotExpressError("torch.compile needs a C++ compiler, and this machine has none.")
        torch.set_num_threads(self.threads)
        self.xs = torch.from_numpy(self.X).split(self.workload.batch)
        self.ys = torch.from_numpy(self.Y).split(self.workload.batch)
        options = {"cpp_wrapper": True}
        self.compiled_step = torch.compile(self.step, fullgraph=True, dynamic=False, options=options)

    def version(self) -> str:
        return f"torch {torch.__version__}"

    def loss(self, parameters: Tensors, x: torch.Tensor, y: torch.Tensor, drop_rate: float) -> torch.Tensor:
        w = self.workload
        last = len(parameters) // 2 - 1
        for k in range(last + 1):
            x = functional.linear(x, parameters[2 * k], parameters[2 * k + 1])
            if k < last:
                x = functional.dropout(ACTIVATIONS[w.hidden](x), drop_rate)
        if w.output == "softmax":
            return functional.cross_entropy(x, y)
        return squared_error(x.sigmoid() if w.output == "sigmoid" else x, y)

    def step(self, parameters: Tensors, states: Tensors, t: Any, x: Any, y: Any, drop_rate: float) -> None:
        """Move parameters and states in place; `t`, how many steps there were, is a tensor so that it can change."""
        w = self.workload
        gradients = torch.func.grad(self.loss)(parameters, x, y, drop_rate)
        if w.optimizer in ("adam", "adamw"):
            t.add_(1.0)
            # β^t = exp(t·ln β): float32 holds the powers well enough in this form.
            step_size = w.learning_rate / -torch.expm1(t * math.log(BETA1))
            root_correction = torch.sqrt(-torch.expm1(t * math.log(BETA2)))
        for k, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
            if w.optimizer == "sgd":
                p.sub_(w.learning_rate * g)
            elif w.optimizer == "momentum":
                p.sub_(w.learning_rate * states[k].mul_(MOMENTUM).add_(g))
            else:
                m, v = states[2 * k], states[2 * k + 1]
                m.mul_(BETA1).add_((1 - BETA1) * g)
                v.mul_(BETA2).add_((1 - BETA2) * g * g)
                if w.optimizer == "adamw":
                    p.mul_(1 - w.learning_rate * WEIGHT_DECAY)
                p.sub_(step_size * m / (v.sqrt() / root_correction + EPS))

    def start(self) -> tuple[Tensors, Tensors, torch.Tensor]:
        parameters = []
        for weights, biases in split(self.theta0, self.workload.sizes):
            parameters += [torch.from_numpy(weights.T.copy()), torch.from_numpy(biases.copy())]
        slots = {"sgd": 0, "momentum": 1}.get(self.workload.optimizer, 2)
        return parameters, [torch.zeros_like(p) for p in parameters for _ in range(slots)], torch.zeros(())

    def train(self, state: tuple[Tensors, Tensors, torch.Tensor], steps: int, drop_rate: float) -> None:
        step = self.compiled_step
        with torch.no_grad():
            for x, y in zip(self.xs[:steps], self.ys[:steps], strict=True):
                step(*state, x, y, drop_rate)

    def result(self) -> Array:
        state = self.start()
        self.train(state, 10, drop_rate=0.0)
        numbers = [p.numpy() for p in state[0]]
        return join([(w.T, b) for w, b in zip(numbers[::2], numbers[1::2], strict=True)])

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        state, rate = self.start(), self.workload.drop_rate
        self.train(state, 1, rate)  # compiles
        start = time.perf_counter()
        for _ in range(epochs):
            self.train(state, steps, rate)
        return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    serve(TorchCompile)
