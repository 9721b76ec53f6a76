"""A page of suspect rows: cards with pictures, or with the columns that stand out; the other lists are folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from glassnet.insight.blame import words
from glassnet.insight.blame.records import Blame, Suspect
from glassnet.insight.pages import escape, page, prose, scrolling
from glassnet.insight.pages.png import data_uri, grey, png

Array = NDArray[Any]

_STYLE = """
.cards { list-style: none; padding: 0; margin: .75rem 0; display: grid; gap: 1rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); }
@media (max-width: 30rem) { .cards { gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); } }
.cards.wide-cards { grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem;
  min-width: 0; }
.card h3 { margin: 0 0 .35rem; }
.card p { margin: .25rem 0; font-size: .9rem; overflow-wrap: anywhere; }
.card img { display: block; box-sizing: border-box; width: 7rem; height: auto; border: 1px solid var(--line);
  image-rendering: pixelated; forced-color-adjust: none; }
details { margin: 1rem 0; } summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
.says b { overflow-wrap: anywhere; }
.card table { font-size: .85rem; margin: .4rem 0 0; }
.card .wide { background: none; }
.card th, .card td { padding: .1rem .5rem .1rem 0; }
.card th { overflow-wrap: anywhere; min-width: 3.5rem; }
.card th[scope=row] { font-weight: 400; min-width: 5rem; }
"""


def blame_page(found: Blame, title: str) -> str:
    """Return the whole page."""
    first, *rest = words.sentences(found)
    body = prose(*rest)
    if found.suspects:
        body += prose(_how(found))
    for name, rows, in_full in words.sections(found):
        if rows is found.suspects or not rows:
            body += f"<h2>{escape(name)}</h2>\n" + (_cards(found, rows) if rows else prose("None."))
        else:
            inside = _cards(found, rows) if in_full else _table(name, rows)
            body += f"<details><summary>{escape(name)} ({len(rows):,})</summary>\n{inside}</details>\n"
    return page(title, body, lead=first, style=_STYLE)


def _how(found: Blame) -> str:
    """Return how to read the figures."""
    if not found.classes:
        return (
            "The network's value is averaged over the training and the fitted network; the distance from it is in "
            "units of the median distance of all rows. A row can be out of line for other reasons than a wrong target: "
            "look at it first."
        )
    return (
        "A margin is the output of the row's class less the largest other one: below 0 the network is against the "
        "label. A row can be suspect for other reasons than a wrong label, such as being the only one of its kind: "
        "look at it first."
    )


def _cards(found: Blame, rows: Sequence[Suspect]) -> str:
    """Return rows with their pictures or columns."""
    cards = "".join(_card(found, each) for each in rows)
    return f'<ul class="cards{"" if found.pictures else " wide-cards"}">\n{cards}</ul>\n'


def _card(found: Blame, each: Suspect) -> str:
    where = " (held out)" if each.held_out else ""
    parts = [f"<h3>Row {each.row}{where}</h3>\n"]
    picture = found.pictures.get((each.row, each.held_out))
    if picture is not None:
        parts.append(_picture(picture, each))
    of = f"{escape(each.output)} " if each.output else ""
    given, suggested = escape(words.shown(each.given)), escape(words.shown(each.suggested))
    network = escape(words.answer(each).removesuffix(f" {words.shown(each.suggested)}"))
    parts.append(f'<p class="says">Says {of}<b>{given}</b>, {network} <b>{suggested}</b></p>\n')
    parts.append(f"<p>{escape(words.evidence(each).capitalize())}</p>\n")
    if each.columns:
        parts.append(_columns(each))
    return f'<li class="card">\n{"".join(parts)}</li>\n'


def _picture(picture: Array, each: Suspect) -> str:
    low, high = min(0.0, float(picture.min())), float(picture.max())
    says = f"Row {each.row} as an image; it says {words.shown(each.given)}"
    return f'<img src="{data_uri(png(grey(picture, low, high)))}" alt="{escape(says)}">\n'


def _columns(each: Suspect) -> str:
    """Return the columns in which a row stands out."""
    heads = ["Column", "Row"]
    heads += (
        ["All rows"] if each.columns[0].suggested is None else [f"Rows of {each.given}", f"Rows of {each.suggested}"]
    )
    lines = []
    for column in each.columns:
        values = [column.value, column.given] + ([] if column.suggested is None else [column.suggested])
        cells = "".join(f'<td class="number">{escape(words.number(value))}</td>' for value in values)
        lines.append(f'<tr><th scope="row">{escape(column.name)}</th>{cells}</tr>\n')
    top = f'<th scope="col">{heads[0]}</th>'
    top += "".join(f'<th scope="col" class="number">{escape(head)}</th>' for head in heads[1:])
    label = f"Columns in which row {each.row} stands out, beside means"
    return scrolling(label, f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody></table>")


def _table(name: str, rows: Sequence[Suspect]) -> str:
    """Return rows as a table."""
    classes = rows[0].margin is not None
    heads = ["Row", "Says", "Network" if classes else "Network, mean", "Mean error", "Now"]
    heads += ["Wrong in", "Right from", "Forgotten"] if rows[0].wrong is not None else []
    lines = []
    for each in rows:
        cells = [words.shown(each.given), words.shown(each.fitted if classes else each.suggested)]
        cells += [words.number(each.loss), words.number(each.fitted_loss)]
        if each.wrong is not None:
            start = "–" if each.learned is None else f"epoch {each.learned}"
            cells += [f"{each.wrong} of {each.epochs}", start, f"{each.forgotten}"]
        numbers = "".join(
            f"<td{'' if i < 2 and classes else ' class=number'}>{escape(cell)}</td>" for i, cell in enumerate(cells)
        )
        lines.append(f'<tr><th scope="row">{each.row}</th>{numbers}</tr>\n')
    top = "".join(
        f'<th scope="col"{"" if i == 0 or (classes and i < 3) else " class=number"}>{head}</th>'
        for i, head in enumerate(heads)
    )
    return scrolling(name, f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody></table>")
