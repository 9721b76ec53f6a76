"""The sum over paths: every way from a neuron to the error, as the product of what lies on it.

The largest paths are found without walking through the others: for each neuron the largest product from there on is
known beforehand, going backward, so a search that always extends the most promising path meets them in order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, final

import numpy as np

from glassnet.insight.derivation.chain import Chain, Stage
from glassnet.insight.derivation.symbols import (
    blame_symbol,
    link,
    signal_symbol,
    slope_of_a_symbol,
    slope_symbol,
)


@final
@dataclass(frozen=True)
class Path:
    """One way from a weight's neuron to the error.

    Parameters
    ----------
    neurons : tuple of int
        The neuron at each stage, the weight's own first.
    factors : tuple of float
        What is multiplied, from the signal that came in to the error.
    symbols : tuple of str
        LaTeX of each factor.
    value : float
        Their product.
    """

    neurons: tuple[int, ...]
    factors: tuple[float, ...]
    symbols: tuple[str, ...]
    value: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "neurons": list(self.neurons),
            "factors": list(self.factors),
            "symbols": list(self.symbols),
            "value": self.value,
        }


def largest_paths(chain: Chain, signal: int | None, neuron: int, most: int) -> list[Path]:
    """Return up to `most` paths of a weight, the largest contributions first.

    Parameters
    ----------
    chain : Chain
        Its first stage is the weight's layer.
    signal : int or None
        The input that the weight multiplies; None for a bias.
    neuron : int
        The neuron whose sum the weight is part of.
    most : int
    """
    return [path_along(chain, signal, neurons) for neurons in islice(_in_order(chain.stages, neuron), most)]


def _in_order(stages: Sequence[Stage], neuron: int) -> Iterator[tuple[int, ...]]:
    """Give the paths from a neuron by the size of their product, the largest first."""
    best = [np.abs(stages[-1].blame)]  # the largest product from each neuron on to the error, its own slope included
    for before, stage in zip(reversed(stages[:-1]), reversed(stages[1:]), strict=True):
        onward = np.abs(stage.links) * best[0]
        best.insert(0, np.abs(before.gain) * (onward if stage.one_to_one else onward.max(axis=1)))
    tie = count()  # of equal products the longer path goes first, else nothing but zeros would be walked in breadth
    waiting: list[tuple[float, int, int, tuple[int, ...], float]] = [
        (-float(best[0][neuron]), -1, next(tie), (neuron,), 1.0)
    ]
    while waiting:
        *_, neurons, so_far = heapq.heappop(waiting)
        t = len(neurons)
        if t == len(stages):
            yield neurons
            continue
        so_far *= abs(float(stages[t - 1].gain[neurons[-1]]))
        for q, size in _links_from(stages[t], neurons[-1]):
            product = so_far * size
            heapq.heappush(waiting, (-product * float(best[t][q]), -t - 1, next(tie), (*neurons, q), product))


def _links_from(stage: Stage, j: int) -> Iterator[tuple[int, float]]:
    """Give the neurons that hear j, and how strongly."""
    if stage.one_to_one:
        yield j, abs(float(stage.links[j]))
        return
    sizes = np.abs(stage.links[j]).tolist()
    for q in range(stage.units) if stage.present is None else np.flatnonzero(stage.present[j]).tolist():
        yield q, sizes[q]


def path_along(chain: Chain, signal: int | None, neurons: Sequence[int]) -> Path:
    """Return the path through given neurons, one of each stage, with every factor and its symbol."""
    stages, last = chain.stages, len(chain.stages) - 1
    steps: list[tuple[str, float]] = []
    if signal is not None:
        steps.append((signal_symbol(stages[0], signal), stages[0].x[signal]))
    for t, (stage, i) in enumerate(zip(stages, neurons, strict=True)):
        if t > 0:
            steps.append(link(stage, neurons[t - 1], i))
        if t == last and chain.ends_in_blame:
            steps.append((blame_symbol(stage, i), stage.blame[i]))
        elif not stage.one_to_one:  # what is one to one has no slope of its own
            steps.append((slope_symbol(stage, i), stage.gain[i]))
            if t == last:
                steps.append((slope_of_a_symbol(stage, i), stage.slope_of_a[i]))
    factors = tuple(float(value) for _, value in steps)
    return Path(tuple(neurons), factors, tuple(symbol for symbol, _ in steps), float(np.prod(factors)))
