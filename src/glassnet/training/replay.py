"""A run taken again: any step of it, bit for bit, from the nearest snapshot in its folder and the rows it met.

Training is deterministic, so what a run did need not have been recorded. A run may also be taken again otherwise, with
other weights of its rows or another descent, to see what would have become of it.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Block, Descent, Engine, make_engine
from glassnet.errors import CorruptFileError, FileError, InputError
from glassnet.files.container import read_container
from glassnet.maths.activation import AnyActivation
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.maths.schedules import SCHEDULES, Schedule
from glassnet.network.network import Network
from glassnet.training.arguments import make_blocks
from glassnet.training.events import Listeners
from glassnet.training.history import History
from glassnet.training.ledger import Ledger
from glassnet.training.loop import Options, Training
from glassnet.training.position import under
from glassnet.training.run_folder import RunFolder
from glassnet.training.settings import digest, own_formulas

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class TakenStep:
    """One step of a run, as it was taken.

    Parameters
    ----------
    step, epoch : int
        The step counted over the whole run, and its epoch, both from 0.
    rows : (r,) int64 array
        The rows it met, of the block that was trained on.
    learning_rate : float
    momentum : float or None
        None where the optimizer's own was used.
    theta, theta_next : (n,) arrays
        Before and after, in the run's dtype.
    state : dict of arrays
        The optimizer's, before.
    """

    step: int
    epoch: int
    rows: Array
    learning_rate: float
    momentum: float | None
    theta: Array
    theta_next: Array
    state: dict[str, Array]


@final
class Replay:
    """A run that can be taken again.

    Parameters
    ----------
    folder : RunFolder or path
        Where the run was kept.
    X, Y, validation, sample_weight
        As they were given to `train`.
    loss : Loss or None
        The record, if the run used one of the user's own.
    activations : mapping or None
        The user's own records by name.
    threads : int or None
        How many threads to use at most; the bits do not depend on it.

    Attributes
    ----------
    settings : dict
        What decided every bit of the run.
    history : History
        What the run met.
    block, validation : Block, Block or None
        The rows it was trained on and judged by.
    steps, steps_per_epoch : int
        How many steps it took in all, and takes in an epoch.
    ledger : Ledger or None
        What each row was like in each epoch; None where the run kept none.
    theta : (n,) array
        What the checkpoint holds: θ after the last step.
    best_theta : (n,) array or None
        The weights that early stopping restored.

    Raises
    ------
    FileError
        If the folder holds no run, or a damaged one.
    InputError
        If the rows are not those of the run.
    """

    def __init__(
        self,
        folder: RunFolder | str | os.PathLike[str],
        X: ArrayLike,
        Y: ArrayLike,
        *,
        validation: Any = None,
        sample_weight: ArrayLike | None = None,
        loss: Loss | None = None,
        activations: Mapping[str, AnyActivation] | None = None,
        threads: int | None = None,
    ) -> None:
        self.folder = folder if isinstance(folder, RunFolder) else RunFolder(folder)
        if not self.folder.checkpoint.exists():
            raise FileError(
                f"{self.folder.path} holds no run. glassnet train keeps one beside the model, and so does "
                'gn.train(..., checkpoint="digits.run").'
            )
        document, arrays = read_container(self.folder.checkpoint, "checkpoint")
        try:
            self.settings: dict[str, Any] = document["settings"]
            self.history = History.from_dict(document["history"])
            self.steps, self.theta, self.best_theta = document["step"], arrays["theta"], arrays.get("best_theta")
            self._network = Network.from_dict(self.settings["network"], activations)
            self.objective = self._network.objective(
                self.settings["loss"] if loss is None else loss,
                self.settings["reduction"],
                self.settings["l1"],
                self.settings["l2"],
            )
            self.seed, self.batch_size = self.settings["seed"], self.settings["batch_size"]
            fingerprints = self.settings["data"], self.settings["validation"]
        except (KeyError, TypeError) as error:
            raise CorruptFileError(
                f"{self.folder.checkpoint} does not hold a run of this glassnet ({error!r}). Train anew."
            ) from error
        self._require_same_formulas()
        self.block, self.validation = make_blocks(
            self._network, self.objective, X, Y, sample_weight, validation, self.seed
        )
        self._require_same_rows(*fingerprints)
        self.ledger = self._ledger(under("ledger.", arrays))
        self.threads, self.steps_per_epoch = threads, -(-len(self.block) // self.batch_size)

    def _require_same_formulas(self) -> None:
        """Refuse a loss or activations that compute something else than those of the run."""
        own = own_formulas(self._network, self.objective.loss)
        if (self.objective.loss.name, own) != (self.settings["loss"], self.settings["own_formulas"]):
            raise InputError(
                f"The run in {self.folder.path} used other formulas: the loss or an activation that was given computes "
                "something else. Give the same records as for the training."
            )

    def _require_same_rows(self, data: str, validation: str | None) -> None:
        """Refuse rows that the run was not trained on; with others, nothing that is said of it would be true."""
        for name, block, expected in (("trained on", self.block, data), ("judged by", self.validation, validation)):
            if (None if block is None else digest(block)) != expected:
                raise InputError(
                    f"The rows are not those that the run in {self.folder.path} was {name}: their fingerprint differs. "
                    "Give the same X, Y, validation and sample_weight as for the training, in the same order."
                )

    def _ledger(self, arrays: Mapping[str, Array]) -> Ledger | None:
        """Return the run's ledger, if it kept one."""
        if not arrays:
            return None
        ledger = Ledger(self.block, self.objective.loss, self._network.dtype, self._network.outputs)
        try:
            ledger.restore(arrays)
        except (KeyError, ValueError) as error:
            raise CorruptFileError(f"{self.folder.checkpoint} does not hold a ledger ({error!r}).") from error
        return ledger

    @property
    def network(self) -> Network:
        """A network such as the run's, a new one each time, that has not been trained."""
        own = {layer.activation.name: layer.activation for layer in self._network.layers}
        net = Network.from_dict(self._network.to_dict(), own)
        net.loss = self.objective.loss
        return net

    # --- as it was --------------------------------------------------------------------------------------------------

    @property
    def descent(self) -> Descent:
        """The optimizer and clipping of the run."""
        values = self.settings
        return Descent(OPTIMIZERS.resolve(values["optimizer"]), values["clip_value"], values["clip_norm"])

    @property
    def schedule(self) -> Schedule | None:
        """The schedule of the run, its lengths filled in."""
        spec = self.settings["schedule"]
        return None if spec is None else SCHEDULES.resolve(spec)

    def taken(self, first: int, last: int) -> Iterator[TakenStep]:
        """Give the steps from `first` up to, but not, `last`, as the run took them.

        Raises
        ------
        NonFiniteError
            Where the run met a NaN.
        """
        training = self.training(first)
        engine, theta = training.engine, training.network.theta
        while engine.state.step < last:
            rows, rates = training.upcoming()
            step, epoch, before = engine.state.step, training.position.epoch, theta.copy()
            state = {name: array.copy() for name, array in engine.state.optimizer.items()}
            training.advance(step + 1)
            momentum = None if rates.momentum is None else float(rates.momentum[0])
            rate = float(rates.learning_rate[0])
            yield TakenStep(step, epoch, rows.copy(), rate, momentum, before, theta.copy(), state)

    # --- or otherwise -----------------------------------------------------------------------------------------------

    def training(
        self,
        step: int = 0,
        *,
        block: Block | None = None,
        descent: Descent | None = None,
        schedule: Schedule | str | None = "",
        epochs: int | None = None,
        keeps_ledger: bool = False,
    ) -> Training:
        """Return a training that stands before `step` of the run, with a network of its own; `advance` takes it on.

        Parameters
        ----------
        step : int
            Counted over the whole run.
        block : Block or None
            Other rows, or other weights of them, from there on.
        descent : Descent or None
            Another way of moving θ from there on; an optimizer of the same kind goes on with its memory.
        schedule : Schedule, str or None
            Another schedule from there on; "" is the run's own.
        epochs : int or None
            How many epochs the training may take in all; None is as many as the run took.
        keeps_ledger : bool
            Whether it keeps a ledger of its rows.

        Raises
        ------
        FileError
            If no snapshot is left from before that step.
        """
        own = self._at_snapshot(step, epochs)
        own.advance(step)
        if block is None and descent is None and schedule == "" and not keeps_ledger:
            return own
        engine = self._engine(self.descent if descent is None else descent)
        chosen = self.schedule if isinstance(schedule, str) and not schedule else schedule
        options = dataclasses.replace(own.options, schedule=SCHEDULES.resolve(chosen) if chosen else None)
        options = dataclasses.replace(options, ledger=keeps_ledger)
        other = Training(engine, block or self.block, self.validation, options, Listeners([]), None)
        _hand_over(own, other)
        return other

    def _at_snapshot(self, step: int, epochs: int | None) -> Training:
        """Return a training that stands at the last snapshot before a step."""
        document, arrays = self.folder.snapshot_before(step // self.steps_per_epoch)
        options = Options(
            epochs=max(epochs or 0, -(-self.steps // self.steps_per_epoch), -(-step // self.steps_per_epoch)),
            shuffle=self.settings["shuffle"],
            schedule=self.schedule,
            early_stopping=None,
            time_limit=None,
            checkpoint_every=np.inf,
            ledger=False,
        )
        training = Training(self._engine(self.descent), self.block, self.validation, options, Listeners([]), None)
        try:
            training.resume(document, {name: array for name, array in arrays.items() if name != "best_theta"})
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(f"A snapshot in {self.folder.path} does not hold a run ({error!r}).") from error
        training.position.history.stopped = ""
        return training

    def _engine(self, descent: Descent) -> Engine:
        net, name = self.network, self.settings["engine"]
        return make_engine(name, net, self.objective, descent, self.batch_size, self.seed, self.threads)


def _hand_over(before: Training, after: Training) -> None:
    """Let a training stand where another does; the optimizer's memory goes with it where it is of the same form."""
    after.network.theta[:] = before.network.theta
    after.engine.state.step = before.engine.state.step
    old, new = before.engine.state.optimizer, after.engine.state.optimizer
    if {name: array.shape for name, array in old.items()} == {name: array.shape for name, array in new.items()}:
        after.engine.state.optimizer = {name: array.copy() for name, array in old.items()}
    position, schedule = copy.deepcopy(before.position), after.position.schedule
    ledger = after.position.history.ledger
    after.position = position
    if after.position.schedule.keys() != schedule.keys():
        after.position.schedule = schedule
    after.position.history.ledger = ledger
