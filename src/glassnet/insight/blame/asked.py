"""What a person asks about, checked: rows, names, and a ledger that is of these rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Truth
from glassnet.errors import InputError
from glassnet.insight.subject import as_names
from glassnet.maths.metrics import predicted_classes
from glassnet.network.inputs import as_numbers, as_rows, as_sample_weight, as_targets, one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.training.ledger import Ledger

Array = NDArray[Any]

_ROUNDED = 2.0**-7
_COMPARED = 1000


@final
@dataclass(frozen=True, eq=False)
class Part:
    """Rows with their truth, checked.

    Parameters
    ----------
    x : (m, inputs) array
    targets : (m,) int64 labels or (m, outputs) array
    counted : (m,) bool array
        Whether a row has a weight above 0.
    """

    x: Array
    targets: Array
    counted: Array

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, numbers: Array) -> tuple[Array, Array]:
        """Return x and targets of some rows, without a copy where they are all in order."""
        if len(numbers) == len(self) and bool((np.diff(numbers) == 1).all()):
            return self.x, self.targets
        return self.x[numbers], self.targets[numbers]


@final
@dataclass(frozen=True)
class Names:
    """How things are called and shown.

    Parameters
    ----------
    features, classes : tuple of str
        Of the inputs, and of the classes or, where rows have numbers, the outputs.
    shift, scale : float
        Of the target's own units.
    """

    features: tuple[str, ...]
    classes: tuple[str, ...]
    shift: float
    scale: float

    @classmethod
    def of(
        cls,
        net: Network,
        truth: Truth,
        features: Sequence[str] | None,
        classes: Sequence[str] | None,
        shift: float,
        scale: float,
    ) -> Names:
        """Return names that are printable and as many as are needed."""
        count = 2 if truth is Truth.YES_OR_NO else net.outputs
        what = "output" if truth is Truth.NUMBERS else "class" if count == 1 else "classe"
        for name, value in (("target_shift", shift), ("target_scale", scale)):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
                raise InputError(f"{name} is {value!r:.80}; expected a finite number.")
        return cls(
            as_names("feature_names", features, net.input_shape[0], "input", "x"),
            as_names("class_names", classes, count, what, ""),
            float(shift),
            float(scale),
        )


@final
@dataclass(frozen=True, eq=False)
class Asked:
    """All that lists and pictures are made from, besides the evidence.

    Parameters
    ----------
    names : Names
    whole : Part
        The rows of X.
    apart : Part or None
        Held-out rows that are counted by themselves.
    original : (m, inputs) array
        X as people know it.
    image_shape : (rows, columns) or None
    top : int
    """

    names: Names
    whole: Part
    apart: Part | None
    original: Array
    image_shape: tuple[int, int] | None
    top: int


def as_part(
    net: Network, objective: Objective, X: ArrayLike, Y: ArrayLike, sample_weight: ArrayLike | None, x: str, y: str
) -> Part:
    """Return rows checked, in the network's dtype; `x` and `y` are what they are called in messages."""
    rows = as_rows(X, net.input_shape, net.dtype, x)
    targets = as_targets(Y, objective.loss, len(rows), net.outputs, net.dtype, y)
    weights = as_sample_weight(sample_weight, len(rows), net.dtype)
    return Part(rows, targets, np.asarray(weights > 0))


def as_ledger(ledger: object) -> Ledger | None:
    """Return the ledger; None where there is none, or it has no epoch yet."""
    if ledger is None or ledger is False:
        return None
    if not isinstance(ledger, Ledger):
        raise InputError(
            f"ledger is a {type(ledger).__name__}; expected the ledger of the training, history.ledger, or None to let "
            "the fitted network judge alone."
        )
    return ledger if ledger.epochs else None


def require_same_rows(
    ledger: Ledger | None, whole: Part, trained_rows: ArrayLike | None, objective: Objective
) -> Array:
    """Return which rows of X the ledger is of, in its order; all of them where there is no ledger.

    Raises
    ------
    InputError
        If they cannot be the rows of the ledger: others are there, or other truth.
    """
    m = len(whole)
    if trained_rows is not None:
        numbers = np.atleast_1d(as_numbers(trained_rows, "trained_rows"))
        if numbers.dtype.kind not in "iu" or numbers.ndim != 1 or len(np.unique(numbers)) != len(numbers):
            raise InputError("trained_rows is no list of rows; expected a whole number for each, none of them twice.")
        numbers = numbers.astype(np.int64)
    else:
        numbers = np.arange(m) if ledger is None else np.asarray(ledger.numbers, np.int64)
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= m):
        raise InputError(
            f"The ledger is of rows up to {int(numbers.max()):,}; X has {m:,}. Give X and Y as they were trained on, "
            "all of them, in the same order."
        )
    if ledger is None:
        return numbers
    if len(numbers) != len(ledger):
        raise InputError(f"trained_rows has {len(numbers):,} rows; the ledger is of {len(ledger):,}.")
    targets = whole.targets[numbers]
    wrong = _labels_that_differ(ledger, targets) if ledger.labels is not None else _unlike(ledger, targets, objective)
    if len(wrong):
        row = int(numbers[wrong[0]])
        raise InputError(
            f"Y says something else of row {row} than the ledger; so it is with {len(wrong):,} rows. Give X and Y as "
            "they were trained on, in the same order."
        )
    return numbers


def _labels_that_differ(ledger: Ledger, targets: Array) -> Array:
    """Return the places where a label is not the ledger's."""
    labels = targets if targets.ndim == 1 else predicted_classes(targets, threshold=0.5)
    return np.flatnonzero(labels != ledger.labels)


def _unlike(ledger: Ledger, targets: Array, objective: Objective) -> Array:
    """Return places where the error noted last is not that of the prediction noted last: the number must be another.

    Both were rounded to 8 bits, so the errors of the predictions within that are compared, of some rows.
    """
    if targets.ndim == 1 or targets.shape[1] != 1:
        return np.empty(0, np.int64)
    counted = np.flatnonzero(ledger.counted)
    some = counted[np.linspace(0, len(counted) - 1, min(_COMPARED, len(counted))).astype(np.int64)]
    noted, prediction = ledger.loss[-1, some].astype(np.float64), ledger.prediction[-1, some].astype(np.float64)
    y = one_hot(targets[some].astype(np.float64), objective.loss, 1, np.dtype(np.float64))
    nudged = [objective.loss.rows((prediction * (1 + by))[:, None], y) for by in (-_ROUNDED, 0.0, _ROUNDED)]
    largest = np.max(nudged, axis=0)
    slack = _ROUNDED * np.abs(noted) + 1e-6 * (1 + np.abs(largest))
    unlike: Array = some[noted > largest + slack]
    return unlike
