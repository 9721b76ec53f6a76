"""A document as Markdown, with LaTeX between dollar signs as GitHub, Jupyter and pandoc read it."""

from __future__ import annotations

import re

from glassnet.insight.documents.document import Document, Equation, Heading, PageBreak, Paragraph, Table, pieces

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def write(document: Document) -> str:
    """Return the document's Markdown."""
    parts = [f"# {_sentence(document.title)}", "<!-- Made by glassnet. -->"]
    for block in document.blocks:
        match block:
            case Heading(text, level):
                parts.append(f"{'#' * level} {_sentence(text)}")
            case Paragraph(text):
                parts.append(_sentence(text))
            case Equation(left, right, remark):
                steps = " \\\\\n".join(f"&= {step}" for step in right)
                parts.append(f"$$\n\\begin{{aligned}}\n{left} {steps}\n\\end{{aligned}}\n$$")
                parts += [_sentence(remark)] if remark else []
            case Table(header, rows, words):
                rule = [":--" if k < words else "--:" for k in range(len(header))]
                lines = [[_sentence(cell) for cell in header], rule, *([_sentence(c) for c in row] for row in rows)]
                parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
            case PageBreak():
                parts.append('<div style="break-before: page"></div>\n\n---')
    return "\n\n".join(parts) + "\n"


def _sentence(text: str) -> str:
    """Return a text whose words cannot be taken for Markdown; in mathematics a stroke is no border of a cell."""
    return "".join(
        f"${piece.replace('|', chr(92) + 'vert ')}$" if is_mathematics else _SPECIAL.sub(r"\\\1", piece)
        for is_mathematics, piece in pieces(text)
    )
