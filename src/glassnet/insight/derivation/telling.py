r"""The derivation in words and equations: from the error back to the weight, then path by path.

Each function gives the blocks of one section. Numbers are printed so that a reader with a calculator finds each result
from the factors beside it; see `documents.numbers`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.derivation.derivation import Derivation
from glassnet.insight.derivation.equations import (
    blame_by_slope,
    penalty_and_sum,
    slope_of_neuron,
    sum_over_links,
    weighted_sum,
)
from glassnet.insight.derivation.names import Names
from glassnet.insight.derivation.output import blame_by_short_form, error_by_output, error_of_row
from glassnet.insight.derivation.paths import Path
from glassnet.insight.derivation.symbols import blame_symbol, link, signal_symbol, slope_of_a_symbol, slope_symbol
from glassnet.insight.documents import (
    Block,
    Document,
    Equation,
    Heading,
    Paragraph,
    Table,
    number,
    plus,
    product,
    times,
    total,
)

_MOST_SHARED = 24
_FOUR_EQUATIONS = (
    r"Four equations carry it: (1) in the last layer $\delta=\frac{\partial E}{\partial a} \cdot g'(z)$; (2) in a "
    r"layer before, the same with $\frac{\partial E}{\partial a}=\sum w \cdot \delta$ over what listens to it; "
    r"(3) of a bias $\frac{\partial E}{\partial b}=\delta$; (4) of a weight "
    r"$\frac{\partial E}{\partial w}=a \cdot \delta$."
)


def tell(d: Derivation) -> Document:
    """Return the whole derivation."""
    told = range(len(d.stages))
    sections = (
        _introduction(d),
        _rows(d) if len(d.shares) > 1 else (),
        _forward(d),
        _output(d),
        *(_back(d, t) for t in reversed(told[:-1])),
        _weight(d),
        _paths(d) if d.path_count > 1 else (),
        _whole(d),
        _shared(d),
        _check(d),
    )
    return Document(f"How ${d.place.latex}$ moves the error", tuple(block for part in sections for block in part))


def _introduction(d: Derivation) -> Iterator[Block]:
    net, names = d.subject.network, Names(d)
    rows = f"row {d.row}" if len(d.shares) == 1 else f"{len(d.shares):,} rows"
    yield Paragraph(f"{names.of_place()}, for {rows}. {names.of_network()}" + (f" {d.chosen}" if d.chosen else ""))
    yield Paragraph(
        "Here $a_k$ is what layer $k$ reads, so $a_0$ is $x$; $z_k$, $\\delta_k$, $w_k$ and $b_k$ belong to layer $k$, "
        "counted from 0. Results flow forward, blame flows backward: $\\delta=\\partial E/\\partial z$ says how much a "
        "neuron is to blame. All is computed in float64; factors are printed with as many digits as the result beside "
        "them needs."
    )
    yield Paragraph(_FOUR_EQUATIONS)
    if d.units:
        yield Paragraph(d.units)
    off = [k for k, layer in enumerate(net.layers) if layer.drop_rate and k not in d.masks]
    if off:
        which = ", ".join(map(str, off))
        layers = "layer" if len(off) == 1 else "layers"
        yield Paragraph(f"Dropout ({layers} {which}) is off, as in prediction; it passes all on unchanged.")


def _rows(d: Derivation) -> Iterator[Block]:
    """What each row puts in; the largest is then told in full."""
    shares = d.shares
    yield Heading("The rows")
    how = "\\frac{v_r}{\\sum v}" if d.subject.objective.reduction == "mean" else "v_r"
    yield Paragraph(
        f"The error of these rows together is $\\sum_r c_r E_r$ with $c_r={how}$, $v_r$ being the weight of row $r$; "
        "so each row puts in $c_r$ times its own $a_j \\delta_i$."
    )
    order = np.argsort(-np.abs(shares.value), kind="stable")[: d.most]
    signal = "1" if d.place.signal is None else "$a_j$"
    rows = [
        tuple(map(number_in_text, (shares.coefficient[r], shares.signal[r], shares.blame[r], shares.value[r])))
        for r in order
    ]
    body = [(str(int(shares.rows[r])), *cells) for r, cells in zip(order, rows, strict=True)]
    if len(order) < len(shares):
        rest = float(shares.value.sum() - shares.value[order].sum())
        body.append((f"the other {len(shares) - len(order):,}", "", "", "", number_in_text(rest)))
    yield Table(("row", "$c_r$", signal, "$\\delta_i$", "puts in"), tuple(body))
    yield Paragraph(f"Row {d.row} puts in most; it is told in full.")


def _forward(d: Derivation) -> Iterator[Block]:
    """What the neurons on the way computed."""
    names = Names(d)
    yield Heading("What flowed forward" + (f" in row {d.row}" if len(d.shares) > 1 else ""))
    if (j := d.place.signal) is not None:
        yield Paragraph(
            f"The signal that came in is ${signal_symbol(d.stages[0], j)} = {number(d.stages[0].x[j], 10)}$, "
            f"{names.of_input(d.stages[0].k, j)}."
        )
    rows = []
    for t, stage in enumerate(d.stages):
        for i in _listed(d, t):
            slope = "" if stage.slope is None or stage.one_to_one else number_in_text(stage.slope[i])
            rows.append((names.of_neuron(stage.k, i), *map(number_in_text, (stage.z[i], stage.a[i])), slope))
    yield Table(("neuron", "$z$", "$a=g(z)$", "$g'(z)$"), tuple(rows))
    left_out = [
        f"{stage.units - len(_listed(d, t)):,} of layer {stage.k}"
        for t, stage in enumerate(d.stages)
        if t > 0 and len(_listed(d, t)) < stage.units
    ]
    if left_out:
        yield Paragraph(f"Not listed: {', '.join(left_out)}.")
    for t, stage in enumerate(d.stages):
        if not stage.one_to_one:
            for i in _told(d, t):
                yield weighted_sum(d, stage, i)


def _output(d: Derivation) -> Iterator[Block]:
    """The error, and the blame of the last layer."""
    stage, names = d.stages[-1], Names(d)
    yield Heading("The error, and the blame of the last layer")
    yield error_of_row(d)
    listed, told = (which(d, len(d.stages) - 1) for which in (_listed, _told))
    rows = [
        (names.of_neuron(stage.k, i), *map(number_in_text, (stage.a[i], d.chain.y[i], stage.blame[i]))) for i in listed
    ]
    if len(listed) < stage.units:
        rows.append((f"{stage.units - len(listed):,} more", "", "", ""))
    if stage.units > 1:
        yield Table(("neuron", "$a$", "$y$", "$\\delta$"), tuple(rows))
    for i in told:
        if d.chain.ends_in_blame:
            yield from blame_by_short_form(d, i)
        else:
            yield error_by_output(d, i)
            yield from slope_of_neuron(stage, i)
            yield blame_by_slope(stage, i, remark=f"(1), {_in_derivatives(d, stage.k, i)}")


def _back(d: Derivation, t: int) -> Iterator[Block]:
    """Blame of a layer from that of the layer after."""
    stage, after = d.stages[t], d.stages[t + 1]
    yield Heading(f"Back to layer {stage.k}")
    told = _told(d, t)
    if len(told) < stage.units and t > 0:
        yield Paragraph(
            f"{len(told):,} of the layer's {stage.units:,} neurons; the others are computed in the same way."
        )
    for i in told:
        yield sum_over_links(after, i, d.most)
        if not stage.one_to_one:
            yield from slope_of_neuron(stage, i)
        yield blame_by_slope(stage, i, remark=f"(2), {_in_derivatives(d, stage.k, i)}")


def _weight(d: Derivation) -> Iterator[Block]:
    """Signal times blame."""
    stage, i = d.stages[0], d.place.neuron
    of_row = "" if _is_alone(d) else f"_{{{d.row}}}"
    left = rf"\frac{{\partial E{of_row}}}{{\partial {d.place.latex}}}"
    yield Heading("The weight" if d.place.signal is not None else "The bias")
    if d.place.signal is None:
        yield Equation(
            left,
            (blame_symbol(stage, i), number(stage.blame[i])),
            "(3): a bias is a weight of an input that is always 1",
        )
        return
    symbols = (signal_symbol(stage, d.place.signal), blame_symbol(stage, i))
    shown, result = product([stage.x[d.place.signal], stage.blame[i]])
    yield Equation(left, (times(symbols), times(shown), result), "(4): signal times blame")
    if len(d.stages) == 1 and d.chain.ends_in_blame:
        return
    written = [signal_symbol(stage, d.place.signal), slope_symbol(stage, i), slope_of_a_symbol(stage, i)]
    factors = [stage.x[d.place.signal], stage.gain[i], stage.slope_of_a[i]]
    shown, result = product(factors)
    yield Equation(left, (times(written), times(shown), result), "with the blame written out")


def _paths(d: Derivation) -> Iterator[Block]:
    """The same as a sum over paths."""
    if d.row_value == 0 and not any(path.value for path in d.paths):
        yield Heading("The same, path by path")
        why = _why_nothing(d)
        yield Paragraph(f"All {d.path_count:,} paths from the weight to the error come to 0{why}.")
        return
    told = len(d.paths) if d.path_count <= 2 * d.most else d.most
    yield Heading("The same, path by path")
    what = f"all {d.path_count:,} of them" if told == d.path_count else f"the {told} largest of {d.path_count:,}"
    yield Paragraph(
        "Written out, the derivative is a sum over all ways from the weight to the error, each the product of what "
        f"lies on it. Here are {what}."
    )
    for n, path in enumerate(d.paths[:told], start=1):
        shown, result = product(path.factors)
        yield Equation(f"P_{{{n}}}", (times(path.symbols), times(shown), result), _way(d, path))
    terms = [path.value for path in d.paths[:told]]
    symbols = " + ".join(f"P_{{{n}}}" for n in range(1, told + 1))
    remark = "the sum over paths"
    if told < d.path_count:
        terms.append(d.remainder(told))
        symbols += " + R"
        remark = f"$R$ is the sum of the other {d.path_count - told:,} paths"
    shown, result = total(terms)
    yield Equation(
        r"a_j \delta_i" if d.place.signal is not None else r"\delta_i", (symbols, plus(shown), result), remark
    )


def _why_nothing(d: Derivation) -> str:
    """Return why no path counts, where one factor that all of them share says it."""
    stage, i = d.stages[0], d.place.neuron
    if d.place.signal is not None and stage.x[d.place.signal] == 0:
        return ": the signal that comes in is 0, so the weight has nothing to pass on"
    if stage.slope is not None and stage.slope[i] == 0 and len(d.stages) > 1:
        return f": neuron {i} of layer {stage.k} is off, its slope is 0, so no blame passes through it"
    return ""


def _whole(d: Derivation) -> Iterator[Block]:
    """Rows and penalties together, where there is more than one row's product."""
    if _is_alone(d):
        return
    yield Heading("All together")
    yield penalty_and_sum(d)


