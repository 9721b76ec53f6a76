"""What a curvature says, in sentences and a table for a terminal, and when its figures do not hold."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from glassnet.insight.curvature.product import HessianProducts
from glassnet.insight.curvature.rates import RateLimit
from glassnet.insight.run_facts import RunFacts
from glassnet.insight.subject import Subject

if TYPE_CHECKING:
    from glassnet.insight.curvature.curvature import Curvature


def text(found: Curvature) -> str:
    """Return everything: figures with their evidence, what they mean, and when they do not hold."""
    lines = [*_wrapped(_opening(found)), "", *_table(found), ""]
    for sentence in (*meaning(found), *found.caveats):
        lines += _wrapped(sentence)
    return "\n".join(lines)


def _opening(found: Curvature) -> str:
    which = f"all {found.rows:,} rows" if found.rows == found.of_rows else f"{found.rows:,} of {found.of_rows:,} rows"
    if found.rows == found.of_rows == 1:
        which = "1 row"
    penalty = " with its penalty" if found.l1 or found.l2 else ""
    return (
        f"How {found.loss} bends around these weights: the second derivatives of the mean error of {which}{penalty}, "
        f"{number(found.error)}, by {found.parameters:,} parameters."
    )


def _table(found: Curvature) -> list[str]:
    """Return the figures as aligned lines, the evidence beside each."""
    rows = []
    for i, each in enumerate(found.largest):
        name = "largest eigenvalue" if i == 0 else ""
        rows.append((name, number(each.value), f"‖Hv−λv‖ = {each.residual:.1g}", _over_rows(each.spread)))
    least = found.smallest
    if least is None:
        rows.append(("smallest", "–", "did not settle", ""))
    else:
        name = "most negative" if least.value < 0 else "smallest"
        rows.append((name, number(least.value), f"‖Hv−λv‖ = {least.residual:.1g}", _over_rows(least.spread)))
    if found.eigenvalues is None:
        off = f"± {found.trace_error:.1g}, from random signs"
    else:
        off = f"exact; all {len(found.eigenvalues):,} eigenvalues are known"
    rows += [("trace", number(found.trace), off, ""), ("length of the gradient", number(found.slope), "", "")]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [f"  {a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.ljust(widths[2])}  {d}".rstrip() for a, b, c, d in rows]


def _over_rows(spread: float) -> str:
    return f"± {spread:.1g} by which rows were drawn" if spread == spread else ""


def meaning(found: Curvature) -> list[str]:
    """Return what the figures mean for training."""
    top, critical = found.largest[0].value, found.critical_rate
    lines = []
    if critical is None:
        lines.append("The error bends upwards along no direction, so the bend sets no limit to the learning rate.")
    else:
        lines.append(
            f"Plain descent on all these rows, with a fixed rate and no momentum, stays stable along the steepest bend "
            f"only below 2/λ = {number(critical)}; with momentum β the limit is 2(1+β)/λ, at β = 0.9 "
            f"{number(1.9 * critical)}."
        )
    if found.other_rows is not None:
        other = found.other_rows
        lines.append(
            "The largest eigenvalue of a sample is too large, since its direction was chosen for these rows: along the "
            f"same direction {other.rows:,} other rows bend by {number(other.value)} ± {other.spread:.1g}. That of all "
            "rows lies between, about."
        )
    lines += _of_the_point(found)
    if found.rate is not None:
        lines += _of_the_rate(found.rate, top)
    return lines


def _of_the_point(found: Curvature) -> list[str]:
    """Return whether this is a minimum."""
    least, top = found.smallest, found.largest[0].value
    if least is None or found.is_minimum is None:
        return [
            "Whether the error falls along some direction cannot be told: the smallest eigenvalue is 0 or nearly so."
        ]
    if found.is_minimum:
        return [
            f"The error bends upwards along every direction, up to {number(top / least.value)} times as much as least."
        ]
    return [
        (
            f"These weights are no minimum: along one direction the error bends downwards, by {number(least.value)}. A "
            f"step d along it changes the error by ½ · ({number(least.value)}) · d², besides what the slope brings."
        )
    ]


def _of_the_rate(rate: RateLimit, top: float) -> list[str]:
    """Return how the rate in use stands to the limit."""
    used = "" if rate.learning_rate is None else f" The rate in use is {number(rate.learning_rate)}"
    if rate.limit is None:
        plain = f"; 2/λ = {number(2 / top)} is of plain descent and is no limit for it" if top > 0 else ""
        return [f"{rate.optimizer}: no limit is known, because {rate.says}{plain}.{used}{'.' if used else ''}"]
    whose = "" if rate.optimizer.startswith("sgd") else " of P⁻¹H, where P is by what each weight's step is divided,"
    lines = (
        f"{rate.optimizer}: the limit is {rate.rule} = {number(rate.limit)}, with λ = {number(rate.eigenvalue)}{whose}"
    )
    lines = lines.rstrip(",") + "."
    share = rate.share
    if share is not None and rate.learning_rate is not None:
        lines += f"{used}, {share:.2g} of the limit."
        if share > 1:
            lines += (
                " On a bowl of this shape such steps would grow. A network may hover there all the same, as it bends "
                "less farther out (Cohen et al., 2021); expect the loss to jump up and down."
            )
        if rate.largest_rate is not None and rate.largest_rate > rate.learning_rate:
            lines += (
                f" Earlier the run used up to {number(rate.largest_rate)}, "
                f"{rate.largest_rate / rate.limit:.2g} of today's limit."
            )
    return [lines]


def caveats_of(
    subject: Subject, of_rows: int, products: HessianProducts, facts: RunFacts | None, rate: RateLimit | None
) -> tuple[str, ...]:
    """Return when the figures do not hold, as far as this network, these rows and this run give reason."""
    net, objective = subject.network, subject.objective
    lines = [
        (
            "The bend is that of these weights. It changes as they move; under plain descent on all rows at a fixed "
            "rate it tends to rise until the rate is at its limit (Cohen et al., 2021)."
        )
    ]
    if facts is None or facts.batch_size < of_rows:
        batch = "mini-batches" if facts is None else f"batches of {facts.batch_size:,} rows, as this run did"
        lines.append(
            f"The limit is of steps on all rows. With {batch}, steps are noisy and bend differently each time; the "
            "largest stable rate is then smaller."
        )
    if rate is not None and rate.limit is not None and not rate.optimizer.startswith("sgd"):
        lines.append("P was held still as the last step left it; while training it follows the gradients.")
    if facts is not None and facts.schedule not in (None, "constant"):
        lines.append(
            f"The run's rate followed the schedule {facts.schedule}; the limit is set beside single rates of it."
        )
    if facts is not None and (facts.schedule or "").startswith(("one_cycle", "cyclic")):
        lines.append("That schedule may move momentum too; the limit is for the optimizer's own.")
    if facts is not None and facts.clips:
        lines.append("The run clipped gradients, which keeps steps short where the limit alone would not.")
    if facts is not None and facts.reduction == "sum":
        lines.append("The run summed over the rows of a step, so its rate is counted once for each of them here.")
    corners = sorted({layer.activation.name for layer in net.layers if layer.activation.kinks})
    corners += [objective.loss.name] if objective.loss.kink is not None else []
    if corners:
        lines.append(
            f"{' and '.join(corners)} {'has' if len(corners) == 1 else 'have'} corners, where there is no second "
            "derivative: this is the bend of the smooth piece on which the weights lie."
        )
    if any(layer.drop_rate for layer in net.layers):
        lines.append("Dropout was left out, as in prediction; steps with it see another error.")
    if objective.l2 or objective.l1:
        parts = [f"L2 adds {number(objective.l2)} along every weight"] if objective.l2 else []
        parts += ["L1 adds nothing but a corner at 0"] if objective.l1 else []
        lines.append(f"The penalties are counted: {'; '.join(parts)}.")
    frozen = int((net.layout.mask("present") & ~products.free).sum())
    if frozen:
        lines.append(f"{frozen:,} parameters that training does not move were left out.")
    lines += [
        f"{name} was differentiated numerically, as its formula uses functions whose slope is not known here; rounding "
        f"can have put its second slope off by {bound:.1g}."
        for name, bound in sorted(products.moves.numerical.items())
    ]
    return tuple(lines)


def number(value: float | None) -> str:
    """Return a number in four digits."""
    return "–" if value is None else f"{value:.4g}"


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, 110, subsequent_indent="  ", break_long_words=False)
