"""How steps are computed: one interface, and the engines behind it."""

from __future__ import annotations

from collections.abc import Mapping

from glassnet.compiled.machine_code import NotCompilable
from glassnet.engines.compiled import CompiledEngine
from glassnet.engines.engine import Block, Descent, Engine, Rates, State, Steps
from glassnet.engines.reference import ReferenceEngine, row_errors_and_predictions
from glassnet.errors import warn
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
    if name == "compiled":
        try:
            return CompiledEngine(network, objective, descent, batch_size, seed, threads)
        except NotCompilable as refusal:
            warn(f"{refusal} The reference engine computes the steps instead, which is slower.")
    return ReferenceEngine(network, objective, descent, batch_size, seed)


__all__ = [
    "ENGINES",
    "Block",
    "CompiledEngine",
    "Descent",
    "Engine",
    "Rates",
    "ReferenceEngine",
    "State",
    "Steps",
    "make_engine",
    "row_errors_and_predictions",
]
