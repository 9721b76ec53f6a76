"""The slope of the error by one weight in one step, in float64, and what it is the sum of: rows, penalties, clipping.

A row pushes by c·a·δ: its share in the step's error, the signal that the weight carries, and the blame behind it, all
under the step's dropout masks. This is what the run computed in its own dtype, taken again from the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.places import Place
from glassnet.network.backprop import Masks, backprop, forward, short_form
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.parameters import Parameters
from glassnet.training import Replay
from glassnet.training.replay import TakenStep

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Slope:
    """∂E/∂w of one weight in one step.

    Parameters
    ----------
    rows : (r,) int64 array
        The rows of the block that counted.
    signal, blame : (r,) float64 arrays
        a_j and δ_i of each row by itself, without its share in the step.
    pushes : (r,) float64 array
        c·a_j·δ_i: what each row adds to the slope.
    l1, l2 : float
        What the penalties add.
    clipping : float
        What clipping added.
    """

    rows: Array
    signal: Array
    blame: Array
    pushes: Array
    l1: float
    l2: float
    clipping: float

    @property
    def total(self) -> float:
        """The slope as it reached the optimizer."""
        return math.fsum([*self.pushes, self.l1, self.l2, self.clipping])


@final
class Slopes:
    """Computes the slope of a run's error by one weight, step by step.

    Parameters
    ----------
    replay : Replay
    net : Network
        The run's, of any θ.
    place : Place
        The weight.
    """

    def __init__(self, replay: Replay, net: Network, place: Place) -> None:
        self._replay, self._place = replay, place
        self._net = net.astype(np.float64)
        self._descent = replay.descent
        mask = self._net.layout.mask("trainable")
        self._frozen = None if mask.all() else ~mask
        parameter = next(p for k, p, _ in self._net.layout.places if (k, p.name) == (place.k, place.name))
        self._penalised = parameter.penalised
        self._scratch = Parameters(self._net.layout, np.empty(self._net.layout.size))

    def at(self, step: TakenStep) -> Slope | None:
        """Return the slope in a step, or None where no row counted, so that nothing moved."""
        block, net, objective = self._replay.block, self._net, self._replay.objective
        weight = block.sample_weight[step.rows].astype(np.float64)
        counted = weight > 0
        if not counted.any():
            return None
        masks = net.draw_masks(self._replay.seed, step.step, len(step.rows))
        rows = step.rows
        if not counted.all():  # as in the engines: a row of weight 0 does not count, whatever it holds
            rows, weight = rows[counted], weight[counted]
            masks = {k: mask[counted] for k, mask in masks.items()}
        x = block.x[rows].astype(np.float64)
        y = one_hot(block.y[rows], objective.loss, net.outputs, net.dtype)
        net.theta[:] = step.theta
        with np.errstate(all="ignore"):
            return self._slope(rows, x, y, weight, masks)

    def _slope(self, rows: Array, x: Array, y: Array, weight: Array, masks: Masks) -> Slope:
        net, objective, place = self._net, self._replay.objective, self._place
        c = objective.coefficients(weight)
        gradient = None
        if self._descent.clip_norm is None:
            a, blame = self._to_layer(x, y, c, masks)
        else:  # the length of the whole gradient is needed
            p = backprop(net.layers, net.parameters, objective, x, y, weight, masks)
            a, blame, gradient = p.a[place.k], p.blame[place.k], p.gradient.theta
        signal = np.ones(len(rows)) if place.signal is None else a[:, place.signal].copy()
        shared = blame[:, place.neuron]
        w = float(net.theta[place.index])
        l1, l2 = (objective.l1 * float(np.sign(w)), objective.l2 * w) if self._penalised else (0.0, 0.0)
        pushes = signal * shared
        whole = Slope(rows, signal, shared / c, pushes, l1, l2, 0.0)
        return Slope(rows, signal, shared / c, pushes, l1, l2, self._clipped(whole.total, gradient))

    def _to_layer(self, x: Array, y: Array, c: Array, masks: Masks) -> tuple[Array, Array]:
        """Return what the weight's layer hears and its blame; as `backprop`, but no layer before it is asked."""
        net, objective, k = self._net, self._replay.objective, self._place.k
        z, a = forward(net.layers, net.parameters, x, masks)
        last = len(net.layers) - 1
        short = short_form(net.layers, objective)
        if short is None:
            blame = net.layers[last].activation.pullback(z[last], a[-1], objective.loss.slope(a[-1], y) * c[:, None])
        else:
            blame = short.blame(a[-1], y) * c[:, None]
        for later in range(last, k, -1):
            parameters, scratch = net.parameters[later], self._scratch[later]
            slope = net.layers[later].backward(blame, a[later], parameters, scratch, masks.get(later))
            blame = net.layers[later - 1].activation.pullback(z[later - 1], a[later], slope)
        return a[k], blame

    def _clipped(self, slope: float, gradient: Array | None) -> float:
        """Return what clipping adds to the slope; `gradient` is the whole one, where its length matters."""
        if gradient is None:
            one = np.array([slope])
            self._descent.clip(one)
            return float(one[0]) - slope
        if self._frozen is not None:
            gradient[self._frozen] = 0
        gradient[self._place.index] = slope
        self._descent.clip(gradient)
        return float(gradient[self._place.index]) - slope
