"""What was found, in sentences for a terminal and for the page. It reads records and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from glassnet.insight.blame.records import Blame, Column, Suspect

_SHOWN = 5
_ALONE = (
    ", judged by the fitted network alone, as there is no ledger of the training: what it has learned by heart looks "
    "right to it, so wrong labels are missed."
)
_NO_NUMBER = "How many are wrong cannot be told from this; the first are the most likely."
_NO_GAP = (
    "The scores fall off without a clear gap, so how many are wrong cannot be told; the first are the most likely."
)


def text(found: Blame) -> str:
    """Return everything: suspects in full, and the first few of the other lists."""
    parts = [*sentences(found)]
    for title, rows in sections(found):
        first = rows if rows is found.suspects else rows[:_SHOWN]
        parts += ["", title + (":" if rows else ": none.")]
        parts += [f"  {line}" for each in first for line in _lines(each)]
        if len(first) < len(rows):
            parts.append(f"  and {len(rows) - len(first)} more, on the page and in to_dict().")
    return "\n".join(parts)


def sentences(found: Blame) -> list[str]:
    """Return what was judged and how, what stands out, and what must be known with it."""
    rows = f"{found.rows:,} row{'s' * (found.rows != 1)}"
    over = f"over {found.epochs:,} epoch{'s' * (found.epochs != 1)}"
    lines = [f"{rows} {over}, judged by the ledger of the training."] if found.by_ledger else [f"{rows}{_ALONE}"]
    if found.classes and found.suspects:
        when = "in more than half of the epochs" if found.by_ledger else "now"
        lines.append(f"The network took {found.contradicted:,} of them for another class {when}.")
    if found.caution:
        lines.append(found.caution)
    elif found.probably_wrong is not None:
        many = f"{found.probably_wrong:,} label{'s are' if found.probably_wrong != 1 else ' is'}"
        share = f"{found.separation:.0%} of the scores' variance lies between the two"
        lines.append(f"About {many} probably wrong: their rows stand clearly apart from the others ({share}).")
    elif found.suspects:
        lines.append(_NO_GAP if found.by_ledger and found.classes else _NO_NUMBER)
    return lines


def sections(found: Blame) -> list[tuple[str, Sequence[Suspect]]]:
    """Return the lists: what each is called, and its rows."""
    named = "Suspect labels, the most suspect first" if found.classes else "Targets out of line, the furthest first"
    lists: list[tuple[str, Sequence[Suspect]]] = [(named, found.suspects)]
    hard = "Hard rows that it is right about now" if found.classes else "Other hard rows"
    lists.append((f"{hard}, the largest mean error first", found.hard))
    if found.classes and found.by_ledger:
        lists.append(("Rows learned last", found.learned_last))
        lists.append(("Rows forgotten most often", found.forgotten))
    if found.held_out_rows:
        own = ", counted by themselves" if found.held_out_apart else ""
        named = f"Of {found.held_out_rows:,} held-out rows{own}, contradicted with confidence"
        lists.append((named, found.held_out))
    return lists


def sentence(each: Suspect) -> str:
    """Return a row and its evidence in one sentence."""
    says = f"row {each.row} says {_of(each)}{shown(each.given)}, the network {shown(each.suggested)}"
    return f"{says}: {evidence(each)}"


def evidence(each: Suspect) -> str:
    """Return what speaks against a row, in few numbers."""
    if each.margin is None or each.fitted_margin is None:
        of = "held out, " if each.held_out else ""
        return f"{of}{each.score:.1f} times the median distance"
    if each.wrong is None:
        return f"{'held out, ' * each.held_out}margin {each.fitted_margin:+.2f}"
    now = f"margin {each.margin:+.2f}, now {each.fitted_margin:+.2f}"
    parts = [f"wrong in {each.wrong:,} of {each.epochs:,} epochs", now]
    if each.learned:
        parts.append(f"right from epoch {each.learned} on")
    if each.forgotten:
        parts.append("forgotten once" if each.forgotten == 1 else f"forgotten {each.forgotten} times")
    return ", ".join(parts)


def column_line(column: Column, given: str | float, suggested: str | float) -> str:
    """Return a column that stands out, in a few words."""
    typical = f"rows of {given} have {number(column.given)} on average"
    if column.suggested is None:
        typical = f"on average {number(column.given)}"
    else:
        typical += f", of {suggested} {number(column.suggested)}"
    return f"{column.name} {number(column.value)} ({typical})"


def shown(value: str | float) -> str:
    """Return a class's name, or a number in five digits."""
    return value if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """Return a number in five digits, large ones with all that stand before the point."""
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e12 else f"{value:.5g}"


def _of(each: Suspect) -> str:
    return f"{each.output} " if each.output else ""


def _lines(each: Suspect) -> list[str]:
    lines = [sentence(each)]
    if each.columns:
        lines.append("    " + "; ".join(column_line(column, each.given, each.suggested) for column in each.columns[:2]))
    return lines
