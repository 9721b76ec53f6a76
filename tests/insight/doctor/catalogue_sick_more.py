"""Sick trainings: numbers that are not finite, two illnesses at once, and what is not so plain to see."""

from __future__ import annotations

import numpy as np
from catalogue_case import Setting, fit
from catalogue_facts import (
    a_column_leaks,
    blame_fades,
    both,
    broke,
    cured,
    cured_by,
    ignores_a_class,
    overfits,
    shares_rows,
    tells_nothing,
    underfits,
)
from catalogue_illnesses import (
    AIM,
    BROKEN_UNITS,
    FADING,
    HIGH,
    LEAK,
    LOW,
    NAN,
    NAN_MAY,
    NO_RATE,
    NOTHING,
    OVER,
    SCALES,
    SCALES_MAY,
    STUCK,
    TOO_HIGH_MAY,
    TOO_LOW_MAY,
    TWICE,
    UNDER,
    UNEVEN,
    copied,
    digits_shallow,
    one_of,
    sick,
    steps,
)
from catalogue_rows import (
    Rows,
    breast_cancer,
    california,
    digits,
    friedman,
    line,
    noise_only,
    table,
    three_or_seven,
    wine,
)

import glassnet as gn

# --- numbers that are not finite ---------------------------------------------------------------------------------


@sick(one_of(NAN), broke(), may=NAN_MAY)
def prices_in_dollars_with_sgd(seed: int) -> Setting:
    rows = california(seed).standard().aimed(lambda y: y * 100_000)
    return fit(rows, (32,), seed=seed, optimizer="sgd(0.01)", epochs=20)


@sick(one_of(NAN), broke(), may=NAN_MAY)
def raw_california_with_sgd(seed: int) -> Setting:
    return fit(california(seed), (32,), seed=seed, optimizer="sgd(0.1)", epochs=20)


@sick(one_of(NAN), broke(), may=NAN_MAY)
def counts_with_an_exponential_at_a_high_rate(seed: int) -> Setting:
    rows = line(seed, 0.1).aimed(lambda y: np.random.default_rng([seed, 23]).poisson(np.exp(1.5 * y)).astype(float))
    return fit(rows, (16,), "relu", last="exp", loss="poisson", seed=seed, optimizer="sgd(1.0)", epochs=20)


@sick(one_of(NAN), broke(), may=NAN_MAY)
def a_tower_of_large_weights(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    dense = {"weight_init": "normal(4)"}
    return fit(rows, (32,) * 8, seed=seed, optimizer="sgd(0.01)", epochs=20, dense=dense)


# --- not learned for more than one reason ------------------------------------------------------------------------


@sick(
    (frozenset({"input_scales"}), frozenset({"target_scale"})),
    cured_by(lambda seed: fit(california(seed).standard().standard_target(), (32,), seed=seed, epochs=20)),
    may=SCALES_MAY,
)
def raw_california_in_dollars(seed: int) -> Setting:
    return fit(california(seed).aimed(lambda y: y * 100_000), (32,), seed=seed, epochs=20)


@sick(
    (OVER, TWICE),
    both(shares_rows(0.1), overfits()),
    never={"underfitting"},
)
def by_heart_and_validated_with_copies(seed: int) -> Setting:
    rows = copied(table(seed, train=120, n_features=60, n_informative=5, flip_y=0.15).standard(), 0.15, seed)
    return fit(rows, (64,), seed=seed, epochs=100)


@sick(one_of(NOTHING), tells_nothing(), may=OVER | SCALES | BROKEN_UNITS | TWICE, never=LOW, hides=("history", "run"))
def nothing_to_learn_and_no_history(seed: int) -> Setting:
    return fit(noise_only(seed, train=600), (32,), seed=seed, epochs=30)


@sick(one_of(LOW), cured(optimizer=gn.Adam(0.005)), may=TOO_LOW_MAY, never=HIGH)
def three_or_seven_hardly_begun(seed: int) -> Setting:
    return fit(three_or_seven(seed), (16,), "sigmoid", seed=seed, optimizer=gn.SGD(1e-3), epochs=30)


# --- not so plain to see -----------------------------------------------------------------------------------------


@sick(one_of(LOW, UNDER), cured(optimizer=gn.SGD(0.1)), may=TOO_LOW_MAY, never={*HIGH, "nothing_to_learn"})
def sgd_ten_times_too_slow(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.SGD(0.002), epochs=20)


@sick(one_of(LOW, UNDER), cured(optimizer=gn.Adam(0.003)), may=TOO_LOW_MAY, never={*HIGH, "nothing_to_learn"})
def adam_thirty_times_too_slow(seed: int) -> Setting:
    rows = table(seed).standard()
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.Adam(1e-4), epochs=20, validation=False)


