"""What the commands that use a saved model share: the model, its encoder, and rows that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.data import Encoder, Table, open_source, split
from glassnet.errors import InputError
from glassnet.files import Model, load_model

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Opened:
    """A model with rows it can read.

    Parameters
    ----------
    model : Model
    encoder : Encoder
    table : Table
    """

    model: Model
    encoder: Encoder
    table: Table

    @property
    def x(self) -> Array:
        """The rows as the network reads them."""
        x: Array = self.encoder.inputs(self.table, self.model.network.dtype.name)
        return x

    @property
    def y(self) -> Array:
        """The truth as the loss reads it."""
        y: Array = self.encoder.targets(self.table, self.model.network.dtype.name)
        return y

    @property
    def loss(self) -> str:
        """The loss the model was trained with."""
        if self.model.loss is None:
            raise InputError("The model file does not say with which loss it was trained; make it with glassnet train.")
        return self.model.loss

    @property
    def names(self) -> dict[str, Sequence[str]]:
        """What inputs and outputs are called, as the questions of `insight` take it."""
        encoder = self.encoder
        outputs = encoder.classes if len(encoder.classes) == self.model.network.outputs else [encoder.target]
        return {"feature_names": encoder.columns, "class_names": outputs}

    @property
    def source_has_changed(self) -> bool:
        """Whether the model was trained on this source, perhaps on other classes, when it gave other rows."""
        origin = self.model.provenance.get("data", {})
        same_source = str(origin.get("source")).split(":")[0] == self.table.source.split(":")[0]
        return bool(same_source and origin.get("fingerprint") != self.table.fingerprint)

    def held_out(self) -> Array | None:
        """Which of the table's rows the training never met (m,), or None if this is not the data it was trained on."""
        origin = self.model.provenance.get("data", {})
        if origin.get("fingerprint") != self.table.fingerprint or "split_seed" not in origin:
            return None
        mask = np.zeros(len(self.table), bool)
        mask[split(self.table, origin["validation"], origin["split_seed"])[1]] = True
        return mask


def open_model(path: Path, source: str, data: Path | None, *, with_truth: bool) -> Opened:
    """Open a model and rows for it; `with_truth` says whether the column it predicts must be there.

    Raises
    ------
    InputError
        If the model was saved without an encoder, so that nothing is known of columns.
    """
    if source.endswith(".safetensors"):
        raise InputError(
            f"{source} is a model, but stands in the place of the rows; the model comes first, then the rows."
        )
    model = load_model(path)
    if model.encoder is None:
        raise InputError(
            f"{path} holds a network without a description of its columns (it was saved by gn.save). "
            "Use it from Python: net = gn.load(path), then net.predict(X), gn.explain(net, X, Y) and the like."
        )
    encoder = Encoder.from_dict(model.encoder)
    if encoder.image_shape is not None or not with_truth:  # images bring their truth along
        return Opened(model, encoder, open_source(source, folder=data, columns=encoder.columns))
    table = open_source(source, folder=data, columns=encoder.columns, target=encoder.target, task=encoder.task)
    return Opened(model, encoder, table)