def _shared(d: Derivation) -> Iterator[Block]:
    """Which factors other weights need too."""
    share, names = d.sharing, Names(d)
    yield Heading("What is computed once and shared")
    rows: dict[str, tuple[str, ...]] = {}

    def add(symbol: str, value: float, what: str, count: int) -> None:
        if count > 0 and len(rows) < _MOST_SHARED:
            rows.setdefault(symbol, (f"${symbol}$", what, number_in_text(value), f"{count:,}"))

    for factor in d.factors:
        add(factor.symbol, factor.value, factor.name, factor.shared_by)
    for t in range(len(d.stages)):
        stage = d.stages[t]
        for i in _listed(d, t):
            add(
                blame_symbol(stage, i),
                stage.blame[i],
                f"blame of {names.of_neuron(stage.k, i)}",
                share.of_blame(stage.k, i),
            )
    for path in d.paths[: d.most]:
        for stage, (j, i) in zip(d.stages[1:], itertools.pairwise(path.neurons), strict=True):
            if not stage.one_to_one:
                symbol, value = link(stage, j, i)
                add(symbol, value, "weight", share.of_weight(stage.k, j))
    yield Table(("factor", "what it is", "value", "in derivatives"), tuple(rows.values()), words=2)
    by_paths, shared = share.multiplications_by_paths(), share.multiplications_shared()
    yield Paragraph(
        f"Written out path by path, the {share.parameters:,} derivatives of this row take {by_paths:,} "
        f"multiplications. With every factor computed once they take {shared:,}: reuse saves {by_paths - shared:,}"
        + (f", {_in_words(by_paths / shared)} times fewer." if by_paths > shared else ".")
    )


