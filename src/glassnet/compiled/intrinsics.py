"""The few instructions that Python has no word for: addresses, atomic counters, calls through an address.

Each is a plain Python function that does the same on NumPy arrays, and beside it the machine instruction that takes its
place when compiled. So every kernel also runs with ``NUMBA_DISABLE_JIT=1``, where NumPy checks that it stays inside the
memory.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.compiled.machine_code import JITTED

Numbers = Any
"""A place among numbers: an array in Python, an address when compiled. ``p[i]`` reads and writes in both."""

YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
"""The system's function that gives a core away."""

_lock = threading.Lock()
_functions: list[Callable[..., int]] = []


def instruction(twin: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Make a machine instruction from how it is generated; where nothing is compiled, its twin in Python is taken."""
    return lambda build: intrinsic(build) if JITTED else twin


# --- addresses ---------------------------------------------------------------------------------------------------


def _at_in_python(numbers: Numbers, i: int) -> Numbers:
    """Return the place of number `i`; the numbers from there on are ``at(numbers, i)[0]``, ``[1]``, ..."""
    if i < 0:
        raise IndexError(f"there is no place {i}")
    return numbers[i:]


@instruction(_at_in_python)
def at(context: Any, numbers: Any, i: Any) -> Any:
    if not isinstance(numbers, types.CPointer):
        raise TypeError(f"at() was given {numbers}; expected an address.")

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return numbers(numbers, types.int64), generate


def _record_in_python(records: Any, k: int) -> Any:
    """Return record `k` of a table: its fields are ``record(table, k).field``."""
    return records[k]


@instruction(_record_in_python)
def record(context: Any, records: Any, k: Any) -> Any:
    if not isinstance(records, types.CPointer) or not isinstance(records.dtype, types.Record):
        raise TypeError(f"record() was given {records}; expected the address of records.")

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return records.dtype(records, types.int64), generate


def _fetch_soon_in_python(numbers: Numbers) -> int:
    """Bring the numbers at a place near, as they will be written soon; nothing waits for them."""
    return 0


@instruction(_fetch_soon_in_python)
def fetch_soon(context: Any, numbers: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        i32, place = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [place, i32, i32, i32])
        for_writing, near, data = ir.Constant(i32, 1), ir.Constant(i32, 2), ir.Constant(i32, 1)
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(prefetch, [builder.bitcast(args[0], place), for_writing, near, data])
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(numbers), generate


# --- counters that several threads share -------------------------------------------------------------------------


def _add_and_get_in_python(counters: Numbers, i: int, amount: int) -> int:
    """Add to a counter and return its new value, as one act that no other thread can cut in two."""
    with _lock:
        counters[i] += amount
        return int(counters[i])


@instruction(_add_and_get_in_python)
def add_and_get(context: Any, counters: Any, i: Any, amount: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        before = builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "acq_rel")
        return builder.add(before, args[2])

    return types.int64(counters, types.int64, types.int64), generate


def _look_in_python(counters: Numbers, i: int) -> int:
    """Return a counter's value as the other threads left it."""
    return int(counters[i])


@instruction(_look_in_python)
def look(context: Any, counters: Any, i: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "acquire", 8)

    return types.int64(counters, types.int64), generate


def _give_way_in_python() -> int:
    """Let another thread have the core."""
    time.sleep(0)
    return 0


@instruction(_give_way_in_python)
def give_way(context: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, YIELD), [])
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(), generate


# --- formulas, called through their address ----------------------------------------------------------------------


def handle(function: Callable[..., int]) -> int:
    """Return the number under which `call` finds a Python function, where nothing is compiled."""
    _functions.append(function)
    return len(_functions) - 1


def called(number: int) -> Callable[..., int]:
    """Return the Python function that has a handle."""
    return _functions[number]


def _call_in_python(address: int, args: tuple[Any, ...]) -> int:
    """Call the formula at an address with places and whole numbers; it returns a whole number."""
    return int(_functions[address](*args))


@instruction(_call_in_python)
def call(context: Any, address: Any, args: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = cgutils.unpack_tuple(builder, args[1])
        i64 = ir.IntType(64)
        kind = ir.FunctionType(i64, [value.type for value in values])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), values)

    return types.int64(types.int64, args), generate
