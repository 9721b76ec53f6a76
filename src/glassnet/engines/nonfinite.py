"""Where a NaN or an infinity first appeared: the step's quantities searched in the order they were computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block
from glassnet.errors import NonFiniteError
from glassnet.network.backprop import Pass, backprop
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

_ROWS_AT_A_TIME = 4096

_CURE = (
    "Training stopped; the network keeps its weights from before this step. "
    "Try a smaller learning rate, clip_norm=1.0, or inputs on a smaller scale."
)


def non_finite_pass(p: Pass, network: Network, rows: Array, step: int) -> NonFiniteError:
    """Return the error that names the first quantity of a pass that is not finite.

    Parameters
    ----------
    p : Pass
    network : Network
    rows : (m,) int array
        The caller's numbers of the rows of the pass.
    step : int
    """
    found: list[tuple[str, int | None, Array]] = []
    for k, (z, a) in enumerate(zip(p.z, p.a[1:], strict=True)):
        found += [("z", k, z), ("a", k, a)]
    found.append(("loss", None, p.row_errors))
    found += [("blame", k, p.blame[k]) for k in reversed(range(len(p.blame)))]
    for quantity, layer, array in found:
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            at = tuple(bad[0])
            row, unit = int(rows[at[0]]), int(at[1]) if len(at) > 1 else None
            where = f"{quantity} of layer {layer}, neuron {unit}," if layer is not None else "the error"
            return NonFiniteError(
                f"In step {step}, {where} became {array[at]} for row {row}. {_CURE}",
                step=step,
                quantity=quantity,
                layer=layer,
                row=row,
                unit=unit,
            )
    bad = np.argwhere(~np.isfinite(p.gradient.theta))
    if not len(bad):
        return NonFiniteError(
            f"In step {step}, the sum of the rows' errors and the penalty became {p.loss}. {_CURE}",
            step=step,
            quantity="loss",
        )
    index = int(bad[0, 0])
    return NonFiniteError(
        f"In step {step}, the gradient of {network.layout.describe(index)} became {p.gradient.theta[index]}. {_CURE}",
        step=step,
        quantity="gradient",
        layer=network.layout.locate(index)[0],
        unit=index,
    )


def non_finite_step(
    network: Network, objective: Objective, block: Block, rows: Array, seed: int, step: int, theta_next: Array
) -> NonFiniteError:
    """Return the error for a step of another engine, found by taking its pass once more as the textbook does.

    Parameters
    ----------
    network : Network
        With θ as it was before the step.
    objective : Objective
    block : Block
    rows : (m,) int array
        Of the block.
    seed, step : int
    theta_next : (n,) array
        What the update made of θ.
    """
    weight = block.sample_weight[rows]
    counted = weight > 0
    masks = {k: mask[counted] for k, mask in network.draw_masks(seed, step, len(rows)).items()}
    rows, weight = rows[counted], weight[counted]
    y = one_hot(block.y[rows], objective.loss, network.outputs, network.dtype)
    numbers = rows if block.numbers is None else block.numbers[rows]
    for first in range(0, len(rows), _ROWS_AT_A_TIME):
        part = slice(first, first + _ROWS_AT_A_TIME)
        some = {k: mask[part] for k, mask in masks.items()}
        with np.errstate(all="ignore"):
            p = backprop(
                network.layers, network.parameters, objective, block.x[rows[part]], y[part], weight[part], some
            )
        if not (np.isfinite(p.loss) and all(np.isfinite(array).all() for array in (p.gradient.theta, *p.z))):
            return non_finite_pass(p, network, numbers[part], step)
    if not np.isfinite(theta_next).all():
        before = network.theta.copy()
        network.theta[:] = theta_next
        error = non_finite_theta(network, step)
        network.theta[:] = before
        return error
    return NonFiniteError(
        f"In step {step}, a sum grew beyond what {network.dtype} holds; in another order of adding it just does not. "
        f"{_CURE}",
        step=step,
        quantity="loss",
    )


def non_finite_theta(network: Network, step: int) -> NonFiniteError:
    """Return the error that names the first parameter that an update made NaN or infinite."""
    index = int(np.argmin(np.isfinite(network.theta)))
    return NonFiniteError(
        f"The update of step {step} made {network.layout.describe(index)} {network.theta[index]}. {_CURE}",
        step=step,
        quantity="theta",
        layer=network.layout.locate(index)[0],
        unit=index,
    )
