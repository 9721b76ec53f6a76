"""What a race says in words: a table, and a conclusion that is drawn from its numbers and from nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from glassnet.racing.records import Cost, Entry, Race, Run

REFERENCE = "backprop"

_ENDS = {
    "evaluations": "budget of evaluations spent",
    "time": "time over",
    "done": "ended by itself",
    "not finite": "ran off to infinity",
    "interrupted": "interrupted",
}


def text(race: Race) -> str:
    """Return the table and the conclusion as lines of plain text."""
    parts = [lead(race), table(race), "\n".join(conclusions(race))]
    left = left_out(race)
    if left:
        parts.append("\n".join(["Left out:", *(f"  {line}" for line in left)]))
    said = cautions(race)
    if said:
        parts.append("\n".join(said))
    if race.cost is not None:
        parts.append("\n".join(cost_sentences(race.cost)))
    return "\n\n".join(part for part in parts if part)


def lead(race: Race) -> str:
    """Return what was raced: rows, network, budget, starts."""
    title = f"{race.title}: " if race.title else ""
    rows = f"{race.rows:,} row{'s' if race.rows > 1 else ''} to train on"
    held_out = f", {race.held_out_rows:,} held out" if race.held_out_rows else ""
    units = " → ".join(f"{n:,}" for n in race.units)
    starts = len(race.seeds)
    what = f"{title}{rows}{held_out}; network {units}, {race.parameters:,} weights and biases, loss {race.loss}."
    how = f"Each method had {budget(race)} from {'one start' if starts == 1 else f'each of {starts} starts'}."
    judged = "" if race.judged_rows == race.rows else f" Curves are taken on {race.judged_rows:,} of the training rows."
    stopped = " The race was interrupted; what follows is what had been run." if race.interrupted else ""
    return f"{what} {how}{judged}{stopped}"


def budget(race: Race) -> str:
    """Return the budget of a run in words."""
    parts = []
    if race.evaluations is not None:
        parts.append(f"{count(race.evaluations)} evaluations (a network on a row; forward and backward is three)")
    if race.seconds is not None:
        parts.append(duration(race.seconds))
    return " and at most ".join(parts)


def columns(race: Race) -> list[str]:
    """Return the heads of the table."""
    heads = ["method", "error"]
    if race.held_out_rows:
        heads.append("held-out error")
    if has_accuracy(race):
        heads.append("held-out accuracy" if race.held_out_rows else "accuracy")
    return [*heads, "evaluations", "steps", "seconds", "angle"]


def row(race: Race, entry: Entry) -> list[str]:
    """Return a method's line of the table: medians over the starts."""
    cells = [entry.title, figure(entry.median("error"))]
    if race.held_out_rows:
        cells.append(figure(entry.median("held_out_error")))
    if has_accuracy(race):
        accuracy = entry.median("held_out_accuracy" if race.held_out_rows else "accuracy")
        cells.append("" if math.isnan(accuracy) else f"{accuracy:.1%}")
    angle = entry.angle()
    cells += [count(entry.median("evaluations")), count(entry.median("steps")), f"{entry.median('seconds'):.3g}"]
    return [*cells, "" if math.isnan(angle) else f"{angle:.0f}°"]


def has_accuracy(race: Race) -> bool:
    """Whether rows have classes to be right about."""
    return any(run.accuracy is not None for entry in race.entries for run in entry.runs)


