"""The page of hidden units: tables for the whole, and a card for each unit that can be sorted and filtered.

It puts records, words and pictures together into HTML and computes nothing of its own but the order of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import numpy as np

from glassnet.insight.features import words
from glassnet.insight.features.cards import card
from glassnet.insight.features.pictures import Pictures
from glassnet.insight.features.records import Features, Unit
from glassnet.insight.pages import escape, page, prose, scrolling

_BEST_OF_A_CLASS, _MANY = 4, 60


def document(found: Features, of: int | None, unit: Unit | None, per_layer: int) -> str:
    """Return the page: of all units, those of class `of` first, or of one `unit` alone."""
    shown = [unit] if unit is not None else _shown(found, of, per_layer)
    pictures = Pictures(found, shown) if found.image_shape is not None else None
    here = {each.name for each in shown}
    parts = [] if unit is not None else [_layers(found), _classes(found, here)]
    parts.append(_legend(found, pictures))
    if unit is None:
        parts += [_left_out(found, shown, of, per_layer), _controls(found, of)]
    cards = "".join(card(found, each, pictures, of, here, is_open=unit is not None) for each in shown)
    parts.append(f'<ol class="units" id="units">\n{cards}</ol>\n')
    if unit is None:
        parts.append('<p><button type="button" id="more" hidden></button></p>\n')
    style = _asset("page.css") + ("" if pictures is None else pictures.style())
    title = "What hidden units see" if unit is None else f"What hidden unit {unit.name} sees"
    script = _asset("page.js") if unit is None else ""
    return page(title, "".join(parts), lead=words.lead(found), style=style, script=script)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shown(found: Features, of: int | None, per_layer: int) -> list[Unit]:
    """Return the units on the page: each layer's most telling ones, and all that the table of classes names."""
    named = {unit.name for best in _best(found).values() for unit in best}
    kept: set[str] = set()
    for layer in found.layers:
        own = [unit for unit in found.units if unit.layer == layer.layer]
        own.sort(key=lambda unit: (unit.name not in named, -_told(unit, of), unit.index))
        kept |= {unit.name for unit in own[:per_layer]}
    shown = [unit for unit in found.units if unit.name in kept]
    return shown if of is None else sorted(shown, key=lambda unit: (-_area(unit, of), -found.effect_on(unit, of)))


def _told(unit: Unit, of: int | None) -> float:
    return unit.telling if of is None else float(np.nan_to_num(abs(2 * unit.auroc[of] - 1)))


def _area(unit: Unit, c: int) -> float:
    """Return the AUROC to sort by; below all others for a unit that has none."""
    area = unit.auroc[c]
    return float(area) if np.isfinite(area) and unit.state not in ("dead", "constant") else -1.0


def _best(found: Features) -> dict[tuple[int, int], list[Unit]]:
    """Return the units that tell each class, or each output's truth, best: by class and layer."""
    best = {}
    for layer in found.layers:
        moving = [u for u in found.units if u.layer == layer.layer and u.state not in ("dead", "constant")]
        for c in range(min(_MANY, len(found.classes) or len(found.outputs))):
            key = _area if found.classes else _correlation
            ordered = sorted(moving, key=lambda unit: -key(unit, c))
            best[layer.layer, c] = [u for u in ordered if key(u, c) >= 0][:_BEST_OF_A_CLASS]
    return best


def _correlation(unit: Unit, p: int) -> float:
    return float(np.nan_to_num(abs(unit.truth_correlation[p]), nan=-1.0))


# --- the whole ------------------------------------------------------------------------------------------------------


def _layers(found: Features) -> str:
    lines = [words.layer_line(found, layer) for layer in found.layers]
    links = [words.links_line(each) for each in found.links]
    return (
        f"<h2>Layers</h2>\n<ul>{_items(lines)}</ul>\n"
        f"<h2>What fires together</h2>\n<ul>{_items(links)}</ul>\n"
        + prose(
            "Near +1, links are the stronger the more their two ends are active on the same rows; near 0, weights "
            "cannot be told from activities. Each unit's links stand on its card."
        )
    )


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>\n" for line in lines)


