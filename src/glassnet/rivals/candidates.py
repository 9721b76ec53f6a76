"""How many θ to ask about at once: enough to keep the cores busy, no more than memory, patience and budget allow.

Shared by the rivals that try many θ. Knows the arena's sizes only.
"""

from __future__ import annotations

import math

from glassnet.rivals.arena import Arena

_NUMBERS = 2**24
"""Numbers of a stack of θ that fit well in memory: 128 MiB of float64."""
_PRODUCTS = 2**30
"""Products of one question, about a second's work, so that whoever watches sees something."""
_PARTS = 4
"""A question takes at most this part of the time left: time that ends within a question leaves no answer."""


def at_once(arena: Arena, wanted: int) -> int:
    """Return how many θ of `wanted` to try in one question, so that it fits in memory, a second and the budget."""
    products = max(1, arena.size * arena.rows)
    most = min(
        wanted, _NUMBERS // max(1, arena.size), _PRODUCTS // products, _by_count(arena), _by_clock(arena, _PARTS)
    )
    return max(1, most)


def population(arena: Arena, wanted: int, *, generations: int = 30, least: int = 8) -> int:
    """Return how many θ a generation has: as many as wanted, or so few that the budget holds some generations."""
    most = min(_by_count(arena) // generations, _by_clock(arena, generations))
    return max(least, min(wanted, _NUMBERS // max(1, arena.size), most))


def _by_count(arena: Arena) -> int:
    """Return how many θ on all rows the evaluations that are left pay for."""
    return 2**62 if math.isinf(arena.left) else int(arena.left) // max(1, arena.rows)


def _by_clock(arena: Arena, parts: int) -> int:
    """Return how many θ on all rows one of so many parts of the time that is left pays for."""
    return int(min(2.0**62, arena.affordable / parts))
