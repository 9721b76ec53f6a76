r"""TracIn: what a training row did to one error, from the snapshots of a run alone.

If a step of plain gradient descent meets row i with share c at the rate η, it moves θ by −ηc∇Eᵢ and so the error E of
another row by −ηc ∇Eᵢ·∇E. Summed over the steps that met it, with the gradients at the nearest snapshot before:

.. math:: \text{without}_i = \sum_{k} \Big(\sum_{t} \eta_t c_i\Big)\, \nabla E_i(\theta_k) \cdot \nabla E(\theta_k)

Deviations from the paper's TracInCP: a snapshot stands for the epochs until the next one, not for those before; and
each visit counts with its rate and share, so that the sum is in the units of the error. What came after a visit, and
what momentum and adaptive steps made of the gradient, the formula does not know.

References
----------
Pruthi, Liu, Kale & Sundararajan, Estimating training data influence by tracing gradient descent, NeurIPS 2020,
sections 3.1 to 3.3 (first order, checkpoints, mini-batches), 4.1 (last layer).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.influence.rows import Judged
from glassnet.training import Replay

Array = NDArray[Any]


class Trace:
    """The snapshots of a run, and the rates of the epochs for which each stands.

    Parameters
    ----------
    replay : Replay
    last : int
        The step whose weights are questioned; an epoch that was not finished is left out.
    rows : Judged
        The rows of the run's block.
    last_layer : bool
        Whether gradients are those of the last layer alone.
    """

    def __init__(self, replay: Replay, last: int, rows: Judged, *, last_layer: bool) -> None:
        self._rows, weight = rows, replay.block.sample_weight.astype(np.float64)
        batch = 1.0 if replay.objective.reduction == "sum" else weight.mean() * min(replay.batch_size, len(weight))
        self._shares = weight / batch  # cᵢ in a usual step
        layout = rows.network.layout
        self._counts = np.ones(layout.size)
        if last_layer:
            at_last = max(k for k, _, _ in layout.places)
            self._counts = np.zeros(layout.size)
            for k, _, place in layout.places:
                self._counts[place] = k == at_last
        rates = replay.history.learning_rate[: last // replay.steps_per_epoch]
        self.spans: list[tuple[float, Array]] = []
        """Σ of the epochs' rates, and θ."""
        end = len(rates)
        while end > 0:
            document, arrays = replay.folder.snapshot_before(end - 1)
            first = int(document["epoch"])
            self.spans.append((float(sum(rates[first:end])), arrays["theta"]))
            end = first

    def absences(self, asked: Judged) -> Array:
        """Return what each training row's absence would do to the error of the one row that is asked about: (m,)."""
        without = np.zeros(len(self._rows))
        for rate, theta in self.spans:
            gradient = asked.gradient(theta, np.ones(1)) * self._counts
            without += rate * self._rows.along(theta, gradient)
        return without * self._shares

    def changes_without(self, absent: Array, judged: Judged) -> Array:
        """Return what the absence of training rows (m,) bool would do to the errors of judged rows."""
        changes, some = np.zeros(len(judged)), self._rows.some(absent)
        for rate, theta in self.spans:
            gradient = some.gradient(theta, self._shares[absent]) * self._counts
            changes += rate * judged.along(theta, gradient)
        return changes
