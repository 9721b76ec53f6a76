"""Mirror symmetry: does a row of six bits read the same from both sides? Two hidden units are enough to tell.

Rumelhart, Hinton and Williams, Nature 323, 1986, figure 1: the network finds weights that are equal and opposite about
the middle, in the ratios 1:2:4, so that only a symmetric pattern leaves both hidden units off.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.experiments.starts import Progress, check_seeds, to_show, uniform, whole_training
from glassnet.maths.optimizers import SGD
from glassnet.network.dense import Dense
from glassnet.network.network import Network

Array = NDArray[Any]

PUBLISHED_SWEEPS = 1425
SWEEPS = 20_000
RATE, MOMENTUM, SPREAD = 0.1, 0.9, 0.3

TOLERANCE = 0.05
"""How far a relation between weights may be off, relatively, to count as found."""

OFF = 0.2
"""The activity below which a hidden unit counts as off."""


@final
@dataclass(frozen=True)
class SymmetryRun:
    """One start, trained, and what its weights look like.

    Parameters
    ----------
    seed : int
    network : Network
    error : float
        Σ ½(h−y)² over the 64 patterns, in the last sweep.
    right : int
        Patterns of 64 on the right side of ½.
    sweeps : int or None
        The first sweep before which the error was below ⅛; then no pattern can be on the wrong side. None if it never
        was.
    mirror : (2,) array
        Of each hidden unit: the largest |w_j + w_{5−j}| over the largest |w|; 0 is equal and opposite.
    ratios : (2, 3) array
        Of each hidden unit: ½|w_j − w_{5−j}| of the three pairs in rising order, divided by the smallest.
    opposite : float
        The largest |w + v| over the largest weight, for the two units' weights w and v; 0 is the same with other signs.
    biases : (2,) array
        Of the hidden units.
    at_symmetry : float
        The highest activity of a hidden unit on the 8 symmetric patterns.
    one_comes_on : bool
        Whether on each other pattern exactly one hidden unit is above ½.
    """

    seed: int
    network: Network
    error: float
    right: int
    sweeps: int | None
    mirror: Array
    ratios: Array
    opposite: float
    biases: Array
    at_symmetry: float
    one_comes_on: bool

    @property
    def solved(self) -> bool:
        """Whether all 64 patterns are right."""
        return self.right == 64

    @property
    def mirrored(self) -> bool:
        """Whether both hidden units' weights are equal and opposite about the middle, to 5 %."""
        return bool((self.mirror <= TOLERANCE).all())

    @property
    def doubling(self) -> bool:
        """Whether both are mirrored in the ratios 1:2:4, in some order, to 5 %."""
        return self.mirrored and bool((np.abs(self.ratios / [1, 2, 4] - 1) <= TOLERANCE).all())

    @property
    def quiet(self) -> bool:
        """Whether both biases are negative and both hidden units off for every symmetric pattern."""
        return bool((self.biases < 0).all()) and self.at_symmetry < OFF

    @property
    def twins(self) -> bool:
        """Whether one unit has the other's weights with opposite signs, to 5 %, and one comes on without symmetry."""
        return self.opposite <= TOLERANCE and self.one_comes_on

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "seed": self.seed,
            "error": self.error,
            "right": self.right,
            "sweeps": self.sweeps,
            "mirror": self.mirror.tolist(),
            "ratios": self.ratios.tolist(),
            "opposite": self.opposite,
            "at_symmetry": self.at_symmetry,
            "one_comes_on": self.one_comes_on,
            "found": {name: bool(self.solved and getattr(self, name)) for name in FINDINGS},
            "weights": [w.tolist() for w in self.network.weights if w is not None],
            "biases": [b.tolist() for b in self.network.biases if b is not None],
        }


FINDINGS = {
    "solved": "all 64 patterns right",
    "mirrored": "weights equal and opposite about the middle",
    "doubling": "and in the ratios 1:2:4",
    "quiet": "negative biases, both hidden units off when symmetric",
    "twins": "the two units opposite, one on for every other pattern",
}
"""Properties of a run, and the words for them; all but the first count only in runs that are solved."""


