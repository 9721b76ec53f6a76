"""Steps of a network so small that calls would cost more than its arithmetic: one function, made for its very sizes.

Every size is a constant here, so that the compiler unrolls all loops and keeps most numbers in registers. Rows lie in
vector lanes: unit j of row r is number ``j·rows + r``. A batch with fewer rows is filled up with rows of share c = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np

from glassnet.compiled.decorator import INNER, compiled
from glassnet.compiled.formulas import formula
from glassnet.compiled.formulas import move as move_formula
from glassnet.compiled.intrinsics import Numbers, at, look, record
from glassnet.compiled.notes import notes_of_epoch, write_note
from glassnet.compiled.records import ABORTED, NOT_FINITE, WISHED, Job
from glassnet.compiled.sizes import SmallPlaces, filled_up
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss, ShortForm

Function = Callable[..., Any]


def inlined(function: Function) -> Function:
    """Compile a function into the middle of whoever calls it."""
    result: Function = numba.njit(**INNER, forceinline=True)(function)
    return result


def _in_turn(functions: Sequence[Function]) -> Function:
    """Return a function of the memory that calls functions one after the other; it says whether one of them said 1."""
    first, *others = functions
    if not others:
        return first
    rest = _in_turn(others)

    @inlined
    def in_turn(m: Numbers) -> int:
        return first(m) | rest(m)

    return in_turn


def _forward(p: SmallPlaces, zero: Any, k: int, g: Activation, only_value: bool) -> Function:
    """Return ``(m)``: Z = A W + b and A = g(Z) of layer k; d gets the slope, or keeps z where only the value counts.

    It says whether some z is not finite.
    """
    inputs, outputs, rows = p.units[k - 1], p.units[k], p.rows
    before, a, d, w, b = p.a[k - 1], p.a[k], p.d[k], p.w[k], p.b[k]
    value, slope, lanes = formula(g.value), formula(g.slope), filled_up(outputs * rows)

    @inlined
    def forward(m: Numbers) -> int:
        bad = 0
        for j in range(outputs):
            for r in range(rows):
                z = m[b + j] if b >= 0 else zero
                for i in range(inputs):
                    z += m[w + i * outputs + j] * m[before + i * rows + r]
                m[d + j * rows + r] = z
                bad |= int(z - z != 0)
        for q in range(lanes):  # those behind the last are computed and never read
            z = m[d + q]
            m[a + q] = value(z)
            if not only_value:
                m[d + q] = slope(z, m[a + q])
        return bad

    return forward


def _backward(p: SmallPlaces, zero: Any, k: int) -> Function:
    """Return ``(m)``: the gradient of layer k, and the blame of the layer before, where there is one.

    It says whether the gradient is not finite somewhere.
    """
    inputs, outputs, rows = p.units[k - 1], p.units[k], p.rows
    a, d, d_before, w, b, g_w, g_b = p.a[k - 1], p.d[k], p.d[k - 1], p.w[k], p.b[k], p.g + p.w[k], p.g + p.b[k]

    @inlined
    def backward(m: Numbers) -> int:
        bad = 0
        for j in range(outputs):
            for i in range(inputs):  # (4)  ∂E/∂W = aᵀ δ
                total = zero
                for r in range(rows):
                    total += m[a + i * rows + r] * m[d + j * rows + r]
                m[g_w + i * outputs + j] = total
                bad |= int(total - total != 0)
            if b >= 0:  # (3)  ∂E/∂b = Σ δ
                total = zero
                for r in range(rows):
                    total += m[d + j * rows + r]
                m[g_b + j] = total
                bad |= int(total - total != 0)
        if k > 1:  # (2)  δ of the layer before = (θᵀ δ) ⊙ g′(z)
            for i in range(inputs):
                for r in range(rows):
                    total = zero
                    for j in range(outputs):
                        total += m[d + j * rows + r] * m[w + i * outputs + j]
                    m[d_before + i * rows + r] *= total
        return bad

    return backward


def _blame(p: SmallPlaces, zero: Any, loss: ElementwiseLoss, short: ShortForm | None) -> Function:
    """Return ``(m)``: (1) the last layer's blame; it returns Σ c E."""
    outputs, rows, a, d, y, c, e = p.units[-1], p.rows, p.a[-1], p.d[-1], p.y, p.c, p.e
    is_short = short is not None
    term = formula(loss.term if short is None else short.term)  # type: ignore[arg-type]
    slope = formula(loss.term_slope if short is None else short.blame)
    share = zero + 1 / outputs if loss.mean_over_outputs else zero + 1

    @inlined
    def blame(m: Numbers) -> float:
        error = 0.0
        for j in range(outputs):
            for r in range(rows):
                q = j * rows + r
                if is_short:
                    own = term(m[d + q], m[y + q])
                    m[d + q] = m[c + r] * slope(m[a + q], m[y + q])
                else:
                    own = share * term(m[a + q], m[y + q])
                    m[d + q] *= m[c + r] * (slope(m[a + q], m[y + q]) * share)
                m[e + r] = own if j == 0 else m[e + r] + own
                error += m[c + r] * own
        return error

    return blame


