"""Three variants of Adam: by the largest gradient (Adamax), with a look ahead (NAdam), with a careful start (RAdam)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from glassnet.maths.hyperparameters import require_flag, require_number
from glassnet.maths.optimizers.adam import AdamFamily
from glassnet.maths.optimizers.anatomy import Anatomy, Slots
from glassnet.maths.optimizers.optimizer import Array, Formula, State, powers


@final
@dataclass(frozen=True)
class Adamax(AdamFamily):
    r"""Adam with the largest gradient in place of the mean square.

    .. math::
        g &\leftarrow g + \lambda\theta, \qquad m \leftarrow \beta_1 m + (1-\beta_1) g \\
        u &\leftarrow \max(\beta_2 u, |g|+\varepsilon), \qquad
        \theta \leftarrow \theta - \frac{\eta}{1-\beta_1^t}\,\frac{m}{u}

    Parameters
    ----------
    learning_rate, betas, eps, weight_decay
        As in `Adam`; 1/(1−β₂) steps is how long a large gradient is remembered.

    Notes
    -----
    Source: D. P. Kingma and J. Ba, "Adam", ICLR 2015, algorithm 2, which has no ε. No deviation from PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> adamax = Adamax(0.5, eps=0.0)
    >>> adamax.update(theta, np.array([3.0, -1e-3]), adamax.init(theta))
    >>> theta
    array([ 0.5, -1.5])
    """

    name = "adamax"
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    @property
    def slots(self) -> Mapping[str, float]:
        """The mean m and the largest gradient u."""
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    @property
    def formula(self) -> Formula:
        """Adamax's step."""
        return step_of_adamax

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        step_size = rate / (1.0 - powers(momentum, t))
        return self.weight_decay, momentum, 1.0 - momentum, self.betas[1], step_size, self.eps

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        decay, beta1, entry, _, step_size, _ = numbers
        g, m, u = gradient + decay * theta, slots["exp_avg"], slots["exp_inf"]
        return self._along_the_mean(g, m, u, rate, step_size / u, decay, 0.0, beta1, entry)


def step_of_adamax(
    theta: Array,
    gradient: Array,
    exp_avg: Array,
    exp_inf: Array,
    decay: float,
    beta1: float,
    one_minus_beta1: float,
    beta2: float,
    step_size: float,
    eps: float,
) -> tuple[Array, ...]:
    """Step of Adamax."""
    gradient = gradient + decay * theta
    exp_avg = beta1 * exp_avg + one_minus_beta1 * gradient
    exp_inf = np.maximum(beta2 * exp_inf, np.abs(gradient) + eps)
    return theta - step_size * exp_avg / exp_inf, exp_avg, exp_inf


@final
@dataclass(frozen=True)
class NAdam(AdamFamily):
    r"""Adam that looks ahead along its momentum as Nesterov's descent does.

    .. math::
        \mu_t &= \beta_1 (1 - \tfrac12\, 0.96^{t\psi}), \qquad M_t = \prod_{i \le t} \mu_i \\
        \hat m &= \frac{\mu_{t+1}\, m}{1-M_t\mu_{t+1}} + \frac{(1-\mu_t)\, g}{1-M_t}, \qquad
        \theta \leftarrow \theta - \eta\,\frac{\hat m}{\sqrt{v/(1-\beta_2^t)}+\varepsilon}

    Parameters
    ----------
    learning_rate, betas, eps, weight_decay
        As in `Adam`.
    momentum_decay : float
        ψ.
    decoupled_weight_decay : bool
        Shrink θ by ηλ, as `AdamW` does, and leave the gradient as it is.

    Notes
    -----
    Source: T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016. M is kept
    in float32 whatever the dtype of θ, as PyTorch keeps it (``torch.get_default_dtype()``), so that both move alike; in
    float64 it would change a movement in its ninth digit.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> nadam = NAdam(weight_decay=0.5, decoupled_weight_decay=True, learning_rate=0.5)
    >>> nadam.update(theta, np.zeros(2), nadam.init(theta))
    >>> theta
    array([ 0.75, -1.5 ])
    """

    name = "nadam"
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "momentum_decay", low=0)
        require_flag(self, "decoupled_weight_decay")

    @property
    def scalars(self) -> Mapping[str, int | float | np.float32]:
        """The step t and the product M, in float32."""
        return {"step": 0, "mu_product": np.float32(1.0)}

    @property
    def formula(self) -> Formula:
        """NAdam's step."""
        return step_of_nadam

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        rise = 1.0 - 0.5 * powers(0.96, np.append(t, state["step"] + 1) * self.momentum_decay)
        mu, mu_next = momentum * rise[:-1], momentum * rise[1:]
        products = np.multiply.accumulate(np.append(state["mu_product"], mu.astype(np.float32)))
        state["mu_product"][...] = products[-1]
        mu_product = products[1:].astype(np.float64)
        gradient_rate = rate * (1.0 - mu) / (1.0 - mu_product)
        mean_rate = rate * mu_next / (1.0 - mu_product * mu_next)
        correction = 1.0 - powers(self.betas[1], t)
        decay = self._decay(rate, decoupled=self.decoupled_weight_decay)
        return (*decay, *self._means(momentum), gradient_rate, mean_rate, correction, self.eps)

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        _, decay, beta1, entry, _, _, gradient_rate, mean_rate, correction, eps = numbers
        g, m, v = gradient + decay * theta, slots["exp_avg"], slots["exp_avg_sq"]
        size = np.sqrt(v / correction) + eps
        direct, lever = gradient_rate / size, mean_rate / size
        # the look ahead without its corrections 1−M: m weighs β₁ and g the rest, but for the slow rise of μ
        mean = beta1 * m + entry * g
        scaled = mean / (np.sqrt(v) + eps)
        return Anatomy(
            rate,
            decay,
            rate * self.weight_decay if self.decoupled_weight_decay else 0.0,
            keep=beta1,
            entry=entry,
            direct=direct,
            lever=lever,
            momentum=-rate * (mean - g),
            scaling=-rate * (scaled - mean),
            correction=-(direct * g + lever * m - rate * scaled),
        )


