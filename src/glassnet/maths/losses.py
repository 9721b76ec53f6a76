"""Losses: the error Eᵢ of one row, summed over its outputs, with its derivative by the prediction a.

A record says which predictions it can read (its domain) and which targets; the well-known pairs with an activation
declare their short form here, as a value and a blame computed from z without going through a.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError, PairingError
from glassnet.maths.activations import EXP, IDENTITY, SIGMOID, SOFTMAX, AnyActivation
from glassnet.maths.domains import LOGITS, POSITIVE, PROBABILITIES, REALS, UNIT, Domain
from glassnet.maths.functions import log_sum_exp, sigmoid, softmax, softplus
from glassnet.maths.registry import Registry

Array = NDArray[Any]


class Targets(Enum):
    """What a loss accepts as the truth, besides integer labels; the value is the words for it."""

    NUMBERS = "any finite numbers"
    NONNEGATIVE = "numbers from 0 up"
    UNIT = "numbers between 0 and 1"
    DISTRIBUTION = "rows of probabilities that sum to 1"
    ONE_HOT = "rows with a single 1 and zeros otherwise"


@dataclass(frozen=True)
class ShortForm:
    """The loss after one particular activation, straight from z: stable where the long way overflows or cancels.

    Parameters
    ----------
    rows : callable
        ``rows(z, y) -> (…, m)``, the error of each row.
    blame : callable
        ``blame(a, y) -> (…, m, outputs)``, ∂E/∂z.
    latex : str
        The blame as a formula.
    """

    rows: Callable[[Array, Array], Array]
    blame: Callable[[Array, Array], Array]
    latex: str


@dataclass(frozen=True)
class Loss(ABC):
    """What all losses declare; see `ElementwiseLoss` and `RowLoss` for the two kinds.

    Parameters
    ----------
    name : str
        How it is spelled.
    latex, slope_latex : str
        The error of a row with outputs a and truth y, and ∂E/∂a_j.
    source : str
        Where it was published.
    domain : Domain
        The predictions it can read.
    targets : Targets
        The truths it can read besides integer labels.
    last_activation : AnyActivation
        The activation of the last layer that suits it best.
    advice : str
        What to do when the last layer does not fit the domain.
    min_outputs : int
        The fewest outputs for which it means something.
    label_smoothing : float
        The share of each label that is spread evenly over the classes.
    short_forms : mapping
        Activation record to the short form of the pair.
    threshold : float or None
        For a single output that says yes or no: the prediction above which it says yes.
    kink : callable or None
        ``kink(a, y)``: an array that changes sign where the slope, or the slope's slope, jumps.
    """

    name: str
    latex: str = ""
    slope_latex: str = ""
    source: str = "the user's own"
    domain: Domain = REALS
    targets: Targets = Targets.NUMBERS
    last_activation: AnyActivation = IDENTITY
    advice: str = "Use another activation in the last layer, or another loss."
    min_outputs: int = 1
    label_smoothing: float = 0.0
    short_forms: Mapping[AnyActivation, ShortForm] = field(default_factory=dict)
    threshold: float | None = None
    kink: Callable[[Array, Array], Array] | None = None

    @abstractmethod
    def rows(self, a: Array, y: Array) -> Array:
        """Return the error of each row: (…, m) from predictions and truths (…, m, outputs)."""

    @abstractmethod
    def slope(self, a: Array, y: Array) -> Array:
        """Return ∂E/∂a of each row's own error: (…, m, outputs)."""

    def smooth(self, y: Array) -> Array:
        """Return targets with the label smoothing of this loss worked in."""
        if not self.label_smoothing:
            return y
        classes = y.shape[-1] if self.targets is Targets.DISTRIBUTION else 2
        return y * (1 - self.label_smoothing) + self.label_smoothing / classes

    def require_readable(self, activation: AnyActivation, outputs: int) -> None:
        """Refuse a last layer whose output this loss cannot read.

        Raises
        ------
        PairingError
            With what the activation puts out, what the loss reads and how to fix it.
        """
        if not self.domain.accepts(activation.range):
            raise PairingError(
                f"Loss {self.name!r} reads {self.domain.name}, but the last layer's {activation.name!r} gives "
                f"{activation.range.name}. {self.advice}"
            )
        if outputs < self.min_outputs:
            raise PairingError(
                f"Loss {self.name!r} needs at least {self.min_outputs} outputs, but the last layer has {outputs}. "
                "Give it one output per class, or use 'binary_cross_entropy' after a single sigmoid."
            )


@final
@dataclass(frozen=True)
class ElementwiseLoss(Loss):
    """A loss whose row error is a sum over outputs of one term each.

    Parameters
    ----------
    term : callable
        ``term(a, y)``, element by element.
    term_slope : callable
        ``term_slope(a, y) = ∂term/∂a``, element by element.
    mean_over_outputs : bool
        Divide the sum by the number of outputs.
    """

    term: Callable[[Array, Array], Array] = field(kw_only=True)
    term_slope: Callable[[Array, Array], Array] = field(kw_only=True)
    mean_over_outputs: bool = field(default=False, kw_only=True)

    def rows(self, a: Array, y: Array) -> Array:
        """Return Σⱼ term(aⱼ, yⱼ) of each row, or its mean over the outputs."""
        total: Array = self.term(a, y).sum(axis=-1)
        return total / a.shape[-1] if self.mean_over_outputs else total

    def slope(self, a: Array, y: Array) -> Array:
        """Return ∂E/∂aⱼ of each row."""
        slope = np.asarray(self.term_slope(a, y), dtype=a.dtype)
        return slope / a.shape[-1] if self.mean_over_outputs else slope


