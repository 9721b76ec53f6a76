"""The drawing as SVG: what the layout places, written out. Links first, neurons over them, text last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from itertools import accumulate
from unicodedata import east_asian_width

import numpy as np

from glassnet.insight.drawing.layout import BOX_HEIGHT, BOX_WIDTH, IMAGE, LINE, RADIUS, Layout, lay_out
from glassnet.insight.drawing.records import Column, Drawing, Gap, Link, Neuron
from glassnet.insight.drawing.words import adding_up, facts, gap_in_words, heading, number, place_of, split_in_words
from glassnet.insight.pages import escape
from glassnet.insight.pages.png import data_uri, grey, png

WIDEST, WIDEST_ARROW = 8.0, 5.0
"""Pixels of the widest line, and of the widest arrow between two columns."""

_NAME, _HEADING = 11.5, 19.0
"""Room for a name beside a neuron, and for a line over a column, in widths of a capital M. The whole name is told when
the neuron is pointed at."""


def draw(drawing: Drawing, title: str, describe: Sequence[str], *, blame: bool, bias: bool, alone: bool) -> str:
    """Return an SVG element.

    Parameters
    ----------
    drawing : Drawing
    title : str
    describe : sequence of str
        The text alternative, line by line.
    blame : bool
        Whether blame is seen at first.
    bias : bool
        Whether biases are seen at first.
    alone : bool
        Whether it is a picture of its own, with colours of its own and nothing to do in it; else it is part of a page
        whose script moves between neurons.
    """
    layout = lay_out(drawing)
    state = " ".join(name for name, on in (("network", True), ("show-blame", blame), ("show-bias", bias)) if on)
    height, below = _below(drawing, layout)
    size = f'width="{layout.width:.0f}" height="{height:.0f}" viewBox="0 0 {layout.width:.0f} {height:.0f}"'
    role = "img" if alone else "group"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{state}" {size} role="{role}" aria-labelledby="look-title'
        + (' look-text">' if alone else '">'),
        f'<title id="look-title">{escape(title)}</title>',
        f'<desc id="look-text">{escape(chr(10).join(describe))}</desc>' if alone else "",
        f"<style>{_colours()}{_style()}</style>" if alone else "",
        _ARROWS,
        *(_band(layout, c) for c, gap in enumerate(drawing.gaps) if gap.count.rest),
        _image(drawing, layout),
        *_links(drawing, layout),
        *_biases(drawing, layout),
        '<g class="neurons">' if alone else '<g class="neurons" role="listbox" aria-label="Neurons; arrow keys move">',
        *_neurons(drawing, layout, alone),
        "</g>",
        *_headings(drawing, layout),
        *below,
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _style() -> str:
    return resources.files(__package__).joinpath("network.css").read_text(encoding="utf-8")


def _colours() -> str:
    """Return the pages' colours, in light and dark: all that stands before the rules of page.css."""
    shared = resources.files("glassnet.insight.pages").joinpath("page.css").read_text(encoding="utf-8")
    return shared.partition("html {")[0]


def _sign(value: float) -> str:
    return "minus" if value < 0 else "plus"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _width(value: float, largest: float, widest: float) -> float:
    """Return |value| as pixels, in proportion."""
    return widest * (abs(value) / largest) if largest else 0.0


_ARROWS = (
    "<defs>"
    + "".join(
        f'<marker id="back-{sign}" viewBox="0 0 6 6" refX="2" refY="3" markerWidth="3" markerHeight="3" orient="auto">'
        f'<path class="{sign}" d="M0 0L6 3L0 6Z"/></marker>'
        for sign in ("plus", "minus")
    )
    + "</defs>"
)


# --- links ------------------------------------------------------------------------------------------------------------


def _largest_weight(drawing: Drawing) -> float:
    """Return the largest |weight| among all that is drawn: one scale for the whole picture."""
    return max((abs(link.weight) for gap in drawing.gaps for link in (*gap.links, *gap.biases)), default=0.0)


def _largest_share(gap: Gap) -> float:
    """Return the largest |share of blame| drawn in a gap, its own scale: where links are many, shares are small."""
    return max((abs(link.share) for link in gap.links if link.share is not None), default=0.0)


