"""How a pass changes when θ does: H·v of some rows' error without forming H, and what a direction says of each row.

Rumelhart's pass computes a and δ; differentiated along a direction v in θ, every line of it becomes a line about Ra and
Rδ, the rates at which a and δ change. Of a layer that is linear in its input x and, apart from its biases, in its
parameters θ (dense layers are):

    Rz = x V + v_b + Rx W               Rδ = R(∂E/∂a) ⊙ g′(z) + ∂E/∂a ⊙ g″(z) ⊙ Rz
    R(∂E/∂W) = xᵀRδ + Rxᵀδ              R(∂E/∂x) = Rδ Wᵀ + δ Vᵀ

References
----------
Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.dual import along
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss, RowLoss
from glassnet.network.backprop import Masks, Pass, backprop, short_form
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Parameters

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Rows:
    """Some rows' pass at a θ, ready to be differentiated once more.

    Parameters
    ----------
    network : Network
        Of dtype float64, with the θ of the pass.
    objective : Objective
    y : (m, outputs) float64 array
        The truth as the loss reads it.
    masks : mapping
        Dropout masks by layer.
    passed : Pass
    bends : bool
        Whether the network's own bend counts, as in the Hessian H. Without it the network is taken as linear in θ
        around the pass, and only the loss bends: Gauss and Newton's matrix, which has no negative curvature where the
        loss has none (Schraudolph, Fast curvature matrix-vector products, Neural Computation 14, 2002).
    """

    network: Network
    objective: Objective
    y: Array
    masks: Masks
    passed: Pass
    bends: bool

    @classmethod
    def at(
        cls,
        network: Network,
        objective: Objective,
        x: Array,
        y: Array,
        weight: Array,
        masks: Masks,
        bends: bool,
    ) -> Rows:
        """Pass rows through a network; all arrays are float64."""
        with np.errstate(all="ignore"):
            passed = backprop(network.layers, network.parameters, objective, x, y, weight, masks)
        return cls(network, objective, y, masks, passed, bends)

    def along(self, direction: Array) -> tuple[Array, Array]:
        """Return ∂Eᵢ/∂θ·v of each row, (m,), and H·v, (n,), of the error Σ cᵢEᵢ with its penalties.

        A row's part is without cᵢ; no row's gradient is formed.
        """
        net, p = self.network, self.passed
        v, out, more = (Parameters(net.layout, each) for each in (direction, *np.empty((2, direction.size))))
        with np.errstate(all="ignore"):
            rz, ra, said = self._forward(v)
            r_blame = self._last_blame(rz[-1], ra[-1])
            for k in range(len(net.layers) - 1, -1, -1):
                layer, mask = net.layers[k], self.masks.get(k)
                r_slope = layer.backward(r_blame, p.a[k], net.parameters[k], out[k], mask)
                if net.parameters[k] and self.bends and k > 0:  # the input of the first does not change
                    r_slope = r_slope + layer.backward(p.blame[k], ra[k], v[k], more[k], mask)
                    for name in out[k]:
                        if name != "biases":  # those do not meet the input, so its change says nothing of theirs
                            out[k][name][...] += more[k][name]
                if k > 0:
                    r_blame = self._hidden_blame(k - 1, rz[k - 1], r_slope)
        if self.objective.l2:
            out.theta[:] += self.objective.l2 * direction * net.layout.mask("penalised")
        return said, out.theta

    def said(self, direction: Array) -> Array:
        """Return ∂Eᵢ/∂θ·v of each row, (m,)."""
        net, p = self.network, self.passed
        v, said = Parameters(net.layout, direction), np.zeros(len(p.a[0]))
        for k, layer in enumerate(net.layers):
            if net.parameters[k]:
                said += np.einsum("ij,ij->i", p.blame[k], layer.forward(p.a[k], v[k], self.masks.get(k)))
        own: Array = np.divide(said, p.coefficient, out=np.zeros_like(said), where=p.coefficient != 0)
        return own

    def gradient_of(self, share: Array) -> Array:
        """Return Σ shareᵢ ∂Eᵢ/∂θ, (n,), of shares (m,) other than those of the pass."""
        net, p = self.network, self.passed
        out = Parameters(net.layout, np.zeros(net.layout.size))
        ratio = np.divide(share, p.coefficient, out=np.zeros_like(share), where=p.coefficient != 0)[:, None]
        for k, layer in enumerate(net.layers):
            layer.backward(p.blame[k] * ratio, p.a[k], net.parameters[k], out[k], self.masks.get(k))
        return out.theta

    def _forward(self, v: Parameters) -> tuple[list[Array], list[Array], Array]:
        """Return Rz and Ra of every layer, and ∂Eᵢ/∂θ·v of each row."""
        net, p = self.network, self.passed
        rz, ra, said = [], [np.zeros_like(p.a[0])], np.zeros(len(p.a[0]))
        for k, layer in enumerate(net.layers):
            mask = self.masks.get(k)
            # what the first layer hears stays as it is
            change = layer.forward(ra[k], _without_biases(net.parameters[k]), mask) if k else 0.0 * p.z[0]
            if net.parameters[k]:
                direct = layer.forward(p.a[k], v[k], mask)
                said += np.einsum("ij,ij->i", p.blame[k], direct)
                change = change + direct
            rz.append(change)
            g = layer.activation
            if isinstance(g, Activation):
                ra.append(change * np.asarray(g.slope(p.z[k], p.a[k + 1])))
            else:
                ra.append(along(g.value, [(p.z[k], change)]))
        c = p.coefficient
        return rz, ra, np.divide(said, c, out=np.zeros_like(said), where=c != 0)

    def _last_blame(self, rz: Array, ra: Array) -> Array:
        """Return Rδ of the last layer, of the error with the rows' shares."""
        p, loss, g, y = self.passed, self.objective.loss, self.network.layers[-1].activation, self.y
        a, ones = p.a[-1], np.ones_like(p.a[-1])
        short = short_form(self.network.layers, self.objective)
        if short is not None:
            r_blame = along(lambda a: short.blame(a, y), [(a, ones)]) * ra
        else:
            assert isinstance(loss, ElementwiseLoss | RowLoss)
            slope = loss.slope(a, y)
            if isinstance(loss, ElementwiseLoss):
                share = 1.0 / a.shape[-1] if loss.mean_over_outputs else 1.0
                r_slope = share * along(lambda a: loss.term_slope(a, y), [(a, ones)]) * ra
            else:
                r_slope = along(lambda a: loss.row_slope(a, y), [(a, ra)])
            if isinstance(g, Activation):
                r_blame = r_slope * g.slope(p.z[-1], a) + slope * self._bend(-1) * rz
            else:
                r_blame = along(g.row_pullback, [(p.z[-1], rz), (a, ra), (slope, r_slope)])
        return r_blame * p.coefficient[:, None]

    def _hidden_blame(self, k: int, rz: Array, r_slope: Array) -> Array:
        """Return Rδ of layer k from R(∂E/∂a) of its output."""
        p, g = self.passed, self.network.layers[k].activation
        assert isinstance(g, Activation)
        passed_on: Array = r_slope * g.slope(p.z[k], p.a[k + 1])
        if self.bends:
            bend = self._bend(k)
            if bend.any():
                passed_on += self._slope_of_a(k) * bend * rz
        return passed_on

    def _bend(self, k: int) -> Array:
        """Return g″(z) of layer k, whose activation acts on each neuron by itself."""
        p, g, k = self.passed, self.network.layers[k].activation, k % len(self.network.layers)
        assert isinstance(g, Activation)
        z, a = p.z[k], p.a[k + 1]
        return along(g.slope, [(z, np.ones_like(z)), (a, np.asarray(g.slope(z, a)))])

    def _slope_of_a(self, k: int) -> Array:
        """Return ∂E/∂a of layer k's output, which a pass does not keep."""
        net, p = self.network, self.passed
        spare = Parameters(net.layout, np.empty(net.layout.size))
        after, mask = net.layers[k + 1], self.masks.get(k + 1)
        return after.backward(p.blame[k + 1], p.a[k + 1], net.parameters[k + 1], spare[k + 1], mask)


def _without_biases(parameters: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.zeros_like(view) if name == "biases" else view for name, view in parameters.items()}
