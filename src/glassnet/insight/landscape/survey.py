"""The mountain: the error of a network over a plane through its trained θ, and the path of training on it.

The numbers only; their words are in `words`, their pictures in `pictures`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.landscape.cost import POINTS, GridProgress, affordable, seconds
from glassnet.insight.landscape.directions import Plane, path_plane, random_plane, weights_plane
from glassnet.insight.landscape.heights import Heights, sample_rows
from glassnet.insight.landscape.trail import PathLike, Trail, as_trail
from glassnet.insight.places import Spot
from glassnet.insight.subject import Subject, make_subject
from glassnet.maths.loss import Loss
from glassnet.maths.random import check_seed
from glassnet.network.network import Network

Array = NDArray[Any]

_MARGIN = 0.25


@final
@dataclass(frozen=True)
class Walk:
    """A path as it is seen from the plane.

    Parameters
    ----------
    name : str
    labels : tuple of str
        What each point is called.
    coordinates : (s, 2) float64 array
        α and β of the point of the plane that is nearest to each θ.
    loss : (s,) float64 array
        The error at the θs themselves, which is not that of the plane below them where the path leaves it.
    outside, distance : (s,) float64 arrays
        How far each θ is from the plane, and from the trained θ.
    """

    name: str
    labels: tuple[str, ...]
    coordinates: Array
    loss: Array
    outside: Array
    distance: Array

    @property
    def in_plane(self) -> float:
        """The share of the path's squared distance from the trained θ that lies in the plane, from 0 to 1."""
        total = float(self.distance @ self.distance)
        return 1 - float(self.outside @ self.outside) / total if total else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        arrays = {name: value.tolist() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {"name": self.name, "labels": list(self.labels), **arrays, "in_plane": self.in_plane}


@final
@dataclass(frozen=True)
class Landscape:
    """The error over a plane; see `landscape`.

    Parameters
    ----------
    plane : Plane
        ``plane.directions`` (2, n), ``plane.center`` (n,), ``plane.kind``, ``plane.says``.
    alpha, beta : (p,) and (q,) float64 arrays
        Steps along the two directions; 0 is among them.
    loss : (p, q) float64 array
        ``loss[i, j]`` is the error at θ* + alpha[i] d₁ + beta[j] d₂; NaN or infinite where the error is.
    own_loss : float
        At the trained θ, on the same rows.
    walks : tuple of Walk
        Paths of training.
    rows, all_rows : int
        How many rows the error was taken on, and how many there were.
    objective : str
        The loss's name.
    has_dropout : bool
        Whether the network has Dropout, which landscapes leave out.
    usual_seconds : float or None
        About how long the usual 51 × 51 points would have taken, where fewer were taken for that.
    """

    plane: Plane
    alpha: Array
    beta: Array
    loss: Array
    own_loss: float
    walks: tuple[Walk, ...]
    rows: int
    all_rows: int
    objective: str
    has_dropout: bool
    usual_seconds: float | None = None

    @property
    def origin(self) -> Array:
        """What the picture's axes show at the trained θ, (2,): the weights' values where they are weights, else 0."""
        if self.plane.kind != "weights":
            return np.zeros(2)
        origin: Array = self.plane.directions @ self.plane.center
        return origin

    @property
    def lowest(self) -> tuple[float, float, float]:
        """α, β and error of the grid's lowest point."""
        i, j = np.unravel_index(int(np.nanargmin(np.where(np.isfinite(self.loss), self.loss, np.nan))), self.loss.shape)
        return float(self.alpha[i]), float(self.beta[j]), float(self.loss[i, j])

    @property
    def basins(self) -> list[tuple[float, float, float]]:
        """α, β and error of the grid's points that are lower than all eight around them, the deepest first."""
        from scipy.ndimage import minimum_filter

        around = np.ones((3, 3), bool)
        around[1, 1] = False
        lower = self.loss < minimum_filter(np.where(np.isnan(self.loss), np.inf, self.loss), footprint=around)
        lower[[0, -1], :] = lower[:, [0, -1]] = False  # at the edge it is not known what comes behind
        found = [(float(self.alpha[i]), float(self.beta[j]), float(self.loss[i, j])) for i, j in np.argwhere(lower)]
        return sorted(found, key=lambda basin: basin[2])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; the directions are not in it, as they are as long as θ."""
        return {
            "directions": self.plane.kind,
            "says": self.plane.says,
            "axes": list(self.plane.names),
            "shares": None if self.plane.shares is None else list(self.plane.shares),
            "origin": self.origin.tolist(),
            "alpha": self.alpha.tolist(),
            "beta": self.beta.tolist(),
            "loss": self.loss.tolist(),
            "own_loss": self.own_loss,
            "lowest": list(self.lowest),
            "basins": [list(basin) for basin in self.basins],
            "walks": [walk.to_dict() for walk in self.walks],
            "rows": self.rows,
            "all_rows": self.all_rows,
            "objective": self.objective,
            "usual_seconds": self.usual_seconds,
        }

    def text(self) -> str:
        """Return what there is to say, for a terminal."""
        from glassnet.insight.landscape.words import of_landscape

        return "\n".join(of_landscape(self))

    __str__ = text

    def html(self, title: str = "The error around the trained weights") -> str:
        """Return a page with contour and surface, which works offline."""
        from glassnet.insight.landscape.report import landscape_page

        return landscape_page(self, title)

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("The error around the trained weights", self.html())


def landscape(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss | None = None,
    *,
    directions: str | Sequence[Spot] = "random",
    path: PathLike | None = None,
    span: float | Sequence[float] | None = None,
    points: int | None = None,
    seed: int = 0,
    rows: int | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    report: Callable[[GridProgress], object] | None = None,
) -> Landscape:
    """Take the error over a plane through the trained θ, in float64 and without dropout.

    Parameters
    ----------
    net : Network
    X, Y, loss, reduction, sample_weight, l1, l2
        As for `Network.backprop`; ``loss=None`` is the loss it was trained with.
    directions : "random", "path" or two weights
        "random": two random directions, normalised for each neuron; see `directions.random_plane`. "path": the first
        two principal directions of the path; see `directions.path_plane`. Two weights: ``("1:12,3", "1:4,7")`` or
        ``((1, 12, 3), (1, 4, 7))`` for layer, from, to; ``"1:3"`` or ``(1, 3)`` is a bias.
    path : (s, n) array, or the folder of a run, or None
        θs of the training in their order, to be drawn on the plane; needed for "path".
    span : float, pair of floats, or None
        How far the grid goes to both sides of the trained θ, in units of the directions. None is 1 for random
        directions; else as far as the path goes and a quarter more, and for weights at least 1.5 times the larger.
    points : int or None
        Of the grid, along each direction. None is 51 or, where these would take more than some ten seconds on the
        fewest rows, as many as take that long and at least 11. The result says so.
    seed : int
        Of random directions, and of which rows are taken.
    rows : int or None
        Take at most so many rows. None takes all, unless that were more than some ten seconds of arithmetic; then as
        many as these allow and at least 128. The result says how many.
    report : callable or None
        Hears a `GridProgress` after the first points, from which the time is estimated, and after each further lot.

    Returns
    -------
    Landscape
        ``alpha``, ``beta``, ``loss``, ``walks``, ``basins``; with ``text()``, ``html()``, ``to_dict()``.

    Raises
    ------
    InputError
        If an argument cannot be used, a weight does not exist or the path is not of this network.
    NonFiniteError
        If the error at the trained θ is not finite.

    References
    ----------
    H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, "Visualizing the Loss Landscape of Neural Nets", NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> from glassnet.insight.landscape import landscape
    >>> net = gn.Network(2, [gn.Dense(1, bias=False)], dtype="float64")
    >>> net.theta = [3.0, -1.0]
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> bowl = landscape(net, X, [[3.0], [-1.0]], directions=("0:0,0", "0:1,0"), span=2, points=5)
    >>> bowl.own_loss, bowl.alpha.tolist()
    (0.0, [-2.0, -1.0, 0.0, 1.0, 2.0])
    >>> bowl.loss[3, 4]  # (1² + 2²)/2
    np.float64(2.5)
    """
    subject = make_subject(net, X, Y, loss, reduction=reduction, sample_weight=sample_weight, l1=l1, l2=l2)
    trail = None if path is None else as_trail(subject.network, path)
    with np.errstate(all="ignore"):
        plane = make_plane(subject.network, directions, trail, check_seed(seed))
    return survey(
        subject, plane, {} if trail is None else {"path of training": trail}, span, points, seed, rows, report
    )


def make_plane(net: Network, directions: str | Sequence[Spot], trail: Trail | None, seed: int) -> Plane:
    """Return the plane that a person asks for; `net` is of dtype float64."""
    if not np.isfinite(net.theta).all():
        raise InputError("The network has weights that are not finite, so there is no landscape around them.")
    if isinstance(directions, str) and directions == "random":
        return random_plane(net, seed)
    if isinstance(directions, str) and directions == "path":
        if trail is None:
            raise InputError('directions is "path", but there is no path; pass path= the thetas or the run\'s folder.')
        return path_plane(net, trail.thetas)
    return weights_plane(net, directions)


def survey(
    subject: Subject,
    plane: Plane,
    trails: dict[str, Trail],
    span: float | Sequence[float] | None,
    points: int | None,
    seed: int,
    rows: int | None,
    report: Callable[[GridProgress], object] | None = None,
) -> Landscape:
    """Take the error at every point of a grid on a plane, and along paths."""
    wanted = None if points is None else _whole("points", points, 3)
    limit = None if rows is None else _whole("rows", rows, 1)
    points, count = affordable(subject.network, wanted, limit, len(subject))
    fewer = wanted is None and points < POINTS
    chosen = sample_rows(len(subject), count, seed)
    heights = Heights(subject, chosen)
    own = float(heights.of(1, lambda part: plane.center[None, :])[0])
    if not np.isfinite(own):
        raise NonFiniteError(
            f"The error at the trained weights is {own}, so there is no landscape around them. Look for weights or "
            "rows that are too large.",
            step=0,
            quantity="loss",
        )
    walks = tuple(_walk(name, trail, plane, heights) for name, trail in trails.items())
    alpha, beta = _axes(plane, walks, span, points)
    grid = np.stack(np.meshgrid(alpha, beta, indexing="ij"), axis=-1).reshape(-1, 2)
    began = time.monotonic()

    def tell(done: int) -> None:
        if report is not None:
            report(GridProgress(done, len(grid), (time.monotonic() - began) / done * (len(grid) - done)))

    loss = heights.of(len(grid), lambda part: plane.at(grid[part]), tell).reshape(points, points)
    return Landscape(
        plane=plane,
        alpha=alpha,
        beta=beta,
        loss=loss,
        own_loss=own,
        walks=walks,
        rows=count,
        all_rows=len(subject),
        objective=subject.objective.loss.name,
        has_dropout=any(layer.drop_rate for layer in subject.network.layers),
        usual_seconds=seconds(subject.network, POINTS**2, count) if fewer else None,
    )


def _walk(name: str, trail: Trail, plane: Plane, heights: Heights) -> Walk:
    with np.errstate(over="ignore", invalid="ignore"):
        coordinates, outside, distance = plane.project(trail.thetas)
    if not np.isfinite(distance).all():
        raise InputError("The path goes so far from the trained weights that its length overflows.")
    loss = heights.of(len(trail.thetas), lambda part: trail.thetas[part])
    return Walk(name, trail.labels, coordinates, loss, outside, distance)


def _axes(
    plane: Plane, walks: Sequence[Walk], span: float | Sequence[float] | None, points: int
) -> tuple[Array, Array]:
    """Return the steps along both directions; 0, the trained θ, is one of them."""
    low, high = -np.ones(2), np.ones(2)
    if span is not None:
        low, high = -_spans(span), _spans(span)
    elif plane.kind != "random":
        way = np.concatenate([np.zeros((1, 2)), *(walk.coordinates for walk in walks)])
        low, high = way.min(axis=0), way.max(axis=0)
        extent = high - low
        low, high = low - _MARGIN * extent, high + _MARGIN * extent
        if plane.kind == "weights":
            largest = np.abs(plane.directions @ plane.center).max()
            reach = max(1.0, 1.5 * float(largest))
            low, high = np.minimum(low, -reach), np.maximum(high, reach)
    with np.errstate(over="ignore"):
        steps = (high - low) / (points - 1)
        furthest = np.abs(plane.directions).max(axis=1) * np.maximum(-low, high) + np.abs(plane.center).max()
    if not np.isfinite([*steps, *furthest]).all():
        raise InputError(
            f"span is {span!r}; so far from the trained weights other weights are too large for a number. Pass a "
            "smaller span."
        )
    before = np.clip(np.round(-low / steps), 0, points - 1)
    alpha, beta = ((np.arange(points) - n) * step for n, step in zip(before, steps, strict=True))
    return alpha, beta


def _spans(span: float | Sequence[float]) -> Array:
    pair = [span, span] if isinstance(span, int | float | np.number) else list(span)
    good = len(pair) == 2 and all(isinstance(s, int | float | np.number) and 0 < s < np.inf for s in pair)
    if not good or isinstance(span, bool):
        raise InputError(f"span is {span!r}; expected a positive number, or one for each direction.")
    return np.array(pair, float)


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} is {value!r}; expected a whole number from {least} up.")
    return int(value)
