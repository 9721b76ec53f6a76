"""A published result that comes from mistake 7: the 2-2-2 network of a much-read article, its digits and ours."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.mistakes.rules import RIGHT, Case, Rules, descend
from glassnet.network.backprop import forward
from glassnet.network.dense import Dense
from glassnet.network.network import Network
from glassnet.network.parameters import Parameters

Array = NDArray[Any]

SOURCE = (
    "Matt Mazur, A Step by Step Backpropagation Example, 2015, "
    "mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example"
)
RATE = 0.5
STEPS = 10_000


@final
@dataclass(frozen=True)
class Printed:
    """A number of the article.

    Parameters
    ----------
    what : str
    published : str
        Its digits.
    wrong, right : float
        What the wrong rule and the right one give.
    """

    what: str
    published: str
    wrong: float
    right: float


def article() -> Case:
    """Return the article's network and row; its biases do not learn."""
    layers = [Dense(2, "sigmoid", trainable_bias=False), Dense(2, "sigmoid", trainable_bias=False)]
    net = Network(2, layers, dtype="float64")
    net.theta[:] = [0.15, 0.25, 0.20, 0.30, 0.35, 0.35, 0.40, 0.50, 0.45, 0.55, 0.60, 0.60]
    return Case(net, net.objective("half_squared_error"), np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]))


@final
@dataclass(frozen=True)
class Published:
    """The article's numbers.

    Parameters
    ----------
    numbers : tuple of Printed
    right_one_step_fewer : float
        The error by the right rule one step before the end.
    """

    numbers: tuple[Printed, ...]
    right_one_step_fewer: float


@functools.cache  # seconds, and always the same
def recompute(steps: int = STEPS) -> Published:
    """Return the article's numbers beside what both rules give."""
    case = article()
    start, layers, layout = case.network.theta, case.network.layers, case.network.layout
    before, after_1, outputs, one_fewer, after = [], [], [], [], []
    for rules in (Rules(at_once=False), RIGHT):
        (first, second), _ = descend(case, start, rules, RATE, 1)
        before.append(float(first))
        after_1.append(float(second))
        _, theta = descend(case, start, rules, RATE, steps - 1, every=steps)
        (fewer, last), theta = descend(case, theta, rules, RATE, 1)
        one_fewer.append(float(fewer))
        after.append(float(last))
        outputs.append(forward(layers, Parameters(layout, theta), case.x)[1][-1][0].tolist())
    numbers = (
        Printed("error before training", "0.298371109", *before),
        Printed("error after 1 step", "0.291027924", *after_1),
        *(
            Printed(f"output {i} after {steps:,} steps", digits, outputs[0][i], outputs[1][i])
            for i, digits in enumerate(("0.015912196", "0.984065734"))
        ),
        Printed(f"error after {steps:,} steps", "0.0000351085", *after),
    )
    return Published(numbers, one_fewer[1])
