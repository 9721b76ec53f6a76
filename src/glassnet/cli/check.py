"""`glassnet check`: is the gradient of a saved network the derivative of its error?"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.console import say, say_json
from glassnet.cli.models import open_model
from glassnet.cli.options import Data, Json, ModelPath, Source, Whole
from glassnet.errors import InputError
from glassnet.insight.gradient_check import check_gradient


def check(
    model: ModelPath,
    source: Source,
    /,
    *,
    rows: Annotated[Whole, Parameter(help="How many rows to take, from the first on.")] = 32,
    samples: Annotated[Whole, Parameter(help="How many weights and biases to nudge; 0 for all.")] = 200,
    seed: Annotated[Whole, Parameter(help="Decides which ones.")] = 0,
    data: Data = None,
    json: Json = False,
) -> int:
    """Check backpropagation against the numerical derivative, in float64; exit code 1 where they disagree."""
    if rows < 1:
        raise InputError(f"--rows is {rows}; expected a whole number from 1 up.")
    opened = open_model(model, source, data, with_truth=True)
    found = check_gradient(
        opened.model.network,
        opened.x[:rows],
        opened.y[:rows],
        opened.loss,
        samples=samples or None,
        seed=seed,
    )
    if json:
        say_json(
            {
                "model": str(model),
                "max_relative_error": found.max_relative_error,
                "passed": found.passed,
                "checked": found.checked,
                "kinks": len(found.kinks),
                "blocks": found.blocks,
                "worst": None if found.worst is None else vars(found.worst),
            }
        )
    else:
        say(str(found))
    return 0 if found.passed else 1
