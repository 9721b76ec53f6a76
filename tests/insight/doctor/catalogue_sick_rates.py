"""Sick trainings: rates and updates that are too large or too small."""

from __future__ import annotations

from catalogue_case import Setting, fit
from catalogue_facts import (
    both,
    cured,
    hardly_moved,
)
from catalogue_illnesses import (
    HIGH,
    LOW,
    TOO_HIGH_MAY,
    TOO_LOW_MAY,
    one_of,
    sick,
)
from catalogue_rows import (
    california,
    digits,
    friedman,
    mnist,
    table,
    wine,
)

import glassnet as gn

# --- updates and rates that are too large ------------------------------------------------------------------------


@sick(one_of(HIGH, "dead_units"), cured(optimizer=gn.SGD(0.1)), may=TOO_HIGH_MAY)
def sgd_at_rate_5(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.SGD(5.0), epochs=15)


@sick(one_of(HIGH, "saturated_units"), cured(optimizer=gn.Adam(0.003)), may=TOO_HIGH_MAY)
def adam_at_rate_half(seed: int) -> Setting:
    return fit(digits(seed), (32, 32), "tanh", seed=seed, optimizer=gn.Adam(0.5), epochs=15)


@sick(one_of(HIGH), cured(optimizer=gn.SGD(0.01, momentum=0.9)), may=TOO_HIGH_MAY)
def momentum_of_99_at_a_high_rate(seed: int) -> Setting:
    rows = california(seed).standard().standard_target()
    optimizer = gn.SGD(0.05, momentum=0.99)
    return fit(rows, (32,), "tanh", seed=seed, optimizer=optimizer, epochs=15)


@sick(one_of(HIGH, "saturated_units"), cured(optimizer=gn.RMSprop(0.001)), may=TOO_HIGH_MAY)
def rmsprop_at_rate_tenth(seed: int) -> Setting:
    rows = mnist(seed).mapped(lambda x: x / 255)
    return fit(rows, (30,), "sigmoid", seed=seed, optimizer=gn.RMSprop(0.3), epochs=12)


@sick(one_of(HIGH, "dead_units"), cured(reduction="mean"), may=TOO_HIGH_MAY)
def errors_summed_over_a_large_batch(seed: int) -> Setting:
    return fit(
        digits(seed), (48,), seed=seed, optimizer=gn.SGD(0.1, momentum=0.9), batch_size=250, reduction="sum", epochs=30
    )


@sick(one_of(HIGH, "dead_units", "saturated_units"), cured(schedule=None), may=TOO_HIGH_MAY | {"rate_too_low"})
def one_cycle_with_a_peak_far_too_high(seed: int) -> Setting:
    rows = table(seed).standard()
    schedule = gn.OneCycleLR(max_lr=5.0)
    return fit(rows, (32, 16), seed=seed, optimizer=gn.Adam(0.003), schedule=schedule, epochs=30)


@sick(one_of(HIGH), cured(optimizer=gn.Adam(0.003)), may=TOO_HIGH_MAY | {"overfitting"})
def adam_far_too_fast_on_measurements(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.Adam(0.3), epochs=30)


@sick(one_of(HIGH, "saturated_units"), cured(optimizer=gn.SGD(0.5)), may=TOO_HIGH_MAY, hides=("run",))
def textbook_sigmoids_at_rate_100(seed: int) -> Setting:
    return fit(
        digits(seed),
        (30,),
        "sigmoid",
        last="sigmoid",
        loss="half_squared_error",
        softmax=True,
        seed=seed,
        optimizer=gn.SGD(100.0),
        batch_size=10,
        epochs=15,
    )


# --- updates and rates that are too small ------------------------------------------------------------------------


@sick(one_of(LOW), both(hardly_moved(0.05), cured(optimizer=gn.SGD(0.1))), may=TOO_LOW_MAY, never=HIGH)
def sgd_at_rate_1e4(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.SGD(1e-4), epochs=20)


@sick(one_of(LOW), cured(optimizer=gn.Adam(1e-3)), may=TOO_LOW_MAY, never=HIGH)
def adam_at_rate_1e6(seed: int) -> Setting:
    return fit(table(seed).standard(), (32,), "gelu", seed=seed, optimizer=gn.Adam(1e-6), epochs=30)


@sick(one_of(LOW), cured(optimizer=gn.SGD(0.01, momentum=0.9)), may=TOO_LOW_MAY, never=HIGH)
def sgd_too_slow_for_prices(seed: int) -> Setting:
    rows = california(seed).standard().standard_target()
    return fit(rows, (32,), "tanh", seed=seed, optimizer=gn.SGD(2e-5), epochs=20)


@sick(one_of(LOW), both(hardly_moved(0.1), cured(clip_norm=None)), may=TOO_LOW_MAY, never=HIGH)
def gradients_clipped_to_nothing(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, optimizer=gn.SGD(0.1), clip_norm=1e-3, epochs=20)


@sick(one_of(LOW, "plateau"), cured(schedule=None), may=TOO_LOW_MAY, never=HIGH)
def rate_cut_to_a_tenth_each_epoch(seed: int) -> Setting:
    optimizer, schedule = gn.SGD(0.05, momentum=0.9), gn.StepLR(step_size=1, gamma=0.1)
    return fit(table(seed).standard(), (32,), seed=seed, optimizer=optimizer, schedule=schedule, epochs=30)


@sick(one_of(LOW, "plateau"), cured(schedule=None), may=TOO_LOW_MAY, never=HIGH)
def rate_halved_each_epoch(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    schedule = gn.ExponentialLR(gamma=0.4)
    return fit(rows, (32,), seed=seed, optimizer=gn.Adam(1e-3), schedule=schedule, epochs=40)


@sick(one_of(LOW), cured(optimizer=gn.Adam(0.01)), may=TOO_LOW_MAY, never=HIGH, hides=("run",))
def adam_at_rate_1e5_on_wine(seed: int) -> Setting:
    return fit(wine(seed).standard(), (16,), "tanh", seed=seed, optimizer=gn.Adam(1e-5), epochs=50)


@sick(one_of(LOW), cured(optimizer=gn.RMSprop(1e-3)), may=TOO_LOW_MAY, never=HIGH)
def rmsprop_at_rate_1e7_on_mnist(seed: int) -> Setting:
    rows = mnist(seed).mapped(lambda x: x / 255)
    return fit(rows, (30,), seed=seed, optimizer=gn.RMSprop(1e-7), epochs=10)
