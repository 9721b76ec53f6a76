"""Ways to set the weights of a network, backpropagation among them: one file each, one interface."""

from glassnet.rivals.arena import Arena, BudgetSpent
from glassnet.rivals.registry import RIVALS
from glassnet.rivals.rival import Rival

__all__ = ["RIVALS", "Arena", "BudgetSpent", "Rival"]
