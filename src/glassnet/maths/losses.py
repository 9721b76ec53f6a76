"""Losses, each a record of its formula and slope, what it reads and where it was published.

All give the error of one row; averaging over rows, weights and penalties come later.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import EXP, SIGMOID, SOFTMAX
from glassnet.maths.domains import LOGITS, POSITIVE, PROBABILITIES, UNIT
from glassnet.maths.functions import sigmoid, softmax
from glassnet.maths.hyperparameters import require_argument
from glassnet.maths.loss import ElementwiseLoss, Loss, RowLoss, ShortForm, Targets
from glassnet.maths.registry import Registry

Array = NDArray[Any]

# --- distances between numbers -----------------------------------------------------------------------------------

SQUARED_ERROR = ElementwiseLoss(
    "squared_error",
    latex=r"\sum_j (a_j-y_j)^2",
    slope_latex=r"2(a_j-y_j)",
    source="Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805",
    term=lambda a, y: (a - y) * (a - y),
    term_slope=lambda a, y: 2 * (a - y),
)

HALF_SQUARED_ERROR = ElementwiseLoss(
    "half_squared_error",
    latex=r"\frac{1}{2}\sum_j (a_j-y_j)^2",
    slope_latex=r"a_j-y_j",
    source="Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, 1986, equation 3",
    term=lambda a, y: 0.5 * (a - y) * (a - y),
    term_slope=lambda a, y: a - y,
)

MEAN_SQUARED_ERROR = ElementwiseLoss(
    "mean_squared_error",
    latex=r"\frac{1}{n}\sum_{j=1}^{n} (a_j-y_j)^2",
    slope_latex=r"\frac{2}{n}(a_j-y_j)",
    source="the squared error averaged over the n outputs, as scikit-learn and PyTorch define it",
    term=lambda a, y: (a - y) * (a - y),
    term_slope=lambda a, y: 2 * (a - y),
    mean_over_outputs=True,
)

ABSOLUTE_ERROR = ElementwiseLoss(
    "absolute_error",
    latex=r"\sum_j |a_j-y_j|",
    slope_latex=r"\operatorname{sign}(a_j-y_j)",
    source="Laplace, 1799; Boscovich, 1757",
    term=lambda a, y: np.abs(a - y),
    term_slope=lambda a, y: np.sign(a - y),
    kink=lambda a, y: a - y,
)


def _log_cosh(a: Array, y: Array) -> Array:
    """Logarithm of cosh(a−y): by sinh near 0, where the other form cancels, by exponentials beyond."""
    r = np.abs(a - y)
    near = np.log1p(2 * np.sinh(0.5 * np.minimum(r, 1)) ** 2)
    result: Array = np.where(r < 1, near, r + np.log1p(np.exp(-2 * r)) - math.log(2))
    return result


LOG_COSH = ElementwiseLoss(
    "log_cosh",
    latex=r"\sum_j \log\cosh(a_j-y_j)",
    slope_latex=r"\tanh(a_j-y_j)",
    source="Green, Bayesian reconstructions from emission tomography data using a modified EM algorithm, 1990",
    term=_log_cosh,
    term_slope=lambda a, y: np.tanh(a - y),
)


def huber(delta: float = 1.0) -> Loss:
    """Squared for errors up to `delta`, linear beyond (Huber, 1964)."""
    return _huber(require_argument("huber", "delta", delta, 1.0, low=0))


@functools.cache
def _huber(delta: float) -> Loss:
    return ElementwiseLoss(
        "huber" if delta == 1 else f"huber({delta!r})",
        latex=rf"\sum_j \begin{{cases}}\frac{{1}}{{2}}r_j^2 & |r_j|\le {delta}\\"
        rf" {delta}(|r_j|-\frac{{{delta}}}{{2}}) & |r_j|>{delta}\end{{cases}},\; r_j=a_j-y_j",
        slope_latex=rf"\max(-{delta}, \min({delta}, a_j-y_j))",
        source="Huber, Robust estimation of a location parameter, 1964",
        term=lambda a, y: np.where(
            np.abs(a - y) <= delta, 0.5 * (a - y) * (a - y), delta * (np.abs(a - y) - 0.5 * delta)
        ),
        term_slope=lambda a, y: np.maximum(np.minimum(a - y, delta), -delta),
        kink=lambda a, y: np.abs(a - y) - delta,
    )


def quantile(q: float = 0.5) -> Loss:
    """Pinball loss: its smallest mean is reached by the q-quantile (Koenker & Bassett, 1978)."""
    return _quantile(require_argument("quantile", "q", q, 0.9, low=0, high=1))


@functools.cache
def _quantile(q: float) -> Loss:
    return ElementwiseLoss(
        f"quantile({q!r})",
        latex=rf"\sum_j \max\left({q}\,(y_j-a_j),\ {q - 1:.12g}\,(y_j-a_j)\right)",
        slope_latex=rf"[a_j>y_j]-{q}",
        source="Koenker & Bassett, Regression quantiles, 1978",
        term=lambda a, y: np.maximum(q * (y - a), (q - 1) * (y - a)),
        term_slope=lambda a, y: np.where(a > y, 1 - q, np.where(a < y, -q, 0.0)),
        kink=lambda a, y: a - y,
    )


# --- counts, labels and distributions ----------------------------------------------------------------------------

POISSON = ElementwiseLoss(
    "poisson",
    latex=r"\sum_j (a_j-y_j\log a_j)",
    slope_latex=r"1-\frac{y_j}{a_j}",
    source="the Poisson log-likelihood without log y!; Nelder & Wedderburn, Generalized linear models, 1972",
    domain=POSITIVE,
    targets=Targets.NONNEGATIVE,
    last_activation=EXP,
    advice="Give the last layer activation 'exp' or 'softplus'.",
    short_forms={
        EXP: ShortForm(
            term=lambda z, y: np.exp(z) - y * z,
            blame=lambda a, y: a - y,
            latex=r"\delta=a-y",
        )
    },
    term=lambda a, y: a - y * np.log(a),
    term_slope=lambda a, y: 1 - y / a,
)


def cross_entropy_of_rows(z: Array, y: Array) -> Array:
    """−Σ y log softmax(z), as Σy is 1; shifted before the sum, so that a confident row keeps its digits."""
    shifted = z - z.max(axis=-1, keepdims=True)
    result: Array = np.log(np.exp(shifted).sum(axis=-1)) - (y * shifted).sum(axis=-1)
    return result


def _binary_terms(z: Array, y: Array) -> Array:
    """log(1+eᶻ) − y z, ordered so that a confident output keeps its digits."""
    result: Array = (np.maximum(z, 0) - y * z) + np.log1p(np.exp(-np.abs(z)))
    return result


def softmax_minus_truth(z: Array, y: Array) -> Array:
    """Soft-max of z, less the truth: the slope of cross-entropy by z."""
    result: Array = softmax(z) - y
    return result


_CROSS_ENTROPY_FORM = ShortForm(row_value=cross_entropy_of_rows, blame=lambda a, y: a - y, latex=r"\delta=a-y")
_BINARY_FORM = ShortForm(term=_binary_terms, blame=lambda a, y: a - y, latex=r"\delta=a-y")
_SHANNON = "Shannon, A mathematical theory of communication, 1948; Bridle, 1990"
_SOLLA = "Solla, Levin & Fleisher, Accelerated learning in layered neural networks, 1988"


def _x_log_y(x: Array, y: Array) -> Array:
    """X log y, and 0 where x is 0."""
    return np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, y)))


def _ratio(x: Array, y: Array) -> Array:
    """x/y, and 0 where x is 0."""
    return np.where(x == 0, 0.0, x / np.where(x == 0, 1.0, y))


def cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """−Σ y log a of class labels or distributions y against probabilities a; short with softmax."""
    return _cross_entropy(*_smoothed("cross_entropy", label_smoothing))


@functools.cache
def _cross_entropy(name: str, label_smoothing: float) -> Loss:
    return ElementwiseLoss(
        name,
        latex=r"-\sum_j y_j\log a_j",
        slope_latex=r"-\frac{y_j}{a_j}",
        source=_SHANNON,
        domain=PROBABILITIES,
        targets=Targets.DISTRIBUTION,
        last_activation=SOFTMAX,
        advice="Give the last layer activation 'softmax', or use 'binary_cross_entropy' after 'sigmoid', "
        "or 'cross_entropy_from_logits' after 'identity'.",
        min_outputs=2,
        label_smoothing=label_smoothing,
        short_forms={SOFTMAX: _CROSS_ENTROPY_FORM},
        term=lambda a, y: -_x_log_y(y, a),
        term_slope=lambda a, y: -_ratio(y, a),
    )


def cross_entropy_from_logits(label_smoothing: float = 0.0) -> Loss:
    """Cross-entropy of softmax(a), read from an identity layer."""
    return _cross_entropy_from_logits(*_smoothed("cross_entropy_from_logits", label_smoothing))


@functools.cache
def _cross_entropy_from_logits(name: str, label_smoothing: float) -> Loss:
    return RowLoss(
        name,
        latex=r"\log\sum_j e^{a_j}-\sum_j y_j a_j",
        slope_latex=r"\frac{e^{a_j}}{\sum_i e^{a_i}}-y_j",
        source=_SHANNON,
        domain=LOGITS,
        targets=Targets.DISTRIBUTION,
        advice="Give the last layer activation 'identity', or use 'cross_entropy' after 'softmax'.",
        min_outputs=2,
        label_smoothing=label_smoothing,
        row_value=cross_entropy_of_rows,
        row_slope=softmax_minus_truth,
    )


def binary_cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """−Σ (y log a + (1−y) log(1−a)), each output a yes or no of its own; short with sigmoid."""
    return _binary_cross_entropy(*_smoothed("binary_cross_entropy", label_smoothing))


@functools.cache
def _binary_cross_entropy(name: str, label_smoothing: float) -> Loss:
    return ElementwiseLoss(
        name,
        latex=r"-\sum_j \left(y_j\log a_j+(1-y_j)\log(1-a_j)\right)",
        slope_latex=r"\frac{1-y_j}{1-a_j}-\frac{y_j}{a_j}",
        source=_SOLLA,
        domain=UNIT,
        targets=Targets.UNIT,
        last_activation=SIGMOID,
        advice="Give the last layer activation 'sigmoid', or use 'binary_cross_entropy_from_logits' after 'identity'.",
        label_smoothing=label_smoothing,
        short_forms={SIGMOID: _BINARY_FORM},
        threshold=0.5,
        term=lambda a, y: -_x_log_y(y, a) - _x_log_y(1 - y, 1 - a),
        term_slope=lambda a, y: _ratio(1 - y, 1 - a) - _ratio(y, a),
    )


def binary_cross_entropy_from_logits(label_smoothing: float = 0.0) -> Loss:
    """Binary cross-entropy of sigmoid(a), read from an identity layer."""
    return _binary_cross_entropy_from_logits(*_smoothed("binary_cross_entropy_from_logits", label_smoothing))


@functools.cache
def _binary_cross_entropy_from_logits(name: str, label_smoothing: float) -> Loss:
    return ElementwiseLoss(
        name,
        latex=r"\sum_j \left(\log(1+e^{a_j})-y_j a_j\right)",
        slope_latex=r"\frac{1}{1+e^{-a_j}}-y_j",
        source=_SOLLA,
        domain=LOGITS,
        targets=Targets.UNIT,
        advice="Give the last layer activation 'identity', or use 'binary_cross_entropy' after 'sigmoid'.",
        label_smoothing=label_smoothing,
        threshold=0.0,
        term=_binary_terms,
        term_slope=lambda a, y: sigmoid(a) - y,
    )


def _smoothed(name: str, label_smoothing: float) -> tuple[str, float]:
    """Return the spelling of a loss with label smoothing, and the share as a float."""
    share = require_argument(name, "label_smoothing", label_smoothing, 0.1, low=0, high=1, ends="[)")
    return (f"{name}({share!r})" if share else name), share


def _hinge_margins(a: Array, y: Array) -> Array:
    """1 + sⱼ − s_y for the wrong classes; below zero, without effect, for the right one."""
    right = (a * y).sum(axis=-1, keepdims=True)
    return np.where(y > 0, -1.0, 1 + a - right)


def hinge_of_rows(a: Array, y: Array) -> Array:
    """Σ max(0, 1 + sⱼ − s_y) over the wrong classes."""
    result: Array = np.maximum(_hinge_margins(a, y), 0).sum(axis=-1)
    return result


def hinge_slope(a: Array, y: Array) -> Array:
    """1 for each wrong class above its margin; what they add up to, against the right one."""
    violated = np.where(_hinge_margins(a, y) > 0, 1.0, 0.0)
    result: Array = violated - y * violated.sum(axis=-1, keepdims=True)
    return result


HINGE = RowLoss(
    "hinge",
    latex=r"\sum_{j\ne y} \max(0, 1+a_j-a_y)",
    slope_latex=r"[1+a_j-a_y>0] \text{ for } j\ne y",
    source="Weston & Watkins, Support vector machines for multi-class pattern recognition, 1999",
    targets=Targets.ONE_HOT,
    min_outputs=2,
    kink=_hinge_margins,
    row_value=hinge_of_rows,
    row_slope=hinge_slope,
)


LOSSES: Registry[Loss] = Registry(
    "loss",
    (ElementwiseLoss, RowLoss),
    {
        "squared_error": SQUARED_ERROR,
        "half_squared_error": HALF_SQUARED_ERROR,
        "mean_squared_error": MEAN_SQUARED_ERROR,
        "absolute_error": ABSOLUTE_ERROR,
        "huber": huber,
        "quantile": quantile,
        "poisson": POISSON,
        "log_cosh": LOG_COSH,
        "cross_entropy": cross_entropy,
        "cross_entropy_from_logits": cross_entropy_from_logits,
        "binary_cross_entropy": binary_cross_entropy,
        "binary_cross_entropy_from_logits": binary_cross_entropy_from_logits,
        "hinge": HINGE,
    },
)


def named(name: str) -> Loss:
    """Return the record that a name spells; how one of glassnet's own comes back from another process."""
    return LOSSES.resolve(name)


def suiting(activation: AnyActivation) -> Loss:
    """Return the loss that is meant where nobody names one: that of the last layer's activation, or squared error."""
    own = (loss for loss in LOSSES.values() if loss.short_forms and loss.last_activation == activation)
    return next(own, SQUARED_ERROR)
