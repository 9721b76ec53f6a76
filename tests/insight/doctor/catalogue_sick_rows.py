"""Sick trainings: classes that are rare, rows on both sides, targets that leak, nothing to learn."""

from __future__ import annotations

import numpy as np
from catalogue_case import Setting, fit
from catalogue_facts import (
    a_column_leaks,
    ignores_a_class,
    shares_rows,
    tells_nothing,
)
from catalogue_illnesses import (
    LEAK,
    NO_RATE,
    NOTHING,
    OVER,
    TWICE,
    UNEVEN,
    copied,
    one_of,
    sick,
)
from catalogue_rows import (
    Rows,
    adult,
    breast_cancer,
    california,
    cut,
    diabetes,
    digits,
    mnist,
    noise_only,
    table,
    unbalanced,
)

import glassnet as gn

# --- imbalance ---------------------------------------------------------------------------------------------------


@sick(one_of(UNEVEN), ignores_a_class(), may={"underfitting", "plateau"}, never={"nothing_to_learn"})
def three_frauds_in_a_hundred(seed: int) -> Setting:
    return fit(unbalanced(seed, 0.03, 1.6), (16,), seed=seed, epochs=20)


@sick(one_of(UNEVEN), ignores_a_class(), may={"underfitting", "plateau"}, never={"nothing_to_learn"})
def one_fault_in_a_hundred_softmax(seed: int) -> Setting:
    rows = unbalanced(seed, 0.01, 2.0, train=1500)
    return fit(rows, (16,), "tanh", softmax=True, seed=seed, epochs=20)


@sick(one_of(UNEVEN), ignores_a_class(), may={"underfitting", "plateau", "overfitting"})
def a_rare_third_class(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 24])
    y = rng.choice(3, 3000, p=[0.6, 0.36, 0.04])
    X = rng.normal(size=(3000, 5)) + np.array([[0, 0, 0, 0, 0], [2, 2, 0, 0, 0], [1.6, 0.4, 1.0, 0.6, 0]])[y]
    return fit(cut(X, y, seed, 900, 400), (24,), seed=seed, optimizer="sgd(0.02, momentum=0.9)", epochs=25)


@sick(one_of(UNEVEN), ignores_a_class(), may={"underfitting", "plateau"})
def rare_class_with_squared_error(seed: int) -> Setting:
    rows = unbalanced(seed, 0.05, 1.5)
    return fit(rows, (16,), "sigmoid", seed=seed, loss="half_squared_error", optimizer=gn.Adam(0.005), epochs=30)


# --- the same rows on both sides ---------------------------------------------------------------------------------


@sick(one_of(TWICE), shares_rows(0.25))
def a_third_of_validation_is_trained_on(seed: int) -> Setting:
    return fit(copied(digits(seed), 0.3, seed), (32,), seed=seed, epochs=15)


@sick(one_of(TWICE), shares_rows(0.99), may=OVER)
def validated_with_the_training_rows(seed: int) -> Setting:
    rows = breast_cancer(seed).standard()
    rows = Rows(rows.X, rows.Y, rows.X, rows.Y, rows.Xt, rows.Yt)
    return fit(rows, (16,), seed=seed, epochs=15)


@sick(one_of(TWICE), shares_rows(0.2), may=OVER)
def rare_class_multiplied_before_the_split(seed: int) -> Setting:
    rows = unbalanced(seed, 0.08, 2.5, train=1200)
    X, Y = np.concatenate([rows.X, rows.Xv]), np.concatenate([rows.Y, rows.Yv])
    rare = np.flatnonzero(Y == 1)
    order = np.random.default_rng([seed, 18]).permutation(np.concatenate([np.arange(len(Y)), np.repeat(rare, 8)]))
    a, b = order[:-500], order[-500:]
    return fit(Rows(X[a], Y[a], X[b], Y[b], rows.Xt, rows.Yt), (16,), seed=seed, epochs=15)


@sick(one_of(TWICE), shares_rows(0.3), may=OVER)
def an_export_joined_twice(seed: int) -> Setting:
    rows = california(seed, train=500).standard().standard_target()
    X, Y = np.concatenate([rows.X, rows.X]), np.concatenate([rows.Y, rows.Y])
    order = np.random.default_rng([seed, 19]).permutation(len(X))
    a, b = order[:750], order[750:]
    return fit(Rows(X[a], Y[a], X[b], Y[b], rows.Xt, rows.Yt), (24,), seed=seed, epochs=25)


