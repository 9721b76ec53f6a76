"""A card: what one hidden unit sees, as HTML. Figures that a page sorts by stand in its data attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.features import words
from glassnet.insight.features.pictures import Pictures
from glassnet.insight.features.records import Features, Unit
from glassnet.insight.pages import escape, scrolling

Array = NDArray[Any]

_INPUTS, _LINKS, _CLASSES = 8, 6, 12


def card(
    found: Features, unit: Unit, pictures: Pictures | None, of: int | None, here: set[str], *, is_open: bool
) -> str:
    """Return the card of a unit.

    Parameters
    ----------
    found, unit
        The record, and the unit within it.
    pictures : Pictures or None
        Where rows are images.
    of : int or None
        The class that is asked for.
    here : set of str
        Units with a card on the page, to which links can lead.
    is_open : bool
        Whether its figures are unfolded.
    """
    anchor = f"u-{unit.layer}-{unit.index}"
    state = words.state_line(unit)
    parts = [
        f'<li class="unit" id="{anchor}" tabindex="-1"{_data(found, unit)}>\n',
        f'<h3>{unit.name} <span class="sees">{escape(_sees(found, unit, of))}</span></h3>\n',
    ]
    if state:
        parts.append(f'<p class="state">{escape(state)}</p>\n')
    if unit.same_as:
        others = ", ".join(_unit_link(name, here) for name in unit.same_as[:_LINKS])
        more = f" and {len(unit.same_as) - _LINKS} more" if len(unit.same_as) > _LINKS else ""
        parts.append(f"<p>Says the same as {others}{more}.</p>\n")
    parts.append(_inputs(found, unit) if pictures is None else _images(unit, pictures))
    parts.append(_rows(unit, pictures))
    parts.append(
        f"<details{' open' if is_open else ''}><summary aria-label='Figures of {unit.name}'>Figures</summary>"
        f"\n{_figures(found, unit)}{_links(found, unit, here)}</details>\n</li>\n"
    )
    return "".join(parts)


def _data(found: Features, unit: Unit) -> str:
    """Return the attributes by which a page sorts: layer, number, telling, best class, AUROCs and effects."""
    attributes = f' data-layer="{unit.layer}" data-index="{unit.index}" data-telling="{unit.telling:.3f}"'
    if found.classes:
        moves = unit.state not in ("dead", "constant")
        areas = " ".join(f"{area:.5g}" if moves and np.isfinite(area) else "-" for area in unit.auroc)
        lifts = " ".join(f"{found.effect_on(unit, c):.3g}" for c in range(len(found.classes)))
        attributes += (
            f' data-sees="{"" if unit.sees is None else unit.sees}" data-auroc="{areas}" data-effect="{lifts}"'
        )
    return attributes


def _sees(found: Features, unit: Unit, of: int | None) -> str:
    """Return the heading's words: the class it tells best, or the output it goes with."""
    if found.classes:
        c = unit.sees if of is None else of
        if c is None or unit.sees is None:
            return ""
        return f"{'sees ' if of is None else ''}{found.classes[c]}, AUROC {words.number(unit.auroc[c], '.3f')}"
    r = unit.truth_correlation
    if not np.isfinite(r).any():
        return ""
    p = int(np.nanargmax(np.abs(r)))
    return f"goes with {found.outputs[p]}, correlation {r[p]:+.3f}"


def _images(unit: Unit, pictures: Pictures) -> str:
    """Return the three large pictures."""
    is_first = unit.hears is None
    what = "weights" if is_first else "mean ∂z/∂x"
    shown = [(what, pictures.of(unit, pictures.weights, f"{what} of {unit.name}"))]
    best = f"best input of {unit.name}: z = {unit.best_z:.3g}, highest at any row {unit.highest_z:.3g}"
    shown.append(("best input", pictures.of(unit, pictures.best, best)))
    if len(unit.rows):
        mean = f"mean of the {len(unit.rows)} rows that excite {unit.name} most"
        shown.append(("mean of rows", pictures.of(unit, pictures.means, mean)))
    figures = "".join(f"<figure>{picture}<figcaption>{caption}</figcaption></figure>" for caption, picture in shown)
    return f'<div class="pictures">{figures}</div>\n'


