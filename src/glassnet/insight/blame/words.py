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
    """Return everything once: suspects and held-out rows in full, then the first of the other lists not shown yet."""
    parts = [*sentences(found)]
    seen: set[int] = set()
    left: set[int] = set()
    for title, rows, in_full in sections(found):
        if in_full:
            parts += ["", title + (":" if rows else ": none.")]
            parts += [f"  {line}" for each in rows for line in _lines(each)]
            seen |= {each.row for each in rows if not each.held_out}
            continue
        others = [each for each in rows if each.row not in seen]
        if others:
            parts += ["", f"{title}{' (others than above)' * (len(others) < len(rows))}:"]
            parts += [f"  {sentence(each)}" for each in others[:_SHOWN]]
            seen |= {each.row for each in others[:_SHOWN]}
            left |= {each.row for each in others[_SHOWN:]}
    left -= seen
    if left:
        parts += [
            "",
            f"{len(left):,} more of these rows are on the page (--out) and in --json; in Python: html(), to_dict().",
        ]
    return "\n".join(parts)


def sentences(found: Blame) -> list[str]:
    """Return what was judged and how, what stands out, and what must be known with it."""
    rows = f"{found.rows:,} row{'s' * (found.rows != 1)}"
    over = f"over {found.epochs:,} epoch{'s' * (found.epochs != 1)}"
    lines = [f"{rows} {over}, judged by the ledger of the training."] if found.by_ledger else [f"{rows}{_ALONE}"]
    if found.contradicts_none:
        lines.insert(0, _none_contradicted(found))
    elif found.classes and found.suspects:
        when = "in more than half of the epochs" if found.by_ledger else "now"
        lines.append(f"The network took {found.contradicted:,} of them for another class {when}.")
    if found.caution:
        lines.append(found.caution)
    elif found.probably_wrong is not None:
        many = f"{found.probably_wrong:,} label{'s are' if found.probably_wrong != 1 else ' is'}"
        share = f"{found.separation:.0%} of the scores' variance lies between the two"
        lines.append(f"About {many} probably wrong: their rows stand clearly apart from the others ({share}).")
    elif found.suspects and not found.contradicts_none:
        lines.append(_NO_GAP if found.by_ledger and found.classes else _NO_NUMBER)
    return lines


def _none_contradicted(found: Blame) -> str:
    labels = f"these {found.rows:,} labels" if found.rows != 1 else "this label"
    says = (
        f"The network contradicts none of {labels}" if found.rows != 1 else f"The network does not contradict {labels}"
    )
    rows = found.suspects or found.hard
    if rows:
        says += "; the rows below are only those it was least sure of"
    if found.held_out:
        says += f"{', and' if rows else '; below are'} held-out rows that it does contradict"
    return f"{says}."


def sections(found: Blame) -> list[tuple[str, Sequence[Suspect], bool]]:
    """Return the lists: what each is called, its rows, and whether it is told in full."""
    named = "Suspect labels, the most suspect first" if found.classes else "Targets out of line, the furthest first"
    if found.contradicts_none:
        named = "Rows it was least sure of"
    lists: list[tuple[str, Sequence[Suspect], bool]] = []
    if found.suspects or not found.contradicts_none:
        lists.append((named, found.suspects, True))
    if found.held_out_rows:
        own = ", counted by themselves" if found.held_out_apart else ""
        named = f"Of {found.held_out_rows:,} held-out rows{own}, contradicted with confidence"
        if not found.classes:
            named = f"Of {found.held_out_rows:,} held-out rows{own}, those out of line"
        lists.append((named, found.held_out, True))
    hard = "Hard rows that it is right about now" if found.classes else "Other hard rows"
    lists.append((f"{hard}, the largest mean error first", found.hard, False))
    if found.classes and found.by_ledger:
        lists.append(("Rows learned last", found.learned_last, False))
        lists.append(("Rows forgotten most often", found.forgotten, False))
    return lists


def sentence(each: Suspect) -> str:
    """Return a row and its evidence in one sentence."""
    return f"row {each.row} says {_of(each)}{shown(each.given)}, {answer(each)}: {evidence(each)}"


def answer(each: Suspect) -> str:
    """Return what the network says of a row; where it says the same, then what would be next."""
    agrees = each.margin is not None and each.fitted_margin is not None and min(each.margin, each.fitted_margin) > 0
    return f"{'and so does the network; next' if agrees else 'the network'} {shown(each.suggested)}"


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
    if each.columns and not each.held_out:
        lines.append("    " + "; ".join(column_line(column, each.given, each.suggested) for column in each.columns))
    return lines
