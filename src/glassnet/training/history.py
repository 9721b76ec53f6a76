"""What training met, epoch by epoch. It holds no times, so two runs of one seed have equal histories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, final

if TYPE_CHECKING:
    from glassnet.training.ledger import Ledger


@final
@dataclass
class History:
    """One number an epoch, and how it ended.

    Attributes
    ----------
    loss : list of float
        The mean of the rows' errors as they were met, weighted by sample weight, with the penalty.
    validation_loss : list of float
        After each epoch, without dropout or penalty; empty without validation data.
    validation_accuracy : list of float
        The share of validation rows whose class was right; empty where there are no classes.
    learning_rate : list of float
        Of each epoch's last step.
    best_epoch : int or None
        The epoch, from 0, whose weights early stopping restored.
    stopped : str
        Why training ended: "all epochs done", "no better for … epochs", "time limit", "interrupted", or a callback's
        own words; "" while it runs.
    ledger : Ledger or None
        What each row was like in each epoch; None where training was asked to keep none.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = ""
    ledger: Ledger | None = field(default=None, compare=False, repr=False)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, all but the ledger; floats keep every bit through JSON."""
        values = {name: list(value) if isinstance(value, list) else value for name, value in vars(self).items()}
        del values["ledger"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the history again."""
        return cls(**values)
