r"""Backpropagation: results flow forward, blame flows backward.

The four equations, with δ = ∂E/∂z of a layer, for one row:

    (1)  δ of the last layer   = ∇ₐE ⊙ g′(z)
    (2)  δ of a layer before   = (θᵀ δ of the layer after) ⊙ g′(z)
    (3)  ∂E/∂b                 = δ
    (4)  ∂E/∂θ_ij              = a_j δ_i

Rows are stacked here: a row's δ is a row of `blame`, multiplied by the row's share cᵢ in the step's error. Weights are
kept as (inputs, outputs), so θᵀδ reads ``blame @ weights.T``. All gradients are taken at one point.

References
----------
Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986.
Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, equations BP1 to BP4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.loss import ShortForm
from glassnet.network.layer import Layer
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]
Masks = Mapping[int, Array]


@final
@dataclass(frozen=True)
class Pass:
    """One pass forward and backward, with everything that was computed on the way.

    Attributes
    ----------
    loss : float
        The step's error: Σ cᵢEᵢ plus penalties.
    row_errors : (m,) array
        Eᵢ of each row by itself.
    coefficient : (m,) array
        cᵢ, the share of each row in the step's error.
    z : list of arrays
        ``z[k]`` (m, outputs): what layer k computes before its activation.
    a : list of arrays
        ``a[0]`` is X; ``a[k + 1]`` (m, outputs) is the output of layer k.
    blame : list of arrays
        ``blame[k]`` (m, outputs): cᵢ · ∂Eᵢ/∂z of layer k.
    gradient : Parameters
        ∂/∂θ of the step's error, with the layout of θ: ``gradient.theta``, ``gradient.weights[k]``.
    masks : mapping
        Layer index to the dropout mask that was used, (m, units).
    """

    loss: float
    row_errors: Array
    coefficient: Array
    z: list[Array]
    a: list[Array]
    blame: list[Array]
    gradient: Parameters
    masks: Masks


def forward(
    layers: Sequence[Layer], parameters: Parameters, x: Array, masks: Masks | None = None
) -> tuple[list[Array], list[Array]]:
    """Return z and a of every layer; `parameters` may view many θ at once, then both gain a leading axis."""
    masks = masks or {}
    z: list[Array] = []
    a: list[Array] = [x]
    for k, layer in enumerate(layers):
        z.append(layer.forward(a[k], parameters[k], masks.get(k)))
        a.append(layer.activation.apply(z[k]))
    return z, a


def row_errors(layers: Sequence[Layer], objective: Objective, z: list[Array], a: list[Array], y: Array) -> Array:
    """Return Eᵢ of each row, by the short form where the loss declares one for the last activation."""
    short = short_form(layers, objective)
    return objective.loss.rows(a[-1], y) if short is None else short.rows(z[-1], y)


def short_form(layers: Sequence[Layer], objective: Objective) -> ShortForm | None:
    """Return the short form of the last activation and the loss, if the loss declares one."""
    return objective.loss.short_forms.get(layers[-1].activation)


def backprop(
    layers: Sequence[Layer],
    parameters: Parameters,
    objective: Objective,
    x: Array,
    y: Array,
    sample_weight: Array,
    masks: Masks | None = None,
) -> Pass:
    """Run forward, then backward; every argument has been checked, all floats are of θ's dtype.

    Parameters
    ----------
    layers : sequence of Layer
    parameters : Parameters
        Views of θ.
    objective : Objective
    x : (m, inputs) array
    y : (m, outputs) array
        The truth as the loss's formulas read it.
    sample_weight : (m,) array
    masks : mapping or None
        Dropout masks by layer.
    """
    masks = masks or {}
    z, a = forward(layers, parameters, x, masks)
    errors = row_errors(layers, objective, z, a, y)
    c = objective.coefficients(sample_weight)

    gradient = Parameters(parameters.layout, np.empty_like(parameters.theta))
    blame: list[Array] = list(z)  # to be filled from the back
    last = len(layers) - 1
    short = short_form(layers, objective)
    if short is None:
        slope = objective.loss.slope(a[-1], y) * c[:, None]  # ∇ₐE
        blame[last] = layers[last].activation.pullback(z[last], a[-1], slope)  # (1)
    else:
        blame[last] = short.blame(a[-1], y) * c[:, None]  # (1), the pair collapsed
    for k in range(last, -1, -1):
        slope = layers[k].backward(blame[k], a[k], parameters[k], gradient[k], masks.get(k))  # (3), (4), θᵀδ
        if k > 0:
            blame[k - 1] = layers[k - 1].activation.pullback(z[k - 1], a[k], slope)  # (2)

    loss = np.dot(c, errors) + objective.penalty(parameters.theta, parameters.layout)
    objective.add_penalty_gradient(parameters.theta, gradient.theta, parameters.layout)
    return Pass(float(loss), errors, c, z, a, blame, gradient, masks)
