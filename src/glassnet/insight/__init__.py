"""What can be seen of a network."""

from glassnet.insight.derivation import Derivation, explain
from glassnet.insight.drawing import Look, look
from glassnet.insight.gradient_check import GradientCheck, check_gradient

__all__ = ["Derivation", "GradientCheck", "Look", "check_gradient", "explain", "look"]
