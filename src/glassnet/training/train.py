"""`train`: the one function that people call. It checks what they pass, in sentences, and hands it to the loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from glassnet.engines import ENGINES, Descent, ReferenceEngine, make_engine
from glassnet.errors import CorruptFileError, InputError, ResumeError, UnknownNameError
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import OPTIMIZERS, Optimizer
from glassnet.maths.random import check_seed
from glassnet.maths.schedules import Schedule
from glassnet.network.network import Network
from glassnet.training.arguments import (
    as_batch_size,
    as_count,
    as_early_stopping,
    as_flag,
    as_limit,
    as_schedule,
    fit_to_network,
    make_blocks,
    require_watched,
)
from glassnet.training.blas import OneBlasThread
from glassnet.training.events import Callback, Listeners
from glassnet.training.history import History
from glassnet.training.loop import Options, Training
from glassnet.training.run_folder import START_OVER, RunFolder
from glassnet.training.settings import digest, settings_of
from glassnet.training.stopping import EarlyStopping

Array = NDArray[Any]


def train(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss,
    *,
    optimizer: str | Optimizer = "adam",
    schedule: str | Schedule | None = None,
    epochs: int = 20,
    batch_size: int | None = 32,
    validation: tuple[ArrayLike, ArrayLike] | float | None = None,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    early_stopping: EarlyStopping | int | None = None,
    time_limit: float | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: float = 5.0,
    resume: bool = True,
    seed: int = 0,
    shuffle: bool = True,
    threads: int | None = None,
    engine: str = "compiled",
    ledger: bool = True,
) -> History:
    """Train a network by backpropagation; its θ changes in place.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
        From NumPy, pandas, polars or Arrow; finite numbers.
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    loss : str or Loss
        What a row's error is; "cross_entropy", "squared_error", ...
    optimizer : str or Optimizer
        "adam", "sgd(0.1, momentum=0.9)", ``gn.Adam(1e-3)``.
    schedule : str, Schedule or None
        Moves the learning rate, and momentum where it says so, by epoch or by step.
    epochs : int
        How often every row is met.
    batch_size : int or None
        Rows in a step: 1, a mini-batch, or None for all of them.
    validation : (Xv, Yv), or float, or None
        Rows to judge each epoch by; a float is the share of X to hold out, chosen by `seed`.
    sample_weight : (m,) array or None
        How much each row counts; from 0 up.
    reduction : {"mean", "sum"}
        A step's error is the weighted mean, or sum, of its rows' errors.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² over weights, not biases.
    clip_norm, clip_value : float or None
        Bring each entry of a step's gradient into ±clip_value; shorten the gradient to clip_norm.
    early_stopping : EarlyStopping, int or None
        An int is the patience, in epochs without a better validation loss; the best weights are restored.
    time_limit : float or None
        Stop after so many seconds.
    callbacks : sequence of functions
        Each hears the events its parameter is annotated with; `EpochEnded` without an annotation.
    checkpoint : path or None
        A folder in which the run is kept. If it holds an unfinished run of the same settings and data, training goes
        on from there and ends with the same bits as if it had never stopped.
    checkpoint_every : float
        Seconds between two checkpoints.
    resume : bool
        False starts over; what the folder holds is renamed to "….previous".
    seed : int
        Decides the order of rows, dropout and a split; not the initial weights, which are the network's.
    shuffle : bool
        Whether each epoch meets the rows in a new order.
    threads : int or None
        How many threads to use at most; None means as many as there are cores. The bits do not depend on it.
    engine : {"compiled", "reference"}
        Machine code, or the textbook in NumPy, which says what is right and is never fast.
    ledger : bool
        Whether to note of each row and epoch how large its error and its gradient were, whether it was right and by
        how much; ``history.ledger`` has it, and `gn.blame` reads it.

    Notes
    -----
    Ctrl-C ends training after the step it comes in: the call returns, ``history.stopped`` is "interrupted", a warning
    says so, and the network keeps its weights so far. A second Ctrl-C acts as it does elsewhere.

    Returns
    -------
    History
        ``loss``, ``validation_loss``, ... one number an epoch; ``stopped`` says why it ended.

    Raises
    ------
    InputError
        If an argument or array cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If a NaN or an infinity came up: says where first. The network keeps its last good weights.
    ResumeError
        If the checkpoint folder holds a run with other settings or data.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> net = gn.Network(2, [gn.Dense(4, "tanh"), gn.Dense(1, "sigmoid")], seed=1)
    >>> history = gn.train(net, X, [0, 1, 1, 0], loss="binary_cross_entropy", optimizer=gn.Adam(0.05), epochs=200)
    >>> (net.predict(X) > 0.5).astype(int).ravel().tolist()
    [0, 1, 1, 0]
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    seed = check_seed(seed)
    objective = net.objective(loss, reduction, l1, l2)
    block, held_out = make_blocks(net, objective, X, Y, sample_weight, validation, seed)
    descent = Descent(
        OPTIMIZERS.resolve(optimizer), as_limit("clip_value", clip_value), as_limit("clip_norm", clip_norm)
    )
    descent = fit_to_network(descent, net)
    batch_size = as_batch_size(batch_size, len(block), descent)
    epochs = as_count("epochs", epochs)
    options = Options(
        epochs=epochs,
        shuffle=as_flag("shuffle", shuffle),
        schedule=as_schedule(schedule, epochs, epochs * -(-len(block) // batch_size)),
        early_stopping=as_early_stopping(early_stopping, held_out, objective),
        time_limit=as_limit("time_limit", time_limit),
        checkpoint_every=as_limit("checkpoint_every", checkpoint_every) or 0.0,
        ledger=as_flag("ledger", ledger),
    )
    require_watched(options.schedule, held_out, objective)
    if not isinstance(engine, str) or engine not in ENGINES:
        raise UnknownNameError("engine", str(engine), ENGINES)
    listeners = Listeners(callbacks)
    resume = as_flag("resume", resume)
    if threads is not None:
        as_count("threads", threads)
    machine = make_engine(engine, net, objective, descent, batch_size, seed, threads)
    with OneBlasThread() if isinstance(machine, ReferenceEngine) else contextlib.nullcontext():
        folder = None if checkpoint is None else RunFolder(checkpoint)
        training = Training(machine, block, held_out, options, listeners, folder)
        if folder is not None:
            training.settings = settings_of(training, engine)
            _open_folder(folder, training, resume)
        net.loss = objective.loss
        return training.run()


# --- the run folder ----------------------------------------------------------------------------------------------


def _open_folder(folder: RunFolder, training: Training, resume: bool) -> None:
    """Stand where the folder's run stopped, or make the folder ready for a new one."""
    start = digest(training.network.theta)
    found = folder.load(training.settings) if resume else None
    training.settings = {**training.settings, "start": start}
    if found is None:
        folder.set_aside()
        folder.prepare()
        return
    folder.prepare()
    document, arrays = found
    try:
        began = document["settings"]["start"]
        if start not in (began, *(digest(arrays[name]) for name in ("theta", "best_theta") if name in arrays)):
            raise ResumeError(
                f"{folder.path} holds a run that began with other weights than the network has now. Make the network "
                f"as it was, or keep the new run in another folder. {START_OVER}"
            )
        training.resume(document, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"{folder.checkpoint} does not hold a run ({error!r}). {START_OVER}") from error
    training.settings = {**training.settings, "start": began}
