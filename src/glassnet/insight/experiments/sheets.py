"""The experiments' pages: the weights of the shown run in pictures, then the words, then every number."""

from __future__ import annotations

import numpy as np

from glassnet.insight.documents import Document, Heading, Paragraph, Table
from glassnet.insight.documents.html import fragment
from glassnet.insight.experiments import pictures, words
from glassnet.insight.experiments.family_data import ENGLISH, ITALIAN
from glassnet.insight.experiments.family_trees import FamilyTrees, person_weights
from glassnet.insight.experiments.symmetry import Symmetry
from glassnet.insight.pages import escape, page


def symmetry_page(found: Symmetry) -> str:
    """Return the page of the symmetry experiment."""
    run, document = found.shown, words.tell_symmetry(found)
    w, b = run.network.weights[0], run.network.biases[0]
    figures = []
    for i in range(2):
        numbers = ", ".join(words.signed(value) for value in w[:, i])
        label = f"Weights of hidden unit {i + 1} from bits 1 to 6: {numbers}."
        drawn = pictures.mirrored_bars(w[:, i], float(np.abs(w).max()), label)
        figures.append(
            _figure(drawn, f"Hidden unit {i + 1}, bias {words.signed(b[i])}; the dashed line is the middle.")
        )
    picture = _drawings(f"The weights of {words.which(run.seed, found.chosen)}", figures)
    document = _with_starts(document, words.symmetry_starts(found))
    return _page(document, picture, f"{len(found.runs)} random starts of a 6-2-1 network, all 64 patterns.")


def family_page(found: FamilyTrees) -> str:
    """Return the page of the family-tree experiment."""
    run, document = found.shown, words.tell_family_trees(found)
    w = person_weights(run.network)
    figures = []
    for u in range(6):
        role = run.role(u) or "a mixture"
        label = (
            f"Weights from the 24 people to unit {u + 1}, which encodes {role}; the numbers stand in the table below."
        )
        drawn = pictures.squares(w[:12, u], w[12:, u], (ENGLISH, ITALIAN), float(np.abs(w).max()), label)
        figures.append(_figure(drawn, f"Unit {u + 1}: {role}."))
    picture = _drawings(f"What the six person units hear: {words.which(run.seed, found.chosen)}", figures)
    picture += (
        '<p class="faint">English above, Italian below. The area of a square is the size of the weight, blue is '
        "positive, orange negative; all six share one scale.</p>\n"
        "<details><summary>The weights as numbers</summary>"
        + fragment(Document("", (words.weights_table(run),)), title=False)
        + "</details>\n"
    )
    document = _with_starts(document, words.family_starts(found), "Percentages are those of the best unit.")
    return _page(document, picture, f"{len(found.runs)} random starts of a 36-12-12-6-24 network, 100 questions.")


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _drawings(heading: str, figures: list[str]) -> str:
    return f'<h2>{escape(heading)}</h2>\n<div class="drawings">\n' + "\n".join(figures) + "\n</div>\n"


def _with_starts(document: Document, table: Table, remark: str = "") -> Document:
    more = (Heading("Every start"), *((Paragraph(remark),) if remark else ()), table)
    return Document(document.title, (*document.blocks, *more))


def _page(document: Document, picture: str, lead: str) -> str:
    return page(document.title, picture + fragment(document, title=False), lead=lead, style=pictures.STYLE)
