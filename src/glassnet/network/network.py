"""A network: an ordered list of layers over one vector θ, with what a person asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from glassnet.compiled.plan import Operation, Product
from glassnet.errors import InputError
from glassnet.maths.activation import AnyActivation
from glassnet.maths.loss import Loss
from glassnet.maths.losses import LOSSES
from glassnet.maths.random import Purpose, check_seed, generator, keep_mask
from glassnet.network.backprop import Pass, backprop, forward
from glassnet.network.dense import Dense
from glassnet.network.dropout import Dropout
from glassnet.network.inputs import as_numbers, as_rows, as_sample_weight, as_targets, into, one_hot
from glassnet.network.layer import Layer
from glassnet.network.objective import Objective, make_objective
from glassnet.network.parameters import LayerViews, Layout, Parameters, Shape

Array = NDArray[Any]

LAYER_KINDS: Mapping[str, type[Layer]] = {layer.kind: layer for layer in (Dense, Dropout)}

_ROWS_AT_A_TIME = 4096
_WORK_TO_COMPILE_FOR = 100_000_000
"""Multiply-adds from which machine code predicts, though it may have to be compiled first."""


@final
class Network:
    """A feed-forward network.

    Parameters
    ----------
    inputs : int or tuple of int
        The shape of one row of X; 784 means (784,).
    layers : sequence of Layer
        From the input to the output.
    seed : int
        Decides the initial weights; the same seed gives the same network.
    dtype : {"float32", "float64"}
        Of θ and of everything computed from it.

    Attributes
    ----------
    layers : tuple of Layer
    theta : (n,) array
        All weights and biases, by layer; writable, and the same memory as the views.
    parameters : Parameters
        ``parameters[k]["weights"]``, views into θ by layer and name.
    weights, biases : sequences
        ``weights[k]`` (inputs, outputs) and ``biases[k]`` (outputs,), views; None where layer k has none.
    loss : Loss, str or None
        The loss it was last trained with, by which explanations ask. Files and other processes keep one of the user's
        own by its name only.

    Raises
    ------
    InputError
        If the layers do not fit together or an argument cannot be used.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(1, "sigmoid")], seed=0)
    >>> print(net)
    Network of 13 parameters, 13 of them trainable, float32
    <BLANKLINE>
    k  layer                output  weights  biases  parameters
       input                (2,)
    0  Dense(3, 'tanh')     (3,)    (2, 3)   (3,)             9
    1  Dense(1, 'sigmoid')  (1,)    (3, 1)   (1,)             4
    >>> net.predict([[0.0, 1.0], [1.0, 1.0]]).shape
    (2, 1)
    """

    def __init__(
        self, inputs: int | Shape, layers: Sequence[Layer], *, seed: int = 0, dtype: DTypeLike = "float32"
    ) -> None:
        self._describe(inputs, layers, seed, dtype)
        self._allocate()
        self.initialize(self.seed)

    def _describe(self, inputs: int | Shape, layers: Sequence[Layer], seed: int, dtype: DTypeLike) -> None:
        """Set everything but θ."""
        self.input_shape = _as_shape(inputs)
        self.layers = _as_layers(layers)
        self.seed = check_seed(seed)
        self.dtype = _as_dtype(dtype)
        self.loss: Loss | str | None = None
        self.shapes: list[Shape] = [self.input_shape]
        for k, layer in enumerate(self.layers):
            try:
                self.shapes.append(layer.output_shape(self.shapes[-1]))
            except InputError as error:
                raise InputError(f"Layer {k}: {error}") from None
        self.layout = Layout([layer.parameters(s) for layer, s in zip(self.layers, self.shapes, strict=False)])

    def _allocate(self) -> None:
        try:
            self._theta = np.empty(self.layout.size, self.dtype)
        except (MemoryError, ValueError):
            raise InputError(f"This network has {self.layout.size:,} parameters, more than memory holds.") from None
        self.parameters = Parameters(self.layout, self._theta)

    # --- θ ------------------------------------------------------------------------------------------------------

    @property
    def theta(self) -> Array:
        """All weights and biases as one vector, (n,); assigning copies numbers in."""
        return self._theta

    @theta.setter
    def theta(self, values: ArrayLike) -> None:
        values = as_numbers(values, "theta")
        if values.shape != self._theta.shape:
            raise InputError(f"theta has shape {values.shape}; this network has {self.layout.size} parameters.")
        for k, parameter, place in self.layout.places:
            self.layout.require_absent(k, parameter.name, values[place].reshape(parameter.shape))
        into(self._theta, values, "theta")

    @property
    def weights(self) -> LayerViews:
        """The weights of every layer: views (inputs, outputs), or None."""
        return self.parameters.weights

    @property
    def biases(self) -> LayerViews:
        """The biases of every layer: views (outputs,), or None."""
        return self.parameters.biases

    def initialize(self, seed: int) -> None:
        """Draw all parameters anew; each layer has a generator of its own under `seed`."""
        seed = check_seed(seed)
        chance = {k: generator(seed, Purpose.WEIGHTS, k) for k in range(len(self.layers))}
        for k, parameter, place in self.layout.places:
            self._theta[place] = parameter.draw(chance[k]).ravel()

    # --- what it computes ---------------------------------------------------------------------------------------

    @property
    def outputs(self) -> int:
        """How many outputs a row has."""
        return self.shapes[-1][0]

    def predict(self, X: ArrayLike) -> Array:
        """Return the prediction h(x) of each row.

        Parameters
        ----------
        X : (m, inputs) array

        Returns
        -------
        (m, outputs) array of the network's dtype

        Raises
        ------
        InputError
            If X does not fit the network.
        """
        x = as_rows(X, self.input_shape, self.dtype)
        if len(x) * self.multiplications >= _WORK_TO_COMPILE_FOR:
            predicted = self._predict_compiled(x)
            if predicted is not None:
                return predicted
        chunks = [x[i : i + _ROWS_AT_A_TIME] for i in range(0, len(x), _ROWS_AT_A_TIME)]
        with np.errstate(all="ignore"):
            return np.concatenate([forward(self.layers, self.parameters, chunk)[1][-1] for chunk in chunks])

    def _predict_compiled(self, x: Array) -> Array | None:
        """Return the prediction of each row by machine code, or None where the compiler refuses an activation."""
        from glassnet.compiled.evaluator import Evaluator  # 0.1 s of import that few rows do not need
        from glassnet.compiled.machine_code import NotCompilable

        try:
            evaluator = Evaluator(self.plan(), self.input_shape[0], self.dtype, self.layout.size)
        except NotCompilable:
            return None
        return evaluator.predict(self.theta, x)

    def backprop(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        loss: str | Loss,
        *,
        reduction: str = "mean",
        sample_weight: ArrayLike | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        training: bool = False,
        masks: Mapping[int, ArrayLike] | Sequence[ArrayLike | None] | None = None,
    ) -> Pass:
        """Run rows forward and blame backward, and return everything on the way.

        Parameters
        ----------
        X : (m, inputs) array
        Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
        loss : str or Loss
        reduction : {"mean", "sum"}
            Whether the step's error is the weighted mean or the weighted sum of the rows' errors.
        sample_weight : (m,) array or None
        l1, l2 : float
            Penalties on the weights.
        training : bool
            Whether Dropout layers drop: the masks are those of step 0 under the network's seed.
        masks : mapping, or sequence with an entry for each layer, or None
            Masks of your own for Dropout layers, (m, units), 1 to keep and 0 to drop.

        Returns
        -------
        Pass
            ``loss``, ``z``, ``a``, ``blame``, ``gradient`` and more.

        Raises
        ------
        InputError
            If an array or an argument cannot be used.
        PairingError
            If the loss cannot read the last layer's output.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network(1, [gn.Dense(1, "identity")], dtype="float64")
        >>> net.theta = [2.0, 0.5]
        >>> p = net.backprop([[3.0]], [[6.0]], loss="half_squared_error")
        >>> p.loss, p.blame[0].item(), p.gradient.theta.tolist()
        (0.125, 0.5, [1.5, 0.5])
        """
        objective = self.objective(loss, reduction, l1, l2)
        x = as_rows(X, self.input_shape, self.dtype)
        targets = as_targets(Y, objective.loss, len(x), self.outputs, self.dtype)
        y = one_hot(targets, objective.loss, self.outputs, self.dtype)
        weight = as_sample_weight(sample_weight, len(x), self.dtype)
        given = self.as_masks(masks, len(x))
        drawn = self.draw_masks(self.seed, 0, len(x)) if training else {}
        with np.errstate(all="ignore"):
            return backprop(self.layers, self.parameters, objective, x, y, weight, drawn | given)

    def objective(self, loss: str | Loss, reduction: str = "mean", l1: float = 0.0, l2: float = 0.0) -> Objective:
        """Return what a step is to make smaller, once it is clear that the loss can read this network's output."""
        objective = make_objective(loss, reduction, l1, l2)
        objective.loss.require_readable(self.layers[-1].activation, self.outputs)
        return objective

    def draw_masks(self, seed: int, step: int, m: int) -> dict[int, Array]:
        """Return the dropout masks of one step of m rows, by layer."""
        return {
            k: keep_mask(layer.drop_rate, seed, step, k, m, self.shapes[k][0])
            for k, layer in enumerate(self.layers)
            if layer.drop_rate > 0
        }

    def as_masks(self, masks: Mapping[int, ArrayLike] | Sequence[ArrayLike | None] | None, m: int) -> dict[int, Array]:
        """Return dropout masks of a person's own as they are computed with, (m, units) by layer, or refuse them."""
        if not isinstance(masks, Mapping | Sequence | None) or isinstance(masks, str):
            raise InputError(f"masks is {masks!r:.80}; expected a mapping from Dropout layers to arrays of 0 and 1.")
        pairs = (masks or {}).items() if isinstance(masks, Mapping | None) else enumerate(masks)
        given: dict[int, Array] = {}
        for k, mask in pairs:
            if mask is None:
                continue
            if k not in range(len(self.layers)) or not isinstance(self.layers[k], Dropout):
                raise InputError(f"masks has an entry for layer {k}, which is no Dropout layer of this network.")
            array, shape = as_numbers(mask, f"masks[{k}]"), (m, *self.shapes[k])
            if array.shape != shape or not ((array == 0) | (array == 1)).all():
                raise InputError(f"masks[{k}] has shape {array.shape}; expected zeros and ones of shape {shape}.")
            given[k] = array != 0
        return given

    def plan(self) -> tuple[Operation, ...]:
        """Return the forward pass in the short vocabulary of `glassnet.compiled.plan`."""
        starts: list[dict[str, int]] = [{} for _ in self.layers]
        for k, parameter, place in self.layout.places:
            starts[k][parameter.name] = place.start
        return tuple(
            operation for k, layer in enumerate(self.layers) for operation in layer.lower(self.shapes[k], starts[k], k)
        )

    @property
    def multiplications(self) -> int:
        """Multiply-adds of the products of one forward pass of one row; a backward pass takes about twice as many."""
        return sum(op.inputs * op.outputs for op in self.plan() if isinstance(op, Product))

    # --- copies and files ---------------------------------------------------------------------------------------

    def astype(self, dtype: DTypeLike) -> Network:
        """Return a copy with θ in another dtype."""
        copy = Network.__new__(Network)
        copy._describe(self.input_shape, self.layers, self.seed, dtype)
        copy._allocate()
        copy.theta[:] = self.theta
        copy.loss = self.loss
        return copy

    def copy(self) -> Network:
        """Return a network with the same layers and a θ of its own."""
        return self.astype(self.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return the architecture as plain values; θ is not in it."""
        return {
            "inputs": list(self.input_shape),
            "layers": [layer.to_dict() for layer in self.layers],
            "seed": self.seed,
            "dtype": self.dtype.name,
        }

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        activations: Mapping[str, AnyActivation] | None = None,
        arrays: Mapping[str, Array] | None = None,
    ) -> Self:
        """Make a network from `to_dict`'s values.

        Parameters
        ----------
        values : mapping
        activations : mapping or None
            The user's own records by name.
        arrays : mapping of str to array, or None
            Every parameter by its name in ``parameters.named()``, in the network's dtype; drawn anew without.

        Raises
        ------
        InputError
            If a layer kind, name or number is unknown or unfit, or the arrays do not fit the layers.
        """
        net = cls.__new__(cls)
        try:
            layers = [LAYER_KINDS[v["kind"]].from_dict(v, activations or {}) for v in values["layers"]]
            net._describe(tuple(values["inputs"]), layers, values["seed"], values["dtype"])
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"The architecture cannot be read: {type(error).__name__} {error}.") from error
        if arrays is None:
            net._allocate()
            net.initialize(net.seed)
            return net
        expected = {f"{k}.{p.name}": (p.shape, net.dtype) for k, p, _ in net.layout.places}
        if {name: (array.shape, array.dtype) for name, array in arrays.items()} != expected:
            raise InputError("The arrays do not fit its architecture.")
        net._allocate()
        for k, parameter, _ in net.layout.places:
            array = arrays[f"{k}.{parameter.name}"]
            net.layout.require_absent(k, parameter.name, array)
            net.parameters[k][parameter.name][...] = array
        return net

    def __reduce__(self) -> Any:
        """Travel between processes, and be copied, as architecture and parameters."""
        own = {layer.activation.name: layer.activation for layer in self.layers}
        arrays = {name: view.copy() for name, view in self.parameters.named().items()}
        loss = self.loss
        if isinstance(loss, Loss) and not LOSSES.spells(loss.name):
            loss = loss.name
        return Network.from_dict, (self.to_dict(), own, arrays), {"loss": loss}

    def __repr__(self) -> str:
        return f"Network({self.input_shape}, {list(self.layers)}, dtype={self.dtype.name!r})"

    def __str__(self) -> str:
        trainable = int(self.layout.mask("trainable").sum())
        present = self.layout.mask("present")
        head = f"Network of {self.layout.parameters:,} parameters, {trainable:,} of them trainable, {self.dtype.name}"
        rows: list[tuple[str, ...]] = [("k", "layer", "output", "weights", "biases", "parameters")]
        rows.append(("", "input", str(self.input_shape), "", "", ""))
        for k, layer in enumerate(self.layers):
            views = self.parameters[k]
            shapes = [str(views[name].shape) if name in views else "" for name in ("weights", "biases")]
            count = sum(present[place].sum() for layer_of, _, place in self.layout.places if layer_of == k)
            rows.append((str(k), repr(layer), str(self.shapes[k + 1]), *shapes, f"{count:,}" if count else ""))
        widths = [max(len(row[i]) for row in rows) for i in range(6)]
        lines = [
            "  ".join([*(c.ljust(w) for c, w in zip(row[:5], widths, strict=False)), row[5].rjust(widths[5])])
            for row in rows
        ]
        return "\n".join([head, "", *(line.rstrip() for line in lines)])


def _as_shape(inputs: int | Shape) -> Shape:
    shape = inputs if isinstance(inputs, tuple) else (inputs,)
    if not shape or not all(_is_whole(n) and n >= 1 for n in shape):
        raise InputError(f"inputs is {inputs!r}; expected how many numbers a row of X has, such as 784.")
    return tuple(int(n) for n in shape)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _as_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    if isinstance(layers, Layer) or not isinstance(layers, Sequence):
        raise InputError(f"layers is {layers!r}; expected a list of layers, such as [gn.Dense(30, 'relu')].")
    for k, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise InputError(f"layers[{k}] is {layer!r} of type {type(layer).__name__}; expected a layer.")
        if k < len(layers) - 1 and getattr(layer.activation, "name", "") == "softmax":
            raise InputError(f"layers[{k}] has activation 'softmax', which is for the last layer only.")
    if not layers or not isinstance(layers[-1], Dense):
        raise InputError("The last layer must be a Dense layer: it gives the prediction.")
    return tuple(layers)


def _as_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = np.dtype(object if dtype is None else dtype)
    except TypeError:
        found = np.dtype(object)
    if found not in (np.dtype("float32"), np.dtype("float64")):
        raise InputError(f"dtype is {dtype!r}; expected 'float32' or 'float64'.")
    return found
