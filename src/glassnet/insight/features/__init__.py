"""What each hidden unit has learned to see, computed, in words and as a page."""

from glassnet.insight.features.records import Features, HiddenLayer, LayerLinks, Unit
from glassnet.insight.features.study import features

__all__ = ["Features", "HiddenLayer", "LayerLinks", "Unit", "features"]
