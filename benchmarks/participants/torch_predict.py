"""Prediction with PyTorch under `inference_mode`, in the batch size that suits it best."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from benchmarks.participants.torch_eager import TorchEager
from benchmarks.protocol import serve
from benchmarks.workloads import Array

AT_ONCE = (4096, 65536, 2**62)


class TorchPredict(TorchEager):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.net, _ = self.start(drop_rate=0.0)
        if self.workload.output == "softmax":
            self.net.append(torch.nn.Softmax(dim=1))
        self.net.eval()
        self.at_once = 0

    def predict(self, X: torch.Tensor, at_once: int) -> torch.Tensor:
        with torch.inference_mode():
            if len(X) <= at_once:
                return self.net(X)
            h = torch.empty(len(X), self.workload.sizes[-1])
            for i in range(0, len(X), at_once):
                h[i : i + at_once] = self.net(X[i : i + at_once])
            return h

    def result(self) -> Array:
        return np.asarray(self.predict(torch.from_numpy(self.first(10)[0]), AT_ONCE[0]))

    def time(self, steps: int, epochs: int) -> dict[str, float]:
        X = torch.from_numpy(self.first(steps)[0])

        def seconds(at_once: int, passes: int) -> float:
            start = time.perf_counter()
            for _ in range(passes):
                self.predict(X, at_once)
            return time.perf_counter() - start

        if not self.at_once:
            self.at_once = min(AT_ONCE, key=lambda size: min(seconds(size, 1) for _ in range(3)))
        return {"seconds": seconds(self.at_once, epochs), "at_once": min(self.at_once, len(X))}


if __name__ == "__main__":
    serve(TorchPredict)
