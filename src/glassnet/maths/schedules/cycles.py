"""Schedules that raise the rate and lower it again, and move the momentum the other way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, final

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import require_choice, require_flag, require_number, require_whole
from glassnet.maths.schedules.schedule import Per, Point, Schedule, State, require_known


@final
@dataclass(frozen=True)
class OneCycleLR(Schedule):
    r"""One rise of the rate and one long fall, with the momentum falling and rising.

    Between the ends x and y of a phase, at the part p of it, the rate or momentum is y + (x−y)·(1+cos πp)/2, or
    x + (y−x)·p with "linear".

    Parameters
    ----------
    max_lr : float, optional
        The peak; the optimizer's own learning rate where left out.
    total_steps : int, optional
        The length of the cycle; the run's length where left out.
    pct_start : float
        The part of the cycle in which the rate rises.
    anneal_strategy : "cos" or "linear"
        The shape of rise and fall.
    cycle_momentum : bool
        Whether momentum moves, between `max_momentum` at the ends and `base_momentum` at the peak. An optimizer
        without momentum stays without, where PyTorch refuses it.
    base_momentum, max_momentum : float
        The range of the momentum.
    div_factor, final_div_factor : float
        The first rate is max_lr/div_factor, the last that/final_div_factor.
    three_phase : bool
        Fall back to the first rate as fast as it rose, and only then to the last.

    Notes
    -----
    Source: L. N. Smith and N. Topin, "Super-convergence", arXiv:1708.07120, 2018, as PyTorch has it. Deviations: the
    two lengths and heights may be left open, as said above; after the cycle the last rate stays, where PyTorch raises.

    Examples
    --------
    >>> cycle = OneCycleLR(1.0, total_steps=5, pct_start=0.6, anneal_strategy="linear", div_factor=10.0)
    >>> [round(cycle.at(t, 0.1, 0.9)[0], 6) for t in range(6)]
    [0.1, 0.55, 1.0, 0.500005, 1e-05, 1e-05]
    >>> [round(cycle.at(t, 0.1, 0.9)[1], 6) for t in range(6)]
    [0.95, 0.9, 0.85, 0.9, 0.95, 0.95]
    """

    name = "one_cycle"
    max_lr: float | None = None
    total_steps: int | None = None
    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    cycle_momentum: bool = True
    base_momentum: float = 0.85
    max_momentum: float = 0.95
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False
    per: Per = field(default="step", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_lr is not None:
            require_number(self, "max_lr", low=0)
        if self.total_steps is not None:
            require_whole(self, "total_steps", low=1)
        require_number(self, "pct_start", low=0, high=1, ends="[]")
        require_choice(self, "anneal_strategy", ("cos", "linear"))
        for name in ("base_momentum", "max_momentum"):
            require_number(self, name, low=0, high=1)
        for name in ("div_factor", "final_div_factor"):
            require_number(self, name, low=0, ends="()")
        for name in ("cycle_momentum", "three_phase"):
            require_flag(self, name)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        total = require_known(self, "total_steps", self.total_steps)
        peak = learning_rate if self.max_lr is None else self.max_lr
        first = peak / self.div_factor
        last = first / self.final_div_factor
        low, high = self.base_momentum, self.max_momentum
        top = self.pct_start * total - 1.0
        # Each phase: where it ends, the rates at its ends, the momenta at its ends.
        phases = [(top, (first, peak), (high, low)), (total - 1.0, (peak, last), (low, high))]
        if self.three_phase:
            back = 2.0 * self.pct_start * total - 2.0
            phases[1:] = [(back, (peak, first), (low, high)), (total - 1.0, (first, last), (high, high))]

        t = min(t, total - 1)
        k = next((k for k, (end, _, _) in enumerate(phases) if t <= end), len(phases) - 1)
        begin = phases[k - 1][0] if k > 0 else 0.0
        end, rates, momenta = phases[k]
        part = (t - begin) / (end - begin) if end != begin else 1.0
        moves = self.cycle_momentum and momentum is not None
        return self._between(*rates, part), self._between(*momenta, part) if moves else momentum

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * part))

    def for_run(self, epochs: int, steps: int) -> Schedule:
        """Return this schedule, total_steps being the run's length where it was left open."""
        if self.total_steps is not None:
            return self
        return replace(self, total_steps=max(1, epochs if self.per == "epoch" else steps))


@final
@dataclass(frozen=True)
class CyclicLR(Schedule):
    r"""The rate up and down between two ends again and again, in straight lines.

    .. math::
        \eta_t = \eta_{base} + (\eta_{max}-\eta_{base})\,h_t\,\sigma_t, \qquad
        \mu_t = \mu_{max} - (\mu_{max}-\mu_{base})\,h_t\,\sigma_t

    with h from 0 to 1 in `step_size_up` counts and back in `step_size_down`, and σ = 1 ("triangular"), 2^−(cycle−1)
    ("triangular2") or γ^t ("exp_range").

    Parameters
    ----------
    base_lr, max_lr : float, optional
        The ends; where left out, a quarter of the optimizer's own learning rate, and that rate itself.
    step_size_up, step_size_down : int
        Lengths of rise and fall; the fall is as long as the rise where left out.
    mode : "triangular", "triangular2" or "exp_range"
        How the height shrinks.
    gamma : float
        γ.
    cycle_momentum : bool
        Whether momentum moves; an optimizer without momentum stays without, where PyTorch refuses it.
    base_momentum, max_momentum : float
        The range of the momentum.

    Notes
    -----
    Source: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, whose base rate is a third
    or a quarter of the largest, as PyTorch has it. Deviations: the ends may be left open; no `scale_fn`, because a
    schedule must be text in a file.

    Examples
    --------
    >>> [CyclicLR(0.0, max_lr=1.0, step_size_up=2).at(t, 0.1)[0] for t in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    name = "cyclic"
    base_lr: float | None = None
    max_lr: float | None = None
    step_size_up: int = 2000
    step_size_down: int | None = None
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    gamma: float = 1.0
    cycle_momentum: bool = True
    base_momentum: float = 0.8
    max_momentum: float = 0.9
    per: Per = field(default="step", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("base_lr", "max_lr"):
            if getattr(self, name) is not None:
                require_number(self, name, low=0)
        if self.base_lr is not None and self.max_lr is not None and self.base_lr > self.max_lr:
            raise InputError(
                f"CyclicLR: base_lr is {self.base_lr} and max_lr is {self.max_lr}; expected base_lr to be the smaller. "
                f"Exchange them."
            )
        require_whole(self, "step_size_up", low=1)
        if self.step_size_down is not None:
            require_whole(self, "step_size_down", low=1)
        require_choice(self, "mode", ("triangular", "triangular2", "exp_range"))
        require_number(self, "gamma", low=0)
        require_flag(self, "cycle_momentum")
        for name in ("base_momentum", "max_momentum"):
            require_number(self, name, low=0, high=1)

    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t."""
        up = self.step_size_up
        down = up if self.step_size_down is None else self.step_size_down
        cycle, since = divmod(t, up + down)
        height = since / up if since <= up else (up + down - since) / down
        height *= {"triangular": 1.0, "triangular2": 2.0**-cycle, "exp_range": self.gamma**t}[self.mode]
        base = learning_rate / 4.0 if self.base_lr is None else self.base_lr
        peak = learning_rate if self.max_lr is None else self.max_lr
        if self.cycle_momentum and momentum is not None:
            momentum = self.max_momentum - (self.max_momentum - self.base_momentum) * height
        return base + (peak - base) * height, momentum
