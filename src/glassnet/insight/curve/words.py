"""What a learning curve says, in sentences with numbers and as a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.curve.curve import LearningCurve, Measure
from glassnet.insight.curve.power_law import LEVEL, Forecast, PowerLaw

Array = NDArray[Any]

_TIMES = {2: "twice", 5: "five times", 10: "ten times"}


def text(curve: LearningCurve) -> str:
    """Return sentences and the table, for a terminal."""
    head, *rows = table(curve)
    cells = [head, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join([*sentences(curve), "", *lines])


def sentences(curve: LearningCurve) -> list[str]:
    """Return what the curve says of now and of more rows, and what must be known with it."""
    lines = [_now(curve), _more(curve, curve.error)]
    if curve.loss.name != curve.error.name:
        lines.append(f"For the loss, {curve.loss.name}: {_lower_first(_more(curve, curve.loss))}")
    backtest = curve.error.projection.backtest
    if backtest is not None and not curve.error.projection.refusal:
        told = f"{figure(curve.error, backtest.value)} ({_range(curve.error, backtest)})"
        measured = figure(curve.error, _mean(curve.error.held_out[-1]))
        rows = f"{curve.sizes[-1]:,} rows"
        lines.append(f"A law through the smaller sizes alone expects {told} of {rows}; measured was {measured}.")
    return [*lines, *notes(curve)]


def notes(curve: LearningCurve) -> list[str]:
    """Return what was left out or went wrong."""
    lines = []
    if curve.interrupted:
        missing = len(curve.sizes) * len(curve.seeds) - curve.runs - len(curve.diverged)
        lines.append(f"Interrupted: {missing} of {len(curve.sizes) * len(curve.seeds)} trainings are missing.")
    if curve.diverged:
        size, seed, message = curve.diverged[0]
        many = f"{len(curve.diverged)} training{'s' * (len(curve.diverged) != 1)} met a NaN or an infinity"
        lines.append(f"{many} and are left out; the first, of {size:,} rows and seed {seed}: {message}")
    return lines


def how(curve: LearningCurve) -> list[str]:
    """Return how it was measured."""
    trainings = f"{curve.runs} trainings in {curve.seconds:.1f} s: {len(curve.sizes)} sizes, {len(curve.seeds)} seeds."
    return [
        f"{trainings} A seed has subsets, initial weights, orders of rows and dropout of its own. {_SUBSETS}",
        f"The {curve.rows_held_out:,} held-out rows are the same for all and never trained on. {_meetings(curve)}",
        f"Intervals hold {LEVEL:.0%} of what comes of drawing seeds and held-out rows anew. {_TAKEN_FOR_GRANTED}",
    ]


_SUBSETS = "Its subsets lie within each other, with every class about in its share."
_TAKEN_FOR_GRANTED = (
    "They take for granted that the law goes on beyond the sizes measured, and that new rows are like those there are."
)


def _meetings(curve: LearningCurve) -> str:
    if len(set(curve.epochs)) == 1:
        return f"Every size meets its rows {curve.epochs[0]} times."
    return (
        f"All rows are met {curve.epochs[-1]} times, those of small sizes up to {curve.epochs[0]} times, so that they "
        "are learned."
    )


def table(curve: LearningCurve) -> list[list[str]]:
    """Return the figures of each size, the head first."""
    what = "mistaken" if curve.error.is_share else "RMSE"
    head = ["rows", "epochs", "seeds", f"held-out {what}", "lowest", "highest", f"training {what}"]
    head += ["held-out loss", "training loss"]
    r2 = curve.r2
    head += [] if r2 is None else ["held-out R²"]
    rows = [head]
    for i, size in enumerate(curve.sizes):
        held_out = curve.error.held_out[i]
        done = int((~np.isnan(held_out)).sum())
        error = [
            _mean(held_out),
            *(_extreme(held_out, f) for f in (np.nanmin, np.nanmax)),
            _mean(curve.error.training[i]),
        ]
        row = [f"{size:,}", f"{curve.epochs[i]}", f"{done}", *(figure(curve.error, value) for value in error)]
        row += [figure(curve.loss, _mean(part[i])) for part in (curve.loss.held_out, curve.loss.training)]
        rows.append(row + ([] if r2 is None else [_number(_mean(r2[i]))]))
    return rows


def figure(measure: Measure, value: float) -> str:
    """Return an error as people read it: a share in per cent."""
    if math.isnan(value):
        return "–"
    return f"{value:.2%}" if measure.is_share else _number(value)


def law_in_words(measure: Measure, law: PowerLaw) -> str:
    """Return the law as a formula."""
    return f"{figure(measure, law.a)} + {law.b:.3g}·n^(−{law.c:.3g})"


def _now(curve: LearningCurve) -> str:
    """Say where the network stands with all rows, and whether data or the network is the limit."""
    measure = curve.error
    held_out, own = measure.held_out[-1], _mean(measure.training[-1])
    now = _mean(held_out)
    if math.isnan(now):
        return f"No training on {curve.sizes[-1]:,} rows is done."
    seeds = int((~np.isnan(held_out)).sum())
    low, high = (figure(measure, _extreme(held_out, which)) for which in (np.nanmin, np.nanmax))
    spread = f"{low} to {high} over {seeds} seed{'s' * (seeds != 1)}"
    rows = f"{curve.rows_held_out:,} held-out rows"
    if measure.is_share:
        what = f"{figure(measure, now)} of {rows} are mistaken ({spread})"
    else:
        explained = "" if curve.r2 is None else f", R² {_number(_mean(curve.r2[-1]))}"
        what = f"the root mean squared error on {rows} is {figure(measure, now)} ({spread}){explained}"
    return (
        f"Trained on {curve.sizes[-1]:,} rows, {what}, and {figure(measure, own)} on the rows trained on: "
        f"{_limit(now, own)}."
    )


def _limit(held_out: float, own: float) -> str:
    if held_out <= 0:
        return "there is nothing left to gain on these held-out rows"
    if own <= held_out / 2:
        return "the network fits its own rows far better than new ones, so rows are the limit rather than the network"
    if own >= 0.85 * held_out:
        return (
            "it is hardly better on its own rows, so the limit is the network, its training or the noise in the data "
            "rather than the number of rows"
        )
    return "both the rows and the network set the limit"


def _more(curve: LearningCurve, measure: Measure) -> str:
    """Say what more rows would bring, or why it cannot be told."""
    projection = measure.projection
    if projection.refusal or projection.law is None:
        return f"What more rows would bring cannot be told. {projection.refusal}"
    told = [f"{_TIMES[each.multiple]} the rows would bring {_told(measure, each)}" for each in projection.trusted]
    silent = [_TIMES[each.multiple] for each in projection.forecasts if not each.trusted]
    rest = f"; of {' and '.join(silent)} the rows it says nothing, as the trainings differ too much" if silent else ""
    law = law_in_words(measure, projection.law)
    return f"By the law {law} through {len(curve.sizes)} sizes, {', '.join(told)}{rest}."


def _told(measure: Measure, each: Forecast) -> str:
    share = f"{max(0.0, each.share_low):.0%} to {each.share_high:.0%} of the error now"
    return f"{figure(measure, each.value)} ({_range(measure, each)}, {share})"


def _range(measure: Measure, forecast: Forecast) -> str:
    return f"{figure(measure, forecast.low)} to {figure(measure, forecast.high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _mean(values: Array) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else math.nan


def _extreme(values: Array, which: Any) -> float:
    return float(which(values)) if not np.isnan(values).all() else math.nan


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
