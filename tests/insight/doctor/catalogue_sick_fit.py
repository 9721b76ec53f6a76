"""Sick trainings: overfitting and underfitting."""

from __future__ import annotations

import numpy as np
from catalogue_case import Setting, fit
from catalogue_facts import (
    both,
    cured,
    cured_by,
    overfits,
    underfits,
)
from catalogue_illnesses import (
    HIGH,
    LOW,
    OVER,
    UNDER,
    one_of,
    sick,
    steps,
)
from catalogue_rows import (
    Rows,
    adult,
    circles,
    cut,
    diabetes,
    digits,
    friedman,
    line,
    moons,
    table,
)

import glassnet as gn

# --- overfitting -------------------------------------------------------------------------------------------------


@sick(one_of(OVER), overfits(), never={"underfitting"})
def wide_network_on_sixty_noisy_rows(seed: int) -> Setting:
    rows = friedman(seed, noise=5, train=60, columns=15).standard().standard_target()
    return fit(rows, (128,), seed=seed, optimizer=gn.Adam(0.005), epochs=300)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def more_columns_than_rows_can_tell(seed: int) -> Setting:
    rows = table(seed, train=120, n_features=60, n_informative=5, flip_y=0.15).standard()
    return fit(rows, (64,), seed=seed, epochs=100)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def moons_learned_by_heart(seed: int) -> Setting:
    rows = moons(seed, 0.45, train=60)
    return fit(rows, (64, 64), seed=seed, optimizer=gn.Adam(0.01), epochs=300)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def diabetes_learned_by_heart(seed: int) -> Setting:
    rows = diabetes(seed).standard().standard_target()
    return fit(rows, (64, 64), "gelu", seed=seed, optimizer=gn.AdamW(0.003), epochs=150)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def wrong_labels_learned_by_heart(seed: int) -> Setting:
    return fit(_wrong_labels(seed), (128,), seed=seed, optimizer=gn.Adam(0.003), epochs=80)


def _wrong_labels(seed: int) -> Rows:
    rows = digits(seed, train=700)
    rng = np.random.default_rng([seed, 14])
    wrong = rng.random(700) < 0.25
    Y = np.where(wrong, rng.integers(0, 10, 700), rows.Y)
    return Rows(rows.X, Y, rows.Xv, rows.Yv, rows.Xt, rows.Yt)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def incomes_learned_by_heart(seed: int) -> Setting:
    return fit(adult(seed, train=500), (64, 32), seed=seed, epochs=60)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def momentum_learns_by_heart(seed: int) -> Setting:
    rows = line(seed, 1.6, train=100, columns=20).standard_target()
    return fit(rows, (64,), "tanh", seed=seed, optimizer=gn.SGD(0.005, momentum=0.9), epochs=400)


@sick(one_of(OVER), overfits(), never={"underfitting"})
def lbfgs_learns_by_heart(seed: int) -> Setting:
    rows = table(seed, train=150, n_features=20, flip_y=0.2).standard()
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.LBFGS(), batch_size=None, epochs=80)


# --- underfitting ------------------------------------------------------------------------------------------------


@sick(one_of(UNDER), underfits(), may={"plateau"}, never={"nothing_to_learn", "overfitting"})
def a_line_through_circles(seed: int) -> Setting:
    return fit(circles(seed), (), seed=seed, optimizer=gn.Adam(0.01), epochs=40)


@sick(one_of(UNDER), underfits(), may={"plateau"}, never={"overfitting"})
def ten_digits_through_one_unit(seed: int) -> Setting:
    return fit(digits(seed), (1,), "tanh", seed=seed, optimizer=gn.Adam(0.01), epochs=40)


@sick(one_of(UNDER), both(underfits(), cured(l2=0.0)), may={"plateau", "vanishing_blame"}, never={"overfitting"})
def penalty_far_too_strong(seed: int) -> Setting:
    return fit(digits(seed), (32,), "tanh", seed=seed, l2=0.3, epochs=30)


@sick(
    one_of(UNDER),
    both(
        underfits(),
        cured_by(lambda seed: fit(friedman(seed).standard().standard_target(), (16,), seed=seed, epochs=60)),
    ),
    may={"plateau", *LOW, "dead_units"},
    never={"overfitting"},
)
def nearly_everything_dropped(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    return fit(rows, (16,), seed=seed, drop=0.95, epochs=60)


@sick(one_of(UNDER, "rate_too_low"), cured(epochs=60), may=LOW, never={"overfitting", *HIGH})
def stopped_after_two_epochs(seed: int) -> Setting:
    return fit(digits(seed), (32,), seed=seed, epochs=2)


@sick(
    one_of(UNDER),
    both(
        underfits(),
        cured_by(lambda seed: fit(steps(seed), (64, 64), seed=seed, optimizer=gn.Adam(0.005), epochs=100)),
    ),
    may={"plateau"},
    never={"nothing_to_learn", "overfitting"},
)
def a_line_through_waves(seed: int) -> Setting:
    return fit(steps(seed), (), seed=seed, optimizer=gn.Adam(0.01), epochs=60)


@sick(one_of(UNDER), underfits(0.1), may={"plateau"}, never={"nothing_to_learn", "overfitting"})
def a_line_through_an_exclusive_or(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 16])
    X = rng.normal(size=(2500, 2))
    rows = cut(X, ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int), seed, 500, 250)
    return fit(rows, (), seed=seed, softmax=True, optimizer=gn.SGD(0.1), epochs=40)
