"""Receipts: the run taken again without some rows, all else unchanged; what was predicted beside what came of it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.insight.influence.records import Proof, Removal
from glassnet.insight.influence.rows import Judged
from glassnet.training import Replay

Array = NDArray[Any]

_FEWEST = 10  # rows or removals below which a rank correlation says nothing


def retrained(replay: Replay, last: int, absent: Array) -> Array:
    """Return the weights after `last` steps of the run with some rows' weight at zero, all else unchanged: (n,).

    Parameters
    ----------
    replay : Replay
    last : int
    absent : (m,) bool array
        Of the rows of the run's block.
    """
    weight = np.where(absent, 0, replay.block.sample_weight).astype(replay.block.sample_weight.dtype)
    block = dataclasses.replace(replay.block, sample_weight=weight)
    training = replay.training(0, block=block)
    training.advance(last)
    return training.network.theta


def prove(
    replay: Replay,
    last: int,
    theta: Array,
    without: Array,
    asked: Judged,
    judged: Judged,
    predict: Callable[[Array], Array],
    *,
    count: int,
    draws: int,
    seed: int,
    numbers: Array,
    judged_by: str,
) -> Proof:
    """Retrain without the most helpful rows, without the most harmful ones, and without random ones.

    Parameters
    ----------
    replay : Replay
    last : int
    theta : (n,) array
        The questioned weights.
    without : (m,) array
        The prediction for each row.
    asked, judged : Judged
        The questioned row, and the rows over which rank correlations are taken.
    predict : callable
        From absent rows (m,) bool to the predicted change of each judged row's error.
    count, draws, seed : int
        How many rows each removal takes, how many random draws there are, and what decides them.
    numbers : (m,) array
        What the person calls the rows.
    judged_by : str

    Raises
    ------
    InputError
        If there are too few rows, or the run taken again as it was is not the run.
    """
    counted = np.flatnonzero(replay.block.sample_weight > 0)
    if count >= len(counted):
        raise InputError(
            f"prove is {count}; the run has {len(counted):,} rows that count, so expected fewer than that."
        )
    if not np.array_equal(retrained(replay, last, np.zeros(len(replay.block), bool)), theta):
        raise InputError(
            "The run, taken again as it was, does not lead to the weights that it led to, so nothing can be proved by "
            "taking it otherwise. A callback changed the weights, or another version of glassnet, or another kind of "
            "machine, trained it."
        )
    order = counted[np.argsort(-without[counted], kind="stable")]
    chance = np.random.default_rng(seed)
    sets = [("helpful", order[:count]), ("harmful", order[::-1][:count])]
    sets += [("random", np.sort(chance.choice(counted, count, replace=False))) for _ in range(draws)]
    before, before_judged = asked.errors(theta)[0][0], judged.errors(theta)[0]
    removals, changes = [], []
    for kind, rows in sets:
        after = retrained(replay, last, _mask(rows, without))
        changes.append(judged.errors(after)[0] - before_judged)
        actual = float(asked.errors(after)[0][0] - before)
        removals.append(Removal(kind, tuple(map(int, numbers[rows])), float(without[rows].sum()), actual))
    for i in range(2):  # the chosen ones
        absent = _mask(sets[i][1], without)
        others = ~absent if judged_by == "training rows" else np.ones(len(judged), bool)
        predicted = predict(absent)
        by_chance = [rank_correlation(predicted[others], each[others]) for each in changes[2:]]
        said = [each for each in by_chance if each is not None]
        removals[i] = dataclasses.replace(
            removals[i],
            rows=int(others.sum()),
            rank=rank_correlation(predicted[others], changes[i][others]),
            chance=float(np.mean(said)) if said else None,
        )
    return Proof(
        count=count,
        removals=tuple(removals),
        rank=rank_correlation(*_pairs(removals)),
        rank_of_draws=rank_correlation(*_pairs(removals[2:])),
        judged_by=judged_by,
    )


def rank_correlation(x: Array, y: Array) -> float | None:
    """Return Spearman's rank correlation; None of too few numbers, or where one side does not vary."""
    from scipy.stats import spearmanr

    if len(x) < _FEWEST or not (np.ptp(x) > 0 and np.ptp(y) > 0):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(spearmanr(x, y).statistic)


def _pairs(removals: list[Removal]) -> tuple[Array, Array]:
    return np.array([each.predicted for each in removals]), np.array([each.actual for each in removals])


def _mask(rows: Array, like: Array) -> Array:
    mask = np.zeros(len(like), bool)
    mask[rows] = True
    return mask
