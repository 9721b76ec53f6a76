"""What backpropagation saves: how many derivatives a factor is part of, and the multiplications with and without reuse.

Everything is counted in whole numbers, from which neurons hear which; nothing is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.derivation.chain import Chain, Stage, count_paths
from glassnet.network.network import Network

Mask = NDArray[np.bool_]


@final
@dataclass(frozen=True)
class Sharing:
    """Who shares what in the gradient of one row.

    Parameters
    ----------
    network : Network
    chain : Chain
        Of the whole network, from layer 0 on.
    """

    network: Network
    chain: Chain

    @property
    def parameters(self) -> int:
        """How many derivatives a row's gradient has."""
        return self.network.layout.parameters

    def of_blame(self, k: int, i: int) -> int:
        """Return in how many derivatives what neuron i of layer k is to blame for is a factor.

        They are those of its own weights and bias, and of everything that it hears, directly or through others.
        """
        stages = self.chain.stages
        t = next(t for t, stage in enumerate(stages) if stage.k == k)
        neurons = np.zeros(stages[t].units, bool)
        neurons[i] = True
        found = 0
        for stage in reversed(stages[: t + 1]):
            found += self._own_parameters(stage, neurons)
            neurons = _heard(stage, neurons)
        return found

    def of_signal(self, k: int, j: int) -> int:
        """Return in how many derivatives the signal a_kj is the factor that came in: those of the weights it meets."""
        stage = next(stage for stage in self.chain.stages if stage.k == k)
        return stage.units if stage.present is None else int(stage.present[j].sum())

    def of_weight(self, k: int, j: int) -> int:
        """Return in how many derivatives a weight of layer k that reads from j is a factor: those of all before j."""
        stages = self.chain.stages
        t = next(t for t, stage in enumerate(stages) if stage.k == k)
        return 0 if t == 0 else self.of_blame(stages[t - 1].k, j)

    def paths_from(self, k: int, i: int) -> int:
        """Return over how many paths neuron i of layer k reaches the error."""
        t = next(t for t, stage in enumerate(self.chain.stages) if stage.k == k)
        return count_paths(self.chain.stages)[t][i]

    def _own_parameters(self, stage: Stage, neurons: Mask) -> int:
        """Return how many weights and biases end in some neurons of a stage."""
        views = self.network.parameters[stage.k]
        if "weights" not in views:
            return 0
        weights = len(stage.x) * int(neurons.sum()) if stage.present is None else int(stage.present[:, neurons].sum())
        return weights + (int(neurons.sum()) if "biases" in views else 0)

    def multiplications_by_paths(self) -> int:
        """Return the multiplications of the row's gradient if every derivative is written out path by path."""
        stages, total = self.chain.stages, 0
        counts = count_paths(stages)
        for t, stage in enumerate(stages):
            views = self.network.parameters[stage.k]
            if "weights" not in views:
                continue
            factors = self._factors_behind(t)
            heard = [len(stage.x)] * stage.units if stage.present is None else stage.present.sum(axis=0).tolist()
            for paths, inputs in zip(counts[t], heard, strict=True):
                total += paths * inputs * factors  # the signal, and one multiplication less than factors
                total += paths * (factors - 1) if "biases" in views else 0
        return total

    def multiplications_shared(self) -> int:
        """Return the multiplications of the row's gradient if what is shared is computed once: backpropagation."""
        stages, total = self.chain.stages, 0
        for t, stage in enumerate(stages):
            links = stage.units if stage.one_to_one else self._links(stage)
            if "weights" in self.network.parameters[stage.k]:
                total += links  # a_j δ_i for every weight, (4)
            if any("weights" in self.network.parameters[before.k] for before in stages[:t]):
                total += links  # θᵀδ, (2), where a weight lies before
            total += stage.units * self._multiplies_slope(t)  # ⊙ g′(z), (1) and (2)
        return total

    def _factors_behind(self, t: int) -> int:
        """Return how many factors a path has from stage t on, the signal left out."""
        stages = self.chain.stages
        ends = 1  # ∂E/∂a, or δ where that is one factor
        return ends + (len(stages) - 1 - t) + sum(self._multiplies_slope(s) for s in range(t, len(stages)))

    def _multiplies_slope(self, t: int) -> bool:
        """Whether a slope g′ is a factor at stage t: the layer has one, and no short form holds it."""
        last = t == len(self.chain.stages) - 1
        return not (self.chain.stages[t].one_to_one or (last and self.chain.ends_in_blame))

    def _links(self, stage: Stage) -> int:
        return len(stage.x) * stage.units if stage.present is None else int(stage.present.sum())

    def to_dict(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "parameters": self.parameters,
            "multiplications_by_paths": self.multiplications_by_paths(),
            "multiplications_shared": self.multiplications_shared(),
        }


def _heard(stage: Stage, neurons: Mask) -> Mask:
    """Return which inputs of a stage some of its neurons hear."""
    if stage.one_to_one:
        return neurons
    if stage.present is None:
        return np.full(len(stage.x), bool(neurons.any()))
    return np.asarray(stage.present[:, neurons].any(axis=1))
