"""The numerical derivative by one weight, row by row: nudge the weight, and see what each row's error does.

Only what lies behind the weight is computed again: a nudge of h moves the sum of its neuron by h times the signal that
came in, and nothing before. No blame and no slope is used, so the result is independent of backpropagation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.numerical import Derivative, extrapolated
from glassnet.insight.places import Place
from glassnet.insight.subject import Subject
from glassnet.network.backprop import Masks, forward, row_errors

Array = NDArray[Any]

LEVELS = 14
"""Down to steps of 5e-10, for rows in which a neuron stands very near its kink."""


def numerical_by_row(subject: Subject, masks: Masks, place: Place) -> Derivative:
    """Return ∂E/∂w of each row's own error, (m,) each; NaN for a row that stands on a kink itself."""
    parts = []
    for rows in subject.blocks():
        with np.errstate(all="ignore"):
            parts.append(_of_rows(subject.rows(rows), {k: mask[rows] for k, mask in masks.items()}, place))
    return Derivative(np.concatenate([p.value for p in parts]), np.concatenate([p.bound for p in parts]))


def _of_rows(subject: Subject, masks: Masks, place: Place) -> Derivative:
    net, objective, k = subject.network, subject.objective, place.k
    z, a = forward(net.layers, net.parameters, subject.x, masks)
    signal = np.ones(len(subject)) if place.signal is None else a[k][:, place.signal]
    behind, later = net.layers[k + 1 :], {layer - k - 1: mask for layer, mask in masks.items() if layer > k}
    parameters = net.parameters[k + 1 :]

    def errors(h: Array) -> tuple[Array, list[Array]]:
        """Return the error of each row where w is nudged by h (m,), and on which side of every kink each value lies."""
        z_k = z[k].copy()
        z_k[:, place.neuron] += h * signal
        a_k = net.layers[k].activation.apply(z_k)
        z_after, a_after = [z_k], [a_k]
        for n, layer in enumerate(behind):
            z_after.append(layer.forward(a_after[-1], parameters[n], later.get(n)))
            a_after.append(layer.activation.apply(z_after[-1]))
        sides = [
            np.sign(z_n - kink)
            for layer, z_n in zip(net.layers[k:], z_after, strict=True)
            for kink in layer.activation.kinks
        ]
        if objective.loss.kink is not None:
            sides.append(np.sign(objective.loss.kink(a_after[-1], subject.y)))
        return row_errors(net.layers, objective, z_after, a_after, subject.y), sides

    here = errors(np.zeros(len(subject)))[1]

    def central(h: Array) -> tuple[Array, Array]:
        (above, sides_above), (below, sides_below) = errors(h), errors(-h)
        smooth = np.ones(len(subject), bool)
        for at, up, down in zip(here, sides_above, sides_below, strict=True):
            smooth &= ((up == at) & (down == at)).all(axis=1)
        return np.where(smooth, (above - below) / (2 * h), np.nan), np.abs(above) + 1.0

    size = np.full(len(subject), max(1.0, abs(float(net.theta[place.index]))))
    return extrapolated(central, size, LEVELS)
