"""The teachers' test: the output for the 2-2-2 network, read line by line against the published article.

Mazur, A Step by Step Backpropagation Example, 2015. The article rounds to nine digits; its w1 is ours (0, 0, 0).
"""

import json
import re
from pathlib import Path

import pytest

import glassnet as gn

SHARED = Path(__file__).parents[4] / "shared" / "data" / "worked_examples.json"


def article():
    net = gn.Network(2, [gn.Dense(2, "sigmoid"), gn.Dense(2, "sigmoid")], dtype="float64")
    net.theta = [0.15, 0.25, 0.20, 0.30, 0.35, 0.35, 0.40, 0.50, 0.45, 0.55, 0.60, 0.60]
    return net


def lines(weight):
    text = gn.explain(article(), [[0.05, 0.10]], [[0.01, 0.99]], 0, weight, loss="half_squared_error").text()
    return [line.strip() for line in text.splitlines()]


def numbers_behind(text, left):
    """The numbers of the equation whose left side is given: its last step."""
    at = next(n for n, line in enumerate(text) if line.startswith(f"{left} ="))
    last = next(n for n in range(at + 1, len(text)) if not text[n].startswith("="))
    return float(text[last - 1].split()[1])


@pytest.mark.parametrize(
    ("weight", "left", "published"),
    [
        ((1, 0, 0), "E", "0.298371109"),
        ((1, 0, 0), "∂E/∂a[2][0]", "0.74136507"),
        ((1, 0, 0), "g′(z[1][0])", "0.186815602"),
        ((1, 0, 0), "δ[1][0]", "0.138498562"),
        ((1, 0, 0), "∂E/∂w[1][0,0]", "0.082167041"),
        ((0, 0, 0), "∂E/∂a[1][0]", "0.036350306"),
        ((0, 0, 0), "g′(z[0][0])", "0.241300709"),
        ((0, 0, 0), "∂E/∂w[0][0,0]", "0.000438568"),
    ],
)
def test_published_lines(weight, left, published):
    shown = numbers_behind(lines(weight), left)
    assert shown == pytest.approx(float(published), rel=5e-8, abs=5e-10)


def test_signals_and_sums_of_the_article():
    text = "\n".join(lines((0, 0, 0)))
    for published in ("0.3775", "0.593269992", "1.105905967", "0.751365070", "0.772928465"):
        shortened = published.rstrip("0")
        shown = [float(n) for n in re.findall(r"-?\d+\.\d+", text)]
        assert any(abs(n - float(shortened)) < 5e-10 for n in shown), published


def test_errors_of_both_outputs_are_told_apart():
    steps = "\n".join(lines((1, 0, 0)))
    assert re.search(r"= 0\.2748110832 \+ 0\.02356002558\b", steps)  # 0.274811083 and 0.023560026 in the article


def example(name):
    examples = json.loads(SHARED.read_text(encoding="utf-8"))["examples"]
    found = next(e for e in examples if e["id"] == name)
    return found, {check["name"]: check for check in found["checks"]}


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent")
@pytest.mark.parametrize(
    ("name", "check", "weights"),
    [
        ("mazur_2_2_2", "dE/dw5 dE/dw1", [(1, 0, 0), (0, 0, 0)]),
        ("mazur_biases_trained", "dE/dw5..w8", [(1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1)]),
    ],
)
def test_published_gradients(name, check, weights):
    found, checks = example(name)
    net = gn.Network(2, [gn.Dense(2, layer["activation"]) for layer in found["net"]], dtype="float64")
    for k, layer in enumerate(found["net"]):
        net.weights[k], net.biases[k] = layer["W"], layer["b"]
    published, recomputed = checks[check]["published"], checks[check]["recomputed"]
    for weight, digits, value in zip(weights, published, recomputed, strict=True):
        why = gn.explain(net, found["X"], found["Y"], 0, weight, loss="half_squared_error")
        assert why.value == pytest.approx(value, rel=1e-12)
        assert why.value == pytest.approx(float(digits), abs=10.0 ** -len(digits.partition(".")[2]))