def _classes(found: Features, here: set[str]) -> str:
    """Return the table of which units see which class."""
    best, names = _best(found), found.classes or found.outputs
    head = "".join(f'<th scope="col">Layer {layer.layer}</th>' for layer in found.layers)
    rows = []
    for c, name in enumerate(names[:_MANY]):
        cells = []
        for layer in found.layers:
            units = []
            for unit in best[layer.layer, c]:
                figure = unit.auroc[c] if found.classes else unit.truth_correlation[c]
                link = f'<a href="#u-{unit.layer}-{unit.index}">{unit.name}</a>' if unit.name in here else unit.name
                units.append(f'<span class="best">{link} <span class="number">{figure:.2f}</span></span>')
            cells.append(f"<td>{' '.join(units) or '–'}</td>")
        count = f'<td class="number">{found.class_counts[c]:,}</td>' if found.classes else ""
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{count}{"".join(cells)}</tr>\n')
    more = prose(f"And {words.counted(len(names) - _MANY, 'more', 'more')}.") if len(names) > _MANY else ""
    if found.classes:
        title, first = (
            "Which units see which class",
            '<th scope="col">Class</th><th scope="col" class="number">Rows</th>',
        )
        says = (
            "The figure is the AUROC: the chance that a row of the class excites the unit more than a row of the "
            "rest. 1 tells the class always, 0.5 is like a coin, 0 falls silent for just this class."
        )
    else:
        title, first = "Which units go with the truth", '<th scope="col">Output</th>'
        says = "The figure is the correlation of the unit's activity with the truth, over the rows."
    table = f"<table>\n<thead><tr>{first}{head}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody></table>"
    return f"<h2>{title}</h2>\n{prose(says)}{scrolling(title, table)}{more}"


def _legend(found: Features, pictures: Pictures | None) -> str:
    """Return what the pictures, or bars, of a card show."""
    bounds = (
        "An input is sought within each input's smallest and largest value, and no further from the mean row than half "
        "of the rows are. In the first hidden layer z is linear in the input and the best one is exact; in later ones "
        "it is what ascent along the slope finds."
    )
    later = any(unit.hears is not None for unit in found.units)
    slope = (
        " Units of later layers do not read the input: for them it is the mean of ∂z/∂x, the slope of their sum by "
        "the input, over the rows with the largest z. That is no weight."
        if later
        else ""
    )
    if pictures is None:
        text = (
            "Bars are the incoming weights by input, the largest first." + slope + " Beside them: the mean of the rows "
            "the unit answers to most, the mean of all rows, and the best input, as the network reads them."
        )
        return f"<h2>Units</h2>\n{prose(text, 'Best input: ' + bounds)}"
    low, high = float(found.low.min()), float(found.high.max())
    return (
        '<h2>Units</h2>\n<p>Weights are <span class="key plus">blue above 0</span> and '
        '<span class="key minus">orange below</span>, each picture up to its own largest size.'
        f"{escape(slope)} Rows, their mean and the best input run from black ({low:.4g}) to white ({high:.4g}). "
        f"{escape('Best input: ' + bounds)}</p>\n"
    )


def _left_out(found: Features, shown: Sequence[Unit], of: int | None, per_layer: int) -> str:
    """Return how many units are not on the page, and by which measure they were left out."""
    if len(shown) == len(found.units):
        return ""
    measure = "tell most of any class (largest |2 · AUROC − 1|)" if found.classes else "go most with the truth"
    if of is not None:
        measure = f"tell most of the class {found.classes[of]} (largest |2 · AUROC − 1|)"
    lines = []
    for layer in found.layers:
        on = sum(unit.layer == layer.layer for unit in shown)
        if on < layer.units:
            lines.append(
                f"Of layer {layer.layer}'s {layer.units:,} units, the {on:,} are shown that {measure}; "
                f"{layer.units - on:,} are not. All are counted above."
            )
    return prose(*lines)


def _controls(found: Features, of: int | None) -> str:
    """Return the form by which a person sorts and filters the cards."""
    layers = "".join(f'<option value="{each.layer}">Layer {each.layer}</option>' for each in found.layers)
    form = (
        '<form class="controls" id="controls" aria-label="Which units, in which order" hidden>\n'
        f'<span><label for="layer">Layer</label> <select id="layer" name="layer"><option value="">All</option>{layers}'
        "</select></span>\n"
    )
    orders = [("place", "by layer and number"), ("telling", "that tell most first")]
    if found.classes:
        classes = "".join(
            f'<option value="{c}"{" selected" if c == of else ""}>{escape(name)}</option>'
            for c, name in enumerate(found.classes)
        )
        form += (
            '<span><label for="class">Class</label> <select id="class" name="class"><option value="">Any</option>'
            f"{classes}</select></span>\n"
        )
        orders += [
            ("sees", "that see the class first"),
            ("silent", "that fall silent for it first"),
            ("lifts", "that lift its output most first"),
        ]
    chosen = "place" if of is None else "sees"
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{text}</option>' for value, text in orders
    )
    form += f'<span><label for="order">Units</label> <select id="order" name="order">{options}</select></span>\n'
    if found.classes:
        form += '<label><input type="checkbox" name="only"> Only units that see it best of all</label>\n'
    return form + '</form>\n<p role="status" id="status" class="faint"></p>\n'
