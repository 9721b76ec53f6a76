"""The interface of a layer: what it is made of, what it computes, and how blame passes back through it.

A layer is an unchanging description; its numbers live in θ and are handed to it. One layer kind is one file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from glassnet.compiled.plan import Operation
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import IDENTITY
from glassnet.network.parameters import Parameter, Shape

Array = NDArray[Any]


class Layer(ABC):
    """A layer computes z from its input and its parameters; its activation then gives a = g(z).

    Shapes leave out the rows: a layer of 30 neurons has output shape (30,).
    """

    kind: ClassVar[str]
    """The name of the layer kind in files."""

    activation: AnyActivation = IDENTITY

    drop_rate: float = 0.0
    """The share of inputs left out while training; engines draw a mask for a layer where it is above 0."""

    mixes_rows: bool = False
    """Whether a row's output depends on the other rows of its step, as with batch normalisation; then no row has an
    error and a gradient of its own."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one row's output, or raise an InputError where the input does not fit."""

    @abstractmethod
    def parameters(self, input_shape: Shape) -> tuple[Parameter, ...]:
        """Return the arrays this layer needs, in the order in which they lie in θ."""

    @abstractmethod
    def forward(self, x: Array, parameters: Mapping[str, Array], mask: Array | None) -> Array:
        """Return z (…, m, outputs) from x (…, m, inputs). Leading axes, if any, run over many θ at once."""

    @abstractmethod
    def backward(
        self, blame: Array, x: Array, parameters: Mapping[str, Array], gradient: Mapping[str, Array], mask: Array | None
    ) -> Array:
        """Write ∂E/∂parameters into `gradient` and return ∂E/∂x, both from blame = ∂E/∂z (m, outputs)."""

    @abstractmethod
    def links(self, parameters: Mapping[str, Array], mask: Array | None) -> Array:
        """Return ∂z/∂x of one row: (inputs, outputs), or (units,) where each output hears its own input alone."""

    # --- the gradient of each row by itself: blame is then ∂Eᵢ/∂z, with no share in a step -----------------------

    @abstractmethod
    def row_products(self, blame: Array, x: Array, other_blame: Array, other_x: Array) -> Array:
        """Return the inner product of each row's ∂Eᵢ/∂parameters with each other row's, without forming them: (m, p).

        Blame (m, outputs) and x (m, inputs) are of the rows, `other_blame` (p, outputs) and `other_x` of the others.
        """

    @abstractmethod
    def row_squares(self, blame: Array, x: Array) -> Array:
        """Return ‖∂Eᵢ/∂parameters‖² of each row, without forming any: (m,)."""

    @abstractmethod
    def row_gradients(self, blame: Array, x: Array, gradients: Mapping[str, Array]) -> None:
        """Write ∂Eᵢ/∂parameters of each row; each array of `gradients` has a leading axis of rows."""

    @abstractmethod
    def lower(self, input_shape: Shape, places: Mapping[str, int], k: int) -> tuple[Operation, ...]:
        """Return the operations of layer k; `places` says where its parameters start in θ."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the layer as plain values for a file; `from_dict` makes an equal one."""

    @classmethod
    @abstractmethod
    def from_dict(cls, values: Mapping[str, Any], activations: Mapping[str, AnyActivation]) -> Layer:
        """Make the layer again; `activations` holds the user's own records by name."""
