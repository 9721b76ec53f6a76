"""What led to a NaN: the steps before it, the chain of quantities inside the step, and the cause. Plain records.

They know no arrays and no engine, so a story that was kept in a file reads as the one that was told.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final


@final
@dataclass(frozen=True)
class Moment:
    """What one step was like, before its update.

    Attributes
    ----------
    step, epoch : int
        Both from 0, the step counted over the whole run.
    loss : float
        The mean of the rows' errors, weighted, with the penalty.
    learning_rate : float
    largest_weight : float
        The largest |w| or |b|.
    weight : str
        Where it is, such as "weights[1][12, 3]".
    gradient : float
        The length of the gradient, before it is clipped.
    largest_z : float
        The largest |z| over rows and neurons.
    z_layer, z_unit, z_row : int
        Where it is.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    largest_weight: float
    weight: str
    gradient: float
    largest_z: float
    z_layer: int
    z_unit: int
    z_row: int


@final
@dataclass(frozen=True)
class Factor:
    """A number by the name that people write it with.

    Attributes
    ----------
    what : str
        "x[3]", "weights[1][55, 12]", "a of layer 0, neuron 55", ...
    value : float
    start : float or None
        Of a parameter, what it was when training began.
    """

    what: str
    value: float
    start: float | None = None


@final
@dataclass(frozen=True)
class Link:
    """One quantity of the chain, and what made it.

    Attributes
    ----------
    what : str
        "z of layer 1, neuron 12", ...
    value : float
        In the numbers of the network.
    formula : str
        In words, such as "a sum of 64 products and the bias".
    parts : tuple of tuples of Factor
        The largest of what was added; each is a product of its factors, or a single number.
    row : int or None
        The row of which it is told.
    """

    what: str
    value: float
    formula: str
    parts: tuple[tuple[Factor, ...], ...]
    row: int | None = None


@final
@dataclass(frozen=True)
class Check:
    """Steps that were taken once more otherwise, to see whether they stay finite.

    Attributes
    ----------
    otherwise : str
        "without row 4711", "in float64", ...
    first, last : int
        The steps.
    finite : bool
    grows : bool
        Whether the weights grew all the same, so that nothing is answered by it.
    """

    otherwise: str
    first: int
    last: int
    finite: bool
    grows: bool = False


@final
@dataclass(frozen=True)
class Cause:
    """What brought it about, as far as it can be told.

    Attributes
    ----------
    kind : str
        "input", "target", "sample_weight": one number of one row; "rate": weights that training moved too far; "start":
        the weights it began with; "moved": somebody else set the weights between steps; "weights": they were not
        finite; "formula": an activation or loss gave NaN or an infinity for an ordinary number; "activation": it passed
        what numbers can hold; "inputs", "targets", "sample_weights": all are large; "penalty"; "blame": it grew on its
        way back; "float32": float64 would have held it; "unknown".
    row, column : int or None
        For one number of one row.
    rows, more : int
        How many rows are like that, and how many more such numbers the row holds.
    value, usual : float or None
        It, and what is usual there.
    name : str
        Of a formula or parameter.
    growth : (float, float) or None
        The largest weight when training began and before the step that failed.
    slower : float or None
        How many times the learning rate stays finite, with weights that do not grow: 0.1, 0.01, ...; 0 where not even
        1e-12 times it, or a rate of 1e-10, does, None where it was not tried or there is no telling.
    """

    kind: str
    row: int | None = None
    column: int | None = None
    rows: int = 0
    more: int = 0
    value: float | None = None
    usual: float | None = None
    name: str = ""
    growth: tuple[float, float] | None = None
    slower: float | None = None


@final
@dataclass(frozen=True)
class Story:
    """How a NaN or an infinity came about.

    Attributes
    ----------
    place : str
        A sentence: what became what, where.
    step, epoch : int
        Where it ended, both from 0.
    quantity : str
    layer, row, unit : int or None
        As the error's.
    dtype : str
    optimizer : str
    loss : str
        The name of the loss.
    moments : tuple of Moment
        The last steps and the one that failed, in order. Steps are missing where they cannot be taken again, as
        somebody else moved the weights in between, or where there was no time for it.
    chain : tuple of Link
        From what was not finite back to where it came from.
    cause : Cause
    checks : tuple of Check
        The evidence for the cause.
    moved : bool
        Whether the steps do not lead to the weights of the one that failed, so that somebody else must have moved them.
    finished : bool
        Whether the cause was looked for to the end; it is not where that takes longer than 5 seconds, or after Ctrl-C.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> X = np.linspace(-1, 1, 40).reshape(20, 2)
    >>> X[7, 1] = 1e30
    >>> net = gn.Network(2, [gn.Dense(3, "relu"), gn.Dense(1)], seed=0)
    >>> try:
    ...     gn.train(net, X, np.zeros(20), "squared_error", optimizer="sgd(0.01)")
    ... except gn.errors.NonFiniteError as error:
    ...     error.story.cause.kind, error.story.cause.row, error.story.cause.column
    ('input', 7, 1)
    """

    place: str
    step: int
    epoch: int
    quantity: str
    layer: int | None
    row: int | None
    unit: int | None
    dtype: str
    optimizer: str
    loss: str
    moments: tuple[Moment, ...]
    chain: tuple[Link, ...]
    cause: Cause
    checks: tuple[Check, ...]
    moved: bool = False
    finished: bool = True

    def message(self) -> str:
        """Return the story in one paragraph: where, why, and what to do."""
        from glassnet.engines.nonfinite.telling import message

        return message(self)

    def text(self) -> str:
        """Return the story for a terminal."""
        from glassnet.engines.nonfinite.telling import text

        return text(self)

    def renumbered(self, numbers: Sequence[int]) -> Story:
        """Return the story with every row r called ``numbers[r]``, for rows that are a part of somebody's own.

        Parameters
        ----------
        numbers : (m,) ints
        """
        return Story.from_dict(_renumbered(self.to_dict(), numbers))

    def __str__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; a number that is not finite becomes "nan", "inf" or "-inf"."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the story again.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the values are not those of a story.
        """
        own = dict(_numbers(values))
        own["moments"] = tuple(Moment(**moment) for moment in own["moments"])
        own["chain"] = tuple(
            Link(**{**link, "parts": tuple(tuple(Factor(**f) for f in part) for part in link["parts"])})
            for link in own["chain"]
        )
        growth = own["cause"]["growth"]
        own["cause"] = Cause(**{**own["cause"], "growth": None if growth is None else (growth[0], growth[1])})
        own["checks"] = tuple(Check(**check) for check in own["checks"])
        return cls(**own)


def number(value: float | None) -> str:
    """Return a number as people write it, to three digits."""
    if value is None:
        return ""
    plain = f"{value:.3g}"
    if "e" not in plain:
        return plain
    digits, exponent = plain.split("e")
    return f"{digits}e{int(exponent)}"


_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _renumbered(value: Any, numbers: Sequence[int]) -> Any:
    if isinstance(value, dict):
        own = {name: _renumbered(inner, numbers) for name, inner in value.items()}
        return own | {name: int(numbers[value[name]]) for name in ("row", "z_row") if value.get(name) is not None}
    if isinstance(value, list):
        return [_renumbered(inner, numbers) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\brow (\d+)\b", lambda found: f"row {int(numbers[int(found[1])])}", value)
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    return _WORDS.get(value, value) if isinstance(value, str) else value
