"""Numbers and durations in words, against the arithmetic they stand for."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.rivals.waiting import Wait, count_in_words, duration_in_words, waits

SECONDS = {
    "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "minute": 60, "hour": 3600, "day": 86400,
    "year": 31557600, "century": 3155760000, "centurie": 3155760000,
}  # fmt: skip
THOUSANDS = {"": 1, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


def test_reproduces_the_figures_of_the_mission():
    says = {wait.weights: wait.duration for wait in waits(1000, 1e9, (2, 3, 4, 5))}
    assert says == {2: "1 ms", 3: "1 s", 4: "16 minutes", 5: "11.5 days"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3e-10, "less than 1 ns"),
        (59.999, "59 s"),
        (60, "1 minute"),
        (120, "2 minutes"),
        (3600, "1 hour"),
        (5400, "1.5 hours"),
        (86400, "1 day"),
        (360 * 86400, "360 days"),
        (366 * 86400, "1 year"),
        (1e9, "31 years"),
        (3155760000, "1 century"),
        (2 * 3155760000, "2 centuries"),
        (1e12, "316 centuries"),
        (3.2e13, "10 thousand centuries"),
        (1e40, "more than 10³⁰ centuries"),
    ],
)
def test_says_durations_as_people_do(seconds, words):
    assert duration_in_words(math.log10(seconds)) == words


@given(st.floats(-8.9, 23.9))
def test_a_duration_is_cut_off_and_never_more_than_it_takes(log10_seconds):
    words = duration_in_words(log10_seconds)
    number, thousands, unit = re.fullmatch(r"([\d.]+) ?(\w+(?= ))? ?(\w+)", words).groups()
    said = float(number) * THOUSANDS[thousands or ""] * SECONDS.get(unit, SECONDS.get(unit.removesuffix("s")))
    step = said / float(number) / (10 if unit in ("hours", "days") and float(number) < 100 else 1)
    assert said <= 10**log10_seconds * (1 + 1e-8)
    assert 10**log10_seconds < (said + step) * (1 + 1e-8)


@given(st.integers(2, 30), st.integers(1, 8))
def test_counts_below_a_billion_are_exact(values, weights):
    if values**weights < 10**9:
        assert Wait(weights, values, 1.0).combinations == f"{values**weights:,}"


def test_counts_of_any_size_have_a_word():
    assert count_in_words(math.log10(1000) * 900_000).startswith("10²⁷⁰⁰⁰⁰⁰")
    assert str(Wait(1, 10, 1e3)) == "1 weight: 10 combinations, 10 ms"
    assert Wait(900_000, 1000, 1e6).to_dict()["log10_seconds"] == pytest.approx(2_699_994)
