"""θ, the position on the hill: one contiguous vector of all weights and biases, with named views into it.

The order is by layer, within a layer weights row-major and then biases. Whatever has θ's layout (the gradient, a
checkpoint, a population of many θ) is read through the same views.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.initializers import INITIALIZERS
from glassnet.network.inputs import as_numbers, into

Array = NDArray[Any]
Shape = tuple[int, ...]


def diagonal_blocks(shape: Shape, groups: Sequence[tuple[int, int]]) -> Iterator[tuple[slice, ...]]:
    """Give the place of each group of (inputs, outputs) in an array of `shape`; without groups, that of all of it."""
    if not groups:
        yield tuple(slice(0, n) for n in shape)
    j = i = 0
    for inputs, outputs in groups:
        yield slice(j, j + inputs), slice(i, i + outputs)
        j, i = j + inputs, i + outputs


@final
@dataclass(frozen=True)
class Parameter:
    """One array of a layer, before it has numbers.

    Parameters
    ----------
    name : str
        "weights" or "biases", for a dense layer.
    shape : tuple of int
    initializer : str
        Spelling of an initializer.
    trainable : bool
        Whether training moves it.
    penalised : bool
        Whether the L1 and L2 penalties count it.
    groups : tuple of (inputs, outputs)
        Blocks along the diagonal of (inputs, outputs), each a group of inputs with the outputs that hear it; entries
        outside are links that do not exist: they are 0 for good and no parameters. Empty where all entries exist.
    """

    name: str
    shape: Shape
    initializer: str
    trainable: bool = True
    penalised: bool = True
    groups: tuple[tuple[int, int], ...] = ()

    @property
    def size(self) -> int:
        """How many numbers it takes in θ."""
        return prod(self.shape)

    @property
    def present(self) -> NDArray[np.bool_]:
        """True where an entry is a parameter, of the parameter's shape."""
        present = np.zeros(self.shape, bool)
        for block in diagonal_blocks(self.shape, self.groups):
            present[block] = True
        return present

    def draw(self, chance: np.random.Generator) -> Array:
        """Return the numbers to start from: each group is drawn by itself, so that its scale is of its own size."""
        initializer = INITIALIZERS.resolve(self.initializer)
        if not self.groups:
            return initializer.draw(chance, self.shape)
        values = np.zeros(self.shape)
        for block in diagonal_blocks(self.shape, self.groups):
            values[block] = initializer.draw(chance, values[block].shape)
        return values


@final
class Layout:
    """Where each parameter of each layer lies in θ.

    Parameters
    ----------
    layers : sequence of sequences of Parameter
        The parameters of every layer, also of those that have none.
    """

    def __init__(self, layers: Sequence[Sequence[Parameter]]) -> None:
        self.layers = tuple(tuple(parameters) for parameters in layers)
        self.places: list[tuple[int, Parameter, slice]] = []
        start = 0
        for k, parameters in enumerate(self.layers):
            for parameter in parameters:
                self.places.append((k, parameter, slice(start, start + parameter.size)))
                start += parameter.size
        self.size = start

    def mask(self, which: str) -> NDArray[np.bool_]:
        """Return an array over θ that is True where a parameter has the property `which`.

        "trainable" and "penalised" are its flags, "present" says that the link exists; a link that does not has none.
        """
        mask = np.zeros(self.size, bool)
        for _, parameter, place in self.places:
            mask[place] = (parameter.present & getattr(parameter, which)).ravel()
        return mask

    @property
    def parameters(self) -> int:
        """How many parameters there are: the entries of θ without the links that do not exist."""
        return int(self.mask("present").sum())

    def require_absent(self, k: int, name: str, values: Array) -> None:
        """Refuse numbers for links that do not exist.

        Raises
        ------
        InputError
            If an array for the parameter `name` of layer k is not 0 there.
        """
        for layer, parameter, _ in self.places:
            if (layer, parameter.name) == (k, name) and parameter.groups:
                there = np.argwhere(~parameter.present & (values != 0))
                if len(there):
                    at = ", ".join(map(str, there[0]))
                    raise InputError(
                        f"{name}[{k}][{at}] is {values[tuple(there[0])]:g}, but that link does not exist: the groups "
                        f'{parameter.groups} leave it out. Give 0 there; net.layout.mask("present") says where links '
                        "are."
                    )

    def locate(self, index: int) -> tuple[int, str, Shape]:
        """Return layer, name and index within the array of the parameter at `index` in θ."""
        for k, parameter, place in self.places:
            if place.start <= index < place.stop:
                at = np.unravel_index(index - place.start, parameter.shape)
                return k, parameter.name, tuple(int(i) for i in at)
        raise InputError(f"θ has {self.size} entries; there is none at {index}.")

    def describe(self, index: int) -> str:
        """Name the parameter at `index` in θ in the way people write it: "weights[1][12, 3]"."""
        k, name, at = self.locate(index)
        return f"{name}[{k}][{', '.join(map(str, at))}]"


