"""What units are compared with: classes or numbers, given or, where nothing was given, predicted; and which rows.

It reads a person's arguments once and hands on checked arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.features.records import Truth
from glassnet.insight.subject import Subject, as_names, loss_of, make_subject
from glassnet.maths.loss import Loss, Targets
from glassnet.maths.losses import LOSSES
from glassnet.maths.random import Purpose, generator
from glassnet.network.inputs import are_classes, as_numbers
from glassnet.network.network import Network

Array = NDArray[Any]


@final
@dataclass(frozen=True, eq=False)
class Asked:
    """Checked arguments.

    Attributes
    ----------
    subject : Subject
        Of the rows that are looked at.
    rows : (m,) array of int
        Which rows of X these are.
    rows_given : int
    seed : int
    truth : {"classes", "predicted classes", "numbers", "predicted numbers"}
    classes : tuple of str
        Empty for numbers.
    member : (m, c) array of bool
        Which classes a row belongs to.
    numbers : (m, p) array
        Where the truth is numbers; p is 0 for classes.
    """

    subject: Subject
    rows: Array
    rows_given: int
    seed: int
    truth: Truth
    classes: tuple[str, ...]
    member: Array
    numbers: Array

    def answer(self, at: int) -> str:
        """Return the truth of one row in words."""
        if self.classes:
            return ", ".join(name for name, is_in in zip(self.classes, self.member[at], strict=True) if is_in) or "none"
        return ", ".join(f"{value:.4g}" for value in self.numbers[at])


def ask(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike | None,
    loss: str | Loss | None,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
    max_rows: int,
    seed: int,
) -> Asked:
    """Return what a person's arguments describe; see `features`."""
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    if feature_names is None and hasattr(X, "columns") and all(isinstance(name, str) for name in X.columns):
        feature_names = list(X.columns)
    x = as_numbers(X, "X")
    given = len(x) if x.ndim else 0
    y = None if Y is None else as_numbers(Y, "Y")
    rows = np.arange(given)
    if given > max_rows:
        if y is not None and (y.ndim == 0 or len(y) != given):
            raise InputError(f"Y has shape {y.shape}; X has {given} rows, so expected as many.")
        rows = np.sort(generator(seed, Purpose.SAMPLING).choice(given, max_rows, replace=False))
        x, y = x[rows], None if y is None else y[rows]
    pair: tuple[str, ...] = ()
    if net.outputs == 1 and class_names is not None and not isinstance(class_names, str) and len(class_names) == 2:
        pair = as_names("class_names", class_names, 2, "class", "")
        class_names = pair[1:]
    shown = _predicted(net, x, LOSSES.resolve(loss_of(net, loss))) if y is None else y
    subject = make_subject(net, x, shown, loss, feature_names=feature_names, class_names=class_names)
    member = _member(subject.targets, net.outputs)
    if member is None:
        truth: Truth = "numbers" if y is not None else "predicted numbers"
        none = np.zeros((len(rows), 0), bool)
        return Asked(subject, rows, given, seed, truth, (), none, subject.targets)
    names = subject.class_names
    if net.outputs == 1:
        name, values = subject.class_names[0], np.unique(subject.targets)
        names = pair or tuple(f"{name} = {value:g}" for value in values)
    truth = "classes" if y is not None else "predicted classes"
    return Asked(subject, rows, given, seed, truth, names, member, np.zeros((len(rows), 0)))


def _predicted(net: Network, x: Array, loss: Loss) -> Array:
    """Return predictions as a truth: labels where the loss reads classes, 0 and 1 where it reads yes or no."""
    prediction = net.predict(x)
    if not np.isfinite(prediction).all():
        return np.zeros(len(x), int) if net.outputs > 1 else np.zeros(len(x))  # refused later, with layer and row
    if net.outputs > 1 and loss.targets in (Targets.DISTRIBUTION, Targets.ONE_HOT):
        labels: Array = prediction.argmax(axis=1)
        return labels
    if loss.threshold is not None:
        return (prediction >= loss.threshold).astype(float)
    return prediction


def _member(targets: Array, outputs: int) -> Array | None:
    """Return which classes each row belongs to, (m, c), or None where the truth is numbers.

    Labels and one-hot rows name one class each; zeros and ones over several outputs are classes that need not exclude
    each other; two values on one output are no and yes.
    """
    if targets.ndim == 1:
        member: Array = targets[:, None] == np.arange(outputs)
        return member
    if outputs == 1:
        values = np.unique(targets[:, 0])
        return targets == values if len(values) == 2 else None
    if are_classes(targets) or ((targets == 0) | (targets == 1)).all():
        yes: Array = targets == 1
        return yes
    return None
