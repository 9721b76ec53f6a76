"""The path of a training: the θs it went through, as somebody kept them or as they lie in a run's folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.network.inputs import as_numbers
from glassnet.network.network import Network
from glassnet.training import RunFolder

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Trail:
    """Points of a path in the order of training.

    Parameters
    ----------
    thetas : (s, n) float array
        In the dtype in which they were kept.
    labels : tuple of str
        What each point is called: "epoch 4".
    """

    thetas: Array
    labels: tuple[str, ...]


PathLike = ArrayLike | str | os.PathLike[str] | Trail


def as_trail(net: Network, path: PathLike) -> Trail:
    """Return the path that a person passes: θs (s, n), or the folder of the run that trained the network.

    Raises
    ------
    InputError
        If it is not a path of this network.
    FileError
        If a file of the folder is damaged.
    """
    if isinstance(path, Trail):
        return path
    if isinstance(path, str | os.PathLike):
        return trail_of_run(net, RunFolder(path))
    thetas = as_numbers(path, "path")
    if thetas.dtype.kind != "f":
        thetas = thetas.astype(np.float64)
    if thetas.ndim != 2 or thetas.shape[1] != net.theta.size or not len(thetas):
        raise InputError(
            f"path has shape {thetas.shape}; expected (points, {net.theta.size}), a θ of this network in each row, or "
            "a run's folder."
        )
    return Trail(thetas, tuple(f"point {i}" for i in range(len(thetas))))


def trail_of_run(net: Network, folder: RunFolder) -> Trail:
    """Return the path that a run's snapshots tell, ending in the network's own θ.

    Raises
    ------
    InputError
        If there is no run, or it is of another network, or it ended in other weights.
    """
    shown = Path(folder.path).name or folder.path
    thetas: list[Array] = []
    labels: list[str] = []
    ends: list[Array] = []
    for document, arrays in folder.moments():
        theta = arrays.get("theta")
        if theta is None or theta.shape != net.theta.shape or not _fits(net, document):
            raise InputError(f"{shown} is the run of a network with other layers; expected that of this network.")
        if not thetas or not np.array_equal(theta, thetas[-1]):
            thetas.append(theta)
            labels.append(f"epoch {document.get('epoch', len(labels))}")
        ends = [theta, *([arrays["best_theta"]] if "best_theta" in arrays else [])]
    if not thetas:
        raise InputError(f"There is no run in {shown}: no snapshots lie there.")
    own = net.theta
    if not any(np.array_equal(end.astype(own.dtype), own) for end in ends):
        raise InputError(f"{shown} is a run that ended in other weights than this network has.")
    if not np.array_equal(thetas[-1].astype(own.dtype), own):  # early stopping went back to the best epoch
        thetas.append(ends[-1])
        labels.append("best epoch")
    return Trail(np.stack(thetas), tuple(labels))


def _fits(net: Network, document: dict[str, Any]) -> bool:
    theirs = document.get("settings", {}).get("network", {})
    own = net.to_dict()
    return all(theirs.get(part) == own[part] for part in ("inputs", "layers"))


def settings_of_run(folder: RunFolder) -> dict[str, Any] | None:
    """Return how a run trained, as arguments of `train`, or None where no run lies there.

    Without the run's early stopping and time limit: many starts have no held-out rows to stop by.
    """
    last = None
    for document, _ in folder.moments():
        last = document
    if last is None:
        return None
    settings = last.get("settings", {})
    names = ("optimizer", "schedule", "batch_size", "reduction", "l1", "l2", "clip_norm", "clip_value", "shuffle")
    found = {name: settings[name] for name in names if settings.get(name) is not None}
    return {**found, "epochs": max(1, len(last.get("history", {}).get("loss", [])))}
