"""How steps are computed: one interface, and the engines behind it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glassnet.compiled.machine_code import NotCompilable
from glassnet.engines.compiled import CompiledEngine
from glassnet.engines.engine import Block, Descent, Engine, Rates, State, Steps
from glassnet.engines.notes import Notes, Truth, margins_and_predictions, truth_of
from glassnet.engines.reference import ReferenceEngine, row_errors_and_predictions
from glassnet.errors import InputError, warn
from glassnet.maths.activations import ACTIVATIONS
from glassnet.network.network import Network
from glassnet.network.objective import Objective

ENGINES: Mapping[str, type[Engine]] = {"compiled": CompiledEngine, "reference": ReferenceEngine}


def make_engine(
    name: str,
    network: Network,
    objective: Objective,
    descent: Descent,
    batch_size: int,
    seed: int,
    threads: int | None = None,
) -> Engine:
    """Return the engine of a name, or the reference engine where the compiler refuses a formula, and say so."""
    _require_formulas_of_arrays(network)
    if name == "compiled":
        try:
            return CompiledEngine(network, objective, descent, batch_size, seed, threads)
        except NotCompilable as refusal:
            warn(f"{refusal} The reference engine computes the steps instead, which is slower.")
    return ReferenceEngine(network, objective, descent, batch_size, seed)


def _require_formulas_of_arrays(network: Network) -> None:
    """Refuse a user's activation that works on single numbers alone, before hours of compiled training with it."""
    for units, layer in zip(network.shapes[1:], network.layers, strict=True):
        g = layer.activation
        if ACTIVATIONS.spells(g.name):
            continue
        z = np.linspace(-1, 1, 2 * units[0], dtype=network.dtype).reshape(2, units[0])
        try:
            with np.errstate(all="ignore"):
                g.pullback(z, g.apply(z), np.ones_like(z))
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"Activation {g.name!r} cannot be applied to an array of z: {error} "
                "Write it with NumPy's functions, such as np.where(z > 0, z, 0) in place of an if."
            ) from error


__all__ = [
    "ENGINES",
    "Block",
    "CompiledEngine",
    "Descent",
    "Engine",
    "Notes",
    "Rates",
    "ReferenceEngine",
    "State",
    "Steps",
    "Truth",
    "make_engine",
    "margins_and_predictions",
    "row_errors_and_predictions",
    "truth_of",
]
