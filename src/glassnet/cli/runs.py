"""What the commands that question a training share: the model, the run in the folder beside it, and the rows it met.

Rows are counted as the source counts them, whatever part of them was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.cli.models import Opened, open_model
from glassnet.data import Table, split
from glassnet.errors import DataError, FileError, InputError
from glassnet.files import load_model
from glassnet.training import Replay, RunFolder

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class OpenedRun:
    """A model, and the run that made it.

    Parameters
    ----------
    opened : Opened
        The model with all rows of the source.
    folder : RunFolder
    training_rows : (m,) int64 array
        Which rows of the source were trained on, in the order of the run's block.
    held_out_rows : int64 array or None
        Which rows it was judged by; None where the source has a test set of its own.
    held_out : Table
        The rows it was judged by.
    """

    opened: Opened
    folder: RunFolder
    training_rows: Array
    held_out_rows: Array | None
    held_out: Table

    @property
    def names(self) -> dict[str, Sequence[str]]:
        """What inputs and outputs are called."""
        return self.opened.names

    def arrays(self) -> tuple[Array, Array, tuple[Array, Array]]:
        """Return X, Y and (Xv, Yv) as the network read them."""
        encoder, dtype = self.opened.encoder, self.opened.model.network.dtype.name
        table = self.opened.table.rows(self.training_rows)
        held_out = encoder.inputs(self.held_out, dtype), encoder.targets(self.held_out, dtype)
        return encoder.inputs(table, dtype), encoder.targets(table, dtype), held_out

    def replay(self) -> Replay:
        """Return the run as it can be taken again.

        Raises
        ------
        FileError
            If no run is kept beside the model.
        InputError
            If the rows are not those of the run.
        """
        x, y, held_out = self.arrays()
        return Replay(self.folder, x, y, validation=held_out)

    def place_of(self, row: int) -> int | None:
        """Return where a row of the source stands in the run's block; None where it was not trained on."""
        at = np.flatnonzero(self.training_rows == row)
        return int(at[0]) if len(at) else None


def run_beside(model: Path) -> RunFolder:
    """Return the folder of the run that made a model; of a training that ran off it has the training's own name."""
    return RunFolder(model.with_name(f"{model.stem.removesuffix('.diverged')}.run"))


def open_run(model: Path, source: str | None = None, data: Path | None = None) -> OpenedRun:
    """Open a model, its run and its rows; without a source, where the run says that it was.

    Raises
    ------
    FileError
        If there is no such model, no run is kept beside it, or the run does not say where its rows came from.
    InputError
        If the source has changed since the training, or is another.
    """
    folder = run_beside(model)
    model = _present(model, folder)
    origin = folder.load_source() or {}
    if source is None:
        source = origin.get("path", origin.get("source"))
        if source is None:
            raise FileError(_no_run(model, folder))
        data = Path(origin["folder"]) if data is None and "folder" in origin else data
    try:
        opened = open_model(model, source, data, with_truth=True)
    except DataError as error:
        if source == origin.get("path"):
            raise DataError(
                f"{error} The run in {folder.path} was trained on it; if it is elsewhere now, name it."
            ) from error
        raise
    origin = origin or opened.model.provenance.get("data", {})
    if origin.get("fingerprint") != opened.table.fingerprint:
        raise InputError(
            f"The rows of {opened.table.source} are not those that {model} was trained on: they are others, or have "
            "changed since. Nothing true can be said of the training with them. Restore the rows, or train anew."
        )
    if opened.table.held_out is not None:
        return OpenedRun(opened, folder, np.arange(len(opened.table)), None, opened.table.held_out)
    training, held_out = split(opened.table, origin["validation"], origin["split_seed"])
    return OpenedRun(opened, folder, training, held_out, opened.table.rows(held_out))


def _present(model: Path, folder: RunFolder) -> Path:
    """Return the model file; of a training that ran off, the weights that were saved of it.

    Raises
    ------
    FileError
        If there is none, or it is something else.
    """
    if model.suffix == ".run":
        named = model.with_suffix(".safetensors")
        raise FileError(f"{model} is the folder of a run; name the model that stands beside it: {named}.")
    diverged = model.with_name(f"{model.stem}.diverged{model.suffix}")
    if model.is_file() or not (diverged.is_file() or folder.path.is_dir()):
        load_model(model)  # which says what is wrong with the file, or with its name
        return model
    if diverged.is_file():
        return diverged
    raise FileError(
        f"There is no model {model} yet: the run in {folder.path} was not finished. Repeat the command that began it "
        "with --resume."
    )


def _no_run(model: Path, folder: RunFolder) -> str:
    """Say why nothing is known of a model's rows."""
    if not folder.path.is_dir():
        return (
            f"There is no run beside {model}: the folder {folder.path} is not there, so nothing is known of how it was "
            "trained. Keep the two together, or train anew."
        )
    return (
        f"The folder {folder.path} does not say which rows {model} was trained on. Name the source after the model, or "
        "train anew with glassnet train."
    )
