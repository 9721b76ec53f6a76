"""One step of a training as the textbook takes it: its rows, their shares and masks, and passes over some at a time.

What is told of a NaN is read from these passes, whichever engine met it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block
from glassnet.network.backprop import Pass, backprop
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]

_ROWS_AT_A_TIME = 4096


@final
class RetakenStep:
    """The rows of one step that count, and what it was computed with.

    Parameters
    ----------
    network : Network
        Its θ is the one before the step, unless a pass is asked for at another.
    objective : Objective
    block : Block
    rows : (r,) int array
        Of the block, in the order of the step.
    seed, step : int
        They decide the dropout masks.

    Attributes
    ----------
    rows : (m,) int array
        Those of weight above 0.
    numbers : (m,) int array
        How the caller numbers them.
    """

    def __init__(self, network: Network, objective: Objective, block: Block, rows: Array, seed: int, step: int) -> None:
        weight = block.sample_weight[rows]
        counted = weight > 0
        self.network, self.objective, self.block, self.step = network, objective, block, step
        self.rows, self.weight = rows[counted], weight[counted]
        self.numbers = self.rows if block.numbers is None else block.numbers[self.rows]
        self._masks = {k: mask[counted] for k, mask in network.draw_masks(seed, step, len(rows)).items()}
        self._alone = dataclasses.replace(objective, reduction="sum", l1=0.0, l2=0.0)

    def __len__(self) -> int:
        return len(self.rows)

    def truth(self, part: slice | Array) -> Array:
        """Return y of some of the rows, as the loss's formulas read it."""
        return one_hot(self.block.y[self.rows[part]], self.objective.loss, self.network.outputs, self.network.dtype)

    def passes(self, theta: Array | None = None, part: slice | None = None) -> Iterator[tuple[slice, Pass]]:
        """Give passes over some rows at a time, or over `part` alone, each with its rows' shares in the whole step.

        They lack the penalty. `theta`, which may have another dtype, decides in which numbers they are computed.
        """
        net = self.network
        parameters = net.parameters if theta is None else Parameters(net.layout, theta)
        dtype = parameters.theta.dtype
        shares = self.objective.coefficients(self.weight.astype(dtype))
        chunk = max(1, len(self)) if any(layer.mixes_rows for layer in net.layers) else _ROWS_AT_A_TIME
        parts = [slice(i, i + chunk) for i in range(0, len(self), chunk)] if part is None else [part]
        for some in parts:
            x, y = self.block.x[self.rows[some]].astype(dtype), self.truth(some).astype(dtype)
            masks = {k: mask[some] for k, mask in self._masks.items()}
            with np.errstate(all="ignore"):
                yield some, backprop(net.layers, parameters, self._alone, x, y, shares[some], masks)

    def whole(
        self, theta: Array | None = None, look: Callable[[slice, Pass], None] | None = None
    ) -> tuple[float, Array, float, list[tuple[float, int, int, int]]]:
        """Return loss and gradient of the whole step with the penalty, the penalty, and the largest |z| of each layer.

        The largest are (|z|, layer, unit, place among the rows); of a NaN, its own place. `look` is shown each pass.
        """
        net = self.network
        theta = net.theta if theta is None else theta
        gradient, loss = np.zeros_like(theta), 0.0
        largest = [(-1.0, k, 0, 0) for k in range(len(net.layers))]
        with np.errstate(all="ignore"):
            for part, p in self.passes(theta):
                if look is not None:
                    look(part, p)
                loss += p.loss
                gradient += p.gradient.theta
                for k, z in enumerate(p.z):
                    row, unit = np.unravel_index(np.argmax(np.abs(z)), z.shape)  # argmax finds a NaN first
                    size = float(abs(z[row, unit]))
                    if not size <= largest[k][0] and not np.isnan(largest[k][0]):
                        largest[k] = (size, k, int(unit), part.start + int(row))
            penalty = float(self.objective.penalty(theta, net.layout))
            self.objective.add_penalty_gradient(theta, gradient, net.layout)
        return float(theta.dtype.type(loss) + theta.dtype.type(penalty)), gradient, penalty, largest
