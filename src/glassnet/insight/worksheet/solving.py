r"""The chain of results, from the weighted sums to the changed weights, as a pupil writes it down.

It is written with the equations of `glassnet.network.backprop`, number by number. What happens to each result before
the next step uses it is decided by `keep`: rounded, or all its digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, final

from glassnet.insight.worksheet.arithmetic import Keep, Result
from glassnet.insight.worksheet.exercise import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    Exercise,
    Plan,
)
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import IDENTITY, RELU, SIGMOID, SOFTMAX, TANH
from glassnet.maths.losses import MEAN_SQUARED_ERROR, SQUARED_ERROR

Results: TypeAlias = list[Result]


@final
@dataclass(frozen=True)
class RowSolution:
    """What is computed for one row.

    Parameters
    ----------
    z : list of lists of Result
        ``z[k][i]``.
    a : list of lists of Result
        ``a[0]`` is x, ``a[k + 1][i]`` the output of layer k.
    powers : list of Result
        e to the z of each output, for soft-max alone; their sum last.
    slope : list of lists of Result
        ``slope[k][i]``: g′(z); empty for a layer whose blame needs none.
    blame : list of lists of Result
        ``blame[k][i]``: δ of this row alone.
    error : Result
    """

    z: list[Results]
    a: list[Results]
    powers: Results
    slope: list[Results]
    blame: list[Results]
    error: Result


@final
@dataclass(frozen=True)
class Solution:
    """Everything that is computed.

    Parameters
    ----------
    rows : list of RowSolution
    error : Result
        The mean over rows.
    weight_gradient, new_weights : nested lists of Result
        ``[k][j][i]``.
    bias_gradient, new_biases : nested lists of Result
        ``[k][i]``; empty rows without biases.
    """

    rows: list[RowSolution]
    error: Result
    weight_gradient: list[list[Results]]
    bias_gradient: list[Results]
    new_weights: list[list[Results]]
    new_biases: list[Results]


def solve(exercise: Exercise, keep: Keep) -> Solution:
    """Return the solution; within `many_digits`."""
    plan, m = exercise.plan, Decimal(exercise.plan.rows)
    rows = [_row(exercise, r, keep) for r in range(plan.rows)]
    weight_gradient = [
        [
            [keep(_sum(row.a[k][j].value * row.blame[k][i].value for row in rows) / m) for i in range(len(w[0]))]
            for j in range(len(w))
        ]
        for k, w in enumerate(exercise.weights)
    ]  # (4)
    bias_gradient = [
        [keep(_sum(row.blame[k][i].value for row in rows) / m) for i in range(len(b) if plan.bias else 0)]
        for k, b in enumerate(exercise.biases)
    ]  # (3)
    return Solution(
        rows=rows,
        error=keep(_sum(row.error.value for row in rows) / m),
        weight_gradient=weight_gradient,
        bias_gradient=bias_gradient,
        new_weights=[
            [_moved(w, g, plan.rate, keep) for w, g in zip(weights, gradients, strict=True)]
            for weights, gradients in zip(exercise.weights, weight_gradient, strict=True)
        ],
        new_biases=[
            _moved(b[: len(g)], g, plan.rate, keep) for b, g in zip(exercise.biases, bias_gradient, strict=True)
        ],
    )


def _row(exercise: Exercise, r: int, keep: Keep) -> RowSolution:
    plan = exercise.plan
    last = len(exercise.weights) - 1
    z: list[Results] = []
    a: list[Results] = [[Result(x, x) for x in exercise.x[r]]]
    powers: Results = []
    for k, (w, b) in enumerate(zip(exercise.weights, exercise.biases, strict=True)):
        z.append([keep(_sum(a[k][j].value * w[j][i] for j in range(len(w))) + b[i]) for i in range(len(b))])
        if plan.activations[k] is SOFTMAX:
            powers = [keep(z_i.value.exp()) for z_i in z[k]]
            whole = keep(_sum(power.value for power in powers))
            a.append([keep(power.value / whole.value) for power in powers])
            powers.append(whole)
        else:
            a.append([keep(value(plan.activations[k], z_i.value)) for z_i in z[k]])
    needed = [needs_slope(plan, k) for k in range(last + 1)]
    slope = [
        [keep(slope_of(plan.activations[k], z_i.value, a_i.value)) for z_i, a_i in zip(z[k], a[k + 1], strict=True)]
        if needed[k]
        else []
        for k in range(last + 1)
    ]
    y = exercise.y[r]
    blame: list[Results] = [[] for _ in z]
    for k in range(last, -1, -1):
        for i in range(len(z[k])):
            if k == last:
                d = (a[-1][i].value - y[i]) * (1 if plan.short else front(plan))  # ∇ₐE, or (1) collapsed
            else:
                w = exercise.weights[k + 1]
                d = _sum(w[i][n] * blame[k + 1][n].value for n in range(len(w[i])))  # θᵀδ
            blame[k].append(keep(d * slope[k][i].value if needed[k] else d))  # (1), (2)
    return RowSolution(z, a, powers, slope, blame, keep(_error(plan, [a_i.value for a_i in a[-1]], y)))


def needs_slope(plan: Plan, k: int) -> bool:
    """Whether g′(z) of layer k is a factor of its blame: not where it is 1, nor where it has collapsed with ∇ₐE."""
    return plan.activations[k] is not IDENTITY and not (k == len(plan.activations) - 1 and plan.short)


def front(plan: Plan) -> Decimal:
    """Return the number in front of a − y in ∂E/∂a."""
    if plan.loss is MEAN_SQUARED_ERROR:
        return Decimal(2) / plan.widths[-1]
    return Decimal(2 if plan.loss is SQUARED_ERROR else 1)


def value(g: AnyActivation, z: Decimal) -> Decimal:
    """Return g(z)."""
    if g is SIGMOID:
        return 1 / (1 + (-z).exp())
    if g is TANH:
        return 1 - 2 / (1 + (2 * z).exp())
    return max(z, Decimal(0)) if g is RELU else z


def slope_of(g: AnyActivation, z: Decimal, a: Decimal) -> Decimal:
    """Return g′(z) from z or a, whichever the formula reads."""
    if g is SIGMOID:
        return a * (1 - a)
    if g is TANH:
        return 1 - a * a
    return Decimal(1 if z > 0 or g is IDENTITY else 0)


def _error(plan: Plan, a: list[Decimal], y: tuple[Decimal, ...]) -> Decimal:
    if plan.loss is CROSS_ENTROPY:
        return -a[y.index(Decimal(1))].ln()
    if plan.loss is BINARY_CROSS_ENTROPY:
        return -_sum((a_i if y_i == 1 else 1 - a_i).ln() for a_i, y_i in zip(a, y, strict=True))
    return front(plan) / 2 * _sum((a_i - y_i) ** 2 for a_i, y_i in zip(a, y, strict=True))


def _moved(values: tuple[Decimal, ...], gradients: Results, rate: Decimal, keep: Keep) -> Results:
    return [keep(v - rate * g.value) for v, g in zip(values, gradients, strict=True)]


def _sum(terms: Iterable[Decimal]) -> Decimal:
    return sum(terms, Decimal(0))
