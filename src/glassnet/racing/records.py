"""What a race leaves behind: for each method and start, how the error went and where it ended. Plain records."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Point:
    """Where a method stood once.

    Parameters
    ----------
    evaluations : int
        Spent so far.
    seconds : float
        On its own clock; judging it does not count.
    error : float
        On the training rows.
    angle : float
        Degrees between its last step and the way straight downhill, minus the true gradient, at the place where the
        step began; NaN where it has not moved or the gradient is 0.
    """

    evaluations: int
    seconds: float
    error: float
    angle: float


@final
@dataclass(frozen=True)
class Run:
    """One method from one start.

    Parameters
    ----------
    seed : int
        Of the start and of the method's chance.
    points : tuple of Point
        The first is the start.
    steps : int
        How many θ it yielded.
    ended : str
        Why: "evaluations", "time", "done", "not finite" or "interrupted".
    error, accuracy : float, float or None
        In the end, on the training rows; None without classes.
    held_out_error, held_out_accuracy : float or None
        In the end, on rows it never saw; None where there are none.
    """

    seed: int
    points: tuple[Point, ...]
    steps: int
    ended: str
    error: float
    accuracy: float | None
    held_out_error: float | None
    held_out_accuracy: float | None

    @property
    def evaluations(self) -> int:
        """How many it spent up to its last step."""
        return self.points[-1].evaluations

    @property
    def seconds(self) -> float:
        """How long it took up to its last step."""
        return self.points[-1].seconds

    def evaluations_to(self, error: float) -> float:
        """Return after how many evaluations it was first seen with no more than an error; infinity if never."""
        return next((float(point.evaluations) for point in self.points if point.error <= error), float("inf"))

    @property
    def lowest(self) -> float:
        """The lowest error it was seen with on the way, on the rows that curves are taken on."""
        return min(point.error for point in self.points)


@final
@dataclass(frozen=True)
class Entry:
    """One method in a race.

    Parameters
    ----------
    method : str
        Its spelling, with what differs from the defaults.
    name, title, idea, source : str
    runs : tuple of Run
        One for each start that was run.
    refusal : str
        Why it was left out; empty if it was not.
    caution : str
        What it said before it started.
    """

    method: str
    name: str
    title: str
    idea: str
    source: str
    runs: tuple[Run, ...] = ()
    refusal: str = ""
    caution: str = ""

    def median(self, figure: str) -> float:
        """Return the median over the starts of a figure of the runs, such as "held_out_error"; NaN without any."""
        values = [value for run in self.runs if (value := getattr(run, figure)) is not None]
        return float(np.median(values)) if values else float("nan")

    def angle(self) -> float:
        """Return the median angle over all steps that were looked at; NaN where there was none."""
        angles = [point.angle for run in self.runs for point in run.points if np.isfinite(point.angle)]
        return float(np.median(angles)) if angles else float("nan")

    def band(self, axis: str, grid: Array) -> Array:
        """Return the lowest, median and highest error over the starts at each place of a grid: (3, g).

        Parameters
        ----------
        axis : {"evaluations", "seconds"}
        grid : (g,) array
            NaN is returned beyond the shortest run and before the first step of the slowest.
        """
        curves = []
        for run in self.runs:
            at = np.array([getattr(point, axis) for point in run.points], float)
            errors = np.array([point.error for point in run.points], float)
            place = np.searchsorted(at, grid, side="right") - 1
            curve = errors[np.maximum(place, 0)]
            curve[(place < 0) | (grid > at[-1])] = np.nan
            curves.append(curve)
        stack = np.array(curves)
        gone = np.isnan(stack).any(axis=0)
        stack[:, gone] = 0.0
        band = np.stack([stack.min(axis=0), np.median(stack, axis=0), stack.max(axis=0)])
        band[:, gone] = np.nan
        return band


@final
@dataclass(frozen=True)
class Cost:
    """The cost of one step as the number of weights grows, in forward passes over the same rows.

    Parameters
    ----------
    weights : tuple of int
        How many parameters each network had.
    rows : tuple of int
        Over how many rows each was timed.
    forward : tuple of float
        Seconds of one forward pass.
    backprop, numerical : tuple of float
        One gradient, in forward passes.
    sampled : tuple of int
        How many weights were nudged for the numerical derivative; the rest is reckoned from them.
    """

    weights: tuple[int, ...]
    rows: tuple[int, ...]
    forward: tuple[float, ...]
    backprop: tuple[float, ...]
    numerical: tuple[float, ...]
    sampled: tuple[int, ...]

    def exponent(self, of: str) -> float:
        """Return b of cost = a · weightsᵇ, fitted in logarithms; `of` is "backprop" or "numerical"."""
        return float(np.polyfit(np.log(self.weights), np.log(getattr(self, of)), 1)[0])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        exponents = {of: self.exponent(of) for of in ("backprop", "numerical")}
        return {**{name: list(values) for name, values in dataclasses.asdict(self).items()}, "exponents": exponents}


@final
@dataclass(frozen=True)
class Race:
    """A whole race. Print it for a summary; ``html()`` is the page, ``to_dict()`` plain values.

    Parameters
    ----------
    title : str
        What was raced on.
    units : tuple of int
        Of the input and every layer.
    parameters : int
        How many of them may move.
    rows, held_out_rows : int
    judged_rows : int
        On how many of the training rows the curves were taken.
    loss : str
    score : {"error", "accuracy"}
        What methods that only try went by.
    evaluations, seconds : int or float, or None
        The budget of each method for each start.
    seeds : tuple of int
    entries : tuple of Entry
    interrupted : bool
        Whether it was stopped before its end.
    cost : Cost or None
    """

    title: str
    units: tuple[int, ...]
    parameters: int
    rows: int
    held_out_rows: int
    judged_rows: int
    loss: str
    score: str
    evaluations: int | None
    seconds: float | None
    seeds: tuple[int, ...]
    entries: tuple[Entry, ...]
    interrupted: bool = False
    cost: Cost | None = None

    def __getitem__(self, name: str) -> Entry:
        """Return the entry of a method by its name or spelling."""
        for entry in self.entries:
            if name in (entry.name, entry.method):
                return entry
        raise KeyError(name)

    def ranked(self) -> list[Entry]:
        """Return the entries that ran, the best median of `yardstick` first; what is not a number comes last."""
        sign = -1 if self.score == "accuracy" else 1
        ran = [entry for entry in self.entries if entry.runs]
        return sorted(ran, key=lambda entry: np.nan_to_num(sign * entry.median(self.yardstick), nan=np.inf))

    @property
    def yardstick(self) -> str:
        """The figure of a run that methods are ranked by: error or accuracy, on held-out rows if there are any."""
        return f"held_out_{self.score}" if self.held_out_rows else self.score

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; what is not finite stays a float."""
        return dataclasses.asdict(self) | {
            "cost": None if self.cost is None else self.cost.to_dict(),
            "summary": self.text(),
        }

    def text(self) -> str:
        """Return a table and the conclusion that these numbers allow, in plain text."""
        from glassnet.racing.words import text

        return text(self)

    def __str__(self) -> str:
        return self.text()

    def html(self) -> str:
        """Return the page that shows the race: works offline, in light and dark."""
        from glassnet.racing.pictures import race_page

        return race_page([self])
