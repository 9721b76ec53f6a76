r"""Backpropagation as a set of rules, each of which can be replaced by the one that a text has wrong.

The right rules are the four equations of `glassnet.network.backprop`, written once more in NumPy so that every place
where texts go wrong is a line of its own. It knows nothing of who makes which mistake.

    (1)  δ of the last layer  = ∇ₐE ⊙ g′(z)
    (2)  δ of a layer before  = (θᵀδ) ⊙ g′(z) of that layer
    (3)  ∂E/∂b = δ
    (4)  ∂E/∂θ_ij = a_j δ_i
    (5)  θ ← θ − η ∂E/∂θ, all at once

References
----------
Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986.
Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, equations BP1 to BP4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.activation import AnyActivation
from glassnet.network.backprop import forward, row_errors, short_form
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Case:
    """A network with rows and an error: what gradients are computed of.

    Parameters
    ----------
    network : Network
        Of dtype float64, of Dense layers only.
    objective : Objective
        Without penalties.
    x, y : (m, inputs) and (m, outputs) float64 arrays
        The rows, and the truth as the loss's formulas read it.
    """

    network: Network
    objective: Objective
    x: Array
    y: Array

    @cached_property
    def share(self) -> Array:
        """cᵢ, the share of each row in the error: (m, 1)."""
        return self.objective.coefficients(np.ones(len(self.x)))[:, None]

    @cached_property
    def moves(self) -> Parameters:
        """True for each parameter that training moves."""
        return Parameters(self.network.layout, self.network.layout.mask("trainable"))

    def error(self, theta: Array) -> float:
        """Return the error at θ."""
        layers = self.network.layers
        z, a = forward(layers, Parameters(self.network.layout, theta), self.x)
        return float(self.share[:, 0] @ row_errors(layers, self.objective, z, a, self.y))


def slope_of_error(case: Case, a: Array) -> Array:
    """∇ₐE of each row."""
    return case.objective.loss.slope(a, case.y)


def through(g: AnyActivation, z: Array, a: Array, slope_of_a: Array) -> Array:
    """∂E/∂a ⊙ g′(z), as equations (1) and (2) end."""
    return g.pullback(z, a, slope_of_a)


def back(blame: Array, weights: Array) -> Array:
    """θᵀδ; weights are kept as (inputs, outputs), so it reads δ Wᵀ."""
    result: Array = blame @ weights.T
    return result


def heard(z: Array, a: Array) -> Array:
    """What a layer hears of the layer before: its a."""
    return a


def own(k: int, last: int) -> int:
    """Return the layer whose slope stands in equation (2) for layer k: its own."""
    return k


@final
@dataclass(frozen=True)
class Rules:
    """The rules, the right ones unless replaced.

    Parameters
    ----------
    slope_of_error : callable
        ``slope_of_error(case, a) -> ∇ₐE``.
    through : callable
        ``through(g, z, a, ∂E/∂a) -> ∂E/∂z``.
    back, back_from_outputs : callable
        ``back(δ, weights) -> θᵀδ``, and the same for the last layer's δ.
    heard : callable
        ``heard(z, a)`` of the layer before, which equation (4) multiplies with δ.
    slope_of : callable
        ``slope_of(k, last)``: the layer whose g′(z) stands in equation (2) for layer k.
    at_once : bool
        Whether weights change after the whole gradient is known; otherwise each layer's change on the way back.
    """

    slope_of_error: Callable[[Case, Array], Array] = slope_of_error
    through: Callable[[AnyActivation, Array, Array, Array], Array] = through
    back: Callable[[Array, Array], Array] = back
    back_from_outputs: Callable[[Array, Array], Array] = back
    heard: Callable[[Array, Array], Array] = heard
    slope_of: Callable[[int, int], int] = own
    at_once: bool = True


RIGHT = Rules()


def gradient(case: Case, theta: Array, rules: Rules = RIGHT, rate: float = 0.0) -> Array:
    """Return what `rules` take for ∂E/∂θ at θ.

    Parameters
    ----------
    case : Case
    theta : (n,) float64 array
    rules : Rules
    rate : float
        η, which matters only where weights change on the way back.

    Returns
    -------
    (n,) array
        Zero for parameters that training does not move.
    """
    layout = case.network.layout
    return _gradient(case, Parameters(layout, theta), Parameters(layout, np.zeros(layout.size)), rules, rate)


def _gradient(case: Case, at: Parameters, found: Parameters, rules: Rules, rate: float) -> Array:
    """Fill `found`, views of the gradient, at the weights of `at`, and return the gradient."""
    layers, last = case.network.layers, len(case.network.layers) - 1
    z, a = forward(layers, at, case.x)
    signals = [case.x, *(rules.heard(z[k], a[k + 1]) for k in range(last))]

    now = at if rules.at_once else Parameters(at.layout, at.theta.copy())
    short = short_form(layers, case.objective)
    if short is not None and rules.slope_of_error is slope_of_error and rules.through is through:
        blame = short.blame(a[-1], case.y) * case.share  # (1), the pair collapsed
    else:
        slope = rules.slope_of_error(case, a[-1]) * case.share
        blame = rules.through(layers[last].activation, z[last], a[-1], slope)  # (1)
    for k in range(last, -1, -1):
        layers[k].backward(blame, signals[k], now[k], found[k], None)  # (3), (4)
        for name, view in found[k].items():
            view *= case.moves[k][name]
        if not rules.at_once:
            for name, view in now[k].items():
                view -= rate * found[k][name]  # (5), too early
        if k > 0:
            to_before = rules.back_from_outputs if k == last else rules.back
            s = rules.slope_of(k - 1, last)
            slope = to_before(blame, now[k]["weights"])
            blame = rules.through(layers[s].activation, z[s], a[s + 1], slope)  # (2)
    return found.theta


def descend(case: Case, start: Array, rules: Rules, rate: float, steps: int, *, every: int = 1) -> tuple[Array, Array]:
    """Take plain gradient descent's steps, equation (5), with what `rules` take for the gradient.

    Returns
    -------
    errors : (steps // every + 1,) array
        The error before the first step and after every so many.
    theta : (n,) array
        Where it ended.
    """
    theta = start.copy()
    at = Parameters(case.network.layout, theta)
    found = Parameters(case.network.layout, np.zeros_like(theta))
    errors = [case.error(theta)]
    with np.errstate(all="ignore"):  # a wrong rule may run away
        for step in range(1, steps + 1):
            theta -= rate * _gradient(case, at, found, rules, rate)  # (5)
            if step % every == 0:
                errors.append(case.error(theta))
    return np.array(errors), theta
