"""Where everything stands: pixels of columns, neurons, boxes and text. It knows records, no SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from glassnet.insight.drawing.records import Column, Drawing

RADIUS, PIXEL_RADIUS = 14.0, 5.0
IMAGE = 224.0
LINE = 17.0
BOX_WIDTH, BOX_HEIGHT = 132.0, 42.0

_SIDE = 172.0
"""Room for names left of the inputs and right of the outputs."""
_PITCH, _PITCH_NAMED, _WIDEST_PITCH = 42.0, 62.0, 110.0
_LOWEST = 300.0
_WIDTH, _NARROWEST, _WIDEST = 1090.0, 230.0, 340.0
_HEADINGS = 70.0
_BIAS_LANE = 46.0


@final
@dataclass(frozen=True)
class Place:
    """A column's place.

    Parameters
    ----------
    x : float
        Of its neurons' centres, or of its image's middle.
    left, right : float
        Where links to the column before end, and links to the next begin.
    neurons : tuple of (float, float)
        The centres of those drawn.
    radius : float
    box : (float, float) or None
        The middle of the box that stands for the rest.
    top, bottom : float
        From its first neuron to its last one or to its box.
    named_below : bool
        Whether names stand below the neurons, being too long for the inside.
    """

    x: float
    left: float
    right: float
    neurons: tuple[tuple[float, float], ...]
    radius: float
    box: tuple[float, float] | None
    top: float
    bottom: float
    named_below: bool


@final
@dataclass(frozen=True)
class Layout:
    """Places of all columns.

    Parameters
    ----------
    columns : tuple of Place
    width : float
    bias_y : float
        Where inputs that are always on stand.
    floor : float
        Where the text below the columns begins.
    """

    columns: tuple[Place, ...]
    width: float
    bias_y: float
    floor: float


def lay_out(drawing: Drawing) -> Layout:
    """Return where everything stands."""
    last = len(drawing.columns) - 1
    has_image = [c == 0 and drawing.image_shape is not None for c in range(last + 1)]
    named = [0 < c < last and _needs_room(column) for c, column in enumerate(drawing.columns)]
    heights = [_height(*each) for each in zip(drawing.columns, has_image, named, strict=True)]
    biases = any(gap.biases for gap in drawing.gaps)
    tallest = max(_LOWEST, *heights)
    start = _HEADINGS + (_BIAS_LANE if biases else 0)
    between = min(_WIDEST, max(_NARROWEST, (_WIDTH - 2 * _SIDE) / max(1, last)))
    places, x = [], IMAGE / 2 + 24 if has_image[0] else _SIDE
    for c, column in enumerate(drawing.columns):
        places.append(_place(drawing, column, x, start, tallest, has_image[c], named[c]))
        x = places[-1].right + between
    right = places[-1].x + _SIDE
    return Layout(tuple(places), right, _HEADINGS + 18, start + tallest + 8)


def _needs_room(column: Column) -> bool:
    return any(len(neuron.name) > 4 for neuron in column.neurons)


def _height(column: Column, image: bool, named: bool) -> float:
    box = BOX_HEIGHT + 16 if column.rest else 0.0
    return box + (IMAGE + 8 if image else len(column.neurons) * (_PITCH_NAMED if named else _PITCH))


def _place(drawing: Drawing, column: Column, x: float, start: float, tallest: float, image: bool, named: bool) -> Place:
    """Return a column's place: in the middle of `tallest` pixels from `start` on, its neurons spread over them."""
    if image and drawing.image_shape is not None:
        rows, columns = drawing.image_shape
        top = start + (tallest - _height(column, image, named)) / 2
        side = IMAGE / max(rows, columns)
        left, upper = x - side * columns / 2, top + (IMAGE - side * rows) / 2
        centres = [
            (left + side * (neuron.index % columns + 0.5), upper + side * (neuron.index // columns + 0.5))
            for neuron in column.neurons
        ]
        end = top + IMAGE
        box = (x, end + 12 + BOX_HEIGHT / 2) if column.rest else None
        edge = x + IMAGE / 2
        return Place(x, x, edge, tuple(centres), PIXEL_RADIUS, box, top, box[1] if box else end, False)
    room = tallest - (BOX_HEIGHT + 16 if column.rest else 0.0)
    pitch = min(_WIDEST_PITCH, room / len(column.neurons))
    top = start + (room - pitch * len(column.neurons)) / 2
    centres = [(x, top + pitch * (n + 0.5) - (10 if named else 0)) for n in range(len(column.neurons))]
    end = top + pitch * len(centres)
    box = (x, end + 8 + BOX_HEIGHT / 2) if column.rest else None
    return Place(x, x, x, tuple(centres), RADIUS, box, centres[0][1], box[1] if box else centres[-1][1], named)