def _links(drawing: Drawing, layout: Layout) -> list[str]:
    largest = _largest_weight(drawing)
    weights, shares = [], []
    for c, gap in enumerate(drawing.gaps):
        start = _centres(drawing.columns[c], layout, c)
        end = _centres(drawing.columns[c + 1], layout, c + 1)
        ordered = sorted(gap.links, key=lambda link: abs(link.weight))
        weights += [f'<g data-gap="{c}">', *(_line(c, link, start, end, largest) for link in ordered), "</g>"]
        if drawing.row is not None:
            late = len(drawing.gaps) - 1 - c
            ordered = sorted(gap.links, key=lambda link: abs(link.share or 0.0))
            radii = layout.columns[c].radius, layout.columns[c + 1].radius
            shares += [f'<g data-gap="{c}" style="--late:{late}">']
            shares += [_arrow(c, link, start, end, radii, _largest_share(gap)) for link in ordered if link.share]
            shares += ["</g>"]
    group = '<g class="weights">', *weights, "</g>"
    return [*group, '<g class="blame">', *shares, "</g>"] if shares else list(group)


def _centres(column: Column, layout: Layout, c: int) -> dict[int, tuple[float, float]]:
    return {n.index: place for n, place in zip(column.neurons, layout.columns[c].neurons, strict=True)}


def _ends(c: int, link: Link) -> str:
    source = "b" if link.source < 0 else link.source
    return f'data-f="{c}-{source}" data-t="{c + 1}-{link.target}"'


def _line(
    c: int,
    link: Link,
    start: dict[int, tuple[float, float]],
    end: dict[int, tuple[float, float]],
    largest: float,
) -> str:
    (x1, y1), (x2, y2) = start[link.source], end[link.target]
    place = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
    width = _width(link.weight, largest, WIDEST)
    return f'<line class="{_sign(link.weight)}" {place} stroke-width="{width:.4g}" {_ends(c, link)}/>'


def _arrow(
    c: int,
    link: Link,
    start: dict[int, tuple[float, float]],
    end: dict[int, tuple[float, float]],
    radii: tuple[float, float],
    largest: float,
) -> str:
    """Return a share of blame: an arrow from the neuron after to the one before, bowed to lie beside the weight."""
    share = link.share or 0.0
    (x1, y1), (x2, y2) = start[link.source], end[link.target]
    width = _width(share, largest, WIDEST_ARROW)
    x1, x2 = x1 + radii[0] + 2 * width + 1, x2 - radii[1]
    path = f"M{_n(x2)} {_n(y2)}Q{_n((x1 + x2) / 2)} {_n((y1 + y2) / 2 + 26)} {_n(x1)} {_n(y1)}"
    return f'<path class="{_sign(share)}" d="{path}" stroke-width="{width:.4g}" {_ends(c, link)}/>'


def _biases(drawing: Drawing, layout: Layout) -> list[str]:
    largest = _largest_weight(drawing)
    parts: list[str] = []
    for c, gap in enumerate(drawing.gaps):
        if not gap.biases:
            continue
        x, y = layout.columns[c].right, layout.bias_y
        start, end = {-1: (x, y)}, _centres(drawing.columns[c + 1], layout, c + 1)
        parts += ['<g class="weights">', *(_line(c, link, start, end, largest) for link in gap.biases), "</g>"]
        parts.append(
            f'<g data-n="{c}-b"><rect class="on" x="{_n(x - 10)}" y="{_n(y - 10)}" width="20" height="20" rx="3"/>'
            f'<text class="inside" x="{_n(x)}" y="{_n(y + 4)}">1</text>'
            f'<text class="small" text-anchor="end" x="{_n(x - 15)}" y="{_n(y + 4)}">always on</text></g>'
        )
    return ['<g class="biases">', *parts, "</g>"] if parts else []


def _band(layout: Layout, c: int) -> str:
    left, right = layout.columns[c], layout.columns[c + 1]
    corners = [(left.right, left.top), (right.left, right.top), (right.left, right.bottom), (left.right, left.bottom)]
    return f'<polygon class="band" points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in corners)}"/>'


# --- neurons ----------------------------------------------------------------------------------------------------------


def _image(drawing: Drawing, layout: Layout) -> str:
    if drawing.image_shape is None:
        return ""
    rows, columns = drawing.image_shape
    side = IMAGE / max(rows, columns)
    place = layout.columns[0]
    x, y = place.x - side * columns / 2, place.top + (IMAGE - side * rows) / 2
    frame = f'x="{_n(x)}" y="{_n(y)}" width="{_n(side * columns)}" height="{_n(side * rows)}"'
    if drawing.image is None:
        return f'<rect class="frame" {frame}/>'
    pixels = np.reshape(drawing.image, drawing.image_shape)
    href = data_uri(png(grey(pixels, min(0.0, float(pixels.min())), max(0.0, float(pixels.max())))))
    return f'<image {frame} preserveAspectRatio="none" href="{href}"/><rect class="frame hollow" {frame}/>'


