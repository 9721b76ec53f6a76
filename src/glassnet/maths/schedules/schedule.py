"""What a schedule is: a record that says the learning rate and momentum at count t, as a pure function.

The one kind that must remember something, reduction on a plateau, keeps it in an open state like an optimizer's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import require_choice, spell

State = dict[str, NDArray[Any]]
Per = Literal["epoch", "step"]
Point = tuple[float, float | None]


@dataclass(frozen=True)
class Schedule(ABC):
    """The learning rate and momentum of a run as functions of a count. Subclasses are frozen dataclasses.

    Parameters
    ----------
    per : "epoch" or "step"
        What t counts, from 0; by keyword.

    Attributes
    ----------
    name : str
        How it is found in the registry.
    """

    name: ClassVar[str]
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        require_choice(self, "per", ("epoch", "step"))

    @property
    def spec(self) -> str:
        """The spelling that ``SCHEDULES.resolve`` turns into an equal record."""
        return spell(self.name, self)

    @abstractmethod
    def at(self, t: int, learning_rate: float, momentum: float | None = None, state: State | None = None) -> Point:
        """Return the learning rate and the momentum at count t = 0, 1, ...

        Parameters
        ----------
        t : int
            Epochs or steps that are over, as `per` says.
        learning_rate : float
            The optimizer's own.
        momentum : float, optional
            The optimizer's own (``optimizer.own_momentum``); None, where it has none, comes back as None.
        state : dict, optional
            What `init` returned and `observe` moved; only reduction on a plateau reads it.
        """

    def for_run(self, epochs: int, steps: int) -> Schedule:
        """Return this schedule with lengths that were left open (None) taken from a run of so many epochs or steps."""
        return self

    @property
    def watches(self) -> Literal["loss", "accuracy"]:
        """Which figure of an epoch `observe` is to be given."""
        return "loss"

    def init(self) -> State:
        """Return the state in front of the first count; empty for a pure function of t."""
        return {}

    def observe(self, state: State, value: float) -> None:
        """Take in the loss, or what is watched, of the count that just ended; a pure function of t ignores it."""
        del state, value


def require_known(schedule: Schedule, field: str, value: int | None) -> int:
    """Return a length that must be known by now."""
    if value is None:
        raise InputError(
            f"{schedule.spec} has no {field}, its length in {schedule.per}s; expected a number by now. "
            f"Give {field}, or call for_run(epochs, steps), which takes it from the run."
        )
    return value