def step_of_nadam(
    theta: Array,
    gradient: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    keep: float,
    decay: float,
    beta1: float,
    one_minus_beta1: float,
    beta2: float,
    one_minus_beta2: float,
    gradient_rate: float,
    mean_rate: float,
    correction: float,
    eps: float,
) -> tuple[Array, ...]:
    """Step of NAdam."""
    gradient = gradient + decay * theta
    exp_avg = beta1 * exp_avg + one_minus_beta1 * gradient
    exp_avg_sq = beta2 * exp_avg_sq + one_minus_beta2 * gradient * gradient
    size = np.sqrt(exp_avg_sq / correction) + eps
    return keep * theta - gradient_rate * gradient / size - mean_rate * exp_avg / size, exp_avg, exp_avg_sq


@final
@dataclass(frozen=True)
class RAdam(AdamFamily):
    r"""Adam that takes plain momentum steps until its measure of the gradient's size can be trusted.

    .. math::
        \rho_\infty &= \frac{2}{1-\beta_2} - 1, \qquad
        \rho_t = \rho_\infty - \frac{2t\beta_2^t}{1-\beta_2^t}, \qquad
        r = \sqrt{\frac{(\rho_t-4)(\rho_t-2)\rho_\infty}{(\rho_\infty-4)(\rho_\infty-2)\rho_t}} \\
        \theta &\leftarrow \theta - \frac{\eta}{1-\beta_1^t}\,m \cdot \begin{cases}
            r\,\sqrt{1-\beta_2^t}\,/\,(\sqrt v+\varepsilon) & \rho_t > 5 \\ 1 & \text{otherwise} \end{cases}

    Parameters
    ----------
    learning_rate, betas, eps, weight_decay
        As in `Adam`.
    decoupled_weight_decay : bool
        Shrink θ by ηλ, as `AdamW` does, and leave the gradient as it is.

    Notes
    -----
    Source: L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2, which has
    the threshold 4. No deviation from PyTorch, whose threshold is 5 and whose ε stands beside √v as it is.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> radam = RAdam(0.5)
    >>> radam.update(theta, np.array([3.0, -1.0]), radam.init(theta))
    >>> theta
    array([-0.5, -1.5])
    """

    name = "radam"
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled_weight_decay: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_flag(self, "decoupled_weight_decay")

    @property
    def formula(self) -> Formula:
        """RAdam's step."""
        return step_of_radam

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        beta2 = self.betas[1]
        power = powers(beta2, t)
        correction = 1.0 - power
        rho_end = 2.0 / (1.0 - beta2) - 1.0
        rho = rho_end - 2.0 * t * power / correction
        step_size = rate / (1.0 - powers(momentum, t))
        trusted = rho > 5.0
        with np.errstate(all="ignore"):  # r has no meaning, and is not used, where the measure is not trusted
            r = np.sqrt((rho - 4.0) * (rho - 2.0) * rho_end / ((rho_end - 4.0) * (rho_end - 2.0) * rho))
            step_size = np.where(trusted, step_size * (r * np.sqrt(correction)), step_size)
        decay = self._decay(rate, decoupled=self.decoupled_weight_decay)
        return (*decay, *self._means(momentum), step_size, trusted, ~trusted, self.eps)

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        _, decay, beta1, entry, _, _, step_size, trusted, _, eps = numbers
        shrink = rate * self.weight_decay if self.decoupled_weight_decay else 0.0
        size = np.sqrt(slots["exp_avg_sq"]) + eps if trusted else np.ones_like(theta)
        g, m = gradient + decay * theta, slots["exp_avg"]
        return self._along_the_mean(g, m, size, rate, step_size / size, decay, shrink, beta1, entry)


def step_of_radam(
    theta: Array,
    gradient: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    keep: float,
    decay: float,
    beta1: float,
    one_minus_beta1: float,
    beta2: float,
    one_minus_beta2: float,
    step_size: float,
    trusted: float,
    untrusted: float,
    eps: float,
) -> tuple[Array, ...]:
    """Step of RAdam; `trusted` is 1 or 0, `untrusted` the other, so that the size is √v+ε or 1."""
    gradient = gradient + decay * theta
    exp_avg = beta1 * exp_avg + one_minus_beta1 * gradient
    exp_avg_sq = beta2 * exp_avg_sq + one_minus_beta2 * gradient * gradient
    size = trusted * (np.sqrt(exp_avg_sq) + eps) + untrusted
    return keep * theta - step_size * exp_avg / size, exp_avg, exp_avg_sq
