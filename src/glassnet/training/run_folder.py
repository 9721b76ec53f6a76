"""The folder beside a model in which a run is kept, so that it can be resumed and questioned later.

digits.run/
    checkpoint.safetensors      where training stands: θ, optimizer, position in the epoch, best weights, history,
                                the ledger of its rows, and of a run that is done what its last step did to θ
    snapshots/epoch-0004.…      the same at the start of that epoch; at most 17 of them
    history.json                what training met, for people and scripts
    story.json                  how a NaN came about, where one ended the run
    source.json                 where the data came from, with its fingerprint
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from numpy.typing import NDArray

from glassnet.errors import CorruptFileError, FileError, ResumeError
from glassnet.files.atomic import as_path, reason, remove_leftovers, write_bytes
from glassnet.files.container import read_container, write_container
from glassnet.training.history import History

Arrays = Mapping[str, NDArray[Any]]

_MOST_SNAPSHOTS = 16
_RUN = ".run"
_SNAPSHOTS = "snapshots/epoch-[0-9][0-9][0-9][0-9]*.safetensors"

START_OVER = "To start over, say resume=False, or leave out --resume on the command line."


@final
@dataclass(frozen=True)
class LastUpdate:
    """What the last step of a run did to θ.

    Parameters
    ----------
    change : (n,) array
        θ after the step less θ before it, in the run's dtype.
    theta : (n,) array
        θ after it, which a network has that was trained to the end and not set back to its best epoch.
    step : int
        Counted over the whole run, from 0.
    learning_rate : float
        Of that step.
    optimizer : str
    """

    change: NDArray[Any]
    theta: NDArray[Any]
    step: int
    learning_rate: float
    optimizer: str


@final
class RunFolder:
    """Reads and writes one run's folder.

    Parameters
    ----------
    path : str or path
        Made when first written to.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(path, "checkpoint")
        self.checkpoint = self.path / "checkpoint.safetensors"

    def prepare(self) -> None:
        """Make the folder, and clear away what a killed process left half-written."""
        try:
            (self.path / "snapshots").mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise FileError(f"Cannot make the folder {self.path} for the run: {reason(error)}.") from error
        remove_leftovers(self.path)
        remove_leftovers(self.path / "snapshots")

    def set_aside(self) -> None:
        """Move what an earlier run left to "….previous.run", so that starting over loses nothing; one is kept.

        Files that are not glassnet's stay where they are.
        """
        if {file.name for file in self._own_files()} <= {"source.json"}:  # nothing was trained yet
            return
        place = self.path.resolve()
        ending = _RUN if place.name.endswith(_RUN) else ""
        previous = RunFolder(place.with_name(f"{place.name.removesuffix(ending)}.previous{ending}"))
        try:
            for file in previous._own_files():
                file.unlink()
            previous.prepare()
            for file in self._own_files():
                os.replace(file, previous.path / file.relative_to(self.path))
        except OSError as error:
            raise FileError(
                f"Cannot move the earlier run in {self.path} to {previous.path}: {error.strerror}. Move it yourself."
            ) from error

    def _own_files(self) -> list[Path]:
        """Return the files that a run wrote here."""
        named = [self.path / name for name in ("checkpoint.safetensors", "history.json", "story.json", "source.json")]
        return [file for file in (*named, *self.path.glob(_SNAPSHOTS)) if file.is_file()]

    def save(self, document: Mapping[str, Any], arrays: Arrays) -> None:
        """Write the checkpoint."""
        write_container(self.checkpoint, "checkpoint", document, arrays)

    def keeps_snapshot(self, epoch: int, epochs: int) -> bool:
        """Whether the start of `epoch` is one of those that are kept."""
        return epoch % _stride(epochs) == 0

    def save_snapshot(self, epoch: int, epochs: int, document: Mapping[str, Any], arrays: Arrays) -> None:
        """Write a snapshot at the start of `epoch`, and remove those that are not kept any more."""
        write_container(self.path / "snapshots" / f"epoch-{epoch:04d}.safetensors", "checkpoint", document, arrays)
        for number, snapshot in self._snapshots():  # more epochs may have been asked for since
            if not self.keeps_snapshot(number, epochs):
                snapshot.unlink(missing_ok=True)

    def load(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """Return the checkpoint's document and arrays, or None where there is none.

        Raises
        ------
        ResumeError
            If it belongs to a run with other settings or other data; names them.
        FileError
            If the file is damaged.
        """
        if not self.checkpoint.exists():
            return None
        try:
            document, arrays = read_container(self.checkpoint, "checkpoint")
        except FileError as error:
            raise type(error)(f"{error} {START_OVER}") from error
        theirs, ours = _flat(document.get("settings", {})), _flat(settings)
        unlike = [name for name in sorted(theirs | ours) if name != "start" and theirs.get(name) != ours.get(name)]
        if unlike:
            shown = "; ".join(f"{name} was {_short(theirs.get(name))}, now {_short(ours.get(name))}" for name in unlike)
            raise ResumeError(
                f"{self.path} holds a run that cannot be continued with these arguments: {shown}. "
                f"Use the old ones, or keep the new run in another folder. {START_OVER}"
            )
        return document, arrays

    def last_update(self) -> LastUpdate | None:
        """Return what the run's last step did, or None where that was not recorded.

        It is recorded when the last planned step is taken; not where a run was interrupted, ran out of time or
        patience, or is of an older glassnet.

        Raises
        ------
        FileError
            If the checkpoint is damaged.
        """
        if not self.checkpoint.exists():
            return None
        document, arrays = read_container(self.checkpoint, "checkpoint")
        change = arrays.get("last_update")
        if change is None:
            return None
        try:
            return LastUpdate(
                change=change,
                theta=arrays["theta"],
                step=int(document["step"]) - 1,
                learning_rate=float(document["history"]["learning_rate"][-1]),
                optimizer=str(document["settings"]["optimizer"]),
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise CorruptFileError(f"{self.checkpoint} does not hold a run ({error!r}).") from error

    def moments(self) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
        """Give what each snapshot and then the checkpoint holds, a document and arrays, in the order of training.

        Raises
        ------
        FileError
            If one of them is damaged.
        """
        for file in (*(file for _, file in self._snapshots()), self.checkpoint):
            if file.exists():
                yield read_container(file, "checkpoint")

    def snapshot_before(self, epoch: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what the last snapshot at or before the start of `epoch` holds, a document and arrays.

        Raises
        ------
        FileError
            If there is none, or it is damaged.
        """
        files = [file for number, file in self._snapshots() if number <= epoch]
        if not files:
            raise FileError(f"{self.path} holds no snapshot from before epoch {epoch}; train anew to keep some.")
        return read_container(files[-1], "checkpoint")

    def _snapshots(self) -> list[tuple[int, Path]]:
        """Return the epochs of which snapshots are kept, and their files, in order."""
        numbered = [(file.stem.removeprefix("epoch-"), file) for file in self.path.glob(_SNAPSHOTS)]
        return sorted((int(number), file) for number, file in numbered if number.isdigit())

    def save_history(self, history: History) -> None:
        """Write the history as JSON, where a figure that is not finite is null."""
        values = {
            name: [x if math.isfinite(x) else None for x in value] if isinstance(value, list) else value
            for name, value in history.to_dict().items()
        }
        write_bytes(self.path / "history.json", json.dumps(values, indent=1, allow_nan=False).encode())

    def load_history(self) -> History | None:
        """Return what the run met: of the checkpoint, else of history.json, else of the last snapshot; None of no run.

        A NaN may end a run before it has a checkpoint; figures that were not finite are NaN again.

        Raises
        ------
        FileError
            If what is there is damaged.
        """
        written, snapshots = self.path / "history.json", self._snapshots()
        if written.exists() and not self.checkpoint.exists():
            values = json.loads(written.read_text(encoding="utf-8"))
            return History.from_dict(
                {
                    name: [math.nan if x is None else x for x in value] if isinstance(value, list) else value
                    for name, value in values.items()
                }
            )
        files = [*(file for _, file in snapshots), *([self.checkpoint] if self.checkpoint.exists() else [])]
        return History.from_dict(read_container(files[-1], "checkpoint")[0]["history"]) if files else None

    def save_source(self, source: Mapping[str, Any]) -> None:
        """Write where the data came from as JSON."""
        write_bytes(self.path / "source.json", json.dumps(source, indent=1, ensure_ascii=False).encode())

    def load_source(self) -> dict[str, Any] | None:
        """Return where the data came from, or None where it was not recorded."""
        try:
            source = json.loads((self.path / "source.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return source if isinstance(source, dict) else None


def _stride(epochs: int) -> int:
    """Return the smallest power of two that leaves few enough snapshots."""
    return 1 << max(0, (-(-epochs // _MOST_SNAPSHOTS) - 1).bit_length())


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested values under names such as "network.layers[0].units"."""
    if isinstance(value, Mapping):
        parts = [(f"{name}.{key}" if name else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        parts = [(f"{name}[{i}]", inner) for i, inner in enumerate(value)]
    else:
        return {name: value}
    return {place: leaf for part, inner in parts for place, leaf in _flat(inner, part).items()}


def _short(value: object) -> str:
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
