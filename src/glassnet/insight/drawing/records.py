"""What a drawing holds: columns of neurons, the links between them, and totals that say what is left out.

Plain values only. It knows nothing of how they were computed, nor of how they are drawn.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

LINKS = 100
"""At most so many links between two columns are drawn by themselves."""


@final
@dataclass(frozen=True)
class Split:
    """A total in two parts.

    Parameters
    ----------
    drawn, rest : float
        What is drawn one by one, and what is drawn as a band.
    """

    drawn: float
    rest: float

    @property
    def total(self) -> float:
        """Both parts together."""
        return self.drawn + self.rest

    def to_dict(self) -> dict[str, float]:
        """Return both parts and the total."""
        return {"drawn": self.drawn, "rest": self.rest, "total": self.total}


@final
@dataclass(frozen=True)
class Neuron:
    """A neuron, or an input, that is drawn by itself. What depends on a row is None where no row was chosen.

    Parameters
    ----------
    index : int
        Its place in its layer, from 0 on.
    name : str
    bias : float or None
        None for an input, and in a layer without biases.
    z : float or None
        The weighted sum; None for an input.
    a : float or None
        The activation; for an input the input itself.
    slope : float or None
        g′(z); None for an input, and where the activation acts on all neurons of a row together (softmax).
    blame : float or None
        ∂E/∂z; for an input ∂E/∂x.
    truth : float or None
        y, for an output.
    keep : float
        What Dropout multiplies its output by: 0 where it was dropped, 1/(1 − rate) where it was kept, 1 without.
    signals : Split or None
        Σ w·a over the links that come in; with the bias it is z.
    shares : Split or None
        Its shares of blame over the links that go out; they add up to its blame, or to ∂E/∂a where there is no slope.
        None for an output.
    weight_in, weight_out : Split or None
        Σ|w| over the links that come in and that go out.
    """

    index: int
    name: str
    bias: float | None = None
    z: float | None = None
    a: float | None = None
    slope: float | None = None
    blame: float | None = None
    truth: float | None = None
    keep: float = 1.0
    signals: Split | None = None
    shares: Split | None = None
    weight_in: Split | None = None
    weight_out: Split | None = None


@final
@dataclass(frozen=True)
class Column:
    """The inputs, or the neurons of one layer with the Dropout layers that follow it.

    Parameters
    ----------
    layer : int or None
        Its place in ``net.layers``; None for the inputs.
    activation : str or None
    dropout : tuple of float
        The rates of the Dropout layers that follow.
    units : int
        How many neurons it has, drawn or not.
    neurons : tuple of Neuron
        Those drawn, by index.
    abs_blame : Split or None
        Σ|blame| of the neurons drawn and of the rest.
    title : str or None
        What stands over it; None says which layer it is.
    """

    layer: int | None
    activation: str | None
    dropout: tuple[float, ...]
    units: int
    neurons: tuple[Neuron, ...]
    abs_blame: Split | None
    title: str | None = None

    @property
    def rest(self) -> int:
        """How many neurons are not drawn by themselves."""
        return self.units - len(self.neurons)


@final
@dataclass(frozen=True)
class Link:
    """A link that is drawn by itself.

    Parameters
    ----------
    source, target : int
        Indices within the column before and the column after; source is -1 for a bias, the input that is always on.
    weight : float
    share : float or None
        Its share of blame: the weight, times the blame of the neuron after it, times the slope (and mask) of the one
        before it. None for a bias: what is always on is not to blame.
    gradient : float or None
        ∂E/∂weight: the signal that came in, times the blame of the neuron after it. For a bias that blame itself.
    """

    source: int
    target: int
    weight: float
    share: float | None
    gradient: float | None


@final
@dataclass(frozen=True)
class Gap:
    """The links from one column to the next.

    Parameters
    ----------
    layer : int
        The layer whose weights they are.
    links : tuple of Link
        Those drawn.
    biases : tuple of Link
        Of the neurons drawn; not counted in the totals.
    count : Split
        How many links are drawn, and how many lie in the band.
    abs_weight : Split
        Σ|weight|.
    abs_share : Split or None
        Σ|share of blame|.
    """

    layer: int
    links: tuple[Link, ...]
    biases: tuple[Link, ...]
    count: Split
    abs_weight: Split
    abs_share: Split | None


@final
@dataclass(frozen=True)
class Drawing:
    """A network as it is drawn.

    Parameters
    ----------
    columns : tuple of Column
        From the inputs to the outputs.
    gaps : tuple of Gap
        ``gaps[c]`` leads from ``columns[c]`` to ``columns[c + 1]``.
    row : int or None
        Whose blame is drawn.
    loss_name : str or None
    loss : float or None
        E of the row.
    training : bool
        Whether Dropout layers drop.
    image_shape : (int, int) or None
        The inputs' shape, where they are an image.
    image : tuple of float or None
        The row's inputs, where they are an image.
    measure : str
        By what the drawn neurons and links were chosen, where not all are drawn.
    """

    columns: tuple[Column, ...]
    gaps: tuple[Gap, ...]
    row: int | None
    loss_name: str | None
    loss: float | None
    training: bool
    image_shape: tuple[int, int] | None
    image: tuple[float, ...] | None
    measure: str

    def to_dict(self) -> dict[str, Any]:
        """Return every number at full precision, as plain values."""
        return {
            "row": self.row,
            "loss": None if self.row is None else {"name": self.loss_name, "value": self.loss},
            "training": self.training,
            "measure": self.measure,
            "image_shape": None if self.image_shape is None else list(self.image_shape),
            "columns": [{**_plain(column), "rest": column.rest} for column in self.columns],
            "gaps": [_plain(gap) for gap in self.gaps],
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Split):
        return value.to_dict()
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
