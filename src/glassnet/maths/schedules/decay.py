"""Schedules that lower the rate as a formula in t: by steps, powers, lines and cosines.

The formulas are the closed forms of ``torch.optim.lr_scheduler``, whose names and arguments they carry; PyTorch goes
from step to step, which agrees to rounding. η is the optimizer's own learning rate; the momentum stays as it is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import final

from glassnet.maths.hyperparameters import refusal, require_number, require_whole
from glassnet.maths.schedules.schedule import Point, Schedule, State, require_known


@final
@dataclass(frozen=True)
class ConstantLR(Schedule):
    r"""η times `factor` for the first `total_iters` counts, η afterwards.

    Source: PyTorch. Deviation: its factor is 1/3 by default; here 1, so that "constant" means what it says.

    Examples
    --------
    >>> [ConstantLR(0.5, total_iters=2).at(t, 0.1)[0] for t in range(4)]
    [0.05, 0.05, 0.1, 0.1]
    """

    name = "constant"
    factor: float = 1.0
    total_iters: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "factor", low=0, high=1, ends="[]")
        require_whole(self, "total_iters", low=0)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        return learning_rate * (self.factor if t < self.total_iters else 1.0), momentum


@final
@dataclass(frozen=True)
class StepLR(Schedule):
    r"""η·γ^⌊t/step_size⌋.

    Source: PyTorch, which has no default for `step_size`; 30 is that of K. He et al., "Deep residual learning", 2016.

    Examples
    --------
    >>> [StepLR(2, gamma=0.5).at(t, 1.0)[0] for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    name = "step"
    step_size: int = 30
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self, "step_size", low=1)
        require_number(self, "gamma", low=0)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        return learning_rate * self.gamma ** (t // self.step_size), momentum


@final
@dataclass(frozen=True)
class MultiStepLR(Schedule):
    r"""η·γ^k after k of the milestones; one named twice counts twice.

    Source: PyTorch, which has no default for `milestones`; 30, 60 and 90 make it a `StepLR` of 100 epochs.

    Examples
    --------
    >>> [MultiStepLR((1, 3), gamma=0.5).at(t, 1.0)[0] for t in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    name = "multi_step"
    milestones: tuple[int, ...] = (30, 60, 90)
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "gamma", low=0)
        milestones = self.milestones
        if (
            isinstance(milestones, str)
            or not isinstance(milestones, Iterable)
            or any(isinstance(m, bool) or not hasattr(m, "__index__") or m < 0 for m in milestones)
        ):
            raise refusal(self, "milestones", "whole numbers, 0 or more")
        object.__setattr__(self, "milestones", tuple(sorted(int(m) for m in milestones)))

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        return learning_rate * self.gamma ** bisect_right(self.milestones, t), momentum


@final
@dataclass(frozen=True)
class ExponentialLR(Schedule):
    r"""η·γ^t.

    Source: PyTorch, which has no default for γ.

    Examples
    --------
    >>> [ExponentialLR(0.5).at(t, 1.0)[0] for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    name = "exponential"
    gamma: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "gamma", low=0)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        return learning_rate * self.gamma**t, momentum


@final
@dataclass(frozen=True)
class LinearLR(Schedule):
    r"""η·(a + (b−a)·min(t, T)/T), from the factor a to the factor b in T = `total_iters` counts.

    Source: PyTorch. No deviation.

    Examples
    --------
    >>> [LinearLR(0.5, total_iters=2).at(t, 1.0)[0] for t in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    name = "linear"
    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_iters: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "start_factor", low=0, high=1, ends="(]")
        require_number(self, "end_factor", low=0, high=1, ends="[]")
        require_whole(self, "total_iters", low=1)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        done = min(t, self.total_iters) / self.total_iters
        return learning_rate * (self.start_factor + (self.end_factor - self.start_factor) * done), momentum


@final
@dataclass(frozen=True)
class PolynomialLR(Schedule):
    r"""η·(1 − min(t, T)/T)^power, down to 0 in T = `total_iters` counts.

    Source: PyTorch. No deviation.

    Examples
    --------
    >>> [PolynomialLR(4, power=2.0).at(t, 1.0)[0] for t in range(5)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0]
    """

    name = "polynomial"
    total_iters: int = 5
    power: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self, "total_iters", low=1)
        require_number(self, "power", low=0)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        return learning_rate * (1.0 - min(t, self.total_iters) / self.total_iters) ** self.power, momentum


@final
@dataclass(frozen=True)
class CosineAnnealingLR(Schedule):
    r"""η_min + (η − η_min)·(1 + cos(πt/T_max))/2: down in T_max counts, then up again.

    Source: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, as PyTorch
    has it. Deviation: `T_max` may be left open (None); then the run's length is meant.

    Examples
    --------
    >>> [round(CosineAnnealingLR(2).at(t, 1.0)[0], 6) for t in range(5)]
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """

    name = "cosine"
    T_max: int | None = None
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.T_max is not None:
            require_whole(self, "T_max", low=1)
        require_number(self, "eta_min", low=0)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        T_max = require_known(self, "T_max", self.T_max)
        return _half_cosine(learning_rate, self.eta_min, t / T_max), momentum

    def for_run(self, epochs: int, steps: int) -> Schedule:
        """Return this schedule, T_max being the run's length where it was left open."""
        return self if self.T_max is not None else replace(self, T_max=max(1, epochs if self.per == "epoch" else steps))


@final
@dataclass(frozen=True)
class CosineAnnealingWarmRestarts(Schedule):
    r"""η_min + (η − η_min)·(1 + cos(πt'/T_i))/2, t' counted from the last restart; T_{i+1} = T_mult·T_i.

    Source: I. Loshchilov and F. Hutter, "SGDR", ICLR 2017, equation 5. PyTorch has no default for `T_0`; 10 is the
    paper's. No other deviation.

    Examples
    --------
    >>> [round(CosineAnnealingWarmRestarts(2, T_mult=2).at(t, 1.0)[0], 6) for t in range(7)]
    [1.0, 0.5, 1.0, 0.853553, 0.5, 0.146447, 1.0]
    """

    name = "cosine_restarts"
    T_0: int = 10
    T_mult: int = 1
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self, "T_0", low=1)
        require_whole(self, "T_mult", low=1)
        require_number(self, "eta_min", low=0)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        since, length = t, self.T_0
        if self.T_mult == 1:
            since %= length
        while since >= length:
            since, length = since - length, length * self.T_mult
        return _half_cosine(learning_rate, self.eta_min, since / length), momentum


def _half_cosine(high: float, low: float, part: float) -> float:
    return low + (high - low) * (1.0 + math.cos(math.pi * part)) / 2.0
