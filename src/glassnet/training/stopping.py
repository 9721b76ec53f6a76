"""When to stop: early stopping by patience, and Ctrl-C as a wish between two steps."""

from __future__ import annotations

import math
import signal
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal, Self, final

from glassnet.maths.hyperparameters import require_choice, require_number, require_whole


@final
@dataclass(frozen=True)
class EarlyStopping:
    """Stop when an epoch's figure has not become better for some epochs, and restore the best epoch's weights.

    Parameters
    ----------
    patience : int
        How many epochs without a better figure to wait for.
    monitor : {"validation_loss", "validation_accuracy", "loss"}
    min_delta : float
        A figure counts as better only when it is better by more than this.

    References
    ----------
    Prechelt, Early stopping — but when?, 1998.
    """

    patience: int = 10
    monitor: Literal["validation_loss", "validation_accuracy", "loss"] = "validation_loss"
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        require_whole(self, "patience", low=1)
        require_choice(self, "monitor", ("validation_loss", "validation_accuracy", "loss"))
        require_number(self, "min_delta", low=0)

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than the best so far."""
        if math.isnan(value):
            return False
        if best is None:
            return True
        gain = value - best if self.monitor == "validation_accuracy" else best - value
        return gain > self.min_delta


@final
class Interruption:
    """While entered, the first Ctrl-C becomes a wish to stop after the current step; the second acts as usual.

    Signals reach the main thread only; in another thread nothing is changed.
    """

    def __init__(self) -> None:
        self.wished = False
        self._before: Any = None

    def __enter__(self) -> Self:
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as a shell does for jobs in the background
        if threading.current_thread() is threading.main_thread() and not ignored:
            self._before = signal.signal(signal.SIGINT, self._wish)
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()

    def _wish(self, number: int, frame: FrameType | None) -> None:
        self.wished = True
        self._give_back()

    def _give_back(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
