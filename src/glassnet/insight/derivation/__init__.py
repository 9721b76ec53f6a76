"""How one weight's derivative comes about: the chain rule, written out for a person's own network and rows."""

from glassnet.insight.derivation.derivation import Derivation
from glassnet.insight.derivation.explain import explain

__all__ = ["Derivation", "explain"]
