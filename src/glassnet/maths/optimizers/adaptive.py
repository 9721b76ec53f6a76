"""Optimizers that divide each parameter's step by a running size of its gradient: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from glassnet.maths.hyperparameters import require_flag, require_number
from glassnet.maths.optimizers.anatomy import Anatomy, Slots
from glassnet.maths.optimizers.optimizer import Array, ElementwiseOptimizer, Formula, State


@final
@dataclass(frozen=True)
class Adagrad(ElementwiseOptimizer):
    r"""A step divided by the root of all squared gradients so far.

    .. math::
        g &\leftarrow g + \lambda\theta, \qquad s \leftarrow s + g^2 \\
        \theta &\leftarrow \theta - \frac{\eta}{1+(t-1)\gamma}\,\frac{g}{\sqrt{s}+\varepsilon}

    Parameters
    ----------
    learning_rate, lr_decay, weight_decay, initial_accumulator_value, eps : float
        η, γ, λ, the s that every parameter starts with, and ε.

    Notes
    -----
    Source: J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011, with diagonal matrices. No deviation from PyTorch. Keras has ε inside the root, which
    is ``initial_accumulator_value`` larger by ε, and ``eps=0``.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> adagrad = Adagrad(0.5, eps=0.0)
    >>> adagrad.update(theta, np.array([3.0, -1e-3]), adagrad.init(theta))
    >>> theta
    array([ 0.5, -1.5])
    """

    name = "adagrad"
    learning_rate: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10

    def __post_init__(self) -> None:
        for field in ("learning_rate", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            require_number(self, field, low=0)

    @property
    def slots(self) -> Mapping[str, float]:
        """The sum s."""
        return {"sum": self.initial_accumulator_value}

    @property
    def formula(self) -> Formula:
        """Adagrad's step."""
        return scale_by_sum

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        return rate / (1.0 + (t - 1) * self.lr_decay), self.weight_decay, self.eps

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        rate, decay, eps = numbers
        return _scaled(theta, gradient, rate, decay, rate / (np.sqrt(slots["sum"]) + eps))


def scale_by_sum(
    theta: Array, gradient: Array, total: Array, rate: float, decay: float, eps: float
) -> tuple[Array, ...]:
    """Step of Adagrad."""
    gradient = gradient + decay * theta
    total = total + gradient * gradient
    return theta - rate * gradient / (np.sqrt(total) + eps), total


@final
@dataclass(frozen=True)
class Adadelta(ElementwiseOptimizer):
    r"""A step in the parameter's own units: the running size of past steps over that of gradients.

    .. math::
        g &\leftarrow g + \lambda\theta, \qquad v \leftarrow \rho v + (1-\rho) g^2 \\
        d &= \frac{\sqrt{u+\varepsilon}}{\sqrt{v+\varepsilon}}\,g, \qquad u \leftarrow \rho u + (1-\rho) d^2 \\
        \theta &\leftarrow \theta - \eta d

    Parameters
    ----------
    learning_rate, rho, eps, weight_decay : float
        η, ρ, ε and λ.

    Notes
    -----
    Source: M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, 2012, algorithm 1, which has
    η = 1. No deviation from PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> adadelta = Adadelta(rho=0.0, eps=1.0)
    >>> adadelta.update(theta, np.array([0.75, 0.0]), adadelta.init(theta))
    >>> theta
    array([ 0.4, -2. ])
    """

    name = "adadelta"
    learning_rate: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for field in ("learning_rate", "eps", "weight_decay"):
            require_number(self, field, low=0)
        require_number(self, "rho", low=0, high=1, ends="[]")

    @property
    def slots(self) -> Mapping[str, float]:
        """The means v and u."""
        return {"square_avg": 0.0, "acc_delta": 0.0}

    @property
    def formula(self) -> Formula:
        """Adadelta's step."""
        return scale_by_past_steps

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        return rate, self.rho, 1.0 - self.rho, self.eps, self.weight_decay

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        _, _, _, eps, decay = numbers
        ratio = np.sqrt(before["acc_delta"] + eps) / np.sqrt(slots["square_avg"] + eps)
        return _scaled(theta, gradient, rate, decay, rate * ratio)


def scale_by_past_steps(
    theta: Array,
    gradient: Array,
    square_avg: Array,
    acc_delta: Array,
    rate: float,
    rho: float,
    one_minus_rho: float,
    eps: float,
    decay: float,
) -> tuple[Array, ...]:
    """Step of Adadelta."""
    gradient = gradient + decay * theta
    square_avg = rho * square_avg + one_minus_rho * gradient * gradient
    delta = np.sqrt(acc_delta + eps) / np.sqrt(square_avg + eps) * gradient
    acc_delta = rho * acc_delta + one_minus_rho * delta * delta
    return theta - rate * delta, square_avg, acc_delta


