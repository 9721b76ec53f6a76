"""`glassnet worksheet`: an exercise for pen and paper, with its solution on a second page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from glassnet.cli.answers import require_place, save_answer
from glassnet.cli.console import say, say_json
from glassnet.cli.options import Json, Whole
from glassnet.errors import InputError
from glassnet.files import write_bytes
from glassnet.insight.worksheet import Worksheet
from glassnet.insight.worksheet import worksheet as make_worksheet

Form = Literal["markdown", "latex", "html", "text"]

_ENDINGS: dict[str, Form] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".txt": "text",
}


def worksheet(
    network: Annotated[str, Parameter(help="Numbers of neurons, inputs first: 2-2-1. At most 40 weights and biases.")],
    /,
    *,
    rows: Annotated[Whole, Parameter(help="How many rows, 1 to 4; error and gradient are means over them.")] = 1,
    seed: Annotated[Whole, Parameter(help="The same seed makes the same sheet.")] = 0,
    activation: Annotated[str, Parameter(help="sigmoid, tanh, relu or identity.")] = "sigmoid",
    loss: Annotated[str, Parameter(help="Such as half_squared_error, or cross_entropy after soft-max.")] = (
        "half_squared_error"
    ),
    learning_rate: Annotated[float | None, Parameter(help="0.5, or 0.1 after identity, where left out.")] = None,
    bias: Annotated[bool, Parameter(negative="--no-bias", help="Whether neurons have biases.")] = True,
    format: Annotated[
        Form | None,
        Parameter(help="From the ending of --out; else text on a terminal, and Markdown where output is piped."),
    ] = None,
    out: Annotated[Path | None, Parameter(help="The file to write: .md, .tex, .html or .txt.")] = None,
    json: Json = False,
) -> None:
    """Set an exercise in backpropagation to be solved with pen and paper, and solve it on a second page."""
    form = _form(format, out)
    if out is not None:
        require_place(out)
    sheet = make_worksheet(
        network, rows=rows, seed=seed, activation=activation, loss=loss, learning_rate=learning_rate, bias=bias
    )
    if json:  # nothing but the object is printed
        say_json(sheet.to_dict())
        if out is not None:
            write_bytes(out, _written(sheet, form).encode())
    elif out is not None:
        save_answer(out, _written(sheet, form))
    else:
        say(_written(sheet, form).rstrip())


def _form(form: Form | None, out: Path | None) -> Form:
    """Return the format that is meant: the named one, that of the file's ending, or what suits standard output."""
    if form is not None:
        return form
    if out is None:
        return "text" if sys.stdout.isatty() else "markdown"
    if out.suffix.lower() not in _ENDINGS:
        raise InputError(f"--out is {out}; expected a name that ends in {', '.join(_ENDINGS)}, or add --format.")
    return _ENDINGS[out.suffix.lower()]


def _written(sheet: Worksheet, form: Form) -> str:
    written: str = getattr(sheet, form)()
    return written
