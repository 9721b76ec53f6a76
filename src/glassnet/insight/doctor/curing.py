"""How each cure is run: what of the training is changed, and the words for it. Nothing is trained here."""

from __future__ import annotations

import dataclasses
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.known import Known
from glassnet.insight.doctor.probing import peak_rate
from glassnet.insight.doctor.signs import Signs
from glassnet.maths.optimizers import Adam, Optimizer
from glassnet.maths.schedules import Schedule
from glassnet.network.dense import Dense
from glassnet.network.dropout import Dropout
from glassnet.network.network import Network

Array = NDArray[Any]


@final
@dataclasses.dataclass(frozen=True)
class Way:
    """How to train otherwise; None leaves a thing as it was."""

    tried: str
    network: Network | None = None
    theta: Array | None = None
    optimizer: Optimizer | None = None
    schedule: Schedule | str | None = ""
    epochs: int | None = None
    x: tuple[Array, Array] | None = None
    y: tuple[Array, Array] | None = None
    by_class: bool = False
    l2: float | None = None
    penalties: bool = True
    keep: Array | None = None


def way_of(signs: Signs, finding: Finding) -> Way | None:
    """Return how to train otherwise, or None where the cure cannot be run."""
    known, remedy = signs.known, finding.remedy
    assert remedy is not None
    optimizer, kind = known.recipe.optimizer, remedy.kind
    epochs = known.epochs or 20
    if kind == "rate":
        if optimizer is None:
            return None
        changed = optimizer.at_rate(optimizer.learning_rate * remedy.factor)
        return Way(
            f"the run from its start at {peak_rate(known) * remedy.factor:.3g} in place of "
            f"{peak_rate(known):.3g}, batches as they were",
            optimizer=changed,
        )
    if kind == "scale_inputs":
        x = known.block.x.astype(np.float64)
        spread = x.std(axis=0)
        return Way("inputs standardised, the run from its start", x=(x.mean(axis=0), np.where(spread > 0, spread, 1)))
    if kind == "scale_targets":
        y = known.block.y.astype(np.float64)
        spread = y.std(axis=0)
        return Way("targets standardised, the run from its start", y=(y.mean(axis=0), np.where(spread > 0, spread, 1)))
    if kind == "start":
        return Way("the same layers with usual initial weights and biases", theta=signs.fresh_theta)
    if kind == "constant":
        return Way("the run from its start at a constant rate", schedule=None)
    if kind == "cosine":
        from glassnet.maths.schedules import CosineAnnealingLR

        falling = CosineAnnealingLR().for_run(epochs, epochs * known.steps_per_epoch)
        return Way("the run from its start with a rate that falls along a cosine", schedule=falling)
    if kind == "longer":
        return Way(
            f"{3 * epochs:,} epochs in place of {epochs:,}, at a constant rate", schedule=None, epochs=3 * epochs
        )
    if kind == "no_penalty":
        net = known.network
        layers = [layer for layer in net.layers if not isinstance(layer, Dropout)]
        return Way(
            "the run from its start without dropout and penalties",
            penalties=False,
            network=Network(net.input_shape, layers, seed=net.seed, dtype=net.dtype),
        )
    if kind == "larger":
        dense = [layer for layer in known.network.layers if isinstance(layer, Dense)]
        width = max(32, 4 * max((layer.units for layer in dense[:-1]), default=16))
        wider = Network(
            known.network.input_shape,
            [Dense(width, "relu"), Dense(dense[-1].units, dense[-1].activation)],
            seed=known.network.seed,
            dtype=known.network.dtype,
        )
        return Way(
            f"a network with a hidden layer of {width} relu units, Adam(0.002)",
            network=wider,
            theta=wider.theta.copy(),
            optimizer=Adam(2e-3),
            schedule=None,
            penalties=False,
        )
    if kind == "weights":
        return Way("each class weighted so that all count alike", by_class=True)
    if kind == "activation":
        return Way(*_other_activation(known))
    if kind == "restrain":
        return _restrained(known)
    if kind == "drop_column":
        keep = np.ones(known.network.input_shape[0], bool)
        keep[int(finding.numbers["column"])] = False
        return Way(f"the run from its start without {finding.numbers['name']}", keep=keep)
    return None


def _other_activation(known: Known) -> tuple[str, Network, Array]:
    """Return the same layers with another activation between, drawn as that one is by itself."""
    net, dense = known.network, [layer for layer in known.network.layers if isinstance(layer, Dense)]
    other = "relu" if dense[0].activation.name != "relu" else "leaky_relu"
    layers = [
        Dense(layer.units, other, bias=layer.bias) if isinstance(layer, Dense) and layer is not dense[-1] else layer
        for layer in net.layers
    ]
    layers[layers.index(dense[-1])] = Dense(dense[-1].units, dense[-1].activation, bias=dense[-1].bias)
    changed = Network(net.input_shape, layers, seed=net.seed, dtype=net.dtype)
    return f"the same layers with {other} and its usual initial weights", changed, changed.theta.copy()


def _restrained(known: Known) -> Way:
    """Return the run with dropout behind each hidden layer or, where that cannot be added, with l2."""
    net, optimizer = known.network, known.recipe.optimizer
    hidden = [layer for layer in net.layers[:-1] if isinstance(layer, Dense)]
    full = optimizer is not None and optimizer.full_batch
    if not hidden or full or any(layer.drop_rate for layer in net.layers):
        l2 = max(0.01, 10 * known.recipe.l2)
        return Way(f"the run from its start with l2={l2:.2g}", l2=l2)
    layers = [each for layer in net.layers for each in ((layer, Dropout(0.5)) if layer in hidden else (layer,))]
    dropped = Network(net.input_shape, layers, seed=net.seed, dtype=net.dtype)
    return Way("the run from its start with Dropout(0.5) behind each hidden layer", network=dropped)
