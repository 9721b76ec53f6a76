"""Predictions and errors of rows, by compiled code, in memory that does not grow with the rows."""

from __future__ import annotations

import sys
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

_announced = False


def announce() -> None:
    """Say once that something is being compiled, since the first training on a machine waits for it."""
    global _announced
    if not _announced:
        print("glassnet: compiling what is new to this machine; this happens once ...", file=sys.stderr, flush=True)
    _announced = True


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
    found = addresses([kernel for _, _, kernel in wanted] + list(more), announce)
    for (table, field, _), handle in zip(wanted, found, strict=False):
        setattr(table, field, handle)
    return found[len(wanted) :]


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
        self._dtype, self._parameters, self._inputs = dtype, parameters, inputs
        self._threads = threads or cores()
        rows = _ROWS_OF_A_BLOCK * self._threads
        self._program = program = Program(plan, inputs, dtype, parameters, rows, self._threads, rows)
        self.outputs = program.layers[-1].units
        workers = [Kernel("predict_rows", dtype.name), Kernel("errors_of_population", dtype.name)]
        if loss is not None:
            workers.append(Kernel("loss", dtype.name, loss[:2]))
        self._predict, self._population, *of_loss = handles_of(program, dtype.name, workers, training=False)
        self._has_loss = loss is not None
        if loss is not None:
            program.run[0].loss = of_loss[0]
            self._labels = program.memory.place(2)
        self._theta = program.memory.place(0)
        self._memory = program.memory.allocate()
        if loss is not None:
            self._memory[self._labels : self._labels + 2] = loss[2]

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
            self._call(self._predict, theta, x, y, np.empty(0), [predictions, errors], ())
        return errors, predictions

    def errors_of_population(self, thetas: Array, x: Array, y: Array, c: Array) -> Array:
        """Return Σ cᵢEᵢ for each θ of a stack (p, n): (p,) float64."""
        errors = np.zeros(len(thetas))
        self._call(self._population, thetas, x, y, c, [errors], (len(thetas),))
        return errors

    def _call(
        self, worker: int, thetas: Array, x: Array, y: Array | None, c: Array, out: list[Array], more: tuple[int, ...]
    ) -> None:
        program, table = self._program, self._program.run.copy()  # so that several threads may ask at once
        record = table[0]
        room = program.shape.columns  # vectors read over the end of θ
        memory = np.concatenate([self._memory, thetas.ravel(), np.zeros(room, self._dtype)])
        record.theta = len(self._memory)
        labels, targets = np.empty(0, np.int64), np.empty(0, self._dtype)
        if y is not None and y.ndim == 1 and y.dtype.kind == "i":
            labels = np.ascontiguousarray(y, np.int64)
            record.labels = self._labels
        elif y is not None:
            targets = np.ascontiguousarray(y, self._dtype)
            record.labels = -1
        record.loss = record.loss if y is not None else -1
        nothing = np.zeros(1, np.int64)
        job = [table, program.stages, nothing, program.masks, memory]
        rows = [np.ascontiguousarray(x), labels, targets, np.ascontiguousarray(c, self._dtype), nothing]
        counters = new_counters()
        threads = max(1, min(self._threads, len(thetas) if more else -(-len(x) // _ROWS_OF_A_BLOCK)))
        record.chunk = _ROWS_OF_A_BLOCK * threads
        run(worker, threads, [len(x), *job, *rows, *more, *out], counters, never)


def never() -> bool:
    """Say no to a wish to stop."""
    return False
