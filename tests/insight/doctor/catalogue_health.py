"""The list of healthy cases, and how one is entered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from catalogue_case import Case, Proof, Setting
from catalogue_facts import healthy

HEALTHY: list[Case] = []


def fine(
    *,
    may: Iterable[str] = (),
    never: Iterable[str] = (),
    hides: Iterable[str] = (),
    proof: Proof | None = None,
    why: str = "",
) -> Callable[[Callable[[int], Setting]], Callable[[int], Setting]]:
    """Enter a set-up into the list of healthy ones."""

    def enter(make: Callable[[int], Setting]) -> Callable[[int], Setting]:
        HEALTHY.append(
            Case(
                make.__name__,
                make,
                (),
                frozenset(may),
                frozenset(never),
                proof or healthy(),
                frozenset(hides),
                why,
            )
        )
        return make

    return enter
