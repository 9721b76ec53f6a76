"""A power law through measured errors, err(n) = a + b·n^(−c), and how far beyond the measured sizes it can be trusted.

Knows sizes and errors only. Every refusal is a sentence: an extrapolation that cannot be relied on is not given.

References
----------
Cortes, Jackel, Solla, Vapnik & Denker, Learning curves: asymptotic values and rate of convergence, NIPS 6, 1993.
Hestness et al., Deep learning scaling is predictable, empirically, arXiv:1712.00409, 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEVEL = 0.9
MULTIPLES = (2, 5, 10)

_LEAST_SIZES = 4  # one more than the law has numbers
_LEAST_SEEDS = 3
_MOST_OFF, _MOST_SIGMAS = 0.3, 3.0
_WIDEST = 0.6  # of the interval of what would be left of the error there is now
_SLOWEST, _FASTEST = 0.01, 5.0  # exponents that are tried; 0.07 to 0.35 in Hestness et al., up to 1 and 2 in theory


@final
@dataclass(frozen=True)
class PowerLaw:
    """err(n) = a + b·n^(−c).

    Parameters
    ----------
    a : float
        The error that no number of rows removes, from 0 up.
    b : float
    c : float
    """

    a: float
    b: float
    c: float

    def __call__(self, n: float) -> float:
        """Return the error that the law expects of n rows."""
        return float(self.a + self.b * np.float64(n) ** -self.c)


@final
@dataclass(frozen=True)
class Forecast:
    """The error that a law expects of more rows.

    Parameters
    ----------
    multiple : int
        How many times the rows there are.
    rows : int
    value, low, high : float
        The law's own value, and the interval that holds 90 % of what resampling gives.
    share_low, share_high : float
        The same interval as a share of the error with all rows. It is narrower, as chance in the held-out rows moves
        both errors alike.
    """

    multiple: int
    rows: int
    value: float
    low: float
    high: float
    share_low: float
    share_high: float

    @property
    def trusted(self) -> bool:
        """Whether the interval of the share is narrow enough to say something."""
        return self.share_high - self.share_low <= _WIDEST


@final
@dataclass(frozen=True)
class Projection:
    """What a power law makes of a learning curve.

    Parameters
    ----------
    law : PowerLaw or None
        None where too little was measured to fit one.
    refusal : str
        Why nothing may be read from the law, as a sentence; empty where it holds.
    forecasts : tuple of Forecast
        Empty where the law was refused.
    backtest : Forecast or None
        For the largest size, by the law through the sizes below it.
    """

    law: PowerLaw | None
    refusal: str
    forecasts: tuple[Forecast, ...] = ()
    backtest: Forecast | None = None

    @property
    def trusted(self) -> tuple[Forecast, ...]:
        """The forecasts that say something."""
        return tuple(each for each in self.forecasts if each.trusted)


def fit_power_law(n: Array, errors: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """Fit a, b and c by weighted least squares, with a and b from 0 up.

    For a given c the law is linear in a and b, so the best pair is known in closed form and only c is searched for
    (variable projection; Golub & Pereyra, SIAM J. Numer. Anal. 10, 1973), on a grid that closes in on the best. There
    is no start that could be wrong, and many curves are fitted at once.

    Parameters
    ----------
    n : (s,) array
        Sizes.
    errors : (..., s) array
    sigma : (s,) array
        Standard errors; the weights are 1/sigma².

    Returns
    -------
    a, b, c : (...) arrays
    """
    errors = np.asarray(errors, np.float64)
    x = np.log(np.asarray(n, np.float64))
    largest = x[-1]
    w = 1 / np.asarray(sigma, np.float64) ** 2
    log_c = np.broadcast_to(np.linspace(np.log(_SLOWEST), np.log(_FASTEST), 200), (*errors.shape[:-1], 200))
    for _ in range(4):
        a, b, off = _linear(np.exp(-np.exp(log_c)[..., None] * (x - largest)), errors[..., None, :], w)
        best = off.argmin(axis=-1)[..., None]
        at = np.take_along_axis(log_c, best, -1)
        step = log_c[..., 1:2] - log_c[..., :1]
        found = [np.take_along_axis(values, best, -1)[..., 0] for values in (a, b)]
        log_c = at + step * np.linspace(-1, 1, 41)
    c = np.exp(at[..., 0])
    return found[0], found[1] * np.exp(c * largest), c


def _linear(x: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Return a ≥ 0 and b ≥ 0 that make Σ w(y − a − bx)² least, and that sum."""
    mean_x, mean_y = (x * w).sum(-1) / w.sum(), (y * w).sum(-1) / w.sum()
    away = x - mean_x[..., None]
    spread = (away**2 * w).sum(-1)
    with np.errstate(all="ignore"):
        b = np.where(spread > 0, (away * y * w).sum(-1) / spread, 0.0)
    a = mean_y - b * mean_x
    no_floor = np.maximum(0.0, (x * y * w).sum(-1) / (x * x * w).sum(-1))  # the best b where a is 0
    a, b = np.where(b < 0, np.maximum(mean_y, 0.0), a), np.maximum(b, 0.0)
    a, b = np.where(a < 0, 0.0, a), np.where(a < 0, no_floor, b)
    return a, b, ((y - a[..., None] - b[..., None] * x) ** 2 * w).sum(-1)


