"""`glassnet race`: backpropagation against every other way to set the weights, on a person's own rows."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token
from rich.console import Console

from glassnet.cli.answers import require_place, save_answer
from glassnet.cli.console import progress_console, say, say_json
from glassnet.cli.options import Data, Ignore, Json, Sizes, Target, Task, Whole
from glassnet.cli.race_progress import race_shown
from glassnet.cli.recipe import recipe
from glassnet.data import Encoder, open_source, split
from glassnet.errors import InputError
from glassnet.files import write_bytes
from glassnet.maths.losses import LOSSES
from glassnet.network import Dense, Network
from glassnet.racing import Race, cost_of_step
from glassnet.racing import race as run_race
from glassnet.racing.arguments import as_rivals
from glassnet.racing.lesson import pieces
from glassnet.racing.pictures import race_page
from glassnet.racing.words import duration

_BUDGET, _BUDGET_OF_THE_LESSON = 60.0, 180.0
_HIDDEN = 16
_COST_SECONDS, _BUDGET_WITH_COST = 8.0, 30.0
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|m|min|h|)")
_SECONDS_OF = {"ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def _time(type_: Any, tokens: Sequence[Token]) -> float:
    """Read 60s, 2m, 90 or 1.5h as seconds."""
    found = _TIME.fullmatch(tokens[0].value.strip().lower())
    if found is None or not float(found[1]):
        raise ValueError(f"{tokens[0].value!r} is no time; write it as 60s, 2m or 1h.")
    return float(found[1]) * _SECONDS_OF[found[2]]


def _many(type_: Any, tokens: Sequence[Token]) -> int:
    """Read 1000000, 1_000_000 or 1e6 as a whole number."""
    text = tokens[0].value
    try:
        number = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        number = float("nan")
    if not 1 <= number < 2**62:
        raise ValueError(f"{text!r} is no number of evaluations; write it as 1000000 or 1e6.")
    return round(number)


def _words(type_: Any, tokens: Sequence[Token]) -> list[str]:
    """Read names with commas or spaces between them; a comma in parentheses belongs to its name."""
    parts = [part.strip() for token in tokens for part in re.split(r",(?![^()]*(?:\([^()]*\)[^()]*)*\))", token.value)]
    return [part for part in parts if part]


Budget = Annotated[float | None, Parameter(converter=_time)]
Evaluations = Annotated[int | None, Parameter(converter=_many)]
Methods = Annotated[list[str] | None, Parameter(converter=_words, consume_multiple=True, negative=())]


def race(
    source: Annotated[
        str | None, Parameter(help="The rows: digits, digits:3,7, mnist, or a CSV or Parquet file; none for --lesson.")
    ] = None,
    /,
    *,
    target: Target = None,
    task: Task = None,
    data: Data = None,
    ignore: Ignore = None,
    methods: Methods = None,
    budget: Budget = None,
    evaluations: Evaluations = None,
    seeds: Whole = 3,
    hidden: Sizes = None,
    activation: str = "relu",
    loss: str | None = None,
    score: Literal["error", "accuracy"] = "error",
    validation: float = 0.2,
    seed: Whole = 0,
    cost: Annotated[bool | None, Parameter(negative="--no-cost")] = None,
    lesson: Annotated[bool, Parameter(negative=())] = False,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Let backpropagation race every other way to set the weights: same starts, same budget, same rows.

    Parameters
    ----------
    methods
        Such as backprop,evolution,numerical, or with settings, "backprop('sgd(0.5)')". Left out: all there are.
    budget
        Time for the whole race, such as 60s or 2m; each method gets the same share. Left out: 60s, or none where
        --evaluations is given.
    evaluations
        What each method may spend from each start, such as 1e6. One evaluation is one network on one row; a pass
        forward and backward counts as three.
    seeds
        How many starts.
    hidden
        Neurons of each hidden layer. Left out: 16.
    activation
        Of the hidden layers.
    loss
        Left out: cross_entropy for classes, squared_error for numbers.
    score
        What methods go by that only try things out.
    validation
        Share of the rows to hold out, to judge the ends by.
    seed
        Decides the first start, the split and all chance.
    cost
        Measure what one step costs as networks grow. Left out: done where the budget is 30s or more.
    lesson
        Run the set piece: the 2-2-2 network, XOR, a 3 from a 7, and 900,000 weights.
    out
        The HTML file to write; it works offline. Left out: named after the rows, .race.html.
    """
    if lesson and source is not None:
        raise InputError(f"--lesson brings rows of its own, but {source} is named too; leave one of them out.")
    if not lesson and source is None:
        raise InputError("No rows are named. Write glassnet race digits:3,7, or glassnet race --lesson.")
    place = None if json and out is None else _place(out, source)
    as_rivals(methods)
    console = None if json else progress_console()
    settings: dict[str, Any] = {"methods": methods, "evaluations": evaluations, "score": score}
    if lesson:
        whole = budget or (None if evaluations else _BUDGET_OF_THE_LESSON)
        return _lesson(settings, whole, cost, place, json, console)
    whole = budget or (None if evaluations else _BUDGET)
    with_cost = cost if cost is not None else (whole or 0) >= _BUDGET_WITH_COST
    time_left = whole if whole is None or not with_cost else max(0.5 * whole, whole - _COST_SECONDS)
    net, arrays = _subject(str(source), target, task, data, ignore, hidden, activation, loss, validation, seed)
    if console is not None:
        say(_plan_in_words(net, whole, evaluations, seeds))
    found = _one(net, arrays | settings | {"budget": time_left, "seeds": seeds}, console, str(source))
    if with_cost and not found.interrupted:
        found = dataclasses.replace(found, cost=_cost(console))
    return _answer([found], [], place, json, f"The race on {source}")


