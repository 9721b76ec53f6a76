"""What a learning curve might have been: other seeds and other held-out rows, by the bootstrap.

The seeds that were run are a sample of all seeds, and the held-out rows a sample of all rows the network will meet, so
both are drawn anew, independently (Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.random import Purpose, generator

Array = NDArray[Any]

RESAMPLES = 1000
MOST_BLOCKS = 1000


def block_of_row(m: int, seed: int) -> Array:
    """Return in which block each of m held-out rows is, (m,): blocks are drawn where there are very many rows."""
    order = generator(seed, Purpose.SAMPLING, 0).permutation(m)
    return order % min(m, MOST_BLOCKS)


def resampled_means(sums: Array, counts: Array, *, root: bool, seed: int, level: float) -> Array:
    """Return the mean error of each size, over seeds, in many drawings of seeds and held-out rows.

    Parameters
    ----------
    sums : (s, k, blocks) array
        Sums of row errors over each block of held-out rows, for each size and seed.
    counts : (blocks,) array
        Rows in each block.
    root : bool
        Whether a run's figure is the root of the mean.
    seed : int
    level : float
        Of the interval that will be read from the drawings.

    Returns
    -------
    (r, s) array

    Notes
    -----
    With k seeds, the plain bootstrap gives intervals that are too narrow: its variance lacks the factor k/(k − 1), and
    it knows no t-distribution. The deviations of seeds are stretched by both (the expanded percentile interval of
    Hesterberg, What teachers should know about the bootstrap, The American Statistician 69, 2015, section 3.3).
    """
    from scipy import stats

    s, k, blocks = sums.shape
    chance = generator(seed, Purpose.SAMPLING, 1)
    high = (1 + level) / 2
    stretch = np.sqrt(k / (k - 1)) * stats.t.ppf(high, k - 1) / stats.norm.ppf(high)
    drawn = chance.multinomial(k, np.full(k, 1 / k), size=RESAMPLES) / k
    of_seeds = 1 / k + stretch * (drawn - 1 / k)
    of_blocks = chance.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES).astype(np.float64)
    figures = (of_blocks @ sums.reshape(s * k, blocks).T) / (of_blocks @ counts)[:, None]  # (r, s·k)
    if root:
        figures = np.sqrt(figures)
    means: Array = np.einsum("rk,rsk->rs", of_seeds, figures.reshape(RESAMPLES, s, k))
    return np.maximum(means, 0.0)
