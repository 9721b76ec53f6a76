"""What decides every bit of a run, as plain values: by them a run is continued, and taken again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.loss import Loss
from glassnet.maths.losses import LOSSES
from glassnet.network.network import Network

if TYPE_CHECKING:
    from glassnet.training.loop import Training

Array = NDArray[Any]


def settings_of(training: Training, engine: str) -> dict[str, Any]:
    """Return what decides every bit of a run; it is continued only with the same."""
    machine, options = training.engine, training.options
    objective, descent, early = machine.objective, machine.descent, options.early_stopping
    settings = {
        "network": training.network.to_dict(),
        "loss": objective.loss.name,
        "reduction": objective.reduction,
        "l1": objective.l1,
        "l2": objective.l2,
        "optimizer": descent.optimizer.spec,
        "clip_norm": descent.clip_norm,
        "clip_value": descent.clip_value,
        "schedule": None if options.schedule is None else options.schedule.spec,
        "early_stopping": None if early is None else dataclasses.asdict(early),
        "batch_size": machine.batch_size,
        "shuffle": options.shuffle,
        "seed": machine.seed,
        "engine": engine,
        "own_formulas": own_formulas(training.network, objective.loss),
        "data": digest(training.block),
        "validation": None if training.validation is None else digest(training.validation),
    }
    values: dict[str, Any] = json.loads(json.dumps(settings))  # as they come back from a file
    return values


def own_formulas(net: Network, loss: Loss) -> list[str]:
    """Return digests of what the user's own records compute, which their names do not tell."""
    grid, a, y = np.linspace(-4, 4, 64).reshape(8, 8), np.linspace(0.05, 0.95, 64).reshape(8, 8), np.eye(8)
    computed: list[Array] = []
    with np.errstate(all="ignore"):
        for g in (layer.activation for layer in net.layers):
            if not ACTIVATIONS.spells(g.name):
                computed += [g.apply(grid), g.pullback(grid, g.apply(grid), a)]
        if not LOSSES.spells(loss.name):
            computed += [loss.rows(a, y), loss.slope(a, y)]
    return [digest(array) for array in computed]


def digest(*parts: Block | Array) -> str:
    """Return a fingerprint of rows or arrays, bit by bit."""
    digest = hashlib.sha256()
    for part in parts:
        for array in (part.x, part.y, part.sample_weight) if isinstance(part, Block) else (part,):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]
