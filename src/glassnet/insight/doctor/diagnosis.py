"""What the doctor found, as records: findings with their numbers and cures, and what a tried cure brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from glassnet.insight.doctor.signs import Signs


@final
@dataclass(frozen=True)
class Remedy:
    """A cure as something that can be run.

    Parameters
    ----------
    kind : str
        "rate", "scale_inputs", "scale_targets", "start", "activation", "stop_early", "restrain", "weights",
        "no_penalty",         "constant", "cosine", "longer", "larger", "drop_column".
    factor : float
        By what to multiply the rate.
    step : int
        Where in the run it begins.
    """

    kind: str
    factor: float = 1.0
    epoch: int = 0


@final
@dataclass(frozen=True)
class Finding:
    """One thing that ails a training.

    Parameters
    ----------
    name : str
        "dead_units", "rate_too_high", ...
    says : str
        What is wrong, with its numbers.
    cure : str
        What to do.
    numbers : dict
        What it rests on, as plain values.
    source : str
        Where the rule was published; "" where it is plain reason.
    """

    name: str
    says: str
    cure: str
    numbers: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    remedy: Remedy | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "says": self.says,
            "cure": self.cure,
            "numbers": dict(self.numbers),
            "source": self.source,
        }

    def __str__(self) -> str:
        return f"{self.says} {self.cure}"


@final
@dataclass(frozen=True)
class Trial:
    """What a cure brought when it was run.

    Parameters
    ----------
    finding : str
    tried : str
        What was done otherwise, in words.
    helped : bool or None
        None where the difference is too small to say.
    says : str
        What came of it, with the figures.
    loss_before, loss_after : tuple of float
        The mean error of training rows in each epoch, as the run was, and with the cure.
    validation_before, validation_after : tuple of float
        Of held-out rows; empty without any.
    first_epoch : int
        The epoch from which the cure was run.
    """

    finding: str
    tried: str
    helped: bool | None
    says: str
    loss_before: tuple[float, ...]
    loss_after: tuple[float, ...]
    validation_before: tuple[float, ...]
    validation_after: tuple[float, ...]
    first_epoch: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@final
@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What ails a training; most important first, and nothing where nothing does.

    Attributes
    ----------
    findings : tuple of Finding
    figures : dict
        The few numbers that a healthy training is shown by.
    unseen : tuple of str
        What could not be looked at, and why.
    trials : tuple of Trial
        Cures that were run.
    caveat : str
        What must be known with all of it; mostly nothing.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> net = gn.Network(1, [gn.Dense(16, "tanh"), gn.Dense(1)], seed=0)
    >>> history = gn.train(net, X, np.sin(X), "squared_error", optimizer="adam(0.01)", epochs=30)
    >>> gn.doctor(net, X, np.sin(X), history=history).findings
    ()
    """

    findings: tuple[Finding, ...]
    figures: dict[str, Any]
    unseen: tuple[str, ...]
    trials: tuple[Trial, ...] = ()
    caveat: str = ""
    signs: Signs | None = field(default=None, repr=False)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def names(self) -> tuple[str, ...]:
        """The findings' names."""
        return tuple(finding.name for finding in self.findings)

    def text(self) -> str:
        """Return sentences for a terminal."""
        from glassnet.insight.doctor.words import text

        return text(self)

    def html(self, title: str = "Diagnosis") -> str:
        """Return a whole page: findings, and the curves with and without the cures that were run."""
        from glassnet.insight.doctor.drawing import diagnosis_page

        return diagnosis_page(self, title)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "healthy": self.healthy,
            "findings": [finding.to_dict() for finding in self.findings],
            "figures": dict(self.figures),
            "unseen": list(self.unseen),
            "caveat": self.caveat,
            "trials": [trial.to_dict() for trial in self.trials],
        }

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("Diagnosis", self.html())
