"""What a sensitivity says, in sentences and tables for a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from glassnet.insight.sensitivity.sensitivity import Sensitivity

_TINY = 1e-9


def text(found: Sensitivity, top: int) -> str:
    """Return everything, the `top` weights and inputs first."""
    parts = [*sentences(found), "", f"Weights the error reacts to most, of {found.network.layout.parameters:,}:"]
    parts += _lines(weight_table(found, top))
    parts += ["", "By layer:", *_lines(layer_table(found))]
    count = len(found.feature_names)
    shown = f"the first {top} of {count:,}" if top < count else f"all {count:,}"
    parts += ["", f"Inputs the error reacts to most, {shown}:", *_lines(input_table(found, top))]
    return "\n".join(parts)


def sentences(found: Sensitivity) -> list[str]:
    """Return what was measured, what stands out, and what must be known with it."""
    if found.row is None:
        what = f"the mean over {found.rows:,} row{'s' * (found.rows != 1)}, whose mean error is {number(found.error)}"
    else:
        what = f"row {found.row} of {found.rows:,}, whose error is {number(found.error)}"
    lines = [f"How strongly {found.loss} reacts to each weight and input, |∂E/∂w| and |∂E/∂x|: {what}."]
    if float(found.magnitude.max(initial=0.0)) < _TINY:
        lines.append(
            "It hardly reacts to anything: the error is flat here, as where a prediction is right and certain."
        )
    dead = int((found.magnitude[found.network.layout.mask("present")] == 0).sum())
    if dead:
        many = f"{dead:,} of {found.network.layout.parameters:,} weights"
        when = "for any row" if found.row is None else "for this row"
        silent = "what they listen to, or what they speak to, is silent then"
        lines.append(f"To {many} it does not react at all {when}: {silent}.")
    if found.last_update_says:
        lines.append(found.last_update_says)
    if found.last_update is not None:
        still = int((found.last_update[found.network.layout.mask("present")] == 0).sum())
        if still:
            lines.append(f"It left {still:,} weights as they were, to the last digit of their dtype.")
    together = found.rank_correlation()
    if together is not None:
        lines.append(
            f"The rank correlation of |∂E/∂w| with the size of the last update is {together:+.2f}; 1 would mean that "
            "strong effects get the large adjustments without exception."
        )
    return lines


def weight_table(found: Sensitivity, top: int, layer: int | None = None) -> list[list[str]]:
    """Return weights and biases, the head first."""
    head = ["weight", "from", "to", "value", "|∂E/∂w|"]
    with_mean, with_update = found.row is None, found.last_update is not None
    head += ["mean ∂E/∂w"] if with_mean else ["∂E/∂w"]
    head += ["last update", "ratio"] if with_update else []
    rows = [head]
    for each in found.top(top, layer):
        row = [each.name, each.source, each.target, *map(number, (each.value, each.magnitude, each.mean))]
        if with_update:
            row += ["–" if value is None else number(value) for value in (each.last_update, each.ratio)]
        rows.append(row)
    return rows


def layer_table(found: Sensitivity) -> list[list[str]]:
    """Return the layers, the head first."""
    head = ["layer", "", "parameters", "mean |∂E/∂w|", "largest", "share of all"]
    head += [] if found.last_update is None else ["mean |last update|"]
    rows = [head]
    for each in found.layers():
        row = [f"{each.layer}", each.called, f"{each.parameters:,}", number(each.average), number(each.largest)]
        row.append(f"{each.share:.1%}")
        rows.append(row + ([] if each.update is None else [number(each.update)]))
    return rows


def input_table(found: Sensitivity, top: int) -> list[list[str]]:
    """Return the inputs, the head first; the column they are sorted by is |∂E/∂x| for one standard deviation."""
    head = ["input", "per deviation", "|∂E/∂x|", "mean ∂E/∂x" if found.row is None else "∂E/∂x", "deviation"]
    head += [] if found.row is None else ["value"]
    rows = [head]
    for each in found.inputs(top):
        row = [each.name, *map(number, (each.scaled, each.magnitude, each.mean, each.spread))]
        rows.append(row + ([] if each.value is None else [number(each.value)]))
    return rows


def strongest_inputs(found: Sensitivity, k: int = 3) -> str:
    """Return the names of the strongest inputs in a few words."""
    names = [each.name for each in found.inputs(k) if each.scaled > 0]
    return ", ".join(names) if names else "none"


def number(value: float) -> str:
    """Return a number in four digits."""
    return f"{value:.4g}" if np.isfinite(value) else str(value)


def _lines(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines: names to the left, numbers to the right."""
    if len(cells) == 1:
        return ["  none"]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    to_right = [are_numbers([row[i] for row in cells[1:]]) for i in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, to_right, strict=True)
        ).rstrip()
        for row in cells
    ]


def are_numbers(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers, which are set to the right."""
    return all(_NUMBER.fullmatch(cell) for cell in cells)


_NUMBER = re.compile(r"–|[+-]?[\d,.]+(e[+-]?\d+)?%?|-?inf|nan")
