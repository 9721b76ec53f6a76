"""Which rows a network fights with, and which labels are probably wrong: from what the training noted of each row."""

from glassnet.insight.blame.ask import blame
from glassnet.insight.blame.records import Blame, Suspect

__all__ = ["Blame", "Suspect", "blame"]
