"""What people pass in, taken as it is and checked once: rows, truths and weights of rows.

Arrays may come from NumPy, pandas, polars or Arrow. What cannot be used is refused in a sentence; nothing is guessed
or repaired.
"""

from __future__ import annotations

from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError, warn
from glassnet.maths.loss import Loss, Targets

Array = NDArray[Any]
Shape = tuple[int, ...]


def as_numbers(values: ArrayLike, name: str) -> Array:
    """Return `values` as an array of bool, integers or floats, all finite.

    Raises
    ------
    InputError
        For None, text, objects, masked values, complex numbers, ragged lists, NaN and infinities; says where the first
        one stands.
    """
    if values is None:
        raise InputError(f"{name} is None; expected an array of numbers.")
    if hasattr(values, "toarray"):
        raise InputError(f"{name} is a sparse {type(values).__name__}; expected a dense array. Pass {name}.toarray().")
    if np.ma.is_masked(values):
        raise InputError(f"{name} has masked values; expected a number everywhere. Remove or fill them first.")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} cannot be read as one array ({error}); expected rows of equal length.") from error
    if array.dtype == object:  # what pandas gives for columns of unlike types
        array = _from_objects(array, name)
    if array.dtype.kind not in "buif":
        cure = _CURES.get(array.dtype.kind, "Pass one array of numbers.")
        raise InputError(f"{name} holds {array.dtype} values; expected numbers. {cure}")
    if array.dtype.kind == "f" and not _all_finite(array):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        count = int((~np.isfinite(array)).sum())
        raise InputError(
            f"{name} holds {array[at]} at {list(at)} ({count} such value{'s' if count > 1 else ''} in all); "
            f"expected finite numbers. Remove or fill {'them' if count > 1 else 'it'} first."
        )
    return array


