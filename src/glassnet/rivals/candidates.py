"""How many θ to ask about at once: enough to keep the cores busy, no more than memory, patience and budget allow.

Shared by the rivals that try many θ. Knows the arena's sizes only.
"""

from __future__ import annotations

import math

from glassnet.rivals.arena import Arena

_NUMBERS = 2**24
"""Numbers of a stack of θ that fit well in memory: 128 MiB of float64."""
_PRODUCTS = 2**30
"""Products of one question, about a second's work; a clock is only read between questions."""


def at_once(arena: Arena, wanted: int) -> int:
    """Return how many θ of `wanted` to try in one question, so that it fits in memory, a second and the budget."""
    products = max(1, arena.size * arena.rows)
    return max(1, min(wanted, _NUMBERS // max(1, arena.size), _PRODUCTS // products, _affordable(arena)))


def population(arena: Arena, wanted: int, *, generations: int = 30, least: int = 8) -> int:
    """Return how many θ a generation has: as many as wanted, or so few that the budget holds some generations."""
    most = _affordable(arena)
    return max(least, min(wanted, _NUMBERS // max(1, arena.size), most // generations))


def _affordable(arena: Arena) -> int:
    """Return how many θ on all rows the evaluations that are left pay for."""
    return 2**62 if math.isinf(arena.left) else int(arena.left) // max(1, arena.rows)
