"""Rows at some weights: their errors, what a direction in θ does to them, and their summed gradients; in float64.

Rows are taken some at a time, each by itself: without sample weight, penalty and dropout. No row's gradient is formed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import row_errors_and_predictions
from glassnet.insight.influence.tangent import Rows
from glassnet.maths.loss import Loss
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

_AT_A_TIME = 2048


@final
@dataclass(frozen=True)
class Judged:
    """Rows whose errors are asked for.

    Parameters
    ----------
    network : Network
        Of dtype float64; its θ is written over.
    loss : Loss
    x : (m, inputs) array
    y : (m,) labels or (m, outputs) numbers
    """

    network: Network
    loss: Loss
    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def some(self, which: Array) -> Judged:
        """Return some of the rows."""
        return Judged(self.network, self.loss, self.x[which], self.y[which])

    def errors(self, theta: Array) -> tuple[Array, Array]:
        """Return the errors (m,) and predictions (m, outputs) at θ."""
        self.network.theta[:] = theta
        return row_errors_and_predictions(self.network, Objective(self.loss, "sum"), self.x, self.y)

    def along(self, theta: Array, direction: Array) -> Array:
        """Return ∂Eᵢ/∂θ·v of each row at θ: (m,)."""
        return np.concatenate([rows.said(direction) for _, rows in self._at(theta)])

    def gradient(self, theta: Array, share: Array) -> Array:
        """Return Σ shareᵢ ∂Eᵢ/∂θ at θ: (n,)."""
        total = np.zeros(self.network.layout.size)
        for part, rows in self._at(theta):
            total += rows.gradient_of(share[part])
        return total

    def _at(self, theta: Array) -> Iterator[tuple[slice, Rows]]:
        net = self.network
        net.theta[:] = theta
        for first in range(0, len(self.x), _AT_A_TIME):
            part = slice(first, first + _AT_A_TIME)
            y = one_hot(self.y[part], self.loss, net.outputs, net.dtype)
            x = self.x[part].astype(np.float64)
            yield part, Rows.at(net, Objective(self.loss, "sum"), x, y, np.ones(len(x)), {}, False)
