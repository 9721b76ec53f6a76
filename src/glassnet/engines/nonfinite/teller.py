"""Tells the story of a NaN: takes the last steps again, looks at each, and asks for the chain and the cause."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.nonfinite.cause import Case, cause_of
from glassnet.engines.nonfinite.chain import chain_of
from glassnet.engines.nonfinite.place import KEPT
from glassnet.engines.nonfinite.retaken import RetakenStep
from glassnet.engines.nonfinite.story import Factor, Moment, Story
from glassnet.engines.nonfinite.trail import STEPS, Anchor, Trail
from glassnet.errors import NonFiniteError

_WORK = 2e10
"""Multiply-adds that may be spent on looking at steps; fewer steps are looked at where one takes much."""


def tell(error: NonFiniteError, trail: Trail, steps_per_epoch: int) -> None:
    """Give an error its story, and its message what the story found; the engine is left as it was.

    Parameters
    ----------
    error : NonFiniteError
        The engine's own; its message tells where, and a general cure.
    trail : Trail
        Of the engine that met it, which stands before the step that failed.
    steps_per_epoch : int
    """
    engine = trail.engine
    with trail.borrowed(), np.errstate(all="ignore"):
        before, here, since = _moments(trail, error.step, steps_per_epoch)
        trail.stand(here)
        rows, rates = trail.rows_and_rates(error.step)
        taken = RetakenStep(engine.network, engine.objective, trail.block, rows, engine.seed, error.step)
        now, gradient = _look(taken, float(rates.learning_rate[0]), steps_per_epoch)
        engine.descent.clip(gradient)
        start = here.theta if trail.start is None else trail.start.theta
        memory = [
            Factor(f"{name} of it", float(array[error.unit]))
            for name, array in here.optimizer.items()
            if error.quantity == "theta" and error.unit is not None and array.shape == here.theta.shape
        ]
        chain = chain_of(error, taken, gradient, start, float(rates.learning_rate[0]), memory)
        cause, checks = cause_of(Case(error, trail, taken, here, since, gradient, start, chain))
    error.story = Story(
        place=str(error).split(f" {KEPT}")[0],
        step=error.step,
        epoch=error.step // steps_per_epoch,
        quantity=error.quantity,
        layer=error.layer,
        row=error.row,
        unit=error.unit,
        dtype=engine.network.dtype.name,
        optimizer=engine.descent.optimizer.spec,
        loss=engine.objective.loss.name,
        moments=(*before, now),
        chain=chain,
        cause=cause,
        checks=checks,
    )
    error.args = (error.story.message(),)


def _moments(trail: Trail, step: int, steps_per_epoch: int) -> tuple[list[Moment], Anchor, Anchor | None]:
    """Return the last moments before a step, where training stood before it, and from where it could be taken again."""
    engine = trail.engine
    here = trail.here()
    work = 3 * engine.network.multiplications * engine.batch_size
    many = max(1, min(STEPS, int(_WORK / max(work, 1))))
    for anchor in trail.anchors:
        if anchor.step > step:
            continue
        trail.stand(anchor)
        moments = []
        try:
            trail.take(max(anchor.step, step - many))
            for s in range(engine.state.step, step):
                rows, rates = trail.rows_and_rates(s)
                taken = RetakenStep(engine.network, engine.objective, trail.block, rows, engine.seed, s)
                moment = _look(taken, float(rates.learning_rate[0]), steps_per_epoch)[0] if len(taken) else None
                trail.take(s + 1)
                moments += [] if moment is None else [moment]
        except NonFiniteError:  # somebody has moved the weights in between
            continue
        if engine.network.theta.tobytes() == here.theta.tobytes():
            return moments, trail.here(), anchor
    return [], here, None


def _look(taken: RetakenStep, rate: float, steps_per_epoch: int) -> tuple[Moment, NDArray[np.floating]]:
    """Return what a step is like from where the network stands, and its gradient."""
    net = taken.network
    loss, gradient, penalty, largest = taken.whole()
    if taken.objective.reduction == "sum":
        loss = (loss - penalty) / float(taken.weight.astype(np.float64).sum()) + penalty  # as the history has it
    size = np.abs(net.theta)
    at = int(np.argmax(size))
    z, layer, unit, row = next((z for z in largest if math.isnan(z[0])), max(largest))
    return Moment(
        step=taken.step,
        epoch=taken.step // steps_per_epoch,
        loss=loss,
        learning_rate=rate,
        largest_weight=float(size[at]),
        weight=net.layout.describe(at),
        gradient=_length(gradient),
        largest_z=z,
        z_layer=layer,
        z_unit=unit,
        z_row=int(taken.numbers[row]),
    ), gradient


def _length(vector: NDArray[np.floating]) -> float:
    """Return the length of a vector; the largest entry is divided out, since its square may overflow."""
    largest = float(np.abs(vector).max(initial=0))
    if not math.isfinite(largest) or largest == 0:
        return largest
    return largest * float(np.linalg.norm(vector.astype(np.float64) / largest))
