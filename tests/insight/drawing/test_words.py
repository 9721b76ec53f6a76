"""Printed figures add up, and the company's story is arithmetic."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.insight.drawing import company, look, look_at_company
from glassnet.insight.drawing.words import adding_up, number

NUMBER = r"−?\d+(?:\.\d+)?(?:e-?\d+)?"


def exact(text):
    return Decimal(text.replace("−", "-").replace(",", ""))


@given(
    st.lists(st.floats(-1e12, 1e12, allow_nan=False, allow_subnormal=False), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_printed_parts_add_up_to_the_printed_total(parts, loose):
    loose %= len(parts)
    shown, total = adding_up(parts, loose)
    assert sum(map(exact, shown)) == exact(total)
    largest = max(map(abs, parts))
    for part, text in zip([*parts, sum(parts)], [*shown, total], strict=True):
        assert abs(float(exact(text)) - part) <= max(largest * 2.5e-3, 1e-300)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.0, "0"), (-1.5, "−1.5"), (1234567.0, "1.235e+06"), (2e-9, "2e−09")]
)
def test_numbers(value, text):
    assert number(value) == text


def test_every_sum_in_a_page_adds_up():
    net = gn.Network(40, [gn.Dense(30, "tanh"), gn.Dropout(0.3), gn.Dense(20, "relu"), gn.Dense(3, "softmax")], seed=4)
    rng = np.random.default_rng(0)
    seen = look(net, rng.normal(size=(5, 40)), rng.integers(0, 3, 5), 3, training=True, neurons=6)
    labels = re.findall(r'aria-label="([^"]*)"', seen.html())
    sums = 0
    for label in labels:
        for equation in label.split("; "):
            found = re.search(rf"({NUMBER}) = ({NUMBER}[^=]*)$", equation)
            if found and " + " in equation:
                parts = [exact(re.match(NUMBER, part)[0]) for part in found[2].split(" + ")]
                assert sum(parts) == exact(found[1]), equation
                sums += 1
    assert sums > 50
    for line in seen.text().splitlines():
        found = re.search(rf"drawn: ({NUMBER}), .* in the band: ({NUMBER}), .* in all: ({NUMBER})", line)
        if found:
            assert exact(found[1]) + exact(found[2]) == exact(found[3])


def test_the_company_is_told_from_the_top_down():
    firm, story = company(), look_at_company().story
    net, x, y = firm.network, firm.x[0], firm.y[0]
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    heard = sigmoid(x @ net.weights[0] + net.biases[0])
    said = sigmoid(heard @ net.weights[1] + net.biases[1])
    chief = (said - y) * said * (1 - said)
    managers = net.weights[1][:, 0] * chief * heard * (1 - heard)
    salespeople = net.weights[0] @ managers
    told = " ".join(story)
    names = (firm.chief, *firm.managers, *firm.salespeople)
    assert all(name in told for name in names)
    assert told.index(firm.chief) < told.index(f"{firm.managers[0]}:") < told.index(f"{firm.salespeople[0]} hears")
    assert f"{firm.chief}, the chief, said {said[0]:.4g} where 0.3 was the truth: too much" in told
    for name, blame in zip(firm.managers, managers, strict=True):
        found = re.search(rf"{name}: ({NUMBER}) · ({NUMBER}) · ({NUMBER}) = ({NUMBER}), to say (less|more)", told)
        assert float(exact(found[1]) * exact(found[2]) * exact(found[3])) == pytest.approx(blame, rel=1e-3)
        assert float(exact(found[4])) == pytest.approx(blame, rel=1e-3)
        assert found[5] == ("less" if blame > 0 else "more")
    for j, name in enumerate(firm.salespeople):
        found = re.search(rf"{name} hears (.*?): ({NUMBER}) in all, to say (less|more)", told)
        parts = [exact(part) for part in re.findall(rf"({NUMBER}) from", found[1])]
        assert sum(parts) == exact(found[2])
        assert float(exact(found[2])) == pytest.approx(salespeople[j], rel=1e-3)
        assert [float(part) for part in parts] == pytest.approx(net.weights[0][j] * managers, abs=2e-5)
        assert found[3] == ("less" if salespeople[j] > 0 else "more")