@sick(one_of(HIGH), cured(optimizer=gn.Adam(0.003)), may=TOO_HIGH_MAY, never=LOW)
def adam_thirty_times_too_fast(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.Adam(0.1), epochs=20)


@sick(one_of(HIGH), cured(optimizer=gn.SGD(0.02, momentum=0.9)), may=TOO_HIGH_MAY, never=LOW)
def sgd_that_bounces(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.SGD(0.07, momentum=0.95), epochs=40)


@sick(one_of(UNDER), both(underfits(), cured(optimizer=gn.AdamW(0.003))), may=TOO_LOW_MAY, never={"overfitting"})
def decay_far_too_strong(seed: int) -> Setting:
    return fit(table(seed).standard(), (32,), seed=seed, optimizer=gn.AdamW(0.003, weight_decay=60.0), epochs=30)


@sick(one_of(UNDER), both(underfits(), cured(l1=0.0)), may={"plateau", "dead_units", "vanishing_blame"})
def first_norm_far_too_strong(seed: int) -> Setting:
    return fit(breast_cancer(seed).standard(), (16,), seed=seed, l1=0.3, epochs=40)


@sick(one_of(UNDER), underfits(0.04), may={"plateau"}, never={"overfitting", "nothing_to_learn"})
def two_units_for_a_wavy_truth(seed: int) -> Setting:
    return fit(steps(seed), (2,), "tanh", seed=seed, optimizer=gn.Adam(0.02), epochs=80)


@sick(one_of(LEAK), a_column_leaks())
def a_pixel_with_the_label(seed: int) -> Setting:
    rows = digits(seed, train=800).with_column(lambda x, y: y / 9.0)
    return fit(rows, (48,), seed=seed, epochs=30)


@sick(one_of(LEAK), a_column_leaks())
def a_total_that_holds_the_target(seed: int) -> Setting:
    """The column is a steep, bent function of the target: no straight line shows it."""
    rows = friedman(seed, noise=3).standard_target().with_column(lambda x, y: np.exp(1.2 * y)).standard()
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=60)


@sick(one_of(UNEVEN), ignores_a_class(), may={"underfitting", "plateau"})
def a_digit_that_is_hardly_there(seed: int) -> Setting:
    rows = digits(seed, train=1100, held=300)
    rare = np.flatnonzero(rows.Y == 8)
    kept = np.setdiff1d(np.arange(len(rows.Y)), rare[4:])
    rows = Rows(rows.X[kept], rows.Y[kept], rows.Xv, rows.Yv, rows.Xt, rows.Yt)
    return fit(rows, (32,), seed=seed, epochs=15)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_wine_with_lbfgs(seed: int) -> Setting:
    rows = wine(seed).standard().permuted(seed)
    return fit(rows, (12,), "tanh", seed=seed, optimizer=gn.LBFGS(), batch_size=None, epochs=40)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_targets_and_a_line(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target().permuted(seed)
    return fit(rows, (), seed=seed, optimizer="sgd(0.01)", epochs=30)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_measurements_without_validation(seed: int) -> Setting:
    rows = breast_cancer(seed).standard().permuted(seed)
    return fit(rows, (32,), seed=seed, epochs=60, validation=False)


@sick(one_of(FADING, "saturated_units"), both(blame_fades(10), cured_by(digits_shallow)), may=STUCK | LOW)
def five_layers_of_sigmoids_with_adam_too_short(seed: int) -> Setting:
    return fit(digits(seed), (30,) * 6, "sigmoid", seed=seed, optimizer=gn.SGD(0.2, momentum=0.5), epochs=20)


@sick(one_of(TWICE), shares_rows(0.05), may=OVER)
def a_few_patients_on_both_sides(seed: int) -> Setting:
    return fit(copied(breast_cancer(seed).standard(), 0.08, seed), (16,), seed=seed, epochs=15)


@sick(
    one_of(AIM, HIGH),
    cured_by(lambda seed: fit(friedman(seed).standard().standard_target(), (32,), seed=seed)),
    may=TOO_HIGH_MAY,
)
def thousands_with_momentum(seed: int) -> Setting:
    rows = friedman(seed).standard().aimed(lambda y: y * 1000)
    return fit(rows, (32,), seed=seed, optimizer=gn.SGD(1e-3, momentum=0.9), clip_norm=1.0)
