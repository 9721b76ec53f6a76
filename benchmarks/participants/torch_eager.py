"""PyTorch as its users write it: `nn.Module`s, a fused optimizer, one Python loop over batches prepared beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.protocol import Participant, serve
from benchmarks.workloads import MOMENTUM, WEIGHT_DECAY, Array, join, split

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "silu": nn.SiLU, "selu": nn.SELU}


def squared_error(h: Any, y: Any) -> Any:
    return (h - y).square().sum(1).mean()


class TorchEager(Participant):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        torch.set_num_threads(self.threads)
        self.loss: Callable[..., Any] = nn.functional.cross_entropy
        if self.workload.output != "softmax":
            self.loss = squared_error
        self.xs = torch.from_numpy(self.X).split(self.workload.batch)
        self.ys = torch.from_numpy(self.Y).split(self.workload.batch)

    def version(self) -> str:
        return f"torch {torch.__version__}"

    def start(self, drop_rate: float) -> tuple[nn.Sequential, torch.optim.Optimizer]:
        """Return the network at θ0 and a fresh optimizer."""
        w = self.workload
        layers: list[nn.Module] = []
        for k, (weights, biases) in enumerate(split(self.theta0, w.sizes)):
            linear = nn.Linear(*weights.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weights).T)
                linear.bias.copy_(torch.from_numpy(biases))
            layers.append(linear)
            if k < len(w.sizes) - 2:
                layers.append(ACTIVATIONS[w.hidden]())
                if drop_rate:
                    layers.append(nn.Dropout(drop_rate))
        if w.output == "sigmoid":
            layers.append(nn.Sigmoid())
        net = nn.Sequential(*layers)
        optimizers = torch.optim
        optimizer = {
            "sgd": lambda p: optimizers.SGD(p, lr=w.learning_rate, fused=True),
            "momentum": lambda p: optimizers.SGD(p, lr=w.learning_rate, momentum=MOMENTUM, fused=True),
            "adam": lambda p: optimizers.Adam(p, lr=w.learning_rate, fused=True),
            "adamw": lambda p: optimizers.AdamW(p, lr=w.learning_rate, weight_decay=WEIGHT_DECAY, fused=True),
        }[w.optimizer](net.parameters())
        return net, optimizer

    def train(self, net: nn.Sequential, optimizer: torch.optim.Optimizer, steps: int) -> None:
        loss = self.loss
        for x, y in zip(self.xs[:steps], self.ys[:steps], strict=True):
            loss(net(x), y).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def result(self) -> Array:
        net, optimizer = self.start(drop_rate=0.0)
        self.train(net, optimizer, 10)
        linears = [layer for layer in net if isinstance(layer, nn.Linear)]
        return join([(la.weight.detach().numpy().T, la.bias.detach().numpy()) for la in linears])

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        net, optimizer = self.start(self.workload.drop_rate)
        self.train(net, optimizer, 1)  # the optimizer makes its states at its first step
        start = time.perf_counter()
        for _ in range(epochs):
            self.train(net, optimizer, steps)
        return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    serve(TorchEager)
