r"""What a training row did to one error, by the derivative of the whole run.

A run is a chain of steps s₁ = F₀(s₀), …, s_T. Had step t been taken without row i, its outcome had been s_{t+1} + Δᵢₜ;
to first order the error E of the questioned row at θ_T would then differ by λ_{t+1}·Δᵢₜ, where λ_T = ∂E/∂s_T and
λ_t = (∂F_t/∂s)ᵀ λ_{t+1}. One walk backwards through the run gives λ, and with it all rows at once:

.. math:: \text{without}_i = \sum_{t \ni i} \lambda_{t+1} \cdot \Delta_{it}

A walk forwards with a fixed set of rows absent gives what becomes of θ_T, and so of every row's error at once. Both are
the same derivative, and agree to rounding.

References
----------
Hara, Nitanda & Maehara, Data cleansing for models trained with SGD, NeurIPS 2019 (for plain SGD).
Maclaurin, Duvenaud & Adams, Gradient-based hyperparameter optimization through reversible learning, ICML 2015.
Bae, Lin, Lorraine & Grosse, Training data attribution via approximate unrolled differentiation, NeurIPS 2024.
Ilyas & Engstrom, MAGIC: near-optimal data attribution for deep learning, arXiv:2504.16430, 2025.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.influence.linear_step import LinearStep, Setting
from glassnet.insight.influence.steps import backwards, forwards
from glassnet.training import Replay

Array = NDArray[Any]


def absences(setting: Setting, replay: Replay, last: int, theta: Array, target: Array) -> Array:
    """Return what each training row's absence would do to a number with the gradient `target` at θ_T: (m,) float64.

    Parameters
    ----------
    setting : Setting
    replay : Replay
    last : int
        T: after how many steps.
    theta : (n,) array
        θ_T, in the run's dtype.
    target : (n,) float64 array
    """
    without = np.zeros(len(setting.block))
    later = setting.still()
    later[0] = target
    for step in backwards(replay, last, theta):
        linear = LinearStep(setting, step)
        later, absent = linear.pull(later)
        without[linear.rows] += absent  # a step meets a row once
    return without


def nudge_without(setting: Setting, replay: Replay, last: int, absent: Array) -> Array:
    """Return how θ_T changes, to first order, when rows of the block (m,) bool are absent: (n,) float64."""
    nudge = setting.still()
    for step in forwards(replay, last):
        nudge = LinearStep(setting, step).push(nudge, absent)
    changed: Array = nudge[0]
    return changed
