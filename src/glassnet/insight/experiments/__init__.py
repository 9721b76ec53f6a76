"""The experiments of 1986 that showed hidden units learning features, run again from many random starts.

Each experiment is a function ``run(seeds=20, *, seed=None, progress=None)`` whose answer has ``.text()``, ``.html()``
and ``.to_dict()``.
"""

from collections.abc import Callable, Mapping

from glassnet.insight.experiments.family_trees import FamilyTrees, run_family_trees
from glassnet.insight.experiments.symmetry import Symmetry, run_symmetry

EXPERIMENTS: Mapping[str, Callable[..., Symmetry | FamilyTrees]] = {
    "symmetry": run_symmetry,
    "family-trees": run_family_trees,
}
"""By the name that the command line takes."""

__all__ = ["EXPERIMENTS", "FamilyTrees", "Symmetry", "run_family_trees", "run_symmetry"]
