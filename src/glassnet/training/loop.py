"""The training loop: it asks the engine for steps, and between them looks at clocks, listeners and validation data."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, Engine, Rates, Steps
from glassnet.engines.nonfinite.teller import tell
from glassnet.engines.nonfinite.trail import Trail
from glassnet.errors import FileError, NonFiniteError, warn
from glassnet.maths.schedules import Schedule
from glassnet.training.blas import OneBlasThread
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
from glassnet.training.ledger import Ledger
from glassnet.training.position import Position, mean_errors
from glassnet.training.run_folder import RunFolder
from glassnet.training.scores import score
from glassnet.training.stopping import EarlyStopping, Interruption
from glassnet.training.stories import save_story
from glassnet.training.stretch import Orders, rates_of_steps

Array = NDArray[Any]

ALL_DONE, TIME_OVER, INTERRUPTED = "all epochs done", "time limit", "interrupted"

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_SAVE, _WAIT_FOR_LONG = 0.1, 30
_ROWS_AT_A_STRETCH = 1_000_000  # of several epochs; they are numbered in memory


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
    ledger : bool
        Whether to keep one.
    """

    epochs: int
    shuffle: bool
    schedule: Schedule | None
    early_stopping: EarlyStopping | None
    time_limit: float | None
    checkpoint_every: float
    ledger: bool


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
        self._orders = Orders(len(block), engine.batch_size, engine.seed, options.shuffle)
        self.steps_per_epoch = self._orders.steps_per_epoch
        state = {} if options.schedule is None else options.schedule.init()
        self.position = Position.start(self.steps_per_epoch, state)
        if options.ledger and not any(layer.mixes_rows for layer in engine.network.layers):
            net = engine.network
            self.position.history.ledger = Ledger(block, engine.objective.loss, net.dtype, net.outputs)
        # a schedule that remembers nothing looks at nothing
        watches = options.early_stopping is not None or validation is not None or bool(state)
        self._epochs_are_watched = watches or listeners.hear(EpochEnded)
        self._steps_are_watched = listeners.hear(StepEnded)
        self._warned, self._seconds_to_save = False, 0.0
        self._interruption, self._started = Interruption(), time.monotonic()
        self._last_checkpoint = self._started
        self._until: int | None = None
        self._trail = Trail(engine, block)  # from which a NaN gets its story
        self._longest_stretch, self._steps_between_looks = 0, 1  # until it is known how long a step takes

    # --- from start to end --------------------------------------------------------------------------------------

    def resume(self, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Stand where a checkpoint stood."""
        ledger = self.position.history.ledger
        if ledger is not None and "ledger.epochs" not in arrays:
            warn("The run was begun without a ledger of its rows, and so goes on without one.")
            ledger = None
        self.position = Position.from_parts(document, arrays, self.engine, self.steps_per_epoch, ledger)
        history = self.position.history
        if not self._patience_is_over:  # more epochs may have been asked for, or fewer
            history.stopped = ALL_DONE if self._is_done else ""

    def run(self) -> History:
        """Train until something says stop; leave the network with the weights that the caller is to have."""
        history = self.position.history
        self._started = self._last_checkpoint = time.monotonic()
        with Interruption() as self._interruption:
            try:
                facts = self.options.epochs, self.steps_per_epoch, self.position.epoch
                self._tell(TrainingStarted, *facts, self.block, self.validation)
                if not history.stopped and self.position.epoch == self.position.steps == 0:
                    self._snapshot()
                while not history.stopped:
                    if self.position.steps < self.steps_per_epoch:
                        self._stretch()
                    else:
                        self._end_epoch()
            except StopTraining as stop:
                history.stopped = str(stop) or "a callback stopped it"
            except NonFiniteError as error:
                history.stopped = str(error)
                error.history = history
                if self.folder is not None:
                    with self._unless_the_disk_is_full():
                        self.folder.save_history(history)
                        save_story(self.folder, error.story)
                raise
        self._finish()
        return history

    def advance(self, step: int) -> None:
        """Take steps until `step`, counted over the whole run, is the next one, or training is over.

        What a run did is taken again this way; call it of a training without folder and listeners.
        """
        self._until = step
        while self.engine.state.step < step and not self.position.history.stopped:
            self._stretch()
            if self.position.steps == self.steps_per_epoch:
                self._end_epoch()

    def upcoming(self) -> tuple[Array, Rates]:
        """Return the rows that the next step takes, and its rates."""
        order, _ = self._orders.of_steps(self.position.epoch, self.position.steps, 1)
        return order, self._rates(self.position.steps, 1)

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

    # --- steps --------------------------------------------------------------------------------------------------

    def _stretch(self) -> None:
        """Let the engine take steps until it is time to look, and book what they met."""
        position, began = self.position, time.perf_counter()
        if self._interruption.wished:  # an engine may ask between two steps only
            position.history.stopped = INTERRUPTED
            return
        n = self._steps_at_a_stretch()
        if self._until is not None:
            n = min(n, self._until - self.engine.state.step)
        before = self.network.theta.copy() if n == 1 and self._steps_left == 1 and self.folder is not None else None
        order, bounds = self._orders.of_steps(position.epoch, position.steps, n)
        rates = self._rates(position.steps, n)
        ledger = position.history.ledger
        notes = None if ledger is None else ledger.room(position.steps * self.engine.batch_size, len(order))
        self._trail.note(order, bounds, rates)
        try:
            steps = self.engine.run(self.block, order, bounds, rates, lambda: self._interruption.wished, notes)
        except NonFiniteError as error:
            if error.steps is not None and len(error.steps):
                if ledger is not None and notes is not None:
                    ledger.enter(notes, int(bounds[len(error.steps)]))
                self._book(error.steps, rates)
                if position.steps == self.steps_per_epoch:
                    self._record_epoch()
            with OneBlasThread():
                tell(error, self._trail, self.steps_per_epoch, lambda: self._interruption.wished)
            raise
        if len(steps):
            if ledger is not None and notes is not None:
                ledger.enter(notes, int(bounds[len(steps)]))
            position.last_update = None if before is None else self.network.theta - before
            self._book(steps, rates)
            seconds = (time.perf_counter() - began) / len(steps)
            affordable = int(_SECONDS_BETWEEN_LOOKS / max(seconds, 1e-9))
            self._longest_stretch = max(self._longest_stretch, len(steps))
            self._steps_between_looks = max(1, min(10 * self._longest_stretch, affordable))
        self._look(len(steps), rates)

    def _book(self, steps: Steps, rates: Rates) -> None:
        """Move the position behind some steps; the last epoch that they touch stays open, even where it is complete."""
        position, size = self.position, self.steps_per_epoch
        before, errors, weights = position.steps, steps.errors, steps.weights
        if before:
            errors = np.concatenate((position.errors[:before], errors))
            weights = np.concatenate((position.weights[:before], weights))
        over = (len(errors) - 1) // size
        if over:
            whole = (over, size)
            last_steps = np.arange(1, over + 1) * size - 1 - before
            position.history.loss += mean_errors(
                errors[: over * size].reshape(whole), weights[: over * size].reshape(whole)
            ).tolist()
            position.history.learning_rate += rates.learning_rate[last_steps].tolist()
            position.epoch += over
        position.steps = len(errors) - over * size
        position.errors[: position.steps] = errors[over * size :]
        position.weights[: position.steps] = weights[over * size :]

    def _look(self, taken: int, rates: Rates) -> None:
        """Tell listeners where training stands, see whether to stop, and save if it is time."""
        position = self.position
        if taken and self._steps_are_watched:
            number, loss = self.engine.state.step - 1, float(position.errors[position.steps - 1])
            self._tell(StepEnded, position.epoch, number, loss, float(rates.learning_rate[0]))
        if self.listeners.hear(Progressed):
            self._tell(Progressed, position.epoch, position.steps, self.steps_per_epoch, position.loss_so_far)
        if position.steps < self.steps_per_epoch:  # else the end of the epoch comes first
            position.history.stopped = self._wish_to_stop()
            self._save_checkpoint_if_due()

    # --- the end of an epoch ------------------------------------------------------------------------------------

    def _record_epoch(self) -> float:
        """Enter loss and learning rate into the history, and return the learning rate of the epoch's last step."""
        history = self.position.history
        learning_rate = float(self._rates(self.steps_per_epoch - 1, 1).learning_rate[0])
        history.loss.append(self.position.loss_so_far)
        history.learning_rate.append(learning_rate)
        return learning_rate

    def _end_epoch(self) -> None:
        """Judge the epoch, move on to the next, tell listeners, and see whether it was the last."""
        position, history, options = self.position, self.position.history, self.options
        learning_rate = self._record_epoch()
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

    def _rates(self, step: int, n: int) -> Rates:
        """Return the rates of n steps, from a step of this epoch on."""
        optimizer, position = self.engine.descent.optimizer, self.position
        at = (self.steps_per_epoch, position.epoch, step, n)
        return rates_of_steps(optimizer, self.options.schedule, position.schedule, *at)

    @property
    def _steps_left(self) -> int:
        """How many steps are planned from here on."""
        return (self.options.epochs - self.position.epoch) * self.steps_per_epoch - self.position.steps

    def _steps_at_a_stretch(self) -> int:
        """Return how many steps the engine may take before anybody wants to look at what they did."""
        if self._steps_are_watched:
            return 1
        size, done = self.steps_per_epoch, self.position.steps
        epochs = (done + self._steps_between_looks) // size
        n = min(size - done, self._steps_between_looks)
        if epochs > 1:
            n = self._epochs_at_a_stretch(epochs) * size - done
        # the very last step is taken by itself, so that a run's folder can tell what it did to θ
        return n - 1 if n > 1 and n == self._steps_left and self.folder is not None else n

    def _epochs_at_a_stretch(self, most: int) -> int:
        """Return after how many epochs something is to be done, or might be."""
        if self._epochs_are_watched:
            return 1
        epoch, epochs, folder = self.position.epoch, self.options.epochs, self.folder
        most = max(1, min(most, epochs - epoch, _ROWS_AT_A_STRETCH // len(self.block)))
        if folder is None:
            return most
        return next((n for n in range(1, most) if folder.keeps_snapshot(epoch + n, epochs)), most)

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
        age, wait = time.monotonic() - self._last_checkpoint, self.options.checkpoint_every
        if self._seconds_to_save > _SECONDS_TO_SAVE:  # a long one, with the ledger of many rows
            wait = max(wait, _WAIT_FOR_LONG * self._seconds_to_save)
        if age > wait and not self.position.history.stopped:
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        self._last_checkpoint = began = time.monotonic()
        folder = self.folder
        if folder is None:
            return
        document, arrays = self._parts()
        if self.position.last_update is not None:
            arrays["last_update"] = self.position.last_update
        if self.position.history.ledger is not None:
            ledger = self.position.history.ledger.to_arrays()
            arrays |= {f"ledger.{name}": array for name, array in ledger.items()}
        with self._unless_the_disk_is_full():
            folder.save(document, arrays)
            folder.save_history(self.position.history)
            self._tell(CheckpointSaved, folder.checkpoint, self.position.epoch)
        self._seconds_to_save = time.monotonic() - began

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
