"""What a document is made of. In every text, LaTeX may stand between dollar signs: "the slope $g'(z)$".

Words that are not our own, such as the names of columns, go in through `words`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeAlias, final


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

    Raises
    ------
    ValueError
        If there is nothing to the right.
    """

    left: str
    right: tuple[str, ...]
    remark: str = ""

    def __post_init__(self) -> None:
        if not self.right:
            raise ValueError(f"The equation of {self.left} has nothing to the right of its equals sign.")


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


class Told(ABC):
    """What tells itself as a document: for a terminal, as Markdown, LaTeX or HTML, and in a notebook."""

    @abstractmethod
    def document(self) -> Document:
        """Return it as a document."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""

    def text(self) -> str:
        """Return it for a terminal."""
        return self.document().text()

    def markdown(self) -> str:
        """Return it as Markdown, with LaTeX between dollar signs."""
        return self.document().markdown()

    def latex(self) -> str:
        """Return it as a whole LaTeX file."""
        return self.document().latex()

    def html(self) -> str:
        """Return it as a whole HTML page, which works offline."""
        return self.document().html()

    def _repr_html_(self) -> str:
        return self.document().html_fragment()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}; print it, or see .text(), .html(), .to_dict()>"


_DOLLAR = "\ue000"  # a dollar sign that begins no mathematics; from Unicode's area for private use


def words(text: str) -> str:
    """Return words of somebody else as they can stand in a document: on one line, their dollar signs as they are.

    Examples
    --------
    >>> pieces("the column " + words("US$ per  $m^2$"))
    [(False, 'the column US$ per $m^2$')]
    """
    return " ".join(text.split()).replace("$", _DOLLAR)


def pieces(text: str) -> list[tuple[bool, str]]:
    """Return a text's pieces in order, each with whether it is mathematics.

    Examples
    --------
    >>> pieces("the slope $a(1-a)$ of it")
    [(False, 'the slope '), (True, 'a(1-a)'), (False, ' of it')]
    """
    parts = re.split(r"\$(.*?)\$", text)
    return [(bool(i % 2), piece.replace(_DOLLAR, "$")) for i, piece in enumerate(parts) if piece]
