"""Adam and AdamW, and what the whole family shares: a running mean of the gradient over a running measure of its size.

In all of them the running means start at 0, and 1−β^t corrects for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from glassnet.maths.hyperparameters import require_flag, require_number, require_pair
from glassnet.maths.optimizers.anatomy import Anatomy, Slots
from glassnet.maths.optimizers.optimizer import Array, ElementwiseOptimizer, Formula, State, powers


class AdamFamily(ElementwiseOptimizer):
    """What the family shares: β₁ and β₂, ε, and weight decay in either place."""

    betas: tuple[float, float]
    eps: float
    weight_decay: float

    def __post_init__(self) -> None:
        for field in ("learning_rate", "eps", "weight_decay"):
            require_number(self, field, low=0)
        require_pair(self, "betas", (0, 1, "[)"), (0, 1, "[)"))

    @property
    def own_momentum(self) -> float | None:
        """β₁."""
        return self.betas[0]

    @property
    def slots(self) -> Mapping[str, float]:
        """The means m and v."""
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    @property
    def memory(self) -> str | None:
        """The mean m."""
        return "exp_avg"

    def _decay(self, rate: Array, *, decoupled: bool) -> tuple[float | Array, float]:
        """Return the factor that θ keeps and the multiple of θ that the gradient gains; one of them has no effect."""
        return (1.0 - rate * self.weight_decay, 0.0) if decoupled else (1.0, self.weight_decay)

    def _means(self, beta1: Array) -> tuple[float | Array, ...]:
        """Return what the running means keep and take in."""
        beta2 = self.betas[1]
        return beta1, 1.0 - beta1, beta2, 1.0 - beta2

    def _along_the_mean(
        self,
        g: Array,
        m: Array,
        size: Array | float,
        rate: float,
        lever: Array,
        decay: float,
        shrink: float,
        beta1: float,
        entry: float,
    ) -> Anatomy:
        """Return the anatomy of a step −lever·m, where `size` is the uncorrected one that it divides by."""
        return Anatomy(
            rate,
            decay,
            shrink,
            keep=beta1,
            entry=entry,
            lever=lever,
            momentum=-rate * (m - g),
            scaling=-rate * (m / size - m),
            correction=-(lever * m - rate * (m / size)),
        )


class _AdamOrAdamW(AdamFamily):
    """What Adam and AdamW share: all but the place of the decay."""

    amsgrad: bool
    decoupled: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        require_flag(self, "amsgrad")

    @property
    def slots(self) -> Mapping[str, float]:
        """The means m and v, and the largest v where AMSGrad is wanted."""
        return {**super().slots, "max_exp_avg_sq": 0.0} if self.amsgrad else super().slots

    @property
    def formula(self) -> Formula:
        """Adam's step or AMSGrad's."""
        return step_of_amsgrad if self.amsgrad else step_of_adam

    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        step_size = rate / (1.0 - powers(momentum, t))
        root_correction = np.sqrt(1.0 - powers(self.betas[1], t))
        decay = self._decay(rate, decoupled=self.decoupled)
        return (*decay, *self._means(momentum), step_size, root_correction, self.eps)

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy:
        _, decay, beta1, entry, _, _, step_size, root_correction, eps = numbers
        root = np.sqrt(slots["max_exp_avg_sq" if self.amsgrad else "exp_avg_sq"])
        shrink = rate * self.weight_decay if self.decoupled else 0.0
        lever = step_size / (root / root_correction + eps)
        g, m = gradient + decay * theta, slots["exp_avg"]
        return self._along_the_mean(g, m, root + eps, rate, lever, decay, shrink, beta1, entry)


@final
@dataclass(frozen=True)
class Adam(_AdamOrAdamW):
    r"""Adaptive moments; weight decay is added to the gradient (L2).

    .. math::
        g &\leftarrow g + \lambda\theta \\
        m &\leftarrow \beta_1 m + (1-\beta_1) g, \qquad v \leftarrow \beta_2 v + (1-\beta_2) g^2 \\
        \theta &\leftarrow \theta - \frac{\eta}{1-\beta_1^t}\,
            \frac{m}{\sqrt{v}/\sqrt{1-\beta_2^t}+\varepsilon}

    Parameters
    ----------
    learning_rate : float
        η.
    betas : tuple of two floats
        β₁, which a schedule may move as momentum, and β₂.
    eps, weight_decay : float
        ε and λ.
    amsgrad : bool
        Divide by the largest v so far.

    Notes
    -----
    Source: D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; AMSGrad: S. J.
    Reddi, S. Kale and S. Kumar, "On the convergence of Adam and beyond", ICLR 2018. No deviation from PyTorch. Texts
    with √(v̂+ε) start ``exp_avg_sq`` at ε(1−β₂^t)/β₂^t and set eps=0; Keras's ε is this one times √(1−β₂^t).

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> adam = Adam(0.5, eps=0.0)
    >>> adam.update(theta, np.array([3.0, -1e-3]), adam.init(theta))
    >>> theta
    array([ 0.5, -1.5])
    """

    name = "adam"
    decoupled = False
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False


@final
@dataclass(frozen=True)
class AdamW(_AdamOrAdamW):
    r"""Adam whose weight decay stands apart: θ shrinks by ηλ, and m and v know nothing of it.

    .. math::
        \theta &\leftarrow (1-\eta\lambda)\theta, \qquad\text{then a step of Adam with } \lambda = 0

    Parameters
    ----------
    learning_rate, betas, eps, amsgrad
        As in `Adam`.
    weight_decay : float
        λ.

    Notes
    -----
    Source: I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, where the
    shrinking has the schedule's factor but not η; here, as in PyTorch, it has η. No deviation from PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, -2.0])
    >>> adamw = AdamW(0.5, weight_decay=0.5)
    >>> adamw.update(theta, np.zeros(2), adamw.init(theta))
    >>> theta
    array([ 0.75, -1.5 ])
    """

    name = "adamw"
    decoupled = True
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-2
    amsgrad: bool = False


def step_of_adam(
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
    root_correction: float,
    eps: float,
) -> tuple[Array, ...]:
    """Step of Adam and AdamW."""
    gradient = gradient + decay * theta
    exp_avg = beta1 * exp_avg + one_minus_beta1 * gradient
    exp_avg_sq = beta2 * exp_avg_sq + one_minus_beta2 * gradient * gradient
    size = np.sqrt(exp_avg_sq) / root_correction + eps
    return keep * theta - step_size * exp_avg / size, exp_avg, exp_avg_sq


def step_of_amsgrad(
    theta: Array,
    gradient: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    max_exp_avg_sq: Array,
    keep: float,
    decay: float,
    beta1: float,
    one_minus_beta1: float,
    beta2: float,
    one_minus_beta2: float,
    step_size: float,
    root_correction: float,
    eps: float,
) -> tuple[Array, ...]:
    """Step of Adam and AdamW with AMSGrad."""
    gradient = gradient + decay * theta
    exp_avg = beta1 * exp_avg + one_minus_beta1 * gradient
    exp_avg_sq = beta2 * exp_avg_sq + one_minus_beta2 * gradient * gradient
    max_exp_avg_sq = np.maximum(max_exp_avg_sq, exp_avg_sq)
    size = np.sqrt(max_exp_avg_sq) / root_correction + eps
    return keep * theta - step_size * exp_avg / size, exp_avg, exp_avg_sq, max_exp_avg_sq
