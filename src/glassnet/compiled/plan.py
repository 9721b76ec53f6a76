"""The short vocabulary that layers lower to, for engines that compute in bulk and know no layers.

A plan is the forward pass as a list of operations with the places of their numbers in θ; the backward pass follows
from it. The textbook forward and backward of a layer stand in the layer's own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from glassnet.maths.activation import Activation, RowActivation


@final
@dataclass(frozen=True)
class Product:
    """z = x W + b.

    Parameters
    ----------
    inputs, outputs : int
    weights : int
        Where W (inputs, outputs) starts in θ, row-major.
    biases : int or None
        Where b (outputs,) starts in θ.
    groups : tuple of (inputs, outputs)
        Blocks along the diagonal of W outside of which it is 0; none where each output hears all inputs.
    """

    inputs: int
    outputs: int
    weights: int
    biases: int | None
    groups: tuple[tuple[int, int], ...] = ()


@final
@dataclass(frozen=True)
class Elementwise:
    """a = g(z), each number by itself."""

    activation: Activation
    units: int


@final
@dataclass(frozen=True)
class Row:
    """a = g(z), each row together."""

    activation: RowActivation
    units: int


@final
@dataclass(frozen=True)
class Mask:
    """z = x ⊙ mask/(1 − rate) while training, z = x otherwise; the mask is drawn for layer `layer`."""

    rate: float
    units: int
    layer: int


Operation = Product | Elementwise | Row | Mask
