"""Plotly figures of landscapes and of many starts: contour, surface, depths, and ends on a plane. No words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from glassnet.insight.landscape.starts import Starts
    from glassnet.insight.landscape.survey import Landscape

Array = NDArray[Any]

COLOURS = ("#e6550d", "#3182bd", "#31a354", "#c51b8a", "#d4a106", "#756bb1", "#17a2a8", "#8c564b")
"""Of paths and of the deepest valleys; readable on light and dark."""
OTHER = "#8a929c"
_SCALE = "Cividis"
_RATIO_FOR_LOG = 30.0
_FLOOR = 1e-9
_HALO = {"color": "#ffffff", "width": 5}
_LEGEND = {"orientation": "h", "traceorder": "normal", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0}


@final
class Scale:
    """How errors become heights: as they are, or by their logarithm where they span more than a factor of thirty.

    Parameters
    ----------
    errors : array
        All that will be drawn.
    """

    def __init__(self, errors: Array) -> None:
        finite = errors[np.isfinite(errors)]
        self.low, self.high = float(finite.min()), float(finite.max())
        positive = finite[finite > 0]
        # an error of exactly 0 has no logarithm; it is drawn a billion times below the highest
        self.is_log = self.low >= 0 and len(positive) > 0 and self.high > _RATIO_FOR_LOG * max(self.low, 0.0)
        if self.is_log:
            self.low = max(self.low, self.high * _FLOOR)

    def height(self, errors: Array) -> Array:
        """Return heights; NaN where the error is not finite."""
        errors = np.where(np.isfinite(errors), errors, np.nan)
        return np.log10(np.maximum(errors, self.low)) if self.is_log else errors

    def ticks(self) -> dict[str, Any]:
        """Return an axis's or colour bar's ticks, which show errors."""
        if not self.is_log:
            return {}
        low, high = np.log10(self.low), np.log10(self.high)
        decades = np.arange(np.floor(low), np.ceil(high) + 1)
        decades = decades[:: max(1, len(decades) // 6)]
        factors = (1, 2, 5) if high - low < 2.5 else (1,)
        at = [d + np.log10(f) for d in decades for f in factors if low - 0.01 <= d + np.log10(f) <= high + 0.01]
        return {"tickmode": "array", "tickvals": at, "ticktext": [f"{10**t:.3g}" for t in at]}


def contour(land: Landscape) -> go.Figure:
    """Return the map: lines of equal error, the paths and the trained weights."""
    import plotly.graph_objects as go

    scale = Scale(_all_errors(land))
    x, y = _axis_values(land)
    shown = np.array([[f"{e:.5g}" if np.isfinite(e) else "too large" for e in row] for row in land.loss.T])
    figure = go.Figure(
        go.Contour(
            x=x,
            y=y,
            z=scale.height(land.loss).T,
            ncontours=40,
            colorscale=_SCALE,
            line={"width": 0.5, "color": "rgba(255,255,255,0.45)"},
            colorbar={"title": {"text": "error", "side": "right"}, "thickness": 12, "len": 1, **scale.ticks()},
            text=shown,
            hovertemplate="%{x:.4g}, %{y:.4g}<br>error %{text}<extra></extra>",
        )
    )
    center = land.origin
    for walk, colour in zip(land.walks, COLOURS, strict=False):
        at = walk.coordinates + center
        says = [f"{label}<br>error {e:.5g}" for label, e in zip(walk.labels, walk.loss, strict=True)]
        figure.add_scatter(x=at[:, 0], y=at[:, 1], mode="lines", line=_HALO, hoverinfo="skip", showlegend=False)
        figure.add_scatter(
            x=at[:, 0],
            y=at[:, 1],
            mode="lines+markers",
            name=walk.name,
            line={"color": colour, "width": 2.5},
            marker={
                "symbol": ["square"] + ["circle"] * (len(at) - 1),
                "size": [11] + [5] * (len(at) - 1),
                "color": colour,
                "line": {"color": "#ffffff", "width": 1},
            },
            text=says,
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_scatter(
        x=[center[0]],
        y=[center[1]],
        mode="markers",
        name="trained weights",
        marker={"symbol": "star", "size": 16, "color": "#ffffff", "line": {"color": "#000000", "width": 1.5}},
        hovertemplate=f"trained weights<br>error {land.own_loss:.5g}<extra></extra>",
    )
    figure.update_layout(legend=_LEGEND, hovermode="closest")
    figure.update_xaxes(title=land.plane.names[0], range=[x[0], x[-1]], zeroline=False)
    figure.update_yaxes(title=land.plane.names[1], range=[y[0], y[-1]], zeroline=False)
    return figure


def surface(land: Landscape, eye: tuple[float, float, float] = (1.1, -1.5, 0.9)) -> go.Figure:
    """Return the mountain itself, to be turned with the mouse; `eye` is from where it is seen."""
    import plotly.graph_objects as go

    scale = Scale(_all_errors(land))
    x, y = _axis_values(land)
    figure = go.Figure(
        go.Surface(
            x=x,
            y=y,
            z=scale.height(land.loss).T,
            colorscale=_SCALE,
            showscale=False,
            hoverinfo="skip",
            contours={"z": {"show": True, "color": "rgba(255,255,255,0.35)", "width": 1}},
            opacity=0.96,
        )
    )
    center = land.origin
    lift = 0.02 * (scale.height(np.array(scale.high)) - scale.height(np.array(scale.low)))
    for walk, colour in zip(land.walks, COLOURS, strict=False):
        at = walk.coordinates + center
        figure.add_scatter3d(
            x=at[:, 0],
            y=at[:, 1],
            z=scale.height(walk.loss) + lift,
            mode="lines+markers",
            name=walk.name,
            line={"color": colour, "width": 6},
            marker={"color": colour, "size": 3},
            text=[f"{label}<br>error {e:.5g}" for label, e in zip(walk.labels, walk.loss, strict=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_scatter3d(
        x=[center[0]],
        y=[center[1]],
        z=scale.height(np.array([land.own_loss])) + lift,
        mode="markers",
        name="trained weights",
        marker={"symbol": "diamond", "size": 6, "color": "#ffffff", "line": {"color": "#000000", "width": 1}},
        hovertemplate=f"trained weights<br>error {land.own_loss:.5g}<extra></extra>",
    )
    plain = {"backgroundcolor": "rgba(0,0,0,0)", "showspikes": False}
    figure.update_layout(
        legend=_LEGEND,
        scene={
            "xaxis": {"title": {"text": _short(land.plane.names[0])}, **plain},
            "yaxis": {"title": {"text": _short(land.plane.names[1])}, **plain},
            "zaxis": {"title": {"text": "error"}, **plain, **scale.ticks()},
            "camera": {"eye": dict(zip("xyz", eye, strict=True)), "center": {"x": 0, "y": 0, "z": -0.15}},
            "aspectratio": {"x": 1.1, "y": 1.1, "z": 0.75},
        },
    )
    return figure


def _all_errors(land: Landscape) -> Array:
    return np.concatenate([land.loss.ravel(), [land.own_loss], *(walk.loss for walk in land.walks)])


def _axis_values(land: Landscape) -> tuple[Array, Array]:
    center = land.origin
    return land.alpha + center[0], land.beta + center[1]


def _short(name: str) -> str:
    """Return an axis's name as it fits beside a turned axis."""
    return name.replace("principal direction ", "PD ").replace("random direction ", "direction ")


