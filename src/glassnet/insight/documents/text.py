"""A document for a terminal: plain text, about as wide as a page."""

from __future__ import annotations

import re
import textwrap
import unicodedata

from glassnet.insight.documents.document import Document, Equation, Heading, PageBreak, Paragraph, Table, pieces
from glassnet.insight.documents.plain import plain

WIDTH = 100
_REMARKS_AT = 76


def write(document: Document) -> str:
    """Return the document's text."""
    parts = [_heading(Heading(document.title, 1))]
    for block in document.blocks:
        match block:
            case Heading():
                parts.append(_heading(block))
            case Paragraph(text):
                parts.append(textwrap.fill(sentence(text), WIDTH, break_long_words=False, break_on_hyphens=False))
            case Equation():
                parts.append(_equation(block))
            case Table():
                parts.append(_table(block))
            case PageBreak():
                parts.append("\f" + "─" * WIDTH)
    return "\n\n".join(parts) + "\n"


def sentence(text: str) -> str:
    """Return a text with its mathematics as text."""
    return "".join(plain(piece) if is_mathematics else piece for is_mathematics, piece in pieces(text))


def _heading(heading: Heading) -> str:
    text = sentence(heading.text)
    line = {1: "=", 2: "-"}.get(heading.level)
    return text if line is None else f"{text}\n{line * width(text)}"


def _equation(equation: Equation) -> str:
    left = plain(equation.left)
    lines: list[str] = []
    for step in equation.right:
        first, *more = _wrapped(plain(step), WIDTH - width(left) - 5)
        lines.append(f"  {' ' * width(left) if lines else left} = {first}")
        lines += [f"  {' ' * width(left)}   {line}" for line in more]
    if equation.remark:
        remark = sentence(equation.remark)
        room = _REMARKS_AT - width(lines[0])
        if room >= 2:
            lines[0] += " " * room + remark
        else:
            lines[-1] += " " * max(2, _REMARKS_AT - width(lines[-1])) + remark
    return "\n".join(lines)


def _wrapped(sum_: str, room: int) -> list[str]:
    """Return a long sum in lines that break before a plus or minus."""
    lines = [""]
    for term in re.split(r" (?=[+-] )", sum_):
        longer = f"{lines[-1]} {term}" if lines[-1] else term
        if width(longer) > max(room, 40) and lines[-1]:
            lines.append(term)
        else:
            lines[-1] = longer
    return lines


def _table(table: Table) -> str:
    rows = [[sentence(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(width(row[k]) for row in rows) for k in range(len(table.header))]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (w - width(cell)) if k < table.words else " " * (w - width(cell)) + cell
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    lines.insert(1, "  " + "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