def _all_finite(array: Array) -> bool:
    """Whether all numbers are finite, found in memory that does not grow with the rows."""
    rows = np.atleast_1d(array)
    step = max(1, _NUMBERS_AT_A_TIME // max(1, rows[:1].size))
    return all(np.isfinite(rows[i : i + step]).all() for i in range(0, len(rows), step))


_NUMBERS_AT_A_TIME = 2**18

_LABELS = "Turn labels into integers, for example with numpy.unique(labels, return_inverse=True)[1]."
_CURES = {
    "U": _LABELS,
    "S": _LABELS,
    "M": "Turn dates into numbers first, for example days since a date.",
    "m": "Turn durations into numbers first, for example seconds.",
    "c": "Pass real and imaginary parts as columns of their own.",
}


def _from_objects(array: Array, name: str) -> Array:
    """Return an object array of plain numbers as an array of numbers."""
    for at in np.ndindex(array.shape):
        value = array[at]
        if not isinstance(value, Real | Decimal | np.bool_):
            cure = _LABELS if isinstance(value, str | bytes) else "Pass numbers in rows of equal length."
            raise InputError(
                f"{name} is an object array that holds {value!r:.100} of type {type(value).__name__} at {list(at)}; "
                f"expected numbers. {cure}"
            )
    whole = all(isinstance(value, Integral | np.bool_) for value in array.flat)
    try:
        return array.astype(np.int64 if whole else np.float64)
    except OverflowError:
        raise InputError(f"{name} holds whole numbers beyond 64 bits; scale them down.") from None


def into(view: Array, values: ArrayLike, name: str) -> None:
    """Copy numbers into a view of θ.

    Raises
    ------
    InputError
        If the shape is another, a value cannot be used, or it is beyond the view's dtype; nothing is changed then.
    """
    array = as_numbers(values, name)
    if array.shape != view.shape:
        raise InputError(f"{name} has shape {view.shape}; got an array of shape {array.shape}.")
    view[...] = _cast(array, view.dtype, name)


def _cast(array: Array, dtype: np.dtype[Any], name: str) -> Array:
    """Return finite numbers in a dtype that may be too small for them."""
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(array, dtype=dtype)
    if cast.dtype != array.dtype and not _all_finite(cast):
        single = dtype == np.float32
        limit = "float32's 3.4e38; scale them down or use dtype='float64'" if single else "float64's 1.8e308"
        raise InputError(f"{name} holds numbers beyond {limit}.")
    return cast


def as_rows(X: ArrayLike, input_shape: Shape, dtype: np.dtype[Any], name: str = "X") -> Array:
    """Return X as a C-contiguous (m, inputs) array of `dtype`.

    Raises
    ------
    InputError
        If the shape does not fit the network, or a value cannot be used.
    """
    array = as_numbers(X, name)
    if array.ndim == 1 and array.shape == input_shape:
        raise InputError(f"{name} has shape {array.shape}; expected rows. For a single row pass {name}[None, :].")
    if array.ndim != 1 + len(input_shape) or array.shape[1:] != input_shape:
        raise InputError(
            f"{name} has shape {array.shape}; the network reads rows of shape {input_shape}, so expected "
            f"(m, {', '.join(map(str, input_shape))})."
        )
    if len(array) == 0:
        raise InputError(f"{name} has no rows; expected at least one.")
    return _cast(array, dtype, name)


def as_targets(Y: ArrayLike, loss: Loss, m: int, outputs: int, dtype: np.dtype[Any], name: str = "Y") -> Array:
    """Return Y checked: (m,) int64 class labels, or (m, outputs) numbers of `dtype`.

    Integer labels are meant where Y is (m,) or (m, 1), holds whole numbers of an integer type, and the network has
    several outputs.

    Raises
    ------
    InputError
        If the shape does not fit, a label has no output, or the loss cannot read the numbers.
    """
    array = as_numbers(Y, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 0 or len(array) != m:
        raise InputError(f"{name} has shape {array.shape}; X has {m} rows, so expected ({m},) or ({m}, {outputs}).")
    if array.ndim == 1 and outputs > 1:
        return _as_labels(array, outputs, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.shape != (m, outputs):
        raise InputError(
            f"{name} has shape {array.shape}; the network has {outputs} output{'s' if outputs > 1 else ''}, so "
            f"expected ({m}, {outputs})" + (f" or integer labels ({m},)." if outputs > 1 else f" or ({m},).")
        )
    targets = _cast(array, dtype, name)
    _require_kind(targets, loss, name)
    if loss.targets is Targets.DISTRIBUTION:
        targets = targets / targets.sum(axis=1, keepdims=True)  # to the last digit, as the loss takes it for granted
    return targets


def _as_labels(array: Array, outputs: int, name: str) -> Array:
    if array.dtype.kind == "f":
        raise InputError(
            f"{name} has shape {array.shape} and holds {array.dtype} numbers, but the network has {outputs} outputs; "
            f"expected integer labels 0 to {outputs - 1} (for labels stored as floats pass {name}.astype(int)) or "
            f"targets of shape ({len(array)}, {outputs})."
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= outputs:
        raise InputError(
            f"{name} holds the label {low if low < 0 else high}; the network has {outputs} outputs, so expected "
            f"labels 0 to {outputs - 1}. Give the last layer one unit per class, or number the classes from 0."
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _require_kind(targets: Array, loss: Loss, name: str) -> None:
    """Refuse numbers that the loss does not accept as truth."""
    kind = loss.targets
    tolerance = 1e-6 if targets.dtype == np.float64 else 1e-4
    ok: NDArray[np.bool_] | np.bool_ = np.bool_(True)
    if kind is Targets.NONNEGATIVE:
        ok = targets >= 0
    elif kind is Targets.UNIT:
        ok = (targets >= 0) & (targets <= 1)
    elif kind is Targets.DISTRIBUTION:
        ok = (targets >= 0) & (np.abs(targets.sum(axis=1, keepdims=True) - 1) <= tolerance)
    elif kind is Targets.ONE_HOT:
        ok = ((targets == 0) | (targets == 1)) & (targets.sum(axis=1, keepdims=True) == 1)
    if not np.all(ok):
        row = int(np.argwhere(~ok)[0][0])
        shown = np.array2string(targets[row], threshold=8, precision=4)
        raise InputError(
            f"{name} holds {shown} in row {row}; loss {loss.name!r} reads integer labels or {kind.value}."
            if targets.shape[1] > 1
            else f"{name} holds {shown} in row {row}; loss {loss.name!r} reads {kind.value}."
        )


def one_hot(targets: Array, loss: Loss, outputs: int, dtype: np.dtype[Any]) -> Array:
    """Return the truth as the loss's formulas read it: (m, outputs), labels as one-hot, smoothing worked in."""
    if targets.ndim == 1:
        y: Array = np.zeros((len(targets), outputs), dtype)
        y[np.arange(len(targets)), targets] = 1
    else:
        y = targets
    return loss.smooth(y)


def are_classes(targets: Array) -> bool:
    """Whether targets name one class for each row: labels, or one-hot over several outputs."""
    if targets.ndim == 1:
        return True
    if targets.shape[1] == 1:
        return False
    zeros_and_ones = (targets == 0) | (targets == 1)
    return bool(zeros_and_ones.all() and (targets.sum(axis=1) == 1).all())


def require_classes_to_learn(targets: Array, loss: Loss, outputs: int, name: str = "Y") -> None:
    """Refuse rows that are all of one class, and warn of outputs that no label names.

    Raises
    ------
    InputError
        If all rows have the same label: there is nothing to tell apart.
    """
    yes_or_no = targets.ndim == 2 and outputs == 1 and loss.threshold is not None
    if len(targets) == 1 or not (yes_or_no or are_classes(targets)):
        return
    seen = np.unique(targets.argmax(axis=1) if targets.ndim == 2 and outputs > 1 else targets)
    if len(seen) == 1:
        raise InputError(
            f"{name} holds the single class {int(seen[0])} in all {len(targets)} rows; expected at least two classes. "
            "Add rows of another class."
        )
    if len(seen) < outputs and targets.ndim == 1:
        never = [k for k in range(outputs) if k not in set(seen.tolist())]
        names = ", ".join(map(str, never[:5])) + (", …" if len(never) > 5 else "")
        warn(
            f"The network has {outputs} outputs, but {name} names only {len(seen)} classes: no row shows output "
            f"{names}. Give the last layer {int(seen[-1]) + 1} units if there are no such rows."
        )


def as_sample_weight(sample_weight: ArrayLike | None, m: int, dtype: np.dtype[Any]) -> Array:
    """Return one weight a row, (m,) of `dtype`; ones for None.

    Raises
    ------
    InputError
        If the shape is wrong, a weight is negative, or all are zero.
    """
    if sample_weight is None:
        return np.ones(m, dtype)
    array = as_numbers(sample_weight, "sample_weight")
    if array.shape != (m,):
        raise InputError(f"sample_weight has shape {array.shape}; X has {m} rows, so expected ({m},).")
    if (array < 0).any():
        row = int(np.argmax(array < 0))
        raise InputError(f"sample_weight holds {array[row]} in row {row}; expected weights from 0 up.")
    weight = _cast(array, dtype, "sample_weight")
    if not weight.any():
        raise InputError("sample_weight is 0 for every row; expected at least one row that counts.")
    return weight
