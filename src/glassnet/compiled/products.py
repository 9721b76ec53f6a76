"""Products of matrices, made of register tiles, and the copies of θ that they read fastest.

A matrix B that many rows are multiplied with is read in panels, strips as wide as a tile. It may lie in θ as it is, or
be copied so that each panel is contiguous; a transposed B always is.
"""

from __future__ import annotations

from typing import Any

from glassnet.compiled.decorator import compiled
from glassnet.compiled.intrinsics import Numbers, at, call
from glassnet.compiled.tiles import lanes, tile, tile_columns, tile_rows, transpose_square


@compiled
def product(
    rows: int,
    columns: int,
    depth: int,
    a: Numbers,
    a_row: int,
    a_depth: int,
    b: Numbers,
    b_panel: int,
    b_depth: int,
    c: Numbers,
    c_row: int,
    start: Numbers,
    start_row: int,
    started: int,
    finish: int,
) -> int:
    """Compute C = (start if started, else 0) + A B, tile by tile; see `tiles.tile` for the parameters.

    `b_panel` is how far it is from one panel of B to the next.
    """
    height, width = tile_rows(a), tile_columns(a)
    panel = at(b, 0)
    for j in range(0, columns, width):
        for i in range(0, rows, height):
            tile(
                min(height, rows - i),
                min(width, columns - j),
                depth,
                at(a, i * a_row),
                a_row,
                a_depth,
                panel,
                b_depth,
                at(c, i * c_row + j),
                c_row,
                at(start, i * start_row + j),
                start_row,
                started,
                finish,
            )
        panel = at(panel, b_panel)
    return 0


@compiled
def multiply_tiles(run: Any, sizes: Any, a: Any, b: Any, c: Any, start: Any, finish: int) -> None:
    """Call `product`, which is compiled by itself, once for all.

    Parameters
    ----------
    run : record of `records.RUN`
    sizes : rows, columns, depth
    a : place, to the next row, to the next k
    b : place, to the next panel, to the next k
    c : place, to the next row
    start : place, to the next row, whether C starts there rather than at 0
    finish : SET or MULTIPLY
    """
    call(
        run.product,
        (
            sizes[0],
            sizes[1],
            sizes[2],
            a[0],
            a[1],
            a[2],
            b[0],
            b[1],
            b[2],
            c[0],
            c[1],
            start[0],
            start[1],
            int(start[2]),
            finish,
        ),
    )


@compiled
def copy_to_panels(w: Numbers, first: int, last: int, rows: int, columns: int, panels: Numbers) -> None:
    """Copy rows `first` to `last` of W (rows, columns) into panels: W[k, j] to panel j // width, row k."""
    width = tile_columns(w)
    for j in range(0, columns, width):
        n = min(width, columns - j)
        for k in range(first, last):
            source, result = at(w, k * columns + j), at(panels, j * rows + k * width)
            for i in range(n):
                result[i] = source[i]


@compiled
def transpose_to_panels(w: Numbers, first: int, last: int, columns: int, panels: Numbers) -> None:
    """Copy rows `first` to `last` of W (rows, columns) into panels of Wᵀ: W[i, k] to panel i // width, row k.

    `first` is a multiple of a vector's lanes.
    """
    n, width = lanes(w), tile_columns(w)
    for i in range(first, last, n):
        strip = at(panels, (i // width) * width * columns + i % width)
        whole = columns // n * n if i + n <= last else 0
        for k in range(0, whole, n):
            transpose_square(at(w, i * columns + k), columns, at(strip, k * width), width)
        for k in range(whole, columns):
            for r in range(min(n, last - i)):
                strip[k * width + r] = w[(i + r) * columns + k]
