"""How each optimizer's step is shared out, in words and equations; the mathematics is in `glassnet.maths.optimizers`.

g is the slope of one weight w in a step, b what the optimizer remembers, η the step's learning rate, t its number from
1. Every step is written as Δw = −(what multiplies g)·g − (what multiplies b)·b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

from glassnet.maths.optimizers import OPTIMIZERS, SGD, RMSprop

DELTA_W = r"\Delta w"

_MEMORY = (
    "A gradient that enters b moves the weight in its own step and, weaker each time, in later ones; a row is credited "
    "with all of that within these steps. What b held before them is told apart."
)
_SIZES = (
    "The size that a step divides by is taken as it was in that step, though gradients made it: this says how a push "
    "was scaled, and not what the scale would have been without it."
)
_SIZE = "the size; v is the running mean of g²"
_MEAN = ("b", r"\beta_1 b + (1-\beta_1) g", "the running mean")
_COUPLED = r"Weight decay enters g as $\lambda w$, and so into memory and size, where it is asked for."

Equations: TypeAlias = tuple[tuple[str, str, str], ...]
"""(left, right, remark): LaTeX, LaTeX, words."""


@final
@dataclass(frozen=True)
class Definition:
    """How an optimizer's step is shared out.

    Parameters
    ----------
    equations : tuple of (left, right, remark)
        LaTeX, LaTeX, words.
    words : str
        What must be known with them.
    couples_decay : bool
        Whether weight decay enters the slope.
    why_not : str
        Why steps cannot be shared out among rows; "" where they can.
    """

    equations: Equations
    words: str
    couples_decay: bool = False
    why_not: str = ""


def definition(spec: str) -> Definition:
    """Return how the steps of an optimizer are shared out."""
    optimizer = OPTIMIZERS.resolve(spec)
    decays = bool(getattr(optimizer, "weight_decay", 0.0))
    apart = getattr(optimizer, "decoupled", False) or getattr(optimizer, "decoupled_weight_decay", False)
    if isinstance(optimizer, SGD):
        equations, words = _sgd(optimizer)
    elif isinstance(optimizer, RMSprop):
        equations, words = _rmsprop(optimizer)
    else:
        equations, words = _BY_NAME.get(optimizer.name, ((), ""))
    if decays and apart:
        equations = tuple(
            (left, rf"{right} - \eta \lambda w" if left == DELTA_W else right, remark)
            for left, right, remark in equations
        )
    elif decays:
        words = f"{words} {_COUPLED}".strip()
    return Definition(equations, words, decays and not apart, _WHY_NOT.get(optimizer.name, ""))


def _sgd(optimizer: SGD) -> tuple[Equations, str]:
    if not optimizer.momentum:
        return ((DELTA_W, r"-\eta g", "plain descent"),), ""
    share = r"(1-\tau) g" if optimizer.dampening else "g"
    step = r"-\eta g - \eta \mu b" if optimizer.nesterov else r"-\eta b"
    return (("b", rf"\mu b + {share}", "the velocity"), (DELTA_W, step, "")), _MEMORY


def _rmsprop(optimizer: RMSprop) -> tuple[Equations, str]:
    size = ("s", r"\sqrt{v} + \varepsilon", _SIZE)
    if optimizer.centered:
        size = ("s", r"\sqrt{v - m^2} + \varepsilon", f"{_SIZE}, m of g")
    if not optimizer.momentum:
        return (size, (DELTA_W, r"-\frac{\eta}{s} g", "")), _SIZES
    velocity = ("b", r"\mu b + \frac{1}{s} g", "the velocity")
    return (size, velocity, (DELTA_W, r"-\eta b", "")), f"{_MEMORY} {_SIZES}"


_ADAM_STEP = (DELTA_W, r"-\frac{\eta}{1-\beta_1^t} \cdot \frac{1}{s} b", "")
_ADAM = (_MEAN, ("s", r"\frac{\sqrt{v}}{\sqrt{1-\beta_2^t}} + \varepsilon", _SIZE), _ADAM_STEP)
_BY_NAME: dict[str, tuple[Equations, str]] = {
    "adagrad": (
        (("s", r"\sqrt{\sum g^2} + \varepsilon", "the size"), (DELTA_W, r"-\frac{\eta}{s} g", "")),
        _SIZES,
    ),
    "adadelta": (
        (
            (
                "s",
                r"\frac{\sqrt{v + \varepsilon}}{\sqrt{u + \varepsilon}}",
                "v and u: running means of g² and of steps²",
            ),
            (DELTA_W, r"-\frac{\eta}{s} g", ""),
        ),
        _SIZES,
    ),
    "adam": (_ADAM, f"{_MEMORY} {_SIZES}"),
    "adamw": (_ADAM, f"{_MEMORY} {_SIZES}"),
    "adamax": ((_MEAN, ("s", "u", "the largest gradient, slowly forgotten"), _ADAM_STEP), f"{_MEMORY} {_SIZES}"),
    "nadam": (
        (
            _MEAN,
            ("s", r"\frac{\sqrt{v}}{\sqrt{1-\beta_2^t}} + \varepsilon", _SIZE),
            (
                DELTA_W,
                r"-\frac{\eta}{s} \cdot \frac{1-\mu_t}{1-M_t} g - \frac{\eta}{s} \cdot \frac{\mu_{t+1}}{1-M_{t+1}} b",
                "",
            ),
        ),
        f"{_MEMORY} {_SIZES} Momentum alone is taken as the mean b.",
    ),
    "radam": (
        (
            _MEAN,
            ("s", r"\frac{\sqrt{v} + \varepsilon}{r_t \sqrt{1-\beta_2^t}}", f"{_SIZE}; s is 1 in the first steps"),
            _ADAM_STEP,
        ),
        f"{_MEMORY} {_SIZES}",
    ),
}
_WHY_NOT = {
    "rprop": (
        "Rprop follows the sign of the slope alone, with a step length of the weight's own, so no row has a share in "
        "how far it went; below stands how strongly each row's slope pulled, which together gave the signs."
    ),
    "lbfgs": (
        "L-BFGS bends its direction by how the gradients of all weights changed, and searches along it, so no row has "
        "a share in how far one weight went; below stands how strongly each row's slope pulled."
    ),
}
