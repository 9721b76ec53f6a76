"""Where threads meet: a barrier made of one counter.

A wait spins for some microseconds, then gives the core away between looks, so that more threads than cores still
finish. Whoever finds `ABORTED` set leaves at once.
"""

from __future__ import annotations

from typing import Any

from glassnet.compiled.decorator import compiled
from glassnet.compiled.intrinsics import add_and_get, give_way, look
from glassnet.compiled.records import ABORTED, ARRIVED

_SPINS = 4000


@compiled
def meet(counters: Any, threads: int, meeting: int) -> int:
    """Wait until all threads have come to this meeting, the first of which is 1; return 0, or 1 to leave at once."""
    if threads == 1:
        return look(counters, ABORTED)
    due = threads * meeting
    arrived = add_and_get(counters, ARRIVED, 1)
    spins = 0
    while arrived < due:
        if look(counters, ABORTED) != 0:
            return 1
        spins += 1
        if spins > _SPINS:
            give_way()
        arrived = look(counters, ARRIVED)
    return look(counters, ABORTED)
