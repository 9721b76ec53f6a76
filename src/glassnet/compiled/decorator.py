"""One decorator for every compiled function, so that its flags stand in one place.

``contract`` lets a product and a sum become one instruction. Nothing else of fast-math is allowed: a NaN must be seen,
and a sum must keep its order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

INNER: dict[str, Any] = FLAGS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Of functions that only compiled code calls."""


def compiled(function: Function) -> Function:
    """Compile a function when it is first called from compiled code; plain Python with ``NUMBA_DISABLE_JIT=1``."""
    result: Function = numba.njit(**INNER)(function)
    return result


def compiled_sum(function: Function) -> Function:
    """Compile a function whose sums may run in several lanes at once, in an order that is fixed when it is compiled."""
    result: Function = numba.njit(**INNER | {"fastmath": {"contract", "reassoc"}})(function)
    return result
