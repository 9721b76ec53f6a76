"""The equations of a derivation, each in symbols, in numbers and as a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from glassnet.insight.derivation.chain import Stage, jacobian
from glassnet.insight.derivation.derivation import Derivation
from glassnet.insight.derivation.formulas import readable, with_numbers
from glassnet.insight.derivation.paths import blame_symbol, link, slope_of_a_symbol, slope_symbol
from glassnet.insight.documents import Block, Equation, Paragraph, number, product, products, total
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss


def times(factors: Sequence[str]) -> str:
    r"""Return LaTeX for a product; negative numbers behind the first factor stand in brackets.

    Examples
    --------
    >>> times(["0.5", "-0.25"])
    '0.5 \\cdot \\left(-0.25\\right)'
    """
    inside = [rf"\left({factor}\right)" if n and factor.startswith("-") else factor for n, factor in enumerate(factors)]
    return r" \cdot ".join(inside)


def plus(shown: Sequence[str]) -> str:
    """Return LaTeX for a sum of printed numbers."""
    return shown[0] + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in shown[1:])


def sum_of(terms: Sequence[Sequence[str]]) -> str:
    """Return LaTeX for a sum of products."""
    return plus([times(term) for term in terms])


def error_of_row(d: Derivation) -> Equation:
    """E of the row: the loss's formula and, where there are few outputs, the term of each."""
    stage, loss, y = d.stages[-1], d.subject.objective.loss, d.chain.y
    steps = [loss.latex] if loss.latex else []
    result = number(d.chain.error)
    if isinstance(loss, ElementwiseLoss):
        with np.errstate(all="ignore"):
            terms = loss.term(stage.a, y) / (stage.units if loss.mean_over_outputs else 1)
        terms = terms[terms != 0]
        if 1 < len(terms) <= d.most and np.isfinite(terms).all():
            shown, result = total(terms.tolist())
            steps.append(plus(shown))
    return Equation("E", (*steps, result), f"loss {loss.name}")


def error_by_output(d: Derivation, i: int) -> Equation:
    """∂E/∂a of an output, by the loss's slope."""
    stage, loss, y = d.stages[-1], d.subject.objective.loss, d.chain.y
    value, steps = float(stage.slope_of_a[i]), []
    if loss.slope_latex:
        steps.append(
            loss.slope_latex.replace("_j", f"_{{{i}}}") if r"\sum" not in loss.slope_latex else loss.slope_latex
        )
        if isinstance(loss, ElementwiseLoss) and r"\sum" not in loss.slope_latex:
            n = stage.units if loss.mean_over_outputs else 1

            def slope(a: float, truth: float) -> float:
                return float(loss.term_slope(np.array(a), np.array(truth))) / n

            shown = readable(slope, {"a_j": float(stage.a[i]), "y_j": float(y[i])}, number(value))
            steps.append(with_numbers(loss.slope_latex, {**shown, "n": str(stage.units)}))
            steps[0] = loss.slope_latex.replace("a_j", f"a_{{{stage.read_as},{i}}}").replace("y_j", f"y_{{{i}}}")
    return Equation(slope_of_a_symbol(stage, i), (*steps, number(value)), f"the slope of {loss.name}")


def slope_of_neuron(stage: Stage, i: int) -> Iterator[Equation]:
    """g′(z) of a neuron, by its formula."""
    g = stage.layer.activation
    if stage.slope is None or not isinstance(g, Activation) or not g.slope_latex:
        return
    value = number(stage.slope[i])

    def slope(z: float, a: float) -> float:
        return float(g.slope(np.array(z), np.array(a)) * np.ones(()))

    shown = readable(slope, {"z": float(stage.z[i]), "a": float(stage.a[i])}, value)
    steps = [g.slope_latex]
    in_numbers = with_numbers(g.slope_latex, shown)
    steps += [in_numbers] if in_numbers != g.slope_latex else []
    steps += [value] if steps[-1] != value else []
    yield Equation(slope_symbol(stage, i), tuple(steps), f"the slope of {g.name}")


def blame_by_slope(stage: Stage, i: int, remark: str) -> Equation:
    """δ = ∂E/∂a · g′(z); of Dropout, which has no g, ∂E/∂a itself."""
    if stage.one_to_one:
        return Equation(blame_symbol(stage, i), (slope_of_a_symbol(stage, i), number(stage.blame[i])), remark)
    shown, result = product([stage.slope_of_a[i], stage.gain[i]])
    symbols = (slope_of_a_symbol(stage, i), slope_symbol(stage, i))
    return Equation(blame_symbol(stage, i), (times(symbols), times(shown), result), remark)


