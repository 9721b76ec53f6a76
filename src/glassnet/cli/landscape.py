"""`glassnet landscape`: the error around the trained weights, and where many starts end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, final

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from glassnet.cli.answers import Out, page_place, save_answer
from glassnet.cli.console import note, say, say_json
from glassnet.cli.models import Opened, open_model
from glassnet.cli.options import Data, Json, ModelPath, RowsOrAll, Whole, WholeOrNone
from glassnet.cli.runs import run_beside
from glassnet.errors import FileError, InputError
from glassnet.insight.landscape import GridProgress, StartsProgress, hill, many_starts
from glassnet.insight.landscape import landscape as take_landscape
from glassnet.insight.landscape.report import landscape_page
from glassnet.insight.landscape.trail import Trail, settings_of_run, trail_of_run
from glassnet.insight.landscape.words import duration
from glassnet.training import RunFolder

Array = NDArray[Any]

_EXAMPLE = "hill"
_SECONDS_BETWEEN_NOTES = 10.0
_SECONDS_WITHOUT_A_WORD = 3.0
_SECONDS_TO_MEASURE = 1.0


def landscape(
    model: ModelPath,
    source: Annotated[str | None, Parameter(help="The rows, such as digits; none for the example hill.")] = None,
    /,
    *,
    directions: Annotated[
        list[str] | None,
        Parameter(
            consume_multiple=True,
            negative=(),
            help='random, path, or two weights such as "1:12,3 1:4,7": layer, from, to; "1:3" is a bias. Left out: '
            "path where the model's run lies beside it, else random.",
        ),
    ] = None,
    points: Annotated[
        WholeOrNone,
        Parameter(help="Of the grid, along each direction. Left out: 51, or what ten seconds allow, at least 11."),
    ] = None,
    span: Annotated[float | None, Parameter(help="How far the grid goes from the trained weights.")] = None,
    rows: Annotated[
        WholeOrNone, Parameter(help="Take at most so many rows. Left out: what ten seconds allow, at least 128.")
    ] = None,
    starts: Annotated[Whole, Parameter(help="Also train from so many random places.")] = 0,
    epochs: Annotated[WholeOrNone, Parameter(help="Of each start. Left out: as in the model's run.")] = None,
    optimizer: Annotated[str | None, Parameter(help="Of each start. Left out: as in the model's run.")] = None,
    batch_size: Annotated[RowsOrAll, Parameter(help="Of each start, or all. Left out: as in the run.")] = None,
    threads: Annotated[WholeOrNone, Parameter(help="How many starts train at once.")] = None,
    seed: Annotated[Whole, Parameter(help="Of random directions, sampled rows and starts.")] = 0,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """Picture the error over a plane through the trained weights, with the path of training on it.

    With --starts, the same network is trained from many random places, and you see which valleys were reached, how
    deep and how often. `glassnet landscape hill` draws a hill of two weights with a local basin on one side.
    """
    if str(model) == _EXAMPLE and source is None:
        return _show_hill(points, out, json)
    if source is None:
        raise InputError(
            f"Which rows? Write: glassnet landscape {model} digits. For the example: landscape {_EXAMPLE}."
        )
    if starts < 0:
        raise InputError(f"--starts is {starts}; expected a whole number from 1 up, or 0 for none.")
    place = None if json and out is None else page_place(out, model, "landscape")
    opened = open_model(model, source, data, with_truth=True)
    x, y, which = _rows_of_training(opened)
    run = run_beside(model)
    wanted = _as_directions(directions)
    trail = _trail(opened, run, wanted)
    found = take_landscape(
        opened.model.network,
        x,
        y,
        opened.loss,
        directions=wanted or ("random" if trail is None else "path"),
        path=trail,
        span=span,
        points=points,
        seed=seed,
        rows=rows,
        report=None if json else _GridReport(),
    )
    if not json:
        say(which)
        say(found.text())
    reached = None
    if starts:
        chosen = {"epochs": epochs, "optimizer": optimizer, "batch_size": batch_size}
        training = _settings(run, opened, {name: value for name, value in chosen.items() if value is not None})
        if not json:
            note(f"training {starts:,} starts; how long that takes is told once two are done.")
        with contextlib.suppress(KeyboardInterrupt):  # before the first start was done; the landscape is kept
            reached = many_starts(
                opened.model.network,
                x,
                y,
                opened.loss,
                starts=starts,
                seed=seed,
                threads=threads,
                report=None if json else _Report(),
                **training,
            )
        if not json:
            say("\nInterrupted before a start was done." if reached is None else f"\n{reached.text()}")
    if place is not None:
        title = f"The error around the weights of {model.name}"
        page = landscape_page(found, title, reached)
        _save(place, page, json)
    if json:
        answer = {"model": str(model), "source": opened.table.source, **found.to_dict()}
        say_json(answer if reached is None else {**answer, "starts": reached.to_dict()})
    return 130 if starts and (reached is None or len(reached.seeds) < starts) else 0


def _show_hill(points: int | None, out: Path | None, json: bool) -> int:
    place = None if json and out is None else page_place(out, _EXAMPLE, "landscape")
    example = hill() if points is None else hill(points)
    if json:
        say_json(example.to_dict())
    else:
        say(example.text())
    if place is not None:
        _save(place, example.html(), json)
    return 0


def _save(place: Path, page: str, json: bool) -> None:
    if json:  # nothing but the object is printed
        save_answer(place, page, quiet=True)
    else:
        save_answer(place, page)


def _rows_of_training(opened: Opened) -> tuple[Array, Array, str]:
    """Return the rows on which the network descended, if they are known, else all."""
    held_out = opened.held_out()
    if held_out is not None:
        return opened.x[~held_out], opened.y[~held_out], f"The {(~held_out).sum():,} rows it was trained on."
    if opened.source_has_changed:
        note(f"{opened.table.source} is not as it was when this model was trained; all its rows are taken.")
    return opened.x, opened.y, f"All {len(opened.table):,} rows of {opened.table.source}."


def _as_directions(words: Sequence[str] | None) -> str | list[str] | None:
    """Read random, path, or two weights, which may stand in one word with a space."""
    parts = [part for word in words or () for part in word.split()]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 and parts[0] in ("random", "path") else parts


def _trail(opened: Opened, run: RunFolder, wanted: str | list[str] | None) -> Trail | None:
    """Return the path of the model's run, or say why there is none."""
    if not run.path.is_dir():
        trouble = f"There is no run of this model: {run.path} is missing."
    else:
        try:
            return trail_of_run(opened.model.network.astype(np.float64), run)
        except (InputError, FileError) as error:
            trouble = str(error)
    if wanted == "path":
        raise InputError(f"{trouble} Take --directions random, or name two weights.")
    note(f"{trouble} No path of training is drawn{', and the directions are random' if wanted is None else ''}.")
    return None


