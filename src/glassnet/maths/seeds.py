"""Many generators of `random.generator` at once: the same bits, a fifth of the time.

An epoch of a few small steps takes less time than NumPy takes to make one generator, most of which is Python around a
hash of the key. Here that hash is computed for all keys together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast, final

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from glassnet.maths.random import Purpose

Array = NDArray[Any]

# The constants of NumPy's SeedSequence, whose stream NumPy promises never to change.
_INIT_A, _MULT_A = 0x43B0D7E5, 0x931E8875
_INIT_B, _MULT_B = 0x8B51F9DD, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_POOL = 4
_HASHES_BEFORE = 5 * _POOL  # of a seed below 2¹²⁸, which is padded to four words, and of the purpose


def generators(seed: int, purpose: Purpose, keys: range) -> Iterator[np.random.Generator]:
    """Yield ``generator(seed, purpose, key)`` for each of some keys, from 0 and below 2³².

    Examples
    --------
    >>> [each.permutation(5).tolist() for each in generators(0, Purpose.BATCHES, range(2, 4))]
    [[4, 0, 2, 3, 1], [4, 1, 0, 3, 2]]
    """
    pool = np.random.SeedSequence(seed, spawn_key=(purpose,)).pool
    key = np.arange(keys.start, keys.stop, keys.step).astype(np.uint32)
    hash_a = _hashes(_INIT_A, _MULT_A, _HASHES_BEFORE)
    hash_b = _hashes(_INIT_B, _MULT_B, 0)
    pools = [_fold(_MIX_LEFT * word - _MIX_RIGHT * _hashed(key, *next(hash_a))) for word in pool[:, None]]
    words = np.stack([_hashed(pools[i % _POOL], *next(hash_b)) for i in range(2 * _POOL)], axis=1)
    for state in words.astype("<u4").view("<u8").astype(np.uint64):
        yield np.random.Generator(np.random.PCG64(cast("Any", _Seeded(state))))  # NumPy's stubs know no ISeedSequence


def _hashes(start: int, factor: int, skipped: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    """Yield what each hash is made with: a constant, and the constant after it, which is that of the next hash."""
    constant = start * pow(factor, skipped, 2**32) % 2**32
    while True:
        following = constant * factor % 2**32
        yield np.uint32(constant), np.uint32(following)
        constant = following


def _hashed(value: Array, before: np.uint32, after: np.uint32) -> Array:
    return _fold((value ^ before) * after)


def _fold(value: Array) -> Array:
    folded: Array = value ^ (value >> np.uint32(16))
    return folded


@final
class _Seeded(ISeedSequence):
    """Hands a bit generator the state that was computed for it."""

    def __init__(self, state: Array) -> None:
        self._state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Array:
        return self._state
