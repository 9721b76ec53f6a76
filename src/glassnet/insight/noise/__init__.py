"""Noise: how much the gradients of rows differ, and the batch size that this suggests."""

from glassnet.insight.noise.estimates import Estimate
from glassnet.insight.noise.measuring import noise
from glassnet.insight.noise.noise import Cabs, LayerNoise, Moment, Noise

__all__ = ["Cabs", "Estimate", "LayerNoise", "Moment", "Noise", "noise"]
