r"""How large a learning rate may be on a bowl: the limit beyond which descent along its steepest axis grows.

Along an eigenvector of the Hessian with eigenvalue λ, a method with a fixed rate is a linear recurrence in one number;
it shrinks only where both roots of its characteristic polynomial lie inside the unit circle. For λ > 0 the first to
leave it passes −1, which gives the limits here.

References
----------
Polyak, Some methods of speeding up the convergence of iteration methods, 1964, for the heavy ball. Cohen, Kaur, Li,
Kolter & Talwalkar, Gradient descent on neural networks typically occurs at the edge of stability, ICLR 2021, with an
appendix for momentum and Nesterov's. Cohen et al., Adaptive gradient methods at the edge of stability,
arXiv:2207.14484, 2022, for Adam, by the eigenvalues of P⁻¹H with its preconditioner P held still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.curvature.product import HessianProducts
from glassnet.insight.curvature.spectrum import largest_pairs
from glassnet.insight.run_facts import RunFacts
from glassnet.maths.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class RateLimit:
    """The largest stable rate of an optimizer on the bowl, and the rate that is used.

    Parameters
    ----------
    optimizer : str
        As it is spelled.
    limit : float or None
        None where there is no such rule, or what it needs is not known; `says` tells which.
    eigenvalue : float or None
        The eigenvalue that it follows from: of the Hessian, or of P⁻¹H.
    rule : str
        The formula: "2(1+β)/λ".
    learning_rate : float or None
        The one in use, or None where none was given; of a run, that of its last step.
    largest_rate : float or None
        The largest that the run used at the end of an epoch.
    says : str
        Why there is no limit; else empty.
    """

    optimizer: str
    limit: float | None
    eigenvalue: float | None
    rule: str
    learning_rate: float | None
    largest_rate: float | None
    says: str = ""

    @property
    def share(self) -> float | None:
        """The rate in use over the limit."""
        return None if self.limit is None or self.learning_rate is None else self.learning_rate / self.limit


def plain_limit(eigenvalue: float) -> float | None:
    """Return 2/λ, the largest stable rate of plain descent; None where the error nowhere bends upwards."""
    return 2 / eigenvalue if eigenvalue > 0 else None


def limit_of_sgd(optimizer: SGD, eigenvalue: float) -> tuple[float | None, str]:
    """Return the largest stable rate of descent with its momentum, and the formula.

    Weight decay adds to every eigenvalue.

    Examples
    --------
    >>> from glassnet.maths.optimizers import SGD
    >>> from glassnet.insight.curvature.rates import limit_of_sgd
    >>> limit_of_sgd(SGD(0.1, momentum=0.9), 4.0)
    (0.95, '2(1+β)/λ')
    """
    bend, beta = eigenvalue + optimizer.weight_decay, optimizer.momentum
    name = "λ" if optimizer.weight_decay == 0 else "(λ+decay)"
    if bend <= 0:
        return None, f"2/{name}"
    if optimizer.nesterov:
        return 2 * (1 + beta) / ((1 + 2 * beta) * bend), f"2(1+β)/((1+2β){name})"
    if optimizer.dampening and beta:
        return 2 * (1 + beta) / ((1 - optimizer.dampening) * bend), f"2(1+β)/((1−dampening){name})"
    return 2 * (1 + beta) / bend, f"2(1+β)/{name}" if beta else f"2/{name}"


def limit_of_adaptive(optimizer: Adam | AdamW | RMSprop, eigenvalue: float) -> tuple[float | None, str]:
    """Return the largest stable rate where P stands still; `eigenvalue` is the largest of P⁻¹H.

    Examples
    --------
    >>> from glassnet.maths.optimizers import Adam
    >>> from glassnet.insight.curvature.rates import limit_of_adaptive
    >>> limit, rule = limit_of_adaptive(Adam(), 2.0)
    >>> round(limit, 12), rule
    (19.0, '2(1+β₁)/((1−β₁)λ)')
    """
    if isinstance(optimizer, RMSprop):
        return plain_limit(eigenvalue), "2/λ"
    beta, apart = optimizer.betas[0], optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
    below = (1 - beta) * eigenvalue + (1 + beta) * apart
    rule = "2(1+β₁)/((1−β₁)λ + (1+β₁)decay)" if apart else "2(1+β₁)/((1−β₁)λ)"
    return (2 * (1 + beta) / below if eigenvalue > 0 else None), rule


def preconditioner(optimizer: Optimizer, state: Mapping[str, Array]) -> Array | None:
    """Return the diagonal of P, by which an optimizer divides the gradient: (n,); None where there is no such rule."""
    if isinstance(optimizer, Adam | AdamW):
        mean = state["max_exp_avg_sq" if optimizer.amsgrad else "exp_avg_sq"].astype(np.float64)
        correction = 1.0 - optimizer.betas[1] ** max(1, int(state["step"]))
        return np.asarray(np.sqrt(mean / correction) + optimizer.eps)
    if isinstance(optimizer, RMSprop) and not optimizer.momentum and not optimizer.centered:
        return np.asarray(np.sqrt(state["square_avg"].astype(np.float64)) + optimizer.eps)
    return None


def _gradient_decay(optimizer: Optimizer) -> float:
    """Return the weight decay that an adaptive optimizer adds to the gradient, and so to the Hessian's diagonal."""
    return 0.0 if isinstance(optimizer, AdamW) else float(getattr(optimizer, "weight_decay", 0.0))