def _inputs(found: Features, unit: Unit) -> str:
    """Return the strongest inputs as a table with bars, for rows that are no images."""
    order = words.largest(unit.direction, _INPUTS)
    size = max(float(np.abs(unit.direction).max()), 1e-300)
    rows = []
    for j in order:
        rows.append(
            f'<tr><th scope="row">{escape(found.inputs[j])}</th>'
            f'<td class="number">{unit.direction[j]:+.3g}{_bar(unit.direction[j] / size)}</td>'
            f'<td class="number">{words.number(unit.row_mean[j], ".2g")}</td>'
            f'<td class="number">{found.centre[j]:.2g}</td><td class="number">{unit.best_input[j]:.2g}</td></tr>\n'
        )
    what = "Weight" if unit.hears is None else "Mean ∂z/∂x"
    left = len(found.inputs) - len(order)
    more = f'<p class="faint">{words.counted(left, "more input")} with smaller ones.</p>\n' if left > 0 else ""
    heads = "".join(
        f'<th scope="col" class="number">{text}</th>' for text in (what, "Its rows", "All rows", "Best input")
    )
    table = (
        f'<table class="inputs">\n<thead><tr><th scope="col">Input</th>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody></table>"
    )
    return scrolling(f"Inputs of {unit.name}", table) + more


def _bar(share: float) -> str:
    side = "plus" if share >= 0 else "minus"
    return f'<span class="bar {side}" style="width:{max(1, round(48 * abs(share)))}px"></span>'


def _rows(unit: Unit, pictures: Pictures | None) -> str:
    """Return the rows that excite it most, as images where they are such."""
    if not len(unit.rows):
        return '<p class="faint">No row excites it more than the rest.</p>\n'
    items = []
    for row, answer, a in zip(unit.rows.tolist(), unit.answers, unit.activities.tolist(), strict=True):
        says = f"row {row}: {answer}, a = {a:.3g}"
        if pictures is None:
            items.append(f"<li>row {row}: {escape(answer)} <span class=faint>a = {a:.3g}</span></li>")
        else:
            items.append(f"<li>{pictures.row(row, says)}<span class=answer>{escape(answer)}</span></li>")
    return f'<ol class="rows" aria-label="Rows that excite {unit.name} most">{"".join(items)}</ol>\n'


def _figures(found: Features, unit: Unit) -> str:
    """Return activity, and what it tells and does for each class or output."""
    text = (
        f"<p>{escape(unit.activation)}; activity {unit.lowest:.3g} to {unit.highest:.3g}, mean {unit.mean:.3g}, "
        f"deviation {unit.deviation:.3g}; above 0 at {unit.active:.1%} of the rows; bias {unit.bias:+.3g}"
    )
    rows: list[tuple[str, ...]]
    heads: tuple[str, ...]
    if found.classes:
        text += f"; selectivity {words.number(unit.selectivity, '.3f')}"
        heads, order = ("Class", "Mean activity", "AUROC", "Effect"), np.arange(len(found.classes))
        if len(order) > _CLASSES:
            order = np.sort(np.argsort(-np.abs(np.nan_to_num(unit.auroc - 0.5)), kind="stable")[:_CLASSES])
        rows = [
            (
                found.classes[c],
                words.number(unit.class_means[c], ".3g"),
                words.number(unit.auroc[c], ".3f"),
                f"{found.effect_on(unit, c):+.3g}",
            )
            for c in order.tolist()
        ]
        left = len(found.classes) - len(rows)
    else:
        heads = ("Output", "Correlation with the truth", "Effect")
        told = zip(found.outputs, unit.truth_correlation, unit.effect, strict=True)
        rows = [(name, words.number(r), f"{effect:+.3g}") for name, r, effect in list(told)[:_CLASSES]]
        left = len(found.outputs) - len(rows)
    more = f'<p class="faint">{left:,} more.</p>\n' if left > 0 else ""
    return f"{text}.</p>\n{_table(heads, rows)}{more}"


def _links(found: Features, unit: Unit, here: set[str]) -> str:
    """Return the strongest links of a unit: weight, and the correlation of the activities of the two ends."""
    rows: list[tuple[str, ...]] = []
    for arrow, w, r, names in (
        ("from", unit.weights, unit.incoming_correlation, words.incoming_names(found, unit)),
        ("to", unit.outgoing_weights, unit.outgoing_correlation, words.outgoing_names(found, unit)),
    ):
        for j in words.largest(w, _LINKS):
            rows.append((f"{arrow} {names[j]}", f"{w[j]:+.3g}", words.number(r[j])))
    return _table(("Strongest links", "Weight", "Correlation"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column names its rows and whose others are numbers."""
    head = f"<th scope=col>{heads[0]}" + "".join(f"<th scope=col class=number>{text}" for text in heads[1:])
    lines = [
        f"<tr><th scope=row>{escape(row[0])}" + "".join(f"<td class=number>{text}" for text in row[1:]) for row in rows
    ]
    return f"<table class=small><thead><tr>{head}<tbody>\n" + "\n".join(lines) + "</table>\n"


def _unit_link(name: str, here: set[str]) -> str:
    layer, index = name.split(":")
    return f'<a href="#u-{layer}-{index}">{name}</a>' if name in here else name
