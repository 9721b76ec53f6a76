"""Small pieces of the sentences that this floor says: names shortened, listed, and the nearest ones suggested.

It knows words only, no tables and no files.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence


def shown(value: object, limit: int = 40) -> str:
    """Return ``repr(value)`` on one line, cut to about `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 2]}…{text[-1]}"


def listed(names: Sequence[str], limit: int = 12) -> str:
    """Return the names in one line, the first `limit` of them and how many more there are."""
    head = ", ".join(shown(name)[1:-1] for name in names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of `known` that look like `name`, whatever their case, best first."""
    folded: dict[str, list[str]] = {}
    for each in known:
        folded.setdefault(each.casefold(), []).append(each)
    if name.casefold() in folded:
        return folded[name.casefold()][:3]
    found = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    return [each for match in found for each in folded[match]][:3]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'a' or 'b'?", or nothing where no name is near."""
    near = nearest(name, known)
    return f" Did you mean {' or '.join(shown(each) for each in near)}?" if near else ""


def it_has(missing: Sequence[str], known: Sequence[str]) -> str:
    """Return " It has a, b, c.", or the names among them that differ from the missing ones in case or blanks only."""
    folded = {name.strip().casefold() for name in missing}
    alike = [name for name in known if name.strip().casefold() in folded]
    if not alike:
        return f" It has {listed(known)}."
    blanks = any(name != name.strip() for name in (*missing, *alike))
    names = ", ".join(name if name == name.strip() else shown(name) for name in alike)
    return f" It has {names}: names must match in upper and lower case{' and in blanks' if blanks else ''}."


def leave_out(column: str) -> str:
    """Return what a person types to leave a column out."""
    return f"leave it out with --ignore {shlex.quote(shown(column, 80)[1:-1])}"


def counted(number: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
