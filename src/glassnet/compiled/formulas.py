"""The records' formulas as compiled loops: the same text that NumPy reads, taken one number at a time.

Inside a formula `np` stands for the functions of `vectormath`, every number gets the dtype of the arguments, and the
functions it calls are compiled the same way. A formula of whole rows is compiled for one row; the library's own have a
loop of their own in `row_formulas`, which needs no memory in between.
"""

from __future__ import annotations

import functools
import types as python_types
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.core import ir
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.errors import NumbaError
from numba.core.ir_utils import find_const, guard
from numba.core.untyped_passes import IRProcessing

from glassnet.compiled import row_formulas, vectormath
from glassnet.compiled.decorator import INNER, compiled
from glassnet.compiled.intrinsics import at
from glassnet.compiled.machine_code import JITTED
from glassnet.maths import functions
from glassnet.maths.activation import Activation, RowActivation
from glassnet.maths.loss import ElementwiseLoss, Loss, RowLoss, ShortForm

Function = Callable[..., Any]


# --- one formula -------------------------------------------------------------------------------------------------


@functools.cache
def _numpy_of_formulas() -> Any:
    """Return what `np` means inside a formula: NumPy, but for the functions that LLVM can turn into vectors."""
    names = "exp expm1 log log1p tanh sinh where maximum minimum abs absolute sign sqrt"
    module = python_types.ModuleType("numpy_of_formulas")
    vars(module).update(vars(np) | {name: getattr(vectormath, name) for name in names.split()})
    vars(module).update({name: formula(function) for name, function in _MORE.items()})
    return module


_MORE: dict[str, Function] = {
    "ones_like": lambda z: np.where(z == z, 1, 1),
    "zeros_like": lambda z: np.where(z == z, 0, 0),
    "clip": lambda z, a_min, a_max: np.minimum(np.maximum(z, a_min), a_max),
    "heaviside": lambda z, at_0: np.where(z == 0, at_0, np.where(z > 0, 1, 0)),
    "square": lambda z: z * z,
}


@register_pass(mutates_CFG=False, analysis_only=False)
class _OneDtype(FunctionPass):  # type: ignore[misc]
    """Give every number in a formula the dtype of its arguments, and every function a compiled form."""

    _name = "glassnet_one_dtype"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        by_rows = isinstance(state.args[0], numba.types.Array)
        number = (state.args[0].dtype if by_rows else state.args[0]).name
        to_dtype = getattr(np, number)
        expressions = [e for block in state.func_ir.blocks.values() for e in block.find_exprs()]
        places = {e.index.name for e in expressions if e.op == "getitem"}
        for block in state.func_ir.blocks.values():
            if any(block.find_insts(ir.Raise)):
                raise NumbaError("it raises an error, which machine code cannot report")
            for assign in block.find_insts(ir.Assign):
                value = assign.value
                if assign.target.name in places:
                    continue
                if isinstance(value, ir.Const | ir.Global | ir.FreeVar):
                    value.value = _as_compiled(value.value, to_dtype, by_rows)
                if by_rows and isinstance(value, ir.Expr) and value.op == "call":
                    _drop_axis(value, state.func_ir)
        return True


def _drop_axis(call: Any, func_ir: Any) -> None:
    """Turn ``x.sum(axis=-1, keepdims=True)``, and the like, into ``x.sum()``: one row has no other axis."""
    function = func_ir.get_definition(call.func)
    if not isinstance(function, ir.Expr) or function.op != "getattr":
        return
    if function.attr not in ("sum", "max", "min", "mean", "prod"):
        return
    owner = func_ir.get_definition(function.value)
    of_numpy = isinstance(owner, ir.Global | ir.FreeVar) and owner.value is np
    array, others = call.args[: 1 if of_numpy else 0], call.args[1 if of_numpy else 0 :]
    given = dict(call.kws) | dict(zip(("axis",), others, strict=False))
    if len(others) > 1 or not given.keys() <= {"axis", "keepdims"}:
        raise NumbaError(f"{function.attr}() by rows takes axis=-1 and keepdims, and nothing else")
    if "axis" in given and guard(find_const, func_ir, given["axis"]) not in (-1, 1):
        raise NumbaError(f"{function.attr}() by rows takes axis=-1 alone")
    call.args, call.kws = array, ()


