r"""Every blank of a worksheet with its answer, worked in symbols and in numbers.

The exercise prints the blanks, the solution the same list with what stands in them. Symbols are LaTeX, those of
`glassnet explain`: ``a_{k,j}`` is what layer k hears; ``z_{k,i}``, ``\delta_{k,i}``, ``w_{k,j,i}`` belong to layer k.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import final

from glassnet.insight.documents.expressions import factor
from glassnet.insight.worksheet.arithmetic import Result, shown
from glassnet.insight.worksheet.exercise import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, Exercise, Row
from glassnet.insight.worksheet.solving import RowSolution, Solution, front, needs_slope
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import IDENTITY, RELU, SIGMOID, SOFTMAX
from glassnet.maths.losses import MEAN_SQUARED_ERROR

FORWARD, ERROR, BLAME, GRADIENT, UPDATE = range(1, 6)


@final
@dataclass(frozen=True)
class Answer:
    """A blank and what stands in it.

    Parameters
    ----------
    task : int
        1 forward pass, 2 error, 3 blame, 4 gradient, 5 update.
    symbol : str
        LaTeX: ``z_{0,1}``.
    row : int or None
        Of which row, where it is of one.
    symbols, numbers : str
        LaTeX: how it is computed.
    result : Result
    """

    task: int
    symbol: str
    row: int | None
    symbols: str
    numbers: str
    result: Result


def answers(exercise: Exercise, solution: Solution) -> list[Answer]:
    """Return every blank's answer, in the order in which they are worked out."""
    return [
        *_forward(exercise, solution),
        *_error(exercise, solution),
        *_blame(exercise, solution),
        *_gradient(exercise, solution),
        *_update(exercise, solution),
    ]


def _forward(exercise: Exercise, solution: Solution) -> Iterator[Answer]:
    plan = exercise.plan
    for r, row in enumerate(solution.rows):
        for k, g in enumerate(plan.activations):
            for i, z in enumerate(row.z[k]):
                yield _weighted_sum(exercise, row, r, k, i, z)
                if g is not SOFTMAX:
                    symbols, numbers = _value(g, f"z_{{{k},{i}}}", z.value)
                    yield Answer(FORWARD, f"a_{{{k + 1},{i}}}", r, symbols, numbers, row.a[k + 1][i])
        if row.powers:
            yield from _softmax(row, r, len(plan.activations) - 1)


def _weighted_sum(exercise: Exercise, row: RowSolution, r: int, k: int, i: int, z: Result) -> Answer:
    heard = [a.value for a in row.a[k]]
    weights = [w[i] for w in exercise.weights[k]]
    symbols = " + ".join(rf"w_{{{k},{j},{i}}} \cdot a_{{{k},{j}}}" for j in range(len(heard)))
    numbers = _products(weights, heard)
    if exercise.plan.bias:
        symbols += f" + b_{{{k},{i}}}"
        numbers += f" + {_factor(exercise.biases[k][i])}"
    return Answer(FORWARD, f"z_{{{k},{i}}}", r, symbols, numbers, z)


def _value(g: AnyActivation, symbol: str, z: Decimal) -> tuple[str, str]:
    if g is IDENTITY:
        return symbol, shown(z)
    if g is RELU:
        return rf"\max({symbol}, 0)", rf"\max({shown(z)}, 0)"
    if g is SIGMOID:
        return rf"\frac{{1}}{{1+e^{{-{symbol}}}}}", rf"\frac{{1}}{{1+e^{{{shown(-z)}}}}}"
    return rf"\tanh\left({symbol}\right)", rf"\tanh\left({shown(z)}\right)"


def _softmax(row: RowSolution, r: int, k: int) -> Iterator[Answer]:
    *powers, whole = row.powers
    for i, (z, power) in enumerate(zip(row.z[k], powers, strict=True)):
        yield Answer(FORWARD, f"e^{{z_{{{k},{i}}}}}", r, f"e^{{z_{{{k},{i}}}}}", f"e^{{{shown(z.value)}}}", power)
    symbols = " + ".join(f"e^{{z_{{{k},{i}}}}}" for i in range(len(powers)))
    yield Answer(FORWARD, "S", r, symbols, " + ".join(shown(power.value) for power in powers), whole)
    for i, (power, a) in enumerate(zip(powers, row.a[k + 1], strict=True)):
        numbers = rf"\frac{{{shown(power.value)}}}{{{shown(whole.value)}}}"
        yield Answer(FORWARD, f"a_{{{k + 1},{i}}}", r, rf"\frac{{e^{{z_{{{k},{i}}}}}}}{{S}}", numbers, a)


