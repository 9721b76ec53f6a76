"""`glassnet features`: what hidden units have learned to see, in a saved network or in an experiment of 1986."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from glassnet.cli.answers import Out, page_place, save_answer
from glassnet.cli.console import progress_console, say, say_json
from glassnet.cli.models import Opened, open_model
from glassnet.cli.options import Data, Json, WholeOrNone
from glassnet.cli.patience import told_if_slow
from glassnet.errors import InputError
from glassnet.insight.features import Features
from glassnet.insight.features import features as find_features
from glassnet.training.arguments import as_count

_UNIT = re.compile(r"(\d+):(\d+)")


def features(
    model: Annotated[
        Path, Parameter(help="A model file; or symmetry or family-trees, which retrace an experiment of 1986.")
    ],
    source: Annotated[
        str | None, Parameter(help="The rows: digits, digits:3,7, mnist, or a CSV or Parquet file of numbers.")
    ] = None,
    /,
    *,
    of: Annotated[str | None, Parameter(name="--class", help="A class: which units see it?")] = None,
    unit: Annotated[str | None, Parameter(help="One unit alone, as LAYER:NEURON, such as 0:17.")] = None,
    layer: Annotated[WholeOrNone, Parameter(help="One hidden layer alone, by its number in glassnet info.")] = None,
    rows: Annotated[
        WholeOrNone, Parameter(help="Look at so many rows at most, drawn at random; 5000 if left out.")
    ] = None,
    seed: Annotated[
        WholeOrNone,
        Parameter(help="Decides which rows are drawn, 0 if left out; or which run of an experiment is shown."),
    ] = None,
    seeds: Annotated[
        WholeOrNone, Parameter(help="How often an experiment is run, each from weights of its own.")
    ] = None,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what each hidden unit has learned to see: rows, inputs, classes, links, and units that say the same."""
    experiment = _experiment(model)
    if experiment is not None:
        given = {"rows": source, "--class": of, "--unit": unit, "--layer": layer, "--rows": rows}
        _refuse({**given, "--data": data}, f"{model} is an experiment with rows of its own")
        if seeds is not None:
            as_count("--seeds", seeds)
        place = _place(out, model, json)
        how_often = {} if seeds is None else {"seeds": seeds}
        result = experiment(**how_often, seed=seed, progress=_Told())
        _answer(place, json, {"experiment": str(model)}, result.to_dict, result.text, result.html)
        return
    _refuse({"--seeds": seeds}, f"{model} is a model file; only experiments are run more than once")
    if source is None:
        raise InputError(f"Name rows after the model, as in glassnet features {model} digits.")
    place, wanted = _place(out, model, json), _unit(unit)
    opened = open_model(model, source, data, with_truth=True)
    most = 5000 if rows is None else rows
    net = opened.model.network
    with told_if_slow(
        f"looking at what hidden units see over {min(most, len(opened.x)):,} rows, in a network of "
        f"{net.layout.parameters:,} weights; large ones take a minute or more."
    ):
        found = _find(opened, wanted, layer, most, seed or 0)
        if of is not None:
            found.class_index(of)
    _answer(
        place,
        json,
        {"model": str(model), "source": opened.table.source},
        lambda: _plain(found, of, wanted),
        lambda: found.text(of=of, unit=wanted),
        lambda: found.html(of=of, unit=wanted),
    )


def _find(opened: Opened, unit: tuple[int, int] | None, layer: int | None, rows: int, seed: int) -> Features:
    if rows < 2:
        raise InputError(f"--rows is {rows}; expected a whole number from 2 up.")
    net, classes = opened.model.network, opened.encoder.classes
    yes_or_no = net.outputs == 1 and len(classes) == 2
    if unit is not None and layer is None:
        layer = unit[0]
    found = find_features(
        net,
        opened.x,
        opened.y,
        opened.loss,
        layer=layer,
        image_shape=opened.encoder.image_shape,
        max_rows=rows,
        seed=seed,
        feature_names=opened.names["feature_names"],
        class_names=classes if yes_or_no else opened.names["class_names"],
    )
    if unit is not None:
        found.unit(*unit)
    return found


def _plain(found: Features, of: str | None, unit: tuple[int, int] | None) -> dict[str, Any]:
    """Return what --json prints: one unit whole; else all, or those that see a class, without their long arrays."""
    values = found.to_dict(whole=False)
    if unit is not None:
        values["units"] = [found.unit(*unit).to_dict()]
    elif of is not None:
        values["units"] = [each.to_dict(whole=False) for each in found.seeing(of)]
    return values


def _unit(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = _UNIT.fullmatch(text.strip())
    if match is None:
        raise InputError(f"--unit is {text!r}; expected LAYER:NEURON, both counted from 0, such as 0:17.")
    return int(match[1]), int(match[2])


def _experiment(model: Path) -> Callable[..., Any] | None:
    """Return the experiment of this name, or None where the name is that of a file."""
    if model.suffix or len(model.parts) != 1:
        return None
    from glassnet.insight.experiments import EXPERIMENTS

    return EXPERIMENTS.get(str(model))


def _refuse(given: dict[str, object], why: str) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise InputError(f"{why}; it takes no {' and no '.join(names)}.")


def _place(out: Path | None, model: Path, json: bool) -> Path | None:
    return None if json and out is None else page_place(out, model, "features")


def _answer(
    place: Path | None,
    json: bool,
    head: dict[str, Any],
    plain: Callable[[], dict[str, Any]],
    text: Callable[[], str],
    html: Callable[[], str],
) -> None:
    """Print the answer and write the page: with --json only where --out names a place."""
    if json:
        if place is not None:
            save_answer(place, html(), quiet=True)
        say_json({**head, **plain()})
        return
    say(text())
    if place is not None:
        save_answer(place, html())


class _Told:
    """Progress of an experiment: about ten lines on standard error, and none more than one in two seconds."""

    def __init__(self) -> None:
        self.console, self.last = progress_console(), time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if done % max(1, total // 10) == 0 and time.monotonic() - self.last > 2:
            self.last = time.monotonic()
            self.console.print(f"{done} of {total} runs", highlight=False)
