"""What the estimates need of each row's gradient, from passes in which no gradient of a row is formed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import NonFiniteError
from glassnet.insight.noise.estimates import RowSums
from glassnet.insight.subject import Subject
from glassnet.network.backprop import Pass, backprop
from glassnet.network.dense import Dense
from glassnet.network.layer import Layer
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]

_ROWS_AT_A_TIME = 512


def row_sums(subject: Subject, theta: Array, numbers: Array) -> tuple[dict[int, RowSums], float]:
    """Return what is known of the rows' gradients at θ, layer by layer where training moves one, and the mean error.

    Each row's gradient is of its own error, times its sample weight where there are any; of parameters that training
    does not move there is none. `numbers` (m,) is what the caller calls the rows.

    Raises
    ------
    NonFiniteError
        If the error or gradient of a row is not finite.
    """
    net, m = subject.network, len(subject)
    free = net.layout.mask("trainable")
    moving = {k: _moving(layer) for k, layer in enumerate(net.layers) if _moves(subject, free, k)}
    with OneBlasThread(), np.errstate(all="ignore"):
        mean, squares, errors = np.zeros(net.layout.size), [], np.zeros(m)
        for rows in _blocks(m):
            p = _pass(subject, theta, rows)
            _require_finite(p, numbers[rows])
            mean += p.gradient.theta / m
            errors[rows] = p.row_errors
            squares.append({k: layer.row_squares(p.blame[k], p.a[k]) for k, layer in moving.items()})
        mean = np.where(free, mean, 0.0)
        pull = np.zeros(net.layout.size)
        subject.objective.add_penalty_gradient(theta, pull, net.layout)
        pull = np.where(free, pull, 0.0)
        penalised = bool(pull.any())
        g, r = Parameters(net.layout, mean), Parameters(net.layout, pull)
        with_mean, with_penalty = [], []
        for rows in _blocks(m):  # the mean must be known first, so everything is passed through once more
            p = _pass(subject, theta, rows)
            with_mean.append({k: _along(net.layers[k], p, k, g) for k in moving})
            if penalised:
                with_penalty.append({k: _along(net.layers[k], p, k, r) for k in moving})
    found = {}
    for k in moving:
        s = np.concatenate([part[k] for part in squares])
        own, other = _flat(g, k), _flat(r, k)
        found[k] = RowSums(
            squares=s,
            with_mean=np.concatenate([part[k] for part in with_mean]),
            with_penalty=np.concatenate([part[k] for part in with_penalty]) if penalised else np.zeros(m),
            mean=float(own @ own),
            mean_penalty=float(own @ other),
            penalty=float(other @ other),
        )
    return found, float(errors @ _shares(subject)) / m + float(subject.objective.penalty(theta, net.layout))


def _blocks(m: int) -> list[slice]:
    return [slice(i, min(i + _ROWS_AT_A_TIME, m)) for i in range(0, m, _ROWS_AT_A_TIME)]


def _pass(subject: Subject, theta: Array, rows: slice) -> Pass:
    """Return a pass in which each row stands for itself; its gradient is the sum of the rows'."""
    net, own = subject.network, Objective(subject.objective.loss, "sum")
    x, y, weight = subject.x[rows], subject.y[rows], _shares(subject)[rows]
    return backprop(net.layers, Parameters(net.layout, theta), own, x, y, weight)


def _shares(subject: Subject) -> Array:
    """Return the sample weights, 1 on average."""
    weight = subject.sample_weight
    return np.asarray(weight * (len(weight) / weight.sum()))


def _along(layer: Layer, p: Pass, k: int, v: Parameters) -> Array:
    """Return gᵢ·v of each row: z is linear in a layer's parameters, so ∂Eᵢ/∂z times the z that v alone would give."""
    moved: Array = (p.blame[k] * layer.forward(p.a[k], v[k], None)).sum(axis=1)
    return moved


def _flat(parameters: Parameters, k: int) -> Array:
    return np.concatenate([view.ravel() for view in parameters[k].values()])


def _moves(subject: Subject, free: Array, k: int) -> bool:
    """Whether training moves a parameter of layer k."""
    return any(owner == k and bool(free[place].any()) for owner, _, place in subject.network.layout.places)


def _moving(layer: Layer) -> Layer:
    """Return the layer without biases that training leaves as they are, which add nothing to a row's gradient then."""
    if isinstance(layer, Dense) and layer.bias and not layer.trainable_bias:
        return Dense(layer.units, layer.activation, bias=False, groups=layer.groups or None)
    return layer


def _require_finite(p: Pass, numbers: Array) -> None:
    bad = ~np.isfinite(p.row_errors)
    for blame in p.blame:
        bad |= ~np.isfinite(blame).all(axis=1)
    if bad.any():
        row = int(numbers[bad.argmax()])
        raise NonFiniteError(
            f"The error of row {row}, or its blame, is not finite at these weights, so its gradient is not known. Look "
            "for NaN in the weights, or scale X down.",
            step=0,
            quantity="loss",
            row=row,
        )
