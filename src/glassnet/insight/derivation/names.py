"""What neurons, inputs and the network are called in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from glassnet.insight.documents import words
from glassnet.network.dense import Dense

if TYPE_CHECKING:
    from glassnet.data import Encoder
    from glassnet.insight.derivation.chain import Chain
    from glassnet.insight.derivation.derivation import Derivation
    from glassnet.insight.places import Place


@final
class Names:
    """Names for one derivation."""

    def __init__(self, derivation: Derivation) -> None:
        self.place, self.subject = derivation.place, derivation.subject
        net = self.subject.network
        self.net, self.last = net, len(net.layers) - 1
        self.first = next(k for k, layer in enumerate(net.layers) if isinstance(layer, Dense))

    def of_place(self) -> str:
        """Name the weight or bias, capitalised."""
        k, i = self.place.k, self.place.neuron
        if self.place.signal is None:
            return f"The bias of {self.of_neuron(k, i)}"
        return f"The weight from {self.of_input(k, self.place.signal)} to {self.of_neuron(k, i)}"

    def of_input(self, k: int, j: int) -> str:
        """Name what a layer reads at j."""
        if k <= self.first:
            name = self.subject.feature_names[j]
            return f"input {j}" if name == f"x{j}" else f"input {j} ({words(name)})"
        before = max(m for m in range(k) if isinstance(self.net.layers[m], Dense))
        return f"neuron {j} of layer {before}"

    def of_neuron(self, k: int, i: int) -> str:
        """Name a neuron."""
        if k < self.last:
            return f"neuron {i} of layer {k}"
        name = self.subject.class_names[i]
        return f"output {i}" if name == str(i) else f"output {i} ({words(name)})"

    def of_network(self) -> str:
        """Describe the network in a sentence."""
        dense = [layer for layer in self.net.layers if isinstance(layer, Dense)]
        layers = " → ".join(f"{layer.units} {words(layer.activation.name)}" for layer in dense)
        return f"Network {self.net.input_shape[0]} → {layers}."


def in_own_units(encoder: Encoder, place: Place, chain: Chain) -> str:
    """Say how x and y come from the columns, and what the row told has in the columns' own units."""
    first = chain.stages[0]
    if encoder.image_shape is not None:
        how = f"Inputs are pixels divided by {encoder.scale[0]:g}."
    else:
        how = "Inputs are columns less their mean, divided by their standard deviation, over the rows trained on."
    j = place.signal
    if place.k == first.k and j is not None:
        value = first.x[j] * encoder.scale[j] + encoder.shift[j]
        how += f" In its own units {words(encoder.columns[j])} is {value:.7g} here."
    if encoder.task == "regression":
        truth = chain.y[0] * encoder.target_scale + encoder.target_shift
        answer = chain.stages[-1].a[0] * encoder.target_scale + encoder.target_shift
        how += f" So is the target: in its own units {words(encoder.target)} is {truth:.7g}, predicted {answer:.7g}."
    return how
