"""The page of a race: curves, ends, angles and the cost of a step, each with its numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.insight.pages import chart, escape, page, prose
from glassnet.racing import words
from glassnet.racing.records import Cost, Entry, Race

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe & Ito's colours, told apart by most eyes, without black and yellow, which vanish in the dark and in the light
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C7A6B", "#7F6BD0")
_DASHES = ("solid", "dash", "dot", "dashdot")
_DASHED = {"solid": "none", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3"}
_PLACES = 80
_FLOOR = 1e-16

_STYLE = """
.scroll { overflow-x: auto; }
pre.said { white-space: pre-wrap; }
ul.key { display: flex; flex-wrap: wrap; gap: .2rem .3rem; list-style: none; padding: 0; margin: 0 0 1rem; }
ul.key button { display: inline-flex; align-items: center; gap: .4rem; font: inherit; font-size: .85rem; color: inherit;
  background: none; border: 1px solid transparent; border-radius: .3rem; padding: .1rem .4rem; cursor: pointer; }
ul.key button:hover, ul.key button:focus-visible { border-color: var(--accent); }
ul.key button[aria-pressed="false"] { opacity: .45; text-decoration: line-through; }
table.race { border-collapse: collapse; font-variant-numeric: tabular-nums; }
table.race th, table.race td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
table.race th:first-child, table.race td:first-child { text-align: left; white-space: nowrap; }
table.race caption { text-align: left; color: var(--faint); padding-bottom: .4rem; }
dl.methods dt { font-weight: 600; margin-top: .6rem; }
dl.methods dd { margin: 0; }
"""

_SCRIPT = """
for (const button of document.querySelectorAll("ul.key button"))
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    const key = button.closest("ul");
    for (const twin of document.querySelectorAll(`ul.key[data-race="${key.dataset.race}"] button`))
      if (twin.dataset.method === button.dataset.method) twin.setAttribute("aria-pressed", String(shown));
    for (const chart of document.querySelectorAll(`[data-charts="${key.dataset.race}"] .plotly-graph-div`)) {
      const lines = chart.data.flatMap((line, i) => line.legendgroup === button.dataset.method ? [i] : []);
      if (lines.length) Plotly.restyle(chart, {visible: shown}, lines);
    }
  });
