"""Which neurons and links are drawn by themselves, and what the others come to together. It draws nothing.

A link from j to i carries blame back: its share is θ_ij δ_i times what lies between, the slope g′(z_j) and the Dropout
mask of neuron j. Summed over i this is equation (2) of `glassnet.network.backprop`, so the shares of a neuron add up to
its blame. An input is taken as a neuron with the identity for an activation: its blame is ∂E/∂x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import NonFiniteError
from glassnet.insight.drawing.records import LINKS, Column, Drawing, Gap, Link, Neuron, Split
from glassnet.maths.activation import Activation, AnyActivation
from glassnet.network.backprop import Pass
from glassnet.network.network import Network
from glassnet.network.parameters import Parameters

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Row:
    """A row that went through the network.

    Parameters
    ----------
    number : int
    loss_name : str
    y : (outputs,) array
    result : Pass
        Of this row alone, in float64.
    training : bool
    """

    number: int
    loss_name: str
    y: Array
    result: Pass
    training: bool


@final
@dataclass
class _Stage:
    """A column before anything is chosen; arrays are (units,), None without a row."""

    layer: int | None
    activation: AnyActivation | None
    units: int
    names: Sequence[str]
    dropout: list[float]
    keep: Array
    bias: Array | None = None
    z: Array | None = None
    a: Array | None = None
    slope: Array | None = None
    blame: Array | None = None

    @property
    def between(self) -> Array:
        """What lies between ∂E/∂output and ∂E/∂z: the mask, and the slope where each neuron has one."""
        return self.keep if self.slope is None else self.keep * self.slope


@final
@dataclass
class _Links:
    """All links between two columns; arrays are (inputs, outputs)."""

    layer: int
    weights: Array
    present: NDArray[np.bool_]  # False where a layer in groups has no link
    signal: Array | None = None
    shares: Array | None = None


def plan(
    net: Network,
    row: Row | None,
    names: Mapping[int | None, Sequence[str]],
    *,
    neurons: int,
    image_shape: tuple[int, int] | None,
) -> Drawing:
    """Return what is to be drawn.

    Parameters
    ----------
    net : Network
        Of dtype float64.
    row : Row or None
    names : mapping
        Names of a layer's neurons, by its place in ``net.layers``; None is the inputs.
    neurons : int
        At most so many neurons of a layer are drawn by themselves.
    image_shape : (int, int) or None

    Raises
    ------
    NonFiniteError
        If a number that would be drawn is NaN or infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused, in a sentence
        stages, links = _stages(net, row, names)
        chosen = [_choose(c, stages, links, neurons) for c in range(len(stages))]
        drawn = [_choose_links(link, chosen[c], chosen[c + 1]) for c, link in enumerate(links)]
        columns = tuple(_column(c, stages, links, drawn, chosen[c], row) for c in range(len(stages)))
        gaps = tuple(_gap(link, drawn[c], stages[c + 1], chosen[c + 1]) for c, link in enumerate(links))
    strength = "Σ|weight| of a neuron's links" if row is None else "|blame|"
    return Drawing(
        columns=columns,
        gaps=gaps,
        row=None if row is None else row.number,
        loss_name=None if row is None else row.loss_name,
        loss=None if row is None else float(row.result.row_errors[0]),
        training=row is not None and row.training,
        image_shape=image_shape,
        image=None if row is None or image_shape is None else tuple(row.result.a[0][0].tolist()),
        measure=strength,
    )