def _settings(run: RunFolder, opened: Opened, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return how each start trains: as the model's own run did, where that is known; what was chosen goes first."""
    net = opened.model.network
    own = None
    if run.path.is_dir():
        try:
            trail_of_run(net.astype(np.float64), run)
            own = settings_of_run(run)
        except (InputError, FileError):
            own = None
    if own is None:
        note("There is no run of this model to learn from how it was trained; the starts take glassnet's defaults.")
    settings = {**(own or {}), **chosen}
    if settings.get("batch_size") == "all":
        settings["batch_size"] = None
    if own is not None and "epochs" in chosen and "schedule" in own:
        settings["schedule"] = str(own["schedule"]).split("(")[0]  # its length follows the epochs
    return settings


@final
class _GridReport:
    """Says how long a grid takes, where that is long, and then now and then how far it is."""

    def __init__(self) -> None:
        self._began = self._said = 0.0

    def __call__(self, progress: GridProgress) -> None:
        now, left = time.monotonic(), f"about {duration(progress.seconds_left)}"
        self._began = self._began or now
        if not self._said:
            too_early = now - self._began < _SECONDS_TO_MEASURE  # the first points take longer than the others
            if too_early or progress.seconds_left < _SECONDS_WITHOUT_A_WORD:
                return
            note(f"the error at {progress.points:,} points takes {left} more.")
        elif now - self._said < _SECONDS_BETWEEN_NOTES or progress.done == progress.points:
            return
        else:
            note(f"{progress.done:,} of {progress.points:,} points, {left} left.")
        self._said = now


@final
class _Report:
    """Says what the starts will take, and then now and then how far they are."""

    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, progress: StartsProgress) -> None:
        now = time.monotonic()
        if not self._said:
            each, left = duration(progress.seconds_each), duration(progress.seconds_left)
            note(f"a start takes {each}; the other {progress.starts - progress.done:,} take about {left}. Ctrl-C keeps "
                 "those that are done.")  # fmt: skip
        elif now - self._said < _SECONDS_BETWEEN_NOTES or progress.done == progress.starts:
            return
        else:
            note(f"{progress.done:,} of {progress.starts:,} starts, about {duration(progress.seconds_left)} left.")
        self._said = now
