"""What a step is made of: how an element-wise optimizer makes its movement from gradients, taken apart without loss.

An optimizer that divides by a running size is not linear in its gradients; with the sizes taken as they were in the
step, it is. So a movement can be shared out among the gradients that made it, those of steps before included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from numpy.typing import NDArray

Array = NDArray[Any]
Slots = Mapping[str, Array]


@final
@dataclass(frozen=True)
class Anatomy:
    r"""One step, linear in the gradients for the sizes it divided by.

    .. math::
        g &\leftarrow \text{gradient} + \lambda\theta, \qquad b \leftarrow \text{keep}\; b + \text{entry}\; g \\
        \Delta\theta &= -\text{direct}\; g - \text{lever}\; b - \text{shrink}\; \theta

    The same movement stage by stage, in the order in which the optimizer computes it:

    .. math::
        \Delta\theta = -\eta g + \text{momentum} + \text{scaling} + \text{correction} - \text{shrink}\; \theta

    Parameters
    ----------
    rate : float
        η of the step; −ηg is what plain descent would do.
    decay : float
        λ, where weight decay is added to the gradient.
    shrink : float
        The share of θ that weight decay takes off by itself.
    keep : float
        How much of the memory b stays.
    entry, direct, lever : (n,) arrays or float
        How the gradient enters b, and how the gradient and b move θ; 0 without them.
    momentum : (n,) array or float
        What following b in place of g changed.
    scaling : (n,) array or float
        What dividing by a running size changed.
    correction : (n,) array or float
        What correcting for means that started at 0 changed, RAdam's rectification with it.
    """

    rate: float
    decay: float = 0.0
    shrink: float = 0.0
    keep: float = 0.0
    entry: Array | float = 0.0
    direct: Array | float = 0.0
    lever: Array | float = 0.0
    momentum: Array | float = 0.0
    scaling: Array | float = 0.0
    correction: Array | float = 0.0
