r"""How much the gradients of rows differ, and how sure that is, from numbers of rows alone.

Of each row and layer it takes sᵢ = ‖gᵢ‖², pᵢ = gᵢ·ḡ and qᵢ = gᵢ·r, with ḡ the mean of the gᵢ and r the penalty's
gradient; gradients themselves are not needed:

    tr Σ = (Σ sᵢ/m − ‖ḡ‖²) m/(m−1)           the variance of a row's gradient, unbiased
    ‖G‖² = ‖ḡ‖² − tr Σ/m + 2 r·ḡ + ‖r‖²      the squared length of the gradient of rows like these, unbiased
    B    = tr Σ/‖G‖²                         the simple noise scale

The uncertainty is the jackknife's: what the figures would be without row i follows from sᵢ, pᵢ and qᵢ in closed form,
as ‖ḡ₋ᵢ‖² = (m²‖ḡ‖² − 2m pᵢ + sᵢ)/(m−1)².

References
----------
McCandlish, Kaplan, Amodei et al., An empirical model of large-batch training, arXiv:1812.06162, 2018, section 2.2 and
appendix A.1. Efron & Stein, The jackknife estimate of variance, Annals of Statistics 9, 1981.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ROUNDING = 1e-13  # what the difference of two equal sums may come to, as a share of them
_TWO_SIDED = 1.96  # standard errors on either side, for 95 of 100


@final
@dataclass(frozen=True)
class RowSums:
    """What is known of the rows' gradients of one layer, or of all.

    Parameters
    ----------
    squares, with_mean, with_penalty : (m,) float64 arrays
        ‖gᵢ‖², gᵢ·ḡ and gᵢ·r.
    mean, mean_penalty, penalty : float
        ‖ḡ‖², ḡ·r and ‖r‖².
    """

    squares: Array
    with_mean: Array
    with_penalty: Array
    mean: float
    mean_penalty: float
    penalty: float

    def __add__(self, other: RowSums) -> RowSums:
        return RowSums(
            self.squares + other.squares,
            self.with_mean + other.with_mean,
            self.with_penalty + other.with_penalty,
            self.mean + other.mean,
            self.mean_penalty + other.mean_penalty,
            self.penalty + other.penalty,
        )


@final
@dataclass(frozen=True)
class Estimate:
    """The noise of gradients, of one layer or of all, with 95 % intervals.

    Parameters
    ----------
    variance, variance_error : float
        tr Σ of one row's gradient, and its standard error.
    signal, signal_error : float
        ‖G‖², unbiased, so that it can come out below 0; and its standard error.
    ratio, ratio_error : float
        ‖G‖²/tr Σ: the signal-to-noise of a step of one row, a power, infinite without variance; and its standard error.
    gradient : float
        ‖ḡ + r‖², the squared length of the gradient of exactly these rows.
    """

    variance: float
    variance_error: float
    signal: float
    signal_error: float
    ratio: float
    ratio_error: float
    gradient: float

    @property
    def noise_scale(self) -> float | None:
        """B of rows like these; None where the gradient cannot be told from 0, so that B has no bound."""
        return 1 / self.ratio if self.ratio > 0 else (0.0 if self.variance == 0 and self.signal > 0 else None)

    @property
    def low(self) -> float:
        """The lower end of the interval of B; infinite where even that has no bound."""
        top = self.ratio + _TWO_SIDED * self.ratio_error
        return 1 / top if top > 0 else (0.0 if self.variance == 0 else float("inf"))

    @property
    def high(self) -> float | None:
        """The upper end of the interval of B; None where there is no bound."""
        bottom = self.ratio - _TWO_SIDED * self.ratio_error
        return 1 / bottom if bottom > 0 else None

    @property
    def of_these_rows(self) -> float | None:
        """B where these rows are all there are, G being their own gradient; None where that is 0."""
        return self.variance / self.gradient if self.gradient > 0 else None

    def to_dict(self) -> dict[str, float | None]:
        """Return plain values."""
        names = ("noise_scale", "low", "high", "of_these_rows")
        figures = {**vars(self), **{name: getattr(self, name) for name in names}}
        return {name: value if value is not None and np.isfinite(value) else None for name, value in figures.items()}


def estimate(sums: RowSums) -> Estimate:
    """Return the noise of m rows, 3 at least."""
    s, p, q = sums.squares, sums.with_mean, sums.with_penalty
    m = len(s)
    variance, signal = _figures(m, float(s.mean()), sums.mean, sums.mean_penalty, sums.penalty)
    # and the same without each row in turn
    fewer = m - 1
    mean = (m * m * sums.mean - 2 * m * p + s) / fewer**2
    squares = (s.sum() - s) / fewer
    variances, signals = _figures(fewer, squares, mean, (m * sums.mean_penalty - q) / fewer, sums.penalty)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratios = np.float64(signal) / variance, signals / variances
    known = bool(np.isfinite(ratios).all())
    return Estimate(
        variance=float(variance),
        variance_error=_jackknife(variances),
        signal=float(signal),
        signal_error=_jackknife(signals),
        ratio=float(ratio),
        ratio_error=_jackknife(ratios) if known else (np.inf if variance else 0.0),
        gradient=sums.mean + 2 * sums.mean_penalty + sums.penalty,
    )


def _figures(m: int, squares: Any, mean: Any, mean_penalty: Any, penalty: float) -> tuple[Any, Any]:
    """Return tr Σ and ‖G‖² of m rows from the means of ‖gᵢ‖², and ‖ḡ‖², ḡ·r and ‖r‖²."""
    differing = squares - mean
    variance = np.where(differing > _ROUNDING * squares, differing, 0.0) * m / (m - 1)
    return variance, mean - variance / m + 2 * mean_penalty + penalty


def _jackknife(without: Array) -> float:
    """Return the standard error of a figure from its values without each row in turn."""
    m = len(without)
    return float(np.sqrt((m - 1) / m * ((without - without.mean()) ** 2).sum()))
