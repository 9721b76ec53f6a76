"""Sick trainings: units that are dead or saturated, blame that vanishes or explodes."""

from __future__ import annotations

from catalogue_case import Setting, fit
from catalogue_facts import (
    blame_fades,
    blame_grows,
    both,
    cured,
    cured_by,
    dead,
    saturated,
)
from catalogue_illnesses import (
    FADING,
    GROWING,
    GROWS_MAY,
    HIGH,
    LOW,
    STUCK,
    digits_shallow,
    one_of,
    sick,
)
from catalogue_rows import (
    breast_cancer,
    diabetes,
    digits,
    friedman,
    mnist,
    moons,
    table,
)

import glassnet as gn

# --- units that are dead -----------------------------------------------------------------------------------------


def _digits_relu(seed: int, **settings: object) -> Setting:
    return fit(digits(seed), (48,), seed=seed, epochs=15, **settings)  # type: ignore[arg-type]


@sick(one_of("dead_units"), both(dead(0.6), cured_by(_digits_relu)), may=STUCK | LOW)
def biases_far_below_zero(seed: int) -> Setting:
    return fit(digits(seed), (48,), seed=seed, epochs=15, dense={"bias_init": "constant(-3)"})


@sick(one_of("dead_units"), both(dead(0.6), cured_by(_digits_relu)), may=STUCK | LOW | {"vanishing_blame"})
def weights_below_zero_on_pixels(seed: int) -> Setting:
    dense = {"weight_init": "uniform(-0.3, 0.05)"}
    return fit(digits(seed), (48, 24), seed=seed, epochs=15, dense=dense)


@sick(
    one_of("dead_units", HIGH),
    both(
        dead(0.5),
        cured_by(lambda seed: fit(digits(seed), (64, 32), seed=seed, optimizer=gn.SGD(0.05, momentum=0.9), epochs=15)),
    ),
    may=HIGH | STUCK | {"exploding_blame", "input_scales"},
)
def relus_killed_by_first_steps(seed: int) -> Setting:
    rows = digits(seed).mapped(lambda x: x * 16)
    return fit(rows, (64, 32), seed=seed, optimizer=gn.SGD(0.5, momentum=0.9), epochs=15)