def _error(exercise: Exercise, solution: Solution) -> Iterator[Answer]:
    plan, last = exercise.plan, len(exercise.plan.activations)
    several = plan.rows > 1
    for r, row in enumerate(solution.rows):
        symbols, numbers = _row_error(exercise, row, exercise.y[r], last)
        yield Answer(ERROR, f"E_{{{r}}}" if several else "E", r, symbols, numbers, row.error)
    if several:
        symbols = " + ".join(f"E_{{{r}}}" for r in range(plan.rows))
        numbers = " + ".join(shown(row.error.value) for row in solution.rows)
        yield Answer(ERROR, "E", None, _mean(plan.rows, symbols), _mean(plan.rows, numbers), solution.error)


def _row_error(exercise: Exercise, row: RowSolution, y: Row, last: int) -> tuple[str, str]:
    plan, a = exercise.plan, [a_i.value for a_i in row.a[-1]]
    if plan.loss is CROSS_ENTROPY:
        right = y.index(Decimal(1))
        return rf"-\log\left(a_{{{last},{right}}}\right)", rf"-\log\left({shown(a[right])}\right)"
    if plan.loss is BINARY_CROSS_ENTROPY:
        symbols = (rf"\log\left({'' if y_i == 1 else '1 - '}a_{{{last},{i}}}\right)" for i, y_i in enumerate(y))
        numbers = (rf"\log\left({'' if y_i == 1 else '1 - '}{shown(a_i)}\right)" for a_i, y_i in zip(a, y, strict=True))
        return f"-{' - '.join(symbols)}", f"-{' - '.join(numbers)}"
    squares = " + ".join(rf"\left(a_{{{last},{i}}} - y_{{{i}}}\right)^2" for i in range(len(a)))
    numbers_of = " + ".join(rf"\left({shown(a_i)} - {_factor(y_i)}\right)^2" for a_i, y_i in zip(a, y, strict=True))
    share = front(plan) / 2
    if share == 1:
        return squares, numbers_of
    before = r"\frac{1}{2}" if plan.loss is not MEAN_SQUARED_ERROR else rf"\frac{{1}}{{{len(a)}}}"
    if len(a) == 1:
        return rf"{before} {squares}", rf"{before} {numbers_of}"
    return rf"{before} \left({squares}\right)", rf"{before} \left({numbers_of}\right)"


def _blame(exercise: Exercise, solution: Solution) -> Iterator[Answer]:
    plan = exercise.plan
    last = len(plan.activations) - 1
    for r, row in enumerate(solution.rows):
        for k in range(last, -1, -1):
            slopes = needs_slope(plan, k)
            for i, blame in enumerate(row.blame[k]):
                if slopes:
                    symbols, numbers = _slope(plan.activations[k], k, i, row)
                    yield Answer(BLAME, f"g'(z_{{{k},{i}}})", r, symbols, numbers, row.slope[k][i])
                symbols, numbers = _at_outputs(exercise, row, r, i) if k == last else _at_hidden(exercise, row, k, i)
                if slopes:
                    symbols = rf"{_bracketed(symbols)} \cdot g'(z_{{{k},{i}}})"
                    numbers = rf"{_bracketed(numbers)} \cdot {_factor(row.slope[k][i].value)}"
                yield Answer(BLAME, rf"\delta_{{{k},{i}}}", r, symbols, numbers, blame)


def _slope(g: AnyActivation, k: int, i: int, row: RowSolution) -> tuple[str, str]:
    z, a = row.z[k][i].value, row.a[k + 1][i].value
    symbol = f"a_{{{k + 1},{i}}}"
    if g is RELU:
        return f"[z_{{{k},{i}}} > 0]", f"[{shown(z)} > 0]"
    if g is SIGMOID:
        return rf"{symbol} \cdot \left(1 - {symbol}\right)", rf"{shown(a)} \cdot \left(1 - {shown(a)}\right)"
    return rf"1 - {symbol} \cdot {symbol}", rf"1 - {_factor(a)} \cdot {_factor(a)}"


