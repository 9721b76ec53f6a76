"""Influence: which training rows made a prediction, and what retraining without them says."""

from glassnet.insight.influence.asking import influence
from glassnet.insight.influence.records import Influence, Proof, Questioned, Removal, RowInfluence

__all__ = ["Influence", "Proof", "Questioned", "Removal", "RowInfluence", "influence"]
