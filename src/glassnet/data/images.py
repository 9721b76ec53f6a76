"""Tables of images: scikit-learn's scanned digits, and MNIST from its IDX files.

A source is one function here; `sources.py` knows their names. An image is one row of pixels, of the source's own uint8.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.data.idx import read_idx
from glassnet.data.paths import straight
from glassnet.data.table import Table
from glassnet.data.words import counted, listed
from glassnet.errors import DataError

TARGET = "digit"
PIXEL = "pixel "  # and row, column


def read_digits(wanted: tuple[str, ...] | None = None) -> Table:
    """Read scikit-learn's 1,797 scanned digits, 8x8 pixels of 0 to 16.

    Parameters
    ----------
    wanted : tuple of str, optional
        The classes to keep, in this order; all of them where None.

    Raises
    ------
    DataError
        Where a class does not exist, or fewer than two are wanted.
    """
    rows = _scanned_digits()
    pixels, labels = np.ascontiguousarray(rows[:, :-1]).reshape(-1, 8, 8), rows[:, -1]
    classes = _classes("digits", labels, wanted)
    return _image_table(pixels, labels, classes, 16.0, _name("digits", wanted), None)


def _scanned_digits() -> NDArray[np.uint8]:
    """Return 64 pixels and a label in each row, from scikit-learn's file: its Python takes most of a second to load."""
    installed = find_spec("sklearn")
    for folder in (installed and installed.submodule_search_locations) or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            return np.loadtxt(file, dtype=np.uint8, delimiter=",")
    from sklearn.datasets import load_digits  # wherever it keeps them

    images, labels = load_digits(return_X_y=True)
    return np.column_stack([images, labels]).astype(np.uint8)


def read_mnist(folder: Path | None, wanted: tuple[str, ...] | None = None) -> Table:
    """Read MNIST, or any set in its four IDX files, with the t10k files as the held-out rows.

    Parameters
    ----------
    folder : Path
        Where the four files are, gzipped or not, named "train-images-idx3-ubyte" or "train-images.idx3-ubyte".
    wanted : tuple of str, optional
        The classes to keep, in this order; all of them where None.

    Raises
    ------
    DataError
        Where a file is missing, damaged or does not fit the others; where a class does not exist.
    """
    if folder is None:
        raise DataError(
            "mnist needs the folder of its four files: add --data FOLDER. They are train-images-idx3-ubyte.gz, "
            "train-labels-idx1-ubyte.gz and the same with t10k; gzipped or not."
        )
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(f"The folder {folder} {what}. Give the folder of MNIST's four IDX files with --data FOLDER.")
    images, labels = _pair(folder, "train")
    test_images, test_labels = _pair(folder, "t10k")
    if test_images.shape[1:] != images.shape[1:]:
        raise DataError(f"{folder} mixes images of {_size(images)} (train) and of {_size(test_images)} (t10k) pixels.")
    if foreign := sorted({int(each) for each in np.unique(test_labels)} - {int(each) for each in np.unique(labels)}):
        raise DataError(f"{folder} has the label {foreign[0]} in its t10k files, and no training image with it.")
    name, classes = _name("mnist", wanted), _classes("mnist", labels, wanted)
    held_out = _image_table(test_images, test_labels, classes, 255.0, name, folder)
    return _image_table(images, labels, classes, 255.0, name, folder, held_out)


def _pair(folder: Path, part: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the images (m, rows, columns) and the labels (m,) of one part."""
    images_path, labels_path = _find(folder, f"{part}-images", 3), _find(folder, f"{part}-labels", 1)
    images, labels = read_idx(images_path), read_idx(labels_path)
    for path, array, dimensions in ((images_path, images, 3), (labels_path, labels, 1)):
        if array.ndim != dimensions or array.dtype != np.uint8:
            raise DataError(
                f"{path} holds {counted(array.ndim, 'dimension')} of {array.dtype}; {path.name.split('-')[1][:6]} are "
                f"{dimensions} of uint8. Is it another file under this name?"
            )
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {counted(len(images), 'image')} and {labels_path.name} "
            f"{counted(len(labels), 'label')}."
        )
    if images.size == 0:
        raise DataError(f"{images_path} holds no pixels: its images are {' x '.join(map(str, images.shape))}.")
    return images, labels


def _find(folder: Path, stem: str, dimensions: int) -> Path:
    names = [f"{stem}{joint}idx{dimensions}-ubyte{end}" for joint in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder} holds no {names[0]} (or {names[0]}.gz). Give MNIST's folder with --data FOLDER.")


def _classes(name: str, labels: NDArray[Any], wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the classes to keep, in order, and refuse those that do not exist."""
    known = tuple(str(int(label)) for label in np.unique(labels))
    chosen = known if wanted is None else wanted
    example = f"Write for example {name}:{','.join(known[-2:])}."
    for each in chosen:
        if each not in known:
            raise DataError(f"{name} has no class {each!r}; its classes are {listed(known)}. {example}")
    if len(set(chosen)) < len(chosen):
        raise DataError(f"{name}:{','.join(chosen)} names a class twice; its classes are {listed(known)}. {example}")
    if len(known) < 2:
        raise DataError(f"All labels of {name} are {known[0]}, and there is nothing to tell apart.")
    if len(chosen) < 2:
        raise DataError(
            f"{name}:{','.join(chosen)} leaves one class, and there is nothing to tell apart. "
            f"Name two or more of {listed(known)}."
        )
    return chosen


def _name(name: str, wanted: tuple[str, ...] | None) -> str:
    return name if wanted is None else f"{name}:{','.join(wanted)}"


def _size(images: NDArray[Any]) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"


def _image_table(
    images: NDArray[Any],
    labels: NDArray[Any],
    classes: tuple[str, ...],
    largest: float,
    source: str,
    folder: Path | None,
    held_out: Table | None = None,
) -> Table:
    """Keep the rows of the wanted classes and number the classes from 0, in the order wanted."""
    position = np.full(256, -1, dtype=np.int64)
    position[[int(each) for each in classes]] = np.arange(len(classes))
    targets = position[labels]
    kept = targets >= 0
    height, width = images.shape[1:]
    pixels = images.reshape(len(images), height * width)
    return Table(
        inputs=pixels if kept.all() else pixels[kept],
        columns=tuple(f"{PIXEL}{row},{column}" for row in range(height) for column in range(width)),
        targets=targets[kept],
        target=TARGET,
        task="classification",
        classes=classes,
        image_shape=(height, width),
        largest_value=largest,
        source=source,
        folder=None if folder is None else straight(folder.absolute()),
        held_out=held_out,
    )
