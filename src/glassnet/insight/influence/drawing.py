"""An influence as a page: the questioned row, what helped and harmed it (as pictures, of images), receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.influence import words
from glassnet.insight.influence.records import Influence, Proof, RowInfluence
from glassnet.insight.pages import escape, page, prose, scrolling
from glassnet.insight.pages.png import data_uri, grey, png

Array = NDArray[Any]

_STYLE = """
td { white-space: nowrap; }
@media (max-width: 30rem) { .wide td, .wide th { padding-left: .25rem; padding-right: .25rem; font-size: .85rem; } }
.rows { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; margin: .5rem 0 1rem; list-style: none; }
.rows li { width: 7.5rem; font-size: .9rem; line-height: 1.35; overflow-wrap: anywhere; }
.rows img, .asked img { width: 6rem; height: 6rem; object-fit: contain; display: block; background: #000;
  image-rendering: pixelated; forced-color-adjust: none; border: 1px solid var(--line); }
.asked { margin: 1rem 0; }
.helps { color: var(--plus); } .harms { color: var(--minus); }
.bar { display: block; height: .7rem; border-radius: 2px; min-width: 1px; }
.bar-cell { width: 12rem; min-width: 6rem; }
.wish { background: var(--faint); margin-bottom: 2px; } .real { background: var(--accent); }
"""


def influence_page(found: Influence, title: str, top: int) -> str:
    """Return the whole page."""
    first, *rest = words.sentences(found)
    pictures = _Pictures(found) if found.image_shape is not None else None
    body = ""
    if pictures is not None:
        body += f'<div class="asked">{pictures.asked()}</div>\n'
    body += prose(*rest)
    for heading, rows in words.sides(found, top):
        name, _, more = heading.partition(": ")
        body += f"<h2>{escape(name)}</h2>\n{prose(more[:1].upper() + more[1:] + '.')}"
        if pictures is not None and rows:
            body += pictures.list(rows)
        body += _table(f"{name} rows", words.row_table(rows)) if rows else prose("None.")
    if found.proof is not None:
        body += "<h2>Receipts</h2>\n" + _proof(found, found.proof)
    body += "<h2>How it was computed</h2>\n" + prose(*words.notes(found))
    return page(title, body, lead=first, style=_STYLE)


def _table(label: str, cells: Sequence[Sequence[str]]) -> str:
    head, *rows = cells
    numeric = [i > 0 and all(words.is_number(row[i]) for row in rows) for i in range(len(head))]
    styles = [' class="number"' if each else "" for each in numeric]

    def named(i: int, cell: str) -> str:
        return f'<th scope="col"{styles[i]}>{escape(cell)}</th>' if cell else "<td></td>"

    top = "".join(named(i, cell) for i, cell in enumerate(head))
    lines = []
    for first, *others in rows:
        cells_html = "".join(f"<td{style}>{escape(cell)}</td>" for style, cell in zip(styles[1:], others, strict=True))
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells_html}</tr>\n')
    return scrolling(label, f"<table><thead><tr>{top}</tr></thead><tbody>\n{''.join(lines)}</tbody></table>")


def _proof(found: Influence, proof: Proof) -> str:
    """Return the removals as a table with two bars each, and what they come to."""
    head, *rows = words.proof_table(found)
    longest = max((max(abs(each.predicted), abs(each.actual)) for each in proof.removals), default=0.0) or 1.0
    top = "".join(f'<th scope="col"{"" if i == 0 else _NUMBER}>{escape(cell)}</th>' for i, cell in enumerate(head))
    lines = []
    for (first, *others), each in zip(rows, proof.removals, strict=True):
        bars = "".join(
            f'<span class="bar {kind}" style="width:{100 * abs(value) / longest:.1f}%"></span>'
            for kind, value in (("wish", each.predicted), ("real", each.actual))
        )
        cells = "".join(f'<td class="number">{escape(cell)}</td>' for cell in others)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}<td class="bar-cell">{bars}</td></tr>\n')
    table = f"<table><thead><tr>{top}<td></td></tr></thead><tbody>\n{''.join(lines)}</tbody></table>"
    legend = "Bars: the size of the predicted change above, of the actual one below."
    return prose(*words.proof_sentences(found)) + scrolling("Receipts", table) + f'<p class="faint">{legend}</p>\n'


_NUMBER = ' class="number"'


class _Pictures:
    """Rows as images, all on one scale of greys."""

    def __init__(self, found: Influence) -> None:
        self._found = found
        self._places = {int(number): at for at, number in enumerate(found.numbers)}
        self._low, self._high = float(found.x.min()), float(found.x.max())

    def asked(self) -> str:
        """Return the questioned row's picture."""
        asked = self._found.questioned
        name = "The new row" if asked.row is None else f"Row {asked.row}"
        return self._image(asked.x, f"{name}: the truth is {asked.truth}, the network answers {asked.prediction}.")

    def list(self, rows: Sequence[RowInfluence]) -> str:
        """Return rows as a list of pictures with their numbers."""
        items = []
        for each in rows:
            image = self._image(self._found.x[self._places[each.row]], f"Row {each.row}, {each.truth}")
            side = "helps" if each.without > 0 else "harms"
            said = "" if each.truth == each.prediction else f", taken for {each.prediction}"
            items.append(
                f"<li>{image}Row {each.row}: {escape(each.truth)}{escape(said)}<br>"
                f'<span class="{side}">{escape(f"{each.without:+.4g}")}</span>, {each.share:.1%}</li>\n'
            )
        return f'<ul class="rows">{"".join(items)}</ul>\n'

    def _image(self, x: Array, says: str) -> str:
        values = np.asarray(x, float).reshape(self._found.image_shape or (1, -1))
        return f'<img src="{data_uri(png(grey(values, self._low, self._high)))}" alt="{escape(says)}">'
