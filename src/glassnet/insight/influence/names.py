"""Truths and predictions as people read them: names of classes, or numbers in their own units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.subject import printable
from glassnet.maths.metrics import predicted_classes
from glassnet.training import Replay
from glassnet.training.scores import has_classes

Array = NDArray[Any]


@final
class Names:
    """What the truths and predictions of a run are called.

    Parameters
    ----------
    replay : Replay
    outputs : int
        Of the network.
    class_names : sequence of str or None
    units : (shift, scale)

    Raises
    ------
    InputError
        If there are more or fewer names than classes, or units are no two numbers.
    """

    def __init__(
        self, replay: Replay, outputs: int, class_names: Sequence[str] | None, units: tuple[float, float]
    ) -> None:
        self._threshold, self._units = replay.objective.loss.threshold, units
        self._has_classes = has_classes(replay.block.y, replay.objective.loss)
        self._names: list[str] | None = None
        if not isinstance(units, tuple | list) or len(units) != 2 or not all(isinstance(n, int | float) for n in units):
            raise InputError(f"units is {units!r:.80}; expected (shift, scale), such as (0.0, 1.0).")
        if class_names is not None:
            count = max(2, outputs) if self._has_classes else outputs
            if isinstance(class_names, str) or len(class_names) != count:
                raise InputError(f"class_names is {class_names!r:.80}; expected {count} names.")
            self._names = [printable(str(name)) for name in class_names]

    @property
    def scaled(self) -> bool:
        """Whether numbers are shown in other units than the network has them in."""
        return not self._has_classes and tuple(self._units) != (0, 1)

    def truths(self, targets: Array) -> list[str]:
        """Return the truth of each row."""
        if not self._has_classes:
            return self._numbers(targets)
        return self._named(targets if targets.ndim == 1 else predicted_classes(targets, threshold=0.5))

    def predictions(self, predictions: Array) -> list[str]:
        """Return what each row is taken for."""
        if not self._has_classes:
            return self._numbers(predictions)
        return self._named(predicted_classes(predictions, self._threshold))

    def right(self, prediction: Array, targets: Array) -> bool | None:
        """Whether the prediction of one row is right; None where there are no classes."""
        return self.predictions(prediction) == self.truths(targets) if self._has_classes else None

    def _named(self, labels: Array) -> list[str]:
        return [str(int(label)) if self._names is None else self._names[int(label)] for label in labels]

    def _numbers(self, values: Array) -> list[str]:
        shift, scale = self._units
        return [", ".join(f"{shift + scale * float(v):.4g}" for v in row) for row in np.atleast_2d(values)]
