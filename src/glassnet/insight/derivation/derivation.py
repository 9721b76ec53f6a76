"""What `explain` found: the derivative of the error by one weight, with every number that it is made of."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.derivation.chain import Chain, Stage
from glassnet.insight.derivation.paths import Path, largest_paths
from glassnet.insight.derivation.sharing import Sharing
from glassnet.insight.derivation.symbols import blame_symbol, signal_symbol, slope_of_a_symbol, slope_symbol
from glassnet.insight.documents import Document, Told
from glassnet.insight.places import Place
from glassnet.insight.subject import Subject

Array = NDArray[Any]

MOST_PATHS_KEPT = 10_000


@final
@dataclass(frozen=True)
class Factor:
    """One factor of a derivative.

    Parameters
    ----------
    name : str
        What it is: "share of the row", "signal", "slope", "error by activation", "blame".
    symbol : str
        LaTeX.
    value : float
    shared_by : int
        Of how many of the row's derivatives it is a factor, this one included.
    """

    name: str
    symbol: str
    value: float
    shared_by: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"name": self.name, "symbol": self.symbol, "value": self.value, "shared_by": self.shared_by}


@final
@dataclass(frozen=True)
class Shares:
    """What each row puts into the derivative: c · a_j · δ_i.

    Parameters
    ----------
    rows : (m,) int array
        The rows' numbers.
    coefficient : (m,) array
        c, the row's share in the step's error.
    signal : (m,) array
        a_j, what came in; 1 for a bias.
    blame : (m,) array
        δ_i of the row's own error.
    """

    rows: Array
    coefficient: Array
    signal: Array
    blame: Array

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def value(self) -> Array:
        """Each row's part of the derivative, (m,)."""
        return self.coefficient * self.signal * self.blame

    @property
    def largest(self) -> int:
        """The position of the row that puts in most."""
        return int(np.argmax(np.abs(self.value)))


