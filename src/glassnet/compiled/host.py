"""The host's vector unit, and the register tile that suits it.

The bits of a product do not depend on either where the host multiplies and adds in one instruction; sums over θ may.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import final

import llvmlite.binding as llvm

VECTOR_BYTES = "GLASSNET_VECTOR_BYTES"
"""The environment variable that forces the width of a vector: 16, 32 or 64."""


@final
@dataclass(frozen=True)
class Shape:
    """A tile of a product that lives in registers: `rows` by `vectors` · `lanes` accumulators.

    Parameters
    ----------
    lanes : int
        Numbers in a vector.
    vectors : int
        Vectors side by side.
    rows : int
    fused : bool
        Whether the host multiplies and adds in one instruction.
    """

    lanes: int
    vectors: int
    rows: int
    fused: bool

    @property
    def columns(self) -> int:
        """The width of a tile."""
        return self.lanes * self.vectors


def host() -> tuple[str, str]:
    """Return the processor's name and features as LLVM spells them; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES go first."""
    name, features = _asked_of_llvm()
    return os.environ.get("NUMBA_CPU_NAME") or name, os.environ.get("NUMBA_CPU_FEATURES") or features


@functools.cache  # LLVM has a lock, which a child that was forked at the wrong moment would wait for
def _asked_of_llvm() -> tuple[str, str]:
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def tile_shape(itemsize: int) -> Shape:
    """Return the tile for numbers of 4 or 8 bytes: as many accumulators as leave registers for the operands."""
    features = set(host()[1].split(","))
    arm = not any("sse2" in feature for feature in features)
    fused = arm or "+fma" in features
    found = 64 if "+avx512f" in features else 32 if "+avx2" in features or "+avx" in features else 16
    size = int(os.environ.get(VECTOR_BYTES) or found)
    if size not in (16, 32, 64):
        raise ValueError(f"{VECTOR_BYTES} is {size}; expected 16, 32 or 64.")
    lanes = size // itemsize
    if size == 64:  # 32 registers: 24 accumulators, 2 vectors of the row, the rest for what is spread over a vector
        return Shape(lanes, 2, 12, fused)
    if size == 32:  # 16 registers
        return Shape(lanes, 2, 6, fused)
    return Shape(lanes, 4, 6, fused) if arm else Shape(lanes, 2, 6, fused)
