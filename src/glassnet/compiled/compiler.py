"""The only room that starts the compiler: from a kernel to its machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from numba import types

from glassnet.compiled import kernels
from glassnet.compiled.decorator import FLAGS
from glassnet.compiled.intrinsics import YIELD, handle
from glassnet.compiled.machine_code import Kernel, NotCompilable, provide
from glassnet.compiled.records import GROUP, MASK, PIECE, RUN, STAGE

_TABLES = {"run": RUN, "stages": STAGE, "pieces": PIECE, "masks": MASK, "groups": GROUP}
_kept: list[Any] = []


def _made(kernel: Kernel) -> tuple[Callable[..., Any], tuple[str, ...]]:
    make: Callable[..., tuple[Callable[..., Any], tuple[str, ...]]] = getattr(kernels, kernel.name)
    return make(*kernel.parts)


def as_python(kernel: Kernel) -> int:
    """Return the handle of the kernel as a Python function."""
    return handle(_made(kernel)[0])


def compile_kernel(kernel: Kernel, name: str) -> tuple[str, list[str], bytes, int]:
    """Return a kernel's symbol, the functions of others that it calls, its object file, and its address here.

    Raises
    ------
    NotCompilable
        If Numba refuses a formula.
    """
    try:
        function, letters = _made(kernel)
    except TypeError as error:
        raise NotCompilable(_in_words(kernel, error)) from error
    number = getattr(types, kernel.dtype)
    plain = {"x": types.CPointer(number), "i": types.CPointer(types.int64), "d": types.CPointer(types.float64)}
    tables = {letter: types.CPointer(numba.from_dtype(table)) for letter, table in _TABLES.items()}
    kinds = plain | tables | {"n": types.int64}
    signature = types.int64(*(kinds[letter] for letter in letters))
    function.__name__ = function.__qualname__ = name.replace("-", "_")  # no two kernels share a symbol
    provide([YIELD])
    slp = numba.config.SLP_VECTORIZE
    try:
        # steps of a network's very sizes have no loops left: vectors must be found among single instructions
        numba.config.SLP_VECTORIZE = int(kernel.name == "take_small_steps")
        made = numba.cfunc(signature, **FLAGS)(function)
    except Exception as error:  # Numba's own errors, and whatever its passes stumble over
        if not kernel.parts:
            raise  # no formula is to blame
        raise NotCompilable(_in_words(kernel, error)) from error
    finally:
        numba.config.SLP_VECTORIZE = slp
    _kept.append(made)  # its machine code lives as long as it
    _, _, (code, bitcode) = made._library.serialize_using_object_code()
    called = [f.name for f in llvm.parse_bitcode(bitcode).functions if f.is_declaration]
    return made.native_name, [f for f in called if not f.startswith("llvm.")], code, made.address


def _in_words(kernel: Kernel, error: Exception) -> str:
    named = next((part for part in kernel.parts if hasattr(part, "name")), None)
    what = kernel.name if named is None else f"{type(named).__name__} {named.name!r}"
    lines = [line.strip() for line in str(error).splitlines()]
    reason = next((line for line in lines if line and not line.startswith("Failed in nopython mode")), "")
    return f"{what} cannot be compiled ({reason[:120].rstrip('. ')})."
