"""Looks at the units of one layer after the other, and puts activities, classes, links and inputs into records.

The formulas stand in `activity` and `inputs`; here is only what belongs together.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import NonFiniteError
from glassnet.insight.features import activity as act
from glassnet.insight.features.inputs import best_inputs, effects, input_slopes, rows_for_effects
from glassnet.insight.features.records import HiddenLayer, LayerLinks, State, Unit
from glassnet.insight.features.truth import Asked
from glassnet.maths.activation import Activation, AnyActivation
from glassnet.maths.random import Purpose, generator
from glassnet.network.backprop import forward
from glassnet.network.dense import Dense

Array = NDArray[Any]

_WHERE_SLOPES_ARE_LARGEST = np.linspace(-10, 10, 2001)
_FLAT, _OFTEN = 0.01, 0.95


@final
class Observation:
    """One pass of the rows through the network, and what it tells of the units.

    Parameters
    ----------
    asked : Asked
    top : int
        How many rows to keep for each unit.
    alike : float
        |correlation| above which two units say the same thing.

    Raises
    ------
    NonFiniteError
        If an activity is not finite.
    """

    def __init__(self, asked: Asked, top: int, alike: float) -> None:
        self.asked, self.top, self.alike = asked, top, alike
        self.net, self.x = asked.subject.network, asked.subject.x
        with np.errstate(all="ignore"):
            self.z, self.a = forward(self.net.layers, self.net.parameters, self.x)
        self._require_finite()
        self.low, self.high = self.x.min(axis=0), self.x.max(axis=0)
        self.centre = np.clip(self.x.mean(axis=0), self.low, self.high)
        away = self.x - self.centre
        size = float(np.abs(away).max()) or 1.0  # divided by first, so that no square overflows or vanishes
        self.radius = float(np.median(np.linalg.norm(away / size, axis=1))) * size
        self.effect_rows = min(len(self.x), rows_for_effects(self.net))
        self.shown: set[int] = set()
        self._correlations: dict[int, Array] = {}

    def _require_finite(self) -> None:
        with np.errstate(all="ignore"):
            spread = self.x.std(axis=0)
        if not np.isfinite(spread).all():
            j = int(np.argmax(~np.isfinite(spread)))
            raise NonFiniteError(
                f"Input {j} has values as large as {np.abs(self.x[:, j]).max():.3g}: how far its rows lie apart is not "
                "finite in float64. Please scale X down.",
                step=0,
                quantity="x",
                unit=j,
            )
        for k, a in enumerate(self.a[1:]):
            if not np.isfinite(a).all():
                row, unit = (int(i) for i in np.argwhere(~np.isfinite(a))[0])
                raise NonFiniteError(
                    f"Neuron {k}:{unit} has the activity {a[row, unit]} in row {self.asked.rows[row]}; nothing can be "
                    "said of units whose activities are not finite. Train the network anew, or scale X down.",
                    step=0,
                    quantity="a",
                    layer=k,
                    row=int(self.asked.rows[row]),
                    unit=unit,
                )

    # --- links ----------------------------------------------------------------------------------------------------

    def next_dense(self, k: int) -> int:
        """Return the Dense layer that listens to layer k; what stands between only passes on."""
        return next(j for j in range(k + 1, len(self.net.layers)) if isinstance(self.net.layers[j], Dense))

    def correlations(self, k: int) -> Array:
        """Return the correlation of the two ends of every link into layer k, (inputs, units); NaN where none exists."""
        if k not in self._correlations:
            found = act.correlations(self.a[k], self.a[k + 1])
            self._correlations[k] = np.where(self._present(k), found, np.nan)
        return self._correlations[k]

    def _present(self, k: int) -> Array:
        places = self.net.layout.places
        present: Array = next(p.present for layer, p, _ in places if (layer, p.name) == (k, "weights"))
        return present

    def links(self, k: int) -> LayerLinks:
        """Return whether what fires together is wired together, over all links into layer k."""
        correlation = self.correlations(k)
        return LayerLinks(
            layer=k,
            links=int(self._present(k).sum()),
            compared=int(np.isfinite(correlation).sum()),
            rank_correlation=act.rank_correlation(self.net.weights[k], correlation),
        )

    @cached_property
    def effects(self) -> list[Array]:
        """What each layer's units do to the outputs."""
        chance = generator(self.asked.seed, Purpose.SAMPLING, 1)
        return effects(self.net, self.z, self.a, chance.permutation(len(self.x))[: self.effect_rows])

    # --- a layer --------------------------------------------------------------------------------------------------

    def layer(self, k: int) -> tuple[list[Unit], HiddenLayer]:
        """Return the units of a hidden Dense layer, and the layer in figures."""
        a, z, g = self.a[k + 1], self.z[k], self.net.layers[k].activation
        member, weights, biases = self.asked.member, self.net.weights[k], self.net.biases[k]
        states = _states(a, z, g)
        lowest = a.min(axis=0)
        means, areas = act.class_means(a, member), act.auroc(a, member)
        index = act.selectivity(means, lowest)
        truth = act.correlations(a, self.asked.numbers)
        order = act.strongest(a, z, self.top)
        direction = self._directions(k, order)
        best, best_z = best_inputs(self.net, k, self.x[order[:, 0]], self.centre, self.radius, self.low, self.high)
        groups = act.alike(a, self.alike)
        companions = {i: [j for j in group if j != i] for group in groups for i in group}
        earlier = [j for j in range(k) if isinstance(self.net.layers[j], Dense)]
        onward = self.next_dense(k)
        incoming, outgoing = self.correlations(k), self.correlations(onward)
        units = []
        for i in range(a.shape[1]):
            rows = order[i][a[order[i], i] > lowest[i]] if states[i] not in ("dead", "constant") else order[i][:0]
            self.shown.update(rows.tolist())
            units.append(
                Unit(
                    layer=k,
                    index=i,
                    activation=g.name,
                    hears=earlier[-1] if earlier else None,
                    heard_by=onward,
                    state=states[i],
                    mean=float(a[:, i].mean()),
                    deviation=float(a[:, i].std()),
                    lowest=float(lowest[i]),
                    highest=float(a[:, i].max()),
                    active=float((a[:, i] > 0).mean()),
                    class_means=means[i],
                    auroc=areas[i],
                    selectivity=float(index[i]),
                    truth_correlation=truth[i],
                    effect=self.effects[k][i],
                    rows=self.asked.rows[rows],
                    activities=a[rows, i],
                    answers=tuple(self.asked.answer(row) for row in rows),
                    row_mean=self.x[rows].mean(axis=0) if len(rows) else np.full(self.x.shape[1], np.nan),
                    weights=weights[:, i].copy(),
                    bias=0.0 if biases is None else float(biases[i]),
                    incoming_correlation=incoming[:, i],
                    outgoing_weights=self.net.weights[onward][i].copy(),
                    outgoing_correlation=outgoing[i],
                    direction=direction[i],
                    best_input=best[i],
                    best_z=float(best_z[i]),
                    highest_z=float(z[:, i].max()),
                    same_as=tuple(f"{k}:{j}" for j in companions.get(i, [])),
                )
            )
        which = {state: tuple(i for i, each in enumerate(states) if each == state) for state in set(states)}
        summary = HiddenLayer(
            layer=k,
            units=a.shape[1],
            activation=g.name,
            dead=which.get("dead", ()),
            constant=which.get("constant", ()),
            saturated=which.get("saturated", ()),
            alike=tuple(map(tuple, groups)),
        )
        return units, summary

    def _directions(self, k: int, order: Array) -> Array:
        """Return the weights (units, inputs) in the first layer, the mean of ∂z/∂x over the `order`ed rows after it."""
        if not any(isinstance(layer, Dense) for layer in self.net.layers[:k]):
            directions: Array = self.net.weights[k].T
            return directions
        units, top = order.shape
        slopes = input_slopes(self.net, k, self.z, self.a, order.ravel(), np.repeat(np.arange(units), top))
        mean: Array = slopes.reshape(units, top, -1).mean(axis=1)
        return mean


def _states(a: Array, z: Array, g: AnyActivation) -> list[State]:
    """Return the state of each unit; the first that holds of dead, constant, saturated."""
    dead, constant = (a == 0).all(axis=0), act.is_constant(a)
    saturated = np.zeros(a.shape[1], bool)
    if isinstance(g, Activation) and np.isfinite([g.range.low, g.range.high]).all():
        grid = _WHERE_SLOPES_ARE_LARGEST
        with np.errstate(all="ignore"):
            steepest = np.abs(g.slope(grid, g.apply(grid))).max()
            saturated = (np.abs(g.slope(z, a)) < _FLAT * steepest).mean(axis=0) >= _OFTEN
    names: list[State] = []
    for is_dead, is_constant, is_saturated in zip(dead, constant, saturated, strict=True):
        names.append("dead" if is_dead else "constant" if is_constant else "saturated" if is_saturated else "works")
    return names
