"""What was found, as records: a row with its evidence, and the lists of them. Words and page are made next door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

from numpy.typing import NDArray

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Column:
    """A column of a row, in which it is unlike the others that say the same.

    Parameters
    ----------
    name : str
    value : float
        Of the row.
    given : float
        The mean over the rows with the row's class; of all rows where these have numbers.
    suggested : float or None
        The mean over the rows with the class that the network would give.
    deviations : float
        How many standard deviations of the former the value lies from their mean.
    """

    name: str
    value: float
    given: float
    suggested: float | None
    deviations: float


@final
@dataclass(frozen=True)
class Suspect:
    """A row, and what speaks against what it says.

    Parameters
    ----------
    row : int
        As the caller counts them, from 0.
    given, suggested, fitted : str or float
        What the row says, what the network would say in its place, and what the fitted network says now. Names of
        classes, or numbers in the target's own units. Of classes, `suggested` is never the given one.
    score : float
        How suspect it is. Of classes its error, averaged over the training and the fitted network as `blame` says; of
        numbers the distance between given and suggested, where 1 is the median of all rows.
    loss, fitted_loss : float
        Its mean error while training, and that of the fitted network.
    margin, fitted_margin : float or None
        The output of its class less the largest other one, likewise; None where there are no classes.
    epochs : int
        How many epochs were noted; 0 where the fitted network judges alone.
    wrong : int or None
        In how many of them it was wrong.
    learned : int or None
        The epoch, from 0, from which on it was right whenever it was met; None where it was not, where the fitted
        network is wrong about it after all, or where it has no class.
    forgotten : int or None
        How often it was right in one epoch and wrong in the next.
    held_out : bool
        Whether the training never met it.
    output : str
        Which output `given` is of, where there are several numbers; else "".
    columns : tuple of Column
        Where it lies more than two standard deviations out, the most telling two; empty for images.
    """

    row: int
    given: str | float
    suggested: str | float
    fitted: str | float
    score: float
    loss: float
    fitted_loss: float
    margin: float | None
    fitted_margin: float | None
    epochs: int
    wrong: int | None
    learned: int | None
    forgotten: int | None
    held_out: bool = False
    output: str = ""
    columns: tuple[Column, ...] = ()

    def __str__(self) -> str:
        from glassnet.insight.blame.words import sentence

        return sentence(self)


@final
@dataclass(frozen=True, eq=False)
class Blame:
    """Which rows the network fights with, and which labels, or targets, are probably wrong.

    Attributes
    ----------
    scores : (m,) float64 array
        How suspect each row of X is, higher is more; NaN where a row has no weight. A held-out row's is the fitted
        network's alone.
    suspects : tuple of Suspect
        The most suspect of the rows trained on, with what the network would say; rows it never doubted are left out.
    hard : tuple of Suspect
        Rows with the largest mean error, of those that the fitted network is right about; of numbers, that are no
        suspects.
    learned_last, forgotten : tuple of Suspect
        Rows that were learned only late, and that were forgotten most often; empty without a ledger, and where rows
        have numbers.
    held_out : tuple of Suspect
        Held-out rows that the fitted network contradicts with confidence.
    by_ledger : bool
        Whether a ledger was there; without one the fitted network judges alone.
    classes : bool
        Whether rows have classes; else numbers.
    rows, held_out_rows : int
        How many were trained on and judged, and how many were held out.
    held_out_apart : bool
        Whether held-out rows are counted by themselves, not as rows of X.
    epochs : int
    loss : str
    contradicted : int
        How many rows trained on were taken for another class in more than half of the epochs; 0 for numbers.
    disputed : int
        How many rows trained on the network is against, on average over the training or now; 0 for numbers.
    probably_wrong : int or None
        About how many labels are wrong: those whose scores stand clearly apart from the others'. None where none do,
        without a ledger, and of numbers.
    threshold : float
        From which score on they stand apart; infinite where none do.
    separation : float
        How clearly: the share of the scores' variance that lies between the two groups.
    caution : str
        Why little is to be made of all this, where it is so; else "".
    pictures : dict of (row, held out) to (height, width) array
        The rows that are listed, where rows are images.
    """

    scores: Array
    suspects: tuple[Suspect, ...]
    hard: tuple[Suspect, ...]
    learned_last: tuple[Suspect, ...]
    forgotten: tuple[Suspect, ...]
    held_out: tuple[Suspect, ...]
    by_ledger: bool
    classes: bool
    rows: int
    held_out_rows: int
    held_out_apart: bool
    epochs: int
    loss: str
    contradicted: int
    disputed: int
    probably_wrong: int | None
    threshold: float
    separation: float
    caution: str
    pictures: dict[tuple[int, bool], Array]

    @property
    def contradicts_none(self) -> bool:
        """Whether rows have classes, and the network is against none of those that it was trained on."""
        return self.classes and not self.disputed

    def text(self) -> str:
        """Return sentences and lists for a terminal: suspects in full, of the other lists the first few."""
        from glassnet.insight.blame.words import text

        return text(self)

    def html(self, title: str = "Suspect rows") -> str:
        """Return a whole page: suspects with pictures, or with the columns that stand out, and the other lists."""
        from glassnet.insight.blame.drawing import blame_page

        return blame_page(self, title)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the figures and the lists; not the scores of all rows."""
        values = {
            each.name: getattr(self, each.name)
            for each in dataclasses.fields(self)
            if each.name not in ("scores", "pictures", "threshold")
        }
        for name in ("suspects", "hard", "learned_last", "forgotten", "held_out"):
            values[name] = [dataclasses.asdict(each) for each in values[name]]
        return values

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("Suspect rows", self.html())
