"""A schedule in front of another (warm-up), and one that follows what it sees (reduction on a plateau)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, cast, final

import numpy as np

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import require_choice, require_number, require_whole, spell
from glassnet.maths.schedules.schedule import Per, Point, Schedule, State


@final
@dataclass(frozen=True)
class WarmUp(Schedule):
    r"""A linear rise in the first `steps` counts, then any other schedule from its own t = 0.

    .. math::
        \eta_t = \eta'_0\,\Bigl(a + (1-a)\,\frac{t}{T}\Bigr) \quad (t < T), \qquad \eta_t = \eta'_{t-T} \quad (t \ge T)

    Parameters
    ----------
    steps : int
        T.
    then : Schedule or str
        η′, a record or its spelling.
    start_factor : float
        a.
    per : "epoch" or "step", optional
        What t counts, here and in `then`, which says it where left out.

    Notes
    -----
    Source: P. Goyal et al., "Accurate, large minibatch SGD", arXiv:1706.02677, 2017; PyTorch's LinearLR in front of the
    other in SequentialLR. Deviation: it rises towards the first rate of `then`, which with a one-cycle or a constant
    factor is not the optimizer's own, so that there is no jump.

    Examples
    --------
    >>> [WarmUp(2, then="step(1, gamma=0.5)", start_factor=0.5).at(t, 1.0)[0] for t in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    >>> WarmUp(5, then="cosine(25)").spec
    "warm_up(then='cosine(25)')"
    """

    name = "warm_up"
    steps: int = 5
    then: Schedule | str = "constant"
    start_factor: float = 0.1
    per: Per = field(default=cast("Per", None), kw_only=True)  # None only until __post_init__

    def __post_init__(self) -> None:
        from glassnet.maths.schedules import SCHEDULES  # the table, in which this class has a row

        require_whole(self, "steps", low=0)
        require_number(self, "start_factor", low=0, high=1, ends="[]")
        then = SCHEDULES.resolve(self.then)
        if self.per is not None:
            super().__post_init__()
            then = replace(then, per=self.per) if then.per != self.per else then
        object.__setattr__(self, "then", then)
        object.__setattr__(self, "per", then.per)

    @property
    def spec(self) -> str:
        """The spelling that ``SCHEDULES.resolve`` turns into an equal record."""
        return spell(self.name, self, leave_out=("per",))

    @property
    def _then(self) -> Schedule:
        return cast("Schedule", self.then)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        if t >= self.steps:
            return self._then.at(t - self.steps, learning_rate, momentum, state)
        rate, momentum = self._then.at(0, learning_rate, momentum, state)
        return rate * (self.start_factor + (1.0 - self.start_factor) * t / self.steps), momentum

    def for_run(self, epochs: int, steps: int) -> Schedule:
        """Return this schedule, `then` filling what the warm-up leaves of the run."""
        shorter = (epochs - self.steps, steps) if self.per == "epoch" else (epochs, steps - self.steps)
        return replace(self, then=self._then.for_run(*shorter))

    @property
    def watches(self) -> Literal["loss", "accuracy"]:
        """What `then` watches."""
        return self._then.watches

    def init(self) -> State:
        """Return the state of `then`."""
        return self._then.init()

    def observe(self, state: State, value: float) -> None:
        """Let `then` observe; what it sees during the warm-up counts too."""
        self._then.observe(state, value)


@final
@dataclass(frozen=True)
class ReduceLROnPlateau(Schedule):
    r"""The rate times `factor` whenever the watched value has not become better for more than `patience` counts.

    Parameters
    ----------
    factor : float
        Below 1.
    patience : int
        How many counts without a better value are borne.
    threshold : float
        What a better value must gain at least on the best one.
    threshold_mode : "rel" or "abs"
        Whether the threshold is a part of the best value or a difference.
    cooldown : int
        For so many counts after a reduction no value counts as bad.
    min_lr : float
        The rate does not fall below.
    mode : "min" or "max"
        Whether less or more is better.
    eps : float
        A reduction by no more than this is left out.

    Notes
    -----
    Source: PyTorch. No deviation; the counters stand in an open state: `best`, `bad` counts in a row, counts of
    `cooldown` left, `reductions` so far.

    Examples
    --------
    >>> plateau = ReduceLROnPlateau(0.5, patience=1)
    >>> state = plateau.init()
    >>> rates = []
    >>> for t, loss in enumerate([3.0, 2.0, 2.0, 2.0, 2.0]):
    ...     rates.append(plateau.at(t, 0.1, state=state)[0])
    ...     plateau.observe(state, loss)
    >>> rates
    [0.1, 0.1, 0.1, 0.1, 0.05]
    """

    name = "plateau"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: int = 0
    min_lr: float = 0.0
    mode: Literal["min", "max"] = "min"
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "factor", low=0, high=1)
        for name in ("patience", "cooldown"):
            require_whole(self, name, low=0)
        for name in ("threshold", "min_lr", "eps"):
            require_number(self, name, low=0)
        require_choice(self, "threshold_mode", ("rel", "abs"))
        require_choice(self, "mode", ("min", "max"))

    @property
    def watches(self) -> Literal["loss", "accuracy"]:
        """The loss where less is better, the accuracy where more is."""
        return "loss" if self.mode == "min" else "accuracy"

    def init(self) -> State:
        """Return the state in front of the first count."""
        worst = math.inf if self.mode == "min" else -math.inf
        return {"best": np.array(worst), "bad": np.array(0), "cooldown": np.array(0), "reductions": np.array(0)}

    def observe(self, state: State, value: float) -> None:
        """Take in the watched value of the count that just ended, in place; NaN is never better."""
        if self._is_better(value, float(state["best"])):
            state["best"][...] = value
            state["bad"][...] = 0
        else:
            state["bad"] += 1
        if state["cooldown"] > 0:
            state["cooldown"] -= 1
            state["bad"][...] = 0
        if state["bad"] > self.patience:
            state["reductions"] += 1
            state["cooldown"][...] = self.cooldown
            state["bad"][...] = 0

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        bar = best * (1.0 - sign * self.threshold) if self.threshold_mode == "rel" else best - sign * self.threshold
        return sign * value < sign * bar

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        if state is None:
            raise InputError(
                "ReduceLROnPlateau.at came without a state; expected what init() returned and observe() moved. "
                "Write at(t, learning_rate, momentum, state)."
            )
        rate = learning_rate
        for _ in range(int(state["reductions"])):
            lower = max(rate * self.factor, self.min_lr)
            if rate - lower <= self.eps:
                break
            rate = lower
        return rate, momentum
