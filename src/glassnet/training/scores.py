"""How good a network is on rows it is given, without dropout and penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Block, row_errors_and_predictions
from glassnet.errors import InputError
from glassnet.maths.loss import Loss
from glassnet.maths.metrics import accuracy, r2
from glassnet.network.inputs import are_classes, as_rows, as_sample_weight, as_targets
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Scores:
    """What a network achieves on some rows.

    Attributes
    ----------
    rows : int
    loss : float
        The mean of the rows' errors.
    accuracy : float or None
        The share of rows whose class is right; None where there are no classes.
    r2 : float or None
        The share of the targets' variance that is explained; None where there are classes.
    """

    rows: int
    loss: float
    accuracy: float | None
    r2: float | None


def has_classes(targets: Array, loss: Loss) -> bool:
    """Whether rows have classes to be right about: labels, one-hot targets, or a single yes or no."""
    return are_classes(targets) or (loss.threshold is not None and targets.shape[1] == 1)


def score(objective: Objective, block: Block, errors: Array, prediction: Array) -> Scores:
    """Return the scores of rows, each counted by its weight, from their errors (m,) and predictions (m, outputs)."""
    weight, loss = block.sample_weight, objective.loss
    counted = weight > 0  # a row that does not count may have any error
    mean = float((errors[counted].astype(np.float64) * weight[counted]).sum() / weight.sum(dtype=np.float64))
    if has_classes(block.y, loss):
        return Scores(len(block), mean, accuracy(prediction, block.y, loss.threshold, weight), None)
    return Scores(len(block), mean, None, r2(prediction, block.y))


def evaluate(net: Network, X: ArrayLike, Y: ArrayLike, loss: str | Loss) -> Scores:
    """Judge a network by rows it has perhaps never seen.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    loss : str or Loss

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If an array cannot be used.
    PairingError
        If the loss cannot read the last layer's output.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(1, [gn.Dense(1, "identity")], seed=0)
    >>> net.theta = [2.0, 0.0]
    >>> gn.evaluate(net, [[1.0], [2.0]], [2.0, 5.0], loss="squared_error").loss
    0.5
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    objective = net.objective(loss)
    x = as_rows(X, net.input_shape, net.dtype)
    y = as_targets(Y, objective.loss, len(x), net.outputs, net.dtype)
    block = Block(x, y, as_sample_weight(None, len(x), net.dtype))
    return score(objective, block, *row_errors_and_predictions(net, objective, x, y))
