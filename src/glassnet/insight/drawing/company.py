"""The bundled example: a company of two salespeople, three managers and one chief, and its feedback in words.

A network of 2-3-1 seen as people: reports go up, feedback comes down, each share of it in proportion to the trust
(weight) with which the report was heard. The people and numbers are made up.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.drawing.look import Look, look
from glassnet.insight.drawing.records import Drawing, Link, Neuron
from glassnet.insight.drawing.words import adding_up, number
from glassnet.network.dense import Dense
from glassnet.network.network import Network


@final
@dataclass(frozen=True)
class Company:
    """A network and one row, with the people's names.

    Parameters
    ----------
    network : Network
        Of 2-3-1 sigmoid neurons, float64.
    x : (1, 2) array
        What the salespeople expect of the quarter, from 0 (poor) to 1 (splendid).
    y : (1, 1) array
        How it went.
    salespeople, managers : tuple of str
    chief : str
    """

    network: Network
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    salespeople: tuple[str, str] = ("Amara", "Bruno")
    managers: tuple[str, str, str] = ("Carla", "Deniz", "Emeka")
    chief: str = "Freya"


def company() -> Company:
    """Return the company.

    Examples
    --------
    >>> from glassnet.insight.drawing import company
    >>> [shape[0] for shape in company().network.shapes]
    [2, 3, 1]
    """
    net = Network(2, [Dense(3, "sigmoid"), Dense(1, "sigmoid")], dtype="float64")
    net.weights[0] = [[2.0, 0.5, -1.0], [0.5, 1.5, 2.0]]
    net.biases[0] = [-0.5, 0.0, 0.5]
    net.weights[1] = [[2.5], [0.5], [-1.5]]
    net.biases[1] = [0.5]
    return Company(net, np.array([[0.9, 0.4]]), np.array([[0.3]]))


def look_at_company(*, bias: bool = False) -> Look:
    """Return the company as a drawing, its feedback told from the chief down to managers and on to salespeople.

    Examples
    --------
    >>> from glassnet.insight.drawing import look_at_company
    >>> print(look_at_company().story[1][:53])
    Freya, the chief, said 0.8825 where 0.3 was the truth
    """
    firm = company()
    seen = look(
        firm.network,
        firm.x,
        firm.y,
        loss="half_squared_error",
        feature_names=firm.salespeople,
        neuron_names={0: firm.managers},
        class_names=[firm.chief],
        bias=bias,
        title="A company of 2-3-1, and its feedback",
    )
    titles = ("Salespeople", "Managers", "Chief")
    columns = (dataclasses.replace(each, title=title) for each, title in zip(seen.drawing.columns, titles, strict=True))
    drawing = dataclasses.replace(seen.drawing, columns=tuple(columns))
    return dataclasses.replace(seen, drawing=drawing, story=tuple(_story(firm, drawing)))


def _story(firm: Company, drawing: Drawing) -> list[str]:
    """Tell the drawing's numbers as feedback: the chief's blame, what managers get of it, what salespeople get."""
    salespeople, managers, (chief,) = (column.neurons for column in drawing.columns)
    reports = " and ".join(f"{person.name} ({_told(person.a)})" for person in salespeople)
    verdict = "too much" if (chief.blame or 0) > 0 else "too little"
    miss = number((chief.a or 0) - (chief.truth or 0))
    opening = (
        f"Two salespeople report how good they expect the quarter to be, from 0 to 1: {reports}. Three managers hear "
        "both, each with trust of their own in each: the weights. The chief hears the managers in the same way and "
        "says what the quarter will be. Reports flow forward, feedback flows back."
    )
    from_the_top = (
        f"{chief.name}, the chief, said {_told(chief.a)} where {_told(chief.truth)} was the truth: {verdict}. The "
        f"blame is {_told(chief.blame)}: the miss {miss} times the slope {_told(chief.slope)} at which the answer "
        "changes. Blame above 0 means: say less next time; below 0: say more."
    )
    told = [opening, from_the_top]
    shares = [_share(chief, manager, link) for manager, link in zip(managers, drawing.gaps[1].links, strict=True)]
    told.append(
        f"{chief.name} passes it down to the managers: each gets the chief's blame, times the trust with which the "
        f"manager was heard, times the slope at which the manager's own report changes. {' '.join(shares)}"
    )
    for person in salespeople:
        links = [link for link in drawing.gaps[0].links if link.source == person.index]
        shares, total = adding_up([link.share or 0.0 for link in links], loose=len(links) - 1)
        heard = zip(shares, links, strict=True)
        parts = ", ".join(f"{share} from {managers[link.target].name}" for share, link in heard)
        opening = "The managers pass theirs on. " if person is salespeople[0] else ""
        told.append(f"{opening}{person.name} hears {parts}: {total} in all, {_advice(person.blame)}.")
    return told


def _share(chief: Neuron, manager: Neuron, link: Link) -> str:
    factors = f"{number(link.weight)} · {_told(chief.blame)} · {_told(manager.slope)}"
    return f"{manager.name}: {factors} = {_told(manager.blame)}, {_advice(manager.blame)}."


def _told(value: float | None) -> str:
    return "" if value is None else number(value)


def _advice(blame: float | None) -> str:
    return "to say less" if (blame or 0) > 0 else "to say more"
