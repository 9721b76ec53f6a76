"""A sensitivity as a page: inputs as bars or as a picture, weights as tables with bars, over all and by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.pages import escape, page, prose
from glassnet.insight.sensitivity import words
from glassnet.insight.sensitivity.sensitivity import Sensitivity

Array = NDArray[Any]

_STYLE = """
.bar-cell { min-width: 7rem; width: 14rem; }
.bar { display: block; height: .8rem; margin-top: .35rem; background: var(--accent); border-radius: 2px; }
.bar.minus { background: var(--minus); }
.bar.plus { background: var(--plus); }
td, th { white-space: nowrap; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.pictures figure { margin: .5rem 0; flex: 0 1 17rem; }
.pictures svg { width: 100%; height: auto; display: block; border: 1px solid var(--line); background: var(--paper); }
details { margin: .5rem 0; }
summary { cursor: pointer; padding: .3rem 0; }
"""


def sensitivity_page(found: Sensitivity, title: str, top: int) -> str:
    """Return the whole page."""
    first, *rest = words.sentences(found)
    count = len(found.feature_names)
    shown = f"The first {min(top, count):,} of {count:,}" if top < count else f"All {count:,}"
    body = prose(*rest)
    body += "<h2>Inputs</h2>\n"
    if found.image_shape is not None:
        body += _pictures(found)
    body += prose(
        f"{shown}, by |∂E/∂x| times the input's standard deviation, so that inputs of different units compare. x is as "
        "the network reads it."
    )
    body += _table("Inputs", words.input_table(found, top), [each.scaled for each in found.inputs(top)])
    body += "<h2>Weights</h2>\n"
    body += prose(f"The {top} of {found.network.layout.parameters:,} weights and biases the error reacts to most.")
    body += _table("Weights", words.weight_table(found, top), [each.magnitude for each in found.top(top)])
    layers = found.layers()
    body += "<h2>Layers</h2>\n"
    body += _table("Layers", words.layer_table(found), [each.share for each in layers])
    for each in layers:
        strongest = found.top(top, each.layer)
        table = _table(
            f"Weights of layer {each.layer}",
            words.weight_table(found, top, each.layer),
            [weight.magnitude for weight in strongest],
        )
        summary = f"<summary>Layer {each.layer}, {escape(each.called)}: its strongest</summary>"
        body += f"<details>{summary}{table}</details>\n"
    return page(title, body, lead=first, style=_STYLE)


def _table(label: str, cells: Sequence[Sequence[str]], lengths: Sequence[float]) -> str:
    """Return a table with a bar in each row; what is longest fills its cell."""
    head, *rows = cells
    longest = max(lengths, default=0.0) or 1.0
    styles = [' class="number"' if words.are_numbers([row[i] for row in rows]) else "" for i in range(len(head))]
    top = f'<th scope="col">{escape(head[0])}</th><td></td>' + "".join(
        f'<th scope="col"{style}>{escape(cell)}</th>' for style, cell in zip(styles[1:], head[1:], strict=True)
    )
    lines = []
    for row, length in zip(rows, lengths, strict=True):
        bar = (
            f'<td class="bar-cell"><span class="bar" style="width:{max(0.0, 100 * length / longest):.1f}%"></span></td>'
        )
        rest = "".join(f"<td{style}>{escape(cell)}</td>" for style, cell in zip(styles[1:], row[1:], strict=True))
        lines.append(f'<tr><th scope="row">{escape(row[0])}</th>{bar}{rest}</tr>\n')
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>\n{''.join(lines)}</tbody></table></div>\n"
    )


def _pictures(found: Sensitivity) -> str:
    """Return the inputs as images: the row itself, the size of the slope, and the slope with its sign."""
    strongest = words.strongest_inputs(found)
    size, signed = found.input_magnitude, found.input_mean
    largest = float(size.max(initial=0.0))
    says = f"|∂E/∂x| of each pixel; strongest per deviation: {strongest}. Full colour is {words.number(largest)}."
    parts = []
    if found.x is not None:
        low, high = float(found.x.min()), float(found.x.max())
        span = (high - low) or 1.0
        parts.append(_picture(found, (found.x - low) / span, lambda v: "--ink", found.x, "The row."))
    parts.append(_picture(found, size / (largest or 1.0), lambda v: "--accent", size, says))
    widest = float(np.abs(signed).max(initial=0.0))
    which = "∂E/∂x" if found.row is not None else "The mean of ∂E/∂x"
    says = (
        f"{which}: a brighter pixel would raise the error where it is of the colour of the first square, and lower it "
        f"where it is of the second. Full colour is {words.number(widest)}."
    )
    colour: Callable[[float], str] = lambda v: "--plus" if v >= 0 else "--minus"  # noqa: E731
    parts.append(_picture(found, np.abs(signed) / (widest or 1.0), colour, signed, says, key=True))
    return f'<div class="pictures">{"".join(parts)}</div>\n'


def _picture(
    found: Sensitivity, shade: Array, colour: Callable[[float], str], values: Array, says: str, *, key: bool = False
) -> str:
    """Return one image as SVG; `shade` in [0, 1] is how opaque each pixel is."""
    rows, columns = found.image_shape or (1, len(shade))
    squares = []
    for j, (opacity, value) in enumerate(zip(shade.tolist(), values.tolist(), strict=True)):
        if opacity < 0.004:
            continue
        y, x = divmod(j, columns)
        squares.append(
            f'<rect x="{x}" y="{y}" width="1" height="1" style="fill:var({colour(value)})" '
            f'fill-opacity="{opacity:.3f}"><title>{escape(found.feature_names[j])}: {words.number(value)}</title>'
            "</rect>"
        )
    legend = ""
    if key:
        legend = (
            '<svg viewBox="0 0 22 10" style="width:2.2rem;display:inline-block;border:0;vertical-align:-.1rem" '
            'aria-hidden="true"><rect width="10" height="10" style="fill:var(--plus)"/>'
            '<rect x="12" width="10" height="10" style="fill:var(--minus)"/></svg> '
        )
    return (
        f'<figure><svg viewBox="0 0 {columns} {rows}" role="img" aria-label="{escape(says)}" '
        f'shape-rendering="crispEdges">{"".join(squares)}</svg><figcaption>{legend}{escape(says)}</figcaption></figure>\n'
    )
