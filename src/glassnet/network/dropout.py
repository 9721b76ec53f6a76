"""Dropout: while training, leave out some inputs at random, so that no neuron leans on one other alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.plan import Mask, Operation
from glassnet.errors import InputError
from glassnet.maths.activation import AnyActivation
from glassnet.network.layer import Layer
from glassnet.network.parameters import Parameter, Shape

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Dropout(Layer):
    """Set each input to zero with probability `rate` while training; scale the others up by 1/(1 − rate).

    So the expected sum stays what it is without dropout, and prediction needs no change ("inverted" dropout).

    Parameters
    ----------
    rate : float
        The share of inputs to leave out, from 0 up to, but not, 1.

    Raises
    ------
    InputError
        If the rate is no such share.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout, JMLR 15, 2014.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(3, [gn.Dropout(0.5), gn.Dense(1, bias=False, weight_init="ones")])
    >>> net.backprop([[1, 2, 3]], [[0]], loss="squared_error", masks={0: [[1, 0, 1]]}).a[1].tolist()
    [[2.0, 0.0, 6.0]]
    """

    kind: ClassVar[str] = "dropout"

    rate: float

    def __post_init__(self) -> None:
        if isinstance(self.rate, bool) or not isinstance(self.rate, Real) or not 0 <= self.rate < 1:
            raise InputError(
                f"Dropout has rate {self.rate!r}; expected the share of inputs to leave out, "
                "from 0 up to, but not, 1, as in Dropout(0.2)."
            )
        object.__setattr__(self, "rate", float(self.rate))
        object.__setattr__(self, "drop_rate", self.rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape

    def parameters(self, input_shape: Shape) -> tuple[Parameter, ...]:
        """None."""
        return ()

    def forward(self, x: Array, parameters: Mapping[str, Array], mask: Array | None) -> Array:
        """Z = x ⊙ mask/(1 − rate), or x without a mask."""
        return x if mask is None else x * (mask / (1 - self.rate)).astype(x.dtype)

    def backward(
        self, blame: Array, x: Array, parameters: Mapping[str, Array], gradient: Mapping[str, Array], mask: Array | None
    ) -> Array:
        """∂E/∂x = δ ⊙ mask/(1 − rate): what was left out is not to blame."""
        return blame if mask is None else blame * (mask / (1 - self.rate)).astype(blame.dtype)

    def links(self, parameters: Mapping[str, Array], mask: Array | None) -> Array:
        """∂z/∂x = mask/(1 − rate), of each unit by itself: (units,); mask (units,) of one row."""
        if mask is None:
            raise InputError("Dropout without a mask passes every signal on as it is; it has no links.")
        return np.asarray(mask / (1 - self.rate))

    def row_products(self, blame: Array, x: Array, other_blame: Array, other_x: Array) -> Array:
        """0: there are no parameters."""
        return np.zeros((len(blame), len(other_blame)), blame.dtype)

    def row_squares(self, blame: Array, x: Array) -> Array:
        """0: there are no parameters."""
        return np.zeros(len(blame), blame.dtype)

    def row_gradients(self, blame: Array, x: Array, gradients: Mapping[str, Array]) -> None:
        """Nothing: there are no parameters."""

    def lower(self, input_shape: Shape, places: Mapping[str, int], k: int) -> tuple[Operation, ...]:
        """A mask."""
        return (Mask(self.rate, input_shape[0], k),)

    def to_dict(self) -> dict[str, Any]:
        """Return the constructor's argument as plain values."""
        return {"kind": self.kind, "rate": self.rate}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], activations: Mapping[str, AnyActivation]) -> Dropout:
        """Make the layer again."""
        return cls(values["rate"])

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
