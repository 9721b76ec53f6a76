"""What an influence found and what its receipts say, as records; words and page are made next door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Method = Literal["unrolled", "exact", "tracin", "last_layer"]
METHODS: tuple[Method, ...] = ("unrolled", "exact", "tracin", "last_layer")


@final
@dataclass(frozen=True, eq=False)
class Questioned:
    """The row whose error is questioned.

    Parameters
    ----------
    row : int or None
        As the person counts rows; None for a new row.
    part : {"training", "held out", "validation", "new"}
        Whether it was trained on, held out from the same rows, is one of validation rows of their own, or is new.
    error : float
        Its error at the questioned weights, without dropout and penalty.
    truth, prediction : str
        In words: a class, or numbers.
    right : bool or None
        None where there are no classes.
    x : (inputs,) array
        As the network reads it.
    """

    row: int | None
    part: str
    error: float
    truth: str
    prediction: str
    right: bool | None
    x: Array = dataclasses.field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without x."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "x"}


@final
@dataclass(frozen=True)
class RowInfluence:
    """A training row, and what it did to the questioned error.

    Parameters
    ----------
    row : int
        As the person counts rows.
    without : float
        By how much the questioned error would change, as predicted, had the row not been there: above 0 it was helpful,
        below 0 harmful.
    share : float
        Of all that training rows did in that direction, from 0 to 1.
    truth, prediction : str
        Its label or target, and what the network takes it for.
    error : float
        Its own error.
    itself : bool
        Whether it is the questioned row.
    """

    row: int
    without: float
    share: float
    truth: str
    prediction: str
    error: float
    itself: bool


@final
@dataclass(frozen=True)
class Removal:
    """Rows taken out, predicted and done: the run taken again with their weight at zero, all else unchanged.

    Parameters
    ----------
    kind : {"helpful", "harmful", "random"}
    numbers : tuple of int
        The rows, as the person counts them.
    predicted : float
        The change of the questioned error, by the sum of the rows' numbers.
    actual : float
        What retraining made of it.
    rows : int
        Over how many other rows the rank correlation is taken.
    rank : float or None
        Spearman's rank correlation, over those rows, between the predicted and the actual change of their errors;
        None where it was not asked or cannot be said.
    chance : float or None
        The same prediction against what removing random rows did: the mean over the draws.
    """

    kind: str
    numbers: tuple[int, ...]
    predicted: float
    actual: float
    rows: int = 0
    rank: float | None = None
    chance: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self) | {"numbers": list(self.numbers)}


@final
@dataclass(frozen=True)
class Proof:
    """The receipts.

    Parameters
    ----------
    count : int
        How many rows each removal takes out.
    removals : tuple of Removal
        The most helpful rows, the most harmful ones, and random draws.
    rank : float or None
        Spearman's rank correlation between predicted and actual change of the questioned error over all removals.
    rank_of_draws : float or None
        The same over the random draws alone.
    judged_by : {"held-out rows", "training rows"}
        Which rows the rank correlations of single removals are taken over.
    """

    count: int
    removals: tuple[Removal, ...]
    rank: float | None
    rank_of_draws: float | None
    judged_by: str

    def of(self, kind: str) -> list[Removal]:
        """Return the removals of one kind."""
        return [each for each in self.removals if each.kind == kind]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        values = {name: getattr(self, name) for name in ("count", "rank", "rank_of_draws", "judged_by")}
        return {**values, "removals": [each.to_dict() for each in self.removals]}


@final
@dataclass(frozen=True)
class Run:
    """What must be known of the run to read its influences.

    Parameters
    ----------
    loss, optimizer : str
        As they are spelled.
    steps, epochs : int
        Up to the questioned weights.
    rows, weights : int
    best_epoch : int or None
        Whose weights were questioned, where early stopping restored them.
    dropout : bool
    reacts : bool
        Whether the schedule looks at results.
    snapshots : int
        How many were used; 0 where the run was taken again.
    scaled : bool
        Whether the network was trained on numbers in other units than truths and predictions are shown in; errors are
        in the former.
    """

    loss: str
    optimizer: str
    steps: int
    epochs: int
    rows: int
    weights: int
    best_epoch: int | None
    dropout: bool
    reacts: bool
    snapshots: int
    scaled: bool = False


@final
@dataclass(frozen=True, eq=False)
class Influence:
    """Which training rows made a prediction, and how much each did to its error.

    Parameters
    ----------
    method : {"unrolled", "exact", "tracin", "last_layer"}
    questioned : Questioned
    run : Run
    without : (m,) float64 array
        Of each training row, in the order of the run's block: by how much the questioned error would change, as
        predicted, had the row not been there. Above 0 it was helpful.
    numbers : (m,) int64 array
        How the person counts those rows.
    truths, predictions : (m,) tuples of str
    errors : (m,) float64 array
        The rows' own errors at the questioned weights.
    x : (m, inputs) array
        The rows as the network reads them.
    image_shape : (int, int) or None
    proof : Proof or None
    """

    method: Method
    questioned: Questioned
    run: Run
    without: Array = dataclasses.field(repr=False)
    numbers: Array = dataclasses.field(repr=False)
    truths: tuple[str, ...] = dataclasses.field(repr=False)
    predictions: tuple[str, ...] = dataclasses.field(repr=False)
    errors: Array = dataclasses.field(repr=False)
    x: Array = dataclasses.field(repr=False)
    image_shape: tuple[int, int] | None = None
    proof: Proof | None = None

    def helpful(self, top: int = 10) -> list[RowInfluence]:
        """Return the rows that lowered the questioned error most."""
        return [self._row(i) for i in self.order()[:top] if self.without[i] > 0]

    def harmful(self, top: int = 10) -> list[RowInfluence]:
        """Return the rows that raised the questioned error most."""
        return [self._row(i) for i in self.order()[::-1][:top] if self.without[i] < 0]

    def order(self) -> Array:
        """Return the places of the rows in the block, the most helpful first, the most harmful last: (m,) int64."""
        order: Array = np.argsort(-self.without, kind="stable")
        return order

    def _row(self, at: int) -> RowInfluence:
        value = float(self.without[at])
        total = float(self.without[self.without > 0].sum() if value > 0 else self.without[self.without < 0].sum())
        number = int(self.numbers[at])
        return RowInfluence(
            row=number,
            without=value,
            share=value / total,
            truth=self.truths[at],
            prediction=self.predictions[at],
            error=float(self.errors[at]),
            itself=self.questioned.part == "training" and number == self.questioned.row,
        )

    # --- forms ------------------------------------------------------------------------------------------------------

    def to_dict(self, top: int = 10) -> dict[str, Any]:
        """Return plain values: the `top` rows in either direction."""
        return {
            "method": self.method,
            "questioned": self.questioned.to_dict(),
            "run": dataclasses.asdict(self.run),
            "lowered": float(self.without[self.without > 0].sum()),
            "raised": float(-self.without[self.without < 0].sum()),
            "helpful": [dataclasses.asdict(each) for each in self.helpful(top)],
            "harmful": [dataclasses.asdict(each) for each in self.harmful(top)],
            "proof": None if self.proof is None else self.proof.to_dict(),
        }

    def text(self, top: int = 10) -> str:
        """Return everything as text, the `top` rows in either direction."""
        from glassnet.insight.influence import words

        return words.text(self, top)

    def html(self, title: str = "Influence", top: int = 10) -> str:
        """Return a page that works offline."""
        from glassnet.insight.influence.drawing import influence_page

        return influence_page(self, title, top)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("Influence", self.html())
