"""The chain of quantities inside one step: from what was not finite back to the number that made it so.

Each link is one of backpropagation's own equations with its largest terms: z = Σ a·w + b, a = g(z), the row's error,
δ = ∇ₐE ⊙ g′(z) or (θᵀδ) ⊙ g′(z), ∂E/∂θ = Σ a·δ, and the update. Products are written out in float64, where a product
that float32 cannot hold still has its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.nonfinite.retaken import RetakenStep
from glassnet.engines.nonfinite.story import Factor, Link
from glassnet.errors import NonFiniteError
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss
from glassnet.network.backprop import Pass, short_form
from glassnet.network.dropout import Dropout

Array = NDArray[Any]

_TERMS = 2
_ORDINARY = 1e3  # a signal up to this size needs no explanation of its own where its weight is larger


def chain_of(
    error: NonFiniteError,
    taken: RetakenStep,
    gradient: Array,
    start: Array,
    rate: float,
    memory: Sequence[Factor],
) -> tuple[Link, ...]:
    """Return the chain from the quantity that an error names.

    Parameters
    ----------
    error : NonFiniteError
    taken : RetakenStep
        The step that failed.
    gradient : (n,) array
        Of the whole step, as the optimizer was given it.
    start : (n,) array
        θ when training began.
    rate : float
        The learning rate.
    memory : sequence of Factor
        What the optimizer remembers of the parameter, where the update failed.
    """
    chain = _Chain(taken, start)
    with np.errstate(all="ignore"):
        if error.quantity == "theta" and error.unit is not None:
            chain.update(error.unit, gradient, rate, memory)
        elif error.quantity == "gradient" and error.unit is not None:
            chain.gradient(error.unit, float(gradient[error.unit]))
        elif error.row is None:
            chain.sum_of_errors()
        else:
            chain.take_row(int(np.flatnonzero(taken.numbers == error.row)[0]))
            if error.quantity == "loss" or error.layer is None:
                chain.error()
            else:
                walk = {"z": chain.z, "a": chain.a, "blame": chain.blame}[error.quantity]
                walk(error.layer, error.unit or 0)
    return tuple(chain.links)


@final
class _Chain:
    """Walks back through one row of a step, and notes a link at each quantity."""

    def __init__(self, taken: RetakenStep, start: Array) -> None:
        self.taken, self.start, self.links = taken, start, list[Link]()
        self.net, self.layout = taken.network, taken.network.layout
        self.row: int | None = None
        self.p: Pass | None = None
        self.truth: Array = np.empty(0)

    def take_row(self, i: int) -> None:
        """Go on with the i-th row of the step."""
        self.row, part = int(self.taken.numbers[i]), slice(i, i + 1)
        _, self.p = next(self.taken.passes(part=part))
        self.truth = self.taken.truth(part)[0].astype(np.float64)

    # --- forward ----------------------------------------------------------------------------------------------------

    def z(self, k: int, unit: int) -> None:
        """Σ a·w + b."""
        p = self._pass()
        heard, links = p.a[k][0].astype(np.float64), self._links(k)
        w = links[:, unit] if links.ndim == 2 else None
        if w is None:  # dropout passes each signal on by itself
            parts = [(self._signal(k, unit), Factor("1/(1 − rate) of the dropout", float(links[unit])))]
            self._note("z", k, unit, p.z[k][0, unit], "what is left by dropout", parts)
            self._follow_signal(k, unit, float(heard[unit]), 0.0)
            return
        order = _largest(heard, w)
        parts = [(self._signal(k, j), self._parameter(k, "weights", (j, unit))) for j in order]
        bias = self.net.biases[k]
        product = abs(float((heard * w)[order[0]]))
        words = _sum(len(w), "" if bias is None else "the bias")
        if bias is not None and not np.isnan(product) and not abs(float(bias[unit])) <= product:
            self._note("z", k, unit, p.z[k][0, unit], words, [(self._parameter(k, "biases", (unit,)),)])
            return
        self._note("z", k, unit, p.z[k][0, unit], words, parts)
        self._follow_signal(k, order[0], float(heard[order[0]]), float(w[order[0]]))

    def a(self, k: int, unit: int) -> None:
        """g(z)."""
        p, g = self._pass(), self.net.layers[k].activation
        z = Factor(f"z of layer {k}, neuron {unit}", float(p.z[k][0, unit]))
        if g.name != "identity":
            self._note("a", k, unit, p.a[k + 1][0, unit], f"{g.name} of", [(z,)])
        self.z(k, unit)

    def error(self) -> None:
        """The row's error from its prediction and truth."""
        p, loss = self._pass(), self.taken.objective.loss
        prediction = p.a[-1][0]
        if isinstance(loss, ElementwiseLoss):
            terms = np.asarray(loss.term(prediction, self.truth.astype(prediction.dtype)), np.float64)
        else:
            terms = prediction.astype(np.float64) - self.truth
        unit = _largest(terms)[0]
        parts = [(self._prediction(unit),), (Factor(f"truth of output {unit}", float(self.truth[unit])),)]
        self.links.append(Link("the error", float(p.row_errors[0]), f"{loss.name} of", tuple(parts), self.row))
        if not abs(float(prediction[unit])) < abs(self.truth[unit]):
            self.a(len(self.net.layers) - 1, unit)

    def sum_of_errors(self) -> None:
        """Σ cᵢEᵢ plus the penalty."""
        taken, net = self.taken, self.net
        shares = taken.objective.coefficients(taken.weight.astype(np.float64))
        errors = np.concatenate([p.row_errors for _, p in taken.passes()] or [np.empty(0)]).astype(np.float64)
        loss, _, penalty, _ = taken.whole()
        if len(errors) == 0 or not abs(penalty) <= np.abs(shares * errors).max():
            size = Factor("the largest weight", float(np.abs(net.theta).max()))
            self.links.append(Link("the penalty", penalty, "l1·Σ|w| + ½·l2·Σw² of", ((size,),)))
            return
        order = _largest(shares, errors)
        parts = [
            (Factor(f"share of row {taken.numbers[i]}", float(shares[i])), Factor("its error", float(errors[i])))
            for i in order
        ]
        self.links.append(Link("the step's error", loss, f"a sum over {len(errors)} rows", tuple(parts)))
        self.take_row(order[0])
        self.error()

    # --- backward ---------------------------------------------------------------------------------------------------

    def blame(self, k: int, unit: int) -> None:
        """∇ₐE ⊙ g′(z) in the last layer, (θᵀδ) ⊙ g′(z) in one before."""
        p, layers, objective = self._pass(), self.net.layers, self.taken.objective
        value, last = p.blame[k][0, unit], len(layers) - 1
        slope = self._slope(k, unit)
        if k == last:
            truth = Factor(f"truth of output {unit}", float(self.truth[unit]))
            parts: list[tuple[Factor, ...]] = [(self._prediction(unit),), (truth,)]
            if short_form(layers, objective) is None:
                uphill = objective.loss.slope(p.a[-1], self.truth[None].astype(p.a[-1].dtype))[0, unit] * p.coefficient
                parts = [(Factor("∂E/∂a", float(uphill[0])), *slope)]
            self._note("blame", k, unit, value, f"{objective.loss.name}'s slope from", parts)
            prediction = abs(float(p.a[-1][0, unit]))
            if not prediction < abs(self.truth[unit]) or not prediction > 0:
                self.a(k, unit)
            return
        links, after = self._links(k + 1), p.blame[k + 1][0].astype(np.float64)
        order = _largest(links[unit], after) if links.ndim == 2 else [unit]
        parts = [
            (
                self._parameter(k + 1, "weights", (unit, i)) if links.ndim == 2 else Factor("mask", float(links[i])),
                Factor(f"blame of layer {k + 1}, neuron {i}", float(after[i])),
                *slope,
            )
            for i in order
        ]
        words = _sum(len(after) if links.ndim == 2 else 1, "") + (", times the slope" if slope else "")
        self._note("blame", k, unit, value, words, parts)
        if slope and not abs(slope[0].value) <= max(abs(after[order[0]]), 1.0):
            self.z(k, unit)
        elif not abs(after[order[0]]) <= 1:
            self.blame(k + 1, order[0])

    def gradient(self, index: int, value: float) -> None:
        """Σ a·δ over rows, for one parameter."""
        taken, net = self.taken, self.net
        k, name, at = self.layout.locate(index)
        heard, blame = [], []
        for _, p in taken.passes():
            blame.append(p.blame[k][:, at[-1]])
            heard.append(p.a[k][:, at[0]] if len(at) == 2 else np.ones(len(blame[-1])))
        a, delta = (np.concatenate(columns).astype(np.float64) for columns in (heard, blame))
        order = _largest(a, delta)
        i = order[0]
        parts = []
        for r in order:
            signal = self._signal_name(k, at[0]) if len(at) == 2 else "the bias's input"
            whose = f", row {taken.numbers[r]}"
            parts.append(
                (
                    Factor(signal + whose, float(a[r])),
                    Factor(f"blame of layer {k}, neuron {at[-1]}{whose}", float(delta[r])),
                )
            )
        objective = taken.objective
        if objective.l1 or objective.l2:
            w = float(net.theta[index])
            pull = objective.l1 * float(np.sign(w)) + objective.l2 * w
            if not abs(pull) <= abs((a * delta)[i]):
                parts = [(Factor("l2", objective.l2), self._parameter(k, name, at))]
        what = f"the gradient of {self.layout.describe(index)}"
        self.links.append(Link(what, value, f"a sum over {len(a)} rows", tuple(parts)))
        self.take_row(i)
        if not abs(a[i]) <= max(abs(delta[i]), 1.0) and len(at) == 2:
            if k > 0:
                self.a(k - 1, at[0])
        elif not abs(delta[i]) <= 1:
            self.blame(k, at[-1])

    def update(self, index: int, gradient: Array, rate: float, memory: Sequence[Factor]) -> None:
        """θ less what the optimizer makes of the gradient."""
        value = float(gradient[index])
        parts = [
            (self._parameter(*self.layout.locate(index)),),
            (Factor("learning rate", rate), Factor("gradient", value)),
            *((factor,) for factor in memory),
        ]
        self.links.append(Link(self.layout.describe(index), np.nan, "the update from", tuple(parts)))
        if not abs(value) <= 1:
            self.gradient(index, value)

    # --- small parts ------------------------------------------------------------------------------------------------

    def _pass(self) -> Pass:
        if self.p is None:
            self.take_row(0)
        assert self.p is not None
        return self.p

    def _note(self, quantity: str, k: int, unit: int, value: Any, formula: str, parts: Sequence[Any]) -> None:
        what = f"{quantity} of layer {k}, neuron {unit}"
        self.links.append(Link(what, float(value), formula, tuple(map(tuple, parts)), self.row))

    def _links(self, k: int) -> Array:
        """∂z/∂x of layer k for the row: (inputs, outputs), or (units,)."""
        mask = self._pass().masks.get(k)
        if isinstance(self.net.layers[k], Dropout) and mask is None:
            return np.ones(self.net.shapes[k])
        return self.net.layers[k].links(self.net.parameters[k], None if mask is None else mask[0]).astype(np.float64)

    def _slope(self, k: int, unit: int) -> tuple[Factor, ...]:
        """g′(z), where each neuron has its own and it is not that of the identity."""
        p, g = self._pass(), self.net.layers[k].activation
        if not isinstance(g, Activation) or g.name == "identity":
            return ()
        slopes = g.pullback(p.z[k], p.a[k + 1], np.ones_like(p.z[k]))
        return (Factor(f"slope of {g.name}", float(slopes[0, unit])),)

    def _prediction(self, unit: int) -> Factor:
        return Factor(f"prediction of output {unit}", float(self._pass().a[-1][0, unit]))

    def _parameter(self, k: int, name: str, at: tuple[int, ...]) -> Factor:
        place = next(s for layer, p, s in self.layout.places if (layer, p.name) == (k, name))
        index = place.start + int(np.ravel_multi_index(at, self.net.parameters[k][name].shape))
        return Factor(self.layout.describe(index), float(self.net.theta[index]), float(self.start[index]))

    def _signal_name(self, k: int, j: int) -> str:
        return f"x[{j}]" if k == 0 else f"a of layer {k - 1}, neuron {j}"

    def _signal(self, k: int, j: int) -> Factor:
        return Factor(self._signal_name(k, j), float(self._pass().a[k][0, j]))

    def _follow_signal(self, k: int, j: int, signal: float, weight: float) -> None:
        if k > 0 and not abs(signal) < min(abs(weight), _ORDINARY):
            self.a(k - 1, j)


def _largest(*factors: Array) -> list[int]:
    """Return where the products of factors are largest, NaN first; by logarithms, so that none of them overflows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = sum(np.log(np.abs(factor.astype(np.float64))) for factor in factors)
    return [int(i) for i in np.lexsort((-np.nan_to_num(size, nan=np.inf), ~np.isnan(size)))[:_TERMS]]


def _sum(n: int, more: str) -> str:
    words = "one product" if n == 1 else f"a sum of {n} products"
    return f"{words} and {more}" if more else words
