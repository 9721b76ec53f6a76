"""What a formula computes, as text: its bytecode with all it refers to. Two that differ have different texts."""

from __future__ import annotations

import math
import types
from typing import Any

import numpy as np

from glassnet.maths import functions
from glassnet.maths.activation import Activation, RowActivation
from glassnet.maths.loss import ElementwiseLoss, RowLoss, ShortForm


class Unknown(Exception):
    """Something whose content cannot be told, such as an array or an object of the user's."""


def fingerprint(part: Any, inside: tuple[Any, ...] = ()) -> str:
    """Return a text that is the same for formulas that compute the same by the same instructions.

    Raises
    ------
    Unknown
        If a formula refers to something whose content cannot be told.
    """
    if any(part is function for function in inside):
        raise Unknown(f"{part.__qualname__} calls itself")
    if part is functions.erf:  # compiled code has one of its own
        return "erf"
    match part:
        case None | bool() | int() | float() | str() | bytes() | np.generic():
            return repr(part)
        case tuple():
            return f"({', '.join(fingerprint(value, inside) for value in part)})"
        case types.ModuleType() if part in (np, math):
            return part.__name__
        case types.BuiltinFunctionType():
            return f"{part.__module__}.{part.__name__}"
        case np.ufunc() if vars(np).get(getattr(part, "__name__", "")) is part:
            return f"numpy.{part!r}"
        case np.ndarray() if part.dtype.kind in "biuf":
            return repr((part.dtype.str, part.shape, part.tobytes()))
        case types.CodeType():
            constants = [fingerprint(value, inside) for value in part.co_consts]
            return repr((part.co_code, constants, part.co_names, part.co_varnames, part.co_freevars))
        case types.FunctionType():
            return _of_function(part, (*inside, part))
        case Activation():
            return fingerprint((part.value, part.slope))
        case RowActivation():
            return fingerprint((part.value, part.row_pullback))
        case ShortForm():
            return fingerprint((part.blame, part.term, part.row_value))
        case ElementwiseLoss():
            return fingerprint((part.term, part.term_slope, part.mean_over_outputs))
        case RowLoss():
            return fingerprint((part.row_value, part.row_slope))
    if isinstance(getattr(part, "py_func", None), types.FunctionType):  # compiled by the user's own decorator
        return fingerprint(part.py_func, inside)
    raise Unknown(f"{type(part).__name__}")


def _of_function(function: types.FunctionType, inside: tuple[Any, ...]) -> str:
    code = function.__code__
    referred = {name: function.__globals__[name] for name in _names(code) if name in function.__globals__}
    try:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a cell without content yet
        raise Unknown(function.__qualname__) from None
    referred |= dict(zip(code.co_freevars, cells, strict=True))
    values = sorted((name, fingerprint(value, inside)) for name, value in referred.items())
    defaults = fingerprint((function.__defaults__, *sorted((function.__kwdefaults__ or {}).items())), inside)
    return repr((fingerprint(code, inside), values, defaults))


def _names(code: types.CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(_names, inner))
