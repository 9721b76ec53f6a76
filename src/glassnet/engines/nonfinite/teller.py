"""Tells the story of a NaN: takes the last steps again, looks at each, and asks for the chain and the cause."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.nonfinite.cause import Case, Unmoved, cause_of
from glassnet.engines.nonfinite.chain import chain_of
from glassnet.engines.nonfinite.place import KEPT
from glassnet.engines.nonfinite.retaken import RetakenStep
from glassnet.engines.nonfinite.story import Factor, Moment, Story
from glassnet.engines.nonfinite.trail import STEPS, Anchor, Trail, Unfinished
from glassnet.errors import NonFiniteError

SECONDS = 5.0
"""How long a story may take, apart from the passes over the step that failed."""

_SECONDS_FOR_THE_LONG_WAY = 1.0  # all steps since the earliest anchor are taken again if they took no longer
_WORK = 2e10
"""Multiply-adds that may be spent on looking at steps; fewer steps are looked at where one takes much."""


def _never() -> bool:
    return False


def tell(error: NonFiniteError, trail: Trail, steps_per_epoch: int, stop: Callable[[], bool] = _never) -> None:
    """Give an error its story, and its message what the story found; the engine is left as it was.

    Once `SECONDS` are over, or `stop` says so, the story ends with what is known.

    Parameters
    ----------
    error : NonFiniteError
        The engine's own; its message tells where, and a general cure.
    trail : Trail
        Of the engine that met it, which stands before the step that failed.
    steps_per_epoch : int
    stop : callable
        Asked between the steps that are taken again.
    """
    engine, until = trail.engine, time.perf_counter() + SECONDS
    over = lambda: stop() or time.perf_counter() > until  # noqa: E731
    with trail.borrowed(over) as stood, np.errstate(all="ignore"):
        way = _way_to(trail, error.step, stood)
        here, before = way.here, _moments(trail, way, error.step, steps_per_epoch)
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
        case = Case(error, trail, taken, here, way.since, gradient, start, chain, way.unmoved)
        cause, checks, finished = cause_of(case)
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
        moved=way.unmoved is not None,
        finished=finished,
    )
    error.args = (error.story.message(),)


@final
@dataclass(frozen=True)
class _Way:
    """Where training stood before the step that failed, and how the steps lead there.

    Parameters
    ----------
    here : Anchor
    since, early : Anchor or None
        From where the steps lead there, and from where the last of them do; None where it is not known.
    unmoved : Unmoved or None
        Where the steps do not lead there, as somebody else has moved the weights.
    """

    here: Anchor
    since: Anchor | None = None
    early: Anchor | None = None
    unmoved: Unmoved | None = None


def _way_to(trail: Trail, step: int, here: Anchor) -> _Way:
    """Take the steps before `step` again, from the earliest anchor if that is soon done, else from the latest.

    One that is hardly before `step` serves only where those before it do not lead to where training stood.
    """
    way, network = _Way(here), trail.engine.network
    work = 3 * network.multiplications * trail.engine.batch_size
    many = max(1, min(STEPS, int(_WORK / max(work, 1))))
    anchors = [anchor for anchor in trail.anchors if anchor.step <= step]
    if anchors and time.perf_counter() - anchors[0].made > _SECONDS_FOR_THE_LONG_WAY:
        early_enough = [anchor for anchor in anchors if anchor.step <= step - STEPS]
        anchors = early_enough[-1:] + [anchor for anchor in anchors if anchor.step > step - STEPS]
    for anchor in anchors:
        trail.stand(anchor)
        began, largest, finite = _largest(anchor.theta), math.inf, False
        try:
            trail.take(max(anchor.step, step - many))
            early = anchor if trail.engine.state.step == anchor.step else trail.here()
            trail.take(step)
            if network.theta.tobytes() == here.theta.tobytes():
                return _Way(trail.here(), anchor, early, way.unmoved)
            largest = _largest(network.theta)
            trail.take(step + 1)
            finite = True
        except NonFiniteError:
            pass
        except Unfinished:
            return way
        way = _Way(here, unmoved=way.unmoved or Unmoved(anchor.step, finite, began, largest))
    return way


def _moments(trail: Trail, way: _Way, step: int, steps_per_epoch: int) -> list[Moment]:
    """Return what the last steps before one were like, as far as there is time to look at them."""
    engine, moments = trail.engine, list[Moment]()
    if way.early is None:
        return moments
    trail.stand(way.early)
    with contextlib.suppress(Unfinished):
        for s in range(engine.state.step, step):
            trail.go_on()
            rows, rates = trail.rows_and_rates(s)
            taken = RetakenStep(engine.network, engine.objective, trail.block, rows, engine.seed, s)
            if len(taken):
                moments.append(_look(taken, float(rates.learning_rate[0]), steps_per_epoch)[0])
            trail.take(s + 1)
    return moments


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


def _largest(theta: NDArray[np.floating]) -> float:
    return float(np.abs(theta).max(initial=0))


def _length(vector: NDArray[np.floating]) -> float:
    """Return the length of a vector; the largest entry is divided out, since its square may overflow."""
    largest = float(np.abs(vector).max(initial=0))
    if not math.isfinite(largest) or largest == 0:
        return largest
    return largest * float(np.linalg.norm(vector.astype(np.float64) / largest))
