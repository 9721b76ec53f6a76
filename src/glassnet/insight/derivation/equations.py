"""The equations on the way from the last layer back to the weight, each in symbols, in numbers and as a result."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.insight.derivation.chain import Stage
from glassnet.insight.derivation.derivation import Derivation
from glassnet.insight.derivation.formulas import written_out
from glassnet.insight.derivation.symbols import blame_symbol, link, signal_symbol, slope_of_a_symbol, slope_symbol
from glassnet.insight.documents import Equation, number, plus, product, products, products_of, times
from glassnet.maths.activation import Activation


def weighted_sum(d: Derivation, stage: Stage, i: int) -> Equation:
    """Z of a neuron: its weights times what it hears, and its bias."""
    hearing = np.arange(len(stage.x)) if stage.present is None else np.flatnonzero(stage.present[:, i])
    terms = stage.links[:, i] * stage.x
    told = sorted(hearing[np.argsort(-np.abs(terms[hearing]), kind="stable")][: d.most].tolist())
    pairs = [[float(stage.links[j, i]), float(stage.x[j])] for j in told]
    written = [times((link(stage, j, i)[0], signal_symbol(stage, j))) for j in told]
    remark = f"the weighted sum of neuron {i}"
    if len(told) < len(hearing):
        pairs.append([float(terms[hearing].sum() - terms[told].sum())])
        written.append("R")
        remark += f"; $R$ is the sum of the other {len(hearing) - len(told):,} terms"
    biases = d.subject.network.biases[stage.k]
    if biases is not None:
        pairs.append([float(biases[i])])
        written.append(f"b_{{{stage.k},{i}}}")
    shown, result = products(pairs)
    return Equation(f"z_{{{stage.k},{i}}}", (plus(written), products_of(shown), result), remark)


def slope_of_neuron(stage: Stage, i: int) -> Iterator[Equation]:
    """g′(z) of a neuron, by its formula."""
    g = stage.layer.activation
    if stage.slope is None or not isinstance(g, Activation) or not g.slope_latex:
        return
    result = number(stage.slope[i])

    def slope(z: float, a: float) -> float:
        return float(g.slope(np.array(z), np.array(a)) * np.ones(()))

    remark, steps = f"the slope of {g.name}", [g.slope_latex]
    if g.slope_latex != result:
        numbers = written_out(g.slope_latex, slope, {"z": float(stage.z[i]), "a": float(stage.a[i])}, result)
        steps += [result] if numbers is None else [numbers, result]
        remark += "" if numbers is not None else "; z is so far out that its numbers have no digits left for it"
    yield Equation(slope_symbol(stage, i), tuple(steps), remark)


def blame_by_slope(stage: Stage, i: int, remark: str) -> Equation:
    """δ = ∂E/∂a · g′(z); of Dropout, which has no g, ∂E/∂a itself."""
    if stage.one_to_one:
        return Equation(blame_symbol(stage, i), (slope_of_a_symbol(stage, i), number(stage.blame[i])), remark)
    shown, result = product([stage.slope_of_a[i], stage.gain[i]])
    symbols = (slope_of_a_symbol(stage, i), slope_symbol(stage, i))
    return Equation(blame_symbol(stage, i), (times(symbols), times(shown), result), remark)


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
    return Equation(left, (" + ".join(symbols), products_of(shown_pairs), result), remark)


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
    return Equation(left, (" + ".join(symbols), products_of(shown), result), remark)
