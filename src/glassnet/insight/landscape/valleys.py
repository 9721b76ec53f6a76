"""Which ends lie in one valley: the same depth, and the same function on the rows.

Knows errors and predictions only. Networks that compute the same with their units in another order, or with two signs
turned, have the same predictions, so they count as one without any search for the permutation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def group(errors: Array, predictions: Array, depth_tolerance: float, function_tolerance: float) -> list[Array]:
    """Return the valleys, each as the numbers of its starts from the deepest up; the deepest valley first.

    From the deepest start up, each joins the valley whose deepest start is nearest in prediction, among those within
    both tolerances; where there is none it opens a valley. So in a valley no start is further from the deepest one than
    the tolerances, and predictions of two others differ by twice the tolerance at most; chains of neighbours would have
    no such bound. The outcome does not depend on the order of the starts.

    Parameters
    ----------
    errors : (s,) float array
        Starts whose error is not finite are in no valley.
    predictions : (s, m, outputs) float array
    depth_tolerance : float
        How much the error of a start may be above that of its valley's deepest start.
    function_tolerance : float
        The largest root-mean-square difference of predictions from those of the valley's deepest start.
    """
    order = np.lexsort((np.arange(len(errors)), errors))
    flat = predictions.reshape(len(errors), -1).astype(np.float64)
    leaders: list[int] = []
    members: list[list[int]] = []
    for i in order[np.isfinite(errors[order])]:
        near = [v for v, leader in enumerate(leaders) if errors[i] - errors[leader] <= depth_tolerance]
        gaps = [float(np.sqrt(np.mean((flat[i] - flat[leaders[v]]) ** 2))) for v in near]
        best = int(np.argmin(gaps)) if gaps else -1
        if best >= 0 and gaps[best] <= function_tolerance:
            members[near[best]].append(int(i))
        else:
            leaders.append(int(i))
            members.append([int(i)])
    return [np.array(valley) for valley in members]


def comparable(predictions: Array, loss: str) -> Array:
    """Return predictions on a scale on which they can be compared: probabilities in place of logits."""
    if not loss.startswith(("cross_entropy_from_logits", "binary_cross_entropy_from_logits")):
        return predictions
    from scipy.special import expit, softmax

    probabilities: Array = expit(predictions) if loss.startswith("binary") else softmax(predictions, axis=-1)
    return probabilities
