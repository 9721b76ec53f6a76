"""The numbers of one row on the way from the error back to a weight, stage by stage, in float64.

A stage is a layer that does something to the blame that passes through it; Dropout without a mask does nothing and is
no stage. All is taken from one textbook pass of `network.backprop`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.subject import Subject
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ShortForm
from glassnet.network.backprop import Masks, Pass, backprop, short_form
from glassnet.network.layer import Layer
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Stage:
    """One layer, of one row.

    Parameters
    ----------
    k : int
        The layer.
    read_as : int
        The k of the a_k under which its output is read: by the next stage, or as the prediction.
    layer : Layer
    x : (inputs,) array
        a_k: what the layer reads.
    z, a : (units,) arrays
        Its weighted sums, and its output g(z).
    slope : (units,) array or None
        g′(z); None where the activation takes the row as a whole, so that its slope is a Jacobian.
    links : (inputs, units) or (units,) array
        ∂z/∂x, the weights of a dense layer; one number a unit where each hears its own input alone.
    present : (inputs, units) bool array or None
        Which links exist; None where all do.
    slope_of_a : (units,) array
        ∂E/∂a of its output, of the row's own error.
    blame : (units,) array
        δ = ∂E/∂z.
    """

    k: int
    read_as: int
    layer: Layer
    x: Array
    z: Array
    a: Array
    slope: Array | None
    links: Array
    present: Array | None
    slope_of_a: Array
    blame: Array

    @property
    def units(self) -> int:
        """How many neurons it has."""
        return len(self.z)

    @property
    def gain(self) -> Array:
        """What each neuron multiplies into blame that passes: its slope, or 1 where it has none by itself."""
        return np.ones(self.units) if self.slope is None else self.slope

    @property
    def one_to_one(self) -> bool:
        """Whether each neuron hears its own input alone."""
        return self.links.ndim == 1


@final
@dataclass(frozen=True)
class Chain:
    """The stages of one row, from a layer on to the error.

    Parameters
    ----------
    row : int
        Its number among the rows that were given.
    error : float
        E of this row.
    stages : tuple of Stage
        From the first layer to the last.
    y : (outputs,) array
    short : ShortForm or None
        The short form of the last activation and the loss.
    """

    row: int
    error: float
    stages: tuple[Stage, ...]
    y: Array
    short: ShortForm | None

    def behind(self, k: int) -> Chain:
        """Return the chain from layer k on."""
        return dataclasses.replace(self, stages=tuple(stage for stage in self.stages if stage.k >= k))

    @property
    def ends_in_blame(self) -> bool:
        """Whether paths end in the last layer's δ as one factor: by a short form, or as the slope is a Jacobian."""
        return self.short is not None or self.stages[-1].slope is None


def chain_of_row(subject: Subject, row: int, masks: Masks) -> Chain:
    """Return the stages of one row; `masks` are those of all rows."""
    net, objective = subject.network, Objective(subject.objective.loss, "sum")
    own_masks = {k: mask[row : row + 1] for k, mask in masks.items()}
    x, y = subject.x[row : row + 1], subject.y[row : row + 1]
    with np.errstate(all="ignore"):
        p = backprop(net.layers, net.parameters, objective, x, y, np.ones(1), own_masks)
        stages = _stages(subject, p, y, own_masks)
    return Chain(row, p.loss, stages, y[0], short_form(net.layers, objective))


def _stages(subject: Subject, p: Pass, y: Array, masks: Masks) -> tuple[Stage, ...]:
    net = subject.network
    layout = net.layout
    present = Parameters(layout, layout.mask("present"))
    stages: list[Stage] = []
    slope_of_a = subject.objective.loss.slope(p.a[-1], y)[0]  # ∇ₐE
    for k in range(len(net.layers) - 1, -1, -1):
        layer = net.layers[k]
        if layer.drop_rate and k not in masks:  # passes signals and blame on as they are
            continue
        links = layer.links(net.parameters[k], masks[k][0] if k in masks else None)
        exists = present[k].get("weights")
        z, a = p.z[k][0], p.a[k + 1][0]
        stages.append(
            Stage(
                k=k,
                read_as=stages[-1].k if stages else k + 1,
                layer=layer,
                x=p.a[k][0],
                z=z,
                a=a,
                slope=layer.activation.slope(z, a) * np.ones_like(z)
                if isinstance(layer.activation, Activation)
                else None,
                links=links,
                present=None if exists is None or exists.all() else exists,
                slope_of_a=slope_of_a,
                blame=p.blame[k][0],
            )
        )
        slope_of_a = links * p.blame[k][0] if links.ndim == 1 else links @ p.blame[k][0]  # θᵀδ
    return tuple(reversed(stages))


def shares_of_rows(subject: Subject, masks: Masks, k: int, signal: int | None, neuron: int) -> tuple[Array, Array]:
    """Return, for every row, the signal a_j that came in (1 for a bias) and the row's own blame δ_i: (m,) each.

    Rows pass in bounded memory.
    """
    net, objective = subject.network, Objective(subject.objective.loss, "sum")
    signals, blames = np.ones(len(subject)), np.empty(len(subject))
    for rows in subject.blocks():
        own_masks = {layer: mask[rows] for layer, mask in masks.items()}
        x, y = subject.x[rows], subject.y[rows]
        with np.errstate(all="ignore"):
            p = backprop(net.layers, net.parameters, objective, x, y, np.ones(len(x)), own_masks)
        blames[rows] = p.blame[k][:, neuron]
        if signal is not None:
            signals[rows] = p.a[k][:, signal]
    return signals, blames


def jacobian(stage: Stage) -> Array:
    """Return ∂a_q/∂z_i of a stage whose activation takes the row as a whole: (units, units), q by i."""
    n = stage.units
    z, a = np.tile(stage.z, (n, 1)), np.tile(stage.a, (n, 1))
    return stage.layer.activation.pullback(z, a, np.eye(n))


def count_paths(stages: Sequence[Stage]) -> list[list[int]]:
    """Return, for each stage and neuron, over how many paths the error is reached from it; exact whole numbers."""
    counts: list[list[int]] = [[1] * stages[-1].units]
    for stage in reversed(stages[1:]):
        after = counts[0]
        if stage.one_to_one:
            counts.insert(0, after)
        elif stage.present is None:
            counts.insert(0, [sum(after)] * len(stage.x))
        else:
            counts.insert(0, [sum(n for n, there in zip(after, row, strict=True) if there) for row in stage.present])
    return counts
