"""The gradient of each row by itself: its length, its product with other rows', and, if need be, all of it.

∂Eᵢ/∂θ is of the row's own error, without 1/m, sample weight or penalty. Nothing here stands for a step of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import ENGINES, Descent, Engine, make_engine
from glassnet.errors import UnknownNameError
from glassnet.insight.subject import Subject, make_subject
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import SGD
from glassnet.network.network import Network
from glassnet.network.rows import RowPass, gradients, products_by_layer, require_independent_rows, squares_by_layer

Array = NDArray[Any]

_NUMBERS_AT_A_TIME = 16_000_000


@final
@dataclass(frozen=True)
class RowGradients:
    """The gradients of rows, computed when they are asked for.

    Parameters
    ----------
    subject : Subject
        Network and rows, in float64.
    engine : Engine
    """

    subject: Subject
    engine: Engine

    def __len__(self) -> int:
        return len(self.subject)

    def norms(self, by_layer: bool = False) -> Array:
        """Return ‖∂Eᵢ/∂θ‖ of each row, without forming a gradient: (m,), or (m, layers) float64.

        Of a dense layer ‖δ‖²(‖a‖² + 1): Goodfellow, Efficient per-example gradient computations, 2015.
        """
        layers = self.subject.network.layers
        with np.errstate(over="ignore", invalid="ignore"):  # of a network that runs off
            squares = np.concatenate([squares_by_layer(layers, p) for p in self._passes()])
        norms: Array = np.sqrt(squares if by_layer else squares.sum(axis=1))
        return norms

    def errors(self) -> Array:
        """Return Eᵢ of each row: (m,) float64."""
        return np.concatenate([p.errors.copy() for p in self._passes()])

    def products(self, other: RowGradients | None = None, by_layer: bool = False) -> Array:
        """Return the inner products of each row's gradient with each other row's: (m, p), or (layers, m, p) float64.

        No gradient is formed: of a dense layer it is (δ·δ′)(a·a′ + 1).

        Parameters
        ----------
        other : RowGradients or None
            Rows of the same network; None takes the same rows.
        by_layer : bool
        """
        theirs = self if other is None else other
        layers = self.subject.network.layers
        kept = [_copied(p) for p in theirs._passes()]
        parts = []
        for mine in self._passes():
            parts.append(np.concatenate([products_by_layer(layers, mine, p) for p in kept], axis=2))
        products = np.concatenate(parts, axis=1)
        return products if by_layer else products.sum(axis=0)

    def chunks(self) -> Iterator[tuple[slice, Array]]:
        """Give the gradients of some rows at a time: which rows, and (r, n) float64 with the layout of θ.

        The rows are as many as fit in 128 MB; ``glassnet.network.parameters.Parameters(net.layout, gradients)`` gives
        views by layer.
        """
        net = self.subject.network
        step, first = max(1, _NUMBERS_AT_A_TIME // net.layout.size), 0
        for p in self._passes():
            for i in range(0, len(p), step):
                part = slice(i, i + step)
                some = RowPass(p.errors[part], [a[part] for a in p.a], [blame[part] for blame in p.blame])
                yield slice(first + i, first + i + len(some)), gradients(net.layers, net.layout, some)
            first += len(p)

    def array(self) -> Array:
        """Return all gradients, (m, n) float64: as much memory as m networks."""
        return np.concatenate([some for _, some in self.chunks()])

    def _passes(self) -> Iterator[RowPass]:
        return self.engine.row_passes(self.subject.x, self.subject.targets)


def row_gradients(
    net: Network, X: ArrayLike, Y: ArrayLike, loss: str | Loss | None = None, *, engine: str = "compiled"
) -> RowGradients:
    """Return the gradients of rows, each of its own error: no 1/m, no sample weight, no penalty, no dropout.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    engine : {"compiled", "reference"}

    Returns
    -------
    RowGradients

    Raises
    ------
    InputError
        If an argument or array cannot be used, or a layer computes with several rows together.
    PairingError
        If the loss cannot read the last layer's output.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(2, [gn.Dense(1)], seed=0)
    >>> net.theta = [1.0, 1.0, 0.0]
    >>> rows = gn.row_gradients(net, [[3.0, 4.0], [1.0, 0.0]], [6.0, 0.0], loss="half_squared_error")
    >>> rows.array().tolist()
    [[3.0, 4.0, 1.0], [1.0, 0.0, 1.0]]
    >>> rows.products().tolist()
    [[26.0, 4.0], [4.0, 2.0]]
    """
    if not isinstance(engine, str) or engine not in ENGINES:
        raise UnknownNameError("engine", str(engine), ENGINES)
    subject = make_subject(net, X, Y, loss)
    require_independent_rows(net.layers)
    machine = make_engine(engine, subject.network, subject.objective, Descent(SGD()), 1, 0)
    return RowGradients(subject, machine)


def _copied(p: RowPass) -> RowPass:
    return RowPass(p.errors.copy(), [a.copy() for a in p.a], [blame.copy() for blame in p.blame])
