"""The squared lengths of rows of numbers, four rows at a time, written as vector instructions.

Rows of ten or thirty numbers are the rule where rows are judged. A compiler's own loop over whole vectors leaves most
of such a row to a slow rest, and adding up the lanes of one vector takes longer than filling it; four rows share that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from glassnet.compiled.host import tile_shape
from glassnet.compiled.intrinsics import Numbers, instruction

AT_A_TIME = 4

_I64, _I32 = ir.IntType(64), ir.IntType(32)


def _squares_in_python(x: Numbers, row: int, n: int, result: Numbers) -> int:
    """Write Σ x² of four rows of n numbers, which lie `row` numbers apart, one after the other.

    The order of each sum depends on n alone. Behind the last row there must be room for a vector.
    """
    for i in range(AT_A_TIME):
        own = x[i * row : i * row + n]
        result[i] = np.dot(own, own)
    return 0


@instruction(_squares_in_python)
def squares(context: Any, x: Any, row: Any, n: Any, result: Any) -> Any:
    if not isinstance(x, types.CPointer) or x.dtype not in (types.float32, types.float64):
        raise TypeError(f"squares() was given {x}; expected the address of float32 or float64 numbers.")
    size = x.dtype.bitwidth // 8
    lanes = tile_shape(size).lanes

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        _Squares(builder, lanes, size, args).emit()
        return ir.Constant(_I64, 0)

    return types.int64(x, types.int64, types.int64, x), generate


class _Squares:
    """Writes a loop over whole vectors, what is left of the rows, and the sums of their lanes."""

    def __init__(self, builder: Any, lanes: int, size: int, args: Any) -> None:
        self.builder, self.lanes, self.size = builder, lanes, size
        self.x, self.row, self.count, self.result = args
        self.vector = ir.VectorType(self.x.type.pointee, lanes)
        self.zero = ir.Constant(self.vector, [0.0] * lanes)
        self.sums = [cgutils.alloca_once_value(builder, self.zero) for _ in range(AT_A_TIME)]
        self.place = cgutils.alloca_once_value(builder, _int(0))

    def emit(self) -> None:
        """Write all of it."""
        builder, lanes = self.builder, self.lanes
        with self._while_at_most(builder.sub(self.count, _int(lanes))):
            self._add(None)
        left = builder.sub(self.count, builder.load(self.place))
        with builder.if_then(builder.icmp_signed(">", left, _int(0))):
            places = ir.VectorType(_I64, lanes)
            one = builder.insert_element(ir.Constant(places, ir.Undefined), left, ir.Constant(_I32, 0))
            spread = builder.shuffle_vector(one, one, _lanes([0] * lanes))
            self._add(builder.icmp_signed("<", ir.Constant(places, list(range(lanes))), spread))
        vectors = [builder.load(total) for total in self.sums]
        width = lanes
        while width > 1:
            width //= 2
            if len(vectors) > 1:  # two become one: of each, the lower half of its runs plus the upper
                vectors = [self._halves(a, b, width) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
            else:
                vectors = [self._folded(vectors[0], width)]
        rows = AT_A_TIME // len(vectors)  # each vector holds the sums of so many
        for i in range(AT_A_TIME):
            number = builder.extract_element(vectors[i // rows], ir.Constant(_I32, i % rows * (lanes // rows)))
            builder.store(number, builder.gep(self.result, [_int(i)]))

    def _add(self, keep: Any) -> None:
        """Add the squares of a vector of each row, or of those lanes that are to be kept, and go on to the next."""
        builder, at = self.builder, self.builder.load(self.place)
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{self.lanes}f{8 * self.size}")
        for i, total in enumerate(self.sums):
            first = builder.gep(self.x, [builder.add(at, builder.mul(self.row, _int(i)))])
            value = builder.load(builder.bitcast(first, self.vector.as_pointer()), align=self.size)
            value = value if keep is None else builder.select(keep, value, self.zero)
            builder.store(builder.call(fma, [value, value, builder.load(total)]), total)
        builder.store(builder.add(at, _int(self.lanes)), self.place)

    def _halves(self, a: Any, b: Any, width: int) -> Any:
        """Return runs of a and then of b, each half as wide: the lower half of a run plus its upper."""
        starts = range(0, self.lanes, 2 * width)
        low = [k for which in (0, self.lanes) for s in starts for k in range(which + s, which + s + width)]
        lower = self.builder.shuffle_vector(a, b, _lanes(low))
        upper = self.builder.shuffle_vector(a, b, _lanes([k + width for k in low]))
        return self.builder.fadd(lower, upper)

    def _folded(self, total: Any, width: int) -> Any:
        """Return runs with their upper half added to the lower."""
        moved = [min(k + width, self.lanes - 1) for k in range(self.lanes)]
        return self.builder.fadd(total, self.builder.shuffle_vector(total, total, _lanes(moved)))

    @contextlib.contextmanager
    def _while_at_most(self, last: Any) -> Iterator[None]:
        """Write a loop whose body is what stands in the `with`, while the place is at most `last`."""
        builder = self.builder
        test, body, after = (builder.append_basic_block(name) for name in ("test", "body", "after"))
        builder.branch(test)
        builder.position_at_end(test)
        builder.cbranch(builder.icmp_signed("<=", builder.load(self.place), last), body, after)
        builder.position_at_end(body)
        yield
        builder.branch(test)
        builder.position_at_end(after)


def _int(value: int) -> Any:
    return ir.Constant(_I64, value)


def _lanes(which: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_I32, len(which)), which)
