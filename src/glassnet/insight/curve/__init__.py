"""The learning curve: error against the number of rows trained on, and what more rows would bring."""

from glassnet.insight.curve.curve import LearningCurve, Measure
from glassnet.insight.curve.learning import learning_curve
from glassnet.insight.curve.power_law import Forecast, PowerLaw, Projection
from glassnet.insight.curve.runs import CurveProgress

__all__ = ["CurveProgress", "Forecast", "LearningCurve", "Measure", "PowerLaw", "Projection", "learning_curve"]
