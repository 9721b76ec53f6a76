"""What is known of each row: what the ledger noted of it, and what the fitted network says of it now.

It is computed in the dtype of the network, since the ledger's numbers have 8 bits of precision anyway, and a float64
copy of all rows would cost more than the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Descent, Truth, make_engine, margins_and_predictions, truth_of
from glassnet.errors import NonFiniteError
from glassnet.insight.blame.scoring import error_left, in_medians, judgement, nearest_other
from glassnet.maths.metrics import predicted_classes
from glassnet.maths.optimizers import SGD
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.training.ledger import Ledger

Array = NDArray[Any]

_ROWS_AT_A_TIME = 65_536


@final
@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of j rows. Numbers are as the network has them; a class is its number.

    Parameters
    ----------
    truth : Truth
    epochs : int
        How many were noted; 0 where the fitted network judges alone.
    rows : (j,) int64 array
        As the caller counts them.
    given, suggested, fitted : (j,) float64 arrays
        What the row says, what the network would say, and what the fitted network says now.
    output : (j,) int64 array
        Which output `given` is of, where a row has several numbers.
    score : (j,) float64 array
        Higher is more suspect.
    loss, margin : (j,) float64 arrays
        The mean over all epochs; without a ledger the fitted network's. The margin is NaN where there are no classes.
    fitted_loss, fitted_margin : (j,) float64 arrays
        The fitted network's.
    wrong, learned, forgotten : (j,) int64 arrays
        In how many epochs it was wrong, from which on it was right, and how often it was forgotten.
    """

    truth: Truth
    epochs: int
    rows: Array
    given: Array
    suggested: Array
    fitted: Array
    output: Array
    score: Array
    loss: Array
    margin: Array
    fitted_loss: Array
    fitted_margin: Array
    wrong: Array
    learned: Array
    forgotten: Array

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def contradicted(self) -> Array:
        """Whether the network took a row for another class in more than half of the epochs; without any, now: (j,)."""
        if self.truth is Truth.NUMBERS:
            return np.zeros(len(self), bool)
        return np.asarray(self.wrong * 2 > self.epochs if self.epochs else self.fitted != self.given)

    @property
    def disputed(self) -> Array:
        """Whether the network is against what a row says, on average or now: (j,) bool; of numbers nowhere."""
        return np.asarray((self.margin <= 0) | (self.fitted_margin <= 0))

    @property
    def doubted(self) -> Array:
        """Whether the network ever said otherwise than the row, after the first epoch: (j,) bool."""
        if self.truth is Truth.NUMBERS:
            return np.asarray(self.score > 0)
        return np.asarray((self.fitted != self.given) | (self.learned > 1))


def evidence(
    net: Network, objective: Objective, x: Array, targets: Array, rows: Array, ledger: Ledger | None, places: Array
) -> Evidence:
    """Return what is known of rows.

    Parameters
    ----------
    net : Network
    objective : Objective
    x : (j, inputs) array
    targets : (j,) or (j, outputs) array
    rows : (j,) int64 array
        How the caller counts them.
    ledger : Ledger or None
        Of the training that met them.
    places : (j,) int64 array
        Where they stand in the ledger.

    Raises
    ------
    NonFiniteError
        If the fitted network's error of a row is not finite.
    """
    engine = make_engine("compiled", net, objective, Descent(SGD()), 1, 0)
    errors, outputs = engine.row_errors(x, targets)
    errors = np.asarray(errors, np.float64)
    _require_finite(errors, outputs, rows)
    truth = truth_of(targets, objective.loss)
    if truth is Truth.NUMBERS:
        return _of_numbers(targets, outputs, errors, rows, ledger, places)
    margin, fitted = _margins(net, objective, outputs, targets, truth)
    labels = targets if targets.ndim == 1 else predicted_classes(targets, threshold=0.5)
    past = Past.of(ledger, places, len(rows))
    predictions = np.empty((0, len(rows)), np.int64) if ledger is None else ledger.prediction[:, places]
    noted = None if ledger is None else ledger.loss[:, places]
    left = 1.0 if noted is None else error_left(noted[0], errors)
    suggested = 1 - labels if truth is Truth.YES_OR_NO else nearest_other(predictions, outputs, labels)
    return Evidence(
        truth=truth,
        epochs=past.epochs,
        rows=rows,
        given=labels.astype(np.float64),
        suggested=suggested.astype(np.float64),
        fitted=fitted,
        output=np.zeros(len(rows), np.int64),
        score=judgement(noted, errors, left),
        loss=errors if ledger is None else ledger.mean_loss[places],
        margin=margin if ledger is None else ledger.mean_margin[places],
        fitted_loss=errors,
        fitted_margin=margin,
        wrong=past.wrong,
        learned=past.learned,
        forgotten=past.forgotten,
    )


