"""What the folder of a run says of the training that led to a network: how it moved θ, and where θ was on the way.

Rooms that ask how a training stands share it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import CorruptFileError, InputError
from glassnet.maths.optimizers import OPTIMIZERS, Optimizer
from glassnet.network.network import Network
from glassnet.training import RunFolder

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class RunFacts:
    """How a run trained a network.

    Parameters
    ----------
    name : str
        The folder's.
    optimizer : Optimizer
    learning_rate : float
        Of the last step, or what the optimizer starts with where no epoch was finished.
    largest_rate : float
        The largest of the epochs' last steps.
    schedule : str or None
    batch_size : int
    reduction : str
    l1, l2 : float
    clips : bool
        Whether gradients were clipped.
    state : dict of arrays or None
        The optimizer's at the network's θ; None where the network was set back to an earlier epoch.
    points : tuple of (str, (n,) array)
        What each θ that was kept is called, in the order of training, the last being the network's own.
    """

    name: str
    optimizer: Optimizer
    learning_rate: float
    largest_rate: float
    schedule: str | None
    batch_size: int
    reduction: str
    l1: float
    l2: float
    clips: bool
    state: dict[str, Array] | None
    points: tuple[tuple[str, Array], ...]


def run_facts(net: Network, run: RunFacts | RunFolder | str | os.PathLike[str]) -> RunFacts:
    """Return what the folder of a run says of the training that led to `net`; facts that were read are given back.

    Raises
    ------
    InputError
        If there is no run, or it is of another network, or it ended in other weights.
    FileError
        If a file of the folder is damaged.
    """
    if isinstance(run, RunFacts):
        return run
    folder = run if isinstance(run, RunFolder) else RunFolder(run)
    name = Path(folder.path).name or str(folder.path)
    points: list[tuple[str, Array]] = []
    document: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    for document, arrays in folder.moments():  # the last one is read below
        theta = arrays.get("theta")
        if theta is None or theta.shape != net.theta.shape or not _fits(net, document):
            raise InputError(f"{name} is the run of a network with other layers; expected that of this network.")
        if not points or not np.array_equal(theta, points[-1][1]):
            points.append((f"epoch {document.get('epoch', len(points))}", theta))
    if not points:
        raise InputError(f"There is no run in {folder.path}: expected the folder that train kept, such as digits.run.")
    ended = np.array_equal(arrays["theta"].astype(net.dtype), net.theta)
    if not ended:
        best = arrays.get("best_theta")
        if best is None or not np.array_equal(best.astype(net.dtype), net.theta):
            raise InputError(f"{name} is a run that ended in other weights than this network has.")
        points.append(("best epoch", best))
    try:
        settings, history = document["settings"], document["history"]
        optimizer = OPTIMIZERS.resolve(settings["optimizer"])
        rates = [float(rate) for rate in history["learning_rate"]] or [optimizer.learning_rate]
        prefix = "optimizer."
        state = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
        return RunFacts(
            name=name,
            optimizer=optimizer,
            learning_rate=rates[-1],
            largest_rate=max(rates),
            schedule=settings["schedule"],
            batch_size=int(settings["batch_size"]),
            reduction=settings["reduction"],
            l1=float(settings["l1"]),
            l2=float(settings["l2"]),
            clips=settings["clip_norm"] is not None or settings["clip_value"] is not None,
            state=state if ended else None,
            points=tuple(points),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"{folder.checkpoint} does not hold a run ({error!r}).") from error


def _fits(net: Network, document: dict[str, Any]) -> bool:
    theirs, own = document.get("settings", {}).get("network", {}), net.to_dict()
    return all(theirs.get(part) == own[part] for part in ("inputs", "layers"))
