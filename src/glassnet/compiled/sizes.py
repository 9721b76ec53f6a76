"""Which networks are small enough for steps made for their very sizes, and where their numbers lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from glassnet.compiled.plan import Product

_MOST_NUMBERS = 64
_MOST_PRODUCTS = 256

FIRST_SMALL_STEP = 5000
"""The step of a run from which they are taken: fewer are not worth what compiling them takes."""


_LANES = 8


def filled_up(count: int) -> int:
    """Return the next multiple of some lanes: a loop that long becomes whole vectors, with nothing left over."""
    return -(-count // _LANES) * _LANES


class SmallPlaces(NamedTuple):
    """Where the numbers of a small network lie in its own little memory; θ begins at 0.

    Parameters
    ----------
    units : tuple of int
        Of the input and every layer.
    rows, parameters : int
    w, b, a, d : tuples of int
        Of every layer's weights, biases (−1 for none), outputs and blame; entry 0 is the input's.
    y, c, e, judged, g, theta_next, slots, end : int
        Truths, shares, errors, room for a row to be judged, gradient, what θ becomes, the optimizer's slots, and where
        it ends.
    """

    units: tuple[int, ...]
    rows: int
    parameters: int
    w: tuple[int, ...]
    b: tuple[int, ...]
    a: tuple[int, ...]
    d: tuple[int, ...]
    y: int
    c: int
    e: int
    judged: int
    g: int
    theta_next: int
    slots: int
    end: int


def small_places(products: Sequence[Product], rows: int, slots: int) -> SmallPlaces | None:
    """Return where the numbers of a network lie, or None if it is not small or θ has gaps.

    Parameters
    ----------
    products : sequence of Product
        Of every layer.
    rows, slots : int
    """
    units = [products[0].inputs, *(product.outputs for product in products)]
    arithmetic = sum(product.inputs * product.outputs for product in products)
    w, b, place = [-1], [-1], 0
    for product in products:
        w.append(product.weights)
        b.append(-1 if product.biases is None else product.biases)
        if product.weights != place or b[-1] not in (-1, place + product.inputs * product.outputs):
            return None
        place += product.inputs * product.outputs + (0 if product.biases is None else product.outputs)
    parameters = place
    if parameters > _MOST_NUMBERS or max(units) * rows > _MOST_NUMBERS or arithmetic * rows > _MOST_PRODUCTS:
        return None
    a = []
    for n in units:
        a.append(place)
        place += filled_up(n * rows)
    y, c = place, place + units[-1] * rows
    e = c + rows
    judged = e + rows
    place = judged + 2 * units[-1]
    d = [-1]
    for n in units[1:]:
        d.append(place)
        place += filled_up(n * rows)
    g = place
    theta_next = g + parameters
    memories = theta_next + parameters
    return SmallPlaces(
        units=tuple(int(n) for n in units),
        rows=rows,
        parameters=parameters,
        w=tuple(w),
        b=tuple(b),
        a=tuple(a),
        d=tuple(d),
        y=y,
        c=c,
        e=e,
        judged=judged,
        g=g,
        theta_next=theta_next,
        slots=memories,
        end=memories + slots * parameters,
    )
