"""Every kernel: which Python function it is made from, and what it is called with.

An address of numbers is written "x", of int64 "i", of float64 "d", a whole number "n"; tables by their own names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.compiled import evaluation, formulas, population, products, small, steps
from glassnet.compiled.decorator import compiled
from glassnet.compiled.records import Job, Rows

Function = Callable[..., Any]

JOB = ("run", "stages", "pieces", "masks", "groups", "x", "x", "i", "x", "x", "i")


def _with_job(function: Function, before: str, after: str) -> tuple[Function, tuple[str, ...]]:
    """Return a function that takes the parts of a job one by one, since C knows no named tuple."""
    b, a = [f"b{i}" for i in range(len(before))], [f"a{i}" for i in range(len(after))]
    j = [f"j{i}" for i in range(len(JOB))]
    job = f"Job({', '.join(j[:6])}, Rows({', '.join(j[6:])}))"
    names = {"function": function if hasattr(function, "py_func") else compiled(function), "Job": Job, "Rows": Rows}
    source = f"def entry({', '.join(b + j + a)}):\n    return function({', '.join([*b, job, *a])})"
    exec(source, names)
    entry: Function = names["entry"]
    return entry, (*before, *JOB, *after)


def _plain(function: Function) -> Function:
    """Return the Python function that a compiled one was made from."""
    plain: Function = getattr(function, "py_func", function)
    return plain


def take_steps() -> tuple[Function, tuple[str, ...]]:
    """Return the worker that trains."""
    return _with_job(steps.take_steps, "nnn", "iidxddxi")


def take_small_steps(*parts: Any) -> tuple[Function, tuple[str, ...]]:
    """Return the worker that trains a network of certain sizes, all of them small."""
    return _with_job(small.take_small_steps(*parts), "nnn", "iidxddxi")


def pass_rows() -> tuple[Function, tuple[str, ...]]:
    """Return the worker that takes rows forward and their blame backward, each by itself."""
    return _with_job(steps.pass_rows, "nnn", "nii")


def predict_rows() -> tuple[Function, tuple[str, ...]]:
    """Return the worker that predicts."""
    return _with_job(evaluation.predict_rows, "nnn", "xxi")


def errors_of_population() -> tuple[Function, tuple[str, ...]]:
    """Return the worker that judges many θ."""
    return _with_job(evaluation.errors_of_population, "nnn", "ndi")


def errors_of_small_population() -> tuple[Function, tuple[str, ...]]:
    """Return the worker that judges many θ of a small network."""
    letters = ("n", "n", "n", "stages", "n", "x", "n", "n", "x", "x", "x", "x", "n", "n", "n", "n", "n", "d", "i")
    return _plain(population.errors_of_population), letters


def loss_of_one(record: Any, short: Any) -> tuple[Function, tuple[str, ...]]:
    """Return the errors of rows of one output."""
    return formulas.loss_of_one(record, short), ("x", "x", "x", "x", "n")


def product() -> tuple[Function, tuple[str, ...]]:
    """Return C = A B."""
    return _plain(products.product), tuple("nnnxnnxnnxnxnnn")


def value(record: Any) -> tuple[Function, tuple[str, ...]]:
    """Return a = g(z)."""
    return formulas.value(record), ("x", "x", "n")


def value_and_slope(record: Any) -> tuple[Function, tuple[str, ...]]:
    """Return a = g(z) and its slope."""
    return formulas.value_and_slope(record), ("x", "x", "n")


def pullback(record: Any) -> tuple[Function, tuple[str, ...]]:
    """Return ∂E/∂z from ∂E/∂a."""
    return formulas.pullback(record), ("x", "x", "n")


def loss(record: Any, short: Any) -> tuple[Function, tuple[str, ...]]:
    """Return the errors of rows and their blame."""
    return formulas.loss(record, short), tuple("xnxnxxxnn")


def move(formula: Any, slots: int, coefficients: int) -> tuple[Function, tuple[str, ...]]:
    """Return an optimizer's step."""
    return formulas.move(formula, slots, coefficients), ("x", "x", "x", "x", "n", "x", "n")
