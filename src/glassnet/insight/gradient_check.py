"""The gradient check: is the gradient of backpropagation the derivative of the error?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.numerical import Nudger
from glassnet.insight.subject import make_subject
from glassnet.maths.loss import Loss
from glassnet.maths.random import Purpose, check_seed, generator
from glassnet.network.network import Network

Array = NDArray[Any]

TOLERANCE = 1e-7


@final
@dataclass(frozen=True)
class CheckedParameter:
    """One parameter's derivative, twice.

    Parameters
    ----------
    name : str
        Such as "weights[1][12, 3]".
    backprop, numerical : float
    relative_error : float
        |a − b| over the larger of |a| and |b|, measured as in `GradientCheck`.
    bound : float
        How far rounding alone can put the numerical one off, absolute.
    """

    name: str
    backprop: float
    numerical: float
    relative_error: float
    bound: float


@final
@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found.

    Attributes
    ----------
    max_relative_error : float
        The largest over parameter blocks of ‖a − b‖/max(‖a‖, ‖b‖). Where a derivative is so small that rounding hides
        its seventh digit from the numerical one, the difference is measured by that rounding instead. NaN if nothing
        could be compared.
    blocks : dict of str to float
        Relative error of each block: "weights[0]", "biases[0]", ...
    worst : CheckedParameter or None
        The single parameter that is furthest off.
    checked : int
        How many parameters were compared.
    kinks : tuple of str
        Parameters that sit on a kink, where there is no derivative to compare with.
    indices, backprop, numerical : (p,) arrays
        Places in θ and both derivatives; NaN on a kink.
    """

    max_relative_error: float
    blocks: dict[str, float]
    worst: CheckedParameter | None
    checked: int
    kinks: tuple[str, ...]
    indices: Array
    backprop: Array
    numerical: Array

    @property
    def passed(self) -> bool:
        """Whether every block agrees to 1e-7."""
        return self.max_relative_error < TOLERANCE

    def __str__(self) -> str:
        verdict = "agree" if self.passed else "do NOT agree"
        size = f"relative error {self.max_relative_error:.2e} over {self.checked:,} parameters"
        lines = [f"Backpropagation and the numerical derivative {verdict}: {size}."]
        width = max(map(len, self.blocks), default=0)
        lines += [f"  {name.ljust(width)}  {error:.2e}" for name, error in self.blocks.items()]
        if self.worst is not None:
            w = self.worst
            lines.append(
                f"Furthest off: {w.name}, backprop {w.backprop:+.12e}, numerical {w.numerical:+.12e}, "
                f"relative error {w.relative_error:.2e}, rounding bound {w.bound:.1e}."
            )
        if self.kinks:
            shown = ", ".join(self.kinks[:5]) + (", …" if len(self.kinks) > 5 else "")
            lines.append(
                f"{len(self.kinks):,} parameters sit on a kink (such as ReLU at 0), where the two sides have different "
                f"slopes and there is no derivative to compare with: {shown}."
            )
        return "\n".join(lines)


def check_gradient(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    training: bool = False,
    masks: Mapping[int, ArrayLike] | Sequence[ArrayLike | None] | None = None,
    samples: int | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Compare backpropagation with central differences, in float64 whatever the network's dtype.

    Parameters
    ----------
    net : Network
    X, Y, loss, reduction, sample_weight, l1, l2, training, masks
        As for `Network.backprop`; dropout masks are held fixed.
    samples : int or None
        How many parameters to compare, drawn evenly over the blocks; None takes all. Links that do not exist are none.
    seed : int
        Decides which, when sampling.

    Returns
    -------
    GradientCheck
        ``max_relative_error`` is below 1e-7 for a right gradient; prints itself.

    Raises
    ------
    InputError
        If an array or an argument cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the error itself is not finite.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(2, "softmax")], seed=0)
    >>> check = gn.check_gradient(net, [[0.5, -1.0], [1.0, 2.0]], [0, 1], loss="cross_entropy")
    >>> check.max_relative_error < 1e-7, check.checked
    (True, 17)
    """
    subject = make_subject(net, X, Y, loss, reduction=reduction, sample_weight=sample_weight, l1=l1, l2=l2)
    exact, objective = subject.network, subject.objective
    p = exact.backprop(
        X, Y, loss, reduction=reduction, sample_weight=sample_weight, l1=l1, l2=l2, training=training, masks=masks
    )
    if not np.isfinite(p.loss):
        raise NonFiniteError(
            f"The error is {p.loss} at these weights and rows, so there is no derivative to check. Scale X or the "
            "weights down.",
            step=0,
            quantity="loss",
        )
    indices = _choose(exact, samples, check_seed(seed))
    with np.errstate(all="ignore"):
        numerical = Nudger(exact, objective, subject.x, subject.y, subject.sample_weight, p.masks).derivative(indices)
    return _compare(exact, indices, p.gradient.theta[indices], numerical.value, numerical.bound)


def _choose(net: Network, samples: int | None, seed: int) -> Array:
    """Return the places in θ to compare: all, or a sample with about as many from each block."""
    present = net.layout.mask("present")
    if samples is None:
        return np.flatnonzero(present)
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 1:
        raise InputError(f"samples is {samples!r}; expected a whole number from 1 up, or None for all parameters.")
    chance = generator(seed, Purpose.SAMPLING)
    chosen: list[Array] = []
    blocks = sorted((place.start + np.flatnonzero(present[place]) for _, _, place in net.layout.places), key=len)
    for done, everything in enumerate(blocks):  # small blocks first: what they leave goes to the larger ones
        quota = -(-(samples - sum(len(part) for part in chosen)) // (len(blocks) - done))
        chosen.append(chance.choice(everything, max(0, min(quota, len(everything))), replace=False))
    return np.sort(np.concatenate(chosen))


def _compare(net: Network, indices: Array, backprop: Array, numerical: Array, bound: Array) -> GradientCheck:
    gap = np.abs(backprop - numerical)
    larger = np.maximum(np.abs(backprop), np.abs(numerical))
    compared = ~np.isnan(numerical)
    blocks: dict[str, float] = {}
    for k, parameter, place in net.layout.places:
        here = (indices >= place.start) & (indices < place.stop) & compared
        if here.any():
            blocks[f"{parameter.name}[{k}]"] = _relative(gap[here], larger[here], bound[here])
    worst = None
    if compared.any():
        each = [_relative(gap[i], larger[i], bound[i]) if compared[i] else -1.0 for i in range(len(indices))]
        i = int(np.argmax(each))
        name = net.layout.describe(int(indices[i]))
        worst = CheckedParameter(name, float(backprop[i]), float(numerical[i]), each[i], float(bound[i]))
    return GradientCheck(
        max_relative_error=float(np.max(list(blocks.values()))) if blocks else float("nan"),
        blocks=blocks,
        worst=worst,
        checked=int(compared.sum()),
        kinks=tuple(net.layout.describe(int(i)) for i in indices[~compared]),
        indices=indices,
        backprop=backprop,
        numerical=numerical,
    )


def _relative(gap: Array, larger: Array, bound: Array) -> float:
    """Return ‖gap‖/‖larger‖, with no less below the line than what rounding lets the numerical derivative resolve."""
    size = max(float(np.linalg.norm(larger)), float(np.linalg.norm(bound)) / TOLERANCE)
    return float(np.linalg.norm(gap)) / size if size else 0.0
