"""The numerical derivative: nudge one parameter to both sides and see what the error does.

Central differences at eight step sizes, extrapolated to a step of zero as Ridders does, so that truncation and
rounding are both small; step sizes that straddle a kink (ReLU at 0) are left out.

References
----------
Ridders, Accurate computation of F′(x) and F′(x)F″(x), Advances in Engineering Software 4, 1982.
Press, Teukolsky, Vetterling & Flannery, Numerical Recipes, section 5.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.network.backprop import Masks, forward, row_errors
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]

_LEVELS, _SHRINK, _FIRST_STEP = 8, 4.0, 2.0**-5
_ROUNDING = 8 * np.finfo(np.float64).eps
_BYTES_AT_A_TIME = 64 * 2**20


@final
@dataclass(frozen=True)
class Derivative:
    """Numerical derivatives of some parameters.

    Parameters
    ----------
    value : (p,) array
        NaN where every step size straddles a kink.
    bound : (p,) array
        How far rounding alone can put the value off.
    """

    value: Array
    bound: Array


def extrapolated(central: Callable[[Array], tuple[Array, Array]], size: Array, levels: int = _LEVELS) -> Derivative:
    """Return derivatives from difference quotients at ever smaller steps, each extrapolated to a step of zero.

    Parameters
    ----------
    central : callable
        ``central(h) -> (quotient, scale)`` for steps h (p,): the difference quotients, NaN across a kink, and the size
        of the terms that were subtracted.
    size : (p,) array
        To which the steps are in proportion.
    levels : int
        How many steps to try at most; more than eight are tried only where all before straddle a kink.
    """
    best, error = np.full(len(size), np.nan), np.full(len(size), np.inf)
    bound = np.zeros(len(size))
    before: list[Array] = []
    for level in range(levels):
        h = size * _FIRST_STEP / _SHRINK**level
        quotient, scale = central(h)
        row = [quotient]
        for k, coarser in enumerate(before, start=1):
            weight = _SHRINK ** (2 * k)
            row.append((weight * row[k - 1] - coarser) / (weight - 1))
        for k in range(1, len(row)):
            off = np.maximum(np.abs(row[k] - row[k - 1]), np.abs(row[k] - before[k - 1]))
            off = np.maximum(off, _ROUNDING / 8 * scale / h)  # two equal rounding errors are no agreement
            better = off < error  # never where either is NaN
            best[better], error[better] = row[k][better], off[better]
            bound[better] = (_ROUNDING * scale / h)[better]
        before = row
        if level >= _LEVELS - 1 and not np.isnan(best).any():
            break
    alone = np.isnan(best)  # smooth at the smallest step only, so that there was nothing to extrapolate from
    best[alone], bound[alone] = quotient[alone], (_ROUNDING * scale / h)[alone]
    return Derivative(best, bound)


@final
class Nudger:
    """Evaluates the error around one θ, in float64.

    Parameters
    ----------
    network : Network
        Of dtype float64.
    objective : Objective
    x, y, sample_weight : arrays
        Checked rows, truth as the formulas read it, weights.
    masks : mapping
        Dropout masks, held fixed.
    """

    def __init__(
        self, network: Network, objective: Objective, x: Array, y: Array, sample_weight: Array, masks: Masks
    ) -> None:
        self.network, self.objective, self.masks = network, objective, masks
        self.x, self.y = x, y
        self.c = objective.coefficients(sample_weight)

    def derivative(self, indices: Array) -> Derivative:
        """Return ∂E/∂θ at the given places in θ."""
        steps = sum(shape[0] for shape in self.network.shapes) * len(self.x) + self.network.layout.size
        chunk = max(1, _BYTES_AT_A_TIME // (8 * 4 * steps))
        parts = [self._derivative(indices[i : i + chunk]) for i in range(0, len(indices), chunk)]
        return Derivative(
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.bound for part in parts]),
        )

    def _derivative(self, indices: Array) -> Derivative:
        theta = self.network.theta
        _, here, _ = self._evaluate(theta[None])
        size = np.maximum(1.0, np.abs(theta[indices]))
        return extrapolated(lambda h: self._central(theta, indices, h, here), size)

    def _central(self, theta: Array, indices: Array, h: Array, here: Array) -> tuple[Array, Array]:
        """Return (E(θ+h) − E(θ−h))/2h for each place, NaN across a kink, and the size of the terms subtracted."""
        p = len(indices)
        stack = np.repeat(theta[None], 2 * p, axis=0)
        stack[np.arange(p), indices] += h
        stack[np.arange(p, 2 * p), indices] -= h
        terms, sides, penalty = self._evaluate(stack)
        nudge = stack[np.arange(p), indices] - stack[np.arange(p, 2 * p), indices]
        rise = (terms[:p] - terms[p:]).sum(axis=1) + (penalty[:p] - penalty[p:])
        smooth = (sides[:p] == here).all(axis=1) & (sides[p:] == here).all(axis=1)
        size = np.abs(terms[:p]).sum(axis=1) + np.abs(self.c).sum() + np.abs(penalty[:p])  # of numbers near 1
        return np.where(smooth, rise / nudge, np.nan), size

    def _evaluate(self, stack: Array) -> tuple[Array, Array, Array]:
        """Return each row's cᵢEᵢ (p, m), on which side of every kink each value lies (p, …), and the penalty (p,)."""
        net, loss = self.network, self.objective.loss
        parameters = Parameters(net.layout, stack)
        z, a = forward(net.layers, parameters, self.x, self.masks)
        terms = self.c * row_errors(net.layers, self.objective, z, a, self.y)
        counted = self.c != 0
        sides = [np.zeros((len(stack), 0), np.int8)]
        for layer, z_k in zip(net.layers, z, strict=True):
            z_k = np.broadcast_to(z_k, (len(stack), *z_k.shape[-2:]))[:, counted]
            sides += [np.sign(z_k - kink).astype(np.int8).reshape(len(stack), -1) for kink in layer.activation.kinks]
        if loss.kink is not None:
            sides.append(np.sign(loss.kink(a[-1], self.y)[:, counted]).astype(np.int8).reshape(len(stack), -1))
        if self.objective.l1:
            sides.append(np.sign(stack[:, net.layout.mask("penalised")]).astype(np.int8))
        return terms, np.concatenate(sides, axis=1), self.objective.penalty(stack, net.layout)