class _FormulaCompiler(CompilerBase):  # type: ignore[misc]
    def define_pipelines(self) -> list[Any]:
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.add_pass_after(_OneDtype, IRProcessing)
        pipeline.finalize()
        return [pipeline]


def _as_compiled(value: Any, to_dtype: type, by_rows: bool) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return to_dtype(value)
    if value is np and not by_rows:
        return _numpy_of_formulas()
    if value is functions.erf and not by_rows:
        return vectormath.erf
    if isinstance(value, python_types.FunctionType) and value not in vars(vectormath).values():
        return formula(value, by_rows)
    return value


def formula(function: Function, by_rows: bool = False) -> Function:
    """Return a formula as compiled code can call it, with numbers or with whole rows."""
    if not JITTED:
        return function
    if isinstance(function, np.ufunc):
        ufunc = getattr(_numpy_of_formulas(), function.__name__, None)
        if getattr(np, function.__name__, None) is not function or ufunc is None:
            raise TypeError(f"it is the ufunc {function.__name__}, of which there is no compiled form")
        function = (lambda z: ufunc(z)) if function.nin == 1 else (lambda z, a: ufunc(z, a))
    if not isinstance(function, python_types.FunctionType):
        raise TypeError(f"it is made of a {type(function).__name__}, not of a function")
    # by rows: what would fuse expressions of arrays stumbles over numbers of a given dtype
    options = {"no_rewrites": True} if by_rows else {"forceinline": True}
    result: Function = numba.njit(function, pipeline_class=_FormulaCompiler, **INNER, **options)
    return result


@compiled
def _not_finite(x: Any) -> Any:
    return np.int32(x - x != 0)


# --- activations -------------------------------------------------------------------------------------------------


def value(record: Activation | RowActivation) -> Function:
    """Return ``(z, a, n)``: a = g(z); it says whether some z is not finite."""
    if isinstance(record, RowActivation):
        g = row_formulas.row_value(record.value)

        def row_value(z: Any, a: Any, n: int) -> int:
            g(z, a, n)
            bad = np.int32(0)
            for i in range(n):
                bad |= _not_finite(z[i])
            return int(bad)

        return row_value
    g = formula(record.value)

    def value(z: Any, a: Any, n: int) -> int:
        bad = np.int32(0)
        for i in range(n):
            bad |= _not_finite(z[i])
            a[i] = g(z[i])
        return int(bad)

    return value


def value_and_slope(record: Activation) -> Function:
    """Return ``(z, a, n)``: a = g(z), and z becomes g′(z); what both need is computed once."""
    g, slope = formula(record.value), formula(record.slope)

    def value_and_slope(z: Any, a: Any, n: int) -> int:
        bad = np.int32(0)
        for i in range(n):
            bad |= _not_finite(z[i])
            result = g(z[i])
            a[i] = result
            z[i] = slope(z[i], result)
        return int(bad)

    return value_and_slope


def pullback(record: RowActivation) -> Function:
    """Return ``(z, d, n)``: d = ∂E/∂a becomes ∂E/∂z."""
    pull = row_formulas.row_pullback(record.value, record.row_pullback)

    def pullback(z: Any, d: Any, n: int) -> int:
        pull(z, d, n)
        return 0

    return pullback


# --- losses ------------------------------------------------------------------------------------------------------


def loss(record: Loss, short: ShortForm | None) -> Function:
    """Return ``(d, d_row, a, a_row, y, c, errors, rows, n)``: the error of each row, and blame.

    With a short form, d is z and becomes δ = c·blame(a, y); without, d is the slope so far and is multiplied by
    c·∂E/∂a.
    """
    one_row = _short_loss(short) if short is not None else _long_loss(record)

    def loss(d: Any, d_row: int, a: Any, a_row: int, y: Any, c: Any, errors: Any, rows: int, n: int) -> int:
        for i in range(rows):
            errors[i] = one_row(at(d, i * d_row), at(a, i * a_row), at(y, i * n), c[i], n)
        return 0

    return loss