"""


def race_page(races: Sequence[Race], *, introductions: Sequence[str] = (), title: str = "The race") -> str:
    """Return the page of one race, or of several one below the other.

    Parameters
    ----------
    races : sequence of Race
    introductions : sequence of str
        A few sentences of plain text in front of each race.
    title : str
    """
    body, first = [], True
    several = len(races) > 1
    for k, race in enumerate(races):
        if several:
            body.append(f"<h2>{escape(race.title or f'Race {k + 1}')}</h2>\n")
        if introductions:
            body.append(prose(introductions[k]))
        body.append(f'<div data-charts="{k}">{_section(race, k, first, "h3" if several else "h2")}</div>\n')
        first = first and not any(entry.runs for entry in race.entries)
    costs = [race.cost for race in races if race.cost is not None]
    if costs:
        body.append(f"<h2>What one step costs</h2>\n{prose(*words.cost_sentences(costs[-1]))}")
        body.append(chart(_cost_figure(costs[-1]), _cost_says(costs[-1]), first=first, height=420))
        body.append(_cost_table(costs[-1]))
    body.append(_methods(races))
    lead = "Backpropagation against other ways to set the weights: the same starts, the same budget, the same rows."
    return page(title, "".join(body), lead=lead, style=_STYLE, script=_SCRIPT)


def _section(race: Race, number: int, first: bool, head: str) -> str:
    parts = [prose(words.lead(race))]
    ranked = race.ranked()
    if ranked:
        parts += [prose(*words.conclusions(race)), _table(race, ranked)]
        looks = _looks(race)
        for axis, name in (("evaluations", "evaluations"), ("seconds", "seconds")):
            parts.append(f"<{head}>Error against {name}</{head}>\n")
            parts.append(chart(_curves(ranked, axis, looks), _curves_say(race, axis), first=first, height=440))
            parts.append(_key(ranked, number, looks))
            first = False
        if any(np.isfinite(entry.angle()) for entry in ranked):
            parts.append(f"<{head}>How far each step points from straight downhill</{head}>\n")
            parts.append(chart(_angles(ranked, looks), _ANGLES_SAY, first=False, height=420))
            parts.append(_key(ranked, number, looks))
    left = words.left_out(race)
    if left:
        items = "".join(f"<li>{escape(line)}</li>" for line in left)
        parts.append(f"<{head}>Left out</{head}>\n<ul>{items}</ul>\n")
    said = words.cautions(race)
    if said:
        lines = "".join(f'<pre class="said">{escape(line)}</pre>' for line in said)
        parts.append(f"<{head}>Said before the start</{head}>\n{lines}")
    return "".join(parts)


# --- curves ------------------------------------------------------------------------------------------------------


def _looks(race: Race) -> dict[str, tuple[str, str]]:
    """Return colour and dash of each method: the same in every chart of a race."""
    pairs = [(colour, dash) for dash in _DASHES for colour in _COLOURS]
    return {entry.method: pairs[k % len(pairs)] for k, entry in enumerate(race.entries)}


def _curves(entries: Sequence[Entry], axis: str, looks: dict[str, tuple[str, str]]) -> go.Figure:
    """Return error against evaluations or seconds: the median over the starts, and the band from lowest to highest."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for entry in entries:
        at = np.array([getattr(point, axis) for run in entry.runs for point in run.points if getattr(point, axis) > 0])
        if not len(at):
            continue
        grid = np.geomspace(at.min(), at.max(), _PLACES)
        low, middle, high = np.maximum(entry.band(axis, grid), _FLOOR)
        seen = np.isfinite(middle)
        if not seen.any():
            continue
        x = grid[seen]
        colour, dash = looks[entry.method]
        shared: dict[str, Any] = {"legendgroup": entry.method, "x": x, "mode": "lines"}
        if len(entry.runs) > 1:
            figure.add_scatter(**shared, y=high[seen], line={"width": 0}, showlegend=False, hoverinfo="skip")
            figure.add_scatter(
                **shared,
                y=low[seen],
                line={"width": 0},
                fill="tonexty",
                fillcolor=_faint(colour),
                showlegend=False,
                hoverinfo="skip",
            )
        line = {"color": colour, "dash": dash, "width": 2.5 if entry.name == words.REFERENCE else 1.7}
        hover = "%{fullData.name}<br>%{x:.3g} " + axis + "<br>error %{y:.4g}<extra></extra>"
        figure.add_scatter(**shared, y=middle[seen], name=entry.title, line=line, hovertemplate=hover)
    figure.update_xaxes(type="log", title=axis, exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title="error on training rows", exponentformat="power", automargin=True)
    return figure.update_layout(showlegend=False)


def _key(entries: Sequence[Entry], number: int, looks: dict[str, tuple[str, str]]) -> str:
    """Return which line is whose, as buttons that hide a method and show it again in all charts of its race."""
    items = []
    for entry in entries:
        colour, dash = looks[entry.method]
        sample = (
            '<svg width="28" height="10" aria-hidden="true"><line x1="1" y1="5" x2="27" y2="5" stroke-width="2.5" '
            f'stroke="{colour}" stroke-dasharray="{_DASHED[dash]}"/></svg>'
        )
        items.append(
            f'<li><button type="button" aria-pressed="true" data-method="{escape(entry.method)}" '
            f'title="hide or show {escape(entry.title)}">{sample}{escape(entry.title)}</button></li>'
        )
    return f'<ul class="key" data-race="{number}" aria-label="Which line is whose">{"".join(items)}</ul>\n'


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.13)"


def _curves_say(race: Race, axis: str) -> str:
    band = " The band is from the best to the worst start." if len(race.seeds) > 1 else ""
    clock = " The clock stands still while a method is judged." if axis == "seconds" else ""
    return (
        f"Error on the training rows against {axis}, both scales logarithmic; lower is better and further left is "
        f"cheaper. Lines are medians over the starts.{band}{clock} What is below 10⁻¹⁶ is drawn there; the table has "
        "the ends."
    )


