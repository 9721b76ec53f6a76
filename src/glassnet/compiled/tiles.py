"""The innermost loop of every product: a tile of the result that stays in registers, written as vector instructions.

For a tile of C, k runs over the products ``A[i, k] · B[k, j]``: one number of A spread over a vector, times vectors of
a row of B, added to the accumulators. Every element of C is a sum in the order of k, whatever the shape of the tile, so
the bits do not depend on how a matrix is cut.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import overload

from glassnet.compiled.host import Shape, tile_shape
from glassnet.compiled.intrinsics import Numbers, instruction


def lanes(numbers: Numbers) -> int:
    """Return how many such numbers a vector holds."""
    return tile_shape(numbers.itemsize).lanes


def tile_rows(numbers: Numbers) -> int:
    """Return how many rows a tile of such numbers has."""
    return tile_shape(numbers.itemsize).rows


def tile_columns(numbers: Numbers) -> int:
    """Return how many columns a tile of such numbers has."""
    return tile_shape(numbers.itemsize).columns


def _returning(value: int) -> Any:
    return lambda numbers: value


# in compiled code the tile's shape is a constant
overload(lanes)(lambda numbers: _returning(tile_shape(numbers.dtype.bitwidth // 8).lanes))
overload(tile_rows)(lambda numbers: _returning(tile_shape(numbers.dtype.bitwidth // 8).rows))
overload(tile_columns)(lambda numbers: _returning(tile_shape(numbers.dtype.bitwidth // 8).columns))

SET, MULTIPLY = 0, 1
"""What becomes of C at the end: C = sum, or C = sum ⊙ C."""

_I64, _I32 = ir.IntType(64), ir.IntType(32)


def _tile_in_python(
    rows: int,
    columns: int,
    depth: int,
    a: Numbers,
    a_row: int,
    a_depth: int,
    b: Numbers,
    b_depth: int,
    c: Numbers,
    c_row: int,
    start: Numbers,
    start_row: int,
    started: int,
    finish: int,
) -> int:
    """Compute a tile: C = (start if started, else 0) + A B, then SET or MULTIPLY.

    Parameters
    ----------
    rows, columns : int
        At most those of the tile's shape.
    depth : int
        How far k runs.
    a, b, c, start : places
        Of the first element of each.
    a_row, a_depth, b_depth, c_row, start_row : int
        How far it is to the next row i of A, the next k of A and B, the next row i of C and of start. Rows of B, C and
        start are contiguous.
    started, finish : int
    """
    for i in range(rows):
        total = start[i * start_row : i * start_row + columns].copy() if started else 0 * b[:columns]
        for k in range(depth):
            total += a[i * a_row + k * a_depth] * b[k * b_depth : k * b_depth + columns]
        place = c[i * c_row : i * c_row + columns]
        place[:] = total * place if finish == MULTIPLY else total
    return 0


@instruction(_tile_in_python)
def tile(
    context: Any,
    rows: Any,
    columns: Any,
    depth: Any,
    a: Any,
    a_row: Any,
    a_depth: Any,
    b: Any,
    b_depth: Any,
    c: Any,
    c_row: Any,
    start: Any,
    start_row: Any,
    started: Any,
    finish: Any,
) -> Any:
    if not isinstance(a, types.CPointer) or a.dtype not in (types.float32, types.float64):
        raise TypeError(f"tile() was given {a}; expected the address of float32 or float64 numbers.")
    shape = tile_shape(a.dtype.bitwidth // 8)

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        _Tiles(builder, shape, args).emit()
        return ir.Constant(_I64, 0)

    n = types.int64
    return n(n, n, n, a, n, n, a, n, a, n, a, n, n, n), generate


class _Tiles:
    """Writes one loop for every number of rows and vectors that a tile can have, and the switch that chooses."""

    def __init__(self, builder: Any, shape: Shape, args: Any) -> None:
        self.builder, self.shape = builder, shape
        (self.rows, self.columns, self.depth, self.a, self.a_row, self.a_depth, self.b, self.b_depth) = args[:8]
        (self.c, self.c_row, self.start, self.start_row, self.started, self.finish) = args[8:]
        self.number = self.a.type.pointee
        self.vector = ir.VectorType(self.number, shape.lanes)
        self.align = 4 if self.number == ir.FloatType() else 8

    def emit(self) -> None:
        """Write the switch and all loops."""
        builder, lanes = self.builder, self.shape.lanes
        end = builder.append_basic_block("end")
        vectors = builder.sdiv(builder.add(self.columns, _int(lanes - 1)), _int(lanes))
        which = builder.add(builder.mul(vectors, _int(100)), self.rows)
        switch = builder.switch(which, end)
        for v in range(1, self.shape.vectors + 1):
            for r in range(1, self.shape.rows + 1):
                block = builder.append_basic_block(f"tile_{r}x{v}")
                switch.add_case(_int(100 * v + r), block)
                builder.position_at_end(block)
                self._one(r, v, end)
        builder.position_at_end(end)

    def _one(self, rows: int, vectors: int, end: Any) -> None:
        """Write the loop for `rows` by `vectors` accumulators."""
        builder, each = self.builder, [(i, j) for i in range(rows) for j in range(vectors)]
        before = builder.block
        load_start, loop, after = (builder.append_basic_block(name) for name in ("start", "loop", "after"))
        builder.cbranch(self._is(self.started), load_start, loop)

        builder.position_at_end(load_start)
        first = {ij: self._load(self.start, self.start_row, *ij) for ij in each}
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(_I64)
        sums = {ij: builder.phi(self.vector) for ij in each}
        k.add_incoming(_int(0), before)
        k.add_incoming(_int(0), load_start)
        for ij in each:
            sums[ij].add_incoming(ir.Constant(self.vector, [0.0] * self.shape.lanes), before)
            sums[ij].add_incoming(first[ij], load_start)
        b = [self._load(builder.gep(self.b, [builder.mul(k, self.b_depth)]), _int(0), 0, j) for j in range(vectors)]
        a = builder.gep(self.a, [builder.mul(k, self.a_depth)])
        spread = [self._spread(builder.load(self._element(a, self.a_row, i, 0))) for i in range(rows)]
        more = {(i, j): self._multiply_add(spread[i], b[j], sums[i, j]) for i, j in each}
        k_next = builder.add(k, _int(1))
        k.add_incoming(k_next, loop)
        for ij in each:
            sums[ij].add_incoming(more[ij], loop)
        builder.cbranch(builder.icmp_signed("<", k_next, self.depth), loop, after)

        builder.position_at_end(after)
        self._store(more, rows, vectors, end)

    def _store(self, sums: dict[tuple[int, int], Any], rows: int, vectors: int, end: Any) -> None:
        """Write what becomes of the sums; only the last vector of a row may stand over the edge."""
        builder, lanes = self.builder, self.shape.lanes
        after = builder.block
        multiply, store, whole, part = (builder.append_basic_block(n) for n in ("multiply", "store", "whole", "part"))
        builder.cbranch(self._is(self.finish), multiply, store)

        builder.position_at_end(multiply)
        products = {ij: builder.fmul(value, self._load(self.c, self.c_row, *ij)) for ij, value in sums.items()}
        builder.branch(store)

        builder.position_at_end(store)
        results = {}
        for ij, value in sums.items():
            results[ij] = builder.phi(self.vector)
            results[ij].add_incoming(value, after)
            results[ij].add_incoming(products[ij], multiply)
        builder.cbranch(builder.icmp_signed("==", self.columns, _int(vectors * lanes)), whole, part)

        builder.position_at_end(whole)
        for (i, j), value in results.items():
            builder.store(value, self._place(self.c, self.c_row, i, j), align=self.align)
        builder.branch(end)

        builder.position_at_end(part)
        places = ir.VectorType(_I64, lanes)
        left = self._spread(builder.sub(self.columns, _int((vectors - 1) * lanes)), places)
        inside = builder.icmp_signed("<", ir.Constant(places, list(range(lanes))), left)
        for (i, j), value in results.items():
            place = self._place(self.c, self.c_row, i, j)
            if j < vectors - 1:
                builder.store(value, place, align=self.align)
            else:
                self._masked_store(value, place, inside)
        builder.branch(end)

    # --- single instructions ------------------------------------------------------------------------------------

    def _is(self, flag: Any) -> Any:
        return self.builder.icmp_signed("!=", flag, _int(0))

    def _element(self, place: Any, row: Any, i: int, j: int) -> Any:
        return self.builder.gep(place, [self.builder.add(self.builder.mul(row, _int(i)), _int(j))])

    def _place(self, place: Any, row: Any, i: int, j: int) -> Any:
        element = self._element(place, row, i, j * self.shape.lanes)
        return self.builder.bitcast(element, self.vector.as_pointer())

    def _load(self, place: Any, row: Any, i: int, j: int) -> Any:
        return self.builder.load(self._place(place, row, i, j), align=self.align)

    def _spread(self, number: Any, kind: Any = None) -> Any:
        """Return a vector that holds one number in every lane."""
        kind = kind or self.vector
        nothing, first = ir.Constant(kind, ir.Undefined), ir.Constant(_I32, 0)
        one = self.builder.insert_element(nothing, number, first)
        lanes = ir.Constant(ir.VectorType(_I32, self.shape.lanes), [0] * self.shape.lanes)
        return self.builder.shuffle_vector(one, nothing, lanes)

    def _multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        if not self.shape.fused:
            return self.builder.fadd(self.builder.fmul(x, y), z)
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        return self.builder.call(self._function("llvm.fma", kind), [x, y, z])

    def _masked_store(self, value: Any, place: Any, inside: Any) -> None:
        kind = ir.FunctionType(ir.VoidType(), [self.vector, place.type, _I32, inside.type])
        store = self._function("llvm.masked.store", kind, pointer=True)
        self.builder.call(store, [value, place, ir.Constant(_I32, self.align), inside])

    def _function(self, name: str, kind: Any, pointer: bool = False) -> Any:
        suffix = f"v{self.shape.lanes}f{8 * self.align}"
        full = f"{name}.{suffix}.p0{suffix}" if pointer else f"{name}.{suffix}"
        return cgutils.get_or_insert_function(self.builder.module, kind, full)


def _int(value: int) -> Any:
    return ir.Constant(_I64, value)


# --- a square of numbers turned over ------------------------------------------------------------------------------


def _transpose_square_in_python(source: Numbers, source_row: int, result: Numbers, result_row: int) -> int:
    """Write the transpose of a square as wide as a vector: result[j, i] = source[i, j]."""
    n = tile_shape(source.itemsize).lanes
    for i in range(n):
        result[i : (n - 1) * result_row + i + 1 : result_row] = source[i * source_row : i * source_row + n]
    return 0


@instruction(_transpose_square_in_python)
def transpose_square(context: Any, source: Any, source_row: Any, result: Any, result_row: Any) -> Any:
    size = source.dtype.bitwidth // 8
    n = tile_shape(size).lanes

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        start, start_row, end, end_row = args
        vector = ir.VectorType(start.type.pointee, n)

        def place(first: Any, row: Any, i: int) -> Any:
            return builder.bitcast(builder.gep(first, [builder.mul(row, _int(i))]), vector.as_pointer())

        rows = [builder.load(place(start, start_row, i), align=size) for i in range(n)]
        half = n // 2
        low = ir.Constant(ir.VectorType(_I32, n), [k for i in range(half) for k in (i, n + i)])
        high = ir.Constant(ir.VectorType(_I32, n), [k for i in range(half, n) for k in (i, n + i)])
        for _ in range(n.bit_length() - 1):  # shuffling row i with row i + n/2, log₂ n times, turns the square over
            pairs = [(rows[i], rows[i + half]) for i in range(half)]
            rows = [builder.shuffle_vector(*pair, which) for pair in pairs for which in (low, high)]
        for i in range(n):
            builder.store(rows[i], place(end, end_row, i), align=size)
        return ir.Constant(_I64, 0)

    return types.int64(source, types.int64, result, types.int64), generate