def _long_loss(record: Loss) -> Function:
    if isinstance(record, RowLoss):
        row_error = row_formulas.row_error(record.row_value)
        row_slope = row_formulas.row_slope(record.row_slope)

        @compiled
        def row_loss(d: Any, a: Any, y: Any, c: float, n: int) -> float:
            error = row_error(a, y, n)
            row_slope(a, y, d, c, n)
            return error

        return row_loss
    assert isinstance(record, ElementwiseLoss)
    term, term_slope, mean = formula(record.term), formula(record.term_slope), record.mean_over_outputs

    @compiled
    def elementwise_loss(d: Any, a: Any, y: Any, c: float, n: int) -> float:
        total, outputs = 0.0, n if mean else 1
        for j in range(n):
            total += term(a[j], y[j])
            d[j] *= c * (term_slope(a[j], y[j]) / outputs)
        return total / outputs

    return elementwise_loss


def _short_loss(short: ShortForm) -> Function:
    blame = formula(short.blame)
    if short.term is not None:
        term = formula(short.term)

        @compiled
        def short_loss(d: Any, a: Any, y: Any, c: float, n: int) -> float:
            total = 0.0
            for j in range(n):
                total += term(d[j], y[j])
                d[j] = c * blame(a[j], y[j])
            return total

        return short_loss
    assert short.row_value is not None
    row_error = row_formulas.row_error(short.row_value)

    @compiled
    def short_loss_of_rows(d: Any, a: Any, y: Any, c: float, n: int) -> float:
        error = row_error(d, y, n)
        for j in range(n):
            d[j] = c * blame(a[j], y[j])
        return error

    return short_loss_of_rows


def loss_of_one(record: ElementwiseLoss, short: ShortForm | None) -> Function:
    """Return ``(z, a, y, errors, n)``: the errors of n rows that have one output each."""
    if short is not None:
        term_of_z = formula(short.term)  # type: ignore[arg-type]

        def short_loss_of_one(z: Any, a: Any, y: Any, errors: Any, n: int) -> int:
            for i in range(n):
                errors[i] = term_of_z(z[i], y[i])
            return 0

        return short_loss_of_one
    term = formula(record.term)

    def loss_of_one(z: Any, a: Any, y: Any, errors: Any, n: int) -> int:
        for i in range(n):
            errors[i] = term(a[i], y[i])
        return 0

    return loss_of_one


# --- optimizers --------------------------------------------------------------------------------------------------

# Numba has no f(*args) for places, so the text has as many slots and coefficients as the formula
_MOVE = """
def move(theta, theta_next, gradient, slots, stride, coefficients, n):
    {read_coefficients}
    {read_slots}
    bad = int32(0)
    for i in range(n):
        moved = formula({arguments})
        theta_next[i] = moved[0]
        {write_slots}
        bad |= not_finite(moved[0])
    return int(bad)
"""


def move(step: Function, memories: int, coefficients: int) -> Function:
    """Return ``(θ, next θ, gradient, slots, distance from slot to slot, coefficients, n)``: one step of n parameters.

    Parameters
    ----------
    step : callable
        An optimizer's formula, ``(theta, gradient, *slots, *coefficients) -> (theta, *slots)``.
    memories, coefficients : int
        How many slots and coefficients it has.
    """
    slots = range(memories)
    c = [f"c{j}" for j in range(coefficients)]
    source = _MOVE.format(
        read_coefficients="; ".join(f"{name} = coefficients[{j}]" for j, name in enumerate(c)) or "pass",
        read_slots="; ".join(f"s{k} = at(slots, {k} * stride)" for k in slots) or "pass",
        arguments=", ".join(["theta[i]", "gradient[i]", *(f"s{k}[i]" for k in slots), *c]),
        write_slots="; ".join(f"s{k}[i] = moved[{k + 1}]" for k in slots) or "pass",
    )
    names: dict[str, Any] = {"at": at, "int32": np.int32, "not_finite": _not_finite, "formula": formula(step)}
    exec(source, names)
    result: Function = names["move"]
    return result
