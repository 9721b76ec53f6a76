"""All rules, the gravest causes first, and which finding is but a symptom of which.

A rule is a function of the signs that gives a finding or None. One that is explained by another that was found is not
even asked: a person with one ill is to hear of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.rules.fit import (
    imbalance,
    nothing_to_learn,
    overfitting,
    plateau,
    underfitting,
)
from glassnet.insight.doctor.rules.rate import (
    not_finite,
    rate_too_high,
    rate_too_low,
    updates_too_large,
    updates_too_small,
)
from glassnet.insight.doctor.rules.rows import duplicates_across_split, input_scales, leaking_target, target_scale
from glassnet.insight.doctor.rules.units import (
    dead_units,
    exploding_blame,
    saturated_at_start,
    saturated_later,
    vanishing_blame,
)
from glassnet.insight.doctor.signs import Signs

Rule = Callable[[Signs], Finding | None]


@final
@dataclass(frozen=True)
class Registered:
    """A rule, and the findings of which its own would be a symptom."""

    rule: Rule
    explained_by: frozenset[str] = frozenset()


def _of(*names: str) -> frozenset[str]:
    return frozenset(names)


_SCALES = _of("input_scales", "target_scale")
_INSIDE = _SCALES | {
    "leaking_target",
    "nothing_to_learn",
    "exploding_blame",
    "vanishing_blame",
    "saturated_units",
    "dead_units",
}

RULES: tuple[Registered, ...] = (
    Registered(not_finite),
    Registered(leaking_target),
    Registered(duplicates_across_split),
    Registered(nothing_to_learn, _of("leaking_target", "not_finite")),
    Registered(input_scales, _of("nothing_to_learn")),
    Registered(target_scale, _of("nothing_to_learn")),
    Registered(exploding_blame, _SCALES | {"nothing_to_learn", "not_finite"}),
    Registered(saturated_at_start, _SCALES | {"nothing_to_learn", "exploding_blame", "not_finite"}),
    Registered(vanishing_blame, _SCALES | {"nothing_to_learn", "exploding_blame", "saturated_units", "not_finite"}),
    Registered(
        rate_too_high,
        _SCALES | {"leaking_target", "nothing_to_learn", "exploding_blame", "vanishing_blame", "saturated_units"},
    ),
    Registered(saturated_later, _SCALES | {"nothing_to_learn", "exploding_blame", "rate_too_high", "not_finite"}),
    Registered(dead_units, _SCALES | {"nothing_to_learn", "vanishing_blame", "exploding_blame", "not_finite"}),
    Registered(rate_too_low, _INSIDE | {"duplicates_across_split", "rate_too_high", "not_finite"}),
    Registered(updates_too_large, _INSIDE | {"rate_too_high", "rate_too_low", "not_finite"}),
    Registered(updates_too_small, _INSIDE | {"rate_too_high", "rate_too_low", "not_finite"}),
    Registered(imbalance, _INSIDE | {"rate_too_high", "rate_too_low", "not_finite"}),
    Registered(
        plateau,
        _INSIDE
        | {
            "duplicates_across_split",
            "rate_too_high",
            "rate_too_low",
            "updates_too_large",
            "updates_too_small",
            "imbalance",
            "not_finite",
        },
    ),
    Registered(
        underfitting,
        _INSIDE
        | {
            "duplicates_across_split",
            "rate_too_high",
            "rate_too_low",
            "updates_too_large",
            "updates_too_small",
            "imbalance",
            "plateau",
            "not_finite",
        },
    ),
    Registered(overfitting, _INSIDE | {"rate_too_high", "not_finite", "underfitting", "plateau"}),
)


def findings(signs: Signs) -> tuple[Finding, ...]:
    """Return what the rules find, most important first."""
    found: list[Finding] = []
    for each in RULES:
        if each.explained_by.isdisjoint(finding.name for finding in found):
            finding = each.rule(signs)
            if finding is not None:
                found.append(finding)
    return tuple(found)
