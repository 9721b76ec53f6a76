"""One thread for NumPy's matrix products while the reference engine trains.

The bits then do not depend on how many cores there are, and at these sizes it costs nothing: the figures stand in
`docs/decisions/0005-run-folder.md`. The limit holds for the whole process, and OpenBLAS gives it back only to the
thread that set it. So of trainings that overlap in several threads the first one sets it and gives it back when it
ends; the others go on with what they find.
"""

from __future__ import annotations

import threading
from typing import Any, Self, final


@final
class OneBlasThread:
    """A context in which matrix products keep to one thread."""

    _lock = threading.Lock()
    _is_set = False

    def __init__(self) -> None:
        self._limits: Any = None

    def __enter__(self) -> Self:
        from threadpoolctl import threadpool_limits

        with OneBlasThread._lock:
            if not OneBlasThread._is_set:
                self._limits, OneBlasThread._is_set = threadpool_limits(1, user_api="blas"), True
        return self

    def __exit__(self, *_: object) -> None:
        with OneBlasThread._lock:
            if self._limits is not None:
                self._limits.restore_original_limits()
                OneBlasThread._is_set = False