@sick(
    one_of("dead_units", HIGH),
    both(dead(0.5), cured(optimizer=gn.Adam(0.01))),
    may=HIGH | STUCK,
)
def relus_killed_by_adam_in_regression(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    return fit(rows, (32, 32), seed=seed, optimizer=gn.Adam(1.0), epochs=40)


# --- units that are saturated ------------------------------------------------------------------------------------


def _table_tanh(seed: int) -> Setting:
    return fit(table(seed).standard(), (32, 16), "tanh", seed=seed, epochs=30)


@sick(
    one_of("saturated_units"),
    both(saturated(0.6), cured_by(_table_tanh)),
    may=STUCK | {"overfitting", "exploding_blame", "rate_too_low", "updates_too_small"},
)
def tanh_with_huge_first_weights(seed: int) -> Setting:
    dense = {"weight_init": "normal(5)"}
    return fit(table(seed).standard(), (32, 16), "tanh", seed=seed, epochs=30, dense=dense)


@sick(
    one_of("saturated_units", "input_scales"),
    both(saturated(0.6), cured_by(lambda seed: fit(breast_cancer(seed).standard(), (20,), "sigmoid", seed=seed))),
    may=STUCK | LOW,
)
def sigmoids_on_raw_measurements(seed: int) -> Setting:
    return fit(breast_cancer(seed), (20,), "sigmoid", seed=seed)


@sick(
    one_of("saturated_units", "input_scales"),
    both(saturated(0.5), cured_by(lambda seed: fit(mnist(seed).mapped(lambda x: x / 255), (30,), "tanh", seed=seed))),
    may=STUCK | HIGH | {"overfitting", "vanishing_blame"},
)
def tanh_on_pixels_up_to_255(seed: int) -> Setting:
    return fit(mnist(seed), (30,), "tanh", seed=seed)


@sick(
    one_of("saturated_units"),
    both(saturated(0.6), cured_by(lambda seed: fit(digits(seed), (40,), "sigmoid", seed=seed, optimizer="sgd(0.5)"))),
    may=STUCK | LOW | {"vanishing_blame", "overfitting"},
)
def sigmoids_with_huge_first_weights(seed: int) -> Setting:
    dense = {"weight_init": "normal(10)"}
    return fit(digits(seed), (40,), "sigmoid", seed=seed, optimizer="sgd(0.5)", dense=dense)


# --- blame that vanishes -----------------------------------------------------------------------------------------


@sick(one_of(FADING), both(blame_fades(100), cured_by(digits_shallow)), may=STUCK | LOW)
def eight_layers_of_sigmoids(seed: int) -> Setting:
    return fit(digits(seed), (30,) * 8, "sigmoid", seed=seed, optimizer=gn.SGD(0.5), epochs=20)


@sick(
    one_of(FADING),
    both(
        blame_fades(100),
        cured_by(
            lambda seed: fit(
                digits(seed), (32,) * 6, "tanh", seed=seed, optimizer=gn.SGD(0.05, momentum=0.9), epochs=15
            )
        ),
    ),
    may=STUCK | LOW,
)
def tanh_with_tiny_weights(seed: int) -> Setting:
    optimizer, dense = gn.SGD(0.05, momentum=0.9), {"weight_init": "normal(0.02)"}
    return fit(digits(seed), (32,) * 6, "tanh", seed=seed, optimizer=optimizer, epochs=15, dense=dense)


@sick(
    one_of(FADING),
    both(
        blame_fades(100),
        cured_by(lambda seed: fit(table(seed).standard(), (32,) * 6, seed=seed, optimizer=gn.SGD(0.05), epochs=25)),
    ),
    may=STUCK | LOW,
)
def deep_relu_with_small_weights(seed: int) -> Setting:
    dense = {"weight_init": "normal(0.05)"}
    return fit(table(seed).standard(), (32,) * 6, seed=seed, optimizer=gn.SGD(0.05), epochs=25, dense=dense)


@sick(
    one_of(FADING),
    both(
        blame_fades(30),
        cured_by(lambda seed: fit(friedman(seed).standard().standard_target(), (16,), "tanh", seed=seed, epochs=40)),
    ),
    may=STUCK | LOW,
)
def deep_sigmoids_in_regression(seed: int) -> Setting:
    rows = friedman(seed).standard().standard_target()
    return fit(rows, (16,) * 7, "sigmoid", seed=seed, optimizer=gn.SGD(0.05, momentum=0.9), epochs=40)


@sick(
    one_of(FADING),
    both(
        blame_fades(30),
        cured_by(lambda seed: fit(moons(seed, 0.1), (16,), "tanh", seed=seed, optimizer="rmsprop(0.01)", epochs=30)),
    ),
    may=STUCK | LOW,
)
def deep_sigmoids_on_moons(seed: int) -> Setting:
    return fit(moons(seed, 0.1), (12,) * 7, "sigmoid", seed=seed, optimizer="sgd(0.1)", epochs=30)


# --- blame that explodes -----------------------------------------------------------------------------------------


@sick(
    one_of(GROWING),
    both(blame_grows(30), cured_by(lambda seed: fit(digits(seed), (48,) * 7, seed=seed, epochs=12))),
    may=GROWS_MAY,
)
def deep_relu_with_large_weights(seed: int) -> Setting:
    return fit(digits(seed), (48,) * 7, seed=seed, epochs=12, dense={"weight_init": "normal(0.5)"})


@sick(
    one_of(GROWING),
    both(
        blame_grows(30),
        cured_by(
            lambda seed: fit(
                diabetes(seed).standard().standard_target(), (32,) * 6, "gelu", seed=seed, optimizer="sgd(0.01)"
            )
        ),
    ),
    may=GROWS_MAY,
)
def deep_gelu_with_large_weights(seed: int) -> Setting:
    rows = diabetes(seed).standard().standard_target()
    dense = {"weight_init": "uniform(-1.5, 1.5)"}
    return fit(rows, (32,) * 6, "gelu", seed=seed, optimizer="sgd(0.01)", clip_norm=1.0, dense=dense)


@sick(
    one_of(GROWING),
    both(
        blame_grows(30),
        cured_by(
            lambda seed: fit(table(seed, n_classes=3).standard(), (40,) * 6, "leaky_relu", seed=seed, optimizer="adamw")
        ),
    ),
    may=GROWS_MAY,
)
def deep_leaky_relu_with_unit_weights(seed: int) -> Setting:
    rows, dense = table(seed, n_classes=3).standard(), {"weight_init": "normal(1)"}
    return fit(rows, (40,) * 6, "leaky_relu", seed=seed, optimizer="adamw", dense=dense)
