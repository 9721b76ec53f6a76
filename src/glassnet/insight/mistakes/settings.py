"""On what the mistakes are made: handwritten digits and a small network, or a person's own.

A setting says where the gradients are compared, where training starts, how fast and how long it goes, and on which rows
what was learned is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.data import open_source
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.mistakes.rules import RIGHT, Case, descend
from glassnet.insight.subject import make_subject
from glassnet.maths.loss import Loss, Targets
from glassnet.maths.losses import LOSSES
from glassnet.network.dense import Dense
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

STEPS = 600
_ROWS, _HELD_OUT = 300, 500
_RATES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_TRIAL = 6  # a rate is tried for a sixth of the steps
_WORK = 2e10  # multiply-adds for all trainings together: about 2 s
_TRAININGS = 14  # the trials of rates come on top, at half the work


@final
@dataclass(frozen=True)
class Setting:
    """Where and how the mistakes are made.

    Parameters
    ----------
    about : str
        The network, the rows and the error, as a sentence.
    case : Case
    at : (n,) array
        θ where gradients are compared.
    start : (n,) array
        θ where training starts.
    other_starts : tuple of (n,) arrays
        From where the right gradient trains too, to see how much the start alone decides.
    rate : float
    steps : int
    judged_x, judged_y : arrays
        Rows and class numbers on which what was learned is judged; empty where there are no classes.
    judged_on : str
        Words for these rows.
    places : tuple of int
        For each layer of the case its index in the person's ``net.layers``.
    """

    about: str
    case: Case
    at: Array
    start: Array
    other_starts: tuple[Array, ...]
    rate: float
    steps: int
    judged_x: Array
    judged_y: Array
    judged_on: str
    places: tuple[int, ...]

    def accuracy(self, network: Network, theta: Array) -> float | None:
        """Return the share of judged rows that a network gets right at θ, or None without classes."""
        if not len(self.judged_y) or not np.isfinite(theta).all():
            return None
        net = network.copy()
        net.theta[:] = theta
        return float((net.predict(self.judged_x).argmax(axis=1) == self.judged_y).mean())


def digits(steps: int = STEPS, rate: float | None = None) -> Setting:
    """Return the setting where nothing is said: 300 scanned digits, a 64-10-10 network of logistic neurons."""
    table = open_source("digits")
    x, labels = np.asarray(table.inputs) / 16.0, np.asarray(table.targets)
    net = Network(64, [Dense(10, "sigmoid"), Dense(10, "sigmoid")], seed=0, dtype="float64")
    case = Case(net, Objective(LOSSES.resolve("half_squared_error")), x[:_ROWS], np.eye(10)[labels[:_ROWS]])
    held_out = slice(_ROWS, _ROWS + _HELD_OUT)
    return Setting(
        about=f"A 64-10-10 network of logistic neurons as drawn by seed 0, the first {_ROWS} of scikit-learn's scanned "
        r"digits, and the error $\frac{1}{2}\sum_i (a_{2,i}-y_i)^2$ averaged over them.",
        case=case,
        at=net.theta.copy(),
        start=net.theta.copy(),
        other_starts=_drawn(net, 1, 2),
        rate=3.0 if rate is None else rate,
        steps=steps,
        judged_x=x[held_out],
        judged_y=labels[held_out],
        judged_on=f"the next {_HELD_OUT} digits, on which it did not train",
        places=(0, 1),
    )


def own(
    net: Network, X: ArrayLike, Y: ArrayLike, loss: str | Loss | None, steps: int | None, rate: float | None
) -> Setting:
    """Return the setting of a person's own network and rows.

    Raises
    ------
    InputError
        If an array cannot be used.
    NonFiniteError
        If the error is not finite at these weights.
    """
    subject = make_subject(net, X, Y, loss)
    places = tuple(k for k, layer in enumerate(net.layers) if isinstance(layer, Dense))
    plain = Network(net.input_shape, [net.layers[k] for k in places], seed=net.seed, dtype="float64")
    start = plain.theta.copy()
    plain.theta[:] = subject.network.theta
    taken = np.unique(np.linspace(0, len(subject) - 1, min(len(subject), _ROWS)).astype(int))
    case = Case(plain, replace(subject.objective, l1=0.0, l2=0.0), subject.x[taken], subject.y[taken])
    if not np.isfinite(case.error(plain.theta)):
        raise NonFiniteError(
            f"The error is {case.error(plain.theta)} at these weights and rows, so there is no gradient to compare. "
            "Scale X or the weights down.",
            step=0,
            quantity="loss",
        )
    if steps is None:
        affordable = _WORK / (_TRAININGS * 3 * max(1, plain.multiplications) * len(taken))
        steps = int(np.clip(affordable, 20, STEPS))
    classes = subject.objective.loss.targets in (Targets.DISTRIBUTION, Targets.ONE_HOT) or subject.targets.ndim == 1
    classes = classes and plain.outputs > 1
    rows = f"{len(taken):,} rows" if len(taken) == len(subject) else f"{len(taken):,} of {len(subject):,} rows"
    widths = "-".join(str(shape[0]) for shape in plain.shapes)
    dropout = ", without its Dropout," if len(places) < len(net.layers) else ""
    return Setting(
        about=f"Your {widths} network{dropout} at its own weights, {rows}, and the error {subject.objective.loss.name} "
        f"averaged over them. Training starts anew, from the weights that seed {net.seed} draws.",
        case=case,
        at=plain.theta.copy(),
        start=start,
        other_starts=_drawn(plain, *((net.seed + n) % 2**63 for n in (1, 2))),
        rate=_best_rate(case, start, steps) if rate is None else rate,
        steps=steps,
        judged_x=case.x if classes else case.x[:0],
        judged_y=case.y.argmax(axis=1) if classes else np.zeros(0, int),
        judged_on="these rows",
        places=places,
    )


def _drawn(net: Network, *seeds: int) -> tuple[Array, ...]:
    """Return the θ that each seed draws."""
    drawn = net.copy()
    starts = []
    for seed in seeds:
        drawn.initialize(seed)
        starts.append(drawn.theta.copy())
    return tuple(starts)


def _best_rate(case: Case, start: Array, steps: int) -> float:
    """Return the learning rate with which the right gradient gets furthest in a few steps."""
    trial = max(1, steps // _TRIAL)
    ends = []
    for rate in _RATES:
        errors = descend(case, start, RIGHT, rate, trial, every=trial)[0]
        ends.append(errors[-1] if np.isfinite(errors[-1]) else np.inf)
    return _RATES[int(np.argmin(ends))]


def require_numbers(steps: int | None, rate: float | None) -> None:
    """Refuse a number of steps or a learning rate that cannot be used."""
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1):
        raise InputError(f"steps is {steps!r}; expected a whole number from 1 up.")
    if rate is not None and (
        isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf
    ):
        raise InputError(f"learning_rate is {rate!r}; expected a number above 0.")
