"""The images of units on a page: three sheets, and for each picture an element that shows its place on a sheet.

It knows bytes and HTML; what a picture means is said by those who ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.features.records import Features, Unit
from glassnet.insight.pages import escape
from glassnet.insight.pages.png import data_uri, grey, png, sheet, signed, signed_palette

Array = NDArray[Any]

_COLUMNS = 20
_LARGE, _SMALL, _LARGEST = 64, 48, 112


@final
@dataclass(frozen=True)
class Sheet:
    """Images on one PNG.

    Parameters
    ----------
    name : str
        Of the CSS class.
    file : bytes
    count : int
    size : (int, int)
        Width and height of one image on the page, in CSS pixels.
    """

    name: str
    file: bytes
    count: int
    size: tuple[int, int]

    def style(self) -> str:
        """Return the CSS that all its pictures share."""
        width, height = self.size
        return (
            f".{self.name} {{ width: {width}px; height: {height}px; background-image: url({data_uri(self.file)}); "
            f"background-size: {_COLUMNS * width}px {-(-self.count // _COLUMNS) * height}px; }}\n"
        )

    def picture(self, at: int, says: str) -> str:
        """Return the element that shows one image, with what it is in words."""
        row, column = divmod(at, _COLUMNS)
        place = f"{-column * self.size[0]}px {-row * self.size[1]}px"
        return (  # a title names it to screen readers and to a mouse; said twice it would be a fifth of the page
            f'<i class="px {self.name}" role=img title="{escape(says)}" style="background-position:{place}"></i>'
        )


@final
class Pictures:
    """All images of a page: what units weigh, their best inputs, the means of their rows, and the rows.

    Parameters
    ----------
    found : Features
        With an image shape.
    units : sequence of Unit
        Those on the page.
    """

    def __init__(self, found: Features, units: Sequence[Unit]) -> None:
        shape = found.image_shape
        if shape is None:
            raise ValueError("these rows are no images")
        low, high = float(found.low.min()), float(found.high.max())
        self._unit = {unit.name: at for at, unit in enumerate(units)}
        rows = sorted({int(row) for unit in units for row in unit.rows})
        self._row = {row: at for at, row in enumerate(rows)}
        inputs = len(found.inputs)

        def images(vectors: list[Array]) -> Array:
            return np.asarray(vectors, float).reshape(len(vectors), inputs).reshape(-1, *shape)

        self.weights = _sheet("w", signed(images([unit.direction for unit in units])), _LARGE, signed_palette())
        self.best = _sheet("b", grey(images([unit.best_input for unit in units]), low, high), _LARGE)
        means = grey(np.nan_to_num(images([unit.row_mean for unit in units]), nan=low), low, high)
        self.means = _sheet("m", means, _LARGE)
        shown = [found.shown[row] for row in rows]
        self.rows = _sheet("r", grey(images(shown), low, high), _SMALL) if shown else None

    def of(self, unit: Unit, what: Sheet, says: str) -> str:
        """Return a unit's picture from one of the sheets."""
        return what.picture(self._unit[unit.name], says)

    def row(self, row: int, says: str) -> str:
        """Return the picture of a row."""
        return "" if self.rows is None else self.rows.picture(self._row[row], says)

    def style(self) -> str:
        """Return the CSS of all sheets."""
        return "".join(each.style() for each in (self.weights, self.best, self.means, self.rows) if each is not None)


def _sheet(name: str, tiles: Array, wanted: int, palette: Array | None = None) -> Sheet:
    """Lay images out; each pixel becomes a whole number of CSS pixels, unless the image is large."""
    count, height, width = tiles.shape
    longest = max(height, width)
    scale = max(1, round(wanted / longest)) if longest <= _LARGEST else _LARGEST / longest
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return Sheet(name, png(sheet(tiles, _COLUMNS), palette), count, size)
