"""Planes through the trained θ: by two random directions, along the path of training, or by two named weights.

Knows the network's θ and its layout; it computes no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.places import Spot, find
from glassnet.maths.random import Purpose, check_seed, generator
from glassnet.network.network import Network

Array = NDArray[Any]
_PARALLEL = 0.999
_RANK = 1e-7
"""Smallest second singular value over the first; squared, it is still above what float64 rounds away."""
_COLUMNS = 2**16


@final
@dataclass(frozen=True)
class Plane:
    """A plane through a point of the landscape: θ(α, β) = θ* + α d₁ + β d₂.

    Parameters
    ----------
    kind : {"random", "path", "weights"}
    center : (n,) float64 array
        θ*, the trained weights.
    directions : (2, n) float64 array
        d₁ and d₂; linearly independent, and for "path" and "weights" of length 1 and perpendicular.
    names : two of str
        What the axes are called.
    shares : two of float, or None
        For "path": how much of the path's squared distance from its end each direction holds.
    says : str
        How the directions were made.
    """

    kind: str
    center: Array
    directions: Array
    names: tuple[str, str]
    shares: tuple[float, float] | None
    says: str

    def at(self, coordinates: Array) -> Array:
        """Return θ at points (p, 2) of the plane: (p, n)."""
        theta: Array = coordinates @ self.directions
        theta += self.center
        return theta

    def project(self, thetas: Array) -> tuple[Array, Array, Array]:
        """Return where θs (p, n) fall on the plane.

        Returns
        -------
        coordinates : (p, 2) array
            Of the nearest point of the plane.
        outside : (p,) array
            The distance to that point.
        distance : (p,) array
            The distance from the trained θ.
        """
        gram = self.directions @ self.directions.T
        coordinates, outside, distance = np.empty((len(thetas), 2)), np.empty(len(thetas)), np.empty(len(thetas))
        for i, theta in enumerate(thetas):  # one at a time: a path may be many times as large as θ
            away = theta - self.center
            distance[i] = np.linalg.norm(away)
            coordinates[i] = np.linalg.solve(gram, self.directions @ away)
            outside[i] = np.linalg.norm(away - coordinates[i] @ self.directions)
        return coordinates, outside, distance


def random_plane(net: Network, seed: int) -> Plane:
    """Return a plane of two random directions with each neuron at its own scale.

    A neuron's incoming weights are its filter: in each direction they are drawn from a normal distribution and then
    made as long as the neuron's trained weights are, d ← d ‖θ‖/‖d‖. So a step of 1 means the same in every neuron,
    however large its weights, and networks that compute the same with other scales look the same. Biases stay as they
    were trained, as in the authors' program (``ignore="biasbn"``). One deviation: where a neuron has two inputs or
    more, the second direction is made perpendicular to the first within the neuron, so that right angles on the
    picture are right angles; in high dimensions they are nearly so anyway.

    Parameters
    ----------
    net : Network
        Of dtype float64.
    seed : int

    Raises
    ------
    InputError
        If there are no trained weights to scale by, or so few that the two directions are parallel.

    References
    ----------
    H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, "Visualizing the Loss Landscape of Neural Nets", NeurIPS 2018,
    section 4 (filter normalisation; footnote on fully connected layers).
    """
    chance = generator(check_seed(seed), Purpose.SAMPLING, 1)
    directions = np.zeros((2, net.theta.size))
    trainable = net.layout.mask("trainable")
    for _, parameter, place in net.layout.places:
        if parameter.name != "weights":
            continue
        weights = net.theta[place].reshape(parameter.shape)
        moves = trainable[place].reshape(parameter.shape)
        first, second = chance.standard_normal((2, *parameter.shape)) * moves
        inside = np.divide(
            (first * second).sum(axis=0),
            (first * first).sum(axis=0),
            out=np.zeros(weights.shape[1]),
            where=moves.sum(axis=0) > 1,
        )
        second = second - inside * first
        for d, drawn in zip(directions, (first, second), strict=True):
            length = np.linalg.norm(drawn, axis=0)
            scale = np.divide(np.linalg.norm(weights, axis=0), length, out=np.zeros_like(length), where=length > 0)
            d[place] = (drawn * scale).ravel()
    _require_plane(directions)
    says = (
        f"Two random directions (seed {seed}). In each, a neuron's incoming weights are as long as its trained ones, "
        "so that a step of 1 is as large as the weights themselves; biases are held (Li et al. 2018)."
    )
    return Plane("random", net.theta.copy(), directions, ("random direction 1", "random direction 2"), None, says)


def _require_plane(directions: Array) -> None:
    lengths = np.linalg.norm(directions, axis=1)
    if not np.isfinite(lengths).all():
        raise InputError("The weights are so large that their length overflows, so there is no landscape around them.")
    if not lengths.all():
        raise InputError(
            "All weights are 0, so there is no scale for random directions. Train the network first, or name two "
            'weights: directions=("0:0,0", "0:1,0").'
        )
    if abs(directions[0] @ directions[1]) > _PARALLEL * lengths.prod():
        raise InputError(
            "Each neuron of this network has a single incoming weight, and the two random directions are parallel. "
            'Name two weights instead, such as directions=("0:0,0", "1:0,0"), or take another seed.'
        )


def path_plane(net: Network, thetas: Array) -> Plane:
    """Return the plane through the trained θ that holds most of a path.

    The directions are the first two principal directions of θᵢ − θ*, i = 0 … n − 1: the right singular vectors of the
    matrix A with these rows. They are found through the small matrix A Aᵀ = V Σ² Vᵀ, as Aᵀ V Σ⁻¹, since a path has few
    points of many weights. Deviation from the authors' program: their rows are centred on the path's mean first; here
    they are measured from θ*, through which the plane goes, so that no other plane through it holds more of the path.

    Parameters
    ----------
    net : Network
        Of dtype float64; its θ is θ*.
    thetas : (s, n) float array

    Raises
    ------
    InputError
        If the path overflows, or leaves θ* in fewer than two directions.

    References
    ----------
    Li et al. 2018 (see `random_plane`), section 7.2.
    """
    places = [slice(i, i + _COLUMNS) for i in range(0, net.theta.size, _COLUMNS)]
    gram = np.zeros((len(thetas), len(thetas)))
    for place in places:  # some columns at a time, so that the path need not be there twice
        away = thetas[:, place] - net.theta[place]
        with np.errstate(over="ignore", invalid="ignore"):
            gram += away @ away.T
    if not np.isfinite(gram).all():
        raise InputError("The path goes so far from the trained weights that its length overflows.")
    squares, vectors = np.linalg.eigh(gram)
    sizes, left = np.sqrt(np.maximum(squares[::-1], 0.0)), vectors[:, ::-1]
    if len(sizes) < 2 or not sizes[1] > _RANK * max(sizes[0], np.finfo(float).tiny):
        raise InputError(
            f"The path has {len(thetas)} points, and they leave the trained weights along a single line or not at all; "
            'a plane needs two directions. Take directions="random", or keep more snapshots of the training.'
        )
    shares = sizes**2 / (sizes**2).sum()
    mix = (left[:, :2] / sizes[:2] * np.where(left[0, :2] < 0, -1.0, 1.0)).T  # the start has positive signs
    directions = np.empty((2, net.theta.size))
    for place in places:
        directions[:, place] = mix @ (thetas[:, place] - net.theta[place])
    first, second = directions
    first /= np.linalg.norm(first)
    second -= (first @ second) * first
    second /= np.linalg.norm(second)
    says = (
        f"The first two principal directions of the training path ({len(thetas)} points), through the trained weights. "
        f"They hold {shares[0]:.1%} and {shares[1]:.1%} of the path's squared distance from its end."
    )
    names = (f"principal direction 1 ({shares[0]:.1%})", f"principal direction 2 ({shares[1]:.1%})")
    return Plane("path", net.theta.copy(), directions, names, (float(shares[0]), float(shares[1])), says)


def weights_plane(net: Network, spots: Sequence[Spot]) -> Plane:
    """Return the plane on which two named weights or biases move and all others stay.

    Raises
    ------
    InputError
        If there are not two different ones, or one of them does not exist.
    """
    if isinstance(spots, str) or not isinstance(spots, Sequence | np.ndarray) or len(spots) != 2:
        raise InputError(f"directions is {spots!r:.80}; expected 'random', 'path' or two weights.")
    first, second = places = [find(net, spot) for spot in spots]
    if first == second:
        raise InputError(f"directions names {first} twice; expected two different weights.")
    directions = np.zeros((2, net.theta.size))
    directions[[0, 1], [place.index for place in places]] = 1
    says = f"Two weights move, {first} and {second}; all others stay as they were trained."
    return Plane("weights", net.theta.copy(), directions, (str(first), str(second)), None, says)
