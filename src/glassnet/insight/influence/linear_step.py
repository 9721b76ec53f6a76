"""One step of a training, linearised where it was taken: how a nudge of θ and the optimizer's memory goes through it.

A step maps the state s = (θ, slots) to s′ = F(s, g), with g = Σ cᵢ∇Eᵢ(θ) + penalties, clipped. F acts on each parameter
by itself, so its derivatives are arrays over θ; those of g by θ are a curvature, which is applied and never formed.
`push` carries a nudge forward; `pull` carries ∂(something later)/∂s′ back to ∂/∂s, and says what each row's absence
from this one step would do to that something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, Descent
from glassnet.insight.dual import Dual, slope_of, value_of
from glassnet.insight.influence.steps import Step
from glassnet.insight.influence.tangent import Rows
from glassnet.maths.optimizers import ElementwiseOptimizer
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

_AT_A_TIME = 16384  # parameters whose arrays, some dozens, stay in the processor's cache


@final
@dataclass(frozen=True)
class Setting:
    """What all steps of a run share.

    Parameters
    ----------
    network : Network
        Of dtype float64; its θ is written over.
    objective : Objective
    descent : Descent
    optimizer : ElementwiseOptimizer
        That of the descent.
    block : Block
    seed : int
        Decides the dropout masks.
    bends : bool
        Whether the curvature is the whole Hessian; otherwise it is Gauss and Newton's.
    """

    network: Network
    objective: Objective
    descent: Descent
    optimizer: ElementwiseOptimizer
    block: Block
    seed: int
    bends: bool

    def still(self) -> Array:
        """Return a nudge of nothing: (1 + slots, n), of θ and then of each slot of the optimizer."""
        return np.zeros((1 + len(self.optimizer.slots), self.network.layout.size))


@final
class LinearStep:
    """A step that was taken, ready to be pushed and pulled through.

    Parameters
    ----------
    setting : Setting
    step : Step

    Attributes
    ----------
    rows : (r,) int64 array
        The rows that counted in it.
    """

    def __init__(self, setting: Setting, step: Step) -> None:
        net, block = setting.network, setting.block
        weight = block.sample_weight[step.rows].astype(np.float64)
        counted = weight > 0  # a row of weight 0 does not count, whatever it holds
        self.rows, self._weight, self._total = step.rows[counted], weight[counted], float(weight.sum())
        self._setting, self._step = setting, step
        if not self._total:  # such a step is skipped
            return
        net.theta[:] = step.theta
        masks = {k: mask[counted] for k, mask in net.draw_masks(setting.seed, step.number, len(step.rows)).items()}
        y = one_hot(block.y[self.rows], setting.objective.loss, net.outputs, net.dtype)
        x = block.x[self.rows].astype(np.float64)
        self._passed = Rows.at(net, setting.objective, x, y, self._weight, masks, setting.bends)
        self._free = net.layout.mask("trainable")
        self._gradient = np.where(self._free, self._passed.passed.gradient.theta, 0.0)

    # --- forward ----------------------------------------------------------------------------------------------------

    def push(self, nudge: Array, absent: Array) -> Array:
        """Return the nudge after the step, from the one before it and from rows' absence, each as if by itself.

        Parameters
        ----------
        nudge : (1 + slots, n) array
        absent : (m,) bool array
            Of the rows of the block.
        """
        if not self._total:
            return nudge
        change = self._passed.along(nudge[0])[1] if nudge[0].any() else np.zeros(nudge.shape[1])
        gone = absent[self.rows]
        if gone.any() and not self._has_one_row:
            change += self._passed.gradient_of(self._shares_given_up(gone))
        change = self._clip(np.where(self._free, change, 0.0), transposed=False)
        after = np.empty_like(nudge)
        for part, through, jump in self._derivatives():
            known = [nudge[0, part], change[part], *nudge[1:, part]]
            for k, row in enumerate(through):
                after[k, part] = sum(by * each for by, each in zip(row, known, strict=True))
                if gone.any() and self._has_one_row:
                    after[k, part] += jump[k]
        after[0, ~self._free] = nudge[0, ~self._free]
        return after

    def _shares_given_up(self, gone: Array) -> Array:
        """Return by how much each row's share of the step's error changes when each absent row goes by itself: (r,)."""
        lost = np.where(gone, -self._weight, 0.0)
        if self._setting.objective.reduction == "sum":
            return lost
        lost /= self._total - self._weight
        shares: Array = lost - lost.sum() * self._weight / self._total
        return shares

    # --- backward ---------------------------------------------------------------------------------------------------

    def pull(self, later: Array) -> tuple[Array, Array]:
        """Return ∂/∂s from ∂/∂s′, both (1 + slots, n), and ∂/∂s′ · (s′ without the row − s′) of each of `rows`."""
        if not self._total:
            return later, np.zeros(0)
        moved = later.copy()
        moved[0, ~self._free] = 0.0
        before, gradient, skipped = np.empty_like(later), np.empty(later.shape[1]), 0.0
        for part, through, jump in self._derivatives():
            columns = zip(*through, strict=True)
            of_theta, of_gradient, *of_slots = (
                sum(by * each for by, each in zip(column, moved[:, part], strict=True)) for column in columns
            )
            before[0, part], gradient[part] = of_theta, of_gradient
            for k, each in enumerate(of_slots, 1):
                before[k, part] = each
            if self._has_one_row:
                skipped += sum(float(by @ each) for by, each in zip(moved[:, part], jump, strict=True))
        gradient = np.where(self._free, self._clip(gradient, transposed=True), 0.0)
        said, bent = self._passed.along(gradient)
        before[0] += bent
        before[0, ~self._free] += later[0, ~self._free]
        return before, np.array([skipped]) if self._has_one_row else self._absences(said)

    def _absences(self, said: Array) -> Array:
        """Return what each row's absence does to a number that reacts to its gradient by `said` (r,)."""
        if self._setting.objective.reduction == "sum":
            return -self._weight * said
        mean = float(self._weight @ said) / self._total
        return -self._weight / (self._total - self._weight) * (said - mean)  # the others' shares grow as its own goes

    @property
    def _has_one_row(self) -> bool:
        """Whether the step would not be taken at all without its only row."""
        return len(self.rows) == 1 and self._setting.objective.reduction == "mean"

    # --- derivatives ------------------------------------------------------------------------------------------------

    def _derivatives(self) -> Any:
        """Give, of some parameters at a time, ∂F/∂(θ, g, slots) and s − s′.

        The former has a row for θ′ and each slot′, a column for each of what they come from; its entries are arrays or
        numbers.
        """
        optimizer, step = self._setting.optimizer, self._step
        state = {name: array.copy() if array.ndim == 0 else array for name, array in step.state.items()}
        numbers = optimizer.coefficients(state, step.learning_rate, step.momentum)
        clipped = self._gradient.copy()
        self._setting.descent.clip(clipped)
        unknowns = [step.theta, clipped, *(step.state[name] for name in optimizer.slots)]
        for first in range(0, len(clipped), _AT_A_TIME):
            part = slice(first, first + _AT_A_TIME)
            duals = [Dual(each[part].astype(np.float64), {k: 1.0}, takes_sides=True) for k, each in enumerate(unknowns)]
            with np.errstate(all="ignore"):
                results = optimizer.formula(*duals, *numbers)
            through = [[slope_of(result, k) for k in range(len(unknowns))] for result in results]
            befores = (each.value for k, each in enumerate(duals) if k != 1)
            yield part, through, [b - value_of(result) for b, result in zip(befores, results, strict=True)]

    def _clip(self, v: Array, *, transposed: bool) -> Array:
        """Return the derivative of clipping at the step's gradient, or its transpose, times v."""
        descent, g = self._setting.descent, self._gradient
        inside: Any = True if descent.clip_value is None else np.abs(g) <= descent.clip_value
        if not transposed:
            v = np.where(inside, v, 0.0)
        if descent.clip_norm is not None:
            cut = g if descent.clip_value is None else np.clip(g, -descent.clip_value, descent.clip_value)
            length = float(np.linalg.norm(cut))
            if length > descent.clip_norm:  # g·c/‖g‖: what is along g is lost, the rest is scaled
                unit = cut / length
                v = descent.clip_norm / length * (v - unit * float(unit @ v))
        return np.where(inside, v, 0.0)
