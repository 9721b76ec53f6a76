"""What happens while a network trains, as typed events, and how callbacks hear of it."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.engines import Block
    from glassnet.network.network import Network
    from glassnet.training.history import History


@dataclass(frozen=True)
class Event:
    """Something that happened; its `network` holds the weights of this moment."""

    network: Network


@final
@dataclass(frozen=True)
class TrainingStarted(Event):
    """Before the first step of this call.

    Parameters
    ----------
    epochs, steps_per_epoch : int
    epoch : int
        Where it starts: 0, or more when a run is resumed.
    rows, held_out : Block, Block or None
        The rows to train on and those to validate with, as the network reads them: ``rows.x``, ``rows.y``,
        ``rows.sample_weight``.
    """

    epochs: int
    steps_per_epoch: int
    epoch: int
    rows: Block
    held_out: Block | None


@final
@dataclass(frozen=True)
class StepEnded(Event):
    """After each step; hearing these keeps the engine from running many steps at a stretch.

    Parameters
    ----------
    epoch, step : int
        The epoch, and the step counted over the whole run; both from 0.
    loss : float
        The step's mean row error with the penalty, before its update.
    learning_rate : float
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float


@final
@dataclass(frozen=True)
class Progressed(Event):
    """A few times a second, for progress bars, and at least once an epoch.

    Parameters
    ----------
    epoch : int
    steps : int
        Steps taken in this epoch.
    steps_per_epoch : int
    loss : float
        The mean over this epoch's rows so far.
    """

    epoch: int
    steps: int
    steps_per_epoch: int
    loss: float


@final
@dataclass(frozen=True)
class EpochEnded(Event):
    """After each epoch and its validation.

    Parameters
    ----------
    epoch : int
        From 0.
    loss : float
        The mean of the rows' errors as they were met, with the penalty.
    validation_loss, validation_accuracy : float or None
        None without validation data, or where there are no classes.
    learning_rate : float
        Of the epoch's last step.
    is_best : bool
        Whether early stopping took this epoch's weights as the best so far.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    is_best: bool


@final
@dataclass(frozen=True)
class CheckpointSaved(Event):
    """After a checkpoint was written.

    Parameters
    ----------
    path : Path
    epoch : int
    """

    path: Path
    epoch: int


@final
@dataclass(frozen=True)
class TrainingEnded(Event):
    """After the last step, with the weights as the caller gets them.

    Parameters
    ----------
    history : History
        Its `stopped` says why training ended.
    """

    history: History


class StopTraining(Exception):
    """Raised by a callback to end training after this event; its text becomes ``history.stopped``."""


Callback = Callable[[Any], object]


@final
class Listeners:
    """Callbacks, each with the kinds of event it hears.

    A callback hears the events that its parameter is annotated with, one or a union; without an annotation it hears
    `EpochEnded`.

    Raises
    ------
    InputError
        If a callback cannot be called with one event, or its annotation names no event.

    Examples
    --------
    >>> def report(event: StepEnded | EpochEnded) -> None:
    ...     print(event.loss)
    >>> listeners = Listeners([report, lambda event: None])
    >>> listeners.hear(StepEnded), listeners.hear(Progressed)
    (True, False)
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        if callable(callbacks) or not isinstance(callbacks, Sequence):
            raise InputError(f"callbacks is {callbacks!r}; expected a list of functions of one event.")
        self._pairs = [(_kinds(callback), callback) for callback in callbacks]

    def hear(self, kind: type[Event]) -> bool:
        """Whether any callback hears events of this kind."""
        return any(issubclass(kind, kinds) for kinds, _ in self._pairs)

    def tell(self, event: Event) -> None:
        """Call every callback that hears this event, in order."""
        for kinds, callback in self._pairs:
            if isinstance(event, kinds):
                callback(event)


def _kinds(callback: Callback) -> tuple[type[Event], ...]:
    """Return the events that a callback's first parameter is annotated with."""
    if not callable(callback):
        raise InputError(f"callbacks holds {callback!r}; expected functions of one event.")
    try:
        signature = inspect.signature(callback)
    except ValueError:  # a built-in such as print
        return (EpochEnded,)
    try:
        bound = signature.bind(object())
    except TypeError as error:
        raise InputError(f"Callback {callback!r} cannot be called with one event: {error}.") from None
    first = signature.parameters[next(iter(bound.arguments))]
    if first.annotation is inspect.Parameter.empty:
        return (EpochEnded,)
    function = callback.func if isinstance(callback, functools.partial) else callback
    function = function if inspect.isroutine(function) else type(function).__call__
    try:
        hint = typing.get_type_hints(function)[first.name]
    except Exception as error:  # an annotation may be any expression
        raise InputError(f"The annotation of callback {callback!r} cannot be read: {error}.") from error
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = typing.get_args(hint) if union else (hint,)
    if not all(isinstance(kind, type) and issubclass(kind, Event) for kind in kinds):
        raise InputError(f"Callback {callback!r} is annotated with {hint!r}; expected an event such as gn.EpochEnded.")
    return kinds
