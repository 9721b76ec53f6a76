"""What a person is told about two runs: where they part, and what differed before; as text, pages and plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.documents import Document, Told
from glassnet.insight.places import place_of
from glassnet.network.network import Network

Array = NDArray[Any]

SAME, START, STEP, BETWEEN, UNLIKE = "same", "start", "step", "between", "unlike"
ELSEWHERE, UNKNOWN = "elsewhere", "unknown"
"""How two runs compare: the same as far as both go; apart at the start, in a step, between two steps; without a common
weight; apart where they were made, but not when taken again here; or the same in the snapshots that both keep, which
end too early to tell."""


@final
@dataclass(frozen=True)
class Setting:
    """A setting that differs.

    Parameters
    ----------
    name : str
    a, b : str
        What it is in either run.
    """

    name: str
    a: str
    b: str


@final
@dataclass(frozen=True)
class WeightDifference:
    """One weight that differs.

    Parameters
    ----------
    name : str
        Such as "weights[1][12, 3]".
    layer : int
    a, b : float
        What it is in either run.
    """

    name: str
    layer: int
    a: float
    b: float

    @property
    def difference(self) -> float:
        """How far they are apart."""
        return self.b - self.a


@final
@dataclass(frozen=True)
class LayerDifference:
    """How the weights of one layer differ.

    Parameters
    ----------
    layer : int
    called : str
    differ, parameters : int
        How many of how many.
    largest : float
        The largest difference, without its sign.
    """

    layer: int
    called: str
    differ: int
    parameters: int
    largest: float


@final
@dataclass(frozen=True, repr=False)
class Diff(Told):
    """Where two runs part.

    Parameters
    ----------
    names : (str, str)
        What the runs are called.
    steps : (int, int)
        How many steps each took.
    settings : tuple of Setting
        What differed beforehand.
    outcome : str
        "same", "start", "step", "between", "unlike", "elsewhere" (apart as recorded, but not when taken again here) or
        "unknown" (the same in the snapshots that both keep).
    same_until : int
        So many steps are known to have left the same bits.
    step : int or None
        The first step that left other weights, counted from 0; None where it is not known, or there is none.
    until : int or None
        Where the step is not known: after so many steps the weights are others.
    epoch : int or None
        The epoch of the step.
    first, largest : WeightDifference or None
        The first weight that differs, in the order of θ, and the one that differs most.
    layers : tuple of LayerDifference
        Those that differ.
    causes : tuple of str
        Sentences: what made that step, or could explain it.
    remark : str
        Why no more is known; "" where all is.
    """

    names: tuple[str, str]
    steps: tuple[int, int]
    settings: tuple[Setting, ...]
    outcome: str
    same_until: int
    step: int | None = None
    until: int | None = None
    epoch: int | None = None
    first: WeightDifference | None = None
    largest: WeightDifference | None = None
    layers: tuple[LayerDifference, ...] = ()
    causes: tuple[str, ...] = ()
    remark: str = ""

    @property
    def same(self) -> bool:
        """Whether the runs are known to have left the same bits as far as both go."""
        return self.outcome == SAME

    def document(self) -> Document:
        """Return it as a document: the sentence first."""
        from glassnet.insight.why.difference_words import document

        return document(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            **{name: value for name, value in vars(self).items() if name not in ("settings", "layers")},
            "names": list(self.names),
            "steps": list(self.steps),
            "same": self.same,
            "settings": [asdict(each) for each in self.settings],
            "first": None if self.first is None else {**asdict(self.first), "difference": self.first.difference},
            "largest": None
            if self.largest is None
            else {**asdict(self.largest), "difference": self.largest.difference},
            "layers": [asdict(each) for each in self.layers],
            "causes": list(self.causes),
        }


def weights_apart(net: Network, a: Array, b: Array) -> dict[str, Any]:
    """Return how two θ differ, as a `Diff` holds it; `net` names layers and weights."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    unlike = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not unlike.any():
        return {}
    with np.errstate(invalid="ignore"):
        size = np.where(unlike, np.nan_to_num(np.abs(b - a), nan=np.inf), 0.0)
    layers = []
    for k, layer in enumerate(net.layers):
        places = [np.arange(place.start, place.stop) for owner, _, place in net.layout.places if owner == k]
        if places and unlike[np.concatenate(places)].any():
            here = np.concatenate(places)
            there = int(net.layout.mask("present")[here].sum())
            layers.append(LayerDifference(k, repr(layer), int(unlike[here].sum()), there, float(size[here].max())))
    found = {"first": int(np.flatnonzero(unlike)[0]), "largest": int(size.argmax())}
    named = {
        which: WeightDifference(str(place_of(net, i)), place_of(net, i).k, float(a[i]), float(b[i]))
        for which, i in found.items()
    }
    return {**named, "layers": tuple(layers)}
