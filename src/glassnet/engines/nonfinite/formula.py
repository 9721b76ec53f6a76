"""Whether a formula is at fault: an activation, a slope or a loss that is not finite at an ordinary number.

A formula that overflows at a large number is not at fault; what made the number large is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.nonfinite.retaken import RetakenStep
from glassnet.errors import NonFiniteError
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss, Loss
from glassnet.network.backprop import Pass, short_form

Array = NDArray[Any]

_ORDINARY_Z, _ORDINARY_PREDICTION = 80.0, 1e9  # the exponential of −80 and 80 is held by float32 too


def formula_at_fault(error: NonFiniteError, taken: RetakenStep) -> tuple[str, float] | None:
    """Return what to call the formula, and the number at which it fails; None where none is at fault."""
    if error.row is None:
        return None
    i = int(np.flatnonzero(taken.numbers == error.row)[0])
    part = slice(i, i + 1)
    _, p = next(taken.passes(part=part))
    truth = taken.truth(part)
    with np.errstate(all="ignore"):
        if error.quantity == "a":
            return _activation(error, taken, p)
        if error.quantity == "loss":
            return _loss(taken, p, truth)
        if error.quantity == "blame":
            return _slope(error, taken, p, truth)
    return None


def _activation(error: NonFiniteError, taken: RetakenStep, p: Pass) -> tuple[str, float] | None:
    k, unit = error.layer or 0, error.unit or 0
    g, z = taken.network.layers[k].activation, p.z[k].astype(np.float64)
    value = float(z[0, unit])
    there = float(g.apply(z)[0, unit])
    if np.isnan(p.a[k + 1][0, unit]) or (abs(value) <= _ORDINARY_Z and not np.isfinite(there)):
        return f"activation {g.name!r}", value
    return None


def _loss(taken: RetakenStep, p: Pass, truth: Array) -> tuple[str, float] | None:
    loss, short = taken.objective.loss, short_form(taken.network.layers, taken.objective)
    a, y = p.a[-1].astype(np.float64), truth.astype(np.float64)
    errors = loss.rows(a, y) if short is None else short.rows(p.z[-1].astype(np.float64), y)
    largest = max(float(np.abs(a).max()), float(np.abs(y).max()))
    if np.isfinite(errors).all() or not largest <= _ORDINARY_PREDICTION:
        return None
    return f"loss {loss.name!r}", _culprit(loss, a, y)


def _slope(error: NonFiniteError, taken: RetakenStep, p: Pass, truth: Array) -> tuple[str, float] | None:
    k, unit = error.layer or 0, error.unit or 0
    g, z = taken.network.layers[k].activation, p.z[k].astype(np.float64)
    value = float(z[0, unit])
    if isinstance(g, Activation):
        slope = float(g.pullback(z, p.a[k + 1].astype(np.float64), np.ones_like(z))[0, unit])
        if np.isnan(slope) or (abs(value) <= _ORDINARY_Z and not np.isfinite(slope)):
            return f"slope of the activation {g.name!r}", value
    if k < len(taken.network.layers) - 1 or short_form(taken.network.layers, taken.objective) is not None:
        return None
    loss, a, y = taken.objective.loss, p.a[-1].astype(np.float64), truth.astype(np.float64)
    uphill = loss.slope(a, y)
    if np.isfinite(uphill).all() or not max(float(np.abs(a).max()), float(np.abs(y).max())) <= _ORDINARY_PREDICTION:
        return None
    return f"slope of the loss {loss.name!r}", float(a[0, int(np.argmin(np.isfinite(uphill[0])))])


def _culprit(loss: Loss, a: Array, y: Array) -> float:
    """Return the prediction of the row at which the loss fails; the first where it takes all outputs together."""
    if not isinstance(loss, ElementwiseLoss):
        return float(a[0, 0])
    return float(a[0, int(np.argmin(np.isfinite(loss.term(a[0], y[0]))))])
