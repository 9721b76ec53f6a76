"""The names of illnesses, grouped as they show together, the list of sick cases, and set-ups that some share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from catalogue_case import Case, Proof, Setting, fit
from catalogue_rows import (
    Rows,
    cut,
    digits,
)

import glassnet as gn

HIGH = frozenset({"rate_too_high", "updates_too_large"})
LOW = frozenset({"rate_too_low", "updates_too_small"})
STUCK = frozenset({"plateau", "underfitting"})
BROKEN_UNITS = frozenset({"dead_units", "saturated_units"})

FADING = frozenset({"vanishing_blame"})
GROWING = frozenset({"exploding_blame"})
SCALES = frozenset({"input_scales"})
AIM = frozenset({"target_scale"})
OVER = frozenset({"overfitting"})
UNDER = frozenset({"underfitting"})
UNEVEN = frozenset({"imbalance"})
TWICE = frozenset({"duplicates_across_split"})
LEAK = frozenset({"leaking_target"})
NOTHING = frozenset({"nothing_to_learn"})
NAN = frozenset({"not_finite"})
NO_RATE = HIGH | LOW
GROWS_MAY = HIGH | STUCK | BROKEN_UNITS | {"overfitting", "not_finite"}
TOO_HIGH_MAY = HIGH | STUCK | BROKEN_UNITS | {"exploding_blame", "vanishing_blame"}
TOO_LOW_MAY = LOW | STUCK
SCALES_MAY = HIGH | STUCK | BROKEN_UNITS | {"exploding_blame", "rate_too_low", "updates_too_small"}
NAN_MAY = HIGH | SCALES | AIM | BROKEN_UNITS | {"exploding_blame", "underfitting"}

SICK: list[Case] = []


def one_of(*names: str | Iterable[str]) -> tuple[frozenset[str], ...]:
    """One of these has to be among the first two findings."""
    return (frozenset().union(*({name} if isinstance(name, str) else name for name in names)),)


def sick(
    must: tuple[frozenset[str], ...],
    proof: Proof,
    *,
    may: Iterable[str] = (),
    never: Iterable[str] = (),
    hides: Iterable[str] = (),
) -> Callable[[Callable[[int], Setting]], Callable[[int], Setting]]:
    """Enter a set-up into the list of sick ones."""

    def enter(make: Callable[[int], Setting]) -> Callable[[int], Setting]:
        SICK.append(Case(make.__name__, make, must, frozenset(may), frozenset(never), proof, frozenset(hides)))
        return make

    return enter


def digits_shallow(seed: int) -> Setting:
    return fit(digits(seed), (30,), "sigmoid", seed=seed, optimizer=gn.SGD(0.5), epochs=20)


def steps(seed: int) -> Rows:
    rng = np.random.default_rng([seed, 15])
    X = rng.uniform(-1, 1, (2500, 2))
    y = np.sin(5 * X[:, 0]) * np.cos(3 * X[:, 1]) + 0.05 * rng.normal(size=len(X))
    return cut(X, y, seed, 700, 250).standard_target()


def copied(rows: Rows, share: float, seed: int) -> Rows:
    """So many validation rows are replaced by rows to train on."""
    rng = np.random.default_rng([seed, 17])
    places = rng.permutation(len(rows.Xv))[: int(share * len(rows.Xv))]
    chosen = rng.integers(0, len(rows.X), len(places))
    Xv, Yv = rows.Xv.copy(), rows.Yv.copy()
    Xv[places], Yv[places] = rows.X[chosen], rows.Y[chosen]
    return Rows(rows.X, rows.Y, Xv, Yv, rows.Xt, rows.Yt)
