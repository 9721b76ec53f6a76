"""`why`: take a run's steps again, one by one, and book what moved one weight."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Truth, truth_of
from glassnet.errors import InputError, warn
from glassnet.insight.places import Place, Spot, find
from glassnet.insight.subject import as_names, column_names
from glassnet.insight.why.record import StepNumbers, Why
from glassnet.insight.why.slopes import Slopes
from glassnet.insight.why.span import Range, Span, as_span
from glassnet.insight.why.tally import CLIPPING, DECAY, L1, L2, ROUNDING, ROWS, Tally, number_of
from glassnet.maths.activation import AnyActivation
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import Optimizer
from glassnet.network.network import Network
from glassnet.network.rows import require_independent_rows
from glassnet.training import Replay, RunFolder
from glassnet.training.arguments import as_count
from glassnet.training.blas import OneBlasThread
from glassnet.training.replay import TakenStep

Array = NDArray[Any]

STEPS_UP, STEPS_DOWN = "steps_up", "steps_down"


def why(
    run: Replay | RunFolder | str | os.PathLike[str],
    X: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    weight: Spot | None = None,
    *,
    validation: Any = None,
    sample_weight: ArrayLike | None = None,
    epoch: int | None = None,
    epochs: Range | None = None,
    step: int | None = None,
    steps: Range | None = None,
    top: int = 10,
    loss: Loss | None = None,
    activations: Mapping[str, AnyActivation] | None = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> Why:
    """Tell why a weight moved: which rows pushed it up and down, and what the optimizer and all else added.

    The steps are taken again from the nearest snapshot, bit for bit, and each is taken apart in float64.

    Parameters
    ----------
    run : path, RunFolder or Replay
        The folder in which the run was kept, or the run as it can be taken again (X, Y and the like are then in it).
    X, Y, validation, sample_weight
        As they were given to `train`; other rows are refused.
    weight : str or sequence of int
        (layer, from, to) of a weight or (layer, neuron) of a bias; as text "1:12,3".
    epoch, step : int or None
        One epoch, or one step counted over the whole run; both from 0.
    epochs, steps : str, pair or None
        Several: "2:5" or (2, 5) means 2, 3 and 4. Without any range it is the whole training, up to its best epoch
        where early stopping restored that.
    top : int
        How many rows to tell of on either side; ``pushes`` has all.
    loss : Loss or None
        The record, if the run used one of the user's own.
    activations : mapping or None
        The user's own records by name.
    feature_names, class_names : sequence of str or None
        What inputs and outputs are called.

    Returns
    -------
    Why
        ``moved``, ``parts``, ``stages``, ``pushes`` (m,), and the same in words: ``print(...)``, ``.html()``.

    Raises
    ------
    FileError
        If there is no run, or no snapshot from before the steps.
    InputError
        If the rows are not those of the run, or the weight or the steps do not exist.
    NonFiniteError
        If the run met a NaN in these steps.

    Examples
    --------
    >>> import glassnet as gn, tempfile
    >>> X, Y = [[1.0], [2.0]], [[3.0], [1.0]]
    >>> net = gn.Network(1, [gn.Dense(1, bias=False, weight_init="ones")], dtype="float64")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = gn.train(net, X, Y, "half_squared_error", optimizer="sgd(0.5)", epochs=1, checkpoint=folder)
    ...     found = gn.why(folder, X, Y, "0:0,0")
    >>> found.before, found.after, found.pushes.tolist()  # −0.5 · ½ · (1·1 − 3)·1, and −0.5 · ½ · (1·2 − 1)·2
    (1.0, 1.0, [0.5, -0.5])
    """
    if weight is None:
        raise InputError("weight is None; expected (layer, from, to), such as '1:12,3', or (layer, neuron) of a bias.")
    replay = as_replay(run, X, Y, validation, sample_weight, loss, activations)
    span = as_span(replay, epoch=epoch, epochs=epochs, step=step, steps=steps)
    names = column_names(X) if feature_names is None else feature_names
    return take_apart(replay, weight, span, top=as_count("top", top), feature_names=names, class_names=class_names)


def as_replay(
    run: Replay | RunFolder | str | os.PathLike[str],
    X: ArrayLike | None,
    Y: ArrayLike | None,
    validation: Any = None,
    sample_weight: ArrayLike | None = None,
    loss: Loss | None = None,
    activations: Mapping[str, AnyActivation] | None = None,
) -> Replay:
    """Return a run as it can be taken again.

    Raises
    ------
    InputError
        If rows are missing, or given beside a run that has its own.
    """
    if isinstance(run, Replay):
        if X is not None or Y is not None or validation is not None or sample_weight is not None:
            raise InputError("run is a Replay, which has its rows; leave X, Y, validation and sample_weight out.")
        return run
    if X is None or Y is None:
        raise InputError(
            f"{'X' if X is None else 'Y'} is missing; a run is taken again with the X and Y that it was trained on."
        )
    return Replay(run, X, Y, validation=validation, sample_weight=sample_weight, loss=loss, activations=activations)


def take_apart(
    replay: Replay,
    weight: Spot | Place,
    span: Span,
    *,
    top: int = 10,
    row_numbers: Array | None = None,
    labels: Array | None = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    tell: Callable[[int], None] | None = None,
) -> Why:
    """Return why a weight moved in the steps of a span; `tell` hears how many of them are done.

    `row_numbers` (m,) says how people count the rows of the run's block, and `labels` (m,) what their truth is; None is
    as they were given.
    """
    net = replay.training(0).network
    require_independent_rows(net.layers)
    place = weight if isinstance(weight, Place) else find(net, weight)
    _require_trained(net, place)
    optimizer, block = replay.descent.optimizer, replay.block
    slopes = Slopes(replay, net, place)
    path = np.empty(len(span) + 1)
    tally, splits = Tally(len(block), 0.0), True
    with OneBlasThread():  # a step's products are small, and the engine's threads want the cores
        for n, taken in enumerate(replay.taken(span.first, span.last)):
            if n == 0:
                path[0] = taken.theta[place.index]
                if optimizer.memory is not None:
                    tally = Tally(len(block), float(taken.state[optimizer.memory][place.index]))
            path[n + 1] = taken.theta_next[place.index]
            splits = _book(tally, optimizer, slopes, taken, place) and splits
            if tell is not None:
                tell(n + 1)
    _require_same_bits(replay, span, place, path)
    moved = float(path[-1] - path[0])
    pushes = tally.rows()
    if splits:
        parts, stages = _with_rounding(tally.parts(), moved), _with_rounding(tally.stages(), moved)
    else:
        changes = np.diff(path)
        parts = {STEPS_UP: float(changes[changes > 0].sum()), STEPS_DOWN: float(changes[changes < 0].sum())}
        stages = {}
    numbers = block.numbers if row_numbers is None else row_numbers
    outputs = as_names("class_names", class_names, net.outputs, "output", "")
    kind = truth_of(block.y, replay.objective.loss)
    return Why(
        place=place,
        network=net,
        optimizer=optimizer.spec,
        span=span,
        path=path,
        parts=parts,
        stages=stages,
        splits=splits,
        pushes=pushes,
        met=tally.met,
        signal=tally.mean_signal(),
        blame=tally.mean_blame(),
        clipped_steps=tally.clipped,
        row_numbers=np.arange(len(block)) if numbers is None else numbers,
        labels=_labels(block.y, kind, outputs) if labels is None else labels,
        has_classes=kind is not Truth.NUMBERS,
        feature_names=as_names("feature_names", feature_names, net.input_shape[0], "input", "x"),
        class_names=outputs,
        loss=replay.objective.loss.name,
        top=top,
        step=_in_numbers(tally) if len(span) == 1 else None,
    )


def _book(tally: Tally, optimizer: Optimizer, slopes: Slopes, taken: TakenStep, place: Place) -> bool:
    """Book one step; return whether it could be taken apart."""
    slope = slopes.at(taken)
    if slope is None:
        return True
    one = slice(place.index, place.index + 1)
    w = taken.theta[one].astype(np.float64)
    anatomy = None
    if not optimizer.full_batch:
        state = {
            name: array[one].astype(np.float64) if array.shape == taken.theta.shape else array
            for name, array in taken.state.items()
        }
        if optimizer.memory is not None:  # carried on in float64, so that its parts stay its sum
            state[optimizer.memory] = np.array([tally.memory])
        gradient = np.array([slope.total])
        with np.errstate(all="ignore"):
            anatomy = optimizer.anatomy(w, gradient, state, taken.learning_rate, taken.momentum)
    if anatomy is None:
        tally.add_unsplit(slope)
        return False
    tally.add(slope, anatomy, float(w[0]))
    return True


def _in_numbers(tally: Tally) -> StepNumbers | None:
    """Return the one step that was booked, in numbers."""
    if tally.last is None:
        return None
    slope, anatomy, w, memory_before = tally.last
    decay = anatomy.decay * w
    apart = {L1: slope.l1, L2: slope.l2, DECAY: decay, CLIPPING: slope.clipping}
    return StepNumbers(
        terms={ROWS: math.fsum(slope.pushes), **{name: term for name, term in apart.items() if term}},
        slope=slope.total + decay,
        memory_before=memory_before,
        memory=tally.memory,
        keep=anatomy.keep,
        entry=number_of(anatomy.entry),
        direct=number_of(anatomy.direct),
        lever=number_of(anatomy.lever),
        shrink=anatomy.shrink,
        weight=w,
    )


def _with_rounding(parts: dict[str, float], moved: float) -> dict[str, float]:
    """Return the parts with what is left of the movement, which the run's own dtype rounded away or in."""
    return {**parts, ROUNDING: math.fsum([moved, *(-part for part in parts.values())])}


