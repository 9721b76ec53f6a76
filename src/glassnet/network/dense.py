"""The dense layer: every neuron listens to every input, or to every input of its group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.plan import Elementwise, Operation, Product, Row
from glassnet.errors import InputError
from glassnet.maths.activation import Activation, AnyActivation
from glassnet.maths.activations import ACTIVATIONS, IDENTITY
from glassnet.maths.initializers import INITIALIZERS
from glassnet.network.layer import Layer
from glassnet.network.parameters import Parameter, Shape, diagonal_blocks

Array = NDArray[Any]


@final
@dataclass(frozen=True, init=False)
class Dense(Layer):
    """Neurons that each sum all inputs, weighted, and pass the sum through an activation.

    Parameters
    ----------
    units : int
        How many neurons.
    activation : str or Activation
        Name or record of g in a = g(z).
    bias : bool
        Whether each neuron has a bias.
    trainable_bias : bool
        Whether training moves the biases; their gradient is there to see either way.
    weight_init : str or None
        Initializer of the weights (inputs, outputs); None takes the one that suits the activation.
    bias_init : str
        Initializer of the biases (outputs,).
    groups : sequence of (inputs, units), or None
        ``((24, 6), (12, 6))`` lets the first 24 inputs feed the first 6 units alone, and the next 12 inputs the next 6.
        The weights stay one array (inputs, units); links between groups do not exist: they are 0 and never move.

    Raises
    ------
    InputError
        If a number or a name cannot be used, or the groups do not add up to the inputs and units.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.Dense(30, "relu")
    Dense(30, 'relu')
    >>> net = gn.Network(3, [gn.Dense(2, groups=((2, 1), (1, 1)), weight_init="ones")])
    >>> net.weights[0].tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """

    kind: ClassVar[str] = "dense"

    units: int
    activation: AnyActivation
    bias: bool
    trainable_bias: bool
    weight_init: str
    bias_init: str
    groups: tuple[tuple[int, int], ...]

    def __init__(
        self,
        units: int,
        activation: str | AnyActivation = IDENTITY,
        *,
        bias: bool = True,
        trainable_bias: bool = True,
        weight_init: str | None = None,
        bias_init: str = "zeros",
        groups: Sequence[Sequence[int]] | None = None,
    ) -> None:
        if isinstance(units, bool) or not isinstance(units, int | np.integer) or units < 1:
            raise InputError(f"Dense has {units!r} units; expected a whole number from 1 up, as in Dense(30, 'relu').")
        g = ACTIVATIONS.resolve(activation)
        for name, flag in (("bias", bias), ("trainable_bias", trainable_bias)):
            if not isinstance(flag, bool | np.bool_):
                raise InputError(f"{name} is {flag!r}; expected True or False.")
        settings = {
            "units": int(units),
            "activation": g,
            "bias": bool(bias),
            "trainable_bias": bool(trainable_bias),
            "weight_init": INITIALIZERS.resolve(g.weight_init if weight_init is None else weight_init).name,
            "bias_init": INITIALIZERS.resolve(bias_init).name,
            "groups": _as_groups(groups, int(units)),
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (units,); the input must be a row of numbers."""
        if len(input_shape) != 1:
            raise InputError(f"Dense reads rows of numbers, but its input has shape {input_shape}; flatten it first.")
        heard = sum(inputs for inputs, _ in self.groups)
        if self.groups and heard != input_shape[0]:
            raise InputError(
                f"the groups {self.groups} hear {heard} inputs, but there are {input_shape[0]}; expected a sum of "
                f"{input_shape[0]}."
            )
        return (self.units,)

    def parameters(self, input_shape: Shape) -> tuple[Parameter, ...]:
        """Weights (inputs, units) and, with a bias, biases (units,)."""
        weights = Parameter("weights", (input_shape[0], self.units), self.weight_init, groups=self.groups)
        biases = Parameter("biases", (self.units,), self.bias_init, trainable=self.trainable_bias, penalised=False)
        return (weights, biases) if self.bias else (weights,)

    def forward(self, x: Array, parameters: Mapping[str, Array], mask: Array | None = None) -> Array:
        """Z = x W + b."""
        z: Array = x @ parameters["weights"]
        if self.bias:
            z += parameters["biases"][..., None, :]  # the same bias for every row
        return z

    def backward(
        self,
        blame: Array,
        x: Array,
        parameters: Mapping[str, Array],
        gradient: Mapping[str, Array],
        mask: Array | None = None,
    ) -> Array:
        """∂E/∂W = xᵀ δ (a_j δ_i for every weight, summed over rows); ∂E/∂b = Σ δ; ∂E/∂x = δ Wᵀ."""
        if self.groups:
            gradient["weights"][:] = 0  # of links that do not exist
        for inputs, units in diagonal_blocks((x.shape[-1], self.units), self.groups):
            np.matmul(x[:, inputs].T, blame[:, units], out=gradient["weights"][inputs, units])
        if self.bias:
            blame.sum(axis=0, out=gradient["biases"])
        slope_of_x: Array = blame @ parameters["weights"].T
        return slope_of_x

    def links(self, parameters: Mapping[str, Array], mask: Array | None = None) -> Array:
        """∂z_i/∂x_j = θ_ij: the weights, (inputs, units)."""
        return parameters["weights"]

    def row_products(self, blame: Array, x: Array, other_blame: Array, other_x: Array) -> Array:
        """(δ·δ′)(a·a′ + 1): the product of two rank-one matrices needs neither; the 1 is the bias, an input always on.

        Goodfellow, Efficient per-example gradient computations, 2015, for the norm.
        """
        total: Array = blame @ other_blame.T if self.bias else np.zeros((len(blame), len(other_blame)), blame.dtype)
        for inputs, units in diagonal_blocks((x.shape[-1], self.units), self.groups):
            total += (blame[:, units] @ other_blame[:, units].T) * (x[:, inputs] @ other_x[:, inputs].T)
        return total

    def row_squares(self, blame: Array, x: Array) -> Array:
        """‖δ‖²(‖a‖² + 1)."""
        total: Array = _squares(blame) if self.bias else np.zeros(len(blame), blame.dtype)
        for inputs, units in diagonal_blocks((x.shape[-1], self.units), self.groups):
            total += _squares(blame[:, units]) * _squares(x[:, inputs])
        return total

    def row_gradients(self, blame: Array, x: Array, gradients: Mapping[str, Array]) -> None:
        """∂Eᵢ/∂W = a δᵀ of each row, ∂Eᵢ/∂b = δ."""
        if self.groups:
            gradients["weights"][:] = 0  # of links that do not exist
        for inputs, units in diagonal_blocks((x.shape[-1], self.units), self.groups):
            np.multiply(x[:, inputs, None], blame[:, None, units], out=gradients["weights"][:, inputs, units])
        if self.bias:
            gradients["biases"][:] = blame

    def lower(self, input_shape: Shape, places: Mapping[str, int], k: int) -> tuple[Operation, ...]:
        """A product, then the activation."""
        g = self.activation
        product = Product(input_shape[0], self.units, places["weights"], places.get("biases"), self.groups)
        after: Operation = Elementwise(g, self.units) if isinstance(g, Activation) else Row(g, self.units)
        return (product, after)

    def to_dict(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain values."""
        return {
            "kind": self.kind,
            "units": self.units,
            "activation": self.activation.name,
            "bias": self.bias,
            "trainable_bias": self.trainable_bias,
            "weight_init": self.weight_init,
            "bias_init": self.bias_init,
        } | ({"groups": [list(group) for group in self.groups]} if self.groups else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], activations: Mapping[str, AnyActivation]) -> Dense:
        """Make the layer again."""
        settings = {name: value for name, value in values.items() if name not in ("kind", "units", "activation")}
        name = values["activation"]
        return cls(values["units"], activations.get(name, name), **settings)

    def __repr__(self) -> str:
        extras = "" if self.bias else ", bias=False"
        extras += ", trainable_bias=False" if self.bias and not self.trainable_bias else ""
        extras += f", groups={self.groups}" if self.groups else ""
        return f"Dense({self.units}, {self.activation.name!r}{extras})"


def _squares(rows: Array) -> Array:
    """Return the squared length of each row."""
    squares: Array = np.einsum("ij,ij->i", rows, rows)
    return squares


def _as_groups(groups: Sequence[Sequence[int]] | None, units: int) -> tuple[tuple[int, int], ...]:
    """Return the groups as pairs of whole numbers; () stands for all units hearing all inputs."""
    if groups is None:
        return ()
    expected = "pairs of how many inputs feed how many units, as in groups=((24, 6), (12, 6))"
    try:
        pairs = tuple((inputs, outputs) for inputs, outputs in groups)
    except (TypeError, ValueError):
        raise InputError(f"groups is {groups!r}; expected {expected}.") from None
    for n in (n for pair in pairs for n in pair):
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise InputError(f"groups is {groups!r} with {n!r} in it; expected {expected}, each from 1 up.")
    if sum(outputs for _, outputs in pairs) != units:
        raise InputError(
            f"groups is {groups!r}, which has {sum(outputs for _, outputs in pairs)} units; "
            f"expected them to add up to the {units} of the layer."
        )
    return tuple((int(inputs), int(outputs)) for inputs, outputs in pairs)