_ANGLES_SAY = (
    "Angle between each method's last step and the negative gradient at the place where that step began, in degrees, "
    "at the first start. At 0 a step goes straight downhill; at 90 it gains nothing to first order; above, it climbs."
)


def _angles(entries: Sequence[Entry], looks: dict[str, tuple[str, str]]) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for entry in entries:
        points = [point for point in entry.runs[0].points if np.isfinite(point.angle) and point.evaluations > 0]
        if points:
            colour, dash = looks[entry.method]
            figure.add_scatter(
                x=[point.evaluations for point in points],
                y=[point.angle for point in points],
                name=entry.title,
                legendgroup=entry.method,
                mode="lines+markers" if len(points) < 3 else "lines",
                line={"color": colour, "dash": dash, "width": 2.5 if entry.name == words.REFERENCE else 1.5},
                hovertemplate="%{fullData.name}<br>%{x:.3g} evaluations<br>%{y:.1f}°<extra></extra>",
            )
    figure.update_xaxes(type="log", title="evaluations", exponentformat="power", dtick=1)
    figure.update_yaxes(title="degrees", range=[0, 180], dtick=30)
    return figure.update_layout(showlegend=False)


# --- the cost of a step ------------------------------------------------------------------------------------------


def _cost_figure(cost: Cost) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    titles = {"backprop": "backpropagation", "numerical": "nudging every weight"}
    for k, (of, name) in enumerate(titles.items()):
        values = getattr(cost, of)
        whole = [of == "backprop" or n == sampled for n, sampled in zip(cost.weights, cost.sampled, strict=True)]
        figure.add_scatter(
            x=cost.weights,
            y=values,
            name=f"{name}, exponent {cost.exponent(of):.2f}",
            mode="lines+markers",
            line={"color": _COLOURS[k], "dash": _DASHES[k]},
            marker={"size": 9, "symbol": ["circle" if each else "circle-open" for each in whole]},
            hovertemplate="%{x:,} weights<br>%{y:.3g} forward passes<extra></extra>",
        )
    figure.update_xaxes(type="log", title="weights", exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title="forward passes for one gradient", exponentformat="power", automargin=True)
    figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0})
    return figure


def _cost_says(cost: Cost) -> str:
    return (
        "The cost of one gradient in forward passes over the same rows, against the number of weights, both scales "
        "logarithmic. Open circles: timed on a sample of the weights and reckoned for the rest."
    )


def _cost_table(cost: Cost) -> str:
    heads = ("weights", "rows", "forward pass", "backpropagation", "nudging every weight", "weights nudged")
    rows = [
        (f"{n:,}", f"{m:,}", f"{1e3 * t:.3g} ms", f"{b:.2f}", f"{nudge:,.0f}", "all" if s == n else f"{s:,} sampled")
        for n, m, t, b, nudge, s in zip(
            cost.weights, cost.rows, cost.forward, cost.backprop, cost.numerical, cost.sampled, strict=True
        )
    ]
    return _as_table("One gradient, in forward passes", heads, rows)


# --- tables ------------------------------------------------------------------------------------------------------


def _table(race: Race, ranked: Sequence[Entry]) -> str:
    starts = len(race.seeds)
    caption = "Medians over the starts, the best first" if starts > 1 else "The best first"
    return _as_table(caption, words.columns(race), [words.row(race, entry) for entry in ranked])


def _as_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heads)
    lines = [
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    ]
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="race">'
        f"<caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>\n"
    )


def _methods(races: Sequence[Race]) -> str:
    """Return what each method does, and where it was published."""
    entries = {entry.method: entry for race in races for entry in race.entries}
    items = "".join(
        f"<dt>{escape(entry.title)} <code>{escape(entry.method)}</code></dt>"
        f"<dd>{escape(entry.idea)} <small>{escape(entry.source)}</small></dd>"
        for entry in entries.values()
    )
    return f'<h2>The methods</h2>\n<dl class="methods">{items}</dl>\n'
