"""Where a NaN or an infinity first appeared: the step's quantities searched in the order they were computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block
from glassnet.engines.nonfinite.retaken import RetakenStep
from glassnet.errors import NonFiniteError
from glassnet.network.backprop import Pass
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

KEPT = "Training stopped; the network keeps its weights from before this step."
_CURE = f"{KEPT} Try a smaller learning rate, clip_norm=1.0, or inputs on a smaller scale."

_Place = tuple[int, int, int | None, str, int | None, float]
"""How early the quantity is computed, row of the pass, unit; then the quantity, its layer and its value."""


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
    place = _first_place(p)
    if place is not None:
        return _of_row(place, int(rows[place[1]]), step)
    return _of_sums(p.loss, p.gradient.theta, network, step)


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
    taken = RetakenStep(network, objective, block, rows, seed, step)
    found: list[tuple[_Place, int]] = []

    def look(part: slice, p: Pass) -> None:
        place = _first_place(p)
        if place is not None:
            found.append((place, int(taken.numbers[part][place[1]])))

    loss, gradient, _, largest = taken.whole(look=look)
    if not (np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite([z for z, *_ in largest]).all()):
        if not found:
            return _of_sums(loss, gradient, network, step)
        return _of_row(*min(found, key=lambda each: each[0][0]), step)  # of the same quantity, the first rows' one
    if not np.isfinite(theta_next).all():
        return non_finite_theta(network, step, theta_next)
    return NonFiniteError(
        f"In step {step}, a sum grew beyond what {network.dtype} holds; in another order of adding it just does not. "
        f"{_CURE}",
        step=step,
        quantity="loss",
    )


def non_finite_theta(network: Network, step: int, theta: Array | None = None) -> NonFiniteError:
    """Return the error that names the first parameter that an update made NaN or infinite."""
    theta = network.theta if theta is None else theta
    index = int(np.argmin(np.isfinite(theta)))
    return NonFiniteError(
        f"The update of step {step} made {network.layout.describe(index)} {theta[index]}. {_CURE}",
        step=step,
        quantity="theta",
        layer=network.layout.locate(index)[0],
        unit=index,
    )


def _first_place(p: Pass) -> _Place | None:
    """Return the first quantity of the rows of a pass that is not finite."""
    found: list[tuple[str, int | None, Array]] = []
    for k, (z, a) in enumerate(zip(p.z, p.a[1:], strict=True)):
        found += [("z", k, z), ("a", k, a)]
    found.append(("loss", None, p.row_errors))
    found += [("blame", k, p.blame[k]) for k in reversed(range(len(p.blame)))]
    for when, (quantity, layer, array) in enumerate(found):
        finite = np.isfinite(array)
        if not finite.all():
            at = np.unravel_index(int(np.argmin(finite)), array.shape)
            return when, int(at[0]), int(at[1]) if len(at) > 1 else None, quantity, layer, float(array[at])
    return None


def _of_row(place: _Place, row: int, step: int) -> NonFiniteError:
    _, _, unit, quantity, layer, value = place
    where = f"{quantity} of layer {layer}, neuron {unit}," if layer is not None else "the error"
    return NonFiniteError(
        f"In step {step}, {where} became {value} for row {row}. {_CURE}",
        step=step,
        quantity=quantity,
        layer=layer,
        row=row,
        unit=unit,
    )


def _of_sums(loss: float, gradient: Array, network: Network, step: int) -> NonFiniteError:
    """Return the error where each row is finite by itself and the sum over rows, or the penalty, is not."""
    finite = np.isfinite(gradient)
    if finite.all():
        return NonFiniteError(
            f"In step {step}, the sum of the rows' errors and the penalty became {loss}. {_CURE}",
            step=step,
            quantity="loss",
        )
    index = int(np.argmin(finite))
    return NonFiniteError(
        f"In step {step}, the gradient of {network.layout.describe(index)} became {gradient[index]}. {_CURE}",
        step=step,
        quantity="gradient",
        layer=network.layout.locate(index)[0],
        unit=index,
    )