@final
class LayerViews(Sequence["Array | None"]):
    """One named array of every layer: ``net.weights[k]``, None where layer k has none.

    Assigning to an entry copies the numbers into θ.
    """

    def __init__(self, parameters: Parameters, name: str) -> None:
        self._parameters, self._name = parameters, name

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [views.get(self._name) for views in self._parameters.layers[k]]
        return self._parameters[k].get(self._name)

    def __setitem__(self, k: int, value: Any) -> None:
        view = self[k]
        if view is None:
            raise InputError(f"Layer {k} has no {self._name}, so none can be set.")
        values = as_numbers(value, f"{self._name}[{k}]")
        if values.shape == view.shape:
            self._parameters.layout.require_absent(k % len(self), self._name, values)
        into(view, values, f"{self._name}[{k}]")

    def __len__(self) -> int:
        return len(self._parameters)

    def __repr__(self) -> str:
        shapes = ", ".join("None" if view is None else str(view.shape) for view in self)
        return f"<{self._name} of {len(self)} layers: {shapes}>"


@final
class Parameters(Sequence[Mapping[str, Array]]):
    """Named views of one vector with θ's layout, or of a stack of them.

    Parameters
    ----------
    layout : Layout
    theta : (n,) or (p, n) array
        The vector, or p of them: then every view has a leading axis of p.

    Attributes
    ----------
    theta : array
        The vector itself; views share its memory.
    weights, biases : LayerViews
        ``weights[k]`` has shape (inputs, outputs), ``biases[k]`` (outputs,); None where layer k has none.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dropout(0.1), gn.Dense(1, "identity", bias=False)], seed=0)
    >>> {name: array.shape for name, array in net.parameters[0].items()}
    {'weights': (2, 3), 'biases': (3,)}
    >>> net.weights[1] is None, net.biases[2] is None
    (True, True)
    >>> net.weights[2][:] = 0.5
    >>> net.theta[-3:].tolist()
    [0.5, 0.5, 0.5]
    """

    def __init__(self, layout: Layout, theta: Array) -> None:
        self.layout, self.theta = layout, theta
        views: list[dict[str, Array]] = [{} for _ in layout.layers]
        for k, parameter, place in layout.places:
            views[k][parameter.name] = theta[..., place].reshape(*theta.shape[:-1], *parameter.shape)
        self.layers = [MappingProxyType(named) for named in views]  # an entry cannot be replaced, only written into
        self.weights = LayerViews(self, "weights")
        self.biases = LayerViews(self, "biases")

    def named(self) -> dict[str, Array]:
        """Return all views under one name each, such as "0.weights"."""
        return {f"{k}.{name}": view for k, views in enumerate(self.layers) for name, view in views.items()}

    def __getitem__(self, k: Any) -> Any:
        return self.layers[k]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Mapping[str, Array]]:
        return iter(self.layers)
