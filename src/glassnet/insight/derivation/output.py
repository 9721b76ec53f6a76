"""Where blame begins: the error of a row, its slope by each output, and the blame of the last layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.derivation.chain import Stage, jacobian
from glassnet.insight.derivation.derivation import Derivation
from glassnet.insight.derivation.formulas import written_out
from glassnet.insight.derivation.symbols import blame_symbol, slope_of_a_symbol, slope_symbol
from glassnet.insight.documents import (
    Block,
    Equation,
    Paragraph,
    number,
    plus,
    product,
    products,
    products_of,
    times,
    total,
)
from glassnet.maths.loss import ElementwiseLoss, Targets

Array = NDArray[Any]
Formula = Callable[[Array, Array], Array]

_SUM = re.compile(r"\\sum_(?:j|\{j=1\}\^\{n\}) ?")
_MOST_LONG_FORMS = 3


def error_of_row(d: Derivation) -> Equation:
    """E of the row: the loss's formula and, where few outputs count, the term of each."""
    stage, loss, y = d.stages[-1], d.subject.objective.loss, d.chain.y
    steps = [loss.latex] if loss.latex else []
    result = number(d.chain.error)
    if isinstance(loss, ElementwiseLoss) and loss.latex:
        n = stage.units if loss.mean_over_outputs else 1
        with np.errstate(all="ignore"):
            terms = loss.term(stage.a, y) / n
        counted = np.flatnonzero(terms)
        if len(counted) == 1 and r"\cases" not in loss.latex and "r_j" not in loss.latex:
            numbers = _with_its_numbers(loss, _SUM.sub("", loss.latex), loss.term, stage, y, int(counted[0]), result)
            steps += [] if numbers is None else [numbers]
        elif 1 < len(counted) <= d.most and np.isfinite(terms).all():
            shown, result = total(terms[counted].tolist())
            steps.append(plus(shown))
    return Equation("E", (*steps, result), f"loss {loss.name}")


def error_by_output(d: Derivation, i: int) -> Equation:
    """∂E/∂a of an output, by the loss's slope."""
    stage, loss, y = d.stages[-1], d.subject.objective.loss, d.chain.y
    formula, result = loss.slope_latex, number(stage.slope_of_a[i])
    left, remark = slope_of_a_symbol(stage, i), f"the slope of {loss.name}"
    a_i, y_i = f"a_{{{stage.read_as},{i}}}", f"y_{{{i}}}"
    if loss.kink is not None and loss.targets is not Targets.ONE_HOT and loss.kink(stage.a, y)[i] == 0:
        return Equation(left, (result,), f"{remark}; at its kink, where it is taken so")
    if isinstance(loss, ElementwiseLoss) and formula:
        own = formula.replace("a_j", a_i).replace("y_j", y_i)
        numbers = _with_its_numbers(loss, formula, loss.term_slope, stage, y, i, result)
        return Equation(left, (own, result) if numbers is None else (own, numbers, result), remark)
    if loss.targets is Targets.ONE_HOT and y[i] == 1:
        return Equation(left, (result,), f"{remark}: for the true class minus the number of margins missed")
    if formula.endswith("-y_j"):  # a share of all outputs, less the truth
        shown, result = total([float(stage.slope_of_a[i] + y[i]), -float(y[i])])
        own = formula.replace("a_j", a_i, 1).replace("y_j", y_i)
        return Equation(left, (own, f"{shown[0]} - {shown[1].removeprefix('-')}", result), remark)
    return Equation(left, (result,), f"{remark}: ${formula}$" if formula else remark)


def _with_its_numbers(
    loss: ElementwiseLoss, latex: str, formula: Formula, stage: Stage, y: Array, i: int, result: str
) -> str | None:
    """Return a formula of an output and its truth with their numbers, or None where these do not give the result."""
    n = stage.units if loss.mean_over_outputs else 1

    def value(a: float, truth: float) -> float:
        with np.errstate(all="ignore"):
            return float(formula(np.array(a), np.array(truth))) / n

    values = {"a_j": float(stage.a[i]), "y_j": float(y[i])}
    written = written_out(latex, value, values, result)
    return None if written is None else re.sub(r"(?<![A-Za-z\\])n(?![A-Za-z])", str(stage.units), written)


