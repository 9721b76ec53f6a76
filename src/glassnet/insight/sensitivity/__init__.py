"""Sensitivity: which weights and which inputs the error reacts to most."""

from glassnet.insight.sensitivity.measuring import sensitivity
from glassnet.insight.sensitivity.sensitivity import InputEffect, LayerEffect, Sensitivity, WeightEffect

__all__ = ["InputEffect", "LayerEffect", "Sensitivity", "WeightEffect", "sensitivity"]
