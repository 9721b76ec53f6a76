"""The text of a formula: the same for the same formula, another for any other, none where nothing can be told."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.compiled.fingerprint import Unknown, fingerprint
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()


def same(x, y):
    """Whether two plain values are one value of one type; 0.0 is not −0.0."""
    return type(x) is type(y) and repr(x) == repr(y)


def made(source, name="f", **names):
    """Return the function that a text defines, as if in a module with these names."""
    exec(source, names)
    return names[name]


def closing_over(c):
    return lambda z: z * c


@given(plain, plain)
def test_formulas_are_the_same_only_where_what_they_close_over_is(x, y):
    assert (fingerprint(closing_over(x)) == fingerprint(closing_over(y))) == same(x, y)


@given(plain, plain)
def test_formulas_are_the_same_only_where_the_names_of_their_module_hold_the_same(x, y):
    source = "def f(z):\n    return z * c"
    assert (fingerprint(made(source, c=x)) == fingerprint(made(source, c=y))) == same(x, y)


@given(st.floats(0.5, 2) | st.integers(1, 9), st.floats(0.5, 2) | st.integers(1, 9))
@pytest.mark.parametrize(
    "text",
    [
        "def f(z):\n    return z * {}",
        "f = lambda z, k={}: z * k",
        "f = lambda z, *, k={}: z * k",
        "def helper(z):\n    return z * {}\ndef f(z):\n    return helper(z)",
        "def f(z):\n    def inner(x):\n        return x * {}\n    return inner(z)",
        "def g():\n    def deep(z):\n        return z * {}\n    return lambda z: deep(z)\nf = g()",
        "c = ({}, 3)\ndef f(z):\n    return z * c[0]",
    ],
)
def test_a_number_anywhere_in_a_formula_counts(text, x, y):
    a, b = made(text.format(repr(x))), made(text.format(repr(y)))
    assert (fingerprint(a) == fingerprint(b)) == same(x, y)


def test_operators_functions_and_the_order_of_arguments_count():
    texts = ["z + 1", "z - 1", "1 - z", "np.exp(z)", "np.log(z)", "math.exp(z)", "abs(z)", "max(z, 1)", "min(z, 1)"]
    found = {fingerprint(made(f"def f(z):\n    return {text}", np=np, math=math)) for text in texts}
    assert len(found) == len(texts)
    a, b = (made(f"def f({names}):\n    return a - b") for names in ("a, b", "b, a"))
    assert fingerprint(a) != fingerprint(b)


def test_where_a_text_stands_and_what_its_function_is_called_do_not_count():
    text = "def {}(z):\n    return np.where(z > 0, z, 0.1 * z)"
    moved = "\n\n# further down\n" + text
    assert fingerprint(made(text.format("f"), np=np)) == fingerprint(made(moved.format("g"), "g", np=np))


def test_numbers_of_different_dtypes_differ():
    found = {fingerprint(closing_over(kind(1))) for kind in (int, float, bool, np.float32, np.float64, np.int64)}
    assert len(found) == 6


class Thing:
    factor = 2.0


def _recursive():
    def f(z):
        return f(z - 1) if z > 0 else z

    return f


UNKNOWN = {
    "an array of objects": lambda: closing_over(np.array([1.0, "2"], object)),
    "a list": lambda: closing_over([1.0]),
    "an object": lambda: closing_over(Thing()),
    "a class": lambda: made("def f(z):\n    return z * c.factor", c=Thing),
    "a module of the user's": lambda: made("def f(z):\n    return z * c.k", c=types.ModuleType("user")),
    "itself": _recursive,
    "a function that calls it": lambda: made("def g(z):\n    return f(z)\ndef f(z):\n    return g(z)"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_cannot_be_told_is_said(what):
    with pytest.raises(Unknown):
        fingerprint(UNKNOWN[what]())


@pytest.mark.parametrize(
    "of",
    [
        closing_over,
        lambda c: made("def f(z):\n    return z * c[0]", c=c),
        lambda c: made("f = lambda z, k=c: z * k[0]", c=c),
    ],
    ids=["closure", "module", "default"],
)
def test_arrays_are_told_by_their_content(of):
    array = np.array([1.0, 2.0])
    function = of(array)
    before = fingerprint(function)
    assert before == fingerprint(of(array.copy()))
    assert before != fingerprint(of(array.astype("f4")))
    array[1] = 3.0
    assert before != fingerprint(function)


def test_every_registered_formula_can_be_told():
    """Otherwise its kernels would be compiled again in each process."""
    parts = [ACTIVATIONS.resolve(name) for name in ACTIVATIONS] + [LOSSES.resolve(name) for name in LOSSES]
    optimizers = [OPTIMIZERS.resolve(name) for name in OPTIMIZERS]
    parts += [optimizer.formula for optimizer in optimizers if isinstance(optimizer, ElementwiseOptimizer)]
    texts = [fingerprint(part) for part in parts]
    assert len(parts) > 30
    assert all(texts)


def test_registered_activations_differ():
    records = [ACTIVATIONS.resolve(name) for name in ACTIVATIONS]
    assert len({fingerprint(record) for record in records}) == len(records)
    assert fingerprint(ACTIVATIONS.resolve("elu(0.5)")) != fingerprint(ACTIVATIONS.resolve("elu(0.25)"))
