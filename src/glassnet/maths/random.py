"""Chance that can be replayed: independent generators from one seed, and dropout masks from a counter.

A generator is found by its purpose and a key (a layer, an epoch), never by how much was drawn before; a mask is a pure
function of where it stands. So any step of a training can be computed again alone.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError


class Purpose(IntEnum):
    """What chance is for; each purpose has a generator of its own."""

    WEIGHTS = 0
    BATCHES = 1
    DROPOUT = 2
    SPLITS = 3
    SAMPLING = 4


def generator(seed: int, purpose: Purpose, *key: int) -> np.random.Generator:
    """Return the generator for one purpose and key under `seed`.

    Examples
    --------
    >>> generator(0, Purpose.BATCHES, 3).permutation(5).tolist()
    [4, 1, 0, 3, 2]
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, *key))))


def check_seed(seed: object) -> int:
    """Return the seed as an int, or raise an `InputError`."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0 to 2**63 − 1, such as 0.")
    return int(seed)


def philox(counter: NDArray[np.uint32], key: tuple[int, int]) -> NDArray[np.uint32]:
    """Philox4x32-10: four random 32-bit words for each counter.

    Parameters
    ----------
    counter : (..., 4) array of uint32
        Each counter gives its own words.
    key : two ints below 2³²

    Returns
    -------
    (..., 4) array of uint32

    References
    ----------
    Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
    """
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & low, (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def keep_mask(rate: float, seed: int, step: int, layer: int, rows: int, units: int) -> NDArray[Any]:
    """Draw which inputs of a Dropout layer are kept: 1 with probability 1 − rate, else 0.

    Parameters
    ----------
    rate : float
        The share to drop.
    seed, step, layer : int
        Where the mask stands: the training's seed, the step counted over the whole run, the layer's index.
    rows, units : int
        The shape; row r of the step and unit u always get the same number, whoever computes them.

    Returns
    -------
    (rows, units) array of bool
    """
    blocks = -(-units // 4)
    counter = np.empty((rows, blocks, 4), np.uint32)
    counter[..., 0] = np.arange(blocks)
    counter[..., 1] = np.arange(rows)[:, None]
    counter[..., 2] = step & 0xFFFFFFFF
    counter[..., 3] = layer
    words = philox(counter, dropout_key(seed)).reshape(rows, blocks * 4)[:, :units]
    return words >= np.uint32(drop_threshold(rate))


def dropout_key(seed: int) -> tuple[int, int]:
    """Return the key under which a seed's masks are drawn."""
    first, second = np.random.SeedSequence(seed, spawn_key=(Purpose.DROPOUT,)).generate_state(2)
    return int(first), int(second)


def drop_threshold(rate: float) -> int:
    """Return the word of chance from which on an input is kept."""
    return min(round(rate * 2**32), 2**32 - 1)
