"""Healthy trainings that look odd: targets that are numbers, and trainings that are not the usual ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from catalogue_case import Setting, fit
from catalogue_facts import healthy
from catalogue_health import fine
from catalogue_rows import (
    breast_cancer,
    california,
    cut,
    digits,
    friedman,
    line,
    moons,
    table,
    wine,
)

import glassnet as gn

# --- numbers to tell ---------------------------------------------------------------------------------------------


@fine()
def friedman_told_well(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.Adam(0.01), epochs=150, early_stopping=15)


@fine(never=("target_scale",))
def california_in_hundred_thousands(seed: int) -> Setting:
    rows = california(seed, train=2000).standard().mapped(lambda x: np.clip(x, -4, 4))
    return fit(rows, (32,), seed=seed, optimizer=gn.Adam(0.003), epochs=40, early_stopping=6)


@fine(proof=healthy(slack=0.06))  # forests read positions on the map better than smooth networks
def california_with_cosine(seed: int) -> Setting:
    rows = california(seed, train=2000).standard().standard_target().mapped(lambda x: np.clip(x, -4, 4))
    optimizer = gn.SGD(0.03, momentum=0.9)
    return fit(rows, (32,), "tanh", seed=seed, optimizer=optimizer, schedule="cosine", epochs=80)


@fine(never=("plateau",))
def outliers_with_huber(seed: int) -> Setting:
    rows = line(seed, 0.4, train=800).standard_target()
    rng = np.random.default_rng([seed, 42])
    wild = rng.random(800) < 0.03
    Y = rows.Y + np.where(wild, rng.normal(0, 8, 800), 0)
    return fit(replace(rows, Y=Y), (8,), seed=seed, loss="huber", optimizer=gn.Adam(0.003), epochs=30)


@fine()
def two_numbers_at_once(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 43])
    X = rng.normal(size=(2600, 6))
    Y = np.column_stack([X[:, 0] * X[:, 1] + X[:, 2], np.sin(X[:, 3]) + X[:, 4]]) + 0.2 * rng.normal(size=(2600, 2))
    rows = cut(X, Y, seed, 800, 300).standard_target()
    return fit(rows, (40,), "tanh", seed=seed, optimizer=gn.Adam(0.005), epochs=50, early_stopping=8)


@fine()
def counts_with_poisson(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 44])
    rows = line(seed, 0.0, train=1000).aimed(lambda y: rng.poisson(np.exp(0.7 * y + 0.5)).astype(float))
    return fit(rows, (12,), "tanh", last="exp", loss="poisson", seed=seed, optimizer=gn.Adam(0.003), epochs=30)


@fine()
def a_line_for_a_line(seed: int) -> Setting:
    return fit(line(seed, 0.5), (), seed=seed, optimizer="sgd(0.02)", epochs=20)


@fine(never=("plateau", "leaking_target", "overfitting"))
def a_line_without_noise(seed: int) -> Setting:
    return fit(line(seed, 0.0), (), seed=seed, optimizer="sgd(0.02)", epochs=20)


@fine()
def a_median_by_absolute_errors(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    settings: dict[str, Any] = {"loss": "absolute_error", "schedule": "cosine"}
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.Adam(0.02), epochs=120, early_stopping=30, **settings)


@fine(never=("rate_too_low", "updates_too_small"))
def clipped_and_fine(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    settings: dict[str, Any] = {"clip_norm": 0.5, "schedule": "cosine"}
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.SGD(0.05, momentum=0.9), epochs=50, **settings)


@fine()
def deep_with_selu(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    settings: dict[str, Any] = {"schedule": "cosine", "early_stopping": 10}
    return fit(rows, (24,) * 5, "selu", seed=seed, optimizer=gn.Adam(0.005), epochs=60, **settings)


# --- tables with a known truth -----------------------------------------------------------------------------------


@fine()
def a_table_with_adam(seed: int) -> Setting:
    return fit(table(seed).standard(), (32,), seed=seed, optimizer=gn.Adam(0.005), epochs=40, early_stopping=8)


@fine(never=("rate_too_high",))
def small_batches_that_jitter(seed: int) -> Setting:
    rows = table(seed, flip_y=0.05).standard()
    settings: dict[str, Any] = {"batch_size": 4, "early_stopping": 6}
    return fit(rows, (24,), seed=seed, optimizer=gn.Adam(0.003), epochs=30, **settings)


@fine()
def rows_with_weights(seed: int) -> Setting:
    rows = table(seed, n_classes=3).standard()
    weight = np.random.default_rng([seed, 45]).uniform(0.5, 2, len(rows.X))
    settings: dict[str, Any] = {"sample_weight": weight, "early_stopping": 6}
    return fit(rows, (32,), "leaky_relu", seed=seed, optimizer=gn.Adam(0.005), epochs=40, **settings)


@fine()
def lbfgs_on_a_small_table(seed: int) -> Setting:
    rows = line(seed, 0.5).standard_target()
    return fit(rows, (6,), "tanh", seed=seed, optimizer=gn.LBFGS(), batch_size=None, l2=0.01, epochs=40)


@fine()
def six_layers_of_tanh(seed: int) -> Setting:
    rows = table(seed).standard()
    settings: dict[str, Any] = {"early_stopping": 8}
    return fit(rows, (24,) * 6, "tanh", seed=seed, optimizer=gn.Adam(0.002), epochs=40, **settings)


@fine(proof=healthy(slack=0.05))
def trained_to_the_top_but_stopped_in_time(seed: int) -> Setting:
    rows = table(seed, train=250, flip_y=0.05).standard()
    return fit(rows, (32,), seed=seed, optimizer=gn.Adam(0.003), epochs=150, early_stopping=10)


# --- trainings that are not the usual ones -----------------------------------------------------------------------


def _trained_before(setting: Setting, **train: Any) -> Setting:
    """The network has had a good training already, and is trained on."""
    gn.train(setting.net, setting.X, setting.Y, setting.loss, **{**setting.train, "threads": 1})
    return replace(setting, train={"seed": setting.train["seed"], **train})


@fine(never=("plateau", "underfitting"))
def trained_on_from_a_good_start(seed: int) -> Setting:
    setting = fit(digits(seed), (48,), seed=seed, optimizer=gn.Adam(0.003), epochs=25)
    return _trained_before(setting, optimizer=gn.Adam(0.001), epochs=10)


@fine(
    may=("rate_too_low", "updates_too_small"),
    why="Tiny steps from a good place are what fine-tuning means; without the past, they look like a rate too low.",
)
def tuned_finely_from_a_good_start(seed: int) -> Setting:
    setting = fit(breast_cancer(seed).standard(), (16,), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=30)
    return _trained_before(setting, optimizer=gn.Adam(1e-5), epochs=5)


@fine(never=("rate_too_high",))
def the_rate_restarts_again_and_again(seed: int) -> Setting:
    schedule = gn.CosineAnnealingWarmRestarts(T_0=10)
    return fit(digits(seed), (48,), "tanh", seed=seed, optimizer=gn.Adam(0.01), schedule=schedule, epochs=40)


@fine(never=("underfitting",))
def dropout_makes_training_look_worse_than_validation(seed: int) -> Setting:
    rows = table(seed, train=1500).standard()
    return fit(rows, (64,), seed=seed, drop=0.3, optimizer=gn.Adam(0.005), epochs=40)


@fine(never=("overfitting",))
def validation_of_twenty_rows_jumps(seed: int) -> Setting:
    rows = table(seed, flip_y=0.05).standard()
    rows = replace(rows, Xv=rows.Xv[:20], Yv=rows.Yv[:20])
    return fit(rows, (12,), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=30, l2=0.003)


@fine(never=("dead_units", "input_scales", "imbalance"))
def words_counted(seed: int) -> Setting:
    """Counts of 60 words, nearly all of them zero."""
    rng = np.random.default_rng([seed, 46])
    topics = rng.dirichlet(np.full(60, 0.15), 3)
    y = rng.integers(0, 3, 2800)
    X = np.stack([rng.multinomial(12, topics[k]) for k in y]).astype(float)
    return fit(cut(X, y, seed, 1000, 300), (24,), seed=seed, optimizer=gn.Adam(0.003), epochs=20, early_stopping=4)


@fine(never=("dead_units", "saturated_units"))
def tanh_that_has_made_up_its_mind(seed: int) -> Setting:
    rows = moons(seed, 0.08, train=400)
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.Adam(0.02), epochs=150)


def _as_good_as_ridge(trained: Any, seed: int) -> Any:
    from catalogue_case import Fact
    from sklearn.decomposition import PCA

    X, Xt = trained.setting.X, trained.setting.test[0]
    linear = PCA(12).fit(X)
    theirs = 1 - np.sum((linear.inverse_transform(linear.transform(Xt)) - Xt) ** 2) / np.sum(
        (Xt - Xt.mean(axis=0)) ** 2
    )
    return Fact(
        trained.test_score > theirs - 0.05, f"unseen pictures {trained.test_score:.3f}, 12 components {theirs:.3f}"
    )


@fine(proof=_as_good_as_ridge, never=("leaking_target",))
def pictures_through_a_bottleneck(seed: int) -> Setting:
    """An autoencoder: its target is its input, through twelve units."""
    rows = digits(seed)
    rows = replace(rows, Y=rows.X, Yv=rows.Xv, Yt=rows.Xt)
    return fit(rows, (64, 12, 64), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=60)


def _labels_told(trained: Any, seed: int) -> Any:
    from catalogue_case import Fact

    X, Y = trained.setting.test
    right = float(np.mean((trained.net.predict(X) > 0.5) == (Y > 0.5)))
    return Fact(right > 0.9, f"labels right {right:.3f}")


@fine(proof=_labels_told)
def several_labels_at_once(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 47])
    X = rng.normal(size=(2800, 8))
    Y = ((X @ rng.normal(size=(8, 4)) + 0.3 * rng.normal(size=(2800, 4))) > 0.5).astype(float)
    rows = cut(X, Y, seed, 1000, 300)
    settings: dict[str, Any] = {"last": "sigmoid", "loss": "binary_cross_entropy"}
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.Adam(0.005), epochs=30, l2=1e-3, **settings)


@fine()
def a_margin_with_hinge(seed: int) -> Setting:
    rows = breast_cancer(seed).standard()
    settings: dict[str, Any] = {"last": "identity", "loss": "hinge", "softmax": True}
    return fit(rows, (8,), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=30, l2=0.01, **settings)


@fine()
def targets_with_a_long_tail(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 48])
    X = rng.normal(size=(2800, 5))
    y = np.exp(0.5 * X[:, 0] + 0.3 * X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=2800))
    rows = cut(X, y, seed, 1200, 300).standard_target()
    return fit(rows, (24,), "tanh", seed=seed, optimizer=gn.Adam(0.003), epochs=60, early_stopping=8)


@fine(never=("target_scale",))
def targets_of_tens(seed: int) -> Setting:
    """From 0 to 30, untouched: no standard target, and yet well told."""
    rows = friedman(seed).standard()
    settings: dict[str, Any] = {"schedule": "cosine", "early_stopping": 60}
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.Adam(0.1), epochs=200, l2=0.01, **settings)


@fine(never=("input_scales",))
def ages_and_rooms_of_the_same_order(seed: int) -> Setting:
    rng = np.random.default_rng([seed, 49])
    X = np.column_stack([rng.uniform(0, 10, 2800), rng.integers(1, 8, 2800), rng.normal(3, 2, (2800, 3))])
    y = (X[:, 0] + 2 * X[:, 1] - X[:, 2] + rng.normal(size=2800) > 10).astype(int)
    return fit(cut(X, y, seed, 1000, 300), (16,), seed=seed, optimizer=gn.Adam(0.005), epochs=60, early_stopping=12)


@fine()
def batches_larger_than_the_table(seed: int) -> Setting:
    rows = wine(seed).standard()
    return fit(rows, (8,), "tanh", seed=seed, optimizer=gn.RMSprop(0.005), batch_size=1000, epochs=80)


@fine(hides=("validation",))
def held_out_by_train_and_not_told_to_the_doctor(seed: int) -> Setting:
    rows = table(seed, train=1000, class_sep=1.5).standard()
    setting = fit(rows, (24,), seed=seed, optimizer=gn.Adam(0.003), epochs=30, early_stopping=6)
    return replace(setting, validation=0.2)


@fine(hides=("loss",))
def in_float64(seed: int) -> Setting:
    rows = table(seed, n_classes=3, class_sep=1.5).standard()
    settings: dict[str, Any] = {"dtype": "float64", "early_stopping": 6}
    return fit(rows, (32,), "silu", seed=seed, optimizer=gn.Adam(0.005), epochs=40, **settings)