# --- many starts -------------------------------------------------------------------------------------------------


def depths(starts: Starts) -> go.Figure:
    """Return how many starts ended at which error, each valley in its colour."""
    import plotly.graph_objects as go

    reached = starts.valley >= 0
    scale = Scale(starts.loss[reached])
    heights = scale.height(starts.loss)
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    pad = 0.02 * (high - low) or 0.5
    edges = np.linspace(low - pad, high + pad, 41)
    figure = go.Figure()
    for name, colour, members in _by_valley(starts):
        counts, _ = np.histogram(heights[members], edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"{name}<br>%{{y}} starts<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0, legend=_LEGEND)
    figure.update_xaxes(title="error at the end", **scale.ticks())
    figure.update_yaxes(title="starts")
    return figure


def ends_on_plane(starts: Starts, coordinates: tuple[Array, Array], names: tuple[str, str]) -> go.Figure:
    """Return where each start began and ended, coloured by valley.

    Parameters
    ----------
    starts : Starts
    coordinates : two (s, 2) arrays
        Of the beginnings and the ends.
    names : two of str
        Of the axes.
    """
    import plotly.graph_objects as go

    begins, ends = coordinates
    figure = go.Figure()
    for name, colour, members in _by_valley(starts):
        gap = np.full((len(members), 1, 2), np.nan)
        lines = np.concatenate([begins[members, None], ends[members, None], gap], axis=1).reshape(-1, 2)
        figure.add_scatter(
            x=lines[:, 0],
            y=lines[:, 1],
            mode="lines",
            line={"color": colour, "width": 0.7},
            opacity=0.5,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
        figure.add_scatter(
            x=ends[members, 0],
            y=ends[members, 1],
            mode="markers",
            name=name,
            legendgroup=name,
            marker={"color": colour, "size": 8, "line": {"color": "#ffffff", "width": 0.7}},
            text=[
                f"seed {s}<br>error {e:.5g}" for s, e in zip(starts.seeds[members], starts.loss[members], strict=True)
            ],
            hovertemplate=f"{name}<br>%{{text}}<extra></extra>",
        )
    figure.update_layout(legend=_LEGEND, hovermode="closest")
    figure.update_xaxes(title=names[0])
    figure.update_yaxes(title=names[1])
    return figure


def _by_valley(starts: Starts) -> list[tuple[str, str, Array]]:
    """Return name, colour and starts of the deepest valleys, and of all others together."""
    shown = len(COLOURS)
    groups = [
        (f"valley {i + 1}", colour, np.flatnonzero(starts.valley == i))
        for i, colour in enumerate(COLOURS[: len(starts.valleys)])
    ]
    if len(starts.valleys) > shown:
        groups.append(("other valleys", OTHER, np.flatnonzero(starts.valley >= shown)))
    return groups