@final
@dataclass(frozen=True)
class RowLoss(Loss):
    """A loss whose row error takes all outputs together.

    Parameters
    ----------
    row_value : callable
        ``row_value(a, y) -> (…, m)``.
    row_slope : callable
        ``row_slope(a, y) -> (…, m, outputs)``.
    """

    row_value: Callable[[Array, Array], Array] = field(kw_only=True)
    row_slope: Callable[[Array, Array], Array] = field(kw_only=True)

    def rows(self, a: Array, y: Array) -> Array:
        """Return the error of each row."""
        return np.asarray(self.row_value(a, y), dtype=a.dtype)

    def slope(self, a: Array, y: Array) -> Array:
        """Return ∂E/∂a of each row."""
        return np.asarray(self.row_slope(a, y), dtype=a.dtype)


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

LOG_COSH = ElementwiseLoss(
    "log_cosh",
    latex=r"\sum_j \log\cosh(a_j-y_j)",
    slope_latex=r"\tanh(a_j-y_j)",
    source="Green, Bayesian reconstructions from emission tomography data using a modified EM algorithm, 1990",
    term=lambda a, y: np.abs(a - y) + np.log1p(np.exp(-2 * np.abs(a - y))) - math.log(2),
    term_slope=lambda a, y: np.tanh(a - y),
)


def huber(delta: float = 1.0) -> Loss:
    """Squared for errors up to `delta`, linear beyond (Huber, 1964)."""
    if not 0 < delta < math.inf:
        raise InputError(f"huber: delta is {delta!r}; expected a positive number, as in 'huber(1.0)'.")
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
    if not 0 < q < 1:
        raise InputError(f"quantile: q is {q!r}; expected a number between 0 and 1, as in 'quantile(0.9)'.")
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
            rows=lambda z, y: (np.exp(z) - y * z).sum(axis=-1),
            blame=lambda a, y: a - y,
            latex=r"\delta=a-y",
        )
    },
    term=lambda a, y: a - y * np.log(a),
    term_slope=lambda a, y: 1 - y / a,
)

_CROSS_ENTROPY_FORM = ShortForm(
    rows=lambda z, y: log_sum_exp(z) - (y * z).sum(axis=-1),
    blame=lambda a, y: a - y,
    latex=r"\delta=a-y",
)
_BINARY_FORM = ShortForm(
    rows=lambda z, y: (softplus(z) - y * z).sum(axis=-1),
    blame=lambda a, y: a - y,
    latex=r"\delta=a-y",
)
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
    return ElementwiseLoss(
        _smoothed_name("cross_entropy", label_smoothing),
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
    return RowLoss(
        _smoothed_name("cross_entropy_from_logits", label_smoothing),
        latex=r"\log\sum_j e^{a_j}-\sum_j y_j a_j",
        slope_latex=r"\frac{e^{a_j}}{\sum_i e^{a_i}}-y_j",
        source=_SHANNON,
        domain=LOGITS,
        targets=Targets.DISTRIBUTION,
        advice="Give the last layer activation 'identity', or use 'cross_entropy' after 'softmax'.",
        min_outputs=2,
        label_smoothing=label_smoothing,
        row_value=_CROSS_ENTROPY_FORM.rows,
        row_slope=lambda a, y: softmax(a) - y,
    )


def binary_cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """−Σ (y log a + (1−y) log(1−a)), each output a yes or no of its own; short with sigmoid."""
    return ElementwiseLoss(
        _smoothed_name("binary_cross_entropy", label_smoothing),
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
    return ElementwiseLoss(
        _smoothed_name("binary_cross_entropy_from_logits", label_smoothing),
        latex=r"\sum_j \left(\log(1+e^{a_j})-y_j a_j\right)",
        slope_latex=r"\frac{1}{1+e^{-a_j}}-y_j",
        source=_SOLLA,
        domain=LOGITS,
        targets=Targets.UNIT,
        advice="Give the last layer activation 'identity', or use 'binary_cross_entropy' after 'sigmoid'.",
        label_smoothing=label_smoothing,
        threshold=0.0,
        term=lambda a, y: softplus(a) - y * a,
        term_slope=lambda a, y: sigmoid(a) - y,
    )


def _smoothed_name(name: str, label_smoothing: float) -> str:
    if not 0 <= label_smoothing < 1:
        raise InputError(
            f"{name}: label_smoothing is {label_smoothing!r}; expected a share from 0 up to, but not, 1, "
            f"as in '{name}(0.1)'."
        )
    return f"{name}({label_smoothing!r})" if label_smoothing else name


def _hinge_margins(a: Array, y: Array) -> Array:
    """1 + sⱼ − s_y for the wrong classes; below zero, without effect, for the right one."""
    right = (a * y).sum(axis=-1, keepdims=True)
    return np.where(y > 0, -1.0, 1 + a - right)


def _hinge_slope(a: Array, y: Array) -> Array:
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
    row_value=lambda a, y: np.maximum(_hinge_margins(a, y), 0).sum(axis=-1),
    row_slope=_hinge_slope,
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
