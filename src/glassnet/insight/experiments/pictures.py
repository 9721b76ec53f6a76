"""The weights of the shown networks as SVG: bars mirrored about the middle, and squares as the paper drew them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.experiments.words import signed
from glassnet.insight.pages import escape

Array = NDArray[Any]

_WIDTH = 312
_BAR, _HALF = 52, 84
_CELL, _NAMES = 26, 82

STYLE = """
.drawings { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; }
.drawings figure { margin: .5rem 0; width: 312px; max-width: 100%; }
.drawings svg { display: block; width: 100%; height: auto; }
.drawings text { fill: var(--ink); font-size: 12px; }
.drawings .names text { fill: var(--faint); font-size: 12px; }
.drawings .plus { fill: var(--plus); }
.drawings .minus { fill: var(--minus); }
.drawings .line { stroke: var(--faint); stroke-width: 1; }
.drawings .middle { stroke: var(--accent); stroke-width: 1.5; stroke-dasharray: 5 4; }
.drawings .panel { fill: var(--panel); }
"""


def _sign(value: float) -> str:
    return "plus" if value >= 0 else "minus"


def mirrored_bars(weights: Array, largest: float, label: str) -> str:
    """Return the six weights of a hidden unit as bars, with the middle of the input marked.

    Parameters
    ----------
    weights : (6,) array
    largest : float
        The weight that takes the whole height.
    label : str
        What the picture says, for those who cannot see it.
    """
    height, middle = 2 * _HALF + 60, _HALF + 20
    parts = [f'<line class="line" x1="0" y1="{middle}" x2="{_WIDTH}" y2="{middle}"/>']
    for j, w in enumerate(weights.tolist()):
        tall = _HALF * abs(w) / (largest or 1)
        top = middle - tall if w >= 0 else middle
        x = j * _BAR + _BAR / 2
        y = middle - tall - 5 if w >= 0 else middle + tall + 14
        parts.append(f'<rect class="{_sign(w)}" x="{x - 16:.1f}" y="{top:.1f}" width="32" height="{tall:.1f}"/>')
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{signed(w)}</text>')
        parts.append(f'<text x="{x:.1f}" y="{height - 4}" text-anchor="middle">bit {j + 1}</text>')
    centre = _WIDTH / 2
    parts.append(f'<line class="middle" x1="{centre}" y1="2" x2="{centre}" y2="{height - 18}"/>')
    return _svg(height, parts, label)


def squares(
    upper: Array, lower: Array, names: tuple[tuple[str, ...], tuple[str, ...]], largest: float, label: str
) -> str:
    """Return the weights of one unit as two rows of squares whose area is the weight: a Hinton diagram.

    Parameters
    ----------
    upper, lower : (12,) arrays
    names : two tuples of 12 str
        Written above the upper row and below the lower one.
    largest : float
        The weight whose square fills its place.
    label : str
        What the picture says, for those who cannot see it.
    """
    height = 2 * _NAMES + 2 * _CELL
    parts = [f'<rect class="panel" x="0" y="{_NAMES}" width="{_WIDTH}" height="{2 * _CELL}"/>', '<g class="names">']
    for j, (above, below) in enumerate(zip(*names, strict=True)):
        x = j * _CELL + _CELL / 2 + 4
        y = _NAMES - 5, height - _NAMES + 5
        parts.append(f'<text transform="translate({x:.1f} {y[0]}) rotate(-90)">{escape(above)}</text>')
        parts.append(
            f'<text transform="translate({x:.1f} {y[1]}) rotate(-90)" text-anchor="end">{escape(below)}</text>'
        )
    parts.append("</g>")
    for row, (weights, people) in enumerate(zip((upper, lower), names, strict=True)):
        for j, w in enumerate(weights.tolist()):
            side = (_CELL - 2) * np.sqrt(min(1.0, abs(w) / (largest or 1)))
            x, y = j * _CELL + (_CELL - side) / 2, _NAMES + row * _CELL + (_CELL - side) / 2
            parts.append(
                f'<rect class="{_sign(w)}" x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}">'
                f"<title>{escape(people[j])}: {signed(w)}</title></rect>"
            )
    return _svg(height, parts, label)


def _svg(height: int, parts: list[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">\n' + "\n".join(parts) + "</svg>"
    )
