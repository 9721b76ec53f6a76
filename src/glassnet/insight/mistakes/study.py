"""Each mistake made: its gradient beside the right one and the numerical derivative, and what training with it does."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.mistakes.catalogue import Mistake, Variant
from glassnet.insight.mistakes.rules import RIGHT, Case, descend, gradient
from glassnet.insight.mistakes.settings import Setting
from glassnet.insight.numerical import Nudger

Array = NDArray[Any]

_NUDGED = 20


@final
@dataclass(frozen=True)
class Shown:
    """The derivative by one weight, three times.

    Parameters
    ----------
    name : str
        As the code writes it: "weights[1][3, 7]".
    latex : str
        As formulas write it: "w_{1,3,7}".
    wrong, right, numerical : float
    """

    name: str
    latex: str
    wrong: float
    right: float
    numerical: float


@final
@dataclass(frozen=True)
class Training:
    """A training with plain gradient descent.

    Parameters
    ----------
    errors : (steps + 1,) array
        The error before the first step and after each; not finite from where it ran away.
    accuracy : float or None
        The share of the judged rows that it gets right at the end.
    ends : tuple of float
        The last errors from this start and from others; for the right gradient alone.
    """

    errors: Array
    accuracy: float | None
    ends: tuple[float, ...] = ()


@final
@dataclass(frozen=True)
class Finding:
    """One variant of a mistake, made.

    Parameters
    ----------
    mistake : Mistake
    variant : Variant
    setting : Setting
    elsewhere : str
        Why the person's own network cannot make it, so that the digits were taken; "" where it was made on their own.
    relative_error : float
        ‖wrong − right‖ over the larger norm, over all weights and biases.
    angle : float
        Between the two, in degrees; 180 is the opposite direction.
    agreement : float
        The largest relative error between the right gradient and the numerical derivative, of the nudged weights.
    nudged : int
        How many were.
    weights : tuple of Shown
        One of each layer: that with the largest derivative.
    wrong, right : Training
    """

    mistake: Mistake
    variant: Variant
    setting: Setting
    elsewhere: str
    relative_error: float
    angle: float
    agreement: float
    nudged: int
    weights: tuple[Shown, ...]
    wrong: Training
    right: Training


def train(setting: Setting) -> Training:
    """Train with the right gradient, from the other starts too."""
    case, rate, steps = setting.case, setting.rate, setting.steps
    errors, theta = descend(case, setting.start, RIGHT, rate, steps)
    others = [descend(case, other, RIGHT, rate, steps, every=steps)[0][-1] for other in setting.other_starts]
    ends = tuple(float(end) for end in (errors[-1], *others) if np.isfinite(end))
    return Training(errors, setting.accuracy(case.network, theta), ends)


@final
@dataclass(frozen=True)
class Reference:
    """The right gradient of a network, and the numerical derivative of some of its weights.

    Parameters
    ----------
    case : Case
    at : (n,) array
        θ.
    right : (n,) array
    largest : (2,) array
        Where in θ the weight with the largest derivative of the first and of the last layer lies.
    numerical : dict of int to float
        By place in θ; without those on a kink, which have no derivative.
    """

    case: Case
    at: Array
    right: Array
    largest: Array
    numerical: dict[int, float]

    @property
    def agreement(self) -> float:
        """‖right − numerical‖ over the length of the right one, of the weights that were nudged."""
        right = self.right[list(self.numerical)]
        off = float(np.linalg.norm(right - list(self.numerical.values())))
        return off / (float(np.linalg.norm(right)) or 1.0)


def refer(variant: Variant, setting: Setting) -> Reference:
    """Return what a variant is compared with: the right gradient of the network that it computes."""
    case = replace(setting.case, network=variant.network(setting.case.network))
    at = variant.start(setting.case.network, setting.at)
    right = gradient(case, at)
    largest = _largest_of_each_layer(case, right)
    nudged = np.union1d(largest, _spread(case))
    pairs = zip(nudged.tolist(), _numerical(case, at, nudged), strict=True)
    return Reference(case, at, right, largest, {i: value for i, value in pairs if np.isfinite(value)})


def make(
    mistake: Mistake, variant: Variant, setting: Setting, reference: Reference, right: Training, elsewhere: str = ""
) -> Finding:
    """Make a mistake and measure it; `right` is the setting's training with the right gradient."""
    case = reference.case
    start = variant.start(setting.case.network, setting.start)
    with np.errstate(all="ignore"):
        wrong_gradient = gradient(case, reference.at, variant.rules, setting.rate)
    errors, theta = descend(case, start, variant.rules, setting.rate, setting.steps)
    return Finding(
        mistake=mistake,
        variant=variant,
        setting=setting,
        elsewhere=elsewhere,
        relative_error=_relative_error(wrong_gradient, reference.right),
        angle=_angle(wrong_gradient, reference.right),
        agreement=reference.agreement,
        nudged=len(reference.numerical),
        weights=tuple(
            Shown(
                *_names(setting, case, i),
                wrong=float(wrong_gradient[i]),
                right=float(reference.right[i]),
                numerical=reference.numerical.get(i, float("nan")),
            )
            for i in reference.largest.tolist()
        ),
        wrong=Training(errors, setting.accuracy(case.network, theta)),
        right=right,
    )


def _numerical(case: Case, at: Array, indices: Array) -> list[float]:
    net = case.network.copy()
    net.theta[:] = at
    with np.errstate(all="ignore"):
        found = Nudger(net, case.objective, case.x, case.y, np.ones(len(case.x)), {}).derivative(indices)
    values: list[float] = found.value.tolist()
    return values


def _largest_of_each_layer(case: Case, right: Array) -> Array:
    """Return the place of the weight with the largest derivative in the first and in the last layer."""
    places = [place for _, parameter, place in case.network.layout.places if parameter.name == "weights"]
    return np.unique([place.start + int(np.argmax(np.abs(right[place]))) for place in (places[0], places[-1])])


def _spread(case: Case) -> Array:
    """Return places spread evenly over the parameters that training moves."""
    layout = case.network.layout
    moving = np.flatnonzero(layout.mask("trainable") & layout.mask("present"))
    chosen: Array = moving[np.unique(np.linspace(0, len(moving) - 1, min(len(moving), _NUDGED)).astype(int))]
    return chosen


def _names(setting: Setting, case: Case, index: int) -> tuple[str, str]:
    k, _, (j, i) = case.network.layout.locate(index)
    k = setting.places[k]
    return f"weights[{k}][{j}, {i}]", f"w_{{{k},{j},{i}}}"


def _relative_error(wrong: Array, right: Array) -> float:
    larger = max(float(np.linalg.norm(wrong)), float(np.linalg.norm(right)))
    return float(np.linalg.norm(wrong - right)) / larger if larger else 0.0


def _angle(wrong: Array, right: Array) -> float:
    """Return the angle in degrees, by the formula that keeps small angles (Kahan, 2006): 0 where both are equal."""
    if not wrong.any() or not right.any():
        return 0.0 if not wrong.any() and not right.any() else 90.0
    u, v = wrong / np.linalg.norm(wrong), right / np.linalg.norm(right)
    return math.degrees(2 * math.atan2(float(np.linalg.norm(u - v)), float(np.linalg.norm(u + v))))