@final
@dataclass(frozen=True, eq=False)
class Past:
    """What a ledger counted of rows; zeros where there is none."""

    epochs: int
    wrong: Array
    learned: Array
    forgotten: Array

    @classmethod
    def of(cls, ledger: Ledger | None, places: Array, count: int) -> Past:
        """Return the counts of the rows at some places."""
        if ledger is None or ledger.truth is Truth.NUMBERS:
            nothing = np.zeros(count, np.int64)
            return cls(0 if ledger is None else ledger.epochs, nothing, nothing, nothing)
        right, forgotten = (array[places].astype(np.int64) for array in (ledger.times_right, ledger.times_forgotten))
        return cls(ledger.epochs, ledger.epochs - right, ledger.learned[places], forgotten)


def _of_numbers(
    targets: Array, outputs: Array, errors: Array, rows: Array, ledger: Ledger | None, places: Array
) -> Evidence:
    """Return what is known of rows whose truth is numbers: how far it lies from what the network would say."""
    y, fitted = targets.astype(np.float64), outputs.astype(np.float64)
    at, output = np.arange(len(y)), np.zeros(len(y), np.int64)
    noted = None if ledger is None else ledger.loss[:, places]
    left = 1.0 if noted is None else error_left(noted[0], errors)
    if y.shape[1] == 1:
        kept = None if ledger is None else ledger.prediction[:, places]
        suggested = judgement(kept, fitted[:, 0], left)
        distance = np.abs(y[:, 0] - suggested)
    else:  # the ledger has no predictions of several numbers, but it has their error
        apart = np.abs(y - fitted)
        typical = np.median(apart, axis=0)
        output = (apart / np.where(typical > 0, typical, 1.0)).argmax(axis=1)
        suggested = fitted[at, output]
        distance = np.sqrt(np.maximum(judgement(noted, errors, left), 0.0))
    past, nothing = Past.of(ledger, places, len(y)), np.full(len(y), np.nan)
    return Evidence(
        truth=Truth.NUMBERS,
        epochs=past.epochs,
        rows=rows,
        given=y[at, output],
        suggested=suggested,
        fitted=fitted[at, output],
        output=output,
        score=in_medians(distance),
        loss=errors if ledger is None else ledger.mean_loss[places],
        margin=nothing,
        fitted_loss=errors,
        fitted_margin=nothing,
        wrong=past.wrong,
        learned=past.learned,
        forgotten=past.forgotten,
    )


def _margins(net: Network, objective: Objective, a: Array, targets: Array, truth: Truth) -> tuple[Array, Array]:
    """Return the fitted network's margin and class of each row, some rows at a time: (j,) float64 each."""
    margin, fitted = np.empty(len(a)), np.empty(len(a))
    for i in range(0, len(a), _ROWS_AT_A_TIME):
        part = slice(i, i + _ROWS_AT_A_TIME)
        y = one_hot(targets[part], objective.loss, net.outputs, net.dtype)
        margin[part], fitted[part] = margins_and_predictions(a[part], y, truth, objective.loss.threshold)
    return margin, fitted


def _require_finite(errors: Array, outputs: Array, rows: Array) -> None:
    bad = ~(np.isfinite(errors) & np.isfinite(outputs).all(axis=1))
    if bad.any():
        row = int(rows[int(bad.argmax())])
        raise NonFiniteError(
            f"The network's error of row {row} is not finite, so nothing can be said of its truth. Look for NaN in the "
            "weights, or for values of X that are far larger than in the training.",
            step=0,
            quantity="loss",
            row=row,
        )