def blame_by_short_form(d: Derivation, i: int) -> Iterator[Block]:
    """δ of the last layer where softmax or a short form makes it: the long form, and what it collapses to."""
    stage, short = d.stages[-1], d.chain.short
    shared = d.sharing.of_blame(stage.k, i)
    remark = f"(1), a factor of {shared:,} of {d.sharing.parameters:,} derivatives"
    steps = list(_long_form(stage, i, d.most))
    if not steps:
        yield Paragraph(
            f"The long form of ${blame_symbol(stage, i)}$ cannot be computed here, as an output is so near 0 or 1 that "
            "its slope is lost; the short form needs no division."
        )
    if short is not None:
        a, y = float(stage.a[i]), float(d.chain.y[i])
        terms, result = total([a, -y])
        symbols = f"a_{{{stage.read_as},{i}}} - y_{{{i}}}"
        steps += [symbols, f"{terms[0]} - {terms[1].removeprefix('-')}", result]
        remark = f"{remark}; the short form of the pair is $a-y$"
    yield Equation(blame_symbol(stage, i), tuple(steps), remark)


def _long_form(stage: Stage, i: int, most: int) -> Iterator[str]:
    """Give the steps of δ_i = Σ_q ∂E/∂a_q · ∂a_q/∂z_i, or ∂E/∂a_i · g′(z_i); nothing where they are not finite."""
    if stage.slope is not None:
        shown, result = product([stage.slope_of_a[i], stage.slope[i]])
        if np.isfinite(stage.slope_of_a[i]):
            yield times((slope_of_a_symbol(stage, i), slope_symbol(stage, i)))
            yield times(shown)
            yield result
        return
    with np.errstate(all="ignore"):
        slopes = jacobian(stage)[:, i]
        terms = stage.slope_of_a * slopes
    if not np.isfinite(terms).all():
        return
    counted = [int(q) for q in np.argsort(-np.abs(terms), kind="stable") if terms[q] != 0][:most]
    if not counted:
        return
    rest = float(terms.sum() - terms[counted].sum()) if np.count_nonzero(terms) > len(counted) else 0.0
    pairs = [[float(stage.slope_of_a[q]), float(slopes[q])] for q in counted] + ([[rest]] if rest else [])
    shown_pairs, result = products(pairs)
    a, z = f"a_{{{stage.read_as},q}}", f"z_{{{stage.k},{i}}}"
    yield rf"\sum_q \frac{{\partial E}}{{\partial {a}}} \cdot \frac{{\partial {a}}}{{\partial {z}}}"
    yield sum_of(shown_pairs)
    yield result


def sum_over_links(after: Stage, j: int, most: int) -> Equation:
    """∂E/∂a of a neuron: over what listens to it, weight times blame."""
    left = rf"\frac{{\partial E}}{{\partial a_{{{after.k},{j}}}}}"
    if after.one_to_one:
        symbol, value = link(after, j, j)
        shown, result = product([value, after.blame[j]])
        what = "kept and scaled up" if value else "dropped, so not to blame"
        return Equation(
            left, (times((symbol, blame_symbol(after, j))), times(shown), result), f"Dropout's mask: {what}"
        )
    hearing = np.arange(after.units) if after.present is None else np.flatnonzero(after.present[j])
    terms = after.links[j] * after.blame
    told = sorted(hearing[np.argsort(-np.abs(terms[hearing]), kind="stable")][:most].tolist())
    pairs = [[float(after.links[j, q]), float(after.blame[q])] for q in told]
    symbols = [times((link(after, j, q)[0], blame_symbol(after, q))) for q in told]
    remark = "over what listens to it, weight times blame"
    if len(told) < len(hearing):
        pairs.append([float(terms[hearing].sum() - terms[told].sum())])
        symbols.append("R")
        remark = f"$R$ is the sum of the other {len(hearing) - len(told):,} neurons' weight times blame"
    shown_pairs, result = products(pairs)
    return Equation(left, (" + ".join(symbols), sum_of(shown_pairs), result), remark)


def penalty_and_sum(d: Derivation) -> Equation:
    """The derivative as a whole: rows with their shares, and the penalties."""
    shares, objective = d.shares, d.subject.objective
    left = rf"\frac{{\partial E}}{{\partial {d.place.latex}}}"
    w, name = float(d.subject.network.theta[d.place.index]), d.place.latex
    order = np.argsort(-np.abs(shares.value), kind="stable")[: d.most]
    terms: list[list[float]] = []
    symbols: list[str] = []
    for r in order:
        number_of_row = int(shares.rows[r])
        own = rf"\frac{{\partial E_{{{number_of_row}}}}}{{\partial {name}}}"
        symbols.append(times((f"c_{{{number_of_row}}}", own)))
        terms.append([float(shares.coefficient[r]), float(shares.signal[r] * shares.blame[r])])
    remark = "rows, each with its share"
    if len(order) < len(shares):
        symbols.append("R")
        terms.append([float(shares.value.sum() - shares.value[order].sum())])
        remark = f"$R$ is what the other {len(shares) - len(order):,} rows put in"
    if d.penalty[0]:
        symbols.append(rf"l_1 \cdot \operatorname{{sign}}({name})")
        terms.append([objective.l1, float(np.sign(w))])
    if d.penalty[1]:
        symbols.append(rf"l_2 \cdot {name}")
        terms.append([objective.l2, w])
    if d.penalty != (0, 0):
        remark += ", and the penalties"
    shown, result = products(terms)
    return Equation(left, (" + ".join(symbols), sum_of(shown), result), remark)