def standard_errors(figures: Array) -> Array:
    """Return the standard error of each size's mean, (s,), from figures of runs, (s, k).

    A few seeds tell a standard deviation badly, so each size's own is averaged with one in proportion to the mean,
    whose factor all sizes share.
    """
    mean, variance = figures.mean(axis=1), figures.var(axis=1, ddof=1)
    with np.errstate(all="ignore"):
        relative = np.nanmean(np.where(mean > 0, variance / mean**2, np.nan)) if (mean > 0).any() else 0.0
    pooled = (variance + relative * mean**2) / 2
    floor = (1e-3 * np.abs(mean).max()) ** 2
    errors: Array = np.sqrt(np.maximum(pooled, floor) / figures.shape[1])
    return errors


def project(n: Array, figures: Array, resampled: Array) -> Projection:
    """Fit a law to a learning curve and say what it expects of more rows, or why it cannot.

    Parameters
    ----------
    n : (s,) array
        Sizes, ascending.
    figures : (s, k) array
        The error of each size and seed.
    resampled : (r, s) array
        The mean error of each size as it might have come out: see `resampling`.
    """
    shape = figures.shape
    if shape[0] < _LEAST_SIZES or shape[1] < _LEAST_SEEDS:
        done = f"{shape[0]} size{'s' * (shape[0] != 1)} with {shape[1]} seed{'s' * (shape[1] != 1)} each"
        return Projection(
            None, f"A law needs at least {_LEAST_SIZES} sizes and {_LEAST_SEEDS} seeds; there are {done}."
        )
    mean, sigma = figures.mean(axis=1), standard_errors(figures)
    if mean[-1] <= 0:
        return Projection(None, "At the largest size no error is left on the held-out rows that could fall.")
    law = PowerLaw(*(float(value) for value in fit_power_law(n, mean, sigma)))
    tail = (1 - LEVEL) / 2
    fall = float(np.quantile(resampled[:, 0] - resampled[:, -1], tail))
    if fall <= 0:
        ends = f"{mean[0]:.3g} at {n[0]:,} rows, {mean[-1]:.3g} at {n[-1]:,}"
        return Projection(law, f"The error does not fall beyond what chance explains: {ends}.")
    missed = np.array([law(size) for size in n]) - mean
    wrong = (np.abs(missed) > _MOST_SIGMAS * sigma) & (np.abs(missed) > _MOST_OFF * mean)
    if wrong.any():
        i = int(np.argmax(np.where(wrong, np.abs(missed) / mean, 0)))
        ends = f"at {n[i]:,} rows the best one says {law(n[i]):.3g}, measured was {mean[i]:.3g}"
        return Projection(law, f"The errors do not lie on a power law: {ends}.")
    a, b, c = fit_power_law(n, resampled, sigma)

    def forecast(multiple: int, rows: int, value: float, several: Array) -> Forecast:
        with np.errstate(all="ignore"):
            share = np.where(resampled[:, -1] > 0, several / resampled[:, -1], 1.0)
        low, high = (float(q) for q in np.quantile(several, [tail, 1 - tail]))
        share_low, share_high = (float(q) for q in np.quantile(share, [tail, 1 - tail]))
        return Forecast(multiple, rows, value, min(low, value), max(high, value), share_low, share_high)

    rows = [multiple * int(n[-1]) for multiple in MULTIPLES]
    forecasts = tuple(
        forecast(multiple, m, law(m), a + b * float(m) ** -c) for multiple, m in zip(MULTIPLES, rows, strict=True)
    )
    backtest = None
    if len(n) > _LEAST_SIZES:
        a, b, c = fit_power_law(n[:-1], np.vstack([mean[None], resampled])[:, :-1], sigma[:-1])
        told = a + b * float(n[-1]) ** -c
        backtest = forecast(1, int(n[-1]), float(told[0]), told[1:])
        off = abs(backtest.value - mean[-1])
        if not backtest.low - sigma[-1] <= mean[-1] <= backtest.high + sigma[-1] and off > _MOST_OFF * mean[-1]:
            return Projection(
                law,
                f"A law through the smaller sizes says {backtest.value:.3g} of {n[-1]:,} rows, measured was "
                f"{mean[-1]:.3g}: it would be no better guide to what lies beyond.",
                backtest=backtest,
            )
    if not forecasts[0].trusted:
        first = forecasts[0]
        return Projection(
            law,
            f"The trainings differ too much: with {first.rows:,} rows between {max(0.0, first.share_low):.0%} and "
            f"{first.share_high:.0%} of the error of now would be left.",
            backtest=backtest,
        )
    return Projection(law, "", forecasts, backtest)
