"""The bundled hill: one neuron with two weights, whose error has a local basin on one side and the deepest valley on
the other. Both are found by real descents from two sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.landscape.directions import weights_plane
from glassnet.insight.landscape.survey import Landscape, survey
from glassnet.insight.landscape.trail import Trail
from glassnet.insight.subject import make_subject
from glassnet.maths.optimizers import SGD
from glassnet.network.dense import Dense
from glassnet.network.network import Network
from glassnet.training import train

Array = NDArray[Any]

X = ((-8.0,), (-0.5,), (0.5,), (8.0,))
Y = ((0.8,), (0.15,), (0.85,), (0.2,))
"""Near 0 the truth rises, and far out it falls; a neuron can do one of the two only."""

START_LEFT, START_RIGHT = (-2.5, 3.0), (3.5, -3.0)
_RATE = 0.5
_LOOKS = np.array([*range(0, 20, 2), *range(20, 300, 10), 300, 400, 600, 1000, 2000, 4000])

TEXT = (
    "A single neuron with a weight w and a bias b, a = 1/(1 + e^−(wx + b)), is to give 0.8, 0.15, 0.85 and 0.2 for "
    "x = −8, −½, ½ and 8. The outer two rows are met by a neuron that falls gently with x, the inner two by one that "
    "rises steeply, and no neuron does both. Between these two stands a hill. Descent only goes down, so the side on "
    "which it starts decides where it ends: on the left in the deepest valley, on the right in a local basin. That a "
    "single neuron can have such basins, with more inputs exponentially many, was shown by Auer, Herbster and Warmuth "
    "(1996)."
)


@final
@dataclass(frozen=True)
class Hill:
    """The hill and two descents on it.

    Parameters
    ----------
    network : Network
        With the θ of the deepest valley.
    landscape : Landscape
        Over the whole of (w, b), centred on the deepest valley; its walks are the two descents.
    deepest, basin : (2,) float64 arrays
        θ = (w, b) where the two descents end.
    """

    network: Network
    landscape: Landscape
    deepest: Array
    basin: Array

    @property
    def losses(self) -> tuple[float, float]:
        """The error in the deepest valley and in the local basin."""
        deepest, basin = self.landscape.walks
        return float(deepest.loss[-1]), float(basin.loss[-1])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        deepest, basin = self.losses
        return {
            "x": [list(row) for row in X],
            "y": [list(row) for row in Y],
            "deepest": {"theta": self.deepest.tolist(), "loss": deepest},
            "local_basin": {"theta": self.basin.tolist(), "loss": basin},
            **self.landscape.to_dict(),
        }

    def text(self) -> str:
        """Return what there is to see, for a terminal."""
        deepest, basin = self.losses
        ends = ((self.landscape.walks[0], self.deepest, deepest), (self.landscape.walks[1], self.basin, basin))
        lines = [TEXT]
        for walk, (w, b), error in ends:
            name = walk.name[:1].upper() + walk.name[1:]
            lines.append(f"{name}: ends at w = {w:z.4f}, b = {b:z.4f} with the error {error:.4f}.")
        return "\n".join(lines)

    __str__ = text

    def html(self, title: str = "A hill with a local basin and a deepest valley") -> str:
        """Return a page with contour, surface and both descents, which works offline."""
        from glassnet.insight.landscape.report import hill_page

        return hill_page(self, title)

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("A hill with a local basin and a deepest valley", self.html())


def hill(points: int = 81) -> Hill:
    """Make the bundled example: a real network of two weights, descended from both sides.

    Parameters
    ----------
    points : int
        Of the grid, along w and along b.

    Returns
    -------
    Hill

    References
    ----------
    P. Auer, M. Herbster and M. K. Warmuth, "Exponentially many local minima for single neurons", NeurIPS 8, 1996.

    Examples
    --------
    >>> from glassnet.insight.landscape import hill
    >>> deepest, basin = hill(points=9).losses
    >>> round(deepest, 4), round(basin, 4)
    (0.0685, 0.32)
    """
    if isinstance(points, bool) or not isinstance(points, int | np.integer) or points < 3:
        raise InputError(f"points is {points!r}; expected a whole number from 3 up.")
    left, right = _descend(START_LEFT), _descend(START_RIGHT)
    net = network(left.thetas[-1])
    subject = make_subject(net, X, Y, "squared_error")
    plane = replace(weights_plane(subject.network, ((0, 0, 0), (0, 0))), names=("weight w", "bias b"))
    trails = {"descent from the left": left, "descent from the right": right}
    land = survey(subject, plane, trails, None, points, 0, None)
    return Hill(net, land, left.thetas[-1], right.thetas[-1])


def network(theta: Any) -> Network:
    """Return the neuron with these two weights, (w, b)."""
    net = Network(1, [Dense(1, "sigmoid")], dtype="float64")
    net.theta = theta
    return net


def _descend(start: tuple[float, float]) -> Trail:
    """Return plain descent on all rows: where it stands after each of _LOOKS epochs."""
    net = network(start)
    thetas = [net.theta.copy()]
    for epochs in np.diff(_LOOKS):  # plain descent remembers nothing, so it may be taken in pieces
        train(net, X, Y, "squared_error", optimizer=SGD(_RATE), batch_size=None, epochs=int(epochs))
        thetas.append(net.theta.copy())
    return Trail(np.stack(thetas), tuple(f"epoch {epoch:,}" for epoch in _LOOKS))
