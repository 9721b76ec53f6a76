"""How steps are computed: one interface, and the engines behind it."""

from collections.abc import Mapping

from glassnet.engines.engine import Block, Descent, Engine, State, Steps
from glassnet.engines.reference import ReferenceEngine, row_errors_and_predictions

ENGINES: Mapping[str, type[Engine]] = {"reference": ReferenceEngine}

__all__ = ["ENGINES", "Block", "Descent", "Engine", "ReferenceEngine", "State", "Steps", "row_errors_and_predictions"]
