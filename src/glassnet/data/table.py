"""The table: what every source is read into, before anything is scaled.

A table knows its columns, its target and where it came from. It holds numbers as the source has them; the encoder turns
them into what a network reads.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.data.words import counted
from glassnet.errors import InputError

Task: TypeAlias = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers, with the names of what they are.

    Attributes
    ----------
    inputs : ndarray of shape (m, n)
        float64, or the source's own compact dtype (uint8 for images).
    columns : tuple of str
        Names of the n columns; "pixel 3,4" (row, column, both from 0) in images.
    targets : ndarray of shape (m,), or None
        int64 positions in `classes`, or float64 numbers; None where there is no target.
    target : str or None
        Name of the target.
    task : {"classification", "regression"} or None
    classes : tuple of str
        Names of the classes in order; empty for regression.
    image_shape : tuple of (int, int), or None
        Rows and columns of an image; None for tables.
    largest_value : float or None
        The largest value a pixel can have; None for tables.
    source : str
        The source as it can be given again; the absolute path of a file.
    folder : Path or None
        The absolute folder a source such as "mnist" was read from.
    fingerprint : str
        "sha256:" and the digest of arrays, shapes and names as they were read. Rows taken from a table keep the
        fingerprint of the whole, since it tells whether a source has changed.
    held_out : Table or None
        The source's own test set.
    called : str
        The source as the person named it, for messages; `source` where nothing else is given.

    Raises
    ------
    InputError
        Where the parts do not fit each other.
    """

    inputs: NDArray[Any]
    columns: tuple[str, ...]
    targets: NDArray[Any] | None = None
    target: str | None = None
    task: Task | None = None
    classes: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None
    largest_value: float | None = None
    source: str = ""
    folder: Path | None = None
    fingerprint: str = ""
    held_out: Table | None = None
    called: str = ""

    def __post_init__(self) -> None:
        if self.inputs.ndim != 2 or self.inputs.shape[1] != len(self.columns):
            raise InputError(
                f"A table of {counted(len(self.columns), 'column')} needs inputs of shape (rows, {len(self.columns)}); "
                f"these have shape {self.inputs.shape}."
            )
        if (self.targets is None) != (self.task is None) or (self.target is None) != (self.task is None):
            raise InputError("A table has targets, the name of the target and a task, or none of the three.")
        if self.targets is not None and self.targets.shape != (len(self.inputs),):
            raise InputError(
                f"A table of {counted(len(self.inputs), 'row')} needs targets of shape ({len(self.inputs)},); "
                f"these have shape {self.targets.shape}."
            )
        if not self.called:
            object.__setattr__(self, "called", self.source)
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", _fingerprint(self))

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, index: ArrayLike) -> Table:
        """Return a table of some rows, in the order of `index`.

        Parameters
        ----------
        index : array of int of shape (k,), or of bool of shape (m,)
            Which rows. A test set of the source's own does not travel along.

        Raises
        ------
        InputError
            Where the index is not of that kind or points outside the table.
        """
        wanted = np.asarray(index)
        if wanted.size == 0:
            wanted = wanted.astype(np.int64)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iub":
            raise InputError(f"Rows are chosen by whole numbers, (k,); got {wanted.dtype} of shape {wanted.shape}.")
        if wanted.dtype.kind == "b":
            if wanted.shape != (len(self),):
                raise InputError(
                    f"A mask for {counted(len(self), 'row')} has shape ({len(self)},); got {wanted.shape}."
                )
            wanted = np.flatnonzero(wanted)
        if wanted.size and not (-len(self) <= int(wanted.min()) and int(wanted.max()) < len(self)):
            raise InputError(f"Row {int(wanted.max())} is outside this table of {counted(len(self), 'row')}.")
        return dataclasses.replace(
            self,
            inputs=self.inputs[wanted],
            targets=None if self.targets is None else self.targets[wanted],
            held_out=None,
        )


def _fingerprint(table: Table) -> str:
    """Digest names, shapes, dtypes and bytes, the same on every machine."""
    arrays = [table.inputs] if table.targets is None else [table.inputs, table.targets]
    little = [np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")) for array in arrays]
    head = {
        "columns": table.columns,
        "target": table.target,
        "task": table.task,
        "classes": table.classes,
        "arrays": [[array.dtype.str, array.shape] for array in little],
    }
    digest = hashlib.sha256(json.dumps(head, ensure_ascii=True).encode("ascii"))
    for array in little:
        digest.update(array.data)
    return f"sha256:{digest.hexdigest()}"
