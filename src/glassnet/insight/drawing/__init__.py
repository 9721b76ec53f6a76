"""The network as a drawing: strong and weak links, and blame flowing back."""

from glassnet.insight.drawing.company import Company, company, look_at_company
from glassnet.insight.drawing.look import Look, look

__all__ = ["Company", "Look", "company", "look", "look_at_company"]
