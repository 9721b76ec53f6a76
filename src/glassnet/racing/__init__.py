"""The race between backpropagation and every other way to set the weights."""

from glassnet.racing.contest import Seen, race
from glassnet.racing.cost import cost_of_step
from glassnet.racing.records import Cost, Entry, Point, Race, Run

__all__ = ["Cost", "Entry", "Point", "Race", "Run", "Seen", "cost_of_step", "race"]