def _stages(
    net: Network, row: Row | None, names: Mapping[int | None, Sequence[str]]
) -> tuple[list[_Stage], list[_Links]]:
    _require_finite(net.theta, "theta", net.layout.describe)
    inputs = net.shapes[0][0]
    stages = [_Stage(None, None, inputs, names[None], [], np.ones(inputs))]
    links: list[_Links] = []
    present = Parameters(net.layout, net.layout.mask("present"))
    if row is not None:
        stages[0].a = row.result.a[0][0]
    for k, layer in enumerate(net.layers):
        weights = net.weights[k]
        if weights is None:  # Dropout: part of the column it follows
            stages[-1].dropout.append(layer.drop_rate)
            if row is not None and k in row.result.masks:
                stages[-1].keep = stages[-1].keep * (row.result.masks[k][0] / (1 - layer.drop_rate))
            continue
        units = weights.shape[1]
        stage = _Stage(k, layer.activation, units, names[k], [], np.ones(units), net.biases[k])
        if row is not None:
            _run(stage, row)
        stages.append(stage)
        links.append(_Links(k, weights, present.weights[k]))
    if row is not None:
        _require_finite_pass(stages, row)
        _require_finite(row.result.row_errors, "loss", f"The error E of row {row.number}".format, None, row.number)
        for c, link in enumerate(links):
            after = stages[c + 1].blame
            link.signal = stages[c].a * stages[c].keep
            link.shares = link.weights * after * stages[c].between[:, None]  # θ_ij δ_i · mask_j g′(z_j)
            if c == 0:
                stages[0].blame = link.shares.sum(axis=1)  # ∂E/∂x
    return stages, links


def _run(stage: _Stage, row: Row) -> None:
    """Fill in what the row made of a layer."""
    k = stage.layer
    if k is None or stage.activation is None:
        return
    stage.z, stage.a, stage.blame = row.result.z[k][0], row.result.a[k + 1][0], row.result.blame[k][0]
    if isinstance(stage.activation, Activation):
        with np.errstate(all="ignore"):
            slope = np.asarray(stage.activation.slope(stage.z, stage.a), np.float64)
        stage.slope = np.broadcast_to(slope, stage.z.shape)


def _require_finite_pass(stages: list[_Stage], row: Row) -> None:
    """Name the first number that is not finite, in the order in which they come about: forward, then backward."""
    forward = [(stage, quantity) for stage in stages for quantity in ("z", "a")]
    backward = [(stage, quantity) for stage in reversed(stages) for quantity in ("slope", "blame")]
    for stage, quantity in forward + backward:
        values = getattr(stage, quantity)
        if values is not None:
            where = f"{quantity} of layer {stage.layer} in row {row.number}, neuron {{}},"
            _require_finite(values, quantity, where.format, stage.layer, row.number)


def _require_finite(
    values: Array, quantity: str, name: Callable[[int], str], layer: int | None = None, row: int | None = None
) -> None:
    if not np.isfinite(values).all():
        at = int(np.argmax(~np.isfinite(values)))
        raise _not_finite(f"{name(at)} is {values[at]}", quantity, layer, row, at)


def _not_finite(
    says: str, quantity: str, layer: int | None = None, row: int | None = None, unit: int | None = None
) -> NonFiniteError:
    return NonFiniteError(
        f"{says}; a picture needs finite numbers. Train again with a smaller learning rate, or scale X or the weights "
        "down.",
        step=0,
        quantity=quantity,
        layer=layer,
        row=row,
        unit=unit,
    )


# --- choosing ---------------------------------------------------------------------------------------------------------


def _choose(c: int, stages: list[_Stage], links: list[_Links], most: int) -> Array:
    """Return the neurons to draw, by index: those with the largest |blame|, then with the largest Σ|weight|."""
    stage = stages[c]
    if stage.units <= most:
        return np.arange(stage.units)
    weight = np.zeros(stage.units)
    if c > 0:
        weight = weight + np.abs(links[c - 1].weights).sum(axis=0)
    if c < len(links):
        weight = weight + np.abs(links[c].weights).sum(axis=1)
    blame = weight * 0 if stage.blame is None else np.abs(stage.blame)
    return np.sort(np.lexsort((-weight, -blame))[:most])


def _choose_links(link: _Links, sources: Array, targets: Array) -> Array:
    """Return which links are drawn, as (n, 2) pairs: between drawn neurons, the weakest left out beyond `LINKS`."""
    pairs: Array = np.stack(np.meshgrid(sources, targets, indexing="ij"), axis=-1).reshape(-1, 2)
    pairs = pairs[link.present[tuple(pairs.T)]]
    if len(pairs) <= LINKS:
        return pairs
    weight = np.abs(link.weights[tuple(pairs.T)])
    share = weight * 0 if link.shares is None else np.abs(link.shares[tuple(pairs.T)])
    return pairs[np.sort(np.lexsort((-weight, -share))[:LINKS])]


