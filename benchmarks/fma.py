"""How many multiply-adds this machine can do at most: a tile's product with all operands in the first cache."""

from __future__ import annotations

import ctypes
import statistics
import threading
import time

import numpy as np

from glassnet.compiled.host import tile_shape
from glassnet.compiled.machine_code import Kernel, addresses

_DEPTH = 128
_TILES = 20_000


def fma_peak(threads: int) -> float:
    """Return GFLOP/s of float32 on all threads at once: the median of five runs."""
    address = addresses([Kernel("product", "float32")])[0]
    product = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 15)(address)
    return statistics.median(_one_run(product, threads) for _ in range(5))


def _one_run(product: object, threads: int) -> float:
    shape = tile_shape(4)
    spans: list[tuple[float, float]] = []
    gate = threading.Barrier(threads)

    def work() -> None:
        a, b, c = (np.zeros(n + shape.columns, np.float32) for n in (_DEPTH, _DEPTH * shape.columns, shape.columns))
        places = [x.ctypes.data for x in (a, b, c)]
        sizes = shape.rows * _TILES, shape.columns, _DEPTH
        gate.wait()
        began = time.perf_counter()
        # every row of A and of C is the same one, so that all stays in the first cache
        product(*sizes, places[0], 0, 1, places[1], 0, shape.columns, places[2], 0, places[2], 0, 0, 0)  # type: ignore[operator]
        spans.append((began, time.perf_counter()))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    operations = 2 * shape.rows * _TILES * shape.columns * _DEPTH * threads
    return operations / (max(end for _, end in spans) - min(begin for begin, _ in spans)) / 1e9
