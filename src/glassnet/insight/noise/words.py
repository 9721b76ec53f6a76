"""What a noise says, in tables and sentences for a terminal, and when its figures do not hold."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassnet.insight.noise.estimates import Estimate
from glassnet.insight.run_facts import RunFacts
from glassnet.insight.subject import Subject
from glassnet.maths.optimizers import SGD, Optimizer

if TYPE_CHECKING:
    from glassnet.insight.noise.noise import Noise

_FEW_ROWS = 100
_LEGEND = (
    "tr Σ is the variance of one row's gradient, over all its entries; ‖G‖² is the squared length of the gradient "
    "behind the noise, estimated so that noise does not lengthen it. Signal/noise is ‖G‖ against the noise of a step."
)


def text(found: Noise) -> str:
    """Return everything: the answer, then layers, other batch sizes, the way of the run, and when it does not hold."""
    which = f"all {found.rows:,} rows" if found.rows == found.of_rows else f"{found.rows:,} of {found.of_rows:,} rows"
    lines = [
        *_wrapped(answer(found)),
        "",
        *_wrapped(
            f"How much the gradients of {found.loss} differ from row to row at these weights: {which}, mean error "
            f"{number(found.error)}."
        ),
        "",
        *_lines(layer_table(found)),
        "",
    ]
    for sentence in (_LEGEND, *meaning(found)):
        lines += _wrapped(sentence)
    if found.moments:
        lines += ["", f"On the way, by {found.moment_rows:,} rows:", *_lines(moment_table(found)), ""]
        lines += _wrapped(_of_the_way(found))
    lines.append("")
    for sentence in found.caveats:
        lines += _wrapped(sentence)
    return "\n".join(lines)


def layer_table(found: Noise) -> list[list[str]]:
    """Return the layers and the whole, the head first."""
    size = found.batch_size or 1
    rows = [["layer", "", "parameters", "tr Σ", "‖G‖²", f"signal/noise at batch {size:,}", "B", "95 % interval"]]
    for each in found.layers:
        rows.append([f"{each.layer}", each.called, f"{each.parameters:,}", *_cells(each.estimate, size)])
    if len(found.layers) > 1:
        parameters = sum(each.parameters for each in found.layers)
        rows.append(["all", "", f"{parameters:,}", *_cells(found.whole, size)])
    return rows


def moment_table(found: Noise) -> list[list[str]]:
    """Return the points of the run, the head first."""
    rows = [["point", "error", "tr Σ", "‖G‖²", "B", "95 % interval", "B of these rows"]]
    for each in found.moments:
        cells = _cells(each.estimate, 1)
        rows.append([each.label, number(each.error), *cells[:2], *cells[3:], rounded(each.estimate.of_these_rows)])
    return rows


def _cells(estimate: Estimate, size: int) -> list[str]:
    """Return tr Σ, ‖G‖², the signal over the noise of a step, B and its interval."""
    told = estimate.signal > 0
    power = number(max(estimate.ratio * size, 0.0) ** 0.5) if told else "–"
    return [
        number(estimate.variance),
        number(estimate.signal) if told else "cannot be told",
        power if estimate.variance else "no noise",
        rounded(estimate.noise_scale),
        _interval(estimate),
    ]


def _interval(estimate: Estimate) -> str:
    """Return the interval of B; a dash where it has no bound to either side."""
    if estimate.high is not None:
        return f"{rounded(estimate.low)} to {rounded(estimate.high)}"
    return "–" if estimate.low == float("inf") else f"above {rounded(estimate.low)}"


def answer(found: Noise) -> str:
    """Return which batch size is suggested, or that none is."""
    est, scale = found.whole, found.noise_scale
    if est.variance == 0:
        return "All rows have the same gradient, so a step of one row is as good as one of all."
    if scale is None:
        return (
            f"These rows no longer show a direction; no batch size follows. The gradient of these {found.rows:,} rows "
            "cannot be told from 0: it is no longer than noise alone would make it, as is usual at the end of a "
            "training."
        )
    used = "" if found.batch_size is None else f" In use are {_rows(found.batch_size)}."
    if est.high is None:
        return (
            f"A batch of at least about {_counted(est.low)} is suggested; these {found.rows:,} rows are too few to say "
            f"how many at most.{used}"
        )
    return f"A batch of about {_counted(scale)} is suggested.{used}"


def meaning(found: Noise) -> list[str]:
    """Return what the answer rests on, and what other rules say."""
    est, scale = found.whole, found.noise_scale
    own = est.of_these_rows
    if est.variance == 0:
        return []
    lines = []
    if scale is not None:
        between = f"at least {rounded(est.low)}" if est.high is None else f"{_interval(est)} with 95 % confidence"
        lines.append(
            f"The simple noise scale is B = tr Σ/‖G‖² = {rounded(scale)}, {between}. At that batch size signal and "
            "noise of a step are equal: much smaller batches take more steps, much larger ones more rows, for the same "
            "progress (McCandlish et al., 2018)."
        )
    if found.batch_size is not None and scale is not None:
        size, which = (est.low, "at most") if est.high is None else (scale, "about")
        lines.append(
            f"A step of {_rows(found.batch_size)} makes {which} {100 / (1 + size / found.batch_size):.2g} % of the "
            "progress of a step on endless rows, each at its best rate."
        )
    if found.rows == found.of_rows and own is not None:
        lines.append(
            f"If these {found.rows:,} rows are all that counts, their own gradient is the signal, and B is "
            f"{rounded(own)}."
        )
    lines.append(
        f"The norm test (Byrd et al., 2012), that a step's noise be at most half as long as the gradient of all "
        f"{found.of_rows:,} rows, asks for {found.norm_batch():,} of them."
    )
    if found.cabs.batch_size is not None:
        cabs = found.cabs.batch_size
        suggests = f"{rounded(cabs)} rows" if cabs > 1 else f"1 row (it comes out at {number(cabs)})"
        lines.append(
            f"CABS (Balles et al., 2017), η tr Σ/E at the rate {number(found.learning_rate)}, suggests {suggests}: the "
            "smaller the rate, the less harm noise does. It takes the least possible error to be 0."
        )
    else:
        lines.append(f"CABS (Balles et al., 2017) suggests nothing here: {found.cabs.says}")
    return lines


def _of_the_way(found: Noise) -> str:
    """Return how B grew."""
    known = [(each.label, each.estimate.noise_scale) for each in found.moments]
    bounded = [(label, scale) for label, scale in known if scale is not None]
    if not bounded:
        return "At no point do these rows show a direction."
    first, last = bounded[0], bounded[-1]
    if len(known) == 1:
        return f"There is one point only, {first[0]}, with B = {rounded(first[1])}."
    lost = known[-1][1] is None
    told = f"B was {rounded(first[1])} at {first[0]} and {rounded(last[1])} at {last[0]}" if first != last else ""
    told = told or f"B was {rounded(first[1])} at {first[0]}"
    after = "; after that these rows show no direction" if lost else ""
    return (
        f"{told}{after}. B usually grows as the gradient shrinks, so a batch that suits the start is small for the end."
    )


def caveats_of(
    subject: Subject,
    of_rows: int,
    total: Estimate,
    optimizer: Optimizer | None,
    facts: RunFacts | None,
    size: int | None,
) -> tuple[str, ...]:
    """Return when the figures do not hold, as far as this network, these rows and this run give reason."""
    m = len(subject)
    lines = [
        (
            "B is a rule of thumb, good to a factor of a few: it takes the error to bend alike in all directions, rows "
            "to be drawn independently, and the best rate for plain descent."
        ),
    ]
    if optimizer is not None and not isinstance(optimizer, SGD):
        lines.append(f"{optimizer.name} weighs signal and noise by sizes of its own, otherwise than tr Σ and ‖G‖² do.")
    elif isinstance(optimizer, SGD) and optimizer.momentum:
        beta = optimizer.momentum
        averages = f", about {1 / (1 - beta):.3g} of them at β = {beta:g}" if beta < 1 else ""
        lines.append(
            f"Momentum averages the noise of steps that follow one another{averages}; smaller batches do then."
        )
    if facts is not None and facts.schedule not in (None, "constant"):
        lines.append(
            f"The run's rate followed the schedule {facts.schedule}. A falling rate averages noise as a larger batch "
            "would."
        )
    if facts is not None and facts.clips:
        lines.append("The run clipped gradients, which shortens noise and signal alike where it acts.")
    if size is not None and 1 < size < of_rows:
        left = (of_rows - size) / (of_rows - 1)
        lines.append(
            f"An epoch draws its rows without replacement, so a step of {size:,} of {of_rows:,} rows has {left:.1%} of "
            "the variance of independent draws, and over an epoch the noise of its steps cancels in part."
        )
    if facts is not None:
        lines.append(
            "If the weights were trained on these very rows, their gradient is shorter than that of new rows like "
            "them, and B larger; training rows are counted as a sample like any other here."
        )
    if np.ptp(subject.sample_weight):
        lines.append("Rows count by their sample weight; that a step divides by its own rows' weights is left out.")
    if m < _FEW_ROWS:
        lines.append(f"With {m} rows the intervals themselves are rough.")
    if any(layer.drop_rate for layer in subject.network.layers):
        lines.append("Dropout adds noise of its own to every step, which is not counted here.")
    if subject.objective.l1 or subject.objective.l2:
        lines.append("The penalty's gradient is part of the signal; it has no noise.")
    return tuple(lines)


def number(value: float | None) -> str:
    """Return a number in four digits."""
    return "–" if value is None else f"{value:.4g}"


def rounded(scale: float | None) -> str:
    """Return a batch size in two or three digits; a dash where it has no bound."""
    if scale is None or scale == float("inf"):
        return "–"
    return f"{scale:.2g}" if scale < 10 else f"{float(f'{scale:.2g}'):,.0f}"


def _counted(scale: float) -> str:
    """Return a batch size as rows, of which there is one at least."""
    whole = max(1, round(float(f"{scale:.2g}")))
    return _rows(whole)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, 110, subsequent_indent="  ", break_long_words=False)


def _lines(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines: what a thing is called to the left, figures to the right."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    named = 2 if cells[0][1] == "" else 1
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if i < named else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
