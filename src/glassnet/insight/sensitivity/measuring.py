r"""How strongly the error reacts to each weight and each input, in float64.

Of one row, ∂E/∂θ_ij = a_j δ_i. Over rows r the signed mean is Σ_r a_rj δ_ri/m, the usual gradient aᵀδ/m. The mean of
the sizes needs no more than that: |a_rj δ_ri| = |a_rj|·|δ_ri|, so Σ_r |a_rj δ_ri|/m is the product |a|ᵀ|δ|/m of two
matrices that are there anyway. No row's gradient is ever kept; rows are taken some at a time, so memory does not grow
with them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.sensitivity.sensitivity import Sensitivity
from glassnet.insight.subject import Subject, as_image_shape, as_row, make_subject
from glassnet.maths.loss import Loss
from glassnet.network.backprop import backprop
from glassnet.network.inputs import as_numbers
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters
from glassnet.training import RunFolder

Array = NDArray[Any]

_BYTES_AT_A_TIME = 64 * 2**20


def sensitivity(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss | None = None,
    *,
    row: int | None = None,
    last_update: ArrayLike | str | os.PathLike[str] | None = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
) -> Sensitivity:
    """Tell which weights and which inputs the error reacts to most, for a row or on average over rows.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    row : int or None
        A row of X, from 0; None takes the mean over all rows.
    last_update : (n,) array, path or None
        What the last step of training did to θ, to stand beside each weight: an array with θ's layout, or the folder of
        the run (``checkpoint=`` of `train`), which knows it where the run came to its planned end.
    feature_names, class_names : sequence of str or None
        Names of inputs and outputs; None takes those of a data frame's columns.
    image_shape : (int, int) or None
        Rows and columns where a row of X is an image, for the page.

    Returns
    -------
    Sensitivity
        ``magnitude`` and ``mean`` over θ, ``input_magnitude``, ``top(20)``, ``inputs()``, ``layers()``; ``text()``,
        ``html()``, ``to_dict()``.

    Raises
    ------
    InputError
        If an array, a name, a row or an argument cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the error of a row, or its slope, is not finite.

    Notes
    -----
    A row's error is that row's alone, without penalties, and without dropout.

    References
    ----------
    Simonyan, Vedaldi & Zisserman, Deep inside convolutional networks: visualising image classification models and
    saliency maps, arXiv:1312.6034, 2013, section 3; there the slope of a class's score, here that of the error.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet.insight.sensitivity import sensitivity
    >>> net = gn.Network(2, [gn.Dense(1, "identity")], dtype="float64")
    >>> net.theta = [1.0, 2.0, 0.0]
    >>> found = sensitivity(net, [[3.0, 1.0], [-3.0, 0.0]], [4.0, -4.0], loss="half_squared_error")
    >>> found.magnitude.tolist(), found.mean.tolist()  # blame 1 and 1: the two rows pull weight 0 apart
    ([3.0, 0.5, 1.0], [0.0, 0.5, 1.0])
    >>> found.input_magnitude.tolist()
    [1.0, 2.0]
    """
    subject = make_subject(net, X, Y, loss, feature_names=feature_names, class_names=class_names)
    if row is not None:
        row = as_row(row, len(subject))
    image_shape = as_image_shape(image_shape, subject.x.shape[1])
    change, says = _last_update(last_update, net)
    magnitude, mean, input_magnitude, input_mean, error = _measure(
        subject, slice(0, len(subject)) if row is None else slice(row, row + 1)
    )
    return Sensitivity(
        network=subject.network,
        loss=subject.objective.loss.name,
        rows=len(subject),
        row=row,
        error=error,
        magnitude=magnitude,
        mean=mean,
        input_magnitude=input_magnitude,
        input_mean=input_mean,
        input_spread=subject.x.std(axis=0),
        x=None if row is None else subject.x[row],
        last_update=change,
        last_update_says=says,
        feature_names=subject.feature_names,
        class_names=subject.class_names,
        image_shape=image_shape,
    )


def _last_update(given: Any, net: Network) -> tuple[Array | None, str]:
    """Return what the last step did to θ, and which step that was or why it is not known."""
    if given is None:
        return None, ""
    if not isinstance(given, str | os.PathLike):
        change = as_numbers(given, "last_update")
        if change.shape != net.theta.shape:
            raise InputError(f"last_update has shape {change.shape}; this network's θ has shape {net.theta.shape}.")
        return change.astype(np.float64), "The last update is the one that was given."
    folder = Path(given)
    if not folder.is_dir():
        raise InputError(f"last_update is {folder}, which is no folder of a run; pass what train got as checkpoint=.")
    found = RunFolder(folder).last_update()
    if found is None:
        return None, (
            f"The run in {folder} does not say what its last step did: it was stopped before its planned end, or made "
            "by an older glassnet."
        )
    if found.theta.shape != net.theta.shape or not np.array_equal(found.theta.astype(net.dtype), net.theta):
        return None, (
            f"The last step of the run in {folder} led to other weights than these, so it is not shown: the network "
            "was set back to its best epoch, or is of another run."
        )
    return found.change.astype(np.float64), (
        f"The last update is that of step {found.step:,} by {found.optimizer}, at a learning rate of "
        f"{found.learning_rate:.3g}; it follows the rows of that step alone."
    )


def _measure(subject: Subject, rows: slice) -> tuple[Array, Array, Array, Array, float]:
    """Return the means over rows of |∂E/∂θ|, ∂E/∂θ, |∂E/∂x|, ∂E/∂x and E."""
    net = subject.network
    objective = Objective(subject.objective.loss, "sum")  # blame is then each row's own
    magnitude, mean = Parameters(net.layout, np.zeros(net.layout.size)), np.zeros(net.layout.size)
    inputs = net.input_shape[0]
    input_magnitude, input_mean, error = np.zeros(inputs), np.zeros(inputs), 0.0
    at_a_time = max(1, _BYTES_AT_A_TIME // (8 * 4 * sum(shape[0] for shape in net.shapes)))
    for first in range(rows.start, rows.stop, at_a_time):
        part = slice(first, min(first + at_a_time, rows.stop))
        x, y = subject.x[part], subject.y[part]
        with np.errstate(all="ignore"):
            p = backprop(net.layers, net.parameters, objective, x, y, np.ones(len(x)))
            weights = net.weights[0]
            slope = p.blame[0] if weights is None else p.blame[0] @ weights.T  # ∂E/∂x = δ θᵀ; Dropout passes δ on
        _require_finite(p.row_errors, slope, p.gradient.theta, first)
        error += float(p.row_errors.sum())
        mean += p.gradient.theta
        input_magnitude += np.abs(slope).sum(axis=0)
        input_mean += slope.sum(axis=0)
        for k in range(len(net.layers)):
            blame = np.abs(p.blame[k])
            for name, view in magnitude[k].items():
                view += np.abs(p.a[k]).T @ blame if name == "weights" else blame.sum(axis=0)
    m = rows.stop - rows.start
    size = np.where(net.layout.mask("present"), magnitude.theta, 0.0)
    return size / m, mean / m, input_magnitude / m, input_mean / m, error / m


def _require_finite(errors: Array, slope: Array, gradient: Array, first: int) -> None:
    bad = ~(np.isfinite(errors) & np.isfinite(slope).all(axis=1))
    if not bad.any() and np.isfinite(gradient).all():
        return
    row = first + int(bad.argmax()) if bad.any() else None
    where = f"of row {row} " if row is not None else ""
    raise NonFiniteError(
        f"The error {where}or its slope is not finite at these weights, so nothing can be said of what it reacts to. "
        "Look for NaN in the weights, or scale X down.",
        step=0,
        quantity="loss",
        row=row,
    )
