"""A document as an HTML page; browsers draw its mathematics themselves, from MathML."""

from __future__ import annotations

from glassnet.insight.documents.document import Document, Equation, Heading, PageBreak, Paragraph, Table, pieces
from glassnet.insight.pages import escape, page, scrolling

_STYLE = """
.equation { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 2rem; margin: .75rem 0; }
.equation .steps { display: grid; grid-template-columns: max-content max-content; align-items: baseline;
  justify-items: start; gap: .2rem .4rem; max-width: 100%; }
.equation .remark { color: var(--faint); font-size: .92em; }
.equation math { font-size: 1.1em; math-style: normal; }
"""


def write(document: Document) -> str:
    """Return the document as a whole page."""
    return page(sentence_as_text(document.title), fragment(document, title=False), style=_STYLE)


def fragment(document: Document, *, title: bool = True) -> str:
    """Return the HTML of the blocks without a page around them; with its title it brings its style along."""
    parts = [f"<style>{_STYLE}</style>", f"<h2>{_sentence(document.title)}</h2>"] if title else []
    for block in document.blocks:
        match block:
            case Heading(text, level):
                parts.append(f"<h{level}>{_sentence(text)}</h{level}>")
            case Paragraph(text):
                parts.append(f"<p>{_sentence(text)}</p>")
            case Equation():
                parts.append(_equation(block))
            case Table():
                parts.append(_table(block))
            case PageBreak():
                parts.append('<div class="page-break"></div>')
    return "\n".join(parts)


def sentence_as_text(text: str) -> str:
    """Return a text for places where no mathematics can stand, such as a page's title."""
    from glassnet.insight.documents.text import sentence

    return sentence(text)


def _sentence(text: str) -> str:
    return "".join(mathml(piece) if is_mathematics else escape(piece) for is_mathematics, piece in pieces(text))


def mathml(latex: str) -> str:
    """Return MathML for LaTeX."""
    from latex2mathml.converter import convert

    found: str = convert(latex.replace("'", "′"))
    return found


def _equation(equation: Equation) -> str:
    """Return the steps below each other: a grid of two columns, which narrow windows may scroll."""
    lefts = [mathml(equation.left), *("<span></span>" for _ in equation.right[1:])]
    steps = [mathml(f"= {step}") for step in equation.right]
    cells = "".join(f"{left}{step}" for left, step in zip(lefts, steps, strict=True))
    remark = f'<span class="remark">{_sentence(equation.remark)}</span>' if equation.remark else ""
    return f'<div class="equation"><div class="steps">{cells}</div>{remark}</div>'


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        kinds = ["" if k < table.words else ' class="number"' for k in range(len(cells))]
        return (
            "<tr>" + "".join(f"<{tag}{k}>{_sentence(c)}</{tag}>" for c, k in zip(cells, kinds, strict=True)) + "</tr>"
        )

    body = "\n".join(row(cells, "td") for cells in table.rows)
    label = "Table of " + ", ".join(sentence_as_text(cell) or "names" for cell in table.header)
    return scrolling(label, f"<table><thead>{row(table.header, 'th')}</thead>\n<tbody>{body}</tbody></table>")
