"""Feedback alignment: blame is carried back by fixed random weights in place of the network's own, turned around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.network.backprop import Pass
from glassnet.rivals.arena import Arena
from glassnet.rivals.descent import Descending, Estimate, Rows, layers_with_weights

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class FeedbackAlignment(Descending):
    """Feedback alignment: backpropagation with Bᵀ in place of Wᵀ, where B never learns.

        δ of the last layer  = ∂E/∂z, the true one
        δ of a layer before  = (δ Bᵀ) ⊙ g′(z),    B (inputs, outputs) ~ N(0, 1/outputs), drawn once

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.

    Notes
    -----
    At first the hidden layers' blame has nothing to do with the true one: about 90° lie between them. Then the forward
    weights turn towards B, and the angle falls: on the paper's linear task (30-20-10, learning to copy a random linear
    map) well below 90°, and the map is learned. What it cannot do is follow the gradient from the start, nor at all
    while the weights in front of the output stand still.

    Examples
    --------
    >>> FeedbackAlignment(0.05, optimizer="sgd").spec
    "feedback_alignment(0.05, optimizer='sgd')"
    """

    name = "feedback_alignment"
    title = "Feedback alignment"
    idea = "Carry blame back by fixed random weights, and let the network's own weights come round to them."
    source = (
        "Lillicrap, Cownden, Tweed & Akerman, Random synaptic feedback weights support error backpropagation for deep "
        "learning, Nature Communications 7, 2016"
    )

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Draw the feedback; return Σ a_j δ_i over rows."""
        feedback = self.feedback(arena, chance)
        return lambda theta, rows: self._estimate(arena, theta, feedback, rows)

    def feedback(self, arena: Arena, chance: np.random.Generator) -> dict[int, Array]:
        """Draw B (inputs, outputs) for each layer that passes blame on to a layer before it."""
        drawn = {}
        for k, parameter, _ in arena.layout.places:
            if parameter.name == "weights" and k > min(layers_with_weights(arena)):
                b = chance.standard_normal(parameter.shape) / np.sqrt(parameter.shape[1])
                drawn[k] = np.where(parameter.present, b, 0.0)
        return drawn

    def _estimate(self, arena: Arena, theta: Array, feedback: dict[int, Array], rows: Rows) -> Array:
        """Return Σ a_j δ_i over rows (n,), 0 where θ must not move."""

        def carry(k: int, p: Pass) -> Array:
            return p.blame[k] @ feedback[k].T if k in feedback else p.blame[k]

        return arena.textbook(theta, rows, carry=carry).gradient.theta
