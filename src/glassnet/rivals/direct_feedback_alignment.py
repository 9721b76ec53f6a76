"""Direct feedback alignment: the output's blame goes straight to every hidden layer, by fixed random weights."""

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
class DirectFeedbackAlignment(Descending):
    """Direct feedback alignment: no layer waits for the blame of the layer after it.

        δ of the last layer    = ∂E/∂z, the true one
        δ of a hidden layer k  = (δ_last B_k) ⊙ g′(z_k),    B_k (outputs, units) ~ N(0, 1/outputs), drawn once

    Parameters
    ----------
    learning_rate, optimizer, batch_size
        As for `Descending`.

    Notes
    -----
    It should train a deep tanh network from weights that are all 0, where backpropagation has no blame for the hidden
    layers and cannot start. As in feedback alignment, hidden layers start out at about 90° to the gradient. In a
    network of one hidden layer the two methods are the same, but for the draw.

    Examples
    --------
    >>> DirectFeedbackAlignment(0.05).spec
    'direct_feedback_alignment(0.05)'
    """

    name = "direct_feedback_alignment"
    title = "Direct feedback alignment"
    idea = "Send the output's blame straight to every hidden layer, each by fixed random weights of its own."
    source = "Nøkland, Direct feedback alignment provides learning in deep neural networks, NeurIPS 2016"

    def estimator(self, arena: Arena, chance: np.random.Generator) -> Estimate:
        """Draw the feedback; return Σ a_j δ_i over rows."""
        feedback = self.feedback(arena, chance)
        return lambda theta, rows: self._estimate(arena, theta, feedback, rows)

    def feedback(self, arena: Arena, chance: np.random.Generator) -> dict[int, Array]:
        """Draw B (outputs of the network, inputs of layer k) for each layer that has a layer before it."""
        outputs = arena.shapes[-1][0]
        return {
            k: chance.standard_normal((outputs, arena.shapes[k][0])) / np.sqrt(outputs)
            for k in layers_with_weights(arena)[1:]
        }

    def _estimate(self, arena: Arena, theta: Array, feedback: dict[int, Array], rows: Rows) -> Array:
        """Return Σ a_j δ_i over rows (n,), 0 where θ must not move."""

        def carry(k: int, p: Pass) -> Array:
            return p.blame[-1] @ feedback[k] if k in feedback else p.blame[k]

        return arena.textbook(theta, rows, carry=carry).gradient.theta