def _at_outputs(exercise: Exercise, row: RowSolution, r: int, i: int) -> tuple[str, str]:
    plan = exercise.plan
    a, y = row.a[-1][i].value, exercise.y[r][i]
    symbols, numbers = f"a_{{{len(plan.activations)},{i}}} - y_{{{i}}}", f"{shown(a)} - {_factor(y)}"
    factor = Decimal(1) if plan.short else front(plan)
    if factor == 1:
        return symbols, numbers
    before = rf"\frac{{2}}{{{plan.widths[-1]}}}" if plan.loss is MEAN_SQUARED_ERROR and plan.widths[-1] > 2 else "2"
    return rf"{before} \cdot \left({symbols}\right)", rf"{before} \cdot \left({numbers}\right)"


def _at_hidden(exercise: Exercise, row: RowSolution, k: int, j: int) -> tuple[str, str]:
    after = [d.value for d in row.blame[k + 1]]
    symbols = " + ".join(rf"w_{{{k + 1},{j},{i}}} \cdot \delta_{{{k + 1},{i}}}" for i in range(len(after)))
    return symbols, _products(exercise.weights[k + 1][j], after)


def _gradient(exercise: Exercise, solution: Solution) -> Iterator[Answer]:
    rows = solution.rows

    def answer(symbol: str, symbols: list[str], numbers: str, result: Result) -> Answer:
        left = rf"\frac{{\partial E}}{{\partial {symbol}}}"
        m = len(rows)
        return Answer(GRADIENT, left, None, _mean(m, " + ".join(symbols)), _mean(m, numbers), result)

    for k, matrix in enumerate(solution.weight_gradient):
        for j, of_j in enumerate(matrix):
            for i, result in enumerate(of_j):
                symbols = [
                    rf"a_{{{k},{j}}}{_of(r, rows)} \cdot \delta_{{{k},{i}}}{_of(r, rows)}" for r in range(len(rows))
                ]
                numbers = _products([row.a[k][j].value for row in rows], [row.blame[k][i].value for row in rows])
                yield answer(f"w_{{{k},{j},{i}}}", symbols, numbers, result)
        for i, result in enumerate(solution.bias_gradient[k]):
            symbols = [rf"\delta_{{{k},{i}}}{_of(r, rows)}" for r in range(len(rows))]
            yield answer(f"b_{{{k},{i}}}", symbols, _sum([row.blame[k][i].value for row in rows]), result)


def _update(exercise: Exercise, solution: Solution) -> Iterator[Answer]:
    rate = exercise.plan.rate

    def answer(symbol: str, old: Decimal, slope: Result, result: Result) -> Answer:
        symbols = rf"{symbol} - \eta \cdot \frac{{\partial E}}{{\partial {symbol}}}"
        numbers = rf"{shown(old)} - {shown(rate)} \cdot {_factor(slope.value)}"
        name, _, index = symbol.partition("_")
        return Answer(UPDATE, f"{name}'_{index}", None, symbols, numbers, result)

    for k, matrix in enumerate(solution.new_weights):
        for j, of_j in enumerate(matrix):
            for i, result in enumerate(of_j):
                slope = solution.weight_gradient[k][j][i]
                yield answer(f"w_{{{k},{j},{i}}}", exercise.weights[k][j][i], slope, result)
        for i, result in enumerate(solution.new_biases[k]):
            yield answer(f"b_{{{k},{i}}}", exercise.biases[k][i], solution.bias_gradient[k][i], result)


def _of(r: int, rows: list[RowSolution]) -> str:
    """Return the mark of a row, where there are several."""
    return f"^{{({r})}}" if len(rows) > 1 else ""


def _mean(m: int, terms: str) -> str:
    return terms if m == 1 else rf"\frac{{1}}{{{m}}} \left({terms}\right)"


def _products(left: Row | list[Decimal], right: Row | list[Decimal]) -> str:
    pairs = zip(left, right, strict=True)
    return " + ".join(rf"{_factor(a) if n else shown(a)} \cdot {_factor(b)}" for n, (a, b) in enumerate(pairs))


def _sum(terms: list[Decimal]) -> str:
    return " + ".join(_factor(term) if n else shown(term) for n, term in enumerate(terms))


def _factor(value: Decimal) -> str:
    """Return LaTeX for a number that follows a sign."""
    return factor(shown(value))


def _bracketed(terms: str) -> str:
    """Put brackets around a sum that becomes a factor."""
    alone = rf"\left({terms}\right)"
    return alone if " + " in terms or (" - " in terms and not terms.startswith(("2 ", r"\frac"))) else terms
