"""What a unit looks for in the input: ∂z/∂x at rows, and the input that excites it most within bounds.

Also what it does to the outputs, by the same chain rule. Works on a float64 network and knows nothing of records.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.network.backprop import forward
from glassnet.network.network import Network
from glassnet.network.parameters import LayerViews

Array = NDArray[Any]

_ROUNDS, _FEWEST_ROUNDS = 15, 4
_WORK = 100_000_000_000
"""Multiply-adds, about ten seconds of them, beyond which fewer rounds are made and fewer rows are asked."""
_NUMBERS_AT_A_TIME = 2**22
_NOTHING = 1e-100
"""A slope under this share of the largest moves nothing that float64 could tell."""


def before(weights: Array | None, blame: Array) -> Array:
    """Return the slope of what a layer reads from the slope of its z: δ Wᵀ, or δ itself where it only passes on."""
    return blame if weights is None else blame @ weights.T


def input_slopes(net: Network, k: int, z: list[Array], a: list[Array], rows: Array, units: Array) -> Array:
    """Return ∂z/∂x, exact, of one unit of layer k at each of the rows: (n, inputs).

    Parameters
    ----------
    net : Network
    k : int
        A Dense layer.
    z, a : lists of arrays
        Of a forward pass.
    rows, units : (n,) arrays of int
        Which rows of the pass, and which unit is asked for at each; rows may come more than once.
    """
    at_once = max(1, _NUMBERS_AT_A_TIME // max(shape[0] for shape in net.shapes))
    slopes = np.empty((len(rows), net.input_shape[0]))
    for start in range(0, len(rows), at_once):
        part = slice(start, start + at_once)
        slope = _columns(net.weights, k)[units[part]]  # ∂z/∂a: a unit's own incoming weights
        for j in range(k - 1, -1, -1):
            at = rows[part]
            slope = before(net.weights[j], net.layers[j].activation.pullback(z[j][at], a[j + 1][at], slope))
        slopes[part] = slope
    return slopes


def _columns(weights: LayerViews, k: int) -> Array:
    found = weights[k]
    if found is None:
        raise IndexError(f"layer {k} has no weights")
    columns: Array = found.T
    return columns


def most_exciting(direction: Array, centre: Array, radius: float, low: Array, high: Array) -> Array:
    """Return the x with the largest direction · x, low ≤ x ≤ high and ‖x − centre‖ ≤ radius, exactly: (u, n).

    By Karush, Kuhn and Tucker's conditions it is clip(centre + λ · direction, low, high), with the λ at which the way
    is `radius` long. λ is found from the order in which the coordinates reach their walls. Where even the corner is
    nearer than the radius, it is the corner.

    Parameters
    ----------
    direction : (u, n) array
    centre, low, high : (n,) arrays
        The centre lies between low and high.
    radius : float
    """
    if radius == 0:
        return np.broadcast_to(centre, direction.shape).copy()
    size = np.abs(direction).max(axis=1, keepdims=True)
    direction = direction / np.where(size > 0, size, 1.0)  # only its angle counts, so that squares are of a good size
    direction = np.where(np.abs(direction) < _NOTHING, 0.0, direction)
    space = np.where(direction > 0, high - centre, np.where(direction < 0, low - centre, 0.0))
    room = np.clip(space, -radius, radius) / radius  # in radii; nothing lies further than one
    wall = np.divide(room, direction, out=np.zeros_like(room), where=direction != 0)  # λ at which a coordinate stops
    order = np.argsort(wall, axis=1)
    wall, stops, moves = (np.take_along_axis(v, order, axis=1) for v in (wall, room**2, direction**2))
    moving = np.cumsum(moves[:, ::-1], axis=1)[:, ::-1]
    stopped = np.cumsum(stops, axis=1) - stops
    reached = stopped + wall**2 * moving >= 1  # ‖x − centre‖² at each wall, in radii
    first = reached.argmax(axis=1)[:, None]
    gone, going = (np.take_along_axis(v, first, axis=1) for v in (stopped, moving))
    left = np.maximum(1 - gone, 0.0)
    scale = np.sqrt(np.divide(left, going, out=np.zeros_like(left), where=going > 0))
    way = np.where(reached.any(axis=1, keepdims=True), direction * scale, room)
    found: Array = centre + np.sign(space) * np.minimum(np.abs(way) * radius, np.abs(space))
    return found


def best_inputs(
    net: Network, k: int, starts: Array, centre: Array, radius: float, low: Array, high: Array
) -> tuple[Array, Array]:
    """Return an input within the bounds that excites each unit of layer k much, and its z: (units, inputs), (units,).

    In the first layer z is linear in x, and the best input is exact. Behind it, ascent by Frank and Wolfe's method: go
    towards the best input for the slope here, in ever smaller shares, and keep the best place met; a local best.

    Parameters
    ----------
    starts : (units, inputs) array
        A row that excites the unit, from where the ascent starts.

    References
    ----------
    Frank & Wolfe, An algorithm for quadratic programming, Naval Research Logistics Quarterly 3, 1956.
    Erhan, Bengio, Courville & Vincent, Visualizing higher-layer features of a deep network, 2009: the bounded ascent.
    """
    units = np.arange(len(starts))
    if all(weights is None for weights in net.weights[:k]):
        exact = most_exciting(_columns(net.weights, k), centre, radius, low, high)
        return exact, _pass(net, k, exact)[0][k][units, units]
    away = starts - centre
    with np.errstate(over="ignore"):  # in radii, so that no square vanishes; a radius of 0 leads to the centre
        radii = np.linalg.norm(away / max(radius, 5e-324), axis=1, keepdims=True)
    x = centre + away / np.maximum(1.0, radii)
    best, highest = x.copy(), np.full(len(x), -np.inf)
    for t in range(int(np.clip(_WORK // (2 * net.multiplications * len(x)), _FEWEST_ROUNDS, _ROUNDS))):
        z, a = _pass(net, k, x)
        _keep(x, z[k][units, units], best, highest)
        slope = input_slopes(net, k, z, a, units, units)
        x = x + 2 / (t + 2) * (most_exciting(slope, centre, radius, low, high) - x)
    _keep(x, _pass(net, k, x)[0][k][units, units], best, highest)
    return best, highest


def _pass(net: Network, k: int, x: Array) -> tuple[list[Array], list[Array]]:
    """Return z and a of the layers up to k."""
    return forward(net.layers[: k + 1], net.parameters, x)


def _keep(x: Array, z: Array, best: Array, highest: Array) -> None:
    """Note the places that are better than the best so far."""
    better = z > highest
    best[better], highest[better] = x[better], z[better]


def rows_for_effects(net: Network) -> int:
    """Return at how many rows `effects` can be taken within reasonable work."""
    return max(32, _WORK // (net.multiplications * net.outputs))


def effects(net: Network, z: list[Array], a: list[Array], rows: Array) -> list[Array]:
    """Return what the units of each layer but the last do to each output: mean of a · ∂z_output/∂a, (units, outputs).

    z_output is the output's sum before its activation (the logit). For the last hidden layer ∂z_output/∂a is the
    weight, whatever the row, and the mean goes over all rows.

    Parameters
    ----------
    net : Network
    z, a : lists of arrays
        Of a forward pass.
    rows : (n,) array of int
        Over which rows of the pass the means of earlier layers go.
    """
    last = len(net.layers) - 1
    columns = _columns(net.weights, last)
    found = [np.empty((shape[0], net.outputs)) for shape in net.shapes[1:-1]]
    z, few = [each[rows] for each in z[:last]], [each[rows] for each in a[: last + 1]]
    for c in range(net.outputs):
        slope: Array = np.broadcast_to(columns[c], few[last].shape)
        for j in range(last - 1, -1, -1):
            found[j][:, c] = np.einsum("mi,mi->i", few[j + 1], slope) / len(slope)
            if j > 0:
                slope = before(net.weights[j], net.layers[j].activation.pullback(z[j], few[j + 1], slope))
    for j in range(last - 1, -1, -1):
        found[j] = a[j + 1].mean(axis=0)[:, None] * columns.T
        if net.weights[j] is not None:
            break
    return found
