"""Healthy trainings that look odd: digits, in many ways that all work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from catalogue_case import Setting, fit
from catalogue_health import fine
from catalogue_rows import (
    digits,
    mnist,
    three_or_seven,
)

import glassnet as gn

# --- digits, in many ways that all work --------------------------------------------------------------------------


@fine(never=("input_scales", "dead_units"))
def digits_with_adam(seed: int) -> Setting:
    return fit(digits(seed), (64,), seed=seed, optimizer=gn.Adam(0.005), epochs=50)


@fine(never=("rate_too_low", "plateau"))
def digits_whose_rate_ends_at_zero(seed: int) -> Setting:
    return fit(digits(seed), (48,), "tanh", seed=seed, optimizer=gn.Adam(0.005), schedule="cosine", epochs=25)


@fine(never=("rate_too_low",))
def digits_with_steps(seed: int) -> Setting:
    optimizer, schedule = gn.SGD(0.1, momentum=0.9), gn.StepLR(step_size=10, gamma=0.1)
    return fit(digits(seed), (48,), seed=seed, optimizer=optimizer, schedule=schedule, epochs=30)


@fine(never=("saturated_units", "rate_too_high"))
def textbook_sigmoids(seed: int) -> Setting:
    """Nielsen's network: sigmoids to the end, squared error, rate 3, batches of ten."""
    settings: dict[str, Any] = {"last": "sigmoid", "loss": "half_squared_error", "softmax": True, "batch_size": 10}
    return fit(digits(seed), (30,), "sigmoid", seed=seed, optimizer=gn.SGD(3.0), epochs=30, **settings)


@fine()
def digits_four_layers_deep(seed: int) -> Setting:
    return fit(digits(seed), (64, 64, 64, 64), seed=seed, optimizer=gn.Adam(0.003), epochs=20, schedule="cosine")


@fine()
def digits_one_row_at_a_time(seed: int) -> Setting:
    return fit(digits(seed), (40,), seed=seed, optimizer=gn.SGD(0.05), batch_size=1, epochs=20)


@fine()
def digits_with_lbfgs(seed: int) -> Setting:
    return fit(digits(seed), (32,), "tanh", seed=seed, optimizer=gn.LBFGS(), batch_size=None, l2=1e-3, epochs=60)


@fine(never=("updates_too_large", "rate_too_high"))
def digits_in_two_large_batches(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.Adam(0.01), batch_size=512, epochs=40)


@fine()
def digits_without_validation(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.Adam(0.003), epochs=15, validation=False)


@fine(never=("underfitting",))
def digits_with_dropout(seed: int) -> Setting:
    return fit(digits(seed), (128,), seed=seed, drop=0.4, optimizer=gn.Adam(0.003), epochs=30)


@fine(never=("duplicates_across_split",))
def rows_twice_among_the_training_rows_only(seed: int) -> Setting:
    rows = digits(seed, train=800)
    order = np.random.default_rng([seed, 31]).integers(0, 800, 1000)
    return fit(replace(rows, X=rows.X[order], Y=rows.Y[order]), (48,), seed=seed, epochs=20, optimizer=gn.Adam(0.003))


@fine(never=("dead_units",))
def a_few_dead_of_many(seed: int) -> Setting:
    setting = fit(digits(seed), (128,), seed=seed, optimizer=gn.Adam(0.005), epochs=40)
    setting.net.biases[0][:6] = -20  # type: ignore[index]
    return setting


@fine()
def digits_from_logits(seed: int) -> Setting:
    rows = digits(seed)
    settings: dict[str, Any] = {"last": "identity", "loss": "cross_entropy_from_logits", "softmax": True}
    return fit(rows, (48,), "silu", seed=seed, optimizer=gn.AdamW(0.003), epochs=25, **settings)


@fine()
def digits_with_rmsprop(seed: int) -> Setting:
    return fit(digits(seed), (48,), "elu", seed=seed, optimizer=gn.RMSprop(0.001), epochs=30)


@fine()
def digits_with_nadam_and_a_warm_up(seed: int) -> Setting:
    schedule = gn.OneCycleLR(max_lr=0.01)
    return fit(digits(seed), (48,), "gelu", seed=seed, optimizer=gn.NAdam(0.002), schedule=schedule, epochs=25)


@fine()
def digits_with_adagrad(seed: int) -> Setting:
    return fit(digits(seed), (64,), seed=seed, optimizer=gn.Adagrad(0.03), epochs=30)


@fine()
def digits_that_still_become_better(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.SGD(0.1), epochs=60)


@fine()
def digits_standardised(seed: int) -> Setting:
    return fit(digits(seed).standard(), (48,), seed=seed, optimizer=gn.Adam(0.001), epochs=30)


@fine()
def digits_with_a_tenth_held_out_by_train(seed: int) -> Setting:
    setting = fit(digits(seed), (48,), seed=seed, optimizer=gn.Adam(0.003), epochs=20)
    return replace(setting, validation=0.2)


@fine(hides=("run",))
def digits_without_a_folder(seed: int) -> Setting:
    return fit(digits(seed), (48,), "leaky_relu", seed=seed, optimizer=gn.Adam(0.003), epochs=20)


@fine(hides=("run", "history"))
def digits_with_neither_folder_nor_history(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.Adam(0.003), epochs=20)


@fine(never=("input_scales",))
def mnist_with_constant_pixels(seed: int) -> Setting:
    rows = mnist(seed).mapped(lambda x: x / 255)
    return fit(rows, (64,), seed=seed, epochs=12, early_stopping=3)


@fine()
def mnist_deep_with_momentum(seed: int) -> Setting:
    rows = mnist(seed, train=2500).mapped(lambda x: x / 255)
    optimizer = gn.SGD(0.02, momentum=0.9)
    return fit(rows, (64, 32), seed=seed, optimizer=optimizer, epochs=15, schedule="cosine")


@fine()
def three_against_seven(seed: int) -> Setting:
    return fit(three_or_seven(seed), (16,), seed=seed, optimizer=gn.Adam(0.005), epochs=20)