@sick(one_of(TWICE), shares_rows(0.09), may=OVER)
def a_tenth_of_the_pictures_twice(seed: int) -> Setting:
    rows = copied(mnist(seed).mapped(lambda x: x / 255), 0.1, seed)
    return fit(rows, (30,), seed=seed, epochs=8)


# --- targets that leak -------------------------------------------------------------------------------------------


@sick(one_of(LEAK), a_column_leaks())
def a_flag_that_is_set_afterwards(seed: int) -> Setting:
    rows = table(seed, flip_y=0.1).standard().with_column(lambda x, y: y.astype(float))
    return fit(rows, (24,), seed=seed, epochs=20)


@sick(one_of(LEAK), a_column_leaks())
def the_target_measured_twice(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 20])
    rows = diabetes(seed).standard_target().with_column(lambda x, y: y + 0.01 * rng.normal(size=len(y))).standard()
    return fit(rows, (24,), seed=seed, epochs=60)


@sick(one_of(LEAK), a_column_leaks(), may={"input_scales"})
def row_numbers_of_a_sorted_file(seed: int) -> Setting:
    rows = table(seed, flip_y=0.1).standard()
    n = len(rows.X) + len(rows.Xv) + len(rows.Xt)

    def number(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([seed, 21, len(y)])
        return np.where(y == 1, rng.uniform(0.5, 1, len(y)), rng.uniform(0, 0.5, len(y))) * n // 1

    return fit(rows.with_column(number).standard(), (24,), seed=seed, epochs=20)


@sick(one_of(LEAK), a_column_leaks())
def the_price_in_another_currency(seed: int) -> Setting:
    rows = california(seed).with_column(lambda x, y: 0.92 * y + 0.1).standard().standard_target()
    return fit(rows, (32,), "tanh", seed=seed, epochs=25)


@sick(one_of(LEAK), a_column_leaks())
def a_code_of_the_class(seed: int) -> Setting:
    code = np.array([3.0, 0.0, 2.0, 1.0])
    rows = table(seed, n_classes=4, flip_y=0.05, class_sep=0.8).standard().with_column(lambda x, y: code[y])
    return fit(rows, (32,), seed=seed, epochs=40)


@sick(one_of(LEAK), a_column_leaks())
def a_diagnosis_among_the_measurements(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 22])
    rows = table(seed, flip_y=0.1).with_column(lambda x, y: 5.0 * y + rng.normal(size=len(y)) * 0.3).standard()
    return fit(rows, (16,), seed=seed, epochs=30, optimizer="sgd(0.05, momentum=0.9)", validation=False)


# --- nothing to learn --------------------------------------------------------------------------------------------


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_digits(seed: int) -> Setting:
    return fit(digits(seed).permuted(seed), (48,), seed=seed, epochs=30)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def coins_tossed(seed: int) -> Setting:
    return fit(noise_only(seed), (32,), "tanh", seed=seed, epochs=30)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def coins_tossed_with_a_small_network(seed: int) -> Setting:
    return fit(noise_only(seed, train=1000), (4,), seed=seed, optimizer="sgd(0.05)", epochs=20)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_prices(seed: int) -> Setting:
    rows = california(seed).standard().standard_target().permuted(seed)
    return fit(rows, (32,), seed=seed, epochs=30)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_diabetes_stopped_early(seed: int) -> Setting:
    rows = diabetes(seed).standard().standard_target().permuted(seed)
    return fit(rows, (32,), seed=seed, epochs=100, early_stopping=8)


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_five_classes(seed: int) -> Setting:
    rows = noise_only(seed, classes=5, train=800, columns=20)
    return fit(rows, (24,), "gelu", seed=seed, optimizer="rmsprop(0.001)", epochs=40)


@sick(one_of(NOTHING), tells_nothing(), may=OVER | UNEVEN, never=NO_RATE)
def permuted_incomes(seed: int) -> Setting:
    return fit(adult(seed).permuted(seed), (32,), seed=seed, epochs=25, schedule="cosine")


@sick(one_of(NOTHING), tells_nothing(), may=OVER, never=NO_RATE)
def permuted_mnist_with_dropout(seed: int) -> Setting:
    rows = mnist(seed).mapped(lambda x: x / 255).permuted(seed)
    return fit(rows, (50,), seed=seed, drop=0.5, epochs=10)