def table(race: Race) -> str:
    """Return the methods from the best to the worst, with what each achieved in the median."""
    ranked = race.ranked()
    if not ranked:
        return "No method has run."
    rows = [columns(race), *(row(race, entry) for entry in ranked)]
    widths = [max(len(line[i]) for line in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join([r[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(r[1:], widths[1:], strict=True))]) for r in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


# --- conclusions -------------------------------------------------------------------------------------------------


def conclusions(race: Race) -> list[str]:
    """Return what these numbers say, as sentences."""
    stuck = [entry for entry in race.ranked() if entry.median("steps") == 0]
    ranked = [entry for entry in race.ranked() if entry not in stuck]
    too_small = [f"The budget was too small for a single step of {listed(stuck)}."] if stuck else []
    if len(ranked) < 2:
        return too_small
    said = [_who_won(race, ranked)]
    ours = next((entry for entry in ranked if entry.name == REFERENCE), None)
    if ours is not None:
        said += _how_much_dearer(ours, [entry for entry in ranked if entry is not ours])
    said += [*too_small, *_angles(ranked), *_ends(ranked)]
    if race.seconds is not None:
        said.append("With a budget of time, figures differ from run to run; against evaluations the curves do not.")
    return said


def _who_won(race: Race, ranked: list[Entry]) -> str:
    where = "on the held-out rows" if race.held_out_rows else "on its training rows"
    best, second = ranked[0], ranked[1]
    a, b = (reading(race, entry.median(race.yardstick)) for entry in (best, second))
    if a == b:
        alike = [entry for entry in ranked if reading(race, entry.median(race.yardstick)) == a]
        return f"Ahead, and alike with {a} {where}: {listed(alike)}."
    said = f"{best.title} ended best, with {a} {where}; next came {mid(second.title)} with {b}."
    if len(race.seeds) == 1:
        return f"{said} There was one start, so nothing is said of chance."
    low, high = _spread(best, race.yardstick), _spread(second, race.yardstick)
    apart = low[0] > high[1] if race.score == "accuracy" else low[1] < high[0]
    return said if apart else f"{said} Their ranges over the starts overlap, so this order could be chance."


def reading(race: Race, value: float) -> str:
    """Return what a method is ranked by as it stands in a sentence."""
    return f"an accuracy of {value:.1%}" if race.score == "accuracy" else f"an error of {figure(value)}"


def _spread(entry: Entry, name: str) -> tuple[float, float]:
    values = [getattr(run, name) for run in entry.runs]
    return min(values), max(values)


def _how_much_dearer(ours: Entry, others: list[Entry]) -> list[str]:
    """Say how many evaluations the others took, over backpropagation's, to the lowest error that both came to."""
    factors, never_moved = [], []
    for entry in others:
        if not _end(entry) < _start(entry):
            never_moved.append(entry)
            continue
        spent = [found for run in entry.runs if (found := _spent(run, ours)) is not None]
        if spent:
            ratios = np.array([found.theirs / found.own for found in spent])
            typical = spent[int(np.argmin(np.abs(ratios - np.median(ratios))))]
            factors.append((float(np.median(ratios)), entry, typical))
    said = []
    if factors:
        factors.sort(key=lambda found: found[0])
        said.append(
            "To come to the lowest training error that both were seen with, each took so many times the evaluations of "
            f"backpropagation: {', '.join(f'{mid(entry.title)} {times(factor)}' for factor, entry, _ in factors)}."
        )
        _, entry, found = factors[-1]
        if found.theirs > found.own:
            said.append(
                f"So from the start with seed {found.seed} backpropagation had an error of {figure(found.level)} after "
                f"{count(found.own)} evaluations; {mid(entry.title)} took {count(found.theirs)}."
            )
    lower = [entry for entry in others if _end(entry) < _end(ours)]
    if lower:
        said.append(f"Lower than backpropagation on the training rows in the end: {listed(lower)}.")
    if never_moved:
        said.append(f"Training error in the end no lower than at the start: {listed(never_moved)}.")
    return said


@final
@dataclass(frozen=True)
class _Spent:
    """What a method and backpropagation spent from one start to the lowest error that both were seen with."""

    seed: int
    level: float
    theirs: float
    own: float


def _spent(run: Run, ours: Entry) -> _Spent | None:
    """Return the lowest error that a run and backpropagation's from the same start both came to, and after what."""
    same = next((other for other in ours.runs if other.seed == run.seed), None)
    if same is None:
        return None
    level = max(run.lowest, same.lowest)
    theirs, own = run.evaluations_to(level), same.evaluations_to(level)
    return _Spent(run.seed, level, theirs, own) if 0 < own < math.inf and 0 < theirs < math.inf else None


def _start(entry: Entry) -> float:
    return float(np.median([run.points[0].error for run in entry.runs]))


def _end(entry: Entry) -> float:
    return float(np.median([run.points[-1].error for run in entry.runs]))


def _angles(ranked: list[Entry]) -> list[str]:
    found = [(entry.angle(), entry) for entry in ranked if math.isfinite(entry.angle())]
    if len(found) < 2:
        return []
    parts = [f"{mid(entry.title)} {angle:.0f}°" for angle, entry in sorted(found, key=lambda pair: pair[0])]
    said = (
        "Angle between a step and the way straight downhill (90° gains nothing to first order), in the median over each"
    )
    return [f"{said} method's own path, with its optimizer and mini-batches in it: {', '.join(parts)}."]


def _ends(ranked: list[Entry]) -> list[str]:
    gone = [entry for entry in ranked if any(run.ended == "not finite" for run in entry.runs)]
    return [f"Ran off to infinity from some start, so its last finite weights count: {listed(gone)}."] if gone else []


def left_out(race: Race) -> list[str]:
    """Return a sentence for each method that did not run."""
    lines = [f"{entry.title}. {entry.refusal}" for entry in race.entries if entry.refusal]
    return [*lines, *(f"{e.title}. Its turn had not come." for e in race.entries if not e.refusal and not e.runs)]


def cautions(race: Race) -> list[str]:
    """Return what methods had to say before they started."""
    said = [(entry.title, entry.caution) for entry in race.entries if entry.caution]
    return [caution if caution.startswith(title) else f"{title}: {caution}" for title, caution in said]


def cost_sentences(cost: Cost) -> list[str]:
    """Return what was measured of the cost of a step."""
    back, nudge = cost.exponent("backprop"), cost.exponent("numerical")
    largest = cost.sampled[-1] < cost.weights[-1]
    sample = f" (timed on {cost.sampled[-1]:,} of them and reckoned for the rest)" if largest else ""
    measured = (
        f"Cost of one gradient, measured on this machine from {cost.weights[0]:,} to {cost.weights[-1]:,} weights, in "
        f"forward passes over the same rows: by backpropagation {min(cost.backprop):.1f} to {max(cost.backprop):.1f}, "
        f"by nudging every weight {cost.numerical[0]:,.0f} to {cost.numerical[-1]:,.0f}{sample}."
    )
    fitted = (
        f"Fitted as a power of the number of weights: exponent {back:.2f} for backpropagation, {nudge:.2f} for the "
        "numerical derivative."
    )
    return [measured, fitted]


# --- numbers in words --------------------------------------------------------------------------------------------


def figure(value: float) -> str:
    """Return an error as people read it."""
    if math.isinf(value):
        return "infinite"
    return "not a number" if math.isnan(value) else f"{value:.3g}"


def times(factor: float) -> str:
    """Return a factor: "12 times", "0.8 times"."""
    return f"{count(factor)} times" if factor >= 10 else f"{factor:.2g} times"


def count(value: float) -> str:
    """Return a count with at most three digits that mean something: "12,300", "1.2 million"."""
    if not math.isfinite(value):
        return ""
    if value >= 1e6:
        for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
            if value >= size:
                return f"{value / size:.3g} {word}"
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} minutes" if seconds < 7200 else f"{seconds / 3600:.3g} hours"


def listed(entries: list[Entry]) -> str:
    """Return titles as a list within a sentence."""
    titles = [mid(entry.title) for entry in entries]
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def mid(title: str) -> str:
    """Return a title as it stands within a sentence: its first letter small, unless it is an abbreviation or a name."""
    head = title.split()[0]
    proper = any(letter.isupper() for letter in head[1:]) or head in ("Oja's", "Hebbian", "Widrow-Hoff")
    return title if proper else title[:1].lower() + title[1:]
