"""What a network's units do on rows: which never fire, which are saturated, and how blame fares from layer to layer.

One pass in float64 over some rows, without dropout; knows networks and rows, and judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.activation import Activation
from glassnet.maths.loss import Loss
from glassnet.network.dense import Dense
from glassnet.network.network import Network

Array = NDArray[Any]

SIGMOIDS = frozenset({"sigmoid", "tanh", "softsign"})
"""Activations that flatten on both sides."""

_FLAT = 0.05  # of the steepest slope
_SILENT = 1e-3


@final
@dataclass(frozen=True)
class LayerUnits:
    """What the units of one layer do.

    Parameters
    ----------
    layer : int
    activation : str
    units : int
    dead : int
        Units of a one-sided activation whose slope is 0 for every row.
    flat : float
        The share of pairs of row and unit where the slope is below a twentieth of the steepest; of activations that
        flatten on both sides.
    stuck : int
        Units that are flat, and on one side, for (almost) every row.
    blame : float
        The root mean square over rows of ‖δ‖, the layer's blame for the row's own error.
    size : float
        The root mean square over rows of ‖a‖, what the layer puts out.
    """

    layer: int
    activation: str
    units: int
    dead: int
    flat: float
    stuck: int
    blame: float
    size: float

    @property
    def dead_share(self) -> float:
        """The share of units that are dead."""
        return self.dead / self.units


@final
@dataclass(frozen=True)
class Body:
    """A network at one moment, looked at with some rows.

    Parameters
    ----------
    layers : tuple of LayerUnits
        One for each dense layer, the last included.
    finite : bool
        Whether all numbers of the pass were.
    wrong_and_flat : float
        The share of rows that are far from right while the last layer's slope is all but 0, so that they teach little.
    """

    layers: tuple[LayerUnits, ...]
    finite: bool
    wrong_and_flat: float

    @property
    def hidden(self) -> tuple[LayerUnits, ...]:
        """All but the last."""
        return self.layers[:-1]

    @property
    def blame_ratio(self) -> float:
        """Blame of the first layer over that of the last; 1 where there is one layer, or no blame at all."""
        first, last = self.layers[0].blame, self.layers[-1].blame
        return first / last if last > 0 and np.isfinite(first) else (np.inf if not np.isfinite(first) else 1.0)


def look(network: Network, theta: Array, loss: Loss, x: Array, y: Array) -> Body:
    """Return what the units of a network with this θ do on rows."""
    net = network.astype(np.float64)
    net.theta[:] = theta
    p = net.backprop(x, y, loss, reduction="sum")
    found = []
    finite = bool(np.isfinite(p.loss)) and all(bool(np.isfinite(z).all()) for z in p.z)
    for k, layer in enumerate(net.layers):
        if not isinstance(layer, Dense):
            continue
        g = layer.activation
        z, a = p.z[k], p.a[k + 1]
        dead, flat, stuck = 0, 0.0, 0
        if isinstance(g, Activation) and finite:
            slope = np.abs(g.slope(z, a) + np.zeros_like(z))
            if g.name in SIGMOIDS:
                steepest = 0.25 if g.name == "sigmoid" else 1.0
                low = slope < _FLAT * steepest
                flat = float(low.mean())
                up = a > (0.5 if g.name == "sigmoid" else 0.0)
                one_side = np.maximum(up.mean(axis=0), 1 - up.mean(axis=0))
                stuck = int(((low.mean(axis=0) > 0.99) & (one_side > 0.99)).sum())
            elif g.name != "exp":
                dead = int((slope.max(axis=0) < _SILENT).sum())
        blame = float(np.sqrt((p.blame[k] ** 2).sum(axis=1).mean())) if finite else np.nan
        size = float(np.sqrt((a**2).sum(axis=1).mean()))
        found.append(LayerUnits(k, g.name, layer.units, dead, flat, stuck, blame, size))
    return Body(tuple(found), finite, _wrong_and_flat(net, p.z[-1], p.a[-1], p.blame[-1], y) if finite else 0.0)


def _wrong_and_flat(net: Network, z: Array, a: Array, blame: Array, y: Array) -> float:
    """Return the share of rows whose output is far off while it hardly blames what comes before it."""
    g = net.layers[-1].activation
    if g.name not in ("sigmoid", "softmax", "tanh", "softsign"):
        return 0.0
    truth = np.zeros_like(a)
    if y.ndim == 1:
        truth[np.arange(len(y)), y] = 1
    else:
        truth = y
    off = np.abs(a - truth).max(axis=1) > 0.5
    still = np.abs(blame).max(axis=1) < 0.02
    return float((off & still).mean())