def _neurons(drawing: Drawing, layout: Layout, alone: bool) -> list[str]:
    everyone = [neuron for column in drawing.columns for neuron in column.neurons]
    largest = max((abs(neuron.blame) for neuron in everyone if neuron.blame is not None), default=0.0)
    parts: list[str] = []
    for c, column in enumerate(drawing.columns):
        place = layout.columns[c]
        loudest = max((abs(neuron.a) for neuron in column.neurons if neuron.a is not None), default=0.0)
        for n, (neuron, (x, y)) in enumerate(zip(column.neurons, place.neurons, strict=True)):
            told = [(place_of(column, neuron), ""), *facts(drawing, c, neuron)]
            opening = _opening(f"{c}-{neuron.index}", neuron.name, told, first=c == n == 0, alone=alone)
            parts.append(opening + _body(neuron, x, y, place.radius, loudest, largest))
            parts.append(_label(drawing, layout, c, neuron, x, y) + _reach(x, y, place.radius) + "</g>")
        if place.box is not None:
            parts.append(_box(drawing, c, place.box, alone))
    return parts


def _opening(key: str, name: str, told: list[tuple[str, str]], *, first: bool, alone: bool) -> str:
    says = "; ".join(f"{what} {value}".strip() for what, value in told)
    if alone:
        return f'<g class="neuron"><title>{escape(f"{name}: {says}")}</title>'
    given = escape(json.dumps([name, *told], ensure_ascii=False, separators=(",", ":")))
    return (
        f'<g class="neuron" role="option" aria-selected="false" tabindex="{0 if first else -1}" data-n="{key}" '
        f'aria-label="{escape(f"{name}: {says}")}" data-told="{given}">'
    )


def _body(neuron: Neuron, x: float, y: float, radius: float, loudest: float, largest: float) -> str:
    """Return the circle: filled by how strong a is beside others of its column, ringed by how large its blame is."""
    at = f'cx="{_n(x)}" cy="{_n(y)}"'
    parts = [f'<circle class="body" {at} r="{_n(radius)}"/>']
    if neuron.a is not None and loudest:
        strength = 0.5 * abs(neuron.a) / loudest
        parts.append(f'<circle class="fill {_sign(neuron.a)}" {at} r="{_n(radius)}" fill-opacity="{strength:.3g}"/>')
    if neuron.blame and largest:
        ring = 5 * abs(neuron.blame) / largest
        parts.append(f'<circle class="ring {_sign(neuron.blame)}" {at} r="{_n(radius)}" stroke-width="{ring:.3g}"/>')
    if neuron.keep == 0:
        d = radius * 0.9
        cross = f"M{_n(x - d)} {_n(y - d)}L{_n(x + d)} {_n(y + d)}M{_n(x + d)} {_n(y - d)}L{_n(x - d)} {_n(y + d)}"
        parts.append(f'<path class="dropped" d="{cross}"/>')
    return "".join(parts)


def _reach(x: float, y: float, radius: float) -> str:
    """Return what fingers hit, larger than what is seen."""
    return f'<circle class="reach" cx="{_n(x)}" cy="{_n(y)}" r="{_n(max(radius + 4, 12))}"/>'


def _label(drawing: Drawing, layout: Layout, c: int, neuron: Neuron, x: float, y: float) -> str:
    place, last = layout.columns[c], len(drawing.columns) - 1
    name = shortened(neuron.name, _NAME)
    if c == 0 and drawing.image_shape is not None:
        return ""
    if c == 0:
        return f'<text class="name" text-anchor="end" x="{_n(x - RADIUS - 8)}" y="{_n(y + 4)}">{escape(name)}</text>'
    if c == last:
        return f'<text class="name" x="{_n(x + RADIUS + 8)}" y="{_n(y + 4)}">{escape(name)}</text>'
    if place.named_below:
        return f'<text class="name" text-anchor="middle" x="{_n(x)}" y="{_n(y + RADIUS + 15)}">{escape(name)}</text>'
    return f'<text class="inside" x="{_n(x)}" y="{_n(y + 4)}">{escape(name)}</text>'


def shortened(name: str, room: float) -> str:
    """Return a name, cut where it would be wider than so many capital M."""
    ends = list(accumulate(map(_letter_width, name)))
    if not ends or ends[-1] <= room:
        return name
    return name[: sum(end <= room - 1 for end in ends)] + "…"


