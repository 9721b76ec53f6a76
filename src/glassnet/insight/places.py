"""One parameter of a network, as people name it: (1, 12, 3), "1:12,3" or "weights[1][12, 3]"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from glassnet.errors import InputError, warn
from glassnet.network.network import Network

Spot: TypeAlias = "str | Sequence[int]"
"""How a person names a parameter."""

_SHORT = re.compile(r"\s*()(\d+)\s*:\s*(\d+(?:\s*,\s*\d+)*)\s*")
_AS_PRINTED = re.compile(r"\s*(weights|biases)\[(\d+)\]\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]\s*")
_NEURONS = {"weights": 2, "biases": 1}
_HOW = {
    "weights": "a weight as (layer, from, to) or 'layer:from,to', such as (0, 2, 1) or '0:2,1'",
    "biases": "a bias as (layer, neuron) or 'layer:neuron', such as (0, 1) or '0:1'",
    None: "a weight as 'layer:from,to', such as '0:2,1', or a bias as 'layer:neuron', such as '0:1'",
}


@final
@dataclass(frozen=True)
class Place:
    """Where one parameter is.

    Parameters
    ----------
    k : int
        The layer.
    name : str
        "weights" or "biases".
    at : tuple of int
        (from, to) of a weight, (neuron,) of a bias.
    index : int
        Its place in θ.
    """

    k: int
    name: str
    at: tuple[int, ...]
    index: int

    @property
    def neuron(self) -> int:
        """The neuron whose sum it is part of."""
        return self.at[-1]

    @property
    def signal(self) -> int | None:
        """The input that a weight multiplies; None for a bias, whose input is always 1."""
        return self.at[0] if self.name == "weights" else None

    @property
    def latex(self) -> str:
        """Its symbol: w_{1,12,3}, or b_{1,3}."""
        return f"{self.name[0]}_{{{','.join(map(str, (self.k, *self.at)))}}}"

    def __str__(self) -> str:
        return f"{self.name}[{self.k}][{', '.join(map(str, self.at))}]"


def find(net: Network, spot: Spot, name: str | None = None) -> Place:
    """Return the place of the parameter that a person names.

    Parameters
    ----------
    net : Network
    spot : str or sequence of int
        (layer, from, to) of a weight or (layer, neuron) of a bias; as text "1:12,3", or as it is printed.
    name : {"weights", "biases"} or None
        What it must be; None takes either.

    Raises
    ------
    InputError
        If there is no such parameter; says what there is.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(3, [gn.Dense(2), gn.Dense(1)])
    >>> find(net, (0, 2, 1)).index, str(find(net, "0:2,1")), find(net, "weights[1][1, 0]").latex
    (5, 'weights[0][2, 1]', 'w_{1,1,0}')
    """
    name, k, at = _read(spot, name)
    k = _layer_with(net, k, name, spot)
    places = {(layer, parameter.name): (parameter, place) for layer, parameter, place in net.layout.places}
    parameter, place = places[k, name]
    for which, position, count in zip(("input", "neuron")[-len(at) :], at, parameter.shape, strict=True):
        if position >= count:
            raise InputError(
                f"{_shown(spot)} names {which} {position}, but layer {k}, {net.layers[k]!r}, has {count} {which}s: "
                f"0 to {count - 1}."
            )
    if not parameter.present[at]:
        raise InputError(f"{_shown(spot)} is a link that does not exist: {net.layers[k]!r} leaves it out.")
    return Place(k, name, at, place.start + int(np.ravel_multi_index(at, parameter.shape)))


def place_of(net: Network, index: int) -> Place:
    """Return the place of the parameter at `index` in θ."""
    k, name, at = net.layout.locate(index)
    return Place(k, name, at, index)


def _read(spot: Spot, wanted: str | None) -> tuple[str, int, tuple[int, ...]]:
    """Return what a spot says: weights or biases, layer, and place within them."""
    numbers: list[int] = []
    written = None
    if isinstance(spot, str):
        found = _SHORT.fullmatch(spot) or _AS_PRINTED.fullmatch(spot)
        if found is not None:
            written = found[1]
            numbers = [int(found[2]), *map(int, found[3].split(","))]
    elif isinstance(spot, Sequence | np.ndarray):
        whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in spot)
        numbers = [int(n) for n in spot] if whole else []
    name = written or wanted or ("biases" if len(numbers) == 2 else "weights")
    if len(numbers) != 1 + _NEURONS[name] or min(numbers) < 0:
        raise InputError(f"{_shown(spot)} names no parameter; expected {_HOW[wanted]}.")
    return name, numbers[0], tuple(numbers[1:])


def _layer_with(net: Network, k: int, name: str, spot: Spot) -> int:
    """Return the layer that is meant; behind a layer without parameters it is the one that reads from it."""
    having = [layer for layer, parameter, _ in net.layout.places if parameter.name == name]
    if k in having:
        return k
    there = ", ".join(f"{layer} is {net.layers[layer]!r}" for layer in having) or "none has"
    if k >= len(net.layers):
        raise InputError(
            f"{_shown(spot)} asks for layer {k}, but the last is {len(net.layers) - 1}. Layers with {name}: {there}."
        )
    later = [layer for layer in having if layer > k]
    if any(parameter for parameter in net.layout.layers[k]) or not later:
        raise InputError(f"Layer {k} is {net.layers[k]!r} and has no {name}. Layers with {name}: {there}.")
    warn(
        f"Layer {k} is {net.layers[k]!r} and has no {name} of its own; layer {later[0]}, {net.layers[later[0]]!r}, "
        "which reads from it, is taken."
    )
    return later[0]


def _shown(spot: object) -> str:
    return f"{spot!r:.60}"
