"""What is found about hidden units, as records: a unit, a layer, the links of a layer, and all of it.

A record knows how to become plain values; words and pages are made elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.subject import printable

Array = NDArray[Any]
State = Literal["works", "dead", "constant", "saturated"]
Truth = Literal["classes", "predicted classes", "numbers", "predicted numbers"]

_INPUT_LONG = ("weights", "incoming_correlation", "direction", "best_input", "row_mean")


@final
@dataclass(frozen=True, eq=False)
class Unit:
    """One hidden unit, over the rows that were looked at.

    Attributes
    ----------
    layer, index : int
        Neuron `index` of ``net.layers[layer]``.
    activation : str
    hears : int or None
        The Dense layer whose neurons its incoming links come from; None where they come from the input.
    heard_by : int
        The next Dense layer.
    state : {"works", "dead", "constant", "saturated"}
        "dead" is active (not 0) at no row; "constant" gives the same number at all rows; "saturated" has, at 95 % of
        the rows or more, a slope under a hundredth of the largest its activation has (for bounded activations).
    mean, deviation, lowest, highest : float
        Of its activity.
    active : float
        The share of rows with an activity above 0.
    class_means : (c,) array
        Mean activity over the rows of each class.
    auroc : (c,) array
        How well its activity alone tells each class from the rest: 1 always, ½ like a coin, 0 silent for just this one.
    selectivity : float
        (μ₁ − μ₋₁)/(μ₁ + μ₋₁) from 0 to 1, as in `glassnet.insight.features.activity.selectivity`; NaN where not told.
    truth_correlation : (outputs,) array
        Where the truth is numbers: the correlation of its activity with each of them.
    effect : (outputs,) array
        What it does to each output: the mean over rows of a · ∂z/∂a, with z the output before its activation.
    rows : (t,) array of int
        Rows of X that excite it most, the strongest first; none that leave it at its lowest activity.
    activities : (t,) array
    answers : tuple of str
        The class, or the truth, of those rows.
    row_mean : (inputs,) array
        The mean of those rows; NaN where there are none.
    weights : (n,) array
        Its incoming weights.
    bias : float
    incoming_correlation : (n,) array
        Correlation over rows of its activity with that of each incoming link's other end; NaN where one never moves.
    outgoing_weights, outgoing_correlation : (p,) arrays
        The same for its links into the next Dense layer.
    direction : (inputs,) array
        First layer: the incoming weights. Later ones: the mean of ∂z/∂x over the rows with its largest activity and,
        where activities are equal, with the largest z.
    best_input : (inputs,) array
        An input with a large z within the data's range and no further from the mean row than half of the rows are.
        In the first layer it is the best there is; in later ones what ascent finds.
    best_z, highest_z : float
        z at that input, and the highest z at any row.
    same_as : tuple of str
        Other units of its layer that say the same thing.
    """

    layer: int
    index: int
    activation: str
    hears: int | None
    heard_by: int
    state: State
    mean: float
    deviation: float
    lowest: float
    highest: float
    active: float
    class_means: Array
    auroc: Array
    selectivity: float
    truth_correlation: Array
    effect: Array
    rows: Array
    activities: Array
    answers: tuple[str, ...]
    row_mean: Array
    weights: Array
    bias: float
    incoming_correlation: Array
    outgoing_weights: Array
    outgoing_correlation: Array
    direction: Array
    best_input: Array
    best_z: float
    highest_z: float
    same_as: tuple[str, ...]

    @property
    def name(self) -> str:
        """Layer and neuron, as in "0:17"."""
        return f"{self.layer}:{self.index}"

    @property
    def sees(self) -> int | None:
        """The class that its activity tells best from the rest; None without classes, or for a unit that never moves.

        Equally good classes, as for two classes' complement, fall to the first.
        """
        if self.state in ("dead", "constant") or not np.isfinite(self.auroc).any():
            return None
        return int(np.nanargmax(self.auroc))

    @property
    def telling(self) -> float:
        """How much its activity tells of the truth, 0 to 1: the largest |2 · AUROC − 1|, or |correlation|."""
        told = np.abs(np.concatenate([2 * self.auroc - 1, self.truth_correlation]))
        return 0.0 if self.state in ("dead", "constant") or not np.isfinite(told).any() else float(np.nanmax(told))

    def to_dict(self, *, whole: bool = True) -> dict[str, Any]:
        """Return plain values; without `whole`, arrays as long as a layer's input or the next layer are left out."""
        left_out = () if whole else (*_INPUT_LONG, "outgoing_weights", "outgoing_correlation")
        kept = {name: plain(value) for name, value in vars(self).items() if name not in left_out}
        return {"name": self.name, "sees": self.sees, **kept}


