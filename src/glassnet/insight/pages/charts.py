"""Plotly's figures in a page: its JavaScript goes in once, and colours follow light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassnet.insight.pages.page import escape

if TYPE_CHECKING:
    import plotly.graph_objects as go

_FOLLOW_THE_THEME = """
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    for (const chart of document.querySelectorAll(".plotly-graph-div")) {
      const change = {"font.color": colour("--ink")};
      for (const key of Object.keys(chart._fullLayout || {})) {
        if (/^[xy]axis\\d*$/.test(key)) {
          change[key + ".gridcolor"] = colour("--line");
          change[key + ".linecolor"] = colour("--line");
          change[key + ".zerolinecolor"] = colour("--line");
        }
        if (/^scene\\d*$/.test(key)) {
          for (const axis of ["xaxis", "yaxis", "zaxis"]) change[`${key}.${axis}.gridcolor`] = colour("--line");
        }
      }
      Plotly.relayout(chart, change);
    }
  };
  addEventListener("load", paint);
  dark.addEventListener("change", paint);
})();
"""


def chart(figure: go.Figure, says: str, *, first: bool = True, height: int = 480) -> str:
    """Return HTML for a Plotly figure, with what it shows in words for those who cannot see it.

    Parameters
    ----------
    figure : plotly figure
    says : str
        What the chart says, one or two sentences; shown as its caption and read by screen readers.
    first : bool
        Whether it is the page's first chart; only that one brings Plotly's JavaScript along (about 5 MB).
    height : int
        In CSS pixels.
    """
    from plotly.offline import get_plotlyjs

    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=height,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        font={"family": "system-ui, DejaVu Sans, sans-serif", "size": 14},
    )
    drawing = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"responsive": True, "displaylogo": False},
        default_height=f"{height}px",
    )
    library = f"<script>{get_plotlyjs()}</script>\n<script>{_FOLLOW_THE_THEME}</script>\n" if first else ""
    label = escape(says)
    return (
        f'{library}<figure><div role="img" aria-label="{label}">{drawing}</div>'
        f"<figcaption>{escape(says)}</figcaption></figure>\n"
    )
