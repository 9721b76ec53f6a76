"""The reference engine: the textbook, step by step, in NumPy. It says what is right and is never optimised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block, Descent, Engine, Rates, Steps
from glassnet.engines.nonfinite.place import non_finite_pass, non_finite_theta
from glassnet.engines.notes import NOTES, Notes, Truth, margins_and_predictions, truth_of
from glassnet.errors import NonFiniteError
from glassnet.network.backprop import Pass, backprop, forward, row_errors
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters
from glassnet.network.rows import RowPass, squares_by_layer

Array = NDArray[Any]

_BYTES_AT_A_TIME = 64 * 2**20
_ROWS_AT_A_TIME = 4096


@final
class ReferenceEngine(Engine):
    """Computes each step as the equations say it; see `Engine` for the parameters."""

    def __init__(self, network: Network, objective: Objective, descent: Descent, batch_size: int, seed: int) -> None:
        super().__init__(network, objective, descent, batch_size, seed)
        trainable = network.layout.mask("trainable")
        self._frozen = None if trainable.all() else ~trainable

    def run(
        self,
        block: Block,
        order: Array,
        bounds: Array,
        rates: Rates,
        stop: Callable[[], bool],
        notes: Notes | None = None,
    ) -> Steps:
        """Take steps one after the other; see `Engine.run`."""
        errors, weights = np.zeros(len(rates)), np.zeros(len(rates))
        learning_rates = rates.learning_rate.tolist()
        momenta = [None] * len(rates) if rates.momentum is None else rates.momentum.tolist()
        taken = 0
        with np.errstate(all="ignore"):
            for i, (learning_rate, momentum) in enumerate(zip(learning_rates, momenta, strict=True)):
                if stop():
                    break
                rows = order[bounds[i] : bounds[i + 1]]
                noted = None if notes is None else np.full((len(rows), NOTES), np.nan, self.network.dtype)
                try:
                    met = self._step(block, rows, learning_rate, momentum, noted)
                except NonFiniteError as error:
                    error.steps = Steps(errors[:taken], weights[:taken])
                    raise
                errors[i], weights[i] = met
                if notes is not None and noted is not None:
                    notes.write(int(bounds[i]), rows, noted)
                self.state.step += 1
                taken += 1
        return Steps(errors[:taken], weights[:taken])

    def _step(
        self,
        block: Block,
        rows: Array,
        learning_rate: float,
        momentum: float | None,
        noted: Array | None,
    ) -> tuple[float, float]:
        """Take one step and return what it met: the mean row error with the penalty, and Σw."""
        net = self.network
        chosen = _as_slice(rows)
        weight = block.sample_weight[chosen]
        total = float(weight.sum())
        if total == 0:
            return 0.0, 0.0
        x = block.x[chosen]
        y = one_hot(block.y[chosen], self.objective.loss, net.outputs, net.dtype)
        masks = net.draw_masks(self.seed, self.state.step, len(rows))
        counted = weight > 0
        if not counted.all():  # a row of weight 0 does not count, whatever it holds
            x, y, weight, rows = x[counted], y[counted], weight[counted], rows[counted]
            masks = {k: mask[counted] for k, mask in masks.items()}
        before = net.theta.copy()
        penalty = float(self.objective.penalty(before, net.layout))

        def pass_at(theta: Array) -> Pass:
            parameters = net.parameters if theta is net.theta else Parameters(net.layout, theta)
            return backprop(net.layers, parameters, self.objective, x, y, weight, masks)

        at_start: list[Pass] = []

        def loss_and_gradient(theta: Array) -> tuple[float, Array]:
            p = pass_at(theta)
            if noted is not None and not at_start and np.array_equal(theta, before):
                at_start.append(p)
            gradient = p.gradient.theta
            finite = np.isfinite(p.loss) and all(np.isfinite(array).all() for array in (gradient, *p.z))
            # elsewhere than at the step's start, a line search may well meet a θ where nothing is finite
            if not finite and np.array_equal(theta, before, equal_nan=True):
                numbers = rows if block.numbers is None else block.numbers[rows]
                raise non_finite_pass(p, net, numbers, self.state.step)
            if self._frozen is not None:
                gradient[self._frozen] = 0
            self.descent.clip(gradient)
            return p.loss, gradient

        loss = self.descent.optimizer.step(net.theta, loss_and_gradient, self.state.optimizer, learning_rate, momentum)

        if self._frozen is not None:
            net.theta[self._frozen] = before[self._frozen]  # weight decay must not move them either
        if not np.isfinite(net.theta).all():
            error = non_finite_theta(net, self.state.step)
            net.theta[:] = before
            raise error
        if noted is not None:
            p = at_start[0] if at_start else pass_at(before)  # a line search may not look there again
            noted[counted] = self._notes(p, y, truth_of(block.y, self.objective.loss))
        row_mean = (loss - penalty) / total if self.objective.reduction == "sum" else loss - penalty
        return row_mean + penalty, total

    def _notes(self, p: Pass, y: Array, truth: Truth) -> Array:
        """Return what a step notes of its rows: (rows, 4)."""
        own = RowPass(p.row_errors, p.a, [blame / p.coefficient[:, None] for blame in p.blame])
        norms = np.sqrt(squares_by_layer(self.network.layers, own).sum(axis=1))
        judged = margins_and_predictions(own.prediction, y, truth, self.objective.loss.threshold)
        return np.stack([own.errors, norms, *judged], axis=1)

    def row_passes(self, x: Array, y: Array) -> Iterator[RowPass]:
        """Give passes in which each row stands for itself; see `Engine.row_passes`."""
        net, plain = self.network, Objective(self.objective.loss, "sum")
        for i in range(0, len(x), _ROWS_AT_A_TIME):
            some = x[i : i + _ROWS_AT_A_TIME]
            truth = one_hot(y[i : i + _ROWS_AT_A_TIME], self.objective.loss, net.outputs, net.dtype)
            with np.errstate(all="ignore"):
                p = backprop(net.layers, net.parameters, plain, some, truth, np.ones(len(some), net.dtype))
            yield RowPass(p.row_errors, p.a, p.blame)

    def row_errors(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the error and the prediction of each row; see `Engine.row_errors`."""
        return row_errors_and_predictions(self.network, self.objective, x, y)

    def losses(self, thetas: Array, block: Block) -> Array:
        """Return the error of the block for each θ of a stack; see `Engine.losses`."""
        net = self.network
        y = one_hot(block.y, self.objective.loss, net.outputs, net.dtype)
        c = self.objective.coefficients(block.sample_weight)
        bytes_each = thetas.itemsize * len(block) * 2 * sum(shape[0] for shape in net.shapes)
        chunk = max(1, _BYTES_AT_A_TIME // bytes_each)
        losses = np.empty(len(thetas))
        with np.errstate(all="ignore"):
            for i in range(0, len(thetas), chunk):
                stack = thetas[i : i + chunk]
                z, a = forward(net.layers, Parameters(net.layout, stack), block.x)
                errors = row_errors(net.layers, self.objective, z, a, y)
                losses[i : i + chunk] = errors @ c + self.objective.penalty(stack, net.layout)
        return losses


def row_errors_and_predictions(network: Network, objective: Objective, x: Array, y: Array) -> tuple[Array, Array]:
    """Return the error (m,) and the prediction (m, outputs) of each checked row, without dropout and penalty."""
    parts = []
    with np.errstate(all="ignore"):
        for i in range(0, len(x), _ROWS_AT_A_TIME):
            truth = one_hot(y[i : i + _ROWS_AT_A_TIME], objective.loss, network.outputs, network.dtype)
            z, a = forward(network.layers, network.parameters, x[i : i + _ROWS_AT_A_TIME])
            parts.append((row_errors(network.layers, objective, z, a, truth), a[-1]))
    errors, predictions = zip(*parts, strict=True)
    return np.concatenate(errors), np.concatenate(predictions)


def _as_slice(rows: Array) -> Array | slice:
    """Return consecutive rows as a slice, which takes them without a copy."""
    consecutive = int(rows[-1]) - int(rows[0]) == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if consecutive else rows