@final
@dataclass(frozen=True)
class HiddenLayer:
    """A hidden layer in figures.

    Attributes
    ----------
    layer : int
    units : int
    activation : str
    dead, constant, saturated : tuple of int
        Which neurons.
    alike : tuple of tuples of int
        Groups of neurons with |correlation| above the threshold, directly or through another of the group.
    """

    layer: int
    units: int
    activation: str
    dead: tuple[int, ...]
    constant: tuple[int, ...]
    saturated: tuple[int, ...]
    alike: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: plain(value) for name, value in vars(self).items()}


@final
@dataclass(frozen=True)
class LayerLinks:
    """Whether what fires together is wired together, for all links into one layer.

    Attributes
    ----------
    layer : int
    links : int
        How many links exist.
    compared : int
        How many of them have two ends that move.
    rank_correlation : float
        Spearman's, of the links' weights and the correlations of the activities of their ends.
    """

    layer: int
    links: int
    compared: int
    rank_correlation: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: plain(value) for name, value in vars(self).items()}


@final
@dataclass(frozen=True, eq=False)
class Features:
    """What each hidden unit has learned to see.

    Attributes
    ----------
    units : tuple of Unit
        By layer and neuron.
    layers : tuple of HiddenLayer
    links : tuple of LayerLinks
        For the links into each of those layers, and into the Dense layers that listen to them.
    truth : {"classes", "predicted classes", "numbers", "predicted numbers"}
        What units are compared with; predictions stand in where no truth was given.
    classes : tuple of str
        Names of the classes; empty where the truth is numbers.
    class_counts : tuple of int
        How many of the rows each class has.
    outputs, inputs : tuple of str
        Names of the outputs and of the inputs.
    image_shape : tuple of (int, int) or None
    rows, rows_given : int
        How many rows were looked at, of how many.
    seed : int
        Which rows were drawn, where not all were looked at.
    effect_rows : int
        Over how many of the rows the effects of layers before the last hidden one are means; fewer for large networks
        with many outputs. Those of the last hidden layer are over all rows.
    alike_above : float
        |correlation| from which units count as saying the same thing.
    net : str
        The network in one line.
    output_layer : int
    low, high, centre : (inputs,) arrays
        The smallest and largest value and the mean of each input over the rows.
    radius : float
        Half of the rows are no further from their mean.
    shown : mapping of int to (inputs,) array
        The rows of X that stand in the units' `rows`.
    """

    units: tuple[Unit, ...]
    layers: tuple[HiddenLayer, ...]
    links: tuple[LayerLinks, ...]
    truth: Truth
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    image_shape: tuple[int, int] | None
    rows: int
    rows_given: int
    seed: int
    effect_rows: int
    alike_above: float
    net: str
    output_layer: int
    low: Array
    high: Array
    centre: Array
    radius: float
    shown: dict[int, Array]

    def unit(self, layer: int, index: int) -> Unit:
        """Return one unit.

        Raises
        ------
        InputError
            If there is no such hidden unit among those looked at.
        """
        for unit in self.units:
            if (unit.layer, unit.index) == (layer, index):
                return unit
        known = ", ".join(f"{each.layer}:0 to {each.layer}:{each.units - 1}" for each in self.layers)
        raise InputError(f"There is no hidden unit {layer}:{index} here; expected one of {known}.")

    def class_index(self, name: str | int) -> int:
        """Return the place of a class by its name (or, where no class is called so, by its number).

        Raises
        ------
        InputError
            If there is no such class.
        """
        if not self.classes:
            raise InputError(f"There is no class {name!r}: the truth here is numbers, not classes.")
        if printable(str(name)) in self.classes:
            return self.classes.index(printable(str(name)))
        if isinstance(name, int | np.integer) and not isinstance(name, bool) and 0 <= name < len(self.classes):
            return int(name)
        shown = ", ".join(self.classes[:20]) + (", …" if len(self.classes) > 20 else "")
        raise InputError(f"There is no class {name!r}; expected one of {shown}.")

    def seeing(self, name: str | int) -> tuple[Unit, ...]:
        """Return the units that move, best first in telling a class from the rest: which neurons see an 8.

        By AUROC; equal ones by what they do to the output of that class, where each class has an output.

        Raises
        ------
        InputError
            If there is no such class.
        """
        c = self.class_index(name)
        usable = [unit for unit in self.units if np.isfinite(unit.auroc[c]) and unit.state not in ("dead", "constant")]
        return tuple(sorted(usable, key=lambda unit: (-unit.auroc[c], -self.effect_on(unit, c))))

    def effect_on(self, unit: Unit, c: int) -> float:
        """Return what a unit does to class c: its effect on the class's output; for yes and no on one output, ∓."""
        if len(self.outputs) == len(self.classes):
            return float(unit.effect[c])
        return float(unit.effect[0]) * (1 if c == 1 else -1)

    def to_dict(self, *, whole: bool = True) -> dict[str, Any]:
        """Return plain values for JSON, NaN as None.

        Parameters
        ----------
        whole : bool
            Whether every unit's arrays that are as long as an input or a layer (weights, their correlations, the mean
            of its rows, its best input) are in it; they are many numbers for a large network.
        """
        named = (
            "net",
            "truth",
            "classes",
            "class_counts",
            "outputs",
            "rows",
            "rows_given",
            "seed",
            "effect_rows",
            "alike_above",
        )
        long = {name: plain(getattr(self, name)) for name in ("inputs", "image_shape", "low", "high", "centre")}
        return {
            **{name: plain(getattr(self, name)) for name in named},
            "radius": plain(self.radius),
            **(long if whole else {}),
            "layers": [layer.to_dict() for layer in self.layers],
            "links": [links.to_dict() for links in self.links],
            "units": [unit.to_dict(whole=whole) for unit in self.units],
        }

    def text(self, *, of: str | int | None = None, unit: tuple[int, int] | None = None) -> str:
        """Return what was found as lines for a terminal.

        Parameters
        ----------
        of : str, int or None
            A class: which units see it.
        unit : (layer, index) or None
            One unit, in full.

        Raises
        ------
        InputError
            If there is no such class or unit.
        """
        from glassnet.insight.features.words import about_class, about_unit, overview

        if unit is not None:
            return about_unit(self, self.unit(*unit))
        return overview(self) if of is None else about_class(self, self.class_index(of))

    def html(self, *, of: str | int | None = None, unit: tuple[int, int] | None = None, per_layer: int = 300) -> str:
        """Return a self-contained page.

        Parameters
        ----------
        of : str, int or None
            A class to begin with: the units that see it come first.
        unit : (layer, index) or None
            Show this unit alone.
        per_layer : int
            How many units of a layer are shown at most; those that tell most of the truth, and the rest is counted.

        Raises
        ------
        InputError
            If there is no such class or unit.
        """
        from glassnet.insight.features.document import document

        chosen = None if unit is None else self.unit(*unit)
        return document(self, None if of is None else self.class_index(of), chosen, per_layer)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("What hidden units see", self.html())


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: arrays and tuples as lists, numbers that are not finite as None."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return [plain(inner) for inner in value] if isinstance(value, Sequence) and not isinstance(value, str) else value
