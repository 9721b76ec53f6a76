"""Optimizers that use no measure of the gradient's size but its own: gradient descent with its momenta, and Rprop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import require_flag, require_number, require_pair
from glassnet.maths.optimizers.anatomy import Anatomy, Slots
from glassnet.maths.optimizers.optimizer import Array, ElementwiseOptimizer, Formula, State


@final
@dataclass(frozen=True)
class SGD(ElementwiseOptimizer):
    r"""Gradient descent, with momentum if wanted.

    .. math::
        g &\leftarrow g + \lambda\theta \\
        b &\leftarrow \mu b + (1-\tau) g \qquad (b = g \text{ in the first step}) \\
        \theta &\leftarrow \theta - \eta b \qquad\text{or, with Nesterov,}\qquad \theta - \eta (g + \mu b)

    Parameters
    ----------
    learning_rate : float
        η.
    momentum : float
        μ; with 0 there is no b, and no momentum for a schedule to move.
    dampening : float
        τ.
    weight_decay : float
        λ, added to the gradient (L2).
    nesterov : bool
        Look ahead along the momentum; needs a momentum and no dampening.

    Notes
    -----
    Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; I. Sutskever et al.,
    "On the importance of initialization and momentum in deep learning", ICML 2013, in PyTorch's form: the rate stands
    outside b, so that a schedule acts at once; a text with v ← μv − ηg has v = −ηb. Deviation from PyTorch: with
    momentum=0 a schedule cannot switch momentum on.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> sgd = SGD(0.5)
    >>> sgd.update(theta, np.array([1.0, 1.0]), sgd.init(theta))
    >>> theta
    array([ 0.5, -2.5])
    """

    name = "sgd"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        for field in ("learning_rate", "momentum", "weight_decay"):
            require_number(self, field, low=0)
        require_number(self, "dampening", low=0, high=1, ends="[]")
        require_flag(self, "nesterov")
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise InputError(
                f"SGD: nesterov=True came with momentum={self.momentum} and dampening={self.dampening}; expected a "
                f"momentum above 0 and no dampening. Write SGD({self.learning_rate}, momentum=0.9, nesterov=True)."
            )

    @property
    def own_momentum(self) -> float | None:
        """μ, or None without one."""
        return self.momentum or None

    @property
    def slots(self) -> Mapping[str, float]:
        """The memory b, where there is momentum."""
        return {"momentum_buffer": 0.0} if self.momentum else {}

    @property
    def formula(self) -> Formula:
        """Plain, heavy-ball or Nesterov's step."""
        if not self.momentum:
            return descend
        return descend_nesterov if self.nesterov else descend_heavy_ball

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        if not self.momentum:
            return rate, self.weight_decay
        share = np.where(t == 1, 1.0, 1.0 - self.dampening)
        return rate, self.weight_decay, momentum, share

    @property
    def memory(self) -> str | None:
        """The velocity b, where there is momentum."""
        return "momentum_buffer" if self.momentum else None

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        if not self.momentum:
            return Anatomy(rate, self.weight_decay, direct=rate)
        _, decay, momentum, share = numbers
        g, b = gradient + decay * theta, slots["momentum_buffer"]
        if self.nesterov:
            look_ahead = rate * momentum
            return Anatomy(rate, decay, 0.0, momentum, share, rate, look_ahead, momentum=-look_ahead * b)
        return Anatomy(rate, decay, keep=momentum, entry=share, lever=rate, momentum=-rate * (b - g))


def descend(theta: Array, gradient: Array, rate: float, decay: float) -> tuple[Array, ...]:
    """Step of SGD without momentum."""
    gradient = gradient + decay * theta
    return (theta - rate * gradient,)


def descend_heavy_ball(
    theta: Array, gradient: Array, momentum_buffer: Array, rate: float, decay: float, momentum: float, share: float
) -> tuple[Array, ...]:
    """Step of SGD with momentum; `share` is 1−τ, and 1 in the first step."""
    gradient = gradient + decay * theta
    momentum_buffer = momentum * momentum_buffer + share * gradient
    return theta - rate * momentum_buffer, momentum_buffer


def descend_nesterov(
    theta: Array, gradient: Array, momentum_buffer: Array, rate: float, decay: float, momentum: float, share: float
) -> tuple[Array, ...]:
    """Step of SGD with Nesterov's momentum."""
    gradient = gradient + decay * theta
    momentum_buffer = momentum * momentum_buffer + share * gradient
    return theta - rate * (gradient + momentum * momentum_buffer), momentum_buffer


@final
@dataclass(frozen=True)
class Rprop(ElementwiseOptimizer):
    r"""Resilient backpropagation: each weight has its own step length, and only the sign of its slope counts.

    .. math::
        \Delta &\leftarrow \mathrm{clip}(\Delta\,\eta_+, \Delta_{min}, \Delta_{max}) \text{ where } g\,g_{prev} > 0
            \text{, with } \eta_- \text{ where } < 0 \\
        g &\leftarrow 0 \text{ where } g\,g_{prev} < 0 \\
        \theta &\leftarrow \theta - \mathrm{sign}(g)\,\Delta, \qquad g_{prev} \leftarrow g

    Parameters
    ----------
    learning_rate : float
        The Δ that every weight starts with. A schedule's rate has no effect, as in PyTorch.
    etas : tuple of two floats
        η₋ and η₊.
    step_sizes : tuple of two floats
        Δ_min and Δ_max.

    Notes
    -----
    Source: M. Riedmiller and H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm", ICNN 1993, in the variant without weight backtracking (Rprop−, with the slope forgotten after a change
    of sign: C. Igel and M. Hüsken, 2000, "iRprop−"), which PyTorch uses. Meant for full batches. No deviation.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> rprop = Rprop(0.25)
    >>> rprop.update(theta, np.array([1e-9, -1e9]), rprop.init(theta))
    >>> theta
    array([ 0.75, -1.75])
    """

    name = "rprop"
    learning_rate: float = 1e-2
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50.0)

    def __post_init__(self) -> None:
        require_number(self, "learning_rate", low=0)
        require_pair(self, "etas", (0, 1, "()"), (1, float("inf"), "()"))
        require_pair(self, "step_sizes", (0, float("inf"), "[)"), (0, float("inf"), "()"))
        if self.step_sizes[0] > self.step_sizes[1]:
            raise InputError(
                f"Rprop: step_sizes is {self.step_sizes}; expected the smallest step first, then the largest. "
                f"Write step_sizes={self.step_sizes[::-1]}."
            )

    @property
    def slots(self) -> Mapping[str, float]:
        """The slope before, and each weight's Δ."""
        return {"prev": 0.0, "step_size": self.learning_rate}

    @property
    def formula(self) -> Formula:
        """Rprop's step."""
        return follow_signs

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        return (*self.etas, *self.step_sizes)


def follow_signs(
    theta: Array,
    gradient: Array,
    prev: Array,
    step_size: Array,
    eta_minus: float,
    eta_plus: float,
    shortest: float,
    longest: float,
) -> tuple[Array, ...]:
    """Step of Rprop."""
    agreement = np.sign(gradient * prev)
    step_size = np.where(agreement > 0, eta_plus * step_size, np.where(agreement < 0, eta_minus * step_size, step_size))
    step_size = np.minimum(np.maximum(step_size, shortest), longest)
    gradient = gradient * (agreement >= 0)
    return theta - np.sign(gradient) * step_size, gradient, step_size