@final
@dataclass(frozen=True)
class Symmetry:
    """The experiment from many starts.

    Parameters
    ----------
    runs : tuple of SymmetryRun
        Of seeds 0, 1, 2, ...
    shown : SymmetryRun
        The one in the picture.
    chosen : bool
        Whether a person chose it; otherwise it is the one with the median error.
    """

    runs: tuple[SymmetryRun, ...]
    shown: SymmetryRun
    chosen: bool = False

    def count(self, finding: str) -> int:
        """Return in how many runs a finding of `FINDINGS` was made."""
        return sum(run.solved and getattr(run, finding) for run in self.runs)

    @property
    def solved_as_published(self) -> int:
        """How many runs were all right within the 1,425 sweeps that the paper reports."""
        return sum(run.sweeps is not None and run.sweeps <= PUBLISHED_SWEEPS for run in self.runs)

    def text(self) -> str:
        """Return it for a terminal."""
        from glassnet.insight.experiments.words import tell_symmetry

        return tell_symmetry(self).text()

    def html(self) -> str:
        """Return it as a page, with the weights of the shown run."""
        from glassnet.insight.experiments.sheets import symmetry_page

        return symmetry_page(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the counts, and every run with its weights."""
        return {
            "experiment": "symmetry",
            "settings": {"rate": RATE, "momentum": MOMENTUM, "spread": SPREAD, "sweeps": SWEEPS},
            "tolerance": TOLERANCE,
            "seeds": len(self.runs),
            "found": {name: self.count(name) for name in FINDINGS},
            "solved_in_1425_sweeps": self.solved_as_published,
            "shown": self.shown.seed,
            "runs": [run.to_dict() for run in self.runs],
        }


def patterns() -> tuple[Array, Array]:
    """Return all rows of six bits (64, 6), and for each whether it is symmetric (64,), 1 or 0."""
    x = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    return x, (x == x[:, ::-1]).all(axis=1).astype(np.float64)


def symmetry_network(seed: int) -> Network:
    """Return the network before training: 6 inputs, 2 hidden units, 1 output, all numbers within ±0.3."""
    drawn = uniform(SPREAD)
    layers = [Dense(units, "sigmoid", weight_init=drawn, bias_init=drawn) for units in (2, 1)]
    return Network(6, layers, seed=seed, dtype="float64")


def study_symmetry(network: Network, seed: int = 0, errors: Sequence[float] = ()) -> SymmetryRun:
    """Measure a 6-2-1 network's weights.

    Parameters
    ----------
    network : Network
    seed : int
        What it began with.
    errors : sequence of float
        Its error before every sweep, where it was trained.
    """
    x, y = patterns()
    p = network.backprop(x, y, "half_squared_error", reduction="sum")
    hidden, symmetric, w = p.a[1], y == 1, network.weights[0]
    pairs, against = w[:3], w[:2:-1]  # w_j and w_{5−j}
    with np.errstate(all="ignore"):  # a weight of 0 has no ratio
        sizes = np.sort(np.abs(pairs - against) / 2, axis=0)
        ratios = np.nan_to_num(sizes / sizes[0], nan=np.inf)
        mirror = np.nan_to_num(np.abs(pairs + against).max(axis=0) / np.abs(w).max(axis=0), nan=np.inf)
    below = np.flatnonzero(np.asarray(errors) < 1 / 8)  # one pattern on the wrong side adds ½·(½)²
    return SymmetryRun(
        seed=seed,
        network=network,
        error=p.loss,
        right=int(((p.a[-1][:, 0] > 0.5) == symmetric).sum()),
        sweeps=int(below[0]) if len(below) else None,
        mirror=mirror,
        ratios=ratios.T,
        opposite=float(np.abs(w.sum(axis=1)).max() / max(np.abs(w).max(), np.finfo(float).tiny)),
        biases=np.array(network.biases[0]),
        at_symmetry=float(hidden[symmetric].max()),
        one_comes_on=bool(((hidden[~symmetric] > 0.5).sum(axis=1) == 1).all()),
    )


def run_symmetry(seeds: int = 20, *, seed: int | None = None, progress: Progress | None = None) -> Symmetry:
    """Train the symmetry network from many starts and measure what the paper saw in its one.

    Parameters
    ----------
    seeds : int
        How many starts: seeds 0 to `seeds` − 1, none left out.
    seed : int or None
        The start whose weights are shown; None shows the one with the median error at the end.
    progress : callable or None
        Called with how many starts are done, and how many there are.

    Returns
    -------
    Symmetry

    Raises
    ------
    InputError
        If `seeds` or `seed` is no such number.

    Notes
    -----
    As in the paper: all 64 patterns in every sweep, the error ½ Σ (h−y)² summed over them, ε = 0.1, α = 0.9, initial
    weights and biases evenly drawn within ±0.3. Deviation: 20,000 sweeps in place of 1,425, since most starts take
    longer than the paper's; the number was chosen on seeds 20 to 59.

    Source: D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by back-propagating errors",
    Nature 323, 1986, figure 1; the same authors in Parallel Distributed Processing, volume 1, 1986, chapter 8.

    Examples
    --------
    >>> from glassnet.insight.experiments import run_symmetry
    >>> found = run_symmetry(seeds=3)
    >>> found.shown.solved, found.shown.mirrored
    (True, True)
    """
    seeds, (x, y), runs = check_seeds(seeds, seed), patterns(), []
    for start in range(seeds):
        network = symmetry_network(start)
        history = whole_training(
            network,
            x,
            y,
            "half_squared_error",
            optimizer=SGD(RATE, momentum=MOMENTUM),
            epochs=SWEEPS,
            batch_size=None,
            reduction="sum",
            shuffle=False,
        )
        runs.append(study_symmetry(network, start, [64 * mean for mean in history.loss]))
        if progress is not None:
            progress(start + 1, seeds)
    return Symmetry(tuple(runs), to_show(runs, seed), seed is not None)
