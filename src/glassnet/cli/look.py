"""`glassnet look`: a network as a drawing, and blame flowing back through it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.answers import Out, page_place, save_answer
from glassnet.cli.console import say, say_json
from glassnet.cli.models import open_model
from glassnet.cli.options import Data, Json, Whole, WholeOrNone
from glassnet.data import Encoder
from glassnet.errors import InputError
from glassnet.files import load_model
from glassnet.insight.drawing import Look, look_at_company
from glassnet.insight.drawing import look as look_at

_COMPANY = Path("company")


def look(
    model: Annotated[Path, Parameter(help="A model file, or the word company for the example that comes along.")],
    source: Annotated[
        str | None, Parameter(help="Rows, such as digits or a CSV file; left out, the weights alone are drawn.")
    ] = None,
    /,
    *,
    row: Annotated[
        WholeOrNone, Parameter(help="Whose blame flows back, counted from 0; the first if left out.")
    ] = None,
    out: Out = None,
    neurons: Annotated[Whole, Parameter(help="How many neurons of a layer to draw by themselves, at most.")] = 12,
    bias: Annotated[bool, Parameter(negative=(), help="Draw biases as inputs that are always on.")] = False,
    training: Annotated[
        bool, Parameter(negative=(), help="Let Dropout layers drop, as in a step of training.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Draw a network: line width is the weight, colour its sign, arrows the blame that flows back for one row."""
    place = None if json and out is None else page_place(out, model, "look")
    seen = (
        _company(source, row, bias, training)
        if model == _COMPANY
        else _model(model, source, row, neurons, bias, training, data)
    )
    if place is not None and json:
        save_answer(place, seen.html(), quiet=True)
    if json:
        say_json({"model": str(model), **seen.to_dict()})
        return
    say(seen.text())
    if place is not None:
        save_answer(place, seen.html())


def _company(source: str | None, row: int | None, bias: bool, training: bool) -> Look:
    given = {"rows": source, "--row": row or None, "--training": training or None}
    if any(value is not None for value in given.values()):
        names = " and ".join(name for name, value in given.items() if value is not None)
        raise InputError(f"company is an example with one row of its own; it takes no {names}.")
    return look_at_company(bias=bias)


def _model(
    path: Path, source: str | None, row: int | None, neurons: int, bias: bool, training: bool, data: Path | None
) -> Look:
    if source is None:
        if row is not None or training or data is not None:
            given = "--row" if row is not None else "--training" if training else "--data"
            raise InputError(
                f"{given} is given without rows. Name them after the model, as in glassnet look {path} digits."
            )
        model = load_model(path)
        encoder = None if model.encoder is None else Encoder.from_dict(model.encoder)
        if encoder is None:
            return look_at(model.network, neurons=neurons, bias=bias, title=path.name)
        return look_at(
            model.network,
            feature_names=encoder.columns,
            class_names=encoder.classes if len(encoder.classes) == model.network.outputs else [encoder.target],
            image_shape=encoder.image_shape,
            neurons=neurons,
            bias=bias,
            title=path.name,
        )
    opened = open_model(path, source, data, with_truth=True)
    return look_at(
        opened.model.network,
        opened.x,
        opened.y,
        0 if row is None else row,
        opened.loss,
        training=training,
        feature_names=opened.names["feature_names"],
        class_names=opened.names["class_names"],
        image_shape=opened.encoder.image_shape,
        neurons=neurons,
        bias=bias,
        title=f"{path.name} on {Path(opened.table.source).name}",
    )
