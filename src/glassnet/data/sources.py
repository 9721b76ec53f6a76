"""The sources a person can name, and the one function that opens them.

A source with a name of its own is one row of `NAMED`; everything else is a file. What is read, and how, is in the
modules below.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from glassnet.data.images import PIXEL, TARGET, read_digits, read_mnist
from glassnet.data.paths import straight
from glassnet.data.table import Table, Task
from glassnet.data.tabular import ENDINGS, read_file
from glassnet.data.words import listed, nearest, shown
from glassnet.errors import DataError, UnknownNameError

NAMED: dict[str, Callable[[Path | None, tuple[str, ...] | None], Table]] = {
    "digits": lambda folder, classes: read_digits(classes),
    "mnist": read_mnist,
}
WITH_FOLDER = ("mnist",)
FORMS = (
    "digits, mnist (with --data FOLDER), digits:3,7 for some of the classes, or a .csv, .tsv (.gz too) or .parquet file"
)
TASKS = ("classification", "regression")


def open_source(
    source: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    target: str | None = None,
    task: Task | None = None,
    ignore: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> Table:
    """Read what a person names into a table of numbers.

    Parameters
    ----------
    source : str or path
        "digits", "mnist", either with the classes to keep, as in "digits:3,7", or a file: .csv, .tsv, .csv.gz, .tsv.gz
        or .parquet.
    folder : path, optional
        The folder of MNIST's IDX files.
    target : str, optional
        The column of a file to predict; None reads inputs only. Images have a target of their own, "digit".
    task : {"classification", "regression"}, optional
        What the target of a file is. Without it: whole numbers or booleans with at most 20 distinct values are classes,
        everything else is regression, and a single value is an error. Classes of floats must be whole.
    ignore : sequence of str
        Columns of a file to leave out.
    columns : sequence of str, optional
        The only inputs to read of a file, for a model that knows what it needs: the others are not looked at.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        Where the source does not exist or is not a table of numbers; the message names file, column and row.
    UnknownNameError
        Where there is no such task.

    Examples
    --------
    >>> table = open_source("digits:3,7")
    >>> len(table), table.classes, table.image_shape
    (362, ('3', '7'), (8, 8))
    """
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", str(task), TASKS)
    if isinstance(ignore, str):
        ignore = (ignore,)
    text = os.fspath(source)
    name, colon, rest = text.partition(":")
    if name in NAMED:
        wanted = tuple(part.strip() for part in rest.split(",")) if colon else None
        if wanted is not None and "" in wanted:
            raise DataError(f"{shown(text)} names no class after a colon or comma. Write for example {name}:3,7.")
        _only_images(name, folder, target, task, ignore, columns)
        return NAMED[name](None if folder is None else straight(Path(folder)), wanted)
    try:
        if "\0" in text or not Path(text).name.lower().endswith(ENDINGS):
            raise _unknown(text, name, colon + rest)
        if folder is not None:
            raise DataError(f"--data goes with {' and '.join(WITH_FOLDER)}; {text} is a file. Leave --data out.")
        return read_file(straight(Path(text)), target=target, task=task, ignore=ignore, columns=columns)
    except OSError as problem:
        raise DataError(f"{shown(text, 200)} cannot be read: {problem.strerror or problem}.") from problem


def _only_images(
    name: str,
    folder: str | os.PathLike[str] | None,
    target: str | None,
    task: Task | None,
    ignore: Sequence[str],
    columns: Sequence[str] | None,
) -> None:
    """Refuse options that only a file understands, and a model that reads one."""
    if columns is not None and not any(column.startswith(PIXEL) for column in columns):
        raise DataError(
            f"This model was trained on the column{'' if len(columns) == 1 else 's'} {listed(columns)} of a table; "
            f"{name} has pixels. Give it a file with such columns."
        )
    if folder is not None and name not in WITH_FOLDER:
        raise DataError(f"{name} needs no folder: it comes with scikit-learn. Leave --data out.")
    if target not in (None, TARGET):
        raise DataError(f"{name} has a target of its own, the {TARGET}; got {shown(target)}. Leave --target out.")
    if task == "regression":
        raise DataError(f"{name} has classes; regression needs a file with a target of numbers. Leave --task out.")
    if ignore:
        raise DataError(f"{name} has pixels, none of which can be ignored; got {listed(ignore)}. Leave --ignore out.")


def _unknown(text: str, name: str, rest: str) -> DataError:
    near = [each + rest for each in nearest(name, NAMED)]
    path = Path(text)
    if not near and "\0" not in text:
        if text and path.is_dir():
            return DataError(f"{text} is a folder. A source is {FORMS}.")
        if path.is_file():
            return DataError(
                f"{text} is a file, and its name ends in none of {', '.join(ENDINGS)}. Save it as one of these."
            )
        if text and path.parent.is_dir():
            files = [each.name for each in path.parent.iterdir() if each.name.lower().endswith(ENDINGS)]
            near = [str(path.parent / each) for each in nearest(path.name, files)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return DataError(f"There is no source {shown(text)}.{hint} A source is {FORMS}.")
