"""Curvature: how the error bends around a network's weights, and how large a learning rate that allows."""

from glassnet.insight.curvature.curvature import Curvature, Eigenvalue, OtherRows
from glassnet.insight.curvature.measuring import curvature
from glassnet.insight.curvature.rates import RateLimit

__all__ = ["Curvature", "Eigenvalue", "OtherRows", "RateLimit", "curvature"]
