"""What a learning curve found, as a record; its words and its page are made next door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.curve.power_law import LEVEL, Projection

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Measure:
    """One kind of error at every size and seed.

    Attributes
    ----------
    name : str
        Of the loss, "share of rows mistaken" or "root mean squared error".
    is_share : bool
        Whether it is a share of rows, told in per cent.
    held_out, training : (sizes, seeds) arrays
        On the held-out rows, and on the rows trained on, both without dropout and penalty; NaN where a training is
        missing.
    projection : Projection
    """

    name: str
    is_share: bool
    held_out: Array
    training: Array
    projection: Projection

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; NaN is None."""
        return {
            "name": self.name,
            "held_out": _plain(self.held_out),
            "training": _plain(self.training),
            "projection": dataclasses.asdict(self.projection),
        }


@final
@dataclass(frozen=True)
class LearningCurve:
    """Error against the number of rows trained on.

    Attributes
    ----------
    sizes : tuple of int
        Rows trained on, ascending.
    seeds : tuple of int
    epochs : tuple of int
        For each size.
    rows_held_out : int
    loss : Measure
    error : Measure
        The share of rows mistaken, or the root mean squared error over outputs, in units of the target.
    r2_scale : float or None
        The held-out targets' standard deviation in the same units, so that R² = 1 − (error/r2_scale)²; None for
        classes.
    diverged : tuple of (size, seed, message)
        Trainings that met a NaN or an infinity.
    interrupted : bool
    seconds : float
    """

    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    rows_held_out: int
    loss: Measure
    error: Measure
    r2_scale: float | None
    diverged: tuple[tuple[int, int, str], ...]
    interrupted: bool
    seconds: float

    @property
    def runs(self) -> int:
        """How many trainings are done."""
        return int((~np.isnan(self.loss.held_out)).sum())

    @property
    def r2(self) -> Array | None:
        """The share of the held-out targets' variance that is explained, (sizes, seeds); None for classes."""
        if not self.r2_scale:
            return None
        explained: Array = 1 - (self.error.held_out / self.r2_scale) ** 2
        return explained

    def text(self) -> str:
        """Return what it says, for a terminal."""
        from glassnet.insight.curve.words import text

        return text(self)

    def html(self, title: str = "Learning curve") -> str:
        """Return a whole page with charts."""
        from glassnet.insight.curve.drawing import curve_page

        return curve_page(self, title)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; NaN is None."""
        return {
            "sizes": list(self.sizes),
            "seeds": list(self.seeds),
            "epochs": list(self.epochs),
            "rows_held_out": self.rows_held_out,
            "loss": self.loss.to_dict(),
            "error": self.error.to_dict(),
            "r2": None if self.r2 is None else _plain(self.r2),
            "level": LEVEL,
            "diverged": [list(each) for each in self.diverged],
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("Learning curve", self.html())


def _plain(array: Array) -> list[list[float | None]]:
    return [[None if np.isnan(x) else float(x) for x in row] for row in array]
