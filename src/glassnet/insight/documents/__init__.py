"""Documents made of sentences, equations and tables, written once and printed as text, Markdown, LaTeX or HTML.

Mathematics is LaTeX throughout; the other writers translate it.
"""

from glassnet.insight.documents.document import (
    Block,
    Document,
    Equation,
    Heading,
    PageBreak,
    Paragraph,
    Table,
    Told,
    words,
)
from glassnet.insight.documents.expressions import plus, products_of, times
from glassnet.insight.documents.numbers import as_decimal, number, product, products, total
from glassnet.insight.documents.plain import plain

__all__ = [
    "Block",
    "Document",
    "Equation",
    "Heading",
    "PageBreak",
    "Paragraph",
    "Table",
    "Told",
    "as_decimal",
    "number",
    "plain",
    "plus",
    "product",
    "products",
    "products_of",
    "times",
    "total",
    "words",
]