def blame_by_short_form(d: Derivation, i: int) -> Iterator[Block]:
    """δ of the last layer where softmax or a short form makes it: the long form, and what it collapses to."""
    stage, short = d.stages[-1], d.chain.short
    shared = d.sharing.of_blame(stage.k, i)
    remark = f"(1), a factor of {shared:,} of {d.sharing.parameters:,} derivatives"
    steps: list[str] = []
    if _is_finite(stage):
        yield from _long_factors(d, i)
        steps = _long_form(stage, i, d.most)
    elif short is not None:
        yield Paragraph(
            f"The long form of ${blame_symbol(stage, i)}$ cannot be computed here, as an output is so near 0 or 1 that "
            "the error's slope is infinite; the short form needs no division."
        )
    if short is not None:
        a, y = float(stage.a[i]), float(d.chain.y[i])
        terms, result = total([a, -y])
        symbols = f"a_{{{stage.read_as},{i}}} - y_{{{i}}}"
        steps += [symbols, f"{terms[0]} - {terms[1].removeprefix('-')}", result]
        remark = f"{remark}; the short form of the pair is $a-y$"
    yield Equation(blame_symbol(stage, i), tuple(steps or [number(stage.blame[i])]), remark)


def _is_finite(stage: Stage) -> bool:
    return bool(np.isfinite(stage.slope_of_a).all())


def _terms(stage: Stage, i: int) -> tuple[Array, Array]:
    """Return ∂a_q/∂z_i and ∂E/∂a_q · ∂a_q/∂z_i for every output q."""
    if stage.slope is not None:
        slopes = np.where(np.arange(stage.units) == i, stage.slope, 0.0)
    else:
        slopes = jacobian(stage)[:, i]
    return slopes, stage.slope_of_a * slopes


def _counted(stage: Stage, i: int, most: int) -> list[int]:
    """Return the outputs that put most into δ_i by the long form; one at least."""
    _, terms = _terms(stage, i)
    counted = [int(q) for q in np.argsort(-np.abs(terms), kind="stable") if terms[q] != 0][:most]
    return counted or [i]


def _long_factors(d: Derivation, i: int) -> Iterator[Equation]:
    """Give ∂E/∂a_q and ∂a_q/∂z_i of each output in the long form, where they are few."""
    stage = d.stages[-1]
    counted = _counted(stage, i, d.most)
    if len(counted) > _MOST_LONG_FORMS:
        return
    for q in counted:
        yield error_by_output(d, q)
        if stage.slope is None and stage.layer.activation.name == "softmax":
            a_q, a_i = (f"a_{{{stage.read_as},{n}}}" for n in (q, i))
            same, a = (1 if q == i else 0), stage.a
            shown, result = product([float(a[q]), float(same - a[i])])
            left = rf"\frac{{\partial {a_q}}}{{\partial z_{{{stage.k},{i}}}}}"
            yield Equation(left, (times((a_q, rf"\left({same} - {a_i}\right)")), times(shown), result), "of softmax")


def _long_form(stage: Stage, i: int, most: int) -> list[str]:
    """Return the steps of δ_i = Σ_q ∂E/∂a_q · ∂a_q/∂z_i, or ∂E/∂a_i · g′(z_i)."""
    if stage.slope is not None:
        shown, result = product([stage.slope_of_a[i], stage.slope[i]])
        return [times((slope_of_a_symbol(stage, i), slope_symbol(stage, i))), times(shown), result]
    slopes, terms = _terms(stage, i)
    counted = _counted(stage, i, most)
    rest = float(terms.sum() - terms[counted].sum()) if np.count_nonzero(terms) > len(counted) else 0.0
    pairs = [[float(stage.slope_of_a[q]), float(slopes[q])] for q in counted] + ([[rest]] if rest else [])
    shown_pairs, result = products(pairs)
    a, z = f"a_{{{stage.read_as},q}}", f"z_{{{stage.k},{i}}}"
    symbols = rf"\sum_q \frac{{\partial E}}{{\partial {a}}} \cdot \frac{{\partial {a}}}{{\partial {z}}}"
    return [symbols, products_of(shown_pairs), result]
