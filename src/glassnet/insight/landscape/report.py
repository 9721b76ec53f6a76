"""The pages: sentences, pictures and tables of landscapes and many starts put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.landscape import pictures, words
from glassnet.insight.pages import chart, escape, page, prose

if TYPE_CHECKING:
    from glassnet.insight.landscape.example import Hill
    from glassnet.insight.landscape.starts import Starts
    from glassnet.insight.landscape.survey import Landscape, Walk

Array = NDArray[Any]

_LEAST_SHARE, _OVER_CHANCE = 0.25, 1.5
"""Of the ends' spread that a plane must hold to be worth a picture, and how much more than for points without order."""

_STYLE = """
figure { margin-inline: 0; }
summary { cursor: pointer; padding: .25rem 0; }
.wide :is(th, td) { white-space: nowrap; }
"""


# A surface is as large as its chart is high; on a narrow screen the eye steps back so that all of it is seen.
_NARROW = """
addEventListener("load", () => {
  for (const chart of document.querySelectorAll(".plotly-graph-div")) {
    const scene = chart.layout.scene, back = 620 / chart.clientWidth;
    if (!scene || back < 1) continue;
    const {x, y, z} = scene.camera.eye;
    Plotly.relayout(chart, {"scene.camera.eye": {x: back * x, y: back * y, z: back * z}});
  }
});
"""


def landscape_page(land: Landscape, title: str, starts: Starts | None = None) -> str:
    """Return the page of a landscape, and of many starts where there are some."""
    first, *rest = words.of_landscape(land)
    body = prose(*rest) + _landscape_body(land)
    if starts is not None:
        body += f"<h2>Where {len(starts.seeds):,} starts end</h2>\n" + _starts_body(starts, first=False)
    return page(title, body, lead=first, style=_STYLE, script=_NARROW)


def starts_page(starts: Starts, title: str) -> str:
    """Return the page of many starts alone."""
    return page(title, _starts_body(starts, first=True), style=_STYLE)


def hill_page(hill: Hill, title: str) -> str:
    """Return the page of the bundled example."""
    intro, *ends = hill.text().split("\n")
    return page(
        title,
        prose(*ends) + _landscape_body(hill.landscape, (0.25, -1.45, 1.45)),
        lead=intro,
        style=_STYLE,
        script=_NARROW,
    )


def _landscape_body(land: Landscape, eye: tuple[float, float, float] = (1.1, -1.5, 0.9)) -> str:
    what = f"over {land.plane.names[0]} and {land.plane.names[1]}"
    low = land.lowest
    says = (
        f"Map of the error {what}, lines of equal error. The star is the trained weights, {land.own_loss:.4g}. The "
        f"lowest point of the grid has {low[2]:.4g}."
    )
    if land.walks:
        says += " Squares are where a path begins."
    if pictures.Scale(land.loss).is_log:
        says += " Colours go by the logarithm of the error."
    turned = f"The same error {what} as a surface. Drag to turn it."
    if any(walk.in_plane < 0.999 for walk in land.walks):
        turned += (
            " A path is drawn at the error of the weights it went through, which is off the surface where it leaves "
            "the plane."
        )
    parts = ["<h2>Map</h2>\n", chart(pictures.contour(land), says, height=560)]
    parts += ["<h2>Surface</h2>\n", chart(pictures.surface(land, eye), turned, first=False, height=560)]
    parts += [_walk_table(walk, land.origin) for walk in land.walks]
    return "".join(parts)


def _walk_table(walk: Walk, origin: Array) -> str:
    rows = [
        (label, f"{error:.5g}", f"{a:z.4g}", f"{b:z.4g}", f"{outside:.3g}")
        for label, error, (a, b), outside in zip(
            walk.labels, walk.loss, (walk.coordinates + origin).tolist(), walk.outside, strict=True
        )
    ]
    head = ("point", "error", "along the first axis", "along the second", "distance from the plane")
    table = _table(head, rows)
    return f"<details><summary>{escape(walk.name[:1].upper() + walk.name[1:])}, in numbers</summary>{table}</details>\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column names the row and whose others are numbers."""
    heads = "".join(f'<th scope="col"{" class=number" if i else ""}>{escape(cell)}</th>' for i, cell in enumerate(head))
    lines = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>\n{lines}</tbody></table></div>'
    )


# --- many starts -------------------------------------------------------------------------------------------------


def _starts_body(starts: Starts, *, first: bool) -> str:
    body = prose(*words.starts_summary(starts))
    if not starts.valleys:
        return body
    head = ("valley", "error", "starts", "share", "slope there", "example")
    body += _table(head, words.valley_rows(starts))
    body += prose(*words.starts_notes(starts))
    says = (
        f"How many of {len(starts.seeds):,} starts ended at which error. The deepest valley, "
        f"{starts.valleys[0].loss:.4g}, was reached by {starts.valleys[0].count:,}."
    )
    body += "<h3>Depths</h3>\n" + chart(pictures.depths(starts), says, first=first, height=380)
    return body + "<h3>Where they began and where they ended</h3>\n" + _ends(starts)


def _ends(starts: Starts) -> str:
    """Return the picture of all ends on one plane, or a sentence on why there is none."""
    if starts.begins is None or starts.ends is None:
        return prose("Left out: the weights of all these starts together would take more than 512 MB.")
    begins, ends = (array.astype(np.float64) for array in (starts.begins, starts.ends))
    if starts.names:
        says = f"The plane of the network's two weights; a thin line joins each start with its end. {_COLOURED}"
        names = (starts.names[0], starts.names[1])
        return chart(pictures.ends_on_plane(starts, (begins, ends), names), says, first=False, height=560)
    reached = starts.valley >= 0
    middle = ends[reached].mean(axis=0)
    _, sizes, right = np.linalg.svd(ends[reached] - middle, full_matrices=False)
    total = float((sizes**2).sum())
    share = float((sizes[:2] ** 2).sum()) / total if total else 0.0
    by_chance = 2 / max(1, len(sizes) - 1)  # s points without order span s − 1 directions alike
    if len(sizes) < 2 or share < max(_LEAST_SHARE, min(0.99, _OVER_CHANCE * by_chance)):
        return prose(
            f"Left out: no plane shows these ends. The best one holds {share:.1%} of their spread; networks of the "
            "same function lie far apart, since their units can stand in any order."
        )
    plane = right[:2]
    coordinates = ((begins - middle) @ plane.T, (ends - middle) @ plane.T)
    says = (
        f"The plane that shows most of where the starts ended: {share:.1%} of the ends' spread. A thin line joins each "
        f"start with its end. {_COLOURED} One valley shows up in several places, since units can stand in another "
        "order or have their signs turned."
    )
    names = ("direction 1 of the ends", "direction 2 of the ends")
    return chart(pictures.ends_on_plane(starts, coordinates, names), says, first=False, height=560)


_COLOURED = "Ends are coloured by valley."
