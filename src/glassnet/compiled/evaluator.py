"""Predictions and errors of rows, by compiled code, in memory that does not grow with the rows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.machine_code import Kernel, addresses
from glassnet.compiled.plan import Operation
from glassnet.compiled.program import Program
from glassnet.compiled.team import cores, new_counters, run
from glassnet.maths.activation import RowActivation
from glassnet.maths.loss import Loss, ShortForm

Array = NDArray[Any]

_ROWS_OF_A_BLOCK = 192


def handles_of(program: Program, dtype: str, more: Sequence[Kernel], training: bool) -> list[int]:
    """Find or compile the product and every activation of a program, and return the handles of `more` kernels.

    Raises
    ------
    NotCompilable
        If the compiler refuses a formula.
    """
    wanted: list[tuple[Any, str, Kernel]] = [(program.run[0], "product", Kernel("product", dtype))]
    for k, layer in enumerate(program.layers[1:], 1):
        stage, g = program.stages[k], layer.activation
        wanted.append((stage, "value", Kernel("value", dtype, (g,))))
        if training:
            name = "pullback" if isinstance(g, RowActivation) else "value_and_slope"
            wanted.append((stage, name, Kernel(name, dtype, (g,))))
    found = addresses([kernel for _, _, kernel in wanted] + list(more))
    for (table, field, _), handle in zip(wanted, found, strict=False):
        setattr(table, field, handle)
    return found[len(wanted) :]


def labels_and_targets(y: Array, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Return what rows have as truth, as compiled code reads it: integer labels (m,) or numbers, the other empty."""
    labels, targets = np.empty(0, np.int64), np.empty(0, dtype)
    if y.ndim == 1:
        return np.ascontiguousarray(y, np.int64), targets
    return labels, np.ascontiguousarray(y, dtype)


@final
class Evaluator:
    """A network forward only.

    Parameters
    ----------
    plan : sequence of Operation
    inputs : int
    dtype : dtype
    parameters : int
        The length of θ.
    threads : int or None
        None takes all cores.
    loss : (Loss, ShortForm or None, two numbers), or None
        With what a label is as target for its own class and for others.
    """

    def __init__(
        self,
        plan: Sequence[Operation],
        inputs: int,
        dtype: np.dtype[Any],
        parameters: int,
        threads: int | None = None,
        loss: tuple[Loss, ShortForm | None, Array] | None = None,
    ) -> None:
        self._network, self._dtype = (plan, inputs, dtype, parameters), dtype
        self._threads, self._loss = threads or cores(), loss
        self._one_block = self._program(1)
        more = [Kernel("loss", dtype.name, loss[:2])] if loss is not None else []
        of_loss = handles_of(self._one_block, dtype.name, more, training=False)
        self._loss_handle = of_loss[0] if of_loss else -1
        self.outputs = self._one_block.layers[-1].units

    def _program(self, threads: int) -> Program:
        rows = _ROWS_OF_A_BLOCK * threads
        return Program(*self._network, rows, threads, rows)

    @functools.cached_property
    def _predict(self) -> int:
        return addresses([Kernel("predict_rows", self._dtype.name)])[0]

    @functools.cached_property
    def _judge_population(self) -> int:
        return addresses([Kernel("errors_of_population", self._dtype.name)])[0]

    def predict(self, theta: Array, x: Array) -> Array:
        """Return the prediction of each row: (m, outputs) from checked rows (m, inputs)."""
        return self._run(theta, x, None)[1]

    def errors(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the error of each row (m,) and its prediction (m, outputs)."""
        return self._run(theta, x, y)

    def _run(self, theta: Array, x: Array, y: Array | None) -> tuple[Array, Array]:
        predictions = np.empty((len(x), self.outputs), self._dtype)
        errors = np.empty(len(x) if y is not None else 0, self._dtype)
        if len(x):
            blocks = -(-len(x) // _ROWS_OF_A_BLOCK)
            self._call(self._predict, blocks, theta, x, y, np.empty(0), [predictions, errors])
        return errors, predictions

    def errors_of_population(self, thetas: Array, x: Array, y: Array, c: Array) -> Array:
        """Return Σ cᵢEᵢ for each θ of a stack (p, n): (p,) float64."""
        errors = np.zeros(len(thetas))
        self._call(self._judge_population, len(thetas), thetas, x, y, c, [len(thetas), errors])
        return errors

    def _call(
        self, worker: int, parts: int, thetas: Array, x: Array, y: Array | None, c: Array, out: list[Any]
    ) -> None:
        """Call a worker on as many threads as there are parts; all it writes to is made here, for this call alone."""
        threads = max(1, min(self._threads, parts))
        program = self._program(threads)
        table, stages = program.run[0], program.stages
        stages.value, table.product = self._one_block.stages.value, self._one_block.run[0].product
        table.labels, table.theta = program.memory.place(2), program.memory.place(thetas.size)
        memory = program.memory.allocate()
        memory[table.theta : table.theta + thetas.size] = thetas.ravel()
        labels, targets = labels_and_targets(np.empty((0, 1)) if y is None else y, self._dtype)
        if self._loss is not None and y is not None:
            table.loss = self._loss_handle
            memory[table.labels : table.labels + 2] = self._loss[2]
        if not len(labels):
            table.labels = -1
        nothing = np.zeros(1, np.int64)
        job = [program.run, stages, nothing, program.masks, memory]
        rows = [np.ascontiguousarray(x, self._dtype), labels, targets, np.ascontiguousarray(c, self._dtype), nothing]
        run(worker, threads, [len(x), *job, *rows, *out], new_counters())
