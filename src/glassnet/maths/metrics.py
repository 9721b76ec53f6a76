"""How good predictions are, in numbers people know."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def predicted_classes(prediction: Array, threshold: float | None = None) -> NDArray[np.int64]:
    """Return the class each row is taken for: the largest output, or one output against a threshold.

    Examples
    --------
    >>> import numpy as np
    >>> predicted_classes(np.array([[0.1, 0.9], [0.7, 0.3]])).tolist()
    [1, 0]
    >>> predicted_classes(np.array([[0.1], [0.7]]), threshold=0.5).tolist()
    [0, 1]
    """
    if prediction.shape[1] == 1 and threshold is not None:
        return np.asarray(prediction[:, 0] > threshold, dtype=np.int64)
    return np.asarray(prediction.argmax(axis=1), dtype=np.int64)


def accuracy(
    prediction: Array, targets: Array, threshold: float | None = None, sample_weight: Array | None = None
) -> float:
    """Return the share of rows whose class is right; targets are labels (m,), one-hot, or 0/1 (m, 1)."""
    truth = targets if targets.ndim == 1 else predicted_classes(targets, threshold=0.5)
    return float(np.average(predicted_classes(prediction, threshold) == truth, weights=sample_weight))


def r2(prediction: Array, targets: Array) -> float:
    """Return the share of the targets' variance that predictions explain; 1 is perfect, 0 no better than the mean."""
    truth, guess = targets.astype(np.float64), prediction.astype(np.float64)
    residual = ((truth - guess) ** 2).sum()
    spread = ((truth - truth.mean(axis=0)) ** 2).sum()
    return float(1 - residual / spread) if spread else float("nan")