def _labels(y: Array, kind: Truth, outputs: tuple[str, ...]) -> Array:
    """Return the truth of each row as a person reads it."""
    if kind is Truth.CLASSES:
        return np.array(outputs)[y if y.ndim == 1 else y.argmax(axis=1)]
    if kind is Truth.YES_OR_NO:
        return np.where(y[:, 0] > 0.5, "1", "0")
    if y.shape[1] == 1:
        return y[:, 0].astype(np.float64)
    return np.array([", ".join(f"{value:.4g}" for value in row) for row in y])


def _require_trained(net: Network, place: Place) -> None:
    if not net.layout.mask("trainable")[place.index]:
        raise InputError(f"{place} is not trained (trainable_bias=False), so nothing moves it. Name another.")


def _require_same_bits(replay: Replay, span: Span, place: Place, path: Array) -> None:
    """Say so where the weight, taken again, is not what the run recorded, as on another kind of machine."""
    recorded = {}
    if span.last == replay.steps:
        recorded[span.last] = replay.theta
    elif span.last // span.steps_per_epoch > span.first // span.steps_per_epoch:
        document, arrays = replay.folder.snapshot_before(span.last // span.steps_per_epoch)
        recorded[int(document["step"])] = arrays["theta"]
    for step, theta in recorded.items():
        if span.first < step <= span.last and path[step - span.first] != theta[place.index]:
            warn(
                f"Taken again, {place} is {path[step - span.first]:.9g} after step {step - 1}, where the run recorded "
                f"{theta[place.index]:.9g}: it was made on another kind of machine or by another version of glassnet, "
                "so what is said here is not bit for bit."
            )