def rate_beside(
    products: HessianProducts,
    largest: float,
    facts: RunFacts | None,
    own: Optimizer | None,
    learning_rate: float | None,
    tolerance: float,
    seed: int,
) -> RateLimit | None:
    """Return how the rate in use stands to the largest stable one; None where neither is known.

    Parameters
    ----------
    products : HessianProducts
    largest : float
        The largest eigenvalue.
    facts : RunFacts or None
    own : Optimizer or None
        Instead of the run's.
    learning_rate : float or None
        Instead of the run's last, or of the optimizer's own.
    tolerance : float
    seed : int
    """
    if own is None and facts is None:
        own = None if learning_rate is None else SGD(learning_rate)
    of_run = facts if own is None else None
    optimizer = of_run.optimizer if of_run is not None else own
    if optimizer is None:
        return None
    rate = of_run.learning_rate if of_run is not None else optimizer.learning_rate
    most = of_run.largest_rate if of_run is not None and learning_rate is None else None
    rate = rate if learning_rate is None else learning_rate
    if facts is not None and facts.reduction == "sum":  # the rate acts on the sum over a step's rows, λ is of a mean
        step = min(facts.batch_size, len(products.subject))
        rate, most = rate * step, None if most is None else most * step
    limit, eigenvalue, rule, says = None, None, "", ""
    if isinstance(optimizer, SGD):
        eigenvalue = largest
        limit, rule = limit_of_sgd(optimizer, largest)
        says = "" if limit is not None else "the error nowhere bends upwards, so no rate is too large for the bend"
    elif isinstance(optimizer, Adam | AdamW | RMSprop) and (of_run is None or of_run.state is None):
        says = (
            f"{optimizer.name} divides each weight's step by a size of its own; how that stands is known only from the "
            "folder of a run that ended in these weights"
        )
    else:
        state = None if of_run is None else of_run.state
        divisor = None if state is None else preconditioner(optimizer, state)
        if divisor is None or not isinstance(optimizer, Adam | AdamW | RMSprop):
            says = f"there is no such rule for {optimizer.spec}"
        else:
            eigenvalue = _preconditioned(products, divisor, _gradient_decay(optimizer), tolerance, seed)
            limit, rule = (None, "") if eigenvalue is None else limit_of_adaptive(optimizer, eigenvalue)
            says = "" if limit is not None else "the largest eigenvalue of P⁻¹H is not above 0, or did not settle"
    return RateLimit(optimizer.spec, limit, eigenvalue, rule, rate, most, says)


def _preconditioned(
    products: HessianProducts, divisor: Array, decay: float, tolerance: float, seed: int
) -> float | None:
    """Return the largest eigenvalue of P⁻¹(H + decay·I), which P^−½(H + decay·I)P^−½ has too and is symmetric."""
    root = 1 / np.sqrt(divisor[products.free])
    chance = np.random.default_rng([seed, 4])

    def product(v: Array) -> Array:
        scaled = root * v
        bent: Array = root * (products.of_moved(scaled) + decay * scaled)
        return bent

    if len(root) <= 64:
        return float(np.linalg.eigvalsh(np.stack([product(v) for v in np.eye(len(root))]))[-1])
    found = largest_pairs(product, len(root), 1, tolerance, chance)
    return None if found is None else float(found.values[0])
