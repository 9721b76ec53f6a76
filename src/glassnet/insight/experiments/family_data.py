"""Two families of twelve, English and Italian, whose trees have the same shape, as triples: Colin has aunt Jennifer.

Rumelhart, Hinton and Williams, Nature 323, 1986, figure 2. Person i of the one family stands where person i of the
other does. Everything here follows from who married whom and had which children.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ENGLISH = (
    "Christopher",
    "Andrew",
    "Arthur",
    "James",
    "Charles",
    "Colin",
    "Penelope",
    "Christine",
    "Victoria",
    "Jennifer",
    "Margaret",
    "Charlotte",
)
ITALIAN = (
    "Roberto",
    "Pierro",
    "Emilio",
    "Marco",
    "Tomaso",
    "Alfonso",
    "Maria",
    "Francesca",
    "Lucia",
    "Angela",
    "Gina",
    "Sophia",
)
PEOPLE = ENGLISH + ITALIAN
"""Men, then women, of each family, in the order of the paper's figures."""

RELATIONS = (
    "father",
    "mother",
    "husband",
    "wife",
    "son",
    "daughter",
    "uncle",
    "aunt",
    "brother",
    "sister",
    "nephew",
    "niece",
)

MARRIAGES = (
    ("Christopher", "Penelope", ("Arthur", "Victoria")),
    ("Andrew", "Christine", ("James", "Jennifer")),
    ("Arthur", "Margaret", ()),
    ("James", "Victoria", ("Colin", "Charlotte")),
    ("Charles", "Jennifer", ()),
)
"""Husband, wife and their children; the Italians alike."""


@final
@dataclass(frozen=True)
class Attribute:
    """Something that is true of people and stands neither in the inputs nor in the answers.

    Parameters
    ----------
    name : str
    of : tuple of 12 int
        The class of each person of one family; −1 where it belongs to none.
    says : str
        The classes in words.
    """

    name: str
    of: tuple[int, ...]
    says: str

    def classes(self) -> Array:
        """Return the class of each of the 24 people: (24,)."""
        if self.name == "nationality":
            return np.repeat([0, 1], 12)
        return np.tile(self.of, 2)


ATTRIBUTES = (
    Attribute("nationality", (0,) * 12, "English or Italian"),
    Attribute("generation", (0, 0, 1, 1, 1, 2, 0, 0, 1, 1, 1, 2), "grandparents, parents or children"),
    Attribute(
        "branch",
        (0, 1, 0, 1, 1, -1, 0, 1, 0, 1, 0, -1),
        "the side of Christopher and Penelope or that of Andrew and Christine, with those who married into it; "
        "the two children, who belong to both, are left out",
    ),
    Attribute("sex", (0,) * 6 + (1,) * 6, "man or woman, for comparison: the relation alone tells the answer's"),
)


def triples() -> tuple[tuple[str, str, str], ...]:
    """Return all 112 facts (person, relation, person), family by family."""
    facts = []
    for family in (ENGLISH, ITALIAN):
        to = dict(zip(ENGLISH, family, strict=True))
        facts += [(to[a], relation, to[b]) for a, relation, b in _english_facts()]
    return tuple(facts)


def _english_facts() -> list[tuple[str, str, str]]:
    spouse: dict[str, str] = {}
    parents: dict[str, tuple[str, str]] = {}
    for husband, wife, children in MARRIAGES:
        spouse |= {husband: wife, wife: husband}
        parents |= dict.fromkeys(children, (husband, wife))
    man = set(ENGLISH[:6])
    facts: set[tuple[str, str, str]] = set()

    def add(a: str, his: str, her: str, b: str) -> None:
        facts.add((a, his if b in man else her, b))

    def siblings(a: str) -> list[str]:
        return [b for b in parents if b != a and parents[b] == parents.get(a)]

    for a, b in spouse.items():
        add(a, "husband", "wife", b)
    for child, both in parents.items():
        for parent in both:
            add(child, "father", "mother", parent)
            add(parent, "son", "daughter", child)
            for relative in siblings(parent):
                for other in (relative, spouse[relative]):
                    add(child, "uncle", "aunt", other)
                    add(other, "nephew", "niece", child)
        for other in siblings(child):
            add(child, "brother", "sister", other)
    return sorted(facts)


def pairs() -> tuple[tuple[str, str], ...]:
    """Return the 104 questions (person, relation) that have an answer."""
    return tuple(dict.fromkeys((a, relation) for a, relation, _ in triples()))


def questions_and_answers() -> tuple[Array, Array]:
    """Return inputs (104, 36), a 1 for the person and one for the relation, and answers (104, 24), a 1 for each."""
    asked = {pair: i for i, pair in enumerate(pairs())}
    x, y = np.zeros((len(asked), 36)), np.zeros((len(asked), 24))
    for a, relation, b in triples():
        row = asked[a, relation]
        x[row, PEOPLE.index(a)] = x[row, 24 + RELATIONS.index(relation)] = 1
        y[row, PEOPLE.index(b)] = 1
    return x, y
