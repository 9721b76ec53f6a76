"""`glassnet explain`: how one weight's derivative comes about, on a person's own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from glassnet.cli.answers import require_place, save_answer
from glassnet.cli.console import note, say, say_json
from glassnet.cli.models import open_model
from glassnet.cli.options import Data, Json, ModelPath, Source, Whole
from glassnet.errors import InputError

_FORMS = {".html": "html", ".htm": "html", ".tex": "latex", ".md": "markdown"}


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
    latex: Annotated[bool, Parameter(negative=(), help="Print LaTeX.")] = False,
    html: Annotated[bool, Parameter(negative=(), help="Print an HTML page.")] = False,
    markdown: Annotated[bool, Parameter(negative=(), help="Print Markdown.")] = False,
    out: Annotated[Path | None, Parameter(help="Write to this file: .html, .tex or .md.")] = None,
    mistakes: Annotated[
        bool, Parameter(negative=(), help="Tell where popular texts go wrong; on a model of yours, or by itself.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write out how the derivative of one weight comes about, from the error back to it, with its numerical check."""
    form = _form(out, latex=latex, html=html, markdown=markdown, json=json)
    if out is not None:
        require_place(out)
    if mistakes:
        _write(_mistakes(model, source, data), form, out)
        return
    if model is None or source is None:
        raise InputError("explain needs a model and rows, as in: glassnet explain digits.safetensors digits --row 17")
    from glassnet.insight.derivation import explain as explain_weight

    opened = open_model(model, source, data, with_truth=True)
    names: dict[str, Any] = dict(opened.names)
    if opened.source_has_changed:
        note(f"{opened.table.source} is not as it was when this model was trained; row numbers may have moved.")
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
        **names,
    )
    _write(found, form, out)


def _form(out: Path | None, **asked: bool) -> str:
    """Return the form that is asked for: "text", "latex", "html", "markdown" or "json"."""
    wanted = [name for name, is_asked in asked.items() if is_asked]
    if len(wanted) > 1:
        raise InputError(f"--{' and --'.join(wanted)} are asked for at once; expected one of them.")
    if wanted or out is None:
        return wanted[0] if wanted else "text"
    if out.suffix.lower() not in _FORMS:
        raise InputError(f"--out is {out}; expected a name that ends in {', '.join(_FORMS)}.")
    return _FORMS[out.suffix.lower()]


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


def _write(found: Any, form: str, out: Path | None) -> None:
    """Print what was found, or write it to a file."""
    if form == "json":
        say_json(found.to_dict())
        return
    text = getattr(found, form)()
    if out is None:
        say(text.rstrip())
    else:
        save_answer(out, text)
