"""The live progress of a training: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from glassnet.training import EpochEnded, Progressed, TrainingStarted
from glassnet.training.events import Callback


@contextlib.contextmanager
def shown(console: Console) -> Iterator[list[Callback]]:
    """Give the callbacks that show progress on `console`."""
    if not console.is_terminal:
        lines = _Lines(console)
        yield [lines.started, lines.epoch_ended]
        return
    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(bar_width=24),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        bar = _Bar(progress)
        yield [bar.started, bar.progressed, bar.epoch_ended]


def figures(loss: float, validation_loss: float | None, validation_accuracy: float | None) -> str:
    """Return an epoch's figures in a few words."""
    held_out = f"  held-out accuracy {validation_accuracy:.1%}" if validation_accuracy is not None else ""
    if not held_out and validation_loss is not None:
        held_out = f"  held-out loss {validation_loss:.4g}"
    return f"loss {loss:.4f}{held_out}"


@final
class _Bar:
    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = TaskID(0)
        self.epochs = self.steps_per_epoch = 0
        self.held_out: tuple[float | None, float | None] = (None, None)

    def started(self, event: TrainingStarted) -> None:
        self.epochs, self.steps_per_epoch = event.epochs, event.steps_per_epoch
        total = event.epochs * event.steps_per_epoch
        done = event.epoch * event.steps_per_epoch
        self.task = self.progress.add_task(
            "", total=total, completed=done, epoch=f"{event.epoch}/{self.epochs}", figures=""
        )

    def progressed(self, event: Progressed) -> None:
        self.progress.update(
            self.task,
            completed=event.epoch * event.steps_per_epoch + event.steps,
            epoch=f"{event.epoch + 1}/{self.epochs}",
            figures=figures(event.loss, *self.held_out),
        )

    def epoch_ended(self, event: EpochEnded) -> None:
        self.held_out = (event.validation_loss, event.validation_accuracy)
        self.progress.update(self.task, figures=figures(event.loss, *self.held_out))


@final
class _Lines:
    """About ten lines a run, and never more than one in two seconds unless it is the last."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.epochs, self.last = 0, time.monotonic()

    def started(self, event: TrainingStarted) -> None:
        self.epochs = event.epochs

    def epoch_ended(self, event: EpochEnded) -> None:
        number = event.epoch + 1
        due = number % max(1, self.epochs // 10) == 0 and time.monotonic() - self.last > 2
        if due or number == self.epochs:
            self.last = time.monotonic()
            words = figures(event.loss, event.validation_loss, event.validation_accuracy)
            self.console.print(f"epoch {number}/{self.epochs}  {words}", highlight=False)
