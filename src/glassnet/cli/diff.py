"""`glassnet diff`: the step, layer and weight at which two runs part, and what differed before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from glassnet.cli.answers import Form
from glassnet.cli.options import Data
from glassnet.cli.patience import told_if_slow
from glassnet.cli.runs import open_run
from glassnet.errors import FileError, GlassnetError
from glassnet.training import RunFolder

if TYPE_CHECKING:
    from glassnet.insight.why.parting import Side

Run = Annotated[Path, Parameter(help="A model, such as a.safetensors, or its run's folder, a.run.")]


def diff(
    run_a: Run,
    run_b: Run,
    /,
    *,
    data: Data = None,
    form: Form = Form(),  # noqa: B008 - frozen
) -> int:
    """Tell at which step, layer and weight two runs part; exit code 1 where they do.

    Settings are compared, then the snapshots of both runs, and then both are taken again from the last one in which
    they are the same, with the rows that they were trained on.
    """
    form.require()
    from glassnet.insight.why.parting import compare

    sides = _side(run_a, data), _side(run_b, data)
    with told_if_slow("taking both runs again, step by step, from the last snapshot in which they are the same."):
        found = compare(*sides)
    form.give(found)
    return 0 if found.same else 1


def _side(path: Path, data: Path | None) -> Side:
    from glassnet.insight.why.parting import Side

    is_folder = path.is_dir() or path.suffix == ".run"
    place = path if is_folder else path.with_suffix(".run")
    model, folder = place.with_suffix(".safetensors"), RunFolder(place)
    if not folder.checkpoint.exists():
        kept = "" if path.exists() else f" There is no {path}."
        raise FileError(f"{place} holds no run.{kept} Name a model that glassnet train made, or the folder beside it.")
    try:
        run = open_run(model, None, data)
        return Side(str(place), folder, run.replay(), numbers=run.training_rows)
    except GlassnetError as error:
        return Side(str(place), folder, None, str(error))
