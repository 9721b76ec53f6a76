"""The set piece: four networks, from twelve weights to 900,000, each a race of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.network import Dense, Network

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Piece:
    """One race of the lesson.

    Parameters
    ----------
    title, says : str
        What it is about, and what to look at.
    network : Network
    x, y : arrays
    loss : str
    validation : float or None
    seeds : int
        How many starts.
    share : float
        Of the lesson's time.
    """

    title: str
    says: str
    network: Network
    x: Array
    y: Array
    loss: str
    validation: float | None
    seeds: int
    share: float


def pieces() -> list[Piece]:
    """Return the four races of the lesson, the smallest first.

    Examples
    --------
    >>> for piece in pieces():
    ...     print(piece.title, piece.network.layout.parameters)
    The 2-2-2 network 12
    XOR 9
    A 3 from a 7 1074
    900,000 weights 901275
    """
    return [_two_two_two(), _xor(), _three_and_seven(), _large()]


def _two_two_two() -> Piece:
    """Return the worked example of a much-read article: one row, twelve weights and biases."""
    net = Network(2, [Dense(2, "sigmoid"), Dense(2, "sigmoid")], dtype="float64")
    net.theta = [0.15, 0.25, 0.20, 0.30, 0.35, 0.35, 0.40, 0.50, 0.45, 0.55, 0.60, 0.60]
    says = (
        "Two inputs, two hidden units, two outputs and one row to learn: the network of a much-read article on "
        "backpropagation. With twelve weights and biases nearly everything works; look at what each step costs."
    )
    x, y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    return Piece("The 2-2-2 network", says, net, x, y, "half_squared_error", None, 3, 0.15)


def _xor() -> Piece:
    net = Network(2, [Dense(2, "tanh"), Dense(1, "sigmoid")], seed=1, dtype="float64")
    says = (
        "Four rows that no single layer tells apart. A method that cannot make the hidden units useful stays at "
        f"an error of ln 2 = {np.log(2):.3f}; some starts lead into a flat place from which descent does not come out."
    )
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
    return Piece("XOR", says, net, x, y, "binary_cross_entropy", None, 5, 0.2)


def _three_and_seven() -> Piece:
    x, y = _digits()
    chosen = (y == 3) | (y == 7)
    net = Network(64, [Dense(16, "relu"), Dense(2, "softmax")])
    says = (
        "Handwritten digits of 8 by 8 pixels: a thousand weights. The rows are easy to tell apart, so many methods get "
        "there; what differs is how many evaluations they need."
    )
    return Piece("A 3 from a 7", says, net, x[chosen], (y[chosen] == 7).astype(int), "cross_entropy", 0.2, 2, 0.3)


def _large() -> Piece:
    """Return 500 digits, each pixel drawn three by three and with a margin: 28 by 28, into 784-1000-115-10 units."""
    x, y = _digits()
    images = np.kron(x[:500].reshape(-1, 8, 8), np.ones((1, 3, 3)))
    rows = np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(len(images), 784)
    net = Network(784, [Dense(1000, "relu"), Dense(115, "relu"), Dense(10, "softmax")])
    says = (
        "An ordinary network for images of 28 by 28 pixels, on 500 digits enlarged to that size. Backpropagation costs "
        "what it cost before, three evaluations a row; a method that asks about one weight at a time would need "
        "at least 900,000 evaluations a row for a single step."
    )
    return Piece("900,000 weights", says, net, rows, y[:500], "cross_entropy", 0.2, 1, 0.35)


def _digits() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x / 16, y
