"""How predictions of rows are measured: against guessing, alike for classes and numbers, for both sides of a split.

The waste of a row is 0 for a right answer and 1 for what the best constant answer costs on average, whatever the loss.
Where rows that were trained on have weights, both sides count each class as training did (numbers: each row once), so
that a network that was told to heed a class is not blamed for it, and held-out rows are not judged by another measure.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.insight.doctor.judging import Judged
from glassnet.insight.doctor.known import Known, labels_of
from glassnet.maths.metrics import predicted_classes
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network

Array = NDArray[Any]


@final
class Measure:
    """The measure that a training's figures are in.

    Parameters
    ----------
    known : Known
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self.network: Network = known.network.astype(np.float64)

    @cached_property
    def many(self) -> Block:
        """Rows that were trained on, weighted as they are judged."""
        return self.known.judged(self.known.some())

    @cached_property
    def shares(self) -> Array:
        """The share of each class among all training rows, however they count: (classes,)."""
        counts: Array = np.bincount(labels_of(self.known.block.y), minlength=self.known.classes)
        return np.asarray(counts / counts.sum())

    @cached_property
    def _commonest(self) -> int:
        """The class that a guess names: the one with the most weight."""
        block = self.known.judged(self.known.block)
        return int(np.bincount(labels_of(block.y), weights=block.sample_weight, minlength=self.known.classes).argmax())

    def predict(self, block: Block) -> Array:
        """Return the network's outputs (m, outputs)."""
        predicted: Array = self.network.predict(block.x.astype(np.float64))
        return predicted

    def truth(self, block: Block) -> Array:
        """Return what simple predictors learn of rows: one-hot classes, or the targets."""
        return np.eye(self.known.classes)[labels_of(block.y)] if self.known.has_classes else block.y.astype(np.float64)

    def wrong(self, prediction: Array, block: Block) -> Array:
        """Return which rows have another class than the network's outputs say."""
        return np.asarray(predicted_classes(prediction, self.known.threshold) != labels_of(block.y))

    def judged(self, prediction: Array, block: Block, *, scores: bool = False) -> Judged:
        """Return how good predictions are: the network's outputs or, as `scores`, a number for each class."""
        weight = block.sample_weight.astype(np.float64)
        if not self.known.has_classes:
            return Judged(self._cost(prediction, block) / self._cost_of_guessing(block), weight)
        wrong = prediction.argmax(axis=1) != labels_of(block.y) if scores else self.wrong(prediction, block)
        right = labels_of(block.y) == self._commonest
        by_guessing = max(1 - float(np.average(right, weights=weight)), 0.5 / len(block))
        return Judged(wrong / by_guessing, weight, float(1 - wrong.mean()))

    def _cost(self, prediction: Array, block: Block) -> Array:
        """Return the error of each row under the loss, for predictions brought into what the loss reads."""
        loss = self.known.loss
        low, high = loss.domain.low, loss.domain.high
        safe = np.clip(prediction, low + 1e-6 if np.isfinite(low) else None, high - 1e-6 if np.isfinite(high) else None)
        y = one_hot(block.y, loss, self.network.outputs, np.dtype(np.float64)).astype(np.float64)
        return loss.rows(safe, y)

    @cached_property
    def guess(self) -> Array:
        """The constant answer with the smallest mean error on training rows, for targets that are numbers."""
        some = self.many
        y, weight = some.y.astype(np.float64), some.sample_weight
        mean = np.average(y, axis=0, weights=weight)
        tried = [mean, *(np.quantile(y, q, axis=0) for q in (0.1, 0.25, 0.5, 0.75, 0.9))]
        if self.known.loss.domain.entire and y.min() >= 0 and y.max() <= 1:
            inside = np.clip(mean, 1e-6, 1 - 1e-6)
            tried.append(np.log(inside / (1 - inside)))
        costs = [np.average(self._cost(np.broadcast_to(c, y.shape), some), weights=weight) for c in tried]
        best: Array = tried[int(np.argmin(costs))]
        return best

    def _cost_of_guessing(self, block: Block) -> float:
        cost = self._cost(np.broadcast_to(self.guess, block.y.shape), block)
        return max(float(np.average(cost, weights=block.sample_weight)), 1e-300)

    def guess_loss(self, block: Block, mine: Block | None = None) -> float:
        """Return what the loss of rows is where all get the same answer, the best one for training rows `mine`."""
        known = self.known
        if not known.has_classes:
            return self._cost_of_guessing(block)
        mine, weight = self.many if mine is None else mine, block.sample_weight
        counts = np.bincount(labels_of(mine.y), weights=mine.sample_weight, minlength=known.classes)
        shares, labels = (counts + 1e-3) / (counts + 1e-3).sum(), labels_of(block.y)
        if "cross_entropy" in known.loss.name:
            return float(np.average(-np.log(shares[labels]), weights=weight))
        if known.loss.name.startswith("hinge"):
            return float(known.classes - 1)
        y = one_hot(block.y, known.loss, known.network.outputs, np.dtype(np.float64)).astype(np.float64)
        answer = shares if known.network.outputs > 1 else shares[1:]
        cost = known.loss.rows(np.broadcast_to(answer, y.shape), y)
        return max(float(np.average(cost, weights=weight)), 1e-300)

    def accuracy(self, block: Block) -> float | None:
        """Return the share of rows whose class is right, each row counted once."""
        return float(1 - self.wrong(self.predict(block), block).mean()) if self.known.has_classes else None


def plain(block: Block) -> Block:
    """Return rows that all count alike."""
    return dataclasses.replace(block, sample_weight=np.ones_like(block.sample_weight))
