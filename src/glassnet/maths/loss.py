"""What a loss is: the error Eᵢ of one row, summed over its outputs, with its derivative by the prediction a.

A record says which predictions it can read (its domain) and which targets; the well-known pairs with an activation
declare their short form, a value and a blame computed from z without going through a.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import PairingError
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import IDENTITY
from glassnet.maths.domains import REALS, Domain

Array = NDArray[Any]


class Targets(Enum):
    """What a loss accepts as the truth, besides integer labels; the value is the words for it."""

    NUMBERS = "any finite numbers"
    NONNEGATIVE = "numbers from 0 up"
    UNIT = "numbers between 0 and 1"
    DISTRIBUTION = "rows of probabilities that sum to 1"
    ONE_HOT = "rows with a single 1 and zeros otherwise"


@final
@dataclass(frozen=True)
class ShortForm:
    """The loss after one particular activation, straight from z: stable where the long way overflows or cancels.

    The error of a row is a sum of one term for each output, or takes all outputs together.

    Parameters
    ----------
    blame : callable
        ``blame(a, y) = ∂E/∂z``, element by element.
    latex : str
        The blame as a formula.
    term : callable or None
        ``term(z, y)``, element by element; the row's error is their sum.
    row_value : callable or None
        ``row_value(z, y) -> (…, m)``, the error of each row, where there are no terms.
    """

    blame: Callable[[Array, Array], Array]
    latex: str
    term: Callable[[Array, Array], Array] | None = None
    row_value: Callable[[Array, Array], Array] | None = None

    def rows(self, z: Array, y: Array) -> Array:
        """Return the error of each row: (…, m) from z and truths (…, m, outputs)."""
        if self.term is not None:
            total: Array = self.term(z, y).sum(axis=-1)
            return total
        assert self.row_value is not None
        return self.row_value(z, y)


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

    def __reduce__(self) -> Any:
        """Travel between processes: one of glassnet's own as its name, a user's own as its parts."""
        from glassnet.maths.losses import LOSSES, named

        if LOSSES.spells(self.name):
            return named, (self.name,)
        return functools.partial(type(self), **{field.name: getattr(self, field.name) for field in fields(self)}), ()

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
