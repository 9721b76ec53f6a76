"""What can be seen of a network."""

from glassnet.insight.gradient_check import GradientCheck, check_gradient

__all__ = ["GradientCheck", "check_gradient"]
