r"""The Hessian times a vector, exactly, without the Hessian: Pearlmutter's R-operator through our own backpropagation.

R{f} is the derivative of f at θ along v. Applied to the equations of a pass it gives another pass, of the same cost:

    R{z} = a V + v_b + R{a} W                       forward
    R{a} = g′(z) ⊙ R{z}
    R{δ} = R{∂E/∂a} ⊙ g′(z) + ∂E/∂a ⊙ g″(z) ⊙ R{z}  backward; of the last layer, R{∂E/∂a} by the loss
    R{∂E/∂W} = aᵀ R{δ} + R{a}ᵀ δ,   R{∂E/∂b} = Σ R{δ}
    R{∂E/∂a of the layer before} = R{δ} Wᵀ + δ Vᵀ

and R{∂E/∂θ} = H v.

References
----------
Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994, section 3.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.curvature.second import Moves
from glassnet.insight.curvature.standing import Standing, slope_of_loss, stand
from glassnet.insight.subject import Subject
from glassnet.network.dense import Dense
from glassnet.network.dropout import Dropout
from glassnet.network.network import Network
from glassnet.network.parameters import Parameters
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]

_KEPT_NUMBERS = 32_000_000  # of passes that are kept between products: 256 MB
_NUMBERS_AT_A_TIME = 2_000_000
_FEWEST_ROWS, _NUMBERS_OF_BLOCK = 256, 100_000  # of a block of rows, so that it lies in a core's cache


@final
class HessianProducts:
    """Multiplies vectors by the second derivatives of Σ cᵢEᵢ plus penalties, over the parameters that training moves.

    Parameters
    ----------
    subject : Subject
        With reduction "mean".
    numbers : (m,) int array or None
        What the caller calls these rows, for messages; None counts them.

    Attributes
    ----------
    count : int
        How many vectors were multiplied.
    moves : Moves
    """

    def __init__(self, subject: Subject, numbers: Array | None = None) -> None:
        require_known_layers(subject.network)
        self.subject, self.moves, self.count = subject, Moves(), 0
        net = subject.network
        self.free = net.layout.mask("trainable")
        self._numbers = np.arange(len(subject)) if numbers is None else numbers
        self._c = subject.objective.coefficients(subject.sample_weight)
        self._penalty = np.where(net.layout.mask("penalised"), subject.objective.l2, 0.0)  # |w| has no second slope
        width = sum(shape[0] for shape in net.shapes)
        step = max(_FEWEST_ROWS, _NUMBERS_OF_BLOCK // width)
        self._blocks = [slice(i, min(i + step, len(subject))) for i in range(0, len(subject), step)]
        self._keeps = len(subject) * 4 * width <= _KEPT_NUMBERS
        self._kept: dict[int, Standing] = {}

    @property
    def size(self) -> int:
        """How long θ is."""
        return int(self.subject.network.layout.size)

    def of(self, v: Array) -> Array:
        """Return H v: (n,), or (p, n) for p vectors at once; entries that training does not move are 0."""
        if v.ndim == 2:
            rows = max(block.stop - block.start for block in self._blocks)
            width = sum(shape[0] for shape in self.subject.network.shapes)
            at_a_time = max(1, _NUMBERS_AT_A_TIME // (rows * width + self.size))
            if len(v) > at_a_time:
                return np.concatenate([self.of(v[i : i + at_a_time]) for i in range(0, len(v), at_a_time)])
        self.count += 1 if v.ndim == 1 else len(v)
        v = np.where(self.free, v, 0.0)
        total = self._penalty * v
        with OneBlasThread():
            for product in self._of_blocks(lambda i: self._product(self._standing(i), v)):
                total += product  # in the order of the rows, however many threads there are
        total = np.where(self.free, total, 0.0)
        if not np.isfinite(total).all():
            raise NonFiniteError(
                "The second derivative of the error is not finite at these weights. Scale the inputs or the weights "
                "down, and see glassnet check.",
                step=0,
                quantity="gradient",
            )
        return total

    def spread_out(self, v: Array) -> Array:
        """Return vectors over the parameters that training moves, (…, p), with θ's layout, 0 elsewhere: (…, n)."""
        whole = np.zeros((*v.shape[:-1], self.size))
        whole[..., self.free] = v
        return whole

    def of_moved(self, v: Array) -> Array:
        """Return H v of vectors over the parameters that training moves alone: (p,), or (k, p) for k of them."""
        return np.ascontiguousarray(self.of(self.spread_out(v))[..., self.free])

    def along(self, v: Array) -> Array:
        """Return vᵀ(∂²Eᵢ/∂θ²)v of each row's own error: (m,), without weight and penalty."""
        v = np.where(self.free, v, 0.0)
        with OneBlasThread():
            weighted = np.concatenate(list(self._of_blocks(lambda i: self._along(self._standing(i), v))))
        own: Array = np.divide(weighted, self._c, out=np.zeros_like(weighted), where=self._c != 0)
        return own

    def error(self) -> float:
        """Return Σ cᵢEᵢ with the penalty."""
        net = self.subject.network
        standings = (self._standing(i) for i in range(len(self._blocks)))
        total = sum(float(standing.c @ standing.errors) for standing in standings)
        return total + float(self.subject.objective.penalty(net.theta, net.layout))

    def gradient(self) -> Array:
        """Return ∂E/∂θ with the penalty, 0 where training moves nothing: (n,)."""
        net, objective = self.subject.network, self.subject.objective
        total, part = np.zeros(self.size), Parameters(net.layout, np.zeros(self.size))
        for i in range(len(self._blocks)):
            standing = self._standing(i)
            for k, layer in enumerate(net.layers):
                if isinstance(layer, Dense):
                    layer.backward(standing.blame[k], standing.a[k], net.parameters[k], part[k])
            total += part.theta
        objective.add_penalty_gradient(net.theta, total, net.layout)
        return np.where(self.free, total, 0.0)

    def _of_blocks(self, work: Callable[[int], Array]) -> Iterator[Array]:
        """Do something with each block of rows, several at once on several cores."""
        threads = min(_cores(), len(self._blocks))
        if threads < 2:
            yield from map(work, range(len(self._blocks)))
            return
        with ThreadPoolExecutor(threads) as pool:
            for i in range(0, len(self._blocks), threads):  # no more results at a time than threads
                yield from pool.map(work, range(i, min(i + threads, len(self._blocks))))

    # --- a pass, and what is needed of it ---------------------------------------------------------------------------

    def _standing(self, i: int) -> Standing:
        if i not in self._kept:
            with np.errstate(all="ignore"):
                standing = stand(self.subject, self._c, self._blocks[i], self._numbers, self.moves)
            if not self._keeps:
                return standing
            self._kept[i] = standing
        return self._kept[i]

    # --- the R-operator ---------------------------------------------------------------------------------------------

    def _forward(self, standing: Standing, v: Parameters) -> tuple[list[Array], list[Array | None]]:
        """Return R{z} of every layer and R{a} of what each hears; None is 0, as of X."""
        net = self.subject.network
        rz: list[Array] = []
        ra: list[Array | None] = [None]
        for k, layer in enumerate(net.layers):
            heard = ra[k]
            if isinstance(layer, Dense):
                moved = layer.forward(standing.a[k], v[k])  # a V + v_b
                if heard is not None:
                    moved = moved + heard @ net.parameters[k]["weights"]
            else:
                moved = np.zeros_like(standing.a[k]) if heard is None else heard
            rz.append(moved)
            ra.append(standing.bends[k].signal(moved))
        return rz, ra

    def _backward(self, standing: Standing, v: Parameters, rz: list[Array], ra: list[Array | None]) -> list[Array]:
        """Return R{δ} of every layer."""
        net, last = self.subject.network, len(self.subject.network.layers) - 1
        out = ra[-1]
        assert out is not None
        rblame = list(rz)
        if standing.is_short:
            rblame[last] = standing.curve * out
        else:
            if standing.curve is not None:
                rs = standing.curve * out
            else:
                loss = self.subject.objective.loss
                rs = standing.c[:, None] * slope_of_loss(self.moves, loss, standing.a[-1], standing.y, out)
            rblame[last] = standing.bends[last].blame(rs, rz[last], out)
        for k in range(last, 0, -1):
            rs = rblame[k]
            if isinstance(net.layers[k], Dense):
                weights = net.parameters[k]["weights"]
                rs = rblame[k] @ weights.T + standing.blame[k] @ v[k]["weights"].swapaxes(-1, -2)
            heard = ra[k]
            assert heard is not None
            rblame[k - 1] = standing.bends[k - 1].blame(rs, rz[k - 1], heard)
        return rblame

    def _product(self, standing: Standing, v: Array) -> Array:
        net = self.subject.network
        direction, product = Parameters(net.layout, v), Parameters(net.layout, np.zeros_like(v))
        with np.errstate(all="ignore"):
            rz, ra = self._forward(standing, direction)
            rblame = self._backward(standing, direction, rz, ra)
            for k, layer in enumerate(net.layers):
                if not isinstance(layer, Dense):
                    continue
                heard, views = ra[k], product[k]
                views["weights"][...] = standing.a[k].T @ rblame[k]
                if heard is not None:
                    views["weights"][...] += heard.swapaxes(-1, -2) @ standing.blame[k]
                if layer.bias:
                    views["biases"][...] = rblame[k].sum(axis=-2)
        return product.theta

    def _along(self, standing: Standing, v: Array) -> Array:
        """Return cᵢ vᵀ(∂²Eᵢ/∂θ²)v: R of Σ δ·(a V + v_b), which is the slope of the row's error along v."""
        net = self.subject.network
        direction, total = Parameters(net.layout, v), np.zeros(len(standing.c))
        rz, ra = self._forward(standing, direction)
        rblame = self._backward(standing, direction, rz, ra)
        for k, layer in enumerate(net.layers):
            if isinstance(layer, Dense):
                total += (rblame[k] * layer.forward(standing.a[k], direction[k])).sum(axis=1)
                heard = ra[k]
                if heard is not None:
                    total += (standing.blame[k] * (heard @ direction[k]["weights"])).sum(axis=1)
        return total


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_known_layers(net: Network) -> None:
    """Refuse layers of which it is not known here how they bend."""
    for k, layer in enumerate(net.layers):
        if not isinstance(layer, Dense | Dropout):
            raise InputError(
                f"Layer {k} ({layer.kind}) is of a kind whose second derivatives glassnet does not know yet; it knows "
                "those of Dense and Dropout. Ask this of a network made of these."
            )
