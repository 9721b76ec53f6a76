"""The methods by which influence is computed, called alike."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.influence.linear_step import Setting
from glassnet.insight.influence.records import Method
from glassnet.insight.influence.rows import Judged
from glassnet.insight.influence.tracin import Trace
from glassnet.insight.influence.unrolled import absences, nudge_without
from glassnet.maths.optimizers import ElementwiseOptimizer, Rprop
from glassnet.training import Replay

Array = NDArray[Any]


@final
class Predictor:
    """One of the methods, for one run.

    Parameters
    ----------
    replay : Replay
    last : int
        The step whose weights are questioned.
    theta : (n,) array
        Those weights, in the run's dtype.
    everyone : Judged
        The rows of the run's block.
    method : str

    Attributes
    ----------
    snapshots : int
        How many are used; 0 where the run is taken again.

    Raises
    ------
    InputError
        If the run cannot be asked by this method.
    """

    def __init__(self, replay: Replay, last: int, theta: Array, everyone: Judged, method: Method) -> None:
        self._replay, self._last, self._theta = replay, last, theta
        self._trace: Trace | None = None
        if method in ("tracin", "last_layer"):
            self._trace = Trace(replay, last, everyone, last_layer=method == "last_layer")
            self.snapshots = len(self._trace.spans)
            if not self.snapshots:
                raise InputError(
                    f"The run in {replay.folder.path} has not finished an epoch, so there is no snapshot to sum over. "
                    "Use method='unrolled'."
                )
            return
        self.snapshots = 0
        optimizer = replay.descent.optimizer
        if not isinstance(optimizer, ElementwiseOptimizer) or isinstance(optimizer, Rprop):
            why = "follows the signs of slopes alone" if isinstance(optimizer, Rprop) else "searches along a line"
            raise InputError(
                f"method is {method!r}, which differentiates each step, but the optimizer {optimizer.name!r} {why}, so "
                "its steps have no useful derivative. Use method='tracin', which ranks rows by their gradients alone."
            )
        self._setting = Setting(
            network=everyone.network,
            objective=replay.objective,
            descent=replay.descent,
            optimizer=optimizer,
            block=replay.block,
            seed=replay.seed,
            bends=method == "exact",
        )

    def absences(self, one: Judged) -> Array:
        """Return what each training row's absence would do to the error of one row."""
        if self._trace is not None:
            return self._trace.absences(one)
        target = one.gradient(self._theta.astype(np.float64), np.ones(1))
        return absences(self._setting, self._replay, self._last, self._theta, target)

    def changes_without(self, absent: Array, judged: Judged) -> Array:
        """Return what the absence of training rows would do to the error of each judged row."""
        if self._trace is not None:
            return self._trace.changes_without(absent, judged)
        nudge = nudge_without(self._setting, self._replay, self._last, absent)
        return judged.along(self._theta.astype(np.float64), nudge)
