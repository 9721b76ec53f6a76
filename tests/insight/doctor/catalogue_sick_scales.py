"""Sick trainings: scales of inputs and targets, and plateaus."""

from __future__ import annotations

import numpy as np
from catalogue_case import Setting, fit
from catalogue_facts import (
    both,
    cured,
    cured_by,
    underfits,
)
from catalogue_illnesses import (
    AIM,
    FADING,
    HIGH,
    LOW,
    SCALES,
    SCALES_MAY,
    STUCK,
    one_of,
    sick,
)
from catalogue_rows import (
    Rows,
    breast_cancer,
    california,
    circles,
    cut,
    diabetes,
    digits,
    friedman,
    line,
    table,
    wine,
)

import glassnet as gn

# --- scales ------------------------------------------------------------------------------------------------------


@sick(one_of(SCALES), cured_by(lambda seed: fit(wine(seed).standard(), (16,), seed=seed, epochs=60)), may=SCALES_MAY)
def raw_wine(seed: int) -> Setting:
    return fit(wine(seed), (16,), seed=seed, epochs=60)


@sick(
    one_of(SCALES),
    cured_by(lambda seed: fit(california(seed).standard(), (32,), seed=seed, epochs=20)),
    may=SCALES_MAY,
)
def raw_california(seed: int) -> Setting:
    return fit(california(seed), (32,), seed=seed, epochs=20)


@sick(
    one_of(SCALES),
    cured_by(lambda seed: fit(table(seed).standard(), (32,), "tanh", seed=seed, epochs=30)),
    may=SCALES_MAY,
)
def one_column_in_grams_instead_of_tons(seed: int) -> Setting:
    rows = table(seed).standard()
    factor = np.where(np.arange(12) == 3, 1e4, 1.0)
    return fit(rows.mapped(lambda x: x * factor), (32,), "tanh", seed=seed, epochs=30)


@sick(
    one_of(SCALES),
    cured_by(lambda seed: fit(_years(seed).standard(), (24,), seed=seed, epochs=30)),
    may=SCALES_MAY,
)
def a_year_among_standard_columns(seed: int) -> Setting:
    return fit(_years(seed), (24,), seed=seed, epochs=30)


def _years(seed: int) -> Rows:
    rng = np.random.default_rng([seed, 11])
    X = rng.normal(size=(2500, 5))
    year = rng.integers(1990, 2021, len(X)).astype(float)
    y = 0.08 * (year - 2005) * np.sign(X[:, 0]) + 0.5 * X[:, 1] + 0.2 * rng.normal(size=len(X))
    return cut(np.column_stack([year, X]), y, seed, 600, 250)


@sick(
    one_of(SCALES),
    cured_by(lambda seed: fit(_concentration(seed).standard(), (24,), "tanh", seed=seed, epochs=30)),
    may=SCALES_MAY | LOW,
)
def the_column_that_matters_is_tiny(seed: int) -> Setting:
    return fit(_concentration(seed), (24,), "tanh", seed=seed, epochs=30)


def _concentration(seed: int) -> Rows:
    rng = np.random.default_rng([seed, 12])
    X = rng.normal(size=(2500, 6))
    y = (X[:, 0] + 0.3 * X[:, 1] ** 2 > 0.2).astype(int)
    X[:, 0] *= 2e-6
    return cut(X, y, seed, 600, 250)


@sick(
    one_of(SCALES, HIGH),
    cured_by(lambda seed: fit(breast_cancer(seed).standard(), (16,), seed=seed, optimizer="sgd(0.1)", epochs=30)),
    may=SCALES_MAY | {"not_finite"},
)
def raw_measurements_with_sgd(seed: int) -> Setting:
    return fit(breast_cancer(seed), (16,), seed=seed, optimizer="sgd(0.1)", epochs=30)


@sick(
    one_of(AIM),
    cured_by(lambda seed: fit(california(seed).standard().standard_target(), (32,), seed=seed, epochs=20)),
    may=STUCK | LOW,
)
def prices_in_dollars(seed: int) -> Setting:
    return fit(california(seed).standard().aimed(lambda y: y * 100_000), (32,), seed=seed, epochs=20)


@sick(
    one_of(AIM),
    cured_by(lambda seed: fit(diabetes(seed).standard().standard_target(), (32,), seed=seed, epochs=20)),
    may=STUCK | LOW,
)
def diabetes_in_its_own_units(seed: int) -> Setting:
    return fit(diabetes(seed).standard(), (32,), seed=seed, epochs=20)


@sick(
    one_of(AIM),
    cured_by(lambda seed: fit(line(seed, 0.3).standard_target(), (16,), "tanh", seed=seed, epochs=20)),
    may=STUCK | LOW | HIGH,
)
def pressure_in_pascal(seed: int) -> Setting:
    rows = line(seed, 0.3).aimed(lambda y: 101_325 + 300 * y)
    return fit(rows, (16,), "tanh", seed=seed, epochs=20)


@sick(
    one_of(AIM),
    cured_by(lambda seed: fit(friedman(seed).standard().standard_target(), (32,), "tanh", seed=seed, epochs=20)),
    may=STUCK | LOW | HIGH | {"overfitting"},
)
def targets_of_a_hundred_thousandth(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target().aimed(lambda y: y * 1e-5)
    return fit(rows, (32,), "tanh", seed=seed, epochs=20)


# --- plateaus ----------------------------------------------------------------------------------------------------


@sick(
    one_of("plateau", FADING, "updates_too_small", "underfitting"),
    cured_by(lambda seed: fit(digits(seed), (32,), "tanh", seed=seed, epochs=15)),
    may=STUCK | FADING | LOW | {"dead_units"},
    never=HIGH,
)
def all_weights_zero(seed: int) -> Setting:
    setting = fit(digits(seed), (32, 16), "tanh", seed=seed, epochs=15, dense={"weight_init": "zeros"})
    setting.net.theta = np.zeros_like(setting.net.theta)
    return setting


@sick(
    one_of("plateau", "underfitting"),
    both(
        cured_by(lambda seed: fit(circles(seed), (16,), "tanh", seed=seed, epochs=60, optimizer=gn.Adam(0.01))),
        underfits(),
    ),
    may=STUCK | FADING | LOW,
    never=HIGH,
)
def all_units_start_alike(seed: int) -> Setting:
    setting = fit(
        circles(seed),
        (16,),
        "tanh",
        seed=seed,
        epochs=60,
        optimizer=gn.Adam(0.01),
        dense={"weight_init": "constant(0.3)"},
    )
    setting.net.weights[1][:] = 0.3  # type: ignore[index]
    return setting


@sick(
    one_of("plateau", LOW),
    cured(optimizer=gn.Adam(0.03)),
    may=STUCK | LOW | FADING,
    never={"nothing_to_learn", *HIGH},
)
def parity_on_the_plain(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 13])
    bits = rng.integers(0, 2, (2300, 4))
    rows = cut(bits.astype(float), bits.sum(axis=1) % 2, seed, 400, 200)
    return fit(rows, (12,), "sigmoid", seed=seed, optimizer=gn.SGD(0.05), epochs=100, validation=False)


@sick(
    one_of("plateau", HIGH),
    cured(schedule="cosine"),
    may=STUCK | HIGH | {"dead_units"},
)
def noise_of_single_rows_keeps_it_up(seed: int) -> Setting:
    rows = friedman(seed, noise=0.3).standard().standard_target()
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.SGD(0.065), batch_size=1, epochs=30)
