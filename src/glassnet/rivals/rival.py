"""What a rival is: a record of hyper-parameters that turns one start and one arena into a walk of θ.

Backpropagation training is a rival like the others. A rival knows the arena and NumPy; it sees the network, and its
error, only through what it asks of the arena, which counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.hyperparameters import spell
from glassnet.rivals.arena import Arena

Array = NDArray[Any]


class Rival(ABC):
    """A way to set the weights. Subclasses are final frozen dataclasses whose every field has a default.

    Attributes
    ----------
    name : str
        How it is found in the registry and on the command line.
    title : str
        What people call it, for legends and sentences; begins with a capital letter.
    idea : str
        One sentence in plain words that says what it does.
    source : str
        Where it was published.
    never_worse : bool
        Whether it promises that no θ it yields has a higher cost (`Arena.costs`) than its start.
    uses : str
        What a step asks of the network: "errors" alone, "passes" forward and backward, or "rows" (neither; activity).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    idea: ClassVar[str]
    source: ClassVar[str]
    never_worse: ClassVar[bool] = False
    uses: ClassVar[str] = "errors"

    @property
    def spec(self) -> str:
        """The spelling that ``RIVALS.resolve`` turns into an equal record."""
        return spell(self.name, self)

    def refusal(self, arena: Arena) -> str:
        """Return why it cannot train this network on these rows, as a whole sentence; empty if it can."""
        return ""

    def caution(self, arena: Arena) -> str:
        """Return what a person should know before it starts, such as how long it would take; empty if nothing."""
        return ""

    @abstractmethod
    def steps(self, arena: Arena, theta: Array, chance: np.random.Generator) -> Iterator[Array]:
        """Yield θ after each step, for as long as somebody asks.

        Parameters
        ----------
        arena : Arena
            Everything that can be asked; each question is counted, and raises `BudgetSpent` where it would cost more
            than is left. Let that pass: the last θ that was yielded then counts.
        theta : (n,) array
            Where to start. Not to be written into.
        chance : numpy.random.Generator
            The only source of chance, so that the same seed gives the same walk.

        Yields
        ------
        (n,) array
            What the rival would hand over if it was stopped now: the current θ, the best one, or the mean of a
            population. It may be written over after the next step is asked for. A rival may end by itself.
        """
