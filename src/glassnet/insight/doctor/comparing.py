"""What simple predictors reach on the same rows, and whether anything can be learned from them at all."""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.insight.doctor import references
from glassnet.insight.doctor.judging import Judged
from glassnet.insight.doctor.measuring import Measure

Array = NDArray[Any]


@final
class Compared:
    """Simple predictors, each made only when it is asked for.

    Parameters
    ----------
    measure : Measure
    rows : Block
        What they learn from; each row is predicted by the others.
    held_out : Block or None
    """

    def __init__(self, measure: Measure, rows: Block, held_out: Block | None) -> None:
        self.measure, self.rows, self.held_out = measure, rows, held_out

    def _inputs(self) -> tuple[Array, Array, Array, Array | None]:
        block, held = self.rows, self.held_out
        weight = block.sample_weight.astype(np.float64)
        xv = None if held is None else held.x.astype(np.float64)
        return block.x.astype(np.float64), self.measure.truth(block), weight, xv

    @cached_property
    def simple(self) -> list[references.Reference]:
        """A line, and a smooth and a rough kernel."""
        return references.references(*self._inputs())

    @cached_property
    def forest(self) -> references.Reference:
        """Randomised trees, which take a second or two."""
        return references.trees(*self._inputs())

    def without(self, column: int) -> float:
        """Return the skill of the best simple predictor that does not see one input."""
        x, t, weight, _ = self._inputs()
        found = references.references(np.delete(x, column, axis=1), t, weight, None)
        return max(self.judged(reference).skill for reference in found)

    def judged(self, reference: references.Reference, *, held_out: bool = False) -> Judged:
        """Return how well a simple predictor does, on rows it did not learn from."""
        block = self.held_out if held_out else self.rows
        prediction = reference.held_out if held_out else reference.out_of_sample
        assert block is not None
        assert prediction is not None
        return self.measure.judged(prediction, block, scores=True)

    @cached_property
    def best(self) -> tuple[str, Judged]:
        """The simple predictor that does best on rows it did not see, among those that are trained on."""
        judged = [(reference.name, self.judged(reference)) for reference in self.simple]
        return max(judged, key=lambda pair: pair[1].skill)

    @cached_property
    def best_held_out(self) -> Judged:
        """The one that does best on held-out rows."""
        return max((self.judged(one, held_out=True) for one in self.simple), key=lambda one: one.skill)

    def signal(self, reference: references.Reference) -> float:
        """Return the signal in a simple predictor, over training rows left out and held-out rows together."""
        inside, n = references.signal(reference.out_of_sample, self.measure.truth(self.rows)), len(self.rows)
        block = self.held_out
        if block is None or reference.held_out is None:
            return inside
        outside, p = references.signal(reference.held_out, self.measure.truth(block)), len(block)
        return float((np.sqrt(n) * inside + np.sqrt(p) * outside) / np.sqrt(n + p))