# --- totals -----------------------------------------------------------------------------------------------------------


def _split(values: Array, drawn: NDArray[np.bool_], quantity: str, layer: int | None) -> Split:
    split = Split(float(values[drawn].sum()), float(values[~drawn].sum()))
    if not np.isfinite([split.drawn, split.rest, split.total]).all():
        where = "over the inputs" if layer is None else f"of layer {layer}"
        raise _not_finite(f"Σ{quantity} {where} adds up to {split.total}", quantity, layer)
    return split


def _is_drawn(link: _Links, pairs: Array) -> NDArray[np.bool_]:
    drawn = np.zeros(link.weights.shape, bool)
    drawn[tuple(pairs.T)] = True
    return drawn


def _gap(link: _Links, pairs: Array, after: _Stage, targets: Array) -> Gap:
    drawn = _is_drawn(link, pairs)
    at = tuple(pairs.T)
    shares = [None] * len(pairs) if link.shares is None else link.shares[at].tolist()
    gradient = [None] * len(pairs)
    if link.signal is not None and after.blame is not None:
        slopes = link.signal[pairs[:, 0]] * after.blame[pairs[:, 1]]  # (4): a_j δ_i
        _require_finite(slopes, "gradient", f"A gradient of layer {link.layer}".format, link.layer)
        gradient = slopes.tolist()
    bias = [] if after.bias is None else after.bias[targets].tolist()
    blame = [None] * len(targets) if after.blame is None else after.blame[targets].tolist()  # (3): δ_i
    return Gap(
        layer=link.layer,
        links=tuple(map(Link, pairs[:, 0].tolist(), pairs[:, 1].tolist(), link.weights[at].tolist(), shares, gradient)),
        biases=tuple(Link(-1, i, b, None, delta) for i, b, delta in zip(targets.tolist(), bias, blame, strict=False)),
        count=Split(len(pairs), int(link.present.sum()) - len(pairs)),
        abs_weight=_split(np.abs(link.weights), drawn, "|weight|", link.layer),
        abs_share=None if link.shares is None else _split(np.abs(link.shares), drawn, "|share of blame|", link.layer),
    )


def _column(
    c: int, stages: list[_Stage], links: list[_Links], pairs: list[Array], chosen: Array, row: Row | None
) -> Column:
    stage = stages[c]
    drawn = np.zeros(stage.units, bool)
    drawn[chosen] = True
    last = c == len(stages) - 1
    coming = (links[c - 1], _is_drawn(links[c - 1], pairs[c - 1])) if c > 0 else None
    going = (links[c], _is_drawn(links[c], pairs[c])) if not last else None
    signal = None if coming is None else coming[0].signal
    found = []
    for i in chosen.tolist():
        neuron = Neuron(
            index=i,
            name=stage.names[i],
            bias=_at(stage.bias, i),
            z=_at(stage.z, i),
            a=_at(stage.a, i),
            slope=_at(stage.slope, i),
            blame=_at(stage.blame, i),
            truth=float(row.y[i]) if row is not None and last else None,
            keep=float(stage.keep[i]),
            signals=None
            if coming is None or signal is None
            else _split(coming[0].weights[:, i] * signal, coming[1][:, i], "(weight · input)", stage.layer),
            shares=None
            if going is None or going[0].shares is None
            else _split(going[0].shares[i], going[1][i], "(share of blame)", going[0].layer),
            weight_in=None
            if coming is None
            else _split(np.abs(coming[0].weights[:, i]), coming[1][:, i], "|weight|", stage.layer),
            weight_out=None
            if going is None
            else _split(np.abs(going[0].weights[i]), going[1][i], "|weight|", going[0].layer),
        )
        found.append(neuron)
    return Column(
        layer=stage.layer,
        activation=None if stage.activation is None else stage.activation.name,
        dropout=tuple(stage.dropout),
        units=stage.units,
        neurons=tuple(found),
        abs_blame=None if stage.blame is None else _split(np.abs(stage.blame), drawn, "|blame|", stage.layer),
    )


def _at(values: Array | None, i: int) -> float | None:
    return None if values is None else float(values[i])
