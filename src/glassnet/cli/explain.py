"""`glassnet explain`: how one weight's derivative comes about, on a person's own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from glassnet.cli.answers import Form
from glassnet.cli.console import note
from glassnet.cli.models import open_model
from glassnet.cli.options import Data, ModelPath, Source, Whole
from glassnet.errors import InputError

_MANY_ROWS = 10_000


def explain(
    model: ModelPath | None = None,
    source: Source | None = None,
    /,
    *,
    row: Annotated[
        str | None, Parameter(help="The row, from 0, or several such as 3,17,20. Left out: all rows, as one step.")
    ] = None,
    weight: Annotated[
        str | None,
        Parameter(help="Layer, and the neurons it leads from and to: 1:12,3. Left out: the one with most effect."),
    ] = None,
    bias: Annotated[str | None, Parameter(help="Layer and neuron of a bias instead: 1:3.")] = None,
    most: Annotated[Whole, Parameter(help="How many paths, neurons and rows to tell where there are more.")] = 10,
    training: Annotated[bool, Parameter(negative=(), help="Let Dropout drop, with the masks of step 0.")] = False,
    l1: Annotated[float, Parameter(help="Penalty l1 times the sum of |w|, told as a term.")] = 0.0,
    l2: Annotated[float, Parameter(help="Penalty l2 times half the sum of w², told as a term.")] = 0.0,
    loss: Annotated[str | None, Parameter(help="Left out: the loss the network was trained with.")] = None,
    mistakes: Annotated[
        bool, Parameter(negative=(), help="Tell where popular texts go wrong; on a model of yours, or by itself.")
    ] = False,
    data: Data = None,
    form: Form = Form(),  # noqa: B008 - frozen
) -> None:
    """Write out how the derivative of one weight comes about, from the error back to it, with its numerical check."""
    form.require()
    if mistakes:
        if any(given is not None for given in (row, weight, bias, loss)) or training or l1 or l2:
            raise InputError("--mistakes is about whole networks; leave --row, --weight and the other options out.")
        form.give(_mistakes(model, source, data))
        return
    if model is None or source is None:
        raise InputError("explain needs a model and rows, as in: glassnet explain digits.safetensors digits --row 17")
    from glassnet.insight.derivation import explain as explain_weight

    opened = open_model(model, source, data, with_truth=True)
    names: dict[str, Any] = dict(opened.names)
    if opened.source_has_changed:
        note(f"{opened.table.source} is not as it was when this model was trained; row numbers may have moved.")
    if row in (None, "all") and len(opened.table) > _MANY_ROWS:
        note(f"all {len(opened.table):,} rows are taken as one step, which takes a while; name one with --row 17.")
    found = explain_weight(
        opened.model.network,
        opened.x,
        opened.y,
        _rows(row),
        weight,
        bias=bias,
        loss=loss or opened.loss,
        l1=l1,
        l2=l2,
        training=training,
        most=most,
        encoder=opened.encoder,
        **names,
    )
    form.give(found)


def _rows(row: str | None) -> int | list[int] | None:
    if row is None or row == "all":
        return None
    try:
        numbers = [int(part) for part in row.split(",")]
    except ValueError:
        raise InputError(f"--row is {row!r}; expected a number such as 17, several such as 3,17,20, or all.") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _mistakes(model: Path | None, source: str | None, data: Path | None) -> Any:
    from glassnet.insight.mistakes import mistakes

    if model is None:
        return mistakes()
    if source is None:
        raise InputError("With a model, --mistakes needs rows as well: glassnet explain MODEL ROWS --mistakes")
    opened = open_model(model, source, data, with_truth=True)
    return mistakes(opened.model.network, opened.x, opened.y, opened.loss)
