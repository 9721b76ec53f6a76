"""The question: which training rows made this prediction. Arguments are checked here, and the methods are called."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Block
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.influence.names import Names
from glassnet.insight.influence.predictor import Predictor
from glassnet.insight.influence.receipts import prove as prove_it
from glassnet.insight.influence.records import METHODS, Influence, Method, Questioned, Run
from glassnet.insight.influence.rows import Judged
from glassnet.insight.influence.steps import last_step
from glassnet.insight.subject import as_image_shape, as_row
from glassnet.maths.activation import AnyActivation
from glassnet.maths.loss import Loss
from glassnet.network.inputs import as_numbers, as_rows, as_targets
from glassnet.network.rows import require_independent_rows
from glassnet.training import Replay, RunFolder
from glassnet.training.arguments import as_count
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]

_WORK_FOR_THREADS = 30_000_000  # multiply-adds of a step from which NumPy's products gain by a second thread
_MOST_JUDGED = 2000


def influence(
    run: Replay | RunFolder | str | os.PathLike[str],
    X: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    *,
    row: int | None = None,
    validation_row: int | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    validation: Any = None,
    sample_weight: ArrayLike | None = None,
    method: Method = "unrolled",
    prove: int | None = None,
    draws: int = 10,
    seed: int = 0,
    loss: Loss | None = None,
    activations: Mapping[str, AnyActivation] | None = None,
    numbers: ArrayLike | None = None,
    validation_numbers: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    units: tuple[float, float] = (0.0, 1.0),
    image_shape: tuple[int, int] | None = None,
) -> Influence:
    """Tell which training rows lowered or raised the error of one prediction, and prove it.

    Parameters
    ----------
    run : Replay, RunFolder or path
        The run that made the network: what `train` got as ``checkpoint=``, or the folder beside a model.
    X, Y, validation, sample_weight, loss, activations
        As they were given to `train`; not needed with a `Replay`, which has them.
    row : int or None
        The questioned row, as X counts its rows, from 0; a row that ``validation=0.2`` held out is meant too.
    validation_row : int or None
        The questioned row of the validation rows, from 0.
    x, y : (inputs,) or (1, inputs) array, and its truth
        A new row. Give one of `row`, `validation_row`, or `x` with `y`.
    method : {"unrolled", "exact", "tracin", "last_layer"}
        "unrolled": the derivative of the whole run, step by step, as the optimizer took them, with the network taken as
        linear around each step (Gauss and Newton's curvature). "exact": with the whole Hessian; exact for an
        infinitely small change of a row's weight, and less robust where the network has kinks. "tracin": from the
        snapshots alone, as published. "last_layer": TracIn of the last layer's gradients.
    prove : int or None
        Retrain without this many of the most helpful rows, of the most harmful ones, and of random ones.
    draws, seed : int
        How many random sets of rows are taken out, and what decides them.
    numbers, validation_numbers : (m,) arrays of int or None
        What the training and the validation rows are called, where they are a part of something larger; `row` then
        means these numbers.
    class_names : sequence of str or None
        Names of the classes.
    units : (shift, scale)
        A truth t of the loss is shown as shift + scale·t; for targets that were scaled.
    image_shape : (int, int) or None
        Rows and columns where a row is an image, for the page.

    Returns
    -------
    Influence
        ``without`` (m,), ``helpful(10)``, ``harmful(10)``, ``proof``; ``text()``, ``html()``, ``to_dict()``.

    Raises
    ------
    FileError
        If the folder holds no run, or a damaged one.
    InputError
        If an argument cannot be used, the rows are not the run's, or the run cannot be taken again.
    NonFiniteError
        If the error of the questioned row, or the derivative of the run, is not finite.

    Notes
    -----
    A row's number is the predicted change of the questioned error had the row's weight been zero, all batches and masks
    unchanged; in a step that averages, the other rows' shares grow by what it leaves. It is a first-order prediction:
    sums over many rows say less than they should where the effect is large. "unrolled" and "exact" take each row's
    gradient under the dropout masks of the step that met it; "tracin" and "last_layer" without dropout. Cost of
    "unrolled": the run twice and, in each step, about three plain passes in float64, which is 20 to 30 times the
    processor time of the compiled training; memory does not grow with the run. "tracin" costs one pass over all rows
    for each snapshot.

    References
    ----------
    See `glassnet.insight.influence.unrolled` and `glassnet.insight.influence.tracin`.

    Examples
    --------
    >>> import numpy as np, tempfile, glassnet as gn
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> net = gn.Network(1, [gn.Dense(1)], dtype="float64")
    >>> folder = tempfile.mkdtemp() + "/line.run"
    >>> history = gn.train(
    ...     net, X, [0.0, 1.0, 2.0, 9.0], "half_squared_error", optimizer=gn.SGD(0.1), epochs=50, checkpoint=folder
    ... )
    >>> found = gn.influence(folder, X, [0.0, 1.0, 2.0, 9.0], x=[4.0], y=4.0)
    >>> found.harmful(1)[0].row  # the last row lies off the line, and pulls it away from (4, 4)
    3
    """
    replay = run if isinstance(run, Replay) else _replay(run, X, Y, validation, sample_weight, loss, activations)
    if isinstance(run, Replay) and not (X is None and Y is None and validation is None and sample_weight is None):
        raise InputError("run is a Replay, which has its rows; leave X, Y, validation and sample_weight out.")
    if method not in METHODS:
        raise InputError(f"method is {method!r}; expected one of {', '.join(map(repr, METHODS))}.")
    count = None if prove is None else as_count("prove", prove)
    draws = as_count("draws", draws)
    last, theta = last_step(replay)
    if not last:
        raise InputError(f"The run in {replay.folder.path} has not taken a step yet; nothing made its predictions.")
    net = replay.training(0).network.astype(np.float64)
    require_independent_rows(net.layers)
    image_shape = as_image_shape(image_shape, net.shapes[0][0])
    block = replay.block
    called = _called(numbers, block, "numbers", "training")
    asked, part, number = _asked(replay, row, validation_row, x, y, called, validation_numbers)
    loss_record = replay.objective.loss
    everyone = Judged(net, loss_record, block.x, block.y)
    one = Judged(net, loss_record, asked.x, asked.y)
    names = Names(replay, net.outputs, class_names, units)

    with _threads(net.multiplications * replay.batch_size):
        exact = theta.astype(np.float64)
        (error,), prediction = one.errors(exact)
        if not np.isfinite(error):
            raise NonFiniteError(
                f"The error of the questioned row is {error}; nothing can be said of what made it.",
                step=last,
                quantity="loss",
                row=number,
            )
        predictor = Predictor(replay, last, theta, everyone, method)
        without = predictor.absences(one)
        without[block.sample_weight == 0] = 0.0
        if not np.isfinite(without).all():
            raise NonFiniteError(
                "The derivative of this run is not finite: a small change early in it grows beyond all bounds. "
                + ("Ask with method='unrolled', which is more robust." if method == "exact" else "")
                + ("Ask with method='tracin', which does not follow what came of a change." * (method == "unrolled")),
                step=0,
                quantity="gradient",
            )
        errors, predictions = everyone.errors(exact)
        proof = None
        if count is not None:
            judged, judged_by = _judges(replay, everyone)
            proof = prove_it(
                replay,
                last,
                theta,
                without,
                one,
                judged,
                lambda absent: predictor.changes_without(absent, judged),
                count=count,
                draws=draws,
                seed=seed,
                numbers=called,
                judged_by=judged_by,
            )
    truths, said = names.truths(block.y), names.predictions(predictions)
    questioned = Questioned(
        row=number,
        part=part,
        error=float(error),
        truth=names.truths(asked.y)[0],
        prediction=names.predictions(prediction)[0],
        right=names.right(prediction, asked.y),
        x=asked.x[0].astype(np.float64),
    )
    about = Run(
        loss=loss_record.name,
        optimizer=replay.descent.optimizer.spec,
        steps=last,
        epochs=-(-last // replay.steps_per_epoch),
        rows=len(block),
        weights=net.layout.parameters,
        best_epoch=replay.history.best_epoch if theta is replay.best_theta else None,
        dropout=any(layer.drop_rate for layer in net.layers),
        reacts=replay.schedule is not None and bool(replay.schedule.init()),
        snapshots=predictor.snapshots,
        scaled=names.scaled,
    )
    return Influence(
        method=method,
        questioned=questioned,
        run=about,
        without=without,
        numbers=called,
        truths=tuple(truths),
        predictions=tuple(said),
        errors=errors,
        x=block.x,
        image_shape=image_shape,
        proof=proof,
    )


def _threads(work: int) -> Any:
    return OneBlasThread() if work < _WORK_FOR_THREADS else contextlib.nullcontext()


# --- arguments -------------------------------------------------------------------------------------------------------


def _replay(run: Any, X: Any, Y: Any, validation: Any, sample_weight: Any, loss: Any, activations: Any) -> Replay:
    if not isinstance(run, RunFolder | str | os.PathLike):
        raise InputError(
            f"run is a {type(run).__name__}; expected the folder of a run, which train keeps with "
            'checkpoint="digits.run", or a gn.Replay.'
        )
    if X is None or Y is None:
        raise InputError("X and Y are needed with the folder of a run: the rows it was trained on, as train got them.")
    return Replay(run, X, Y, validation=validation, sample_weight=sample_weight, loss=loss, activations=activations)


def _called(numbers: ArrayLike | None, block: Block, name: str, what: str) -> Array:
    """Return what the rows of a block are called."""
    if numbers is None:
        return np.arange(len(block)) if block.numbers is None else block.numbers
    called = as_numbers(numbers, name)
    if called.shape != (len(block),) or called.dtype.kind not in "iu":
        raise InputError(
            f"{name} is an array of {called.dtype}, shape {called.shape}; expected a whole number for each of the "
            f"{len(block):,} {what} rows."
        )
    return called.astype(np.int64)


def _asked(
    replay: Replay, row: Any, validation_row: Any, x: Any, y: Any, called: Array, validation_numbers: Any
) -> tuple[Block, str, int | None]:
    """Return the questioned row as a block of one, which part of the data it is of, and its number."""
    given = [name for name, value in (("row", row), ("validation_row", validation_row), ("x", x)) if value is not None]
    if len(given) != 1 or (x is None) != (y is None):
        says = " and ".join(given) if given else "none of them"
        raise InputError(
            f"Which prediction is questioned is said by one of row, validation_row, or x with y; got {says}"
            + (" without y." if x is not None and y is None else ".")
        )
    if x is not None:
        return _new_row(replay, x, y), "new", None
    held_out = replay.validation
    if held_out is not None and (validation_numbers is not None or held_out.numbers is not None):
        others = _called(validation_numbers, held_out, "validation_numbers", "validation")
    else:
        others = None
    if validation_row is not None:
        if held_out is None:
            raise InputError("validation_row is given, but the run had no validation rows.")
        at = as_row(validation_row, len(held_out), "validation_row", "the run")
        if others is None:
            return _one(held_out, at), "validation", at
        return _one(held_out, at), "held out", int(others[at])
    if isinstance(row, bool) or not isinstance(row, int | np.integer):
        raise InputError(f"row is {row!r:.80}; expected a whole number from 0 up.")
    for block, names, part in ((replay.block, called, "training"), (held_out, others, "held out")):
        if block is not None and names is not None and (names == row).any():
            return _one(block, int(np.flatnonzero(names == row)[0])), part, int(row)
    rows = len(called) + (0 if others is None else len(others))
    raise InputError(
        f"row is {int(row)}; the run has {rows:,} row{'s' * (rows != 1)}, so expected a whole number from 0 to "
        f"{max(map(int, [called.max(), *([] if others is None else [others.max()])])):,}."
    )


def _one(block: Block, at: int) -> Block:
    return Block(block.x[at : at + 1], block.y[at : at + 1], np.ones(1, block.x.dtype))


def _new_row(replay: Replay, x: Any, y: Any) -> Block:
    net = replay.training(0).network
    values = np.asarray(as_numbers(x, "x"))
    if values.shape == net.input_shape:
        values = values[None]
    x = as_rows(values, net.input_shape, net.dtype, "x")
    if len(x) != 1:
        raise InputError(f"x has {len(x):,} rows; expected one row: one prediction is questioned at a time.")
    truth = np.asarray(as_numbers(y, "y"))
    if truth.ndim == 0 or (truth.ndim == 1 and net.outputs > 1 and truth.shape == (net.outputs,)):
        truth = truth[None]
    return Block(x, as_targets(truth, replay.objective.loss, 1, net.outputs, net.dtype, "y"), np.ones(1, net.dtype))


def _judges(replay: Replay, everyone: Judged) -> tuple[Judged, str]:
    """Return the rows over which rank correlations are taken: those that were held out, where there are enough."""
    held_out = replay.validation
    if held_out is not None and len(held_out) >= 30:
        some = np.arange(min(len(held_out), _MOST_JUDGED))
        return Judged(everyone.network, everyone.loss, held_out.x[some], held_out.y[some]), "held-out rows"
    return everyone, "training rows"
