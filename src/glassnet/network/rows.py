"""What each row says by itself: its error, and the gradient that its error alone has. No 1/m, weight or penalty.

∂Eᵢ/∂θ of a row is a δᵀ in every dense layer, so its length and its product with another row's follow from the signals a
and the blame δ, and need no gradient to be formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.network.layer import Layer
from glassnet.network.parameters import Layout, Parameters

Array = NDArray[Any]


def require_independent_rows(layers: Sequence[Layer]) -> None:
    """Refuse a network in which no row has a gradient of its own.

    Raises
    ------
    InputError
        If a layer mixes rows.
    """
    for k, layer in enumerate(layers):
        if layer.mixes_rows:
            raise InputError(
                f"Layer {k} ({layer.kind}) computes with all rows of a step together, so a row's error and gradient "
                "depend on its neighbours and cannot be told of the row alone. Ask this of a network without such a "
                "layer."
            )


@final
@dataclass(frozen=True)
class RowPass:
    """A pass in which every row stands for itself.

    Parameters
    ----------
    errors : (m,) array
        Eᵢ.
    a : list of arrays
        ``a[0]`` is X; ``a[k + 1]`` (m, outputs) is the output of layer k, so ``a[k]`` is what layer k hears.
    blame : list of arrays
        ``blame[k]`` (m, outputs): ∂Eᵢ/∂z of layer k.
    """

    errors: Array
    a: list[Array]
    blame: list[Array]

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def prediction(self) -> Array:
        """What the last layer puts out: (m, outputs)."""
        return self.a[-1]


def squares_by_layer(layers: Sequence[Layer], p: RowPass) -> Array:
    """Return ‖∂Eᵢ/∂θ of layer k‖² of each row: (m, layers)."""
    return np.stack([layer.row_squares(p.blame[k], p.a[k]) for k, layer in enumerate(layers)], axis=1)


def products_by_layer(layers: Sequence[Layer], p: RowPass, other: RowPass) -> Array:
    """Return the inner products of the rows' gradients with other rows', layer by layer: (layers, m, p)."""
    return np.stack(
        [layer.row_products(p.blame[k], p.a[k], other.blame[k], other.a[k]) for k, layer in enumerate(layers)]
    )


def gradients(layers: Sequence[Layer], layout: Layout, p: RowPass) -> Array:
    """Return ∂Eᵢ/∂θ of each row, (m, n): as much memory as m networks."""
    stack = Parameters(layout, np.empty((len(p), layout.size), p.errors.dtype))
    for k, layer in enumerate(layers):
        layer.row_gradients(p.blame[k], p.a[k], stack[k])
    return stack.theta
