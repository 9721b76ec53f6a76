"""The encoder: from a table to what a network reads, and from what it answers back to names and units.

It is fitted once, on the rows that are trained on, and travels with the model. It matches columns and classes by name,
so that a file with other columns, another order or fewer classes still means the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from glassnet.data.stored import Stored
from glassnet.data.table import Table, Task
from glassnet.data.words import counted, it_has, listed, shown
from glassnet.errors import DataError, InputError

ROWS_AT_ONCE = 4096  # so that scaling 60,000 images in float64 needs no second copy of them all


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a network's outputs mean.

    Attributes
    ----------
    values : ndarray of shape (m,)
        Names of classes (str), or numbers in the target's own units (float64).
    scores : ndarray of shape (m, c), or None
        The output for each class, in the order of ``encoder.classes``: probabilities, where the last layer gives such.
        None for regression.
    """

    values: NDArray[Any]
    scores: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Encoder:
    """x′ = (x - shift) / scale, classes as numbers, and the way back.

    Attributes
    ----------
    columns : tuple of str
        The n inputs, in the network's order.
    shift, scale : ndarray of float64, shape (n,)
        Images: 0 and the largest value a pixel can have. Tables: mean and standard deviation (divided by m) of the rows
        fitted on; a constant column has scale 1.
    target : str
        Name of the target.
    task : {"classification", "regression"}
    classes : tuple of str
        Names of the classes, in the order of the outputs; empty for regression.
    target_shift, target_scale : float
        y′ = (y - target_shift) / target_scale for regression; 0 and 1 for classification.
    image_shape : tuple of (int, int), or None
    """

    columns: tuple[str, ...]
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    target: str
    task: Task
    classes: tuple[str, ...] = ()
    target_shift: float = 0.0
    target_scale: float = 1.0
    image_shape: tuple[int, int] | None = None

    @classmethod
    def fit(cls, table: Table) -> Encoder:
        """Learn the scales of a table; give it only the rows that will be trained on.

        Raises
        ------
        DataError
            Where the table has no rows or no target, a target of a single value, or numbers too large to be scaled.
        """
        if table.target is None or table.targets is None or table.task is None:
            raise DataError(f"{table.called or 'The table'} has no target to learn. Name one with --target.")
        if len(table) == 0:
            raise DataError(f"{table.called or 'The table'} has no rows to learn from.")
        if table.task == "classification" and len(table.classes) < 2:
            raise DataError(f"The target {shown(table.target)} has one class only: there is nothing to tell apart.")
        n = len(table.columns)
        shift, scale = np.zeros(n), np.ones(n)
        if table.largest_value is not None:
            scale[:] = table.largest_value
        else:
            for at, name in enumerate(table.columns):
                shift[at], scale[at] = _standard(table.inputs[:, at], name)
        target_shift, target_scale = 0.0, 1.0
        if table.task == "regression":
            if len(table) == 1:
                raise DataError(
                    "Too few rows are left to train on: 1 row. Hold out a smaller share of them (--validation), or "
                    "give more rows."
                )
            if table.targets.min() == table.targets.max():
                raise DataError(
                    f"The target {shown(table.target)} has one value only, {table.targets[0]:g}, in the {len(table)} "
                    "rows to train on: there is nothing to learn. Hold out a smaller share of the rows "
                    "(--validation), give more rows, or name another target."
                )
            target_shift, target_scale = _standard(table.targets, table.target)
        return cls(
            columns=table.columns,
            shift=shift,
            scale=scale,
            target=table.target,
            task=table.task,
            classes=table.classes,
            target_shift=target_shift,
            target_scale=target_scale,
            image_shape=table.image_shape,
        )

    def inputs(self, table: Table, dtype: DTypeLike = "float32") -> NDArray[Any]:
        """Return what the network reads.

        Parameters
        ----------
        table : Table
            Has the encoder's columns by name, in any order; others are ignored.
        dtype : {"float32", "float64"}
            The arithmetic is float64 whatever this is.

        Returns
        -------
        ndarray of shape (m, n)

        Raises
        ------
        DataError
            Where a column is missing, images have another shape, or a value is too far from those fitted on.
        """
        out = np.empty((len(table), len(self.columns)), dtype=_floats(dtype))
        order = self._order(table)
        for start in range(0, len(table), ROWS_AT_ONCE):
            part = table.inputs[start : start + ROWS_AT_ONCE]
            piece = out[start : start + ROWS_AT_ONCE]
            with np.errstate(over="ignore", invalid="ignore"):
                piece[...] = ((part if order is None else part[:, order]) - self.shift) / self.scale
            if not np.isfinite(piece).all():
                row, at = np.argwhere(~np.isfinite(piece))[0]
                value = part[row, at if order is None else order[at]]
                raise DataError(
                    f"The column {shown(self.columns[at])} holds {value:g} in row {start + int(row) + 1}, too large "
                    f"for {out.dtype} once scaled: the rows trained on have mean {self.shift[at]:g} and deviation "
                    f"{self.scale[at]:g}. Correct the value."
                )
        return out

    def targets(self, table: Table, dtype: DTypeLike = "float32") -> NDArray[Any]:
        """Return what the network is to answer.

        Parameters
        ----------
        table : Table
            Has the encoder's target; its classes are matched by name.
        dtype : {"float32", "float64"}
            Of regression targets.

        Returns
        -------
        ndarray
            int64 of shape (m,), positions in `classes`; or floats of shape (m, 1), standardised.

        Raises
        ------
        DataError
            Where the table has no such target, is read as the other task, or has a class the encoder does not know.
        """
        if table.targets is None or table.target != self.target:
            has = "none" if table.target is None else shown(table.target)
            raise DataError(
                f"The target of this model is {shown(self.target)}; {table.called or 'this table'} has {has}."
            )
        if table.task != self.task:
            raise DataError(
                f"This model was trained for {self.task}, and {table.called or 'this table'} was read "
                f"for {table.task}. Open it with task={self.task!r}."
            )
        if self.task == "regression":
            with np.errstate(over="ignore"):
                scaled = ((table.targets - self.target_shift) / self.target_scale).astype(_floats(dtype)).reshape(-1, 1)
            if not np.isfinite(scaled).all():
                row = int((~np.isfinite(scaled)).argmax())
                raise DataError(
                    f"The target {shown(self.target)} holds {table.targets[row]:g} in row {row + 1}: too large."
                )
            return scaled
        known = {name: position for position, name in enumerate(self.classes)}
        positions = np.array([known.get(name, -1) for name in table.classes], dtype=np.int64)
        labels: NDArray[np.int64] = positions[table.targets]
        if (labels < 0).any():
            row = int((labels < 0).argmax())
            raise DataError(
                f"Row {row + 1} of {table.called or 'this table'} is of the class "
                f"{shown(table.classes[table.targets[row]])}, which this model was not trained on. "
                f"It knows {listed(self.classes)}."
            )
        return labels

    def decode(self, prediction: ArrayLike) -> Decoded:
        """Turn a network's outputs into names or units.

        Parameters
        ----------
        prediction : array of shape (m, c), or (m, 1)
            One output a class, the largest of which wins, the first of equals; for two classes also one output, the
            probability of the second, which wins from 0.5. For regression one output.

        Returns
        -------
        Decoded

        Raises
        ------
        InputError
            Where the outputs do not fit the encoder, or one is NaN.
        """
        outputs = np.asarray(prediction, dtype=np.float64)
        if outputs.ndim == 1 and (self.task == "regression" or len(self.classes) == 2):
            outputs = outputs.reshape(-1, 1)
        widths = {1} if self.task == "regression" else {len(self.classes)} | ({1} if len(self.classes) == 2 else set())
        if outputs.ndim != 2 or outputs.shape[1] not in widths:
            what = "regression" if self.task == "regression" else f"{len(self.classes)} classes"
            raise InputError(f"Predictions for {what} have shape (m, {max(widths)}); got {outputs.shape}.")
        if np.isnan(outputs).any():
            row = int(np.isnan(outputs).any(axis=1).argmax())
            raise InputError(
                f"The prediction for row {row + 1} is NaN, which means nothing. The network's weights may be NaN."
            )
        if self.task == "regression":
            return Decoded(values=outputs[:, 0] * self.target_scale + self.target_shift, scores=None)
        scores = np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs
        # From 0.5 the second wins: the order of comparison is turned for one output.
        best = (outputs[:, 0] >= 0.5).astype(np.int64) if outputs.shape[1] == 1 else scores.argmax(axis=1)
        return Decoded(values=np.array(self.classes, dtype=np.str_)[best], scores=scores)

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as JSON can hold it; Python's JSON writes its floats so that they come back bit by bit."""
        return {
            "columns": list(self.columns),
            "shift": self.shift.tolist(),
            "scale": self.scale.tolist(),
            "target": self.target,
            "task": self.task,
            "classes": list(self.classes),
            "target_shift": float(self.target_shift),
            "target_scale": float(self.target_scale),
            "image_shape": None if self.image_shape is None else list(self.image_shape),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Encoder:
        """Return the encoder that `to_dict` wrote, after a look at every part of it.

        Raises
        ------
        InputError
            Where a part is missing, foreign, or not what it must be.
        """
        parts = Stored("encoder", stored, cls.__dataclass_fields__)
        columns = parts.names("columns")
        n = len(columns)
        task: Task = (
            "regression" if parts.one_of("task", ("classification", "regression")) == "regression" else "classification"
        )
        classes = parts.names("classes")
        parts.require(task == "classification" or not classes, "classes", "is empty for regression")
        parts.require(task == "regression" or len(classes) >= 2, "classes", "names two or more for classification")
        image_shape = parts.whole_pair("image_shape")
        parts.require(image_shape is None or math.prod(image_shape) == n, "image_shape", f"makes {counted(n, 'pixel')}")
        scale, target_scale = parts.numbers("scale", n), parts.number("target_scale")
        parts.require(bool((scale > 0).all()), "scale", "is above 0")
        parts.require(target_scale > 0, "target_scale", "is above 0")
        return cls(
            columns=columns,
            shift=parts.numbers("shift", n),
            scale=scale,
            target=parts.text("target"),
            task=task,
            classes=classes,
            target_shift=parts.number("target_shift"),
            target_scale=target_scale,
            image_shape=image_shape,
        )

    def _order(self, table: Table) -> NDArray[np.int64] | None:
        """Return where the encoder's columns are in the table, None where they are all there in the same order."""
        if self.image_shape is not None and table.image_shape not in (None, self.image_shape):
            raise DataError(
                f"This model reads images of {self.image_shape[0]} x {self.image_shape[1]} pixels; "
                f"{table.called or 'this table'} has images of {table.image_shape[0]} x {table.image_shape[1]}."
            )
        if table.columns == self.columns:
            return None
        places = {name: at for at, name in enumerate(table.columns)}
        missing = [name for name in self.columns if name not in places]
        if missing:
            raise DataError(
                f"{table.called or 'The table'} lacks the column{'s' if len(missing) > 1 else ''} {listed(missing)}, "
                f"which this model reads.{it_has(missing, table.columns)}"
            )
        return np.array([places[name] for name in self.columns], dtype=np.int64)


def _floats(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found not in (np.dtype("float32"), np.dtype("float64")):
        raise InputError(f"Networks read float32 or float64; got {dtype!r}.")
    return found


def _standard(column: NDArray[Any], name: str) -> tuple[float, float]:
    """Return the mean and standard deviation of a column; its value and 1 where it is constant."""
    values = np.ascontiguousarray(column, dtype=np.float64)
    if values.min() == values.max():
        return float(values[0]), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(values.mean())
        away = values - mean
        # In units of the largest distance, so that squares neither overflow nor vanish.
        largest = float(np.abs(away).max())
        deviation = largest * math.sqrt(float(np.square(away / largest).mean())) if largest else 0.0
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        raise DataError(
            f"The column {shown(name)} holds numbers up to {np.abs(values).max():.3g}, too large to be averaged. "
            "Divide it by a power of ten, or leave it out."
        )
    return mean, deviation or largest
