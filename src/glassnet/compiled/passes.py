"""Passes forward and backward in which each row stands for itself, some rows at a time in the same memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.evaluator import handles_of, labels_and_targets
from glassnet.compiled.machine_code import Kernel
from glassnet.compiled.plan import Mask, Operation
from glassnet.compiled.program import Program
from glassnet.compiled.team import new_counters, run
from glassnet.maths.loss import Loss, ShortForm

Array = NDArray[Any]

_ROWS_AT_A_TIME = 2048


@final
class Passes:
    """What a network and its loss do to rows, without dropout.

    Parameters
    ----------
    plan : sequence of Operation
    inputs : int
    dtype : dtype
    parameters : int
        The length of θ.
    threads : int
    loss : (Loss, ShortForm or None, two numbers)
        With what a label is as target for its own class and for others.
    """

    def __init__(
        self,
        plan: Sequence[Operation],
        inputs: int,
        dtype: np.dtype[Any],
        parameters: int,
        threads: int,
        loss: tuple[Loss, ShortForm | None, Array],
    ) -> None:
        short = loss[1]
        unmasked = [operation for operation in plan if not isinstance(operation, Mask)]
        self._program = program = Program(
            unmasked, inputs, dtype, parameters, _ROWS_AT_A_TIME, threads, _ROWS_AT_A_TIME
        )
        settings = program.run[0]
        kernels = [Kernel("pass_rows", dtype.name), Kernel("loss", dtype.name, loss[:2])]
        program.for_training(0, np.zeros(parameters, bool), np.zeros(parameters, bool), False)
        self._pass_rows, settings.loss = handles_of(program, dtype.name, kernels, training=True)
        settings.short, settings.sum_reduction = short is not None, True  # c = w = 1
        self._labels = program.memory.place(2)
        self._memory = program.memory.allocate()
        self._memory[self._labels : self._labels + 2] = loss[2]
        self._ones, self._order = np.ones(_ROWS_AT_A_TIME, dtype), np.arange(_ROWS_AT_A_TIME)
        self._threads, self._dtype, self._shares = threads, dtype, program.shares()

    def of(self, theta: Array, x: Array, y: Array) -> Iterator[tuple[Array, list[Array], list[Array]]]:
        """Give errors (m,), outputs of the input and every stage, and blame of every stage, of some rows at a time.

        They lie in memory that the next rows use again.
        """
        program, settings = self._program, self._program.run[0]
        self._memory[settings.theta : settings.theta + theta.size] = theta
        settings.labels = self._labels if y.ndim == 1 else -1
        for i in range(0, len(x), _ROWS_AT_A_TIME):
            some = np.ascontiguousarray(x[i : i + _ROWS_AT_A_TIME], self._dtype)
            labels, targets = labels_and_targets(y[i : i + _ROWS_AT_A_TIME], self._dtype)
            job = [program.run, program.stages, program.pieces, program.masks, program.groups, self._memory]
            rows = [some, labels, targets, self._ones, self._order]
            run(self._pass_rows, self._threads, [len(some), *job, *rows, int(i == 0), self._shares], new_counters())
            m, stages = len(some), program.stages
            errors = self._memory[settings.errors : settings.errors + m]
            a = [self._rows(stage.a, m, stage.a_row, stage.outputs) for stage in stages]
            blame = [self._rows(stage.d, m, stage.d_row, stage.outputs) for stage in stages[1:]]
            yield errors, a, blame

    def _rows(self, place: int, m: int, apart: int, width: int) -> Array:
        """Return a matrix that lies in memory: m rows, so far apart and so wide."""
        matrix: Array = self._memory[place : place + m * apart].reshape(m, apart)[:, :width]
        return matrix
