"""The textbook's pass with its parts apart: forward, backward by any rule, and derivatives carried forward.

The arena counts what is asked of these; nobody else calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.network.backprop import Pass, forward, row_errors, short_form
from glassnet.network.layer import Layer
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]
Start = Callable[[Pass], Array]
Carry = Callable[[int, Pass], Array]


def pass_forward(
    layers: Sequence[Layer], parameters: Parameters, objective: Objective, x: Array, y: Array, weight: Array
) -> Pass:
    """Run rows forward; blame is empty yet, and the gradient 0."""
    z, a = forward(layers, parameters, x)
    errors = row_errors(layers, objective, z, a, y)
    c = objective.coefficients(weight)
    loss = np.dot(c, errors) + objective.penalty(parameters.theta, parameters.layout)
    gradient = Parameters(parameters.layout, np.zeros_like(parameters.theta))
    return Pass(float(loss), errors, c, z, a, [np.zeros_like(one) for one in z], gradient, {})


def last_blame(layers: Sequence[Layer], objective: Objective, y: Array, p: Pass) -> Array:
    """Return δ = ∂E/∂z of the last layer, each row times its share cᵢ."""
    short, c = short_form(layers, objective), p.coefficient[:, None]
    if short is not None:
        return short.blame(p.a[-1], y) * c
    return layers[-1].activation.pullback(p.z[-1], p.a[-1], objective.loss.slope(p.a[-1], y) * c)


def pass_back(
    layers: Sequence[Layer],
    parameters: Parameters,
    objective: Objective,
    y: Array,
    p: Pass,
    start: Start | None,
    carry: Carry | None,
    slopes: bool,
) -> None:
    """Fill blame and gradient of a pass, by backpropagation or by another rule; see `Arena.textbook`."""
    last = len(layers) - 1
    p.blame[last] = last_blame(layers, objective, y, p) if start is None else start(p)
    for k in range(last, -1, -1):
        back = layers[k].backward(p.blame[k], p.a[k], parameters[k], p.gradient[k], None)
        if k > 0:
            back = back if carry is None else carry(k, p)
            g = layers[k - 1].activation
            p.blame[k - 1] = g.pullback(p.z[k - 1], p.a[k], back) if slopes else back
    objective.add_penalty_gradient(parameters.theta, p.gradient.theta, parameters.layout)


def slopes_along(
    layers: Sequence[Layer],
    parameters: Parameters,
    objective: Objective,
    x: Array,
    y: Array,
    weight: Array,
    directions: Array,
) -> tuple[float, Array]:
    """Return the error and its derivative along each direction v, carried forward beside z and a:

        ż = ȧ W + a V + v_b,    ȧ = g′(z) ⊙ ż,    Ė = Σ δ ⊙ ż of the last layer.

    References
    ----------
    Baydin, Pearlmutter, Syme, Wood & Torr, Gradients without backpropagation, 2022.
    """
    p = pass_forward(layers, parameters, objective, x, y, weight)
    slopes = np.empty(len(directions))
    for i, v in enumerate(np.atleast_2d(np.asarray(directions, np.float64))):
        along = Parameters(parameters.layout, v)
        a_dot: Array | None = None  # x does not change
        z_dot = np.zeros_like(p.z[0])
        for k, layer in enumerate(layers):
            z_dot = np.zeros_like(p.z[k]) if not along[k] else layer.forward(p.a[k], along[k], None)
            if a_dot is not None:
                z_dot = z_dot + (a_dot @ parameters[k]["weights"] if along[k] else a_dot)
            if k < len(layers) - 1:
                a_dot = layer.activation.pullback(p.z[k], p.a[k + 1], z_dot)
        slopes[i] = (last_blame(layers, objective, y, p) * z_dot).sum()
        if objective.l1 or objective.l2:
            pull = np.zeros_like(v)
            objective.add_penalty_gradient(parameters.theta, pull, parameters.layout)
            slopes[i] += pull @ v
    return p.loss, slopes
