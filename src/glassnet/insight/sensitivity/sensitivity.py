"""What a sensitivity found, as a record, and the lists that are read from it; words and page are made next door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.network.dense import Dense
from glassnet.network.network import Network

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class WeightEffect:
    """One weight or bias, and how the error reacts to it.

    Parameters
    ----------
    name : str
        "weights[1][12, 3]".
    layer : int
    source, target : str
        What the link leads from and to; a bias comes from "bias".
    value : float
    magnitude : float
        The mean of |∂E/∂w| over rows.
    mean : float
        The mean of ∂E/∂w: rows that pull in opposite directions cancel in it.
    last_update : float or None
        What the last step of training added to it.
    ratio : float or None
        |last update| over |mean|; for plain descent over these rows it is the learning rate.
    """

    name: str
    layer: int
    source: str
    target: str
    value: float
    magnitude: float
    mean: float
    last_update: float | None
    ratio: float | None


@final
@dataclass(frozen=True)
class InputEffect:
    """One input, and how the error reacts to it.

    Parameters
    ----------
    name : str
    magnitude, mean : float
        The means of |∂E/∂x| and ∂E/∂x over rows.
    spread : float
        The standard deviation of the input over all rows.
    scaled : float
        magnitude · spread, by which inputs of different units compare.
    value : float or None
        Of the row, where the question is about one.
    """

    name: str
    magnitude: float
    mean: float
    spread: float
    scaled: float
    value: float | None


@final
@dataclass(frozen=True)
class LayerEffect:
    """One layer's weights and biases together.

    Parameters
    ----------
    layer : int
    called : str
    parameters : int
    average, largest : float
        Of |∂E/∂w| (meant over rows) over the layer's parameters.
    share : float
        Of the sum over the whole network.
    update : float or None
        The mean size of the last update.
    """

    layer: int
    called: str
    parameters: int
    average: float
    largest: float
    share: float
    update: float | None


@final
@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How strongly the error reacts to each weight and each input.

    Attributes
    ----------
    network : Network
        A float64 copy.
    loss : str
    rows : int
        How many rows there were.
    row : int or None
        The row it is about; None is the mean over all.
    error : float
        The row's error, or the mean of all.
    magnitude, mean : (n,) float64 arrays
        The means over rows of |∂E/∂θ| and ∂E/∂θ, with θ's layout.
    input_magnitude, input_mean, input_spread : (inputs,) float64 arrays
        The means of |∂E/∂x| and ∂E/∂x; the standard deviation of each input over all rows.
    x : (inputs,) array or None
        The row.
    last_update : (n,) float64 array or None
    last_update_says : str
        Which step that was, or why it is not known; empty where nobody asked.
    feature_names, class_names : tuples of str
    image_shape : (int, int) or None
    """

    network: Network
    loss: str
    rows: int
    row: int | None
    error: float
    magnitude: Array
    mean: Array
    input_magnitude: Array
    input_mean: Array
    input_spread: Array
    x: Array | None
    last_update: Array | None
    last_update_says: str
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None

    @property
    def input_scaled(self) -> Array:
        """|∂E/∂x| times the input's standard deviation, (inputs,)."""
        scaled: Array = self.input_magnitude * self.input_spread
        return scaled

    def top(self, k: int = 20, layer: int | None = None) -> list[WeightEffect]:
        """Return the k weights and biases that the error reacts to most, of the whole network or of one layer."""
        there = self.network.layout.mask("present")
        if layer is not None:
            own = [place for owner, _, place in self.network.layout.places if owner == layer]
            inside = np.zeros(len(there), bool)
            for place in own:
                inside[place] = True
            there &= inside
        candidates = np.flatnonzero(there)
        order = np.argsort(-self.magnitude[candidates], kind="stable")[: max(0, k)]
        return [self._effect(int(i)) for i in candidates[order]]

    def inputs(self, k: int | None = None) -> list[InputEffect]:
        """Return the k inputs that the error reacts to most, scaled by their spread; None is all of them."""
        order = np.argsort(-self.input_scaled, kind="stable")[: len(self.input_scaled) if k is None else max(0, k)]
        return [
            InputEffect(
                name=self.feature_names[j],
                magnitude=float(self.input_magnitude[j]),
                mean=float(self.input_mean[j]),
                spread=float(self.input_spread[j]),
                scaled=float(self.input_scaled[j]),
                value=None if self.x is None else float(self.x[j]),
            )
            for j in order
        ]

    def layers(self) -> list[LayerEffect]:
        """Return one entry for each layer that has weights."""
        present, total = self.network.layout.mask("present"), float(self.magnitude.sum())
        found = []
        for k, layer in enumerate(self.network.layers):
            places = [
                np.arange(place.start, place.stop) for owner, _, place in self.network.layout.places if owner == k
            ]
            if not places:
                continue
            here = np.concatenate(places)
            here = here[present[here]]
            size = self.magnitude[here]
            update = None if self.last_update is None else float(np.abs(self.last_update[here]).mean())
            share = float(size.sum()) / total if total else 0.0
            found.append(LayerEffect(k, repr(layer), len(here), float(size.mean()), float(size.max()), share, update))
        return found

    def rank_correlation(self) -> float | None:
        """Return Spearman's rank correlation of |∂E/∂w| and |last update|, None where one of them does not vary."""
        if self.last_update is None:
            return None
        from scipy import stats

        there = self.network.layout.mask("trainable")
        a, b = self.magnitude[there], np.abs(self.last_update[there])
        if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
            return None
        return float(stats.spearmanr(a, b).statistic)

    def text(self, top: int = 20) -> str:
        """Return tables and sentences for a terminal."""
        from glassnet.insight.sensitivity.words import text

        return text(self, top)

    def html(self, title: str = "Sensitivity", top: int = 20) -> str:
        """Return a whole page: inputs as bars or a picture, weights as tables with bars."""
        from glassnet.insight.sensitivity.drawing import sensitivity_page

        return sensitivity_page(self, title, top)

    def to_dict(self, top: int = 20) -> dict[str, Any]:
        """Return plain values: all inputs, every layer, and the `top` weights of the network and of each layer."""
        layers = self.layers()
        return {
            "loss": self.loss,
            "rows": self.rows,
            "row": self.row,
            "error": self.error,
            "weights": [dataclasses.asdict(each) for each in self.top(top)],
            "layers": [
                {**dataclasses.asdict(each), "weights": [dataclasses.asdict(w) for w in self.top(top, each.layer)]}
                for each in layers
            ],
            "inputs": [dataclasses.asdict(each) for each in self.inputs()],
            "last_update": self.last_update_says,
            "rank_correlation": self.rank_correlation(),
        }

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("Sensitivity", self.html())

    def _effect(self, i: int) -> WeightEffect:
        k, _, at = self.network.layout.locate(i)
        update = None if self.last_update is None else float(self.last_update[i])
        slope = abs(float(self.mean[i]))
        return WeightEffect(
            name=self.network.layout.describe(i),
            layer=k,
            source=self._source(k, at[0]) if len(at) == 2 else "bias",
            target=self._target(k, at[-1]),
            value=float(self.network.theta[i]),
            magnitude=float(self.magnitude[i]),
            mean=float(self.mean[i]),
            last_update=update,
            ratio=None if update is None or slope == 0 else abs(update) / slope,
        )

    def _source(self, k: int, j: int) -> str:
        """Name what input j of layer k is: an input of the network, or a unit of the dense layer before."""
        before = [i for i in range(k) if isinstance(self.network.layers[i], Dense)]
        return self._target(before[-1], j) if before else self.feature_names[j]

    def _target(self, k: int, i: int) -> str:
        last = k == len(self.network.layers) - 1
        return f"output {self.class_names[i]}" if last else f"unit {i} of layer {k}"
