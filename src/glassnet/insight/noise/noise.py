"""What was found of the noise in gradients, as a record; it is measured and told next door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

from glassnet.insight.noise.estimates import Estimate


@final
@dataclass(frozen=True)
class LayerNoise:
    """The noise of one layer's gradient.

    Parameters
    ----------
    layer : int
    called : str
    parameters : int
        How many training moves.
    estimate : Estimate
    """

    layer: int
    called: str
    parameters: int
    estimate: Estimate


@final
@dataclass(frozen=True)
class Moment:
    """The noise at one point of a training.

    Parameters
    ----------
    label : str
        "epoch 4".
    error : float
        The mean error there of the rows that were looked at, with the penalty.
    estimate : Estimate
    """

    label: str
    error: float
    estimate: Estimate


@final
@dataclass(frozen=True)
class Cabs:
    """The batch size that CABS suggests (Balles, Romero & Hennig, 2017): η tr Σ/E.

    Parameters
    ----------
    batch_size : float or None
        None where the rule does not apply; `says` tells why.
    says : str
    """

    batch_size: float | None
    says: str


@final
@dataclass(frozen=True, eq=False)
class Noise:
    """How much the gradients of rows differ, by layer, and the batch size that this suggests.

    Gradients are of rows' own errors, without dropout, by the parameters that training moves.

    Attributes
    ----------
    loss : str
    rows, of_rows : int
        How many rows were looked at, and how many there were.
    error : float
        Their mean error, with the penalty.
    whole : Estimate
        Of all layers together.
    layers : tuple of LayerNoise
        Those with parameters that training moves.
    batch_size : int or None
        The one in use.
    learning_rate : float or None
    optimizer : str or None
    cabs : Cabs
    moments : tuple of Moment
        The noise on the way, where a run was given; the last is of these weights.
    moment_rows : int
        How many rows were looked at for each of them.
    caveats : tuple of str
        When the figures do not hold.
    """

    loss: str
    rows: int
    of_rows: int
    error: float
    whole: Estimate
    layers: tuple[LayerNoise, ...]
    batch_size: int | None
    learning_rate: float | None
    optimizer: str | None
    cabs: Cabs
    moments: tuple[Moment, ...]
    moment_rows: int
    caveats: tuple[str, ...]

    @property
    def noise_scale(self) -> float | None:
        """B = tr Σ/‖G‖², the batch size where signal and noise of a step are equal.

        None where the gradient cannot be told from 0, so that B has no bound.
        """
        return self.whole.noise_scale

    def step_share(self, batch_size: int) -> float | None:
        """Return which share of the progress of a step on endless rows a step of so many makes: 1/(1 + B/batch).

        Each at its own best rate: McCandlish et al., 2018, section 2.2. None where B has no bound.
        """
        scale = self.noise_scale
        return None if scale is None else 1 / (1 + scale / batch_size)

    def norm_batch(self, share: float = 0.5) -> int:
        """Return the smallest batch that passes the norm test: its noise is no longer than `share` of the gradient.

        tr Σ/b · (N−b)/N ≤ share²‖G‖² for b of N rows, drawn without replacement (Byrd, Chin, Nocedal & Wu, Sample
        size selection in optimization methods for machine learning, 2012, section 3). G is the gradient of all N rows
        that were given; where those are out of reach of the rows that were looked at, all N are needed.
        """
        n, est = self.of_rows, self.whole
        signal = est.gradient - est.variance * (1 / self.rows - 1 / n)  # of the N rows, unbiased
        if signal <= 0:
            return n
        t = est.variance / (share * share * signal)
        return max(1, min(n, int(-(-t * n // (n + t)))))

    def text(self) -> str:
        """Return tables and sentences for a terminal."""
        from glassnet.insight.noise.words import text

        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "loss": self.loss,
            "rows": self.rows,
            "of_rows": self.of_rows,
            "error": self.error,
            **self.whole.to_dict(),
            "norm_batch": self.norm_batch(),
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "optimizer": self.optimizer,
            "step_share": None if self.batch_size is None else self.step_share(self.batch_size),
            "cabs": dataclasses.asdict(self.cabs),
            "layers": [
                {
                    "layer": each.layer,
                    "called": each.called,
                    "parameters": each.parameters,
                    **each.estimate.to_dict(),
                }
                for each in self.layers
            ],
            "moments": [{"label": each.label, "error": each.error, **each.estimate.to_dict()} for each in self.moments],
            "moment_rows": self.moment_rows,
            "caveats": list(self.caveats),
        }

    def __str__(self) -> str:
        return self.text()
