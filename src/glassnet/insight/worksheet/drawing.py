"""Numbers for an exercise, such that what is computed from them stays short, or can be rounded without doubt.

Many sets of numbers are drawn from one seed and solved; the best is taken. Chance decides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np

from glassnet.insight.worksheet.arithmetic import (
    Keep,
    Result,
    as_it_is,
    is_doubtful,
    is_exact,
    length,
    many_digits,
    rounded,
)
from glassnet.insight.worksheet.exercise import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, Exercise, Plan, Row
from glassnet.insight.worksheet.solving import Solution, solve
from glassnet.maths.activations import IDENTITY, RELU, SIGMOID, TANH
from glassnet.maths.random import Purpose, generator

_SHORT_TRIES, _ROUNDED_TRIES = 250, 60
_TINY = Decimal("0.0001")
_HALVES = tuple(Decimal(n) / 2 for n in (-4, -3, -2, -1, 1, 2, 3, 4))
_SHIFTS = tuple(Decimal(n) / 2 for n in (-2, -1, 1, 2, 3, 4))
_WHOLE = tuple(map(Decimal, (-1, 1, 2, 3)))
_MISSES = tuple(Decimal(n) / 2 for n in (-4, -2, -1, 1, 2, 4))
_TENTHS = tuple(Decimal(n) / 10 for n in range(-9, 10) if n)
_SMALL_TENTHS = tuple(Decimal(n) / 10 for n in range(-5, 6) if n)
_UP_TO_ONE = tuple(Decimal(n) / 10 for n in range(1, 11))


def draw(plan: Plan, seed: int) -> tuple[Exercise, Keep]:
    """Return an exercise, and how its results are written down.

    Exactly, where everything stays a short decimal: with ReLU and identity, a squared error and a number of rows that
    divides; else rounded.
    """
    chance = generator(seed, Purpose.SAMPLING)
    candidate = _numbers(plan, chance, short=True)
    with many_digits():
        solve(candidate, as_it_is)
        keep = as_it_is if is_exact() else rounded
    short = keep is as_it_is
    best, lowest = candidate, float("inf")
    for _ in range(_SHORT_TRIES if short else _ROUNDED_TRIES):
        candidate = _numbers(plan, chance, short)
        cost = _cost(candidate, keep)
        if cost < lowest:
            best, lowest = candidate, cost
        if lowest == 0:
            break
    return best, keep


def _numbers(plan: Plan, chance: np.random.Generator, short: bool) -> Exercise:
    """Draw every number of an exercise."""

    def some(values: tuple[Decimal, ...], count: int) -> Row:
        return tuple(values[n] for n in chance.integers(len(values), size=count))

    weights, biases, inputs = (_HALVES, _SHIFTS, _WHOLE) if short else (_TENTHS, _SMALL_TENTHS, _UP_TO_ONE)
    outputs = plan.widths[-1]
    pairs = list(pairwise(plan.widths))
    if plan.loss is CROSS_ENTROPY:
        classes = np.resize(chance.permutation(outputs), plan.rows)  # more than one of them, where there are rows
        y = tuple(tuple(Decimal(int(i == c)) for i in range(outputs)) for c in classes)
    else:
        y = tuple(some(_targets(plan), outputs) for _ in range(plan.rows))
    drawn = Exercise(
        plan,
        weights=tuple(tuple(some(weights, n) for _ in range(m)) for m, n in pairs),
        biases=tuple(some(biases, n) if plan.bias else (Decimal(0),) * n for _, n in pairs),
        x=tuple(some(inputs, plan.widths[0]) for _ in range(plan.rows)),
        y=y,
    )
    return _missed(drawn, [some(_MISSES, outputs) for _ in y]) if short and plan.activations[-1] is IDENTITY else drawn


def _missed(exercise: Exercise, by: list[Row]) -> Exercise:
    """Return the exercise with truths that its outputs miss by so much: small errors make small steps."""
    with many_digits():
        rows = solve(exercise, as_it_is).rows
        y = tuple(
            tuple(a.value - miss for a, miss in zip(row.a[-1], misses, strict=True))
            for row, misses in zip(rows, by, strict=True)
        )
    return replace(exercise, y=y)


def _targets(plan: Plan) -> tuple[Decimal, ...]:
    last = plan.activations[-1]
    if plan.loss is BINARY_CROSS_ENTROPY or last is SIGMOID:
        return (Decimal(0), Decimal(1))
    return (Decimal(-1), Decimal(1)) if last is TANH else _TENTHS


def _cost(exercise: Exercise, keep: Keep) -> float:
    """Return how unpleasant the numbers are; 0 where nothing is left to wish."""
    with many_digits():
        solution = solve(exercise, keep)
        after = solve(_after(exercise, solution), keep).error.value
    results = list(all_results(solution))
    cost = 1000.0 * (after >= solution.error.value)  # a step that makes it worse
    cost += 100.0 * any(row.error.value == 0 for row in solution.rows)
    cost += 20.0 * _wholly_dead(exercise, solution)
    cost += 50.0 * sum(  # no slope is right at a kink
        z.value == 0
        for row in solution.rows
        for z_k, g in zip(row.z, exercise.plan.activations, strict=True)
        if g is RELU
        for z in z_k
    )
    cost += 20.0 * (exercise.plan.rows > 1 and len(set(exercise.y)) == 1)
    if keep is rounded:
        tiny = sum(0 < abs(result.value) < _TINY for result in results)
        return cost + 10.0 * sum(map(is_doubtful, results)) + 3.0 * tiny
    changes = [result.value * exercise.plan.rate for result in _gradient(solution)]
    cost += 5.0 * sum(abs(change) > 1 for change in changes)  # a leap, not a step
    cost += 6.0 * sum(change == 0 for change in changes)  # a neuron that is off in every row
    cost += sum(max(0, length(result.value) - 2) ** 2 for result in results)
    cost += sum(max(0, length(value) - 2) for row in exercise.y for value in row)
    drawn = [abs(w) for matrix in exercise.weights for row in matrix for w in row]
    return cost + 2.0 * max(0, min(len(drawn), 4) - len(set(drawn)))


def _gradient(solution: Solution) -> Iterator[Result]:
    for matrix, vector in zip(solution.weight_gradient, solution.bias_gradient, strict=True):
        for results in (*matrix, vector):
            yield from results


def _wholly_dead(exercise: Exercise, solution: Solution) -> int:
    """Return how many rows have a layer through which no blame passes, so that most of the sheet would be zeros."""
    return sum(any(all(d.value == 0 for d in layer) for layer in row.blame) for row in solution.rows)


def _after(exercise: Exercise, solution: Solution) -> Exercise:
    """Return the exercise with the changed weights."""
    return Exercise(
        exercise.plan,
        tuple(tuple(tuple(w.value for w in row) for row in matrix) for matrix in solution.new_weights),
        tuple(
            tuple(b.value for b in new) if new else old
            for new, old in zip(solution.new_biases, exercise.biases, strict=True)
        ),
        exercise.x,
        exercise.y,
    )


def error_after(exercise: Exercise, solution: Solution) -> Decimal:
    """Return the error with the changed weights, unrounded; within `many_digits`."""
    return solve(_after(exercise, solution), as_it_is).error.value


def all_results(solution: Solution) -> Iterator[Result]:
    """Give every result of a solution but the inputs."""
    for row in solution.rows:
        for layers in (row.z, row.a[1:], row.slope, row.blame):
            for layer in layers:
                yield from layer
        yield from row.powers
        yield row.error
    yield solution.error
    for matrices in (solution.weight_gradient, solution.new_weights):
        for matrix in matrices:
            for results in matrix:
                yield from results
    for vectors in (solution.bias_gradient, solution.new_biases):
        for results in vectors:
            yield from results
