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

from glassnet.insight.influence.dual import Dual, slope_of
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
            r_blame = self._last_blame(rz[-1])
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
                z: Any = Dual(p.z[k], {0: change})
                ra.append(np.asarray(slope_of(g.value(z), 0)))
        c = p.coefficient
        return rz, ra, np.divide(said, c, out=np.zeros_like(said), where=c != 0)

    def _last_blame(self, rz: Array) -> Array:
        """Return Rδ of the last layer, of the error with the rows' shares."""
        p, loss, g = self.passed, self.objective.loss, self.network.layers[-1].activation
        z: Any = Dual(p.z[-1], {0: rz})  # a formula takes what it can compute with
        a = g.value(z)
        short = short_form(self.network.layers, self.objective)
        if short is not None:
            blame = short.blame(a, self.y)
        else:
            assert isinstance(loss, ElementwiseLoss | RowLoss)
            if isinstance(loss, ElementwiseLoss):
                slope = loss.term_slope(a, self.y)
                slope = slope / p.a[-1].shape[-1] if loss.mean_over_outputs else slope
            else:
                slope = loss.row_slope(a, self.y)
            blame = slope * g.slope(z, a) if isinstance(g, Activation) else g.row_pullback(z, a, slope)
        return np.broadcast_to(slope_of(blame, 0), rz.shape) * p.coefficient[:, None]

    def _hidden_blame(self, k: int, rz: Array, r_slope: Array) -> Array:
        """Return Rδ of layer k from R(∂E/∂a) of its output."""
        p, g = self.passed, self.network.layers[k].activation
        assert isinstance(g, Activation)
        slope: Array = np.asarray(g.slope(p.z[k], p.a[k + 1]))
        passed_on: Array = r_slope * slope
        if self.bends:
            z: Any = Dual(p.z[k], {0: rz})
            a: Any = Dual(p.a[k + 1], {0: slope * rz})
            bend = slope_of(g.slope(z, a), 0)  # g″(z)·Rz
            if np.any(bend):
                passed_on += self._slope_of_a(k) * bend
        return passed_on

    def _slope_of_a(self, k: int) -> Array:
        """Return ∂E/∂a of layer k's output, which a pass does not keep."""
        net, p = self.network, self.passed
        spare = Parameters(net.layout, np.empty(net.layout.size))
        after, mask = net.layers[k + 1], self.masks.get(k + 1)
        return after.backward(p.blame[k + 1], p.a[k + 1], net.parameters[k + 1], spare[k + 1], mask)


def _without_biases(parameters: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.zeros_like(view) if name == "biases" else view for name, view in parameters.items()}