def _letter_width(letter: str) -> float:
    """Return about how wide a letter is, against a capital M."""
    if east_asian_width(letter) in "WF" or letter in "mwMW@%—":
        return 1.0
    return 0.75 if letter.isupper() or not letter.isascii() else 0.62


def _box(drawing: Drawing, c: int, middle: tuple[float, float], alone: bool) -> str:
    """Return the box that stands for all neurons of a column that are not drawn by themselves."""
    column, (x, y) = drawing.columns[c], middle
    noun = ("input" if column.layer is None else "neuron") + ("" if column.rest == 1 else "s")
    title = f"{column.rest:,} more {noun}"
    told = [("not drawn by themselves", "")]
    blame = ""
    if column.abs_blame is not None:
        name = "Σ|∂E/∂x|" if column.layer is None else "Σ|blame|"
        told.append((name, split_in_words(column.abs_blame, column.rest)))
        (_, rest), _total = adding_up([column.abs_blame.drawn, column.abs_blame.rest], loose=1)
        blame = f'<text class="small inside" x="{_n(x)}" y="{_n(y + 13)}">{name} {rest}</text>'
    return (
        _opening(f"{c}-rest", title, told, first=False, alone=alone)
        + f'<rect class="body box" x="{_n(x - BOX_WIDTH / 2)}" y="{_n(y - BOX_HEIGHT / 2)}" width="{_n(BOX_WIDTH)}" '
        f'height="{_n(BOX_HEIGHT)}" rx="6"/>'
        f'<text class="small inside" x="{_n(x)}" y="{_n(y - 4 if blame else y + 4)}">{title}</text>{blame}</g>'
    )


# --- text -------------------------------------------------------------------------------------------------------------


def _headings(drawing: Drawing, layout: Layout) -> list[str]:
    last = len(drawing.columns) - 1
    return [
        f'<text class="{"title" if n == 0 else "small"}" text-anchor="middle" x="{_n(layout.columns[c].x)}" '
        f'y="{_n(20 + n * LINE)}">{escape(shortened(line, _HEADING))}</text>'
        for c, column in enumerate(drawing.columns)
        for n, line in enumerate(heading(column, c == last))
    ]


def _below(drawing: Drawing, layout: Layout) -> tuple[float, list[str]]:
    """Return the height of the picture, and the text below the columns: totals of each gap, then the legend."""
    parts: list[str] = []
    deepest = layout.floor
    for c, gap in enumerate(drawing.gaps):
        x = (layout.columns[c].right + layout.columns[c + 1].left) / 2
        lines, y = _totals(gap, x, layout.floor + LINE)
        parts, deepest = [*parts, *lines], max(deepest, y)
    largest = _largest_weight(drawing)
    x, y = 20.0, deepest + LINE
    parts.append(
        f'<g><line class="plus" x1="{x}" x2="{x + 50}" y1="{y - 4}" y2="{y - 4}" stroke-width="4"/>'
        f'<line class="minus" x1="{x + 120}" x2="{x + 170}" y1="{y - 4}" y2="{y - 4}" stroke-width="4"/></g>'
        f'<text class="small" x="{x + 58}" y="{y}">plus</text><text class="small" x="{x + 178}" y="{y}">minus</text>'
    )
    says = [("", f"Line width is |weight|, from 0 to {number(largest)} at {WIDEST:g} px.")]
    if drawing.row is not None:
        says += [
            (" blame-only", f"Arrow width is |share of blame|; the widest between two layers has {WIDEST_ARROW:g} px."),
            (" blame-only", "A ring's width is a neuron's |blame|, on one scale."),
            ("", "A neuron's fill is |a| beside its column."),
        ]
    for extra, text in says:
        y += LINE
        parts.append(f'<text class="small{extra}" x="{x}" y="{_n(y)}">{text}</text>')
    return y + 12, parts


def _totals(gap: Gap, x: float, y: float) -> tuple[list[str], float]:
    parts = []
    weight, blame = gap_in_words(gap)
    blame += [f"widest arrow: {number(_largest_share(gap))}"] if blame else []
    for lines, extra in ((weight, ""), (blame, " blame-only")):
        for line in lines:
            parts.append(f'<text class="small{extra}" text-anchor="middle" x="{_n(x)}" y="{_n(y)}">{line}</text>')
            y += LINE
        y += 4
    return parts, y
