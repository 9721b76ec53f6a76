"""The model file: a trained network that predicts without its training data.

It holds θ by layer, the architecture, the loss, how columns become numbers and back (the encoder) and where it all
came from (the provenance).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from glassnet.errors import CorruptFileError, InputError, MissingActivationError
from glassnet.files.atomic import as_path
from glassnet.files.container import read_container, write_container
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.loss import Loss
from glassnet.maths.losses import LOSSES
from glassnet.network.network import Network


@final
@dataclass(frozen=True)
class Model:
    """What a model file holds.

    Parameters
    ----------
    network : Network
    loss : str or None
        The spelling of the loss it was trained with.
    encoder : mapping or None
        How columns become inputs and predictions become answers, as plain values.
    provenance : mapping
        Where it came from: source, split, settings, results.
    """

    network: Network
    loss: str | None = None
    encoder: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file; see `save` for what can go wrong."""
    document = {
        "network": model.network.to_dict(),
        "loss": model.loss,
        "encoder": None if model.encoder is None else dict(model.encoder),
        "provenance": dict(model.provenance),
    }
    write_container(as_path(path), "model", document, model.network.parameters.named())


def load_model(path: str | os.PathLike[str], activations: Mapping[str, AnyActivation] | None = None) -> Model:
    """Read a model file; see `load` for what can go wrong."""
    own = _as_activations(activations)
    place = as_path(path)
    document, arrays = read_container(place, "model")
    try:
        _require_activations(place, document["network"]["layers"], own)
        network = Network.from_dict(document["network"], own, arrays)
        loss = document["loss"]
        network.loss = LOSSES.resolve(loss) if loss is not None and LOSSES.spells(loss) else loss
        return Model(network, document["loss"], document["encoder"], document["provenance"])
    except MissingActivationError:
        raise
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(f"{path} cannot be made into a network: {error}") from error


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Save a network as one safetensors file.

    Parameters
    ----------
    network : Network
    path : str or path
        Usually ends in ".safetensors". A file already there is replaced only once the new one is whole.

    Raises
    ------
    FileError
        If it cannot be written; an earlier file is then untouched.

    Examples
    --------
    >>> import glassnet as gn, tempfile, pathlib
    >>> net = gn.Network(2, [gn.Dense(1, "sigmoid")], seed=0)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.safetensors"
    >>> gn.save(net, path)
    >>> bool((gn.load(path).theta == net.theta).all())
    True
    """
    if not isinstance(network, Network):
        raise InputError(f"save takes a gn.Network first and a path second; got a {type(network).__name__} first.")
    loss = network.loss
    save_model(Model(network, loss.name if isinstance(loss, Loss) else loss), path)


def load(path: str | os.PathLike[str], activations: Mapping[str, AnyActivation] | None = None) -> Network:
    """Load a network from a model file.

    Parameters
    ----------
    path : str or path
    activations : mapping or None
        Activation records of your own that the network uses, by name: a file holds only their names.

    Returns
    -------
    Network
        With the very θ that was saved.

    Raises
    ------
    FileError
        ``TruncatedFileError``, ``CorruptFileError``, ``ForeignFileError`` or ``NewerVersionError`` where the file is
        one of these; plain where it cannot be read at all.
    MissingActivationError
        If it uses an activation of the user's own that was not given.
    """
    return load_model(path, activations).network


def _as_activations(activations: object) -> Mapping[str, AnyActivation]:
    if activations is None:
        return {}
    if not isinstance(activations, Mapping) or not all(isinstance(r, AnyActivation) for r in activations.values()):
        raise InputError(
            f"activations is {activations!r:.80}; expected a mapping from names to records, such as {{'cube': record}}."
        )
    return activations


def _require_activations(path: Path, layers: list[dict[str, Any]], own: Mapping[str, AnyActivation]) -> None:
    for name in (layer.get("activation") for layer in layers):
        if isinstance(name, str) and name not in own and not ACTIVATIONS.spells(name):
            raise MissingActivationError(
                f"{path} uses the activation {name!r}, which is not one of glassnet's own. Pass its record: "
                f"gn.load(path, activations={{{name!r}: record}})."
            )
