"""What a person is told about one weight's movement: the figures, and their forms as text, pages and plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.documents import Document, Told
from glassnet.insight.places import Place
from glassnet.insight.why.span import Span
from glassnet.network.network import Network

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class RowPush:
    """What one row did to a weight.

    Parameters
    ----------
    row : int
        As the caller, or the source, counts it.
    label : str or float
        Its class or target.
    push : float
        How far it moved the weight; where the optimizer's steps cannot be shared out, how much it pulled.
    met : int
        In how many of the steps it was met.
    signal, blame : float
        The means, over those, of what the weight carried for it (a_j) and of its own ∂E/∂z behind the weight (δ_i).
    """

    row: int
    label: str | float
    push: float
    met: int
    signal: float
    blame: float


@final
@dataclass(frozen=True)
class StepNumbers:
    """One step in numbers: g ← Σ terms; b ← keep·b + entry·g; Δw = −direct·g − lever·b − shrink·w.

    Parameters
    ----------
    terms : dict of str to float
        What the slope is the sum of: "rows", "l1", "l2", "clipping" and, where it enters there, "weight_decay".
    slope : float
        g.
    memory_before, memory : float
        b before the step and after it.
    keep, entry, direct, lever, shrink : float
    weight : float
        w before the step.
    """

    terms: dict[str, float]
    slope: float
    memory_before: float
    memory: float
    keep: float
    entry: float
    direct: float
    lever: float
    shrink: float
    weight: float


@final
@dataclass(frozen=True, repr=False)
class Why(Told):
    """Why a weight moved.

    Parameters
    ----------
    place : Place
        The weight.
    network : Network
        The run's architecture.
    optimizer, loss : str
    span : Span
        The steps.
    path : (s+1,) float64 array
        The weight before the first step and after each.
    parts : dict of str to float
        What moved it, in units of the weight: "rows", "memory" (gradients from before the steps that the optimizer
        remembered), "l1", "l2", "weight_decay", "clipping", and "rounding", which is what the run's own dtype rounded.
        They sum to `moved`. Of Rprop and L-BFGS only "steps_up" and "steps_down".
    stages : dict of str to float
        The same movement as plain descent would have made it ("plain", "l1", ...) and what each stage of the optimizer
        changed: "momentum", "scaling" (by a running size of the gradient), "correction". They sum to `moved`, too.
    splits : bool
        Whether the steps could be shared out among the rows.
    pushes : (m,) float64 array
        How far each row of the run's block moved it, in its own steps and through the memory in later ones. Where
        `splits` is False: Σ −c·a·δ, how much it pulled, which is no share of the movement.
    met : (m,) int64 array
        In how many of the steps each row was met.
    signal, blame : (m,) float64 arrays
        Means over those of a_j and of δ_i.
    clipped_steps : int
        In how many steps clipping changed this weight's slope.
    row_numbers : (m,) int64 array
        How people count the rows.
    labels : (m,) array
        Class (str) or target (float64; as text where there are several) of each row.
    has_classes : bool
        Whether these are classes.
    feature_names, class_names : tuple of str
    top : int
        How many rows are told on either side.
    step : StepNumbers or None
        The step in numbers, where the span is one step that could be shared out.
    """

    place: Place
    network: Network
    optimizer: str
    span: Span
    path: Array
    parts: dict[str, float]
    stages: dict[str, float]
    splits: bool
    pushes: Array
    met: Array
    signal: Array
    blame: Array
    clipped_steps: int
    row_numbers: Array
    labels: Array
    has_classes: bool
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    loss: str
    top: int
    step: StepNumbers | None

    @property
    def before(self) -> float:
        """The weight before the first of the steps."""
        return float(self.path[0])

    @property
    def after(self) -> float:
        """The weight after the last of the steps."""
        return float(self.path[-1])

    @property
    def moved(self) -> float:
        """How far it moved in all."""
        return self.after - self.before

    def up(self, top: int | None = None) -> list[RowPush]:
        """Return the rows that pushed it up most."""
        return self._strongest(-self.pushes, top)

    def down(self, top: int | None = None) -> list[RowPush]:
        """Return the rows that pushed it down most."""
        return self._strongest(self.pushes, top)

    def by_class(self) -> list[tuple[str, int, float, float]]:
        """Return of each class that was met: its name, how many of its rows, their push up and their push down."""
        if not self.has_classes:
            return []
        found = []
        for label in np.unique(self.labels[self.met > 0]):
            pushes = self.pushes[(self.labels == label) & (self.met > 0)]
            up, down = float(pushes[pushes > 0].sum()), float(pushes[pushes < 0].sum())
            found.append((str(label), len(pushes), up, down))
        return found

    def document(self) -> Document:
        """Return it as a document: the sentence first, then what moved it, then rows."""
        from glassnet.insight.why.words import document

        return document(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; the `top` rows on either side."""
        return {
            "weight": str(self.place),
            "layer": self.place.k,
            "optimizer": self.optimizer,
            "loss": self.loss,
            "first_step": self.span.first,
            "last_step": self.span.last - 1,
            "steps_per_epoch": self.span.steps_per_epoch,
            "before": self.before,
            "after": self.after,
            "moved": self.moved,
            "parts": dict(self.parts),
            "stages": dict(self.stages),
            "splits_by_row": self.splits,
            "clipped_steps": self.clipped_steps,
            "step": None if self.step is None else asdict(self.step),
            "rows_met": int((self.met > 0).sum()),
            "classes": [dict(zip(("class", "rows", "up", "down"), each, strict=True)) for each in self.by_class()],
            "up": [asdict(each) for each in self.up()],
            "down": [asdict(each) for each in self.down()],
        }

    def _strongest(self, order: Array, top: int | None) -> list[RowPush]:
        there = np.flatnonzero(order < 0)
        chosen = there[np.argsort(order[there], kind="stable")[: self.top if top is None else top]]
        return [
            RowPush(
                row=int(self.row_numbers[i]),
                label=self.labels[i].item(),
                push=float(self.pushes[i]),
                met=int(self.met[i]),
                signal=float(self.signal[i]),
                blame=float(self.blame[i]),
            )
            for i in chosen
        ]