def _in_words(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"


def _check(d: Derivation) -> Iterator[Block]:
    """The numerical derivative beside it."""
    yield Heading("The check")
    if np.isnan(d.numerical):
        yield Paragraph(
            f"Backpropagation gives {d.value:.17g}. The error has a kink at these weights and rows, such as a ReLU "
            "whose z is 0: its two sides have different slopes, so there is no derivative to compare with."
        )
        return
    rows = (
        ("by backpropagation", f"{d.value:.17g}"),
        ("by nudging the weight to both sides", f"{d.numerical:.17g}"),
        ("difference", f"{d.value - d.numerical:.2g}"),
        ("rounding alone may make", f"{d.bound:.2g}"),
    )
    yield Table((f"$\\partial E/\\partial {d.place.latex}$", ""), rows)


def _is_alone(d: Derivation) -> bool:
    """Whether the derivative is that of a single row's own error."""
    return len(d.shares) == 1 and d.penalty == (0, 0) and d.shares.coefficient[0] == 1


def number_in_text(value: float) -> str:
    """Return a number for a cell."""
    return f"${number(float(value), 10)}$"


def _listed(d: Derivation, t: int) -> list[int]:
    """Return which neurons of a stage are listed: of a wide layer those on the largest paths."""
    stage = d.stages[t]
    if t == 0:
        return [d.place.neuron]
    if stage.units <= d.most:
        return np.flatnonzero(_heard_from(d, t)).tolist()
    return sorted({path.neurons[t] for path in d.paths[: d.most]})


def _told(d: Derivation, t: int) -> list[int]:
    """Return which neurons' equations are written out: all of a small network, else those on the largest path."""
    small = all(stage.units <= d.most for stage in d.stages[1:])
    return _listed(d, t) if small else [d.paths[0].neurons[t]]


def _heard_from(d: Derivation, t: int) -> NDArray[np.bool_]:
    """Return which neurons of a stage the weight's neuron reaches, (units,)."""
    reached = np.zeros(d.stages[0].units, bool)
    reached[d.place.neuron] = True
    for stage in d.stages[1 : t + 1]:
        if stage.present is not None:
            reached = np.asarray(stage.present[reached].any(axis=0))
        elif not stage.one_to_one:
            reached = np.full(stage.units, bool(reached.any()))
    return reached


def _way(d: Derivation, path: Path) -> str:
    """Return the way of a path in words."""
    steps = [(stage, i) for stage, i in zip(d.stages[1:], path.neurons[1:], strict=True) if not stage.one_to_one]
    return "through " + " → ".join(f"{stage.k}:{i}" for stage, i in steps)


def _in_derivatives(d: Derivation, k: int, i: int) -> str:
    count, of = d.sharing.of_blame(k, i), d.sharing.parameters
    return f"a factor of {count:,} of {of:,} derivatives"
