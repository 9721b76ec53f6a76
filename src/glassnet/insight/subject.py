"""What every question is about: a network, rows with their truth, and the error by which it is judged.

People pass arrays; they are checked here once, in sentences, and computed with in float64 from then on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.maths.loss import Loss
from glassnet.maths.losses import suiting
from glassnet.network.inputs import as_rows, as_sample_weight, as_targets, one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

_NUMBERS_AT_A_TIME = 4_000_000


@final
@dataclass(frozen=True)
class Subject:
    """A network and rows, checked.

    Parameters
    ----------
    network : Network
        Of dtype float64; a copy.
    objective : Objective
    x : (m, inputs) float64 array
    y : (m, outputs) float64 array
        The truth as the loss's formulas read it.
    targets : (m,) int64 labels or (m, outputs) float64 array
        The truth as it was given.
    sample_weight : (m,) float64 array
    feature_names : tuple of str
        One for each input; "x0", "x1", ... where nothing is known of them.
    class_names : tuple of str
        One for each output; "0", "1", ... where nothing is known of them.
    """

    network: Network
    objective: Objective
    x: Array
    y: Array
    targets: Array
    sample_weight: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)

    def blocks(self) -> Iterator[slice]:
        """Give the rows in blocks whose passes, all layers together, are of bounded size."""
        step = max(1, _NUMBERS_AT_A_TIME // sum(shape[0] for shape in self.network.shapes))
        return (slice(i, min(i + step, len(self))) for i in range(0, len(self), step))

    def rows(self, numbers: Array | slice) -> Subject:
        """Return the same question about some of the rows."""
        arrays = {name: getattr(self, name)[numbers] for name in ("x", "y", "targets", "sample_weight")}
        return dataclasses.replace(self, **arrays)


def make_subject(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss | None = None,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> Subject:
    """Return what a person's arguments describe.

    Parameters
    ----------
    net : Network
    X, Y, reduction, sample_weight, l1, l2
        As for `Network.backprop`.
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    feature_names : sequence of str or None
        Names of the inputs; None takes those of a data frame's columns.
    class_names : sequence of str or None
        Names of the outputs.

    Raises
    ------
    InputError
        If an array, a name or an argument cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    exact = net.astype(np.float64)
    objective = exact.objective(loss_of(net, loss), reduction, l1, l2)
    x = as_rows(X, exact.input_shape, exact.dtype)
    targets = as_targets(Y, objective.loss, len(x), exact.outputs, exact.dtype)
    if feature_names is None:
        feature_names = column_names(X)
    return Subject(
        network=exact,
        objective=objective,
        x=x,
        y=one_hot(targets, objective.loss, exact.outputs, exact.dtype),
        targets=targets,
        sample_weight=as_sample_weight(sample_weight, len(x), exact.dtype),
        feature_names=as_names("feature_names", feature_names, exact.input_shape[0], "input", "x"),
        class_names=as_names("class_names", class_names, exact.outputs, "output", ""),
    )


def column_names(X: object) -> list[str] | None:
    """Return the names of a data frame's columns; None where X has none."""
    names: Any = getattr(X, "columns", None)
    return list(names) if names is not None and all(isinstance(name, str) for name in names) else None


def loss_of(net: Network, loss: str | Loss | None) -> str | Loss:
    """Return the loss that is meant: the named one, else that of the training, else the one that suits the network.

    Raises
    ------
    InputError
        If it was trained with a loss of the user's own of which only the name is known.
    """
    if loss is not None:
        return loss
    if isinstance(net.loss, str):
        raise InputError(
            f"The network was trained with the loss {net.loss!r}, which is not one of glassnet's own. Pass its record: "
            "loss=record."
        )
    return suiting(net.layers[-1].activation) if net.loss is None else net.loss


def as_names(argument: str, names: Sequence[str] | None, count: int, what: str, letter: str) -> tuple[str, ...]:
    """Return one printable line for each of `count` inputs, neurons or outputs; letter and number where None is given.

    Raises
    ------
    InputError
        If there are more or fewer names.
    """
    if names is None:
        return tuple(f"{letter}{i}" for i in range(count))
    if isinstance(names, str) or len(names) != count:
        raise InputError(f"{argument} is {names!r:.80}; the network has {count} {what}s, so expected {count} names.")
    return tuple(printable(str(name)) for name in names)


def printable(text: str) -> str:
    r"""Return text as one line without letters that no page has a place for.

    Examples
    --------
    >>> from glassnet.insight.subject import printable
    >>> printable("size\tin\nm²\0")
    'size in m²�'
    """
    replaced = (" " if letter.isspace() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return "".join(letter if letter.isprintable() else other for letter, other in zip(text, replaced, strict=True))


def as_row(row: object, count: int, name: str = "row", source: str = "X") -> int:
    """Return the number of a row, from 0.

    Raises
    ------
    InputError
        If it is no whole number, or there is no such row among the `count` rows of `source`.
    """
    if isinstance(row, bool) or not isinstance(row, int | np.integer) or not 0 <= row < count:
        has, to = f"{count:,} row{'s' * (count != 1)}", f"a whole number from 0 to {count - 1:,}" if count > 1 else "0"
        raise InputError(f"{name} is {row!r:.80}; {source} has {has}, so expected {to}.")
    return int(row)


def as_image_shape(shape: object, inputs: int) -> tuple[int, int] | None:
    """Return (rows, columns) of images with so many pixels, or None where inputs are no images.

    Raises
    ------
    InputError
        If these are not two whole numbers from 1 up whose product is the number of inputs.
    """
    if shape is None:
        return None
    sides = tuple(shape) if isinstance(shape, Sequence | np.ndarray) and not isinstance(shape, str) else ()
    whole = all(isinstance(side, int | np.integer) and not isinstance(side, bool) and side > 0 for side in sides)
    if len(sides) != 2 or not whole or sides[0] * sides[1] != inputs:
        raise InputError(
            f"image_shape is {shape!r:.80}; the network has {inputs} inputs, so expected (rows, columns) whose product "
            f"is {inputs}, such as (28, 28) for 784."
        )
    return int(sides[0]), int(sides[1])
