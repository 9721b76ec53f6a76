"""`diff`: find the step in which two runs part, by their settings, their snapshots, and then by taking both again.

Snapshots tell between which epochs the bits part; within them both runs are taken again, step by step, where their rows
are at hand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import CorruptFileError, FileError, InputError
from glassnet.insight.why.causes import causes_of_step, settings_apart
from glassnet.insight.why.difference import (
    BETWEEN,
    ELSEWHERE,
    SAME,
    START,
    STEP,
    UNKNOWN,
    UNLIKE,
    Diff,
    weights_apart,
)
from glassnet.maths.activation import AnyActivation
from glassnet.maths.loss import Loss
from glassnet.maths.losses import LOSSES
from glassnet.network.network import Network
from glassnet.training import Replay, RunFolder
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Side:
    """One of two runs.

    Parameters
    ----------
    name : str
        What it is called.
    folder : RunFolder
    replay : Replay or None
        The run as it can be taken again; None where its rows are not at hand.
    why_not : str
        Why it cannot be taken again.
    numbers : (m,) int64 array or None
        How people count the rows of its block; None is as they were given.
    """

    name: str
    folder: RunFolder
    replay: Replay | None
    why_not: str = ""
    numbers: Array | None = None


def diff(
    run_a: Replay | RunFolder | str | os.PathLike[str],
    run_b: Replay | RunFolder | str | os.PathLike[str],
    X: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    *,
    validation: Any = None,
    sample_weight: ArrayLike | None = None,
    loss: Loss | None = None,
    activations: Mapping[str, AnyActivation] | None = None,
) -> Diff:
    """Tell at which step, layer and weight two runs part, and what differed beforehand.

    Parameters
    ----------
    run_a, run_b : path, RunFolder or Replay
        The folders in which the runs were kept. Runs on different rows are told as ``gn.Replay(folder, X, Y, ...)``.
    X, Y, validation, sample_weight
        As they were given to `train`; without them no more can be told than between which snapshots the runs part.
    loss : Loss or None
        The record, if the runs used one of the user's own.
    activations : mapping or None
        The user's own records by name.

    Returns
    -------
    Diff
        ``same``, ``step``, ``largest``, ``layers``, ``settings``, ``causes``; and in words: ``print(...)``.

    Raises
    ------
    FileError
        If a folder holds no run, or a damaged one.

    Examples
    --------
    >>> import glassnet as gn, tempfile
    >>> X, Y = [[1.0], [2.0], [3.0], [4.0]], [[3.0], [1.0], [0.0], [2.0]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, weight in (("a", None), ("b", [1, 1, 1, 2])):
    ...         net = gn.Network(1, [gn.Dense(1)], seed=1)
    ...         options = {"sample_weight": weight, "batch_size": 1, "shuffle": False, "epochs": 3, "reduction": "sum"}
    ...         _ = gn.train(net, X, Y, "half_squared_error", checkpoint=f"{folder}/{name}", **options)
    ...     a = gn.Replay(f"{folder}/a", X, Y)
    ...     found = gn.diff(a, gn.Replay(f"{folder}/b", X, Y, sample_weight=[1, 1, 1, 2]))
    >>> found.step, found.causes
    (3, ('Row 3 has another weight: 1 and 2.',))
    """
    given = {"validation": validation, "sample_weight": sample_weight, "loss": loss, "activations": activations}
    return compare(_side(run_a, X, Y, given), _side(run_b, X, Y, given), activations)


def _side(run: Replay | RunFolder | str | os.PathLike[str], X: Any, Y: Any, given: dict[str, Any]) -> Side:
    if isinstance(run, Replay):
        return Side(str(run.folder.path), run.folder, run)
    folder = run if isinstance(run, RunFolder) else RunFolder(run)
    if X is None or Y is None:
        return Side(str(folder.path), folder, None, "None were given.")
    try:
        return Side(str(folder.path), folder, Replay(folder, X, Y, **given))
    except InputError as error:
        return Side(str(folder.path), folder, None, str(error))


def compare(a: Side, b: Side, activations: Mapping[str, AnyActivation] | None = None) -> Diff:
    """Return where two runs part; see `diff`."""
    ours, theirs = _Kept(a, activations), _Kept(b, activations)
    apart = settings_apart(ours.settings, theirs.settings, (ours.net, theirs.net))
    facts: dict[str, Any] = {
        "names": (a.name, b.name),
        "steps": (ours.steps, theirs.steps),
        "settings": tuple(setting for _, setting in apart),
    }
    if ours.form != theirs.form:
        return Diff(**facts, outcome=UNLIKE, same_until=0)
    a, b = _lent(a, b, activations), _lent(b, a, activations)
    lo, hi = 0, min(ours.steps, theirs.steps)
    known_apart = False
    for step in sorted(ours.thetas.keys() & theirs.thetas.keys()):
        if not _same(ours.thetas[step], theirs.thetas[step]):
            hi, known_apart = step, True
            break
        lo = step
    if known_apart and hi == 0:
        causes = _causes_of_start(dict(apart))
        found = weights_apart(ours.net, ours.thetas[0], theirs.thetas[0])
        return Diff(**facts, outcome=START, same_until=0, causes=tuple(causes), **found)
    if not known_apart and lo == hi:
        return Diff(**facts, outcome=SAME, same_until=lo)
    if a.replay is None or b.replay is None:
        remark = " ".join(dict.fromkeys(side.why_not for side in (a, b) if side.replay is None))
        if not known_apart:
            return Diff(**facts, outcome=UNKNOWN, same_until=lo, until=hi, remark=remark)
        found = weights_apart(ours.net, ours.thetas[hi], theirs.thetas[hi])
        return Diff(**facts, outcome=BETWEEN, same_until=lo, until=hi, remark=remark, **found)
    parted, theta = _step_apart((a, b), ours.net, lo, hi, apart)
    if parted is not None:
        return Diff(**facts, outcome=STEP, **parted)
    if not known_apart:
        return Diff(**facts, outcome=SAME, same_until=hi, until=hi)
    unlike = [side.name for side, kept in ((a, ours), (b, theirs)) if not _same(theta, kept.thetas[hi])]
    found = weights_apart(ours.net, ours.thetas[hi], theirs.thetas[hi])
    remark = f"What {' and '.join(unlike)} recorded is not what it leaves when taken again here."
    return Diff(**facts, outcome=ELSEWHERE, same_until=lo, until=hi, remark=remark, **found)


def _lent(side: Side, other: Side, activations: Mapping[str, AnyActivation] | None) -> Side:
    """Return a side that has no rows with those of the other, if they are the same; a killed run has no model yet."""
    if side.replay is not None or other.replay is None:
        return side
    block, held_out, own = other.replay.block, other.replay.validation, other.replay.objective.loss
    pair = None if held_out is None else (held_out.x, held_out.y)
    given: dict[str, Any] = {"sample_weight": block.sample_weight, "validation": pair, "activations": activations}
    loss = None if LOSSES.spells(own.name) else own
    try:
        replay = Replay(side.folder, block.x, block.y, loss=loss, **given)
    except InputError:
        return side
    return Side(side.name, side.folder, replay, numbers=block.numbers if other.numbers is None else other.numbers)


def _step_apart(
    sides: tuple[Side, Side], net: Network, lo: int, hi: int, apart: list[tuple[str, Any]]
) -> tuple[dict[str, Any] | None, Array]:
    """Take both runs again from `lo` up to `hi`.

    Returns
    -------
    The first step that left other weights, with all that is told of it, or None; and θ of the first run in the end.
    """
    one, two = (side.replay for side in sides)
    if one is None or two is None:
        raise ValueError("A run without its rows cannot be taken again.")
    blocks, theta = (one.block, two.block), one.theta
    numbers = [
        side.numbers if side.numbers is not None else np.arange(len(block)) if block.numbers is None else block.numbers
        for side, block in zip(sides, blocks, strict=True)
    ]
    with OneBlasThread():
        for a, b in zip(one.taken(lo, hi), two.taken(lo, hi), strict=True):
            if not _same(a.theta_next, b.theta_next):
                drops = any(layer.drop_rate for layer in net.layers)
                found = {
                    "same_until": a.step,
                    "step": a.step,
                    "epoch": a.epoch,
                    "causes": tuple(causes_of_step((a, b), blocks, (numbers[0], numbers[1]), apart, drops)),
                    **weights_apart(net, a.theta_next, b.theta_next),
                }
                return found, a.theta_next
            theta = a.theta_next
    return None, theta


def _causes_of_start(apart: dict[str, Any]) -> list[str]:
    """Return what could explain that two runs began with other weights."""
    found = [
        f"The {apart[name].name} is {apart[name].a} and {apart[name].b}."
        for name in ("network seed", "layers", "dtype")
        if name in apart
    ]
    return found or [
        "The settings of their networks are the same, so their weights were set or trained before these runs began."
    ]


def _same(a: Array, b: Array) -> bool:
    return np.array_equal(a, b, equal_nan=True)


@final
class _Kept:
    """What a run's folder holds: its settings, and θ at every moment that was kept."""

    def __init__(self, side: Side, activations: Mapping[str, AnyActivation] | None) -> None:
        if not side.folder.checkpoint.exists():
            raise FileError(
                f"{side.folder.path} holds no run. glassnet train keeps one beside the model, and so does "
                'gn.train(..., checkpoint="digits.run").'
            )
        self.thetas: dict[int, Array] = {}
        try:
            for document, arrays in side.folder.moments():
                self.settings: dict[str, Any] = document["settings"]
                self.steps = int(document["step"])
                self.thetas[self.steps] = arrays["theta"]
            self.net = Network.from_dict(self.settings["network"], activations)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise CorruptFileError(f"{side.folder.path} does not hold a run of this glassnet ({error!r}).") from error

    @property
    def form(self) -> list[Any]:
        """What two runs must have in common for a weight of one to be a weight of the other."""
        return [(parameter.name, parameter.shape, parameter.groups) for _, parameter, _ in self.net.layout.places]
