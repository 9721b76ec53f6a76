"""A pass of some rows, held still, with all that the R-operator needs of it: slopes, second slopes, blame.

Formulas are followed exactly where that is possible; see `second.Moves`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import NonFiniteError
from glassnet.insight.curvature.second import Moves
from glassnet.insight.subject import Subject
from glassnet.maths.activation import Activation, RowActivation
from glassnet.maths.loss import ElementwiseLoss, Loss
from glassnet.network.backprop import forward, row_errors, short_form
from glassnet.network.dense import Dense
from glassnet.network.layer import Layer

Array = NDArray[Any]


class Bend(Protocol):
    """How an activation's output, and the blame that passes through it, move with z."""

    def signal(self, rz: Array) -> Array:
        """Return R{a}."""

    def blame(self, rs: Array, rz: Array, ra: Array) -> Array:
        """Return R{δ} from R{∂E/∂a}, R{z} and R{a}."""


@final
@dataclass(frozen=True)
class _OfElements:
    """Of an activation that acts on each neuron by itself: `slope` is g′, `bend` is ∂E/∂a ⊙ g″, None for 0."""

    slope: Array
    bend: Array | None

    def signal(self, rz: Array) -> Array:
        return self.slope * rz

    def blame(self, rs: Array, rz: Array, ra: Array) -> Array:
        result: Array = rs * self.slope
        if self.bend is not None:
            result += self.bend * rz
        return result


@final
@dataclass(frozen=True)
class _OfRows:
    """Of an activation that acts on a row together: its value and its pullback are followed along."""

    g: RowActivation
    z: Array
    a: Array
    s: Array
    moves: Moves

    def signal(self, rz: Array) -> Array:
        return self.moves.of(self.g.name, self.g.value, [(self.z, rz)])

    def blame(self, rs: Array, rz: Array, ra: Array) -> Array:
        given = [(self.z, rz), (self.a, ra), (self.s, rs)]
        return self.moves.of(self.g.name, self.g.row_pullback, given)


@final
@dataclass(frozen=True)
class Standing:
    """A pass of some rows, with all that products need of it.

    `blame` holds the rows' shares; `curve` is c ⊙ ∂/∂a of the loss's slope, or of the short form's blame, where that
    acts on each output by itself.
    """

    c: Array
    y: Array
    errors: Array
    a: list[Array]
    blame: list[Array]
    bends: list[Bend]
    curve: Array | None
    is_short: bool


def stand(subject: Subject, c: Array, rows: slice, numbers: Array, moves: Moves) -> Standing:
    """Return the pass of some rows; `c` holds the shares of all, `numbers` what the caller calls them.

    Raises
    ------
    NonFiniteError
        If the error or the blame of a row is not finite.
    """
    net, loss = subject.network, subject.objective.loss
    x, y, c = subject.x[rows], subject.y[rows], c[rows]
    z, a = forward(net.layers, net.parameters, x)
    last, short = len(net.layers) - 1, short_form(net.layers, subject.objective)
    blame: list[Array] = list(z)
    bends: list[Any] = [None] * len(net.layers)
    curve: Array | None = None
    s = c[:, None] * loss.slope(a[-1], y)
    if short is not None:
        blame[last] = c[:, None] * short.blame(a[-1], y)
        curve = c[:, None] * moves.of(loss.name, lambda h: short.blame(h, y), [(a[-1], np.ones_like(y))])
    else:
        blame[last] = net.layers[last].activation.pullback(z[last], a[-1], s)
        if isinstance(loss, ElementwiseLoss):
            curve = c[:, None] * slope_of_loss(moves, loss, a[-1], y, np.ones_like(y))
    for k in range(last, -1, -1):
        bends[k] = _bend(net.layers[k], z[k], a[k + 1], s, moves)
        if k > 0:
            s = blame[k] @ net.parameters[k]["weights"].T if isinstance(net.layers[k], Dense) else blame[k]
            blame[k - 1] = net.layers[k - 1].activation.pullback(z[k - 1], a[k], s)
    errors = row_errors(net.layers, subject.objective, z, a, y)
    _require_finite(numbers[rows], errors, *blame)
    return Standing(c, y, errors, a, blame, bends, curve, short is not None)


def slope_of_loss(moves: Moves, loss: Loss, a: Array, y: Array, ra: Array) -> Array:
    """Return R{∂Eᵢ/∂a} from R{a}."""
    kink = loss.kink
    side = None if kink is None else lambda h: np.sign(kink(h, y))
    if isinstance(loss, ElementwiseLoss):
        share = 1.0 / a.shape[-1] if loss.mean_over_outputs else 1.0
        return share * moves.of(loss.name, lambda h: loss.term_slope(h, y), [(a, ra)], side)
    return moves.of(loss.name, lambda h: loss.row_slope(h, y), [(a, ra)], side)  # type: ignore[attr-defined]


def _bend(layer: Layer, z: Array, a: Array, s: Array, moves: Moves) -> Bend:
    g = layer.activation
    if isinstance(g, RowActivation):
        return _OfRows(g, z, a, s, moves)
    slope = np.asarray(g.slope(z, a), np.float64)
    second = moves.of(g.name, g.slope, [(z, np.ones_like(z)), (a, slope)], _sides_of(g))
    return _OfElements(slope, s * second if second.any() else None)


def _sides_of(g: Activation) -> Callable[..., Array] | None:
    """Return a function that tells between which kinks of an activation each z lies, or None."""
    kinks = np.sort(g.kinks)
    return (lambda z, a: np.asarray(np.searchsorted(kinks, z))) if len(kinks) else None


def _require_finite(numbers: Array, *arrays: Array) -> None:
    for array in arrays:
        bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
        if bad.any():
            row = int(numbers[bad.argmax()])
            raise NonFiniteError(
                f"The error of row {row}, or its blame, is not finite at these weights, so nothing can be said of how "
                "the error bends. Look for NaN in the weights, or scale X down.",
                step=0,
                quantity="loss",
                row=row,
            )
