"""Why did it move: which rows, and what else, pushed one weight over some steps; and where two runs part."""

from glassnet.insight.why.asking import why
from glassnet.insight.why.difference import Diff
from glassnet.insight.why.parting import diff
from glassnet.insight.why.record import Why

__all__ = ["Diff", "Why", "diff", "why"]
