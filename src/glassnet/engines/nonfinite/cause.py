"""What brought a NaN about: found by taking the steps again otherwise, not by guessing.

Each suspicion is a check. Do the same steps stay finite without the rows that hold a number far out? With the weights
that training began with? With weights drawn anew, with inputs of ordinary size, in float64? The first that answers for
it is named; the checks go into the story as its evidence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines.engine import Block, Rates
from glassnet.engines.nonfinite.extremes import Extreme, extremes, usual_size_of_inputs, usual_size_of_targets
from glassnet.engines.nonfinite.formula import formula_at_fault
from glassnet.engines.nonfinite.retaken import RetakenStep
from glassnet.engines.nonfinite.story import Cause, Check, Link
from glassnet.engines.nonfinite.trail import Anchor, Trail, Unfinished
from glassnet.errors import NonFiniteError
from glassnet.network.network import Network

Array = NDArray[Any]

_GROWN = 10.0  # times what the weights began with, or 1
_LARGE = 30.0  # the usual size from which numbers are worth scaling
_STEEP = 1e6  # times z, or 1, that an activation makes of it
_OF_THE_DATA = ("activation", "inputs", "targets", "sample_weights")
_MOST_TENTHS, _SECONDS_FOR_RATES = 12, 1.0
_LONGER = 20  # times as many steps as were taken are tried at a slower rate, where so many were asked for
_WORK = 2e10  # multiply-adds for them


@final
@dataclass(frozen=True)
class Unmoved:
    """What the steps make of the weights by themselves, where somebody else has moved them in between.

    Parameters
    ----------
    first : int
        The step from which they were taken again, the one that failed being the last.
    finite : bool
        Whether all of them are.
    began, largest : float
        The largest weight before the first, and before the last.
    """

    first: int
    finite: bool
    began: float
    largest: float


@final
@dataclass(frozen=True)
class Case:
    """The step that failed, and the way there.

    Parameters
    ----------
    error : NonFiniteError
    trail : Trail
    taken : RetakenStep
    here : Anchor
        Before the step that failed.
    since : Anchor or None
        From where the steps can be taken again; None where they cannot.
    gradient : (n,) array
        Of the step that failed, clipped.
    start : (n,) array
        θ when training began.
    chain : tuple of Link
    unmoved : Unmoved or None
        Where the steps do not lead to the weights that the one that failed was taken with.
    """

    error: NonFiniteError
    trail: Trail
    taken: RetakenStep
    here: Anchor
    since: Anchor | None
    gradient: Array
    start: Array
    chain: tuple[Link, ...]
    unmoved: Unmoved | None = None

    @property
    def step(self) -> int:
        """The step that failed."""
        return self.error.step

    def stays_finite(
        self, theta: Array | None = None, change: Callable[[Block], Block] | None = None, fresh: bool = False
    ) -> bool:
        """Take the step that failed once more, at another θ or with other rows, and say whether it is finite now.

        With `fresh` the optimizer remembers nothing. The step's rows lie in a small block of their own, in its order.
        """
        trail, block = self.trail, self.trail.block
        rows, rates = trail.rows_and_rates(self.step)
        own = Block(block.x[rows], block.y[rows], block.sample_weight[rows])
        trail.stand(self.here if theta is None else dataclasses.replace(self.here, theta=theta))
        if fresh:
            engine = trail.engine
            engine.state.optimizer = engine.descent.optimizer.init(engine.network.theta)
        try:
            order = np.arange(len(rows))
            trail.run(own if change is None else change(own), order, np.array([0, len(rows)]), rates)
        except NonFiniteError:
            return False
        return True

    def goes_on_without(self, rows: Array) -> tuple[bool, float]:
        """Take all steps again from where they can be, up to the one that failed, with some rows at weight 0.

        Returns
        -------
        Whether all are finite, and the largest weight before the last.
        """
        trail, weight = self.trail, self.trail.block.sample_weight.copy()
        weight[rows] = 0
        block = dataclasses.replace(trail.block, sample_weight=weight)
        trail.stand(self.since or self.here)
        try:
            trail.take(self.step, block)
            largest = _largest(trail.engine.network.theta)
            trail.take(self.step + 1, block)
        except NonFiniteError:
            return False, float("inf")
        return True, largest


def cause_of(case: Case) -> tuple[Cause, tuple[Check, ...], bool]:
    """Return what brought it about, the evidence, and whether it was looked for to the end.

    The engine is left wherever it was taken.
    """
    here, net = case.here.theta, case.taken.network
    bad = np.flatnonzero(~np.isfinite(here))
    if len(bad):
        name = net.layout.describe(int(bad[0]))
        return Cause("weights", name=name, value=float(here[bad[0]]), rows=len(bad)), (), True
    growth = _largest(case.start), _largest(here)
    fault = formula_at_fault(case.error, case.taken)
    if fault is not None:
        name, value = fault
        return Cause("formula", row=case.error.row, name=name, value=value, growth=growth), (), True
    checks: list[Check] = []
    try:
        cause = _search(case, growth, checks)
    except Unfinished:
        return Cause("unknown", growth=growth), tuple(checks), False
    if net.dtype == np.float32 and cause.kind != "float32":
        with contextlib.suppress(Unfinished):  # the cause is known without it
            _fits_float64(case, checks)
    return dataclasses.replace(cause, growth=growth), tuple(checks), True


def _search(case: Case, growth: tuple[float, float], checks: list[Check]) -> Cause:
    """Return the first cause that answers for it."""
    cause = _set_between(case, growth, checks) or _far_out(case, growth, checks)
    if cause is None and case.unmoved is not None and not _may_be_the_steps(case.unmoved, growth):
        cause = Cause("moved")
    cause = cause or _of_the_weights(case, growth, checks)
    if cause is None or cause.slower == 0:  # weights that hardly move overflow as well
        plain = _as_it_is(case, checks)
        cause = plain if cause is None or plain.kind in _OF_THE_DATA else cause
    return cause


def _set_between(case: Case, growth: tuple[float, float], checks: list[Check]) -> Cause | None:
    """Whether somebody else has moved the weights, and the steps by themselves stay finite and the weights calm."""
    unmoved, (start, now) = case.unmoved, growth
    if unmoved is None:
        return None
    far = np.sqrt(max(unmoved.began, 1.0)) * np.sqrt(now)  # half as many powers
    calm = unmoved.largest <= max(_GROWN * max(start, 1.0), float(far))
    words = "with the weights that the steps make by themselves"
    checks.append(Check(words, unmoved.first, case.step, unmoved.finite, grows=unmoved.finite and not calm))
    return Cause("moved") if unmoved.finite and calm else None


def _may_be_the_steps(unmoved: Unmoved, growth: tuple[float, float]) -> bool:
    """Whether the steps lead there by themselves too, from weights that had not grown yet."""
    return unmoved.began <= _GROWN * max(growth[0], 1.0)


def _far_out(case: Case, growth: tuple[float, float], checks: list[Check]) -> Cause | None:
    """Whether rows that hold a number far out are to blame: without them the steps are finite and the weights calm."""
    case.trail.go_on()
    first = case.step if case.since is None else case.since.step
    found = extremes(case.trail.block, case.trail.rows_since(first, case.step), case.trail.go_on)
    if not found:
        return None
    block = case.trail.block
    at = None if case.error.row is None else int(case.taken.rows[case.taken.numbers == case.error.row][0])
    suspects = [[extreme] for extreme in found if extreme.row == at]
    suspects += [some for some in (found[:1], found) if some not in suspects]
    began = _largest(case.here.theta if case.since is None else case.since.theta)
    for some in suspects:
        finite, largest = case.goes_on_without(np.array([extreme.row for extreme in some]))
        if finite and _calm(began, growth, largest, some[0]):
            shown = _numbered(block, some[0].row)
            words = f"without row {shown}" if len(some) == 1 else f"without {len(some)} rows that hold such numbers"
            checks.append(Check(words, first, case.step, True))
            extreme = some[0]
            return Cause(
                extreme.kind,
                row=shown,
                column=extreme.column,
                rows=len(some),
                more=extreme.more,
                value=extreme.value,
                usual=extreme.usual,
            )
    words = f"without {len(found)} rows that hold a number far out" if len(found) > 1 else "without the row far out"
    checks.append(Check(words, first, case.step, finite, grows=finite))
    return None


def _calm(began: float, growth: tuple[float, float], without: float, extreme: Extreme) -> bool:
    """Whether the rows answer for it, and not the weights.

    Without them the weights grow by less than half as many powers, or the number is farther out than the weights have
    grown since training began.
    """
    start, now = growth
    began = max(began, 1.0)
    grows = now > _GROWN * began
    return (grows and without <= float(np.sqrt(began) * np.sqrt(now))) or now <= max(start, 1.0) * max(
        _GROWN, extreme.ratio
    )


def _of_the_weights(case: Case, growth: tuple[float, float], checks: list[Check]) -> Cause | None:
    """Whether the weights are to blame: those that training began with, or what training made of them."""
    start, now = growth
    net, error, step = case.taken.network, case.error, case.step
    drawn = Network.from_dict(net.to_dict(), {layer.activation.name: layer.activation for layer in net.layers}).theta
    is_resumed = case.trail.start is not None and case.trail.start.step > 0  # its weights are what training made
    if start > 100 * max(_largest(drawn), 1.0) and not is_resumed:
        finite = case.stays_finite(drawn, fresh=True)
        checks.append(Check("with weights drawn anew", step, step, finite))
        if finite:
            at = int(np.argmax(np.abs(case.start)))
            return Cause("start", name=net.layout.describe(at), value=float(case.start[at]))
    moved = not np.array_equal(case.start, case.here.theta)
    if moved:
        finite = case.stays_finite(case.start)
        checks.append(Check("with the weights that training began with", step, step, finite))
        if now > _GROWN * max(start, 1.0) or (finite and (error.quantity != "a" or now > 2 * max(start, 1.0))):
            return _too_fast(case, growth, checks)
    if error.quantity == "theta" and error.unit is not None:
        gradient = abs(float(case.gradient[error.unit]))
        if not gradient > _rate(case):
            return _too_fast(case, growth, checks)
    return None


def _too_fast(case: Case, growth: tuple[float, float], checks: list[Check]) -> Cause:
    """Name the rate, and look for one at which the steps since training began stay finite and the weights calm."""
    rate, since, trail = _rate(case), case.since, case.trail
    size, column = usual_size_of_inputs(trail.block)
    cause = Cause("rate", value=rate, usual=size if size >= _LARGE else None, column=column if size >= _LARGE else None)
    if since is None or trail.start is None or since.step != trail.start.step:
        return cause
    taken = case.step + 1 - since.step
    work = 3 * trail.engine.network.multiplications * trail.engine.batch_size
    last = min(trail.end, since.step + max(taken, min(_LONGER * taken, int(_WORK / work))))
    began, finite = time.perf_counter(), False
    some = max(1, math.ceil(math.log10(rate)) - 1) if rate > 0 else 1  # of a huge rate, those down to 10 are not tried
    for tenth in range(some, some + _MOST_TENTHS):
        trail.stand(since)
        try:
            trail.take(last, rate=10.0**-tenth)
            finite = True
        except NonFiniteError:
            finite = False
        except Unfinished:
            break
        if finite and _largest(trail.engine.network.theta) <= _GROWN * max(growth[0], 1.0):
            checks.append(Check(f"at 1e-{tenth} times the learning rate", since.step, last - 1, True))
            return dataclasses.replace(cause, slower=10.0**-tenth)
        if time.perf_counter() - began > _SECONDS_FOR_RATES:
            break
    else:
        words = f"at 1e-{some} to 1e-{some + _MOST_TENTHS - 1} times the learning rate"
        checks.append(Check(words, since.step, last - 1, finite, grows=finite))
        return dataclasses.replace(cause, slower=None if finite else 0.0)
    return cause


def _as_it_is(case: Case, checks: list[Check]) -> Cause:
    """What in the step itself is to blame: a penalty, an activation, the scale of the data, the kind of numbers."""
    taken, error, step = case.taken, case.error, case.step
    objective, net = taken.objective, taken.network
    if (objective.l1 or objective.l2) and error.row is None:
        loss, gradient = 0.0, np.zeros_like(net.theta)
        objective.add_penalty_gradient(case.here.theta, gradient, net.layout)
        with np.errstate(all="ignore"):
            loss = float(objective.penalty(case.here.theta, net.layout))
        pulls = error.unit is not None and abs(gradient[error.unit]) > 0.5 * abs(case.gradient[error.unit])
        if not np.isfinite(loss) or not np.isfinite(gradient).all() or pulls:
            name = "l1" if objective.l1 > objective.l2 else "l2"
            return Cause("penalty", name=name, value=max(objective.l1, objective.l2))
    steep = _steep(case.chain)
    size, column = usual_size_of_inputs(case.trail.block)
    if size >= _LARGE:
        finite = case.stays_finite(change=lambda b: dataclasses.replace(b, x=b.x / b.x.dtype.type(size)))
        checks.append(Check(f"with the inputs divided by {size:.1g}", step, step, finite))
        if finite and not steep:
            return Cause("inputs", column=column, usual=size)
    if steep:
        return Cause("activation", row=error.row, name=steep)
    size = usual_size_of_targets(case.trail.block)
    if size >= _LARGE:
        finite = case.stays_finite(change=lambda b: dataclasses.replace(b, y=b.y / b.y.dtype.type(size)))
        checks.append(Check(f"with the targets divided by {size:.1g}", step, step, finite))
        if finite:
            return Cause("targets", usual=size)
    size = float(np.median(taken.weight))
    if size >= _LARGE:
        ones = np.ones_like
        finite = case.stays_finite(change=lambda b: dataclasses.replace(b, sample_weight=ones(b.sample_weight)))
        checks.append(Check("with every row at weight 1", step, step, finite))
        if finite:
            return Cause("sample_weights", usual=size)
    if error.quantity == "blame":
        return Cause("blame", row=error.row)
    if net.dtype == np.float32 and _fits_float64(case, checks):
        return Cause("float32")
    return Cause("unknown")


def _steep(chain: tuple[Link, ...]) -> str:
    """Return the first activation of the chain that made something far larger of its z; "" where there is none."""
    for link in chain:
        if link.what.startswith("a of layer") and len(link.parts) == 1:
            z = link.parts[0][0].value
            if not abs(link.value) < _STEEP * max(1.0, abs(z)):
                return link.formula.removesuffix(" of")
    return ""


def _fits_float64(case: Case, checks: list[Check]) -> bool:
    """Whether float64 would have held the step."""
    case.trail.go_on()
    theta = case.here.theta.astype(np.float64)
    with np.errstate(all="ignore"):
        loss, gradient, _, largest = case.taken.whole(theta)
        finite = bool(np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite([z for z, *_ in largest]).all())
        descent = case.trail.engine.descent
        if finite and case.error.quantity == "theta" and not descent.optimizer.full_batch:
            rates = case.trail.rows_and_rates(case.step)[1]
            memory = {
                name: array.astype(np.float64) if array.dtype == np.float32 else array.copy()
                for name, array in case.here.optimizer.items()
            }
            descent.clip(gradient)
            momentum = None if rates.momentum is None else float(rates.momentum[0])
            descent.optimizer.update(theta, gradient, memory, _rate(case), momentum)
            finite = bool(np.isfinite(theta).all())
    checks.append(Check("in float64", case.step, case.step, finite))
    return finite


def _rate(case: Case) -> float:
    rates: Rates = case.trail.rows_and_rates(case.step)[1]
    return float(rates.learning_rate[0])


def _numbered(block: Block, row: int) -> int:
    return row if block.numbers is None else int(block.numbers[row])


def _largest(theta: Array) -> float:
    return float(np.abs(theta).max(initial=0))
