"""`glassnet worksheet`: an exercise for pen and paper, with its solution on a second page."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.answers import Form
from glassnet.cli.options import Whole
from glassnet.insight.worksheet import worksheet as make_worksheet


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
    form: Form = Form(),  # noqa: B008 - frozen
) -> None:
    """Set an exercise in backpropagation to be solved with pen and paper, and solve it on a second page."""
    form.require()
    sheet = make_worksheet(
        network, rows=rows, seed=seed, activation=activation, loss=loss, learning_rate=learning_rate, bias=bias
    )
    form.give(sheet, piped="markdown")
