"""The LaTeX of every activation and loss, read as mathematics and computed: it must say what the code does.

A reader of the small part of LaTeX that records use turns a formula into a function of named numbers: fractions, roots,
powers, sums over an index, cases, brackets of a condition, and definitions that follow after a comma.
"""

import math
import operator
import re

import numpy as np
import pytest

from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES, ElementwiseLoss

FUNCTIONS = {
    r"\log": math.log,
    r"\tanh": math.tanh,
    r"\cosh": math.cosh,
    r"\max": max,
    r"\min": min,
    r"\sigma": lambda z: 1 / (1 + math.exp(-z)),
    "erf": math.erf,
    "sign": lambda x: float(x > 0) - float(x < 0),
}
RELATIONS = {
    ">": lambda a, b: a > b,
    r"\le": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    r"\ne": lambda a, b: a != b,
}
TOKEN = re.compile(
    r"(?P<skip>\\left|\\right|\\[,; ]|\s+)"
    r"|(?P<token>\\[a-zA-Z]+|\\\\|\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z]|[-+^_{}()\[\]|&,<>=/])"
)


def tokens_of(text):
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"{text[at:]!r} cannot be read"
        found += [match["token"]] if match["token"] else []
        at = match.end()
    return found


def combine(operation, left, right):
    return lambda e: operation(left(e), right(e))


class Reader:
    """Recursive descent; every method returns a function of the environment, a dict of names."""

    def __init__(self, text):
        self.tokens, self.at, self.in_bars = tokens_of(text), 0, False

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self, expected=None):
        token = self.peek()
        assert expected in (None, token), f"{expected} expected, {self.tokens[self.at :]} found"
        self.at += 1
        return token

    def inside(self, opening, closing):
        self.next(opening)
        value = self.sum()
        self.next(closing)
        return value

    def sum(self):
        total = self.product()
        while self.peek() in ("+", "-"):
            operation = operator.add if self.next() == "+" else operator.sub
            total = combine(operation, total, self.product())
        return total

    def product(self):
        if self.peek() == "-":
            self.next()
            return combine(operator.mul, lambda e: -1, self.product())
        value = self.power()
        while True:
            if self.peek() == "/":
                self.next()
                value = combine(operator.truediv, value, self.power())
            elif self.starts_a_factor():
                value = combine(operator.mul, value, self.power())
            else:
                return value

    def starts_a_factor(self):
        token = self.peek()
        if token == "|":
            return not self.in_bars
        return (
            token in ("(", "[")
            or token[:1].isalnum()
            or (token[:1] == "\\" and token not in (r"\\", r"\le", r"\ne", r"\end"))
        )

    def power(self):
        base = self.factor()
        if self.peek() == "^":
            self.next()
            exponent = self.inside("{", "}") if self.peek() == "{" else self.factor()
            return lambda e: base(e) ** exponent(e)
        return base

    def factor(self):
        token = self.next()
        if token[0].isdigit():
            return lambda e: float(token)
        if token == "(":
            self.at -= 1
            return self.inside("(", ")")
        if token == "|":
            self.in_bars = True
            value = self.sum()
            self.in_bars = False
            self.next("|")
            return lambda e: abs(value(e))
        if token == "[":
            condition = self.condition()
            self.next("]")
            return lambda e: float(condition(e))
        if token == r"\frac":
            above, below = self.inside("{", "}"), self.inside("{", "}")
            return lambda e: above(e) / below(e)
        if token == r"\sqrt":
            value = self.inside("{", "}")
            return lambda e: math.sqrt(value(e))
        if token == r"\sum":
            return self.sum_over_index()
        if token == r"\begin":
            return self.cases()
        if token == r"\operatorname":
            return self.call(FUNCTIONS["".join(self.word())])
        if token in FUNCTIONS:
            return self.call(FUNCTIONS[token])
        return self.name(token)

    def word(self):
        self.next("{")
        while self.peek() != "}":
            yield self.next()
        self.next("}")

    def call(self, function):
        if self.peek() != "(":
            argument = self.product()  # as in \log a_j
            return lambda e: function(argument(e))
        self.next("(")
        arguments = [self.sum()]
        while self.peek() == ",":
            self.next()
            arguments.append(self.sum())
        self.next(")")
        return lambda e: function(*(argument(e) for argument in arguments))

    def name(self, token):
        if self.peek() != "_":
            return lambda e: e[token](e) if callable(e[token]) else e[token]
        self.next("_")
        index = self.next()
        return lambda e: e[token](e) if callable(e[token]) else e[token][e[index] if index != "y" else e["label"]]

    def condition(self):
        left, relation, right = self.sum(), RELATIONS[self.next()], self.sum()
        return lambda e: relation(left(e), right(e))

    def sum_over_index(self):
        self.next("_")
        leaves_out_the_label = False
        if self.peek() == "{":
            index, relation, limit = self.word()
            leaves_out_the_label = (relation, limit) == (r"\ne", "y")
            assert leaves_out_the_label or (relation, limit) == ("=", "1")
            if not leaves_out_the_label:
                self.next("^")
                assert list(self.word()) == ["n"]
        else:
            index = self.next()
        term = self.product()

        def value(e):
            indices = [k for k in range(e["n"]) if not (leaves_out_the_label and k == e["label"])]
            return sum(term({**e, index: k}) for k in indices)

        return value

    def cases(self):
        assert "".join(self.word()) == "cases"
        choices = []
        while self.peek() != r"\end":
            value = self.sum()
            self.next("&")
            choices.append((value, self.condition()))
            if self.peek() == r"\\":
                self.next()
        self.next(r"\end")
        assert "".join(self.word()) == "cases"

        def chosen(e):
            true = [value for value, condition in choices if condition(e)]
            assert len(true) == 1, "cases must neither overlap nor leave a gap"
            return true[0](e)

        return chosen


