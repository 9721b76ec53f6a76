"""The error as a mountain: over a plane through the trained weights, and from many starts."""

from glassnet.insight.landscape.cost import GridProgress
from glassnet.insight.landscape.directions import Plane
from glassnet.insight.landscape.example import Hill, hill
from glassnet.insight.landscape.starts import Starts, Valley, many_starts
from glassnet.insight.landscape.survey import Landscape, Walk, landscape
from glassnet.insight.landscape.team import StartsProgress

__all__ = [
    "GridProgress",
    "Hill",
    "Landscape",
    "Plane",
    "Starts",
    "StartsProgress",
    "Valley",
    "Walk",
    "hill",
    "landscape",
    "many_starts",
]
