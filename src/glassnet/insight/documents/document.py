"""What a document is made of. In every text, LaTeX may stand between dollar signs: "the slope $g'(z)$"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final


@final
@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the document's own."""

    text: str
    level: int = 2


@final
@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    text: str


@final
@dataclass(frozen=True)
class Equation:
    """One quantity, and what it equals: in symbols, in numbers, as a result.

    Parameters
    ----------
    left : str
        LaTeX.
    right : tuple of str
        LaTeX of each step; printed below each other, each behind an equals sign.
    remark : str
        A few words beside it: the number of the equation, who shares the result.
    """

    left: str
    right: tuple[str, ...]
    remark: str = ""


@final
@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Parameters
    ----------
    header : tuple of str
    rows : tuple of tuples of str
    words : int
        How many columns, from the left, hold words; the others hold numbers and are set to the right.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


@final
@dataclass(frozen=True)
class PageBreak:
    """What follows begins on a new page."""


Block: TypeAlias = Heading | Paragraph | Equation | Table | PageBreak


@final
@dataclass(frozen=True)
class Document:
    r"""A title and what stands below it.

    Parameters
    ----------
    title : str
    blocks : tuple of Block

    Examples
    --------
    >>> slope = Equation(r"g'(z_{1,0})", (r"a(1-a)", r"0.5 \cdot 0.5", "0.25"), "the logistic's slope")
    >>> print(Document("A slope", (Paragraph("Of neuron 0 in layer 1."), slope)).text())
    A slope
    =======
    <BLANKLINE>
    Of neuron 0 in layer 1.
    <BLANKLINE>
      g′(z[1][0]) = a(1-a)                                                      the logistic's slope
                  = 0.5 · 0.5
                  = 0.25
    <BLANKLINE>
    """

    title: str
    blocks: tuple[Block, ...]

    def text(self) -> str:
        """Return it for a terminal."""
        from glassnet.insight.documents.text import write

        return write(self)

    def markdown(self) -> str:
        """Return it as Markdown, with LaTeX between dollar signs."""
        from glassnet.insight.documents.markdown import write

        return write(self)

    def latex(self) -> str:
        """Return it as a whole LaTeX file."""
        from glassnet.insight.documents.latex import write

        return write(self)

    def html(self) -> str:
        """Return it as a whole HTML page, its mathematics as MathML."""
        from glassnet.insight.documents.html import write

        return write(self)

    def html_fragment(self) -> str:
        """Return its HTML without a page around it, for a notebook."""
        from glassnet.insight.documents.html import fragment

        return fragment(self)


def pieces(text: str) -> list[tuple[bool, str]]:
    """Return a text's pieces in order, each with whether it is mathematics.

    Examples
    --------
    >>> pieces("the slope $a(1-a)$ of it")
    [(False, 'the slope '), (True, 'a(1-a)'), (False, ' of it')]
    """
    return [(bool(i % 2), piece) for i, piece in enumerate(text.split("$")) if piece]
