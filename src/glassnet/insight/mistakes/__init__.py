"""The seven mistakes of popular explanations: each computed beside the right formula, and trained with."""

from glassnet.insight.mistakes.ask import Mistakes, mistakes
from glassnet.insight.mistakes.catalogue import MISTAKES, Mistake, Variant
from glassnet.insight.mistakes.study import Finding

__all__ = ["MISTAKES", "Finding", "Mistake", "Mistakes", "Variant", "mistakes"]
