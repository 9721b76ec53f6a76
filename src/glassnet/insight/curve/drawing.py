"""A learning curve as a page: a chart for the error and one for the loss, with bands, the law and what it expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.curve import words
from glassnet.insight.curve.curve import LearningCurve, Measure
from glassnet.insight.pages import chart, escape, page, prose

if TYPE_CHECKING:
    import plotly.graph_objects as go

Array = NDArray[Any]

# each readable on light and on dark paper
_HELD_OUT, _TRAINING, _LAW = "47, 129, 247", "217, 119, 60", "139, 148, 158"

_STYLE = """
.curve table { min-width: 44rem; }
.says { font-size: 1.05rem; }
"""


def curve_page(curve: LearningCurve, title: str) -> str:
    """Return the whole page."""
    now, more, *rest = words.sentences(curve)
    body = f'<div class="says">{prose(now, more)}</div>{prose(*rest)}'
    for number, measure in enumerate((curve.error, curve.loss)):
        body += f"<h2>{escape(_heading(measure))}</h2>\n"
        body += chart(_figure(curve, measure), _caption(curve, measure), first=number == 0, height=440)
    body += f"<h2>The figures</h2>\n{_table(curve)}<h2>How it was measured</h2>\n{prose(*words.how(curve))}"
    lead = f"Error on held-out rows against the number of rows trained on, {curve.sizes[0]:,} to {curve.sizes[-1]:,}."
    return page(title, f'<div class="curve">{body}</div>', lead=lead, style=_STYLE)


def _heading(measure: Measure) -> str:
    return measure.name if measure.name[0].isupper() else measure.name[0].upper() + measure.name[1:].replace("_", " ")


def _caption(curve: LearningCurve, measure: Measure) -> str:
    low, high = (words.figure(measure, _mean(measure.held_out)[i]) for i in (-1, 0))
    law = measure.projection.law
    dashes = ""
    if law is not None and not measure.projection.refusal:
        dashes = f" Dashed: the law {words.law_in_words(measure, law)}, with what it expects of more rows."
    zero = " What lies below the axis, which is logarithmic, is drawn at its lower edge." if _span(measure)[2] else ""
    return (
        f"{_heading(measure)} on held-out rows goes from {high} at {curve.sizes[0]:,} rows to {low} at "
        f"{curve.sizes[-1]:,}. Lines are means over seeds, bands reach from the lowest seed to the highest."
        f"{dashes}{zero}"
    )


def _span(measure: Measure) -> tuple[float, float, bool]:
    """Return the lowest and highest value of the axis, and whether something lies below and is drawn at its edge.

    The axis is logarithmic, and what matters are held-out rows: a training error may be 0, or many decades lower.
    """
    told = [value for each in measure.projection.trusted for value in (each.low, each.high)]
    there = measure.held_out[~np.isnan(measure.held_out)]
    values = np.concatenate([there, _mean(measure.held_out), told])
    above = values[values > 0]
    lowest, highest = (float(above.min()), float(above.max())) if len(above) else (0.1, 1.0)
    everything = np.concatenate([values, measure.training[~np.isnan(measure.training)]])
    positive = everything[everything > 0]
    least = float(positive.min()) if len(positive) else lowest
    bottom = max(least, lowest / 5) / 1.5
    return bottom, max(highest, float(everything.max(initial=0.0))) * 1.5, bool((everything < bottom).any())


def _figure(curve: LearningCurve, measure: Measure) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    floor, highest, _ = _span(measure)
    sizes = np.array(curve.sizes)
    for name, values, colour in (
        ("rows trained on", measure.training, _TRAINING),
        ("held-out rows", measure.held_out, _HELD_OUT),
    ):
        there = ~np.isnan(values).all(axis=1)
        n, v = sizes[there], values[there]
        low, high, mean = np.nanmin(v, axis=1), np.nanmax(v, axis=1), np.nanmean(v, axis=1)
        figure.add_scatter(
            x=np.concatenate([n, n[::-1]]).tolist(),
            y=np.maximum(np.concatenate([high, low[::-1]]), floor).tolist(),
            mode="lines",
            fill="toself",
            fillcolor=f"rgba({colour}, 0.2)",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        said = [
            f"{rows:,} rows: {words.figure(measure, m)} ({words.figure(measure, a)} to {words.figure(measure, b)})"
            for rows, m, a, b in zip(n, mean, low, high, strict=True)
        ]
        figure.add_scatter(
            x=n.tolist(),
            y=np.maximum(mean, floor).tolist(),
            mode="lines+markers",
            name=name,
            line={"color": f"rgb({colour})"},
            text=said,
            hovertemplate="%{text}<extra>" + name + "</extra>",
        )
    _draw_law(figure, curve, measure, floor)
    figure.update_layout(
        xaxis={"type": "log", "title": "rows trained on", "dtick": 1, "tickformat": ","},
        yaxis={
            "type": "log",
            "tickformat": ".2~%" if measure.is_share else "," if floor > 100 else ".3~g",
            "dtick": "D2" if highest / floor < 1e3 else 1,
            "range": [float(np.log10(floor)), float(np.log10(highest))],
        },
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
        hovermode="closest",
    )
    return figure


def _draw_law(figure: go.Figure, curve: LearningCurve, measure: Measure, floor: float) -> None:
    projection = measure.projection
    if projection.law is None or projection.refusal:
        return
    furthest = projection.trusted[-1].rows
    n = np.geomspace(curve.sizes[0], furthest, 60)
    figure.add_scatter(
        x=n.tolist(),
        y=[max(projection.law(x), floor) for x in n],
        mode="lines",
        name="law",
        line={"color": f"rgb({_LAW})", "dash": "dash"},
        hoverinfo="skip",
    )
    value = np.array([each.value for each in projection.trusted])
    low, high = (np.array([getattr(each, name) for each in projection.trusted]) for name in ("low", "high"))
    said = [
        f"{each.rows:,} rows: {words.figure(measure, each.value)} "
        f"({words.figure(measure, each.low)} to {words.figure(measure, each.high)})"
        for each in projection.trusted
    ]
    value = np.maximum(value, floor)
    figure.add_scatter(
        x=[each.rows for each in projection.trusted],
        y=value.tolist(),
        mode="markers",
        name="expected of more rows",
        marker={"color": f"rgb({_LAW})", "symbol": "diamond", "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (high - value).clip(0).tolist(),
            "arrayminus": (value - np.maximum(low, floor)).clip(0).tolist(),
            "color": f"rgb({_LAW})",
        },
        text=said,
        hovertemplate="%{text}<extra>expected</extra>",
    )


def _table(curve: LearningCurve) -> str:
    head, *rows = words.table(curve)
    cells = "".join(f'<th class="number" scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(
        "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row) + "</tr>\n" for row in rows
    )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="The figures of each size">'
        f"<table><thead><tr>{cells}</tr></thead><tbody>\n{lines}</tbody></table></div>\n"
    )


def _mean(values: Array) -> Array:
    """Return the mean of each size that has one."""
    there = ~np.isnan(values).all(axis=1)
    means: Array = np.nanmean(values[there], axis=1)
    return means