def _squares(p: SmallPlaces, zero: Any, k: int) -> Function:
    """Return ``(m, r)``: c²‖∂E/∂θ‖² of row r over layers k and before, ‖δ‖²(‖a‖² + 1) each."""
    inputs, outputs, rows, a, d = p.units[k - 1], p.units[k], p.rows, p.a[k - 1], p.d[k]
    always_on = 1 if p.b[k] >= 0 else 0
    before = _squares(p, zero, k - 1) if k > 1 else inlined(lambda m, r: zero)

    @inlined
    def squares(m: Numbers, r: int) -> float:
        heard, blamed = zero + always_on, zero
        for i in range(inputs):
            heard += m[a + i * rows + r] * m[a + i * rows + r]
        for j in range(outputs):
            blamed += m[d + j * rows + r] * m[d + j * rows + r]
        return before(m, r) + heard * blamed

    return squares


def _note(p: SmallPlaces, zero: Any) -> Function:
    """Return ``(job, m, start, stop, notes)``, which notes what a step's rows are like: see `notes.note_rows`."""
    squares, outputs, rows = _squares(p, zero, len(p.units) - 1), p.units[-1], p.rows
    a_place, y_place, c_place, e_place, room = p.a[-1], p.y, p.c, p.e, p.judged

    @compiled
    def note(job: Job, m: Numbers, start: int, stop: int, notes: Numbers) -> None:
        run = record(job.run, 0)
        a, y = at(m, room), at(m, room + outputs)
        for r in range(rows):
            c = m[c_place + r]
            if start + r < stop and c != 0:
                for j in range(outputs):
                    a[j], y[j] = m[a_place + j * rows + r], m[y_place + j * rows + r]
                norm = np.sqrt(squares(m, r)) / c
                write_note(run, m[e_place + r], norm, a, y, at(notes, 4 * job.rows.order[start + r]))

    return note


def take_small_steps(
    dtype: str,
    p: SmallPlaces,
    activations: tuple[Activation, ...],
    loss: ElementwiseLoss,
    short: ShortForm | None,
    step: Function,
    slots: int,
    coefficients: int,
) -> Function:
    """Return a function with the arguments of `steps.take_steps`, for one thread, that leaves θ in its first place.

    Where a number is not finite, what the step would have made of θ is left in the second.
    """
    zero = np.dtype(dtype).type(0)  # a plain 0 would make float64 of float32
    layers = range(1, len(p.units))
    last = layers[-1]
    forward = _in_turn([_forward(p, zero, k, activations[k - 1], short is not None and k == last) for k in layers])
    backward = _in_turn([_backward(p, zero, k) for k in reversed(layers)])
    blame, move = _blame(p, zero, loss, short), inlined(move_formula(step, slots, coefficients))
    note = _note(p, zero)
    n, rows, inputs, outputs = p.parameters, p.rows, p.units[0], p.units[-1]
    x_place, y_place, c_place, gradient, theta_next, memories = p.a[0], p.y, p.c, p.g, p.theta_next, p.slots

    @inlined
    def fetch(job: Job, m: Numbers, start: int, stop: int, share: float, labels: int) -> None:
        data = job.rows
        for r in range(rows):
            row, c = data.order[start], 0.0
            if start + r < stop:
                row = data.order[start + r]
                c = data.weight[row] * share
            if c == 0:  # a row of weight 0, or none: another stands in for it
                k = start
                while data.weight[data.order[k]] == 0:
                    k += 1
                row = data.order[k]
            m[c_place + r] = c
            for i in range(inputs):
                m[x_place + i * rows + r] = data.x[row * inputs + i]
            for j in range(outputs):
                if labels >= 0:
                    m[y_place + j * rows + r] = job.memory[labels + (0 if data.labels[row] == j else 1)]
                else:
                    m[y_place + j * rows + r] = data.targets[row * outputs + j]

    def take_small_steps(
        thread: int,
        threads: int,
        steps: int,
        job: Job,
        shares: Numbers,
        bounds: Numbers,
        totals: Numbers,
        numbers: Numbers,
        errors: Numbers,
        partials: Numbers,
        notes: Numbers,
        counters: Numbers,
    ) -> int:
        run = record(job.run, 0)
        m, theta = at(job.memory, run.small), at(job.memory, run.theta)
        for i in range(n):
            m[i] = theta[i]
        for k in range(slots):
            for i in range(n):
                m[memories + k * n + i] = job.memory[run.slots + k * run.stride + i]
        sums, labels = run.sum_reduction != 0, run.labels
        taken = steps
        for s in range(steps):
            if totals[s] == 0:
                errors[s] = 0
                continue
            fetch(job, m, bounds[s], bounds[s + 1], 1.0 if sums else 1.0 / totals[s], labels)
            bad = forward(m)
            error = blame(m)
            bad |= backward(m)
            if run.truth:
                note(job, m, bounds[s], bounds[s + 1], notes_of_epoch(job, bounds[s], notes))
            after = at(m, theta_next)
            bad |= move(m, after, at(m, gradient), at(m, memories), n, at(numbers, s * coefficients), n)
            if bad or error - error != 0:
                counters[NOT_FINITE] = s
                taken = s
                break
            for i in range(n):
                m[i] = m[theta_next + i]
            errors[s] = error / totals[s] if sums else error
            if look(counters, WISHED) or look(counters, ABORTED):
                taken = s + 1
                break
        for i in range(n):
            theta[i] = m[i]
            job.memory[run.theta + run.stride + i] = m[theta_next + i]
        for k in range(slots):
            for i in range(n):
                job.memory[run.slots + k * run.stride + i] = m[memories + k * n + i]
        return taken

    return take_small_steps