@final
@dataclass(frozen=True, repr=False)
class Derivation(Told):
    """The derivative of the error by one weight or bias, and how it comes about; prints itself.

    Attributes
    ----------
    place : Place
        The weight or bias.
    value : float
        ∂E/∂w by backpropagation, in float64.
    numerical : float
        ∂E/∂w by nudging the weight; NaN where the error has a kink at it, so that there is no derivative.
    bound : float
        How far rounding alone can put the numerical one off.
    shares : Shares
        What each row puts in.
    penalty : tuple of two floats
        What the penalties put in: l1·sign(w) and l2·w.
    chain : Chain
        Every number on the way of the row that is told in full: the one that puts in most.
    subject : Subject
        Network, rows and loss.
    masks : mapping
        Dropout masks by layer, (m, units).
    most : int
        How many paths, neurons and rows are told at most where there are more.
    chosen : str
        Why it is about this weight, where none was named.
    units : str
        How x and y come from what was measured, and what this row has in its own units; "" where nothing is known.
    """

    place: Place
    value: float
    numerical: float
    bound: float
    shares: Shares
    penalty: tuple[float, float]
    chain: Chain
    subject: Subject
    masks: dict[int, Array]
    most: int
    chosen: str = ""
    units: str = ""

    @property
    def row(self) -> int:
        """The number of the row that is told in full."""
        return int(self.shares.rows[self.chain.row])

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages from the weight's layer to the error."""
        return self.own_chain.stages

    @functools.cached_property
    def own_chain(self) -> Chain:
        """The chain from the weight's layer on."""
        return self.chain.behind(self.place.k)

    @functools.cached_property
    def sharing(self) -> Sharing:
        """Who shares what in this row's gradient."""
        return Sharing(self.subject.network, self.chain)

    @functools.cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors of the row that is told in full; of a single row without penalty their product is the value."""
        stage, i, share = self.stages[0], self.place.neuron, self.sharing
        c = float(self.shares.coefficient[self.chain.row])
        found: list[Factor] = []
        if c != 1:
            found.append(Factor("share of the row", f"c_{{{self.row}}}", c, share.parameters))
        if (j := self.place.signal) is not None:
            found.append(Factor("signal", signal_symbol(stage, j), float(stage.x[j]), share.of_signal(stage.k, j)))
        shared = share.of_blame(stage.k, i)
        if len(self.stages) == 1 and self.chain.ends_in_blame:
            return (*found, Factor("blame", blame_symbol(stage, i), float(stage.blame[i]), shared))
        found.append(Factor("slope", slope_symbol(stage, i), float(stage.gain[i]), shared))
        name = "error by activation"
        found.append(Factor(name, slope_of_a_symbol(stage, i), float(stage.slope_of_a[i]), shared))
        return tuple(found)

    @functools.cached_property
    def path_count(self) -> int:
        """How many paths lead from the weight to the error."""
        return self.sharing.paths_from(self.place.k, self.place.neuron)

    @functools.cached_property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the row that is told in full, the largest first: all where there are no more than 10,000."""
        most = self.path_count if self.path_count <= MOST_PATHS_KEPT else self.most
        return tuple(largest_paths(self.own_chain, self.place.signal, self.place.neuron, most))

    @property
    def row_value(self) -> float:
        """a_j · δ_i of the row that is told in full."""
        return float(self.shares.signal[self.chain.row] * self.shares.blame[self.chain.row])

    def remainder(self, told: int) -> float:
        """Return what all paths but the first `told` put in together."""
        return self.row_value - math.fsum(path.value for path in self.paths[:told])

    def document(self) -> Document:
        """Return the derivation."""
        from glassnet.insight.derivation.telling import tell

        return tell(self)

    def __repr__(self) -> str:
        return f"<Derivation of {self.place}: value {self.value!r}, numerical {self.numerical!r}>"

    def to_dict(self) -> dict[str, Any]:
        """Return every number at full precision, as plain values.

        Returns
        -------
        dict
            ``value``, ``numerical``, ``factors``, ``paths`` (with ``path_count`` and the ``remainder`` of those not
            listed), ``rows`` (what each puts in), ``penalty``, ``stages`` (z, a, slope, blame and more of each layer on
            the way) and ``sharing``.
        """
        subject, shares = self.subject, self.shares
        return {
            "weight": str(self.place),
            "layer": self.place.k,
            "at": list(self.place.at),
            "symbol": self.place.latex,
            "theta": float(subject.network.theta[self.place.index]),
            "loss": subject.objective.loss.name,
            "reduction": subject.objective.reduction,
            "value": self.value,
            "numerical": None if math.isnan(self.numerical) else self.numerical,
            "difference": None if math.isnan(self.numerical) else self.value - self.numerical,
            "rounding_bound": self.bound,
            "chosen": self.chosen,
            "rows": [
                {"row": int(r), "coefficient": float(c), "signal": float(a), "blame": float(d), "value": float(v)}
                for r, c, a, d, v in zip(
                    shares.rows, shares.coefficient, shares.signal, shares.blame, shares.value, strict=True
                )
            ],
            "penalty": {"l1": self.penalty[0], "l2": self.penalty[1]},
            "row": self.row,
            "row_value": self.row_value,
            "error": self.chain.error,
            "y": self.chain.y.tolist(),
            "factors": [factor.to_dict() for factor in self.factors],
            "path_count": self.path_count,
            "paths": [path.to_dict() for path in self.paths],
            "remainder": self.remainder(len(self.paths)) if len(self.paths) < self.path_count else 0.0,
            "stages": [_stage_to_dict(stage) for stage in self.stages],
            "sharing": self.sharing.to_dict(),
        }


def _stage_to_dict(stage: Stage) -> dict[str, Any]:
    values = {
        "x": stage.x,
        "z": stage.z,
        "a": stage.a,
        "slope": stage.slope,
        "slope_of_a": stage.slope_of_a,
        "blame": stage.blame,
        "scale": stage.links if stage.one_to_one else None,
    }
    plain = {name: array.tolist() for name, array in values.items() if array is not None}
    return {"layer": stage.k, "kind": repr(stage.layer), **plain}
