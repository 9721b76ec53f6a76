"""The training loop: it asks the engine for steps, and between them looks at clocks, listeners and validation data."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, Engine
from glassnet.errors import FileError, NonFiniteError, warn
from glassnet.maths.random import Purpose, generator
from glassnet.maths.schedules import Schedule
from glassnet.training.events import (
    CheckpointSaved,
    EpochEnded,
    Listeners,
    Progressed,
    StepEnded,
    StopTraining,
    TrainingEnded,
    TrainingStarted,
)
from glassnet.training.history import History
from glassnet.training.position import Position
from glassnet.training.run_folder import RunFolder
from glassnet.training.scores import score
from glassnet.training.stopping import EarlyStopping, Interruption

Array = NDArray[Any]

ALL_DONE, TIME_OVER, INTERRUPTED = "all epochs done", "time limit", "interrupted"

_SECONDS_BETWEEN_LOOKS = 0.1


@final
@dataclass(frozen=True)
class Options:
    """What a training is to do, apart from what the engine knows.

    Parameters
    ----------
    epochs : int
    shuffle : bool
    schedule : Schedule or None
    early_stopping : EarlyStopping or None
    time_limit : float or None
        In seconds, of this call.
    checkpoint_every : float
        In seconds.
    """

    epochs: int
    shuffle: bool
    schedule: Schedule | None
    early_stopping: EarlyStopping | None
    time_limit: float | None
    checkpoint_every: float


@final
class Training:
    """One call of `train`, from the first step to the last.

    Parameters
    ----------
    engine : Engine
    block, validation : Block, Block or None
    options : Options
    listeners : Listeners
    folder : RunFolder or None

    Attributes
    ----------
    settings : mapping
        What a run that is continued must have in common with this one; kept in its checkpoints.
    """

    def __init__(
        self,
        engine: Engine,
        block: Block,
        validation: Block | None,
        options: Options,
        listeners: Listeners,
        folder: RunFolder | None,
    ) -> None:
        self.engine, self.block, self.validation, self.options = engine, block, validation, options
        self.listeners, self.folder = listeners, folder
        self.settings: Mapping[str, Any] = {}
        self.network = engine.network
        self.steps_per_epoch = -(-len(block) // engine.batch_size)
        state = {} if options.schedule is None else options.schedule.init()
        self.position = Position.start(self.steps_per_epoch, state)
        self._warned = False
        self._seconds_per_step = _SECONDS_BETWEEN_LOOKS

    # --- from start to end --------------------------------------------------------------------------------------

    def resume(self, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Stand where a checkpoint stood."""
        self.position = Position.from_parts(document, arrays, self.engine, self.steps_per_epoch)
        history = self.position.history
        if not self._patience_is_over:  # more epochs may have been asked for, or fewer
            history.stopped = ALL_DONE if self._is_done else ""

    def run(self) -> History:
        """Train until something says stop; leave the network with the weights that the caller is to have."""
        history = self.position.history
        self._started = self._last_checkpoint = time.monotonic()
        with Interruption() as self._interruption:
            try:
                self._tell(TrainingStarted, self.options.epochs, self.steps_per_epoch, self.position.epoch)
                if not history.stopped and self.position.epoch == self.position.steps == 0:
                    self._snapshot()
                while not history.stopped:
                    self._epoch()
            except StopTraining as stop:
                history.stopped = str(stop) or "a callback stopped it"
            except NonFiniteError as error:
                history.stopped = str(error)
                error.history = history
                if self.folder is not None:
                    with self._unless_the_disk_is_full():
                        self.folder.save_history(history)
                raise
        self._finish()
        return history

    def _finish(self) -> None:
        position, history = self.position, self.position.history
        with contextlib.suppress(StopTraining):  # it has stopped
            self._save_checkpoint()
        if position.best_theta is not None:
            self.network.theta[:] = position.best_theta
        if history.stopped == INTERRUPTED:
            kept = (
                f"the best weights, of epoch {history.best_epoch},"
                if history.best_epoch is not None
                else "its weights so far"
            )
            warn(
                f"Training was interrupted in epoch {position.epoch} after {position.steps} of "
                f"{self.steps_per_epoch} steps; the network keeps {kept}."
            )
        with contextlib.suppress(StopTraining):
            self._tell(TrainingEnded, history)

    # --- an epoch -----------------------------------------------------------------------------------------------

    def _epoch(self) -> None:
        position, batch = self.position, self.engine.batch_size
        order = self._order(position.epoch)
        while position.steps < self.steps_per_epoch:
            rates = self._rates(self._steps_at_a_stretch())
            rows = order[position.steps * batch : (position.steps + len(rates)) * batch]
            began = time.monotonic()
            steps = self.engine.run(self.block, rows, rates, lambda: self._interruption.wished)
            if len(steps):
                self._seconds_per_step = (time.monotonic() - began) / len(steps)
            taken = slice(position.steps, position.steps + len(steps))
            position.errors[taken], position.weights[taken] = steps.errors, steps.weights
            position.steps += len(steps)
            if self._stopped_between_steps(len(steps), rates[0][0]):
                return
        self._end_epoch(self._rates_at(self.steps_per_epoch - 1)[0])

    def _stopped_between_steps(self, taken: int, learning_rate: float) -> bool:
        """Tell listeners where training stands, save if it is time, and say whether to stop here."""
        position = self.position
        if taken and self.listeners.hear(StepEnded):
            number, loss = self.engine.state.step - 1, float(position.errors[position.steps - 1])
            self._tell(StepEnded, position.epoch, number, loss, learning_rate)
        if self.listeners.hear(Progressed):
            self._tell(Progressed, position.epoch, position.steps, self.steps_per_epoch, position.loss_so_far)
        if position.steps == self.steps_per_epoch:
            return False  # the end of the epoch comes first
        position.history.stopped = self._wish_to_stop()
        self._save_checkpoint_if_due()
        return bool(position.history.stopped)

    def _end_epoch(self, learning_rate: float) -> None:
        """Judge the epoch, move on to the next, tell listeners, and see whether it was the last."""
        position, history, options = self.position, self.position.history, self.options
        history.loss.append(position.loss_so_far)
        history.learning_rate.append(learning_rate)
        validation_loss, validation_accuracy = self._validate()
        if validation_loss is not None:
            history.validation_loss.append(validation_loss)
        if validation_accuracy is not None:
            history.validation_accuracy.append(validation_accuracy)
        if options.schedule is not None:
            loss = history.loss[-1] if validation_loss is None else validation_loss
            watched = loss if options.schedule.watches == "loss" else validation_accuracy
            options.schedule.observe(position.schedule, float("nan") if watched is None else watched)
        is_best = self._watch()
        ended = (position.epoch, history.loss[-1], validation_loss, validation_accuracy, learning_rate, is_best)
        position.epoch, position.steps = position.epoch + 1, 0
        if self._is_done:
            history.stopped = self._how_it_ended
        else:
            history.stopped = self._wish_to_stop()
        self._tell(EpochEnded, *ended)  # before anything is saved: a listener may move the weights
        self._snapshot()
        self._save_checkpoint_if_due()

    def _watch(self) -> bool:
        """Keep this epoch's weights if they are the best so far, and say whether they are."""
        position, history, early = self.position, self.position.history, self.options.early_stopping
        if early is None:
            return False
        value = getattr(history, early.monitor)[-1]
        if not early.is_better(value, position.best_value):
            position.waited += 1
            return False
        position.best_value, position.waited = value, 0
        position.best_theta, history.best_epoch = self.network.theta.copy(), position.epoch
        return True

    def _validate(self) -> tuple[float | None, float | None]:
        if self.validation is None:
            return None, None
        block = self.validation
        scores = score(self.engine.objective, block, *self.engine.row_errors(block.x, block.y))
        return scores.loss, scores.accuracy

    # --- small questions ----------------------------------------------------------------------------------------

    def _order(self, epoch: int) -> Array:
        """Return the rows in the order of an epoch, a pure function of the seed and the epoch."""
        m = len(self.block)
        if not self.options.shuffle or self.steps_per_epoch == 1:
            return np.arange(m)
        return generator(self.engine.seed, Purpose.BATCHES, epoch).permutation(m)

    def _rates_at(self, step: int) -> tuple[float, float | None]:
        """Return learning rate and momentum of a step of this epoch; None leaves the optimizer's own momentum."""
        optimizer, schedule = self.engine.descent.optimizer, self.options.schedule
        if schedule is None:
            return optimizer.learning_rate, None
        epoch = self.position.epoch
        t = epoch if schedule.per == "epoch" else epoch * self.steps_per_epoch + step
        return schedule.at(t, optimizer.learning_rate, optimizer.own_momentum, self.position.schedule)

    def _rates(self, n: int) -> list[tuple[float, float | None]]:
        first, schedule = self.position.steps, self.options.schedule
        if schedule is None or schedule.per == "epoch":
            return [self._rates_at(first)] * n
        return [self._rates_at(first + i) for i in range(n)]

    def _steps_at_a_stretch(self) -> int:
        left = self.steps_per_epoch - self.position.steps
        if self.listeners.hear(StepEnded):
            return 1
        return max(1, min(left, int(_SECONDS_BETWEEN_LOOKS / max(self._seconds_per_step, 1e-9))))

    @property
    def _patience_is_over(self) -> bool:
        early = self.options.early_stopping
        return early is not None and self.position.waited >= early.patience

    @property
    def _how_it_ended(self) -> str:
        return f"no better for {self.position.waited} epochs" if self._patience_is_over else ALL_DONE

    @property
    def _is_done(self) -> bool:
        return self._patience_is_over or self.position.epoch >= self.options.epochs

    def _wish_to_stop(self) -> str:
        """Return why training should stop here though it is not done, or nothing."""
        if self._interruption.wished:
            return INTERRUPTED
        limit = self.options.time_limit
        return TIME_OVER if limit is not None and time.monotonic() - self._started >= limit else ""

    def _tell(self, kind: Callable[..., Any], *facts: Any) -> None:
        if isinstance(kind, type) and self.listeners.hear(kind):
            self.listeners.tell(kind(self.network, *facts))

    # --- the run folder -----------------------------------------------------------------------------------------

    def _save_checkpoint_if_due(self) -> None:
        age = time.monotonic() - self._last_checkpoint
        if age > self.options.checkpoint_every and not self.position.history.stopped:
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        self._last_checkpoint = time.monotonic()
        folder = self.folder
        if folder is None:
            return
        with self._unless_the_disk_is_full():
            folder.save(*self._parts())
            folder.save_history(self.position.history)
            self._tell(CheckpointSaved, folder.checkpoint, self.position.epoch)

    def _snapshot(self) -> None:
        if self.folder is not None and self.folder.keeps_snapshot(self.position.epoch, self.options.epochs):
            with self._unless_the_disk_is_full():
                self.folder.save_snapshot(self.position.epoch, self.options.epochs, *self._parts())

    @contextlib.contextmanager
    def _unless_the_disk_is_full(self) -> Iterator[None]:
        """Go on training where a file cannot be written: the weights matter more than the record of them."""
        try:
            yield
        except FileError as error:
            if not self._warned:
                warn(f"{error} Training goes on without it.")
            self._warned = True

    def _parts(self) -> tuple[dict[str, Any], dict[str, Array]]:
        document, arrays = self.position.to_parts(self.engine)
        # a run that was stopped before its end can be continued as if it never had been
        document["history"]["stopped"] = self._how_it_ended if self._is_done else ""
        return {**document, "settings": dict(self.settings)}, arrays