@final
@dataclass(frozen=True)
class RMSprop(ElementwiseOptimizer):
    r"""A step divided by the running root mean square of the gradient.

    .. math::
        g &\leftarrow g + \lambda\theta, \qquad v \leftarrow \alpha v + (1-\alpha) g^2 \\
        \bar g &\leftarrow \alpha \bar g + (1-\alpha) g, \qquad \sigma = \sqrt{v}
            \text{ or, centered, } \sqrt{v - \bar g^2} \\
        b &\leftarrow \mu b + \frac{g}{\sigma+\varepsilon}, \qquad \theta \leftarrow \theta - \eta b

    Parameters
    ----------
    learning_rate, alpha, eps, weight_decay : float
        η, α, ε and λ.
    momentum : float
        μ; with 0 there is no memory b, and no momentum for a schedule to move.
    centered : bool
        Divide by the standard deviation instead.

    Notes
    -----
    Source: T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", Coursera, 2012; centred: A. Graves, "Generating sequences
    with recurrent neural networks", arXiv:1308.0850, 2013. Deviations from PyTorch: of a variance that rounding left
    below 0 the size is taken, where PyTorch's root is NaN; with momentum=0 a schedule cannot switch momentum on.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> rmsprop = RMSprop(0.1, alpha=0.75, eps=0.0)
    >>> rmsprop.update(theta, np.array([3.0, -1e-3]), rmsprop.init(theta))
    >>> theta
    array([ 0.8, -1.8])
    """

    name = "rmsprop"
    learning_rate: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        for field in ("learning_rate", "eps", "weight_decay", "momentum"):
            require_number(self, field, low=0)
        require_number(self, "alpha", low=0, high=1, ends="[]")
        require_flag(self, "centered")

    @property
    def own_momentum(self) -> float | None:
        """μ, or None without one."""
        return self.momentum or None

    @property
    def slots(self) -> Mapping[str, float]:
        """The mean v, the mean gradient where centred, and b where there is momentum."""
        mean = {"grad_avg": 0.0} if self.centered else {}
        memory = {"momentum_buffer": 0.0} if self.momentum else {}
        return {"square_avg": 0.0} | mean | memory

    @property
    def formula(self) -> Formula:
        """RMSprop's step, one of four."""
        if self.centered:
            return scale_by_deviation_with_momentum if self.momentum else scale_by_deviation
        return scale_by_size_with_momentum if self.momentum else scale_by_size

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        common = rate, self.alpha, 1.0 - self.alpha, self.eps, self.weight_decay
        return (*common, momentum) if self.momentum else common

    @property
    def memory(self) -> str | None:
        """The velocity b, where there is momentum."""
        return "momentum_buffer" if self.momentum else None

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        eps, decay = numbers[3:5]
        v = slots["square_avg"]
        size = np.sqrt(np.abs(v - slots["grad_avg"] * slots["grad_avg"]) if self.centered else v) + eps
        if not self.momentum:
            return _scaled(theta, gradient, rate, decay, rate / size)
        g, b = gradient + decay * theta, slots["momentum_buffer"]
        return Anatomy(
            rate,
            decay,
            keep=numbers[5],
            entry=1.0 / size,
            lever=rate,
            scaling=-rate * (g / size - g),
            momentum=-rate * (b - g / size),
        )


def scale_by_size(
    theta: Array,
    gradient: Array,
    square_avg: Array,
    rate: float,
    alpha: float,
    one_minus_alpha: float,
    eps: float,
    decay: float,
) -> tuple[Array, ...]:
    """Step of RMSprop."""
    gradient = gradient + decay * theta
    square_avg = alpha * square_avg + one_minus_alpha * gradient * gradient
    return theta - rate * gradient / (np.sqrt(square_avg) + eps), square_avg


def scale_by_size_with_momentum(
    theta: Array,
    gradient: Array,
    square_avg: Array,
    momentum_buffer: Array,
    rate: float,
    alpha: float,
    one_minus_alpha: float,
    eps: float,
    decay: float,
    momentum: float,
) -> tuple[Array, ...]:
    """Step of RMSprop with momentum."""
    gradient = gradient + decay * theta
    square_avg = alpha * square_avg + one_minus_alpha * gradient * gradient
    momentum_buffer = momentum * momentum_buffer + gradient / (np.sqrt(square_avg) + eps)
    return theta - rate * momentum_buffer, square_avg, momentum_buffer


def scale_by_deviation(
    theta: Array,
    gradient: Array,
    square_avg: Array,
    grad_avg: Array,
    rate: float,
    alpha: float,
    one_minus_alpha: float,
    eps: float,
    decay: float,
) -> tuple[Array, ...]:
    """Step of centred RMSprop."""
    gradient = gradient + decay * theta
    square_avg = alpha * square_avg + one_minus_alpha * gradient * gradient
    grad_avg = alpha * grad_avg + one_minus_alpha * gradient
    deviation = np.sqrt(np.abs(square_avg - grad_avg * grad_avg))
    return theta - rate * gradient / (deviation + eps), square_avg, grad_avg


def scale_by_deviation_with_momentum(
    theta: Array,
    gradient: Array,
    square_avg: Array,
    grad_avg: Array,
    momentum_buffer: Array,
    rate: float,
    alpha: float,
    one_minus_alpha: float,
    eps: float,
    decay: float,
    momentum: float,
) -> tuple[Array, ...]:
    """Step of centred RMSprop with momentum."""
    gradient = gradient + decay * theta
    square_avg = alpha * square_avg + one_minus_alpha * gradient * gradient
    grad_avg = alpha * grad_avg + one_minus_alpha * gradient
    deviation = np.sqrt(np.abs(square_avg - grad_avg * grad_avg))
    momentum_buffer = momentum * momentum_buffer + gradient / (deviation + eps)
    return theta - rate * momentum_buffer, square_avg, grad_avg, momentum_buffer


def _scaled(theta: Array, gradient: Array, rate: float, decay: float, direct: Array) -> Anatomy:
    """Return the anatomy of a step that multiplies each gradient by a number of its own and remembers none."""
    g = gradient + decay * theta
    return Anatomy(rate, decay, direct=direct, scaling=-(direct - rate) * g)