def read(text):
    """Return a function of an environment."""
    text = text.partition(r"\text")[0]  # "for j ≠ y"
    if text.startswith(r"\frac{\partial"):
        text = text.partition("=")[2]
    formula, _, definition = text.partition(r",\; ")
    reader = Reader(formula)
    value = reader.sum()
    assert reader.peek() == "", f"{reader.tokens[reader.at :]} is left over"
    if not definition:
        return value
    name, _, meaning = definition.partition("=")
    meant = read(meaning)
    return lambda e: value({**e, name.partition("_")[0]: meant})


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        (r"\frac{z}{1+|z|}", {"z": -3.0}, -0.75),
        (r"2z^2-z(1-z)/4", {"z": 3.0}, 19.5),
        (r"-\sum_j y_j\log a_j", {"n": 2, "y": [1, 2], "a": [1.0, math.e]}, -2),
        (r"\log\sum_j e^{a_j}-\sum_j y_j a_j", {"n": 2, "y": [1, 0], "a": [0, 0], "e": math.e}, math.log(2)),
        (r"\begin{cases}z & z>0\\ 0.5\,z & z\le 0\end{cases}", {"z": -3.0}, -1.5),
        (r"t+1,\; t=z^2", {"z": 3.0}, 10),
        (r"[z>0]-0.25", {"z": 3.0}, 0.75),
        (r"\sum_{j\ne y} \max(0, 1+a_j-a_y)", {"n": 3, "label": 1, "a": [1, 2, 4]}, 3),
        (r"\max\left(0.9\,(y_j-a_j),\ -0.1\,(y_j-a_j)\right)", {"j": 0, "y": [1], "a": [3]}, 0.2),
    ],
)
def test_the_reader_itself(text, environment, expected):
    assert read(text)(environment) == pytest.approx(expected)


CONSTANTS = {
    "e": math.e,
    r"\pi": math.pi,
    r"\lambda": 1.0507009873554805,
    r"\alpha": 1.6732632423543772,
}
PLACES = [-5.5, -2.25, -1.0, -0.125, 0.0, 0.375, 1.0, 2.5, 6.0]


@pytest.mark.parametrize("name", [*(n for n in ACTIVATIONS if n != "softmax"), "leaky_relu(0.25)", "elu(1.5)"])
def test_an_activation_is_what_its_latex_says(name):
    g = ACTIVATIONS.resolve(name)
    value, slope = read(g.latex), read(g.slope_latex)
    z = np.array(PLACES)
    a = g.apply(z)
    environments = [{**CONSTANTS, "z": z_i, "a": a_i} for z_i, a_i in zip(PLACES, a.tolist(), strict=True)]
    np.testing.assert_allclose(a, [value(e) for e in environments], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(g.slope(z, a), [slope(e) for e in environments], rtol=1e-12, atol=1e-14)


def test_softmax_is_what_its_latex_says():
    g = ACTIVATIONS["softmax"]
    z = np.array([[0.5, -1.0, 2.0]])
    a = g.apply(z)
    value, slope = read(g.latex), read(g.slope_latex)
    e = {**CONSTANTS, "z": z[0], "a": a[0], "n": 3}
    np.testing.assert_allclose(a[0], [value({**e, "i": i}) for i in range(3)], rtol=1e-14)
    for i in range(3):
        row_of_jacobian = g.pullback(z, a, np.eye(3)[i : i + 1])[0]
        np.testing.assert_allclose(row_of_jacobian, [slope({**e, "i": i, "j": j}) for j in range(3)], atol=1e-15)


@pytest.mark.parametrize("name", [*LOSSES, "huber(0.5)", "quantile(0.9)"])
def test_a_loss_is_what_its_latex_says(name):
    loss = LOSSES.resolve(name)
    value, slope = read(loss.latex), read(loss.slope_latex)
    rng = np.random.default_rng(4)
    a = rng.uniform(0.05, 0.95, size=(8, 3)) * (1 if loss.domain.high == 1 else 3)
    labels = rng.integers(0, 3, 8)
    hard = not isinstance(loss, ElementwiseLoss)
    y = np.eye(3)[labels] if hard else rng.uniform(0, 1, size=(8, 3))
    for row, truth, label in zip(a, y, labels, strict=True):
        e = {**CONSTANTS, "n": 3, "a": row, "y": truth, "label": label}
        assert loss.rows(row[None], truth[None])[0] == pytest.approx(value(e), rel=1e-12)
        js = [j for j in range(3) if not (name == "hinge" and j == label)]  # its formula is for the others
        found = loss.slope(row[None], truth[None])[0, js]
        np.testing.assert_allclose(found, [slope({**e, "j": j}) for j in js], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].short_forms])
def test_a_short_form_is_what_its_latex_says(name):
    loss = LOSSES[name]
    (short,) = loss.short_forms.values()
    assert short.latex.startswith(r"\delta=")
    value = read(short.latex.partition("=")[2])
    a, y = np.array([[0.2, 0.8]]), np.array([[1.0, 0.0]])
    assert short.blame(a, y)[0].tolist() == [value({"a": a[0, j], "y": y[0, j]}) for j in range(2)]
