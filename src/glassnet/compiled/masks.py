"""Dropout masks: Philox4x32-10 words, a pure function of where they stand; see `glassnet.maths.random.keep_mask`."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.compiled.decorator import compiled
from glassnet.compiled.intrinsics import Numbers

_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@compiled
def draw_mask(keep: Numbers, units: int, mask: Any, key0: int, key1: int, step: int, row: int) -> None:
    """Write mask/(1 − rate) of one row: `scale` where a unit is kept, 0 where it is left out.

    `keep` has room for the next multiple of 4 from `units` up.

    Parameters
    ----------
    keep : place of numbers
    units : int
    mask : record of `records.MASK`
    key0, key1 : int
        From the training's seed.
    step, row : int
        The step of the run and the row in the step.
    """
    threshold, scale = np.uint64(mask.threshold), mask.scale
    for block in range((units + 3) // 4):
        c0, c1, c2, c3 = np.uint64(block), np.uint64(row), np.uint64(step) & _LOW, np.uint64(mask.layer)
        k0, k1 = np.uint64(key0), np.uint64(key1)
        for _ in range(10):
            p0, p1 = _M0 * c0, _M1 * c2
            c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
            k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
        keep[4 * block] = scale if c0 >= threshold else 0
        keep[4 * block + 1] = scale if c1 >= threshold else 0
        keep[4 * block + 2] = scale if c2 >= threshold else 0
        keep[4 * block + 3] = scale if c3 >= threshold else 0
