"""A sensitivity as a page: inputs as bars or as a picture, weights as tables with bars, over all and by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.pages import escape, page, prose, scrolling
from glassnet.insight.pages.png import data_uri, grey, png, signed, signed_palette
from glassnet.insight.sensitivity import words
from glassnet.insight.sensitivity.sensitivity import Sensitivity

Array = NDArray[Any]

_STYLE = """
.bar-cell { min-width: 7rem; width: 14rem; }
.bar { display: block; height: .8rem; margin-top: .35rem; background: var(--accent); border-radius: 2px; }
td, th { white-space: nowrap; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.pictures figure { margin: .5rem 0; flex: 0 1 17rem; }
.pictures img { width: 100%; height: auto; display: block; box-sizing: border-box; border: 1px solid var(--line);
  image-rendering: pixelated; forced-color-adjust: none; }
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
    return scrolling(label, f"<table><thead><tr>{top}</tr></thead><tbody>\n{''.join(lines)}</tbody></table>")


def _pictures(found: Sensitivity) -> str:
    """Return the inputs as images: the row itself, the size of the slope, and the slope with its sign."""
    strongest = words.strongest_inputs(found)
    size, slope = found.input_magnitude, found.input_mean
    largest, widest = float(size.max(initial=0.0)), float(np.abs(slope).max(initial=0.0))
    parts = []
    if found.x is not None:
        low, high = float(found.x.min()), float(found.x.max())
        says = f"The row, from black ({words.number(low)}) to white ({words.number(high)})."
        parts.append(_picture(png(grey(_image(found, found.x), low, high)), says))
    says = f"|∂E/∂x| of each pixel, from black (0) to white ({words.number(largest)}); strongest per deviation: "
    says += f"{strongest}."
    parts.append(_picture(png(grey(_image(found, size), 0.0, largest)), says))
    which = "∂E/∂x" if found.row is not None else "The mean of ∂E/∂x"
    says = (
        f"{which}: a brighter pixel would raise the error where it is blue, and lower it where it is orange. Full "
        f"colour is {words.number(widest)}."
    )
    parts.append(_picture(png(signed(_image(found, slope)[None])[0], signed_palette()), says))
    return f'<div class="pictures">{"".join(parts)}</div>\n'


def _image(found: Sensitivity, values: Array) -> Array:
    return values.reshape(found.image_shape or (1, -1))


def _picture(file: bytes, says: str) -> str:
    return (
        f'<figure><img src="{data_uri(file)}" alt="{escape(says)}"><figcaption>{escape(says)}</figcaption></figure>\n'
    )
