"""Healthy trainings that look odd: noise that no network can tell, small tables, rare classes, odd columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from catalogue_case import Setting, fit
from catalogue_facts import healthy
from catalogue_health import fine
from catalogue_rows import (
    Array,
    Rows,
    adult,
    blobs,
    breast_cancer,
    circles,
    cut,
    diabetes,
    iris,
    line,
    moons,
    table,
    unbalanced,
    wine,
)

import glassnet as gn

# --- noise that no network can tell ------------------------------------------------------------------------------


def _noisy(seed: int, wrong: float, train: int = 1000) -> Rows:
    """Two clouds well apart, and so many labels turned."""
    rng = np.random.default_rng([seed, 32])
    X = rng.normal(size=(train + 1800, 6))
    y = (X[:, 0] + X[:, 1] - 0.5 * X[:, 2] > 0).astype(int)
    turned = rng.random(len(y)) < wrong
    return cut(X, np.where(turned, 1 - y, y), seed, train, 300)


@fine(never=("nothing_to_learn", "underfitting", "plateau", "rate_too_low"))
def labels_of_which_three_in_ten_are_wrong(seed: int) -> Setting:
    return fit(_noisy(seed, 0.3), (8,), seed=seed, epochs=40, early_stopping=6)


@fine(never=("nothing_to_learn", "underfitting"))
def two_thirds_is_all_there_is(seed: int) -> Setting:
    return fit(_noisy(seed, 0.34, train=1500), (), seed=seed, optimizer="sgd(0.05)", epochs=20)


@fine(never=("nothing_to_learn", "underfitting", "plateau"))
def labels_a_quarter_wrong_with_a_penalty(seed: int) -> Setting:
    return fit(_noisy(seed, 0.25), (16,), "tanh", seed=seed, l2=0.01, optimizer=gn.AdamW(0.002), epochs=30)


@fine(never=("underfitting",))
def moons_that_overlap(seed: int) -> Setting:
    return fit(moons(seed, 0.35, train=600), (16,), seed=seed, optimizer=gn.Adam(0.01), epochs=40)


@fine(never=("nothing_to_learn", "underfitting", "plateau"))
def moons_that_overlap_much(seed: int) -> Setting:
    return fit(moons(seed, 0.7, train=800), (8,), "tanh", seed=seed, optimizer=gn.Adam(0.01), epochs=40)


@fine(never=("nothing_to_learn", "underfitting"))
def a_sixth_of_the_variance_can_be_told(seed: int) -> Setting:
    rows = line(seed, 2.2, train=1500, columns=5).standard_target()
    return fit(rows, (6,), "tanh", seed=seed, epochs=60, early_stopping=6)


@fine(never=("nothing_to_learn", "underfitting"))
def diabetes_stopped_early(seed: int) -> Setting:
    rows = diabetes(seed).standard().standard_target()
    return fit(rows, (8,), "tanh", seed=seed, optimizer=gn.Adam(0.003), l2=0.02, epochs=200, early_stopping=10)


@fine(never=("plateau", "rate_too_low", "updates_too_small"))
def long_at_the_floor_of_the_noise(seed: int) -> Setting:
    rows = line(seed, 0.7, train=1200, columns=5).standard_target()
    return fit(rows, (6,), "tanh", seed=seed, optimizer=gn.Adam(0.003), schedule="cosine", epochs=80)


# --- small tables ------------------------------------------------------------------------------------------------


@fine(never=("leaking_target",))
def iris_told_well(seed: int) -> Setting:
    return fit(iris(seed).standard(), (12,), "tanh", seed=seed, optimizer=gn.Adam(0.01), epochs=60)


@fine()
def iris_without_a_hidden_layer(seed: int) -> Setting:
    return fit(iris(seed).standard(), (), seed=seed, optimizer="sgd(0.3)", epochs=80)


@fine(never=("leaking_target", "overfitting"))
def wine_told_to_the_last_bottle(seed: int) -> Setting:
    return fit(wine(seed).standard(), (16,), seed=seed, optimizer=gn.Adam(0.005), epochs=40)


@fine()
def iris_in_centimetres(seed: int) -> Setting:
    return fit(iris(seed), (16,), "tanh", seed=seed, optimizer=gn.Adam(0.01), l2=0.003, epochs=60)


@fine(never=("leaking_target",))
def breast_cancer_with_momentum(seed: int) -> Setting:
    optimizer = gn.SGD(0.02, momentum=0.9)
    rows = breast_cancer(seed).standard()
    return fit(rows, (8,), "tanh", seed=seed, optimizer=optimizer, l2=0.01, epochs=20)


@fine()
def breast_cancer_with_adamw(seed: int) -> Setting:
    optimizer = gn.AdamW(0.003, weight_decay=0.05)
    rows = breast_cancer(seed).standard()
    return fit(rows, (32,), "gelu", seed=seed, optimizer=optimizer, schedule="cosine", epochs=25, softmax=True)


@fine(proof=healthy(slack=0.05))
def a_hundred_rows(seed: int) -> Setting:
    rows = table(seed, train=100, class_sep=1.5, n_clusters_per_class=1).standard()
    return fit(rows, (8,), "tanh", seed=seed, optimizer=gn.Adam(0.01), epochs=60, early_stopping=10)


def _four(seed: int) -> Setting:
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    rows = Rows(X, np.array([0, 1, 1, 0]), X, np.array([0, 1, 1, 0]), X, np.array([0, 1, 1, 0]))
    return fit(rows, (8,), "tanh", seed=seed, optimizer=gn.Adam(0.05), epochs=300, batch_size=4, validation=False)


def _all_right(trained: Any, seed: int) -> Any:
    from catalogue_case import Fact

    return Fact(trained.training_score == 1.0, f"all rows: {trained.training_score:.3f}")


@fine(proof=_all_right, never=("nothing_to_learn", "underfitting"))
def exclusive_or(seed: int) -> Setting:
    return _four(seed)


@fine()
def exclusive_or_of_many_rows(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 33])
    X = rng.normal(size=(2500, 4))
    rows = cut(X, ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int), seed, 700, 250)
    return fit(rows, (24,), seed=seed, optimizer=gn.Adam(0.01), epochs=40, early_stopping=8)


@fine()
def circles_told(seed: int) -> Setting:
    return fit(circles(seed), (16,), "tanh", seed=seed, optimizer=gn.Adam(0.02), epochs=40)


# --- few of one class, many classes ------------------------------------------------------------------------------


@fine(never=("imbalance",))
def one_in_ten_and_found(seed: int) -> Setting:
    return fit(unbalanced(seed, 0.1, 4.0), (12,), seed=seed, optimizer=gn.Adam(0.005), epochs=25)


@fine(never=("imbalance",))
def one_in_twenty_five_and_found(seed: int) -> Setting:
    rows = unbalanced(seed, 0.04, 5.0, train=1500)
    return fit(rows, (12,), "tanh", softmax=True, seed=seed, optimizer=gn.Adam(0.005), epochs=20)


@fine(never=("imbalance",))
def three_uneven_classes(seed: int) -> Setting:
    rows = blobs(seed, 3, train=900)
    kept = np.random.default_rng([seed, 34]).random(900) < np.array([1.0, 0.5, 0.12])[rows.Y]
    return fit(replace(rows, X=rows.X[kept], Y=rows.Y[kept]), (16,), seed=seed, optimizer=gn.Adam(0.005), epochs=25)


@fine()
def twenty_classes(seed: int) -> Setting:
    return fit(blobs(seed, 20, train=1500), (48,), "tanh", seed=seed, optimizer=gn.Adam(0.005), l2=1e-3, epochs=20)


# --- columns that look odd ---------------------------------------------------------------------------------------


@fine(never=("input_scales", "imbalance"))
def incomes_with_words_one_hot(seed: int) -> Setting:
    return fit(adult(seed, train=2000), (16,), seed=seed, optimizer=gn.Adam(0.002), epochs=30, early_stopping=4)


@fine(never=("input_scales",))
def yes_and_no_only(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 35])
    X = (rng.random((2800, 20)) < rng.uniform(0.1, 0.6, 20)).astype(float)
    y = (X[:, :7].sum(axis=1) + rng.normal(0, 0.4, len(X)) > 2.2).astype(int)
    return fit(cut(X, y, seed, 1000, 300), (16,), seed=seed, optimizer=gn.Adam(0.005), epochs=20, early_stopping=5)


@fine(never=("leaking_target",))
def a_strong_column_is_no_leak(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 36])

    def strong(x: Array, y: Array) -> Array:
        return y + 0.48 * rng.normal(size=len(y))  # r = 0.9

    rows = line(seed, 0.5, train=600).standard_target().with_column(strong)
    return fit(rows, (16,), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=30)


@fine(never=("leaking_target",))
def a_column_that_tells_nine_in_ten(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 37])
    rows = _noisy(seed, 0.2).with_column(lambda x, y: 2 * y - 1 + 0.75 * rng.normal(size=len(y)))
    return fit(rows, (8,), seed=seed, epochs=30, early_stopping=6)


@fine(never=("leaking_target", "duplicates_across_split"))
def yesterday_tells_today(seed: int) -> Setting:
    """A series that hardly changes from one row to the next: r = 0.97, known when it is needed."""
    rng = np.random.default_rng([seed, 38])
    y = rng.normal(size=2600)
    yesterday = 0.97 * y + 0.24 * rng.normal(size=len(y))
    rows = cut(np.column_stack([yesterday, rng.normal(size=(len(y), 3))]), y, seed, 700, 250)
    return fit(rows, (16,), seed=seed, optimizer=gn.Adam(0.003), epochs=30)


@fine(never=("duplicates_across_split",))
def few_different_rows(seed: int) -> Setting:
    """Whole numbers from questionnaires: the same answers come up again by themselves."""
    rng = np.random.default_rng([seed, 39])
    X = rng.integers(1, 5, (2600, 4)).astype(float)
    y = (X.sum(axis=1) + rng.normal(0, 1.5, len(X)) > 10).astype(int)
    rows = cut(X, y, seed, 700, 250).standard()
    return fit(rows, (8,), seed=seed, optimizer=gn.Adam(0.005), epochs=20)


@fine(never=("duplicates_across_split",))
def two_rows_of_validation_by_chance(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 40])
    X = np.column_stack([rng.integers(0, 12, (2600, 2)), rng.integers(0, 2, (2600, 3))]).astype(float)
    y = 0.4 * X[:, 0] - 0.3 * X[:, 1] + X[:, 2] + 0.4 * rng.normal(size=len(X))
    rows = cut(X, y, seed, 600, 250).standard().standard_target()
    return fit(rows, (16,), "tanh", seed=seed, optimizer=gn.Adam(0.005), epochs=30)


@fine(never=("input_scales",))
def heavy_tails_and_constant_columns(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 41])
    X = np.column_stack([rng.lognormal(0, 0.8, (2600, 5)), np.ones((2600, 2))])
    y = np.log(X[:, 0]) - np.log(X[:, 1]) + 0.3 * rng.normal(size=len(X))
    rows = cut(X, y, seed, 800, 300).standard().standard_target()
    return fit(rows, (24,), seed=seed, optimizer=gn.Adam(0.005), epochs=40, early_stopping=8)


@fine(never=("input_scales",))
def columns_whose_scales_differ_a_little(seed: int) -> Setting:
    factor = np.array([0.5, 1, 2, 3, 1, 0.7, 1, 4, 1, 2, 1, 1])
    rows = table(seed).standard().mapped(lambda x: x * factor)
    return fit(rows, (32,), seed=seed, optimizer=gn.Adam(0.005), epochs=30, early_stopping=6)
