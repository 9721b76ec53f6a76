"""From a plan to the tables and the memory that compiled code works on.

Operations are gathered into stages: a product, its activation, and masks behind it. θ is cut into pieces, each of which
one thread moves at a time. Both depend on the network, the batch and the host's vectors alone, never on the number of
threads, so that no sum does either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.host import Shape, tile_shape
from glassnet.compiled.plan import Elementwise, Mask, Operation, Product, Row
from glassnet.compiled.records import APART, GROUP, MASK, PIECE, RUN, STAGE
from glassnet.maths.activation import AnyActivation, RowActivation
from glassnet.maths.random import drop_threshold

Array = NDArray[Any]

_LINE = 64
"""Bytes: every matrix begins on a cache line."""

_BYTES_OF_A_CHUNK = 4 * 2**20
_ROWS_OF_A_CHUNK = 1024
_FEW_PIECES = 8
_BYTES_OF_SLICES = 4 * 2**20
_SLICES = 16
_ALIASED = 2048
"""Bytes: rows this far apart, or a multiple, fall into the same few places of a cache."""


@final
@dataclass
class Stage:
    """A product and what follows it; the first stage is the input and has no product."""

    units: int
    product: Product | None = None
    activation: AnyActivation | None = None
    masks: list[Mask] = field(default_factory=list)


def gather(plan: Sequence[Operation], inputs: int) -> list[Stage]:
    """Gather the operations of a plan into stages."""
    stages = [Stage(inputs)]
    for operation in plan:
        match operation:
            case Product():
                stages.append(Stage(operation.outputs, operation))
            case Elementwise() | Row():
                stages[-1].activation = operation.activation
            case Mask():
                stages[-1].masks += [operation] if operation.rate > 0 else []
    return stages


@final
class Memory:
    """Hands out places in one long array of numbers, each on a cache line and with room behind it.

    The room is for vectors that stand over the end of a row: they are read and computed, but never stored.
    """

    def __init__(self, dtype: np.dtype[Any], shape: Shape) -> None:
        self.dtype, self.size = dtype, 0
        self._line, self._room = _LINE // dtype.itemsize, shape.columns

    def place(self, count: int) -> int:
        """Return the place of `count` numbers that nobody else has."""
        start = self.size
        self.size += -(-(count + self._room) // self._line) * self._line
        return start

    def allocate(self) -> Array:
        """Return the array, of zeros, on a cache line."""
        whole = np.zeros((self.size + self._line) * self.dtype.itemsize, np.uint8)
        first = -whole.ctypes.data % _LINE
        return whole[first : first + self.size * self.dtype.itemsize].view(self.dtype)


@final
class Program:
    """The tables of one network, and where its matrices lie.

    Parameters
    ----------
    plan : sequence of Operation
    inputs : int
    dtype : dtype
        float32 or float64.
    parameters : int
        The length of θ.
    batch : int
        The most rows of a step.
    threads : int
    chunk : int or None
        How many rows to have in memory at a time; None chooses.
    """

    def __init__(
        self,
        plan: Sequence[Operation],
        inputs: int,
        dtype: np.dtype[Any],
        parameters: int,
        batch: int,
        threads: int,
        chunk: int | None = None,
    ) -> None:
        self.layers = gather(plan, inputs)
        self.threads, self.parameters = threads, parameters
        self.shape = tile_shape(dtype.itemsize)
        self.memory = Memory(dtype, self.shape)
        self.run = np.zeros(1, RUN).view(np.recarray)
        row_bytes = 2 * dtype.itemsize * sum(layer.units for layer in self.layers)
        self.chunk = chunk or min(batch, max(_ROWS_OF_A_CHUNK, _BYTES_OF_A_CHUNK // row_bytes))
        masks = [mask for layer in self.layers for mask in layer.masks]
        self.masks = np.array(
            [(m.layer, drop_threshold(m.rate), 1 / (1 - m.rate)) for m in masks] or [(0, 0, 1.0)], MASK
        ).view(np.recarray)
        self.stages = self._stages()
        self.groups = self._groups()
        outputs = self.layers[-1].units
        widest = max(layer.units for layer in self.layers)
        run = self.run[0]
        run.inputs, run.outputs, run.parameters = inputs, outputs, parameters
        run.stages, run.chunk = len(self.layers), self.chunk
        run.y, run.c = self.memory.place(self.chunk * outputs), self.memory.place(self.chunk)
        run.errors, run.labels = self.memory.place(self.chunk), -1
        run.squares, run.heard = self.memory.place(self.chunk), self.memory.place(threads * 2 * APART)
        run.keep_row = -(-widest // 16) * 16
        run.keep = self.memory.place(threads * run.keep_row)
        run.loss, run.clip_value, run.clip_norm = -1, -1, -1

    def _stages(self) -> Any:
        memory, chunk = self.memory, self.chunk
        table = np.full(len(self.layers), -1, np.int64).repeat(len(STAGE.names or ())).view(STAGE).view(np.recarray)
        first_mask = 0
        for k, layer in enumerate(self.layers):
            stage, n = table[k], layer.units
            stage.outputs = n
            stage.first_mask, stage.masks = first_mask, len(layer.masks)
            first_mask += len(layer.masks)
            stage.a_row = stage.d_row = self._row(n)
            stage.a = memory.place(chunk * stage.a_row)
            if layer.product is None:
                continue
            product = layer.product
            stage.inputs, stage.weights = product.inputs, product.weights
            stage.biases = -1 if product.biases is None else product.biases
            stage.d = memory.place(chunk * stage.d_row)
            stage.by_rows = isinstance(layer.activation, RowActivation)
            if stage.by_rows:
                stage.z = memory.place(chunk * n)
        return table

    def _groups(self) -> Any:
        """Return which inputs which units hear, and enter into each stage where its own are."""
        groups: list[tuple[int, ...]] = []
        for k, layer in enumerate(self.layers):
            if layer.product is None:
                continue
            self.stages[k].first_group, i, j = len(groups), 0, 0
            for inputs, units in layer.product.groups or [(layer.product.inputs, layer.product.outputs)]:
                groups.append((k, j, inputs, i, units))
                i, j = i + units, j + inputs
            self.stages[k].groups = len(groups) - self.stages[k].first_group
        self.run[0].groups = len(groups)
        return np.array(groups, GROUP).view(np.recarray)

    def _row(self, units: int) -> int:
        """Return how far apart rows lie: the width of the matrix, unless they would crowd into one place of a cache."""
        size = units * self.memory.dtype.itemsize
        return units + (_LINE // self.memory.dtype.itemsize if size % _ALIASED == 0 else 0)

    # --- for training -------------------------------------------------------------------------------------------

    def for_training(self, slots: int, frozen: Array, penalised: Array, wants_whole: bool) -> None:
        """Add what a training needs: θ twice, its gradient, the optimizer's slots and copies of W.

        Parameters
        ----------
        slots : int
        frozen, penalised : (n,) arrays of bool, over θ
        wants_whole : bool
            Whether something stands between gradient and update that looks at all of the gradient.
        """
        memory, run = self.memory, self.run[0]
        width = self.shape.columns
        for k in range(1, len(self.stages)):
            stage = self.stages[k]
            if k > 1:
                stage.transposed = memory.place(-(-stage.inputs // width) * width * stage.outputs)
            if stage.outputs * memory.dtype.itemsize % _ALIASED == 0:
                stage.panels = memory.place(-(-stage.outputs // width) * width * stage.inputs)
        self.pieces = self._pieces(frozen, penalised)
        run.pieces = len(self.pieces)
        few = len(self.pieces) < _FEW_PIECES and self.chunk >= _ROWS_OF_A_CHUNK
        affordable = max(1, _BYTES_OF_SLICES // (self.parameters * memory.dtype.itemsize))
        run.slices = min(_SLICES, affordable) if few else 1
        run.separate = run.slices > 1 or wants_whole
        line = _LINE // memory.dtype.itemsize
        run.stride = -(-(self.parameters + width) // line) * line
        run.theta = memory.place(2 * run.stride)
        run.gradient = memory.place(run.slices * run.stride)
        run.piece_room = -(-int(self.pieces.count.max()) // line) * line + width
        run.piece = memory.place(self.threads * run.piece_room)
        run.slots = memory.place(slots * run.stride)
        run.one = memory.place(1)
        run.free = memory.place(self.parameters) if self.pieces.partial.any() else -1

    def _pieces(self, frozen: Array, penalised: Array) -> Any:
        pieces: list[tuple[int, ...]] = []
        for k in range(1, len(self.stages)):
            stage = self.stages[k]
            n, tall = int(stage.outputs), math.lcm(self.shape.lanes, self.shape.rows)
            rows = tall if stage.inputs >= 4 * tall else self.shape.lanes
            for first in range(0, int(stage.inputs), rows):
                height, place = min(rows, int(stage.inputs) - first), int(stage.weights) + first * n
                pieces.append((k, first, height, place, height * n, False))
            if stage.biases >= 0:
                pieces.append((k, 0, 1, int(stage.biases), n, True))
        for p, (_, _, _, place, count, _) in enumerate(pieces):
            some = frozen[place : place + count]
            whole, penalty = bool(some.all()), bool(penalised[place : place + count].any())
            pieces[p] += (whole, penalty, bool(some.any()) and not whole)
        return np.array(pieces, PIECE).view(np.recarray)

    def shares(self) -> Array:
        """Return where each thread's pieces begin, with about the same arithmetic for each."""
        cost = np.cumsum(self.pieces.count + self.shape.columns)
        goals = cost[-1] * np.arange(self.threads + 1) / self.threads
        shares = np.searchsorted(cost, goals, side="left").astype(np.int64)
        shares[0], shares[-1] = 0, len(self.pieces)
        return np.maximum.accumulate(shares)
