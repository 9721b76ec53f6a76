"""What a step notes of each of its rows while it is at it: error, length of its gradient, margin, and prediction.

The numbers are those of the moment: of the θ before the step's update and under its dropout masks.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.loss import Loss
from glassnet.maths.metrics import predicted_classes
from glassnet.network.inputs import are_classes

Array = NDArray[Any]

LOSS, NORM, MARGIN, PREDICTION = range(4)
"""Where the four stand on the last axis of notes."""

NOTES = 4


@final
@dataclass(frozen=True)
class Notes:
    """Where steps write what they note.

    Parameters
    ----------
    values : (epochs, m, 4) array
        Of the network's dtype, contiguous: for each epoch that the steps touch, a place for each row of the block.
        What is said of a row of weight 0 is left as it is.
    place : int
        How many rows of its epoch were met before the first row of these steps.
    """

    values: Array
    place: int

    def write(self, place: int, rows: Array, notes: Array) -> None:
        """Write notes (r, 4) of rows that were met one after the other, in one epoch, from a place of the steps on."""
        self.values[(self.place + place) // self.values.shape[1], rows] = notes


@enum.unique
class Truth(enum.Enum):
    """What rows have as truth."""

    CLASSES = 1
    """A class each, of several outputs."""
    YES_OR_NO = 2
    """Yes or no, of one output."""
    NUMBERS = 3


def truth_of(targets: Array, loss: Loss) -> Truth:
    """Return what rows have as truth, from targets (m,) or (m, outputs)."""
    if are_classes(targets):
        return Truth.CLASSES
    return Truth.YES_OR_NO if loss.threshold is not None and targets.shape[1] == 1 else Truth.NUMBERS


def margins_and_predictions(a: Array, y: Array, truth: Truth, threshold: float | None) -> tuple[Array, Array]:
    """Return by how much each row is right (m,), and what it is taken for (m,).

    The margin is the output of the row's class less the largest other one; a single output a stands for two: a says
    yes, and 2·threshold − a says no. Numbers have no margin, and several of them are no one prediction: NaN.

    Parameters
    ----------
    a : (m, outputs) array
        Of the last layer.
    y : (m, outputs) array
        The truth as the loss reads it.
    truth : Truth
    threshold : float or None
        The loss's.
    """
    nothing = np.full(len(a), np.nan, a.dtype)
    if truth is Truth.NUMBERS:
        return nothing, a[:, 0] if a.shape[1] == 1 else nothing
    if truth is Truth.YES_OR_NO:
        above = 2 * (a[:, 0] - a.dtype.type(threshold))
        return np.where(y[:, 0] > 0.5, above, -above), predicted_classes(a, threshold).astype(a.dtype)
    rows, label = np.arange(len(a)), y.argmax(axis=1)
    others = a.copy()
    others[rows, label] = -np.inf
    return a[rows, label] - others.max(axis=1), predicted_classes(a).astype(a.dtype)
