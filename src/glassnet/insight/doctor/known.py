"""What is known of a training when the doctor is asked: network, rows, history, and the run's folder, if any.

People pass arrays and folders; they are checked here, in sentences. Nothing is judged here.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Block, Truth, truth_of
from glassnet.errors import CorruptFileError, FileError, InputError
from glassnet.insight.subject import as_names, column_names, loss_of
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import OPTIMIZERS, Optimizer
from glassnet.maths.random import Purpose, generator
from glassnet.maths.schedules import SCHEDULES, Schedule
from glassnet.network.inputs import as_numbers
from glassnet.network.network import Network
from glassnet.network.rows import require_independent_rows
from glassnet.training import History, RunFolder
from glassnet.training.arguments import make_blocks
from glassnet.training.settings import digest

Array = NDArray[Any]

MOST_ROWS = 4000
"""Rows that are looked at, of those that are trained on and of those held out."""

_USUAL_SHARES = (0.2, 0.1, 0.25, 0.3, 0.15, 1 / 3, 0.05, 0.5, 0.4, *(percent / 100 for percent in range(1, 70)))


@final
@dataclass(frozen=True)
class Recipe:
    """How the network was trained, as far as it is known.

    Parameters
    ----------
    optimizer : Optimizer or None
    schedule : Schedule or None
    batch_size, epochs : int or None
    l1, l2 : float
    clip_norm, clip_value : float or None
    reduction : str
    seed : int
    shuffle : bool
    engine : str
    """

    optimizer: Optimizer | None = None
    schedule: Schedule | None = None
    batch_size: int | None = None
    epochs: int | None = None
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    reduction: str = "mean"
    seed: int = 0
    shuffle: bool = True
    engine: str = "compiled"


@final
@dataclass(frozen=True, eq=False)
class Known:
    """What a diagnosis is made from.

    Parameters
    ----------
    network : Network
        A copy of the person's.
    loss : Loss
    block, held_out : Block, Block or None
        All rows that were trained on, and that it was judged by; rows that count only.
    history : History or None
    folder : RunFolder or None
    recipe : Recipe
    start : (n,) array
        θ before the first step: the run's or, where it is not known, what the network's seed draws.
    start_is_known : bool
    feature_names, class_names : tuples of str
    unseen : tuple of str
        What could not be looked at, and why.
    caveat : str
        What must be known with every finding; mostly nothing.
    arguments : mapping
        X, Y, validation and sample_weight as they were given, to take the run again.
    """

    network: Network
    loss: Loss
    block: Block
    held_out: Block | None
    history: History | None
    folder: RunFolder | None
    recipe: Recipe
    start: Array
    start_is_known: bool
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    unseen: tuple[str, ...]
    caveat: str
    arguments: Mapping[str, Any]

    def names_of(self, row: int, held_out: int) -> tuple[int, int]:
        """Return the numbers by which the person knows a row that was trained on and a held-out one."""
        blocks = (self.block, row), (self.held_out or self.block, held_out)
        known, held = (place if block.numbers is None else int(block.numbers[place]) for block, place in blocks)
        return known, held

    @property
    def truth(self) -> Truth:
        """Whether rows have classes, say yes or no, or have numbers."""
        return truth_of(self.block.y, self.loss)

    @cached_property
    def has_classes(self) -> bool:
        """Whether rows have a class each; also where a squared error teaches one output 0 and 1."""
        if self.truth is not Truth.NUMBERS:
            return True
        y = self.block.y
        return y.shape[1] == 1 and bool(((y == 0) | (y == 1)).all()) and bool((y == 0).any()) and bool((y == 1).any())

    @property
    def threshold(self) -> float | None:
        """From where one output says yes."""
        return 0.5 if self.loss.threshold is None else self.loss.threshold

    @property
    def classes(self) -> int:
        """How many classes there are; 2 where one output says yes or no."""
        return max(2, self.network.outputs)

    def labels(self, block: Block) -> Array:
        """Return the class of each row (m,)."""
        return labels_of(block.y)

    @property
    def epochs(self) -> int | None:
        """How many epochs were taken."""
        return None if self.history is None else self.history.epochs

    @property
    def batch_size(self) -> int:
        """Rows in a step; what `train` does by itself where it is not known."""
        return min(len(self.block), self.recipe.batch_size or 32)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in an epoch."""
        return -(-len(self.block) // self.batch_size)

    def some(self, most: int = MOST_ROWS) -> Block:
        """Return at most so many rows of those that were trained on, always the same."""
        return sample(self.block, most)

    def some_held_out(self, most: int = MOST_ROWS) -> Block | None:
        """Return at most so many rows of those held out."""
        return None if self.held_out is None else sample(self.held_out, most)

    @cached_property
    def class_weights(self) -> Array | None:
        """The mean weight of each class's rows in training; None where rows weigh alike or have no classes."""
        weight = self.block.sample_weight.astype(np.float64)
        if not self.has_classes or weight.min() == weight.max():
            return None
        labels = labels_of(self.block.y)
        counts = np.bincount(labels, minlength=self.classes)
        return np.bincount(labels, weights=weight / weight.mean(), minlength=self.classes) / np.maximum(counts, 1)

    def judged(self, block: Block) -> Block:
        """Return rows weighted as they are judged: alike, but each class as it weighs in training."""
        by_class = self.class_weights
        weight = np.ones(len(block)) if by_class is None else np.maximum(by_class[labels_of(block.y)], 1e-9)
        return dataclasses.replace(block, sample_weight=weight.astype(block.sample_weight.dtype))

    def thetas(self) -> Iterator[tuple[int, Array]]:
        """Give the epochs at whose start a snapshot was kept, and θ then."""
        if self.folder is None:
            return
        for document, arrays in self.folder.moments():
            if document["steps"] == 0:
                yield int(document["epoch"]), arrays["theta"]


def sample(block: Block, most: int) -> Block:
    """Return at most so many rows of a block, drawn by a fixed seed, in their order."""
    if len(block) <= most:
        return block
    rows = np.sort(generator(0, Purpose.SAMPLING, len(block)).permutation(len(block))[:most])
    return take(block, rows)


def take(block: Block, rows: Array) -> Block:
    """Return some rows of a block; `numbers` says where they stand in what the person gave."""
    numbers = rows if block.numbers is None else block.numbers[rows]
    return Block(block.x[rows], block.y[rows], block.sample_weight[rows], numbers)


def labels_of(y: Array) -> Array:
    """Return labels (m,) from labels, one-hot rows or yes and no."""
    if y.ndim == 1:
        return y
    return np.asarray(y[:, 0] > 0.5, np.int64) if y.shape[1] == 1 else y.argmax(axis=1)


def gather(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    history: History | None,
    run: RunFolder | str | os.PathLike[str] | None,
    validation: Any,
    loss: str | Loss | None,
    sample_weight: ArrayLike | None,
    optimizer: str | Optimizer | None,
    schedule: str | Schedule | None,
    batch_size: int | None,
    start: ArrayLike | None,
    seed: int,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
    numbers: Array | None,
    validation_numbers: Array | None,
) -> Known:
    """Return what a person's arguments tell, checked.

    Raises
    ------
    InputError
        If something cannot be used.
    FileError
        If the folder holds no run.
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    if history is not None and not isinstance(history, History):
        raise InputError(f"history is a {type(history).__name__}; expected what gn.train returned.")
    require_independent_rows(net.layers)
    unseen: list[str] = []
    caveat = ""
    folder = None if run is None else run if isinstance(run, RunFolder) else RunFolder(run)
    if folder is not None and not folder.path.is_dir():
        raise FileError(
            f"There is no folder {folder.path}: the path is another, or the run ended before its first step. Leave "
            "run= out to be told what rows, network and history show."
        )
    if folder is not None and next(iter(folder.moments()), None) is None:
        unseen.append(f"the run in {folder.path}: it never took a step, its folder holds no weights")
        folder = None
    if folder is None:
        chosen = net.objective(loss_of(net, loss)).loss
        recipe = Recipe(
            optimizer=None if optimizer is None else OPTIMIZERS.resolve(optimizer),
            schedule=None if schedule is None else SCHEDULES.resolve(schedule),
            batch_size=batch_size,
            seed=seed,
        )
        block, held_out = make_blocks(net, net.objective(chosen), X, Y, sample_weight, validation, seed)
        if optimizer is None:
            unseen.append("the optimizer and its steps: no run folder, and no optimizer= was given")
        theta, start_is_known = _start(net, start)
    else:
        settings, theta = _settings(folder)
        chosen = net.objective(loss if loss is not None else settings["loss"]).loss
        _require_same_network(net, settings, folder)
        recipe = Recipe(
            optimizer=OPTIMIZERS.resolve(settings["optimizer"]),
            schedule=None if settings["schedule"] is None else SCHEDULES.resolve(settings["schedule"]),
            epochs=None,
            **{
                name: settings[name]
                for name in (
                    "batch_size",
                    "l1",
                    "l2",
                    "clip_norm",
                    "clip_value",
                    "reduction",
                    "seed",
                    "shuffle",
                    "engine",
                )
            },
        )
        blocks = _blocks_of_run(folder, settings, net, chosen, X, Y, sample_weight, validation, history)
        if blocks is not None:
            block, held_out, validation = blocks
        else:
            block, held_out = make_blocks(net, net.objective(chosen), X, Y, sample_weight, validation, recipe.seed)
            caveat = (
                f"X, Y, validation or sample_weight are not those of the run in {folder.path}: their fingerprint "
                "differs. What is said holds for the rows given."
            )
        start_is_known = True
        history = history if history is not None else folder.load_history()
    if history is None:
        unseen.append("how the error went from epoch to epoch: no history was given")
    if held_out is None:
        unseen.append("overfitting and rows on both sides of a split: there are no validation rows")
    if not start_is_known:
        unseen.append("the weights before training: taken to be those that the network's seed draws")
    if feature_names is None:
        feature_names = column_names(X)
    if numbers is not None:
        block = dataclasses.replace(block, numbers=numbers)
    if validation_numbers is not None and held_out is not None:
        held_out = dataclasses.replace(held_out, numbers=validation_numbers)
    return Known(
        network=net.copy(),
        loss=chosen,
        block=_counted(block),
        held_out=None if held_out is None else _counted(held_out),
        history=history,
        folder=folder,
        recipe=recipe,
        start=theta,
        start_is_known=start_is_known,
        feature_names=as_names("feature_names", feature_names, net.input_shape[0], "input", "x"),
        class_names=as_names(
            "class_names",
            class_names if class_names is None or len(class_names) == net.outputs else None,
            net.outputs,
            "output",
            "",
        ),
        unseen=tuple(unseen),
        caveat=caveat,
        arguments={"X": X, "Y": Y, "validation": validation, "sample_weight": sample_weight},
    )


def _counted(block: Block) -> Block:
    """Return the rows of a block that count."""
    counted = np.flatnonzero(block.sample_weight > 0)
    return block if len(counted) == len(block) else take(block, counted)


def _start(net: Network, start: ArrayLike | None) -> tuple[Array, bool]:
    if start is None:
        fresh = net.copy()
        fresh.initialize(fresh.seed)
        return fresh.theta, False
    theta = as_numbers(start, "start").astype(net.dtype)
    if theta.shape != net.theta.shape:
        raise InputError(f"start has shape {theta.shape}; the network has {net.theta.size} parameters.")
    return theta, True


# --- the run ------------------------------------------------------------------------------------------------------


def _settings(folder: RunFolder) -> tuple[dict[str, Any], Array]:
    """Return what decided the run, and θ before its first step."""
    document, arrays = folder.snapshot_before(0)
    try:
        return document["settings"], arrays["theta"]
    except KeyError as error:
        raise CorruptFileError(
            f"{folder.path} does not hold a run of this glassnet ({error!r}). Train anew."
        ) from error


def _require_same_network(net: Network, settings: Mapping[str, Any], folder: RunFolder) -> None:
    ours, theirs = net.to_dict(), settings["network"]
    if ours["layers"] != theirs["layers"] or ours["inputs"] != theirs["inputs"]:
        raise InputError(
            f"The run in {folder.path} is of another network than the one given: its layers differ. Give the network "
            "and the run that made it."
        )


def _blocks_of_run(
    folder: RunFolder,
    settings: Mapping[str, Any],
    net: Network,
    loss: Loss,
    X: ArrayLike,
    Y: ArrayLike,
    sample_weight: ArrayLike | None,
    validation: Any,
    history: History | None,
) -> tuple[Block, Block | None, Any] | None:
    """Return the rows of the run, or None where these are others; a share that was held out is found by trying."""
    objective, seed = net.objective(loss), settings["seed"]
    held = settings["validation"] is not None
    candidates: list[Any] = [validation] if validation is not None or not held else [None, *_USUAL_SHARES]
    if validation is None and held and history is not None and history.ledger is not None:
        candidates.insert(1, _share(history.ledger.numbers, len(as_numbers(X, "X"))))
    for candidate in candidates:
        try:
            block, held_out = make_blocks(net, objective, X, Y, sample_weight, candidate, seed)
        except InputError:
            if len(candidates) == 1:
                raise
            continue
        if digest(block) == settings["data"] and (
            not held or held_out is None or digest(held_out) == settings["validation"]
        ):
            return block, held_out, candidate
    return None


def _share(numbers: Array, m: int) -> float:
    """Return the share of rows that was held out, where these are the numbers of the others."""
    return min(max(1 - len(numbers) / m, 1e-9), 1 - 1e-9)
