"""Predictions and errors of rows, by compiled code, in memory that does not grow with the rows."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.machine_code import Kernel, addresses
from glassnet.compiled.plan import Operation
from glassnet.compiled.program import Program
from glassnet.compiled.team import cores, new_counters, run, run_here
from glassnet.maths.activation import RowActivation
from glassnet.maths.loss import ElementwiseLoss, Loss, ShortForm

Array = NDArray[Any]

_ROWS_OF_A_BLOCK = 192
_PRODUCTS_OF_LANES = 512
"""Multiply-adds of a row up to which rows in vector lanes are faster than tiles, which thin layers leave half empty."""
_LEAST_LANES, _BYTES_OF_LANES = 64, 32768
_MOST_KEPT = 2**20
_WORK_OF_A_UNIT = 8
_WORK_OF_A_BLINK = 1_000_000
"""Multiply-adds that take less time than waking a thread."""


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
@dataclass(frozen=True)
class _Room:
    """What one call writes to: tables, memory, the place of the numbers for labels, and how many of θ fit."""

    program: Program
    memory: Array
    labels: int
    numbers: int


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
        self._rooms: list[_Room] = []

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
        if self._is_thin:
            self._errors_in_lanes(thetas, x, y, c, errors)
            return errors
        self._call(self._judge_population, len(thetas), thetas, x, y, c, [len(thetas), errors])
        return errors

    def _errors_in_lanes(self, thetas: Array, x: Array, y: Array, c: Array, errors: Array) -> None:
        """Write the errors of a small network's population; see `glassnet.compiled.population`."""
        assert self._loss is not None
        rows, widest, line = len(x), self._widest, 64 // self._dtype.itemsize
        most = max(_LEAST_LANES, _BYTES_OF_LANES // (2 * widest * self._dtype.itemsize))
        block = -(-rows // -(-rows // most))
        room = -(-(4 * widest + 1) * block // line) * line + line
        threads = self._threads_for(len(thetas), len(thetas) * rows)
        memory = np.empty(max(1, threads) * room, self._dtype)
        labels, targets = labels_and_targets(y, self._dtype)
        if len(labels):
            true, other = self._loss[2]
            targets = np.full((rows, self.outputs), other, self._dtype)
            targets[np.arange(rows), labels] = true
        own = np.ascontiguousarray(thetas, self._dtype)
        lanes = np.ascontiguousarray(x.T, self._dtype)
        shares = np.ascontiguousarray(c, self._dtype)
        stages = self._one_block.stages
        args = [rows, stages, len(stages), own, own.shape[1], len(own), lanes, targets, shares, memory]
        args += [room, block, widest, *self._losses_of_lanes, errors]
        _call_worker(self._judge_lanes, threads, args)

    @functools.cached_property
    def _is_thin(self) -> bool:
        products = [layer.product for layer in self._one_block.layers if layer.product is not None]
        return sum(product.inputs * product.outputs for product in products) <= _PRODUCTS_OF_LANES

    @functools.cached_property
    def _widest(self) -> int:
        return max(layer.units for layer in self._one_block.layers[1:])

    @functools.cached_property
    def _judge_lanes(self) -> int:
        return addresses([Kernel("errors_of_small_population", self._dtype.name)])[0]

    @functools.cached_property
    def _losses_of_lanes(self) -> tuple[int, int]:
        """Return the handles of the loss of rows, and of its form for one output, or −1 where it has none."""
        assert self._loss is not None
        loss, short, _ = self._loss
        plain = isinstance(loss, ElementwiseLoss) if short is None else short.term is not None
        by_rows = isinstance(self._one_block.layers[-1].activation, RowActivation)  # which lanes would run together
        if self.outputs > 1 or not plain or by_rows:
            return self._loss_handle, -1
        return self._loss_handle, addresses([Kernel("loss_of_one", self._dtype.name, (loss, short))])[0]

    def _call(
        self, worker: int, parts: int, thetas: Array, x: Array, y: Array | None, c: Array, out: list[Any]
    ) -> None:
        """Call a worker on as many threads as there are parts; all it writes to belongs to this call alone."""
        threads = self._threads_for(parts, len(x) * max(1, thetas.size // max(1, self._network[3])))
        room = self._take_room(max(1, threads), thetas.size)
        table, memory = room.program.run[0], room.memory
        memory[table.theta : table.theta + thetas.size] = thetas.ravel()
        labels, targets = labels_and_targets(np.empty((0, 1)) if y is None else y, self._dtype)
        table.loss = table.labels = -1
        if self._loss is not None and y is not None:
            table.loss = self._loss_handle
            if len(labels):
                table.labels = room.labels
                memory[room.labels : room.labels + 2] = self._loss[2]
        nothing = np.zeros(1, np.int64)
        job = [room.program.run, room.program.stages, nothing, room.program.masks, room.program.groups, memory]
        rows = [np.ascontiguousarray(x, self._dtype), labels, targets, np.ascontiguousarray(c, self._dtype), nothing]
        _call_worker(worker, threads, [len(x), *job, *rows, *out])
        if thetas.size <= _MOST_KEPT:
            self._rooms.append(room)

    def _threads_for(self, parts: int, evaluations: int) -> int:
        """Return how many threads so many parts are worth; 0 where the caller's own has it done before one wakes up."""
        if evaluations * self._work <= _WORK_OF_A_BLINK:
            return 0
        return max(1, min(self._threads, parts))

    @functools.cached_property
    def _work(self) -> int:
        """Multiply-adds of a row forward, and what else its units take, counted as such."""
        products = (layer.product for layer in self._one_block.layers if layer.product is not None)
        return sum((product.inputs + _WORK_OF_A_UNIT) * product.outputs for product in products)

    def _take_room(self, threads: int, numbers: int) -> _Room:
        """Return memory for a call, that of an earlier one where it fits: making it takes longer than a small call."""
        with contextlib.suppress(IndexError):  # another thread may take it at the same time
            room = self._rooms.pop()
            if (room.program.threads, room.numbers) == (threads, numbers):
                return room
        program = self._program(threads)
        table, stages = program.run[0], program.stages
        stages.value, table.product = self._one_block.stages.value, self._one_block.run[0].product
        labels, table.theta = program.memory.place(2), program.memory.place(numbers)
        return _Room(program, program.memory.allocate(), labels, numbers)


def _call_worker(worker: int, threads: int, args: Sequence[Any]) -> None:
    if threads:
        run(worker, threads, args, new_counters())
    else:
        run_here(worker, args)