def _place(out: Path | None, source: str | None) -> Path:
    """Return where the page goes, before anything is computed."""
    if out is None:
        name = "lesson" if source is None else Path(source).name.replace(":", "-").replace(",", "-")
        for ending in (".gz", ".csv", ".tsv", ".parquet"):
            name = name.removesuffix(ending)
        out = Path(f"{name}.race.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out is {out}; expected a name that ends in .html.")
    return require_place(out)


def _subject(
    source: str,
    target: str | None,
    task: Any,
    data: Path | None,
    ignore: list[str] | None,
    hidden: list[int] | None,
    activation: str,
    loss: str | None,
    validation: float,
    seed: int,
) -> tuple[Network, dict[str, Any]]:
    """Return the network and the rows that the race is about."""
    table = open_source(source, folder=data, target=target, task=task, ignore=ignore or ())
    if table.targets is None or table.task is None:
        raise InputError(f"{source} says nothing of what to predict. Name the column with --target.")
    if table.held_out is not None:
        training, held_out = table, table.held_out
    else:
        kept, left = split(table, validation, seed)
        training, held_out = table.rows(kept), table.rows(left)
    chosen = LOSSES.resolve(loss or recipe(len(training), table.image_shape is not None, table.task).loss)
    encoder = Encoder.fit(training)
    x, y = encoder.inputs(training, "float64"), encoder.targets(training, "float64")
    xv, yv = encoder.inputs(held_out, "float64"), encoder.targets(held_out, "float64")
    outputs = len(table.classes) if table.task == "classification" else 1
    sizes = [_HIDDEN] if hidden is None else [] if hidden == [0] else hidden
    layers = [*(Dense(units, activation) for units in sizes), Dense(outputs, chosen.last_activation)]
    net = Network(x.shape[1], layers, seed=seed, dtype="float64")
    return net, {"X": x, "Y": y, "validation": (xv, yv), "loss": chosen, "title": source}


def _plan_in_words(net: Network, whole: float | None, evaluations: int | None, seeds: int) -> str:
    parts = [] if whole is None else [f"{duration(whole)} in all"]
    parts += [] if evaluations is None else [f"{evaluations:,} evaluations for each method and start"]
    starts = f"{seeds} start{'s' if seeds > 1 else ''}"
    return f"A network of {net.layout.parameters:,} weights and biases, {starts}, {' and '.join(parts)}."


def _one(net: Network, arguments: dict[str, Any], console: Console | None, title: str) -> Race:
    with contextlib.ExitStack() as stack:
        listener = None if console is None else stack.enter_context(race_shown(console, title))
        return run_race(net, **arguments, listener=listener)


def _cost(console: Console | None) -> Any:
    if console is not None:
        console.print("Measuring what one step costs as networks grow ...", highlight=False)
    return cost_of_step()


def _lesson(
    settings: dict[str, Any],
    whole: float | None,
    with_cost: bool | None,
    place: Path | None,
    json: bool,
    console: Console | None,
) -> int:
    """Run the set piece, one race after the other, until all are run or Ctrl-C comes."""
    races, says = [], []
    for piece in pieces():
        arrays = {"X": piece.x, "Y": piece.y, "loss": piece.loss, "validation": piece.validation, "title": piece.title}
        share = None if whole is None else whole * piece.share
        arguments = arrays | settings | {"budget": share, "seeds": piece.seeds}
        races.append(_one(piece.network, arguments, console, piece.title))
        says.append(piece.says)
        if not json:
            say(f"{piece.title}. {piece.says}\n\n{races[-1].text()}\n")
        if races[-1].interrupted:
            break
    if with_cost is not False and not races[-1].interrupted:
        races[-1] = dataclasses.replace(races[-1], cost=_cost(console))
    return _answer(races, says, place, json, "The race, a lesson in four networks")


def _answer(races: list[Race], says: list[str], place: Path | None, json: bool, title: str) -> int:
    """Print what came out, write the page, and return the exit code."""
    from glassnet.racing.words import cost_sentences

    if json:
        say_json(races[0].to_dict() if not says else {"races": [race.to_dict() for race in races]})
    elif not says:
        say(races[0].text())
    elif races[-1].cost is not None:
        say("\n".join(cost_sentences(races[-1].cost)))
    if place is not None:
        html = race_page(races, introductions=says, title=title)
        if json:
            write_bytes(place, html.encode())
        else:
            say()
            save_answer(place, html)
    return 130 if races[-1].interrupted else 0
