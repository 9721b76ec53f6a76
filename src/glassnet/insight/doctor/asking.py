"""`doctor`: the one function that people call; it gathers what is known, measures, and asks the rules."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.insight.doctor.diagnosis import Diagnosis
from glassnet.insight.doctor.known import gather
from glassnet.insight.doctor.rules import findings
from glassnet.insight.doctor.signs import Signs
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import Optimizer
from glassnet.maths.schedules import Schedule
from glassnet.network.network import Network
from glassnet.training import History, RunFolder
from glassnet.training.blas import OneBlasThread


def doctor(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    history: History | None = None,
    run: RunFolder | str | os.PathLike[str] | None = None,
    validation: Any = None,
    loss: str | Loss | None = None,
    sample_weight: ArrayLike | None = None,
    optimizer: str | Optimizer | None = None,
    schedule: str | Schedule | None = None,
    batch_size: int | None = None,
    start: ArrayLike | None = None,
    seed: int = 0,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    numbers: NDArray[Any] | None = None,
    validation_numbers: NDArray[Any] | None = None,
    prove: bool = False,
) -> Diagnosis:
    """Tell what ails a training, from whatever is known of it; nothing where nothing does.

    Parameters
    ----------
    net : Network
        As training left it.
    X, Y
        What it was trained on, as for `train`.
    history : History or None
        What `train` returned.
    run : RunFolder, path or None
        The run's folder (`train`'s `checkpoint`); with it the start, the optimizer and every step are known.
    validation : (Xv, Yv), float or None
        Rows held out, as for `train`. A share that the run held out is found again by itself.
    loss : str, Loss or None
        None is the loss of the run or, without one, the network's.
    sample_weight : (m,) array or None
    optimizer, schedule, batch_size, seed
        As for `train`, where there is no folder that tells them.
    start : (n,) array or None
        θ before training, where no folder tells it; None takes what the network's seed draws.
    feature_names, class_names : sequences of str or None
    numbers, validation_numbers : (m,) int arrays or None
        How the rows that were trained on and those held out are called in what is said; None takes those of X.
    prove : bool
        Whether to run the cure of each finding, where one can be run, and compare.

    Returns
    -------
    Diagnosis
        ``findings``, most important first; prints itself.

    Raises
    ------
    InputError
        If an argument cannot be used.
    FileError
        If the folder holds no run.

    Notes
    -----
    At most 4,000 rows of either side are looked at, but all of them for rows that come twice. Where a network does
    worse than it should, short trainings from its start (some hundred steps) put the suspicion to the test; on a
    healthy training none are run.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> chance = np.random.default_rng(0)
    >>> X = chance.normal(size=(400, 3))
    >>> Y = chance.permutation(X[:, 0] > 0).astype(int)
    >>> net = gn.Network(3, [gn.Dense(16, "relu"), gn.Dense(2, "softmax")], seed=0)
    >>> history = gn.train(net, X, Y, "cross_entropy", epochs=5)
    >>> gn.doctor(net, X, Y, history=history).names
    ('nothing_to_learn',)
    """
    known = gather(
        net,
        X,
        Y,
        history=history,
        run=run,
        validation=validation,
        loss=loss,
        sample_weight=sample_weight,
        optimizer=optimizer,
        schedule=schedule,
        batch_size=batch_size,
        start=start,
        seed=seed,
        feature_names=feature_names,
        class_names=class_names,
        numbers=numbers,
        validation_numbers=validation_numbers,
    )
    signs = Signs(known)
    with np.errstate(all="ignore"), OneBlasThread():
        found = Diagnosis(findings(signs), figures(signs), known.unseen, caveat=known.caveat, signs=signs)
    if not prove:
        return found
    from glassnet.insight.doctor.proving import proved

    return proved(found)


def figures(signs: Signs) -> dict[str, Any]:
    """Return the few numbers that a training is judged by."""
    found: dict[str, Any] = {"epochs": signs.known.epochs}
    if not signs.works:
        return found
    for name, block, judged in (
        ("training", signs.rows, signs.training),
        ("held_out", signs.held_out, signs.validation),
    ):
        if block is None or judged is None:
            continue
        accuracy = signs.measure.accuracy(block)
        key = f"{name}_accuracy" if accuracy is not None else f"{name}_skill"
        found[key] = judged.skill if accuracy is None else accuracy
    found["dead_units"] = sum(layer.dead for layer in signs.body.hidden)
    return found
