"""What an activation is: a formula a = g(z) with its slope g′, its range, its kinks and where it was published.

A formula uses arithmetic and NumPy's element-wise functions only, so the same text works on arrays here and compiles
per number elsewhere. The slope is given z and a = g(z): whichever makes it short.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.domains import REALS, Domain

Array = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """An activation that acts on each neuron by itself.

    Parameters
    ----------
    name : str
        How it is spelled in networks, files and on the command line.
    value : callable
        ``value(z) -> a``, element by element.
    slope : callable
        ``slope(z, a) -> g′(z)``, element by element; it may use either argument.
    latex, slope_latex : str
        g(z) in z, and g′(z) in z or a.
    source : str
        Where the formula was published.
    range : Domain
        The numbers it can put out; a loss that cannot read them is refused. Any real number unless you say more.
    kinks : tuple of float
        Values of z where the slope, or the slope's slope, jumps: a difference quotient must not straddle them.
    weight_init : str
        The initializer that suits weights in front of it.

    Examples
    --------
    A user's own activation is one record:

    >>> import numpy as np, glassnet as gn
    >>> swish2 = gn.Activation(
    ...     "swish2",
    ...     value=lambda z: z / (1 + np.exp(-2 * z)),
    ...     slope=lambda z, a: (1 + (2 * z + 1) * np.exp(-2 * z)) / (1 + np.exp(-2 * z)) ** 2,
    ... )
    >>> net = gn.Network(2, [gn.Dense(3, swish2), gn.Dense(1, "identity")], seed=0, dtype="float64")
    >>> check = gn.check_gradient(net, [[0.5, -1.0]], [[1.0]], loss="squared_error")
    >>> check.max_relative_error < 1e-7
    True
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    latex: str = ""
    slope_latex: str = ""
    source: str = "the user's own"
    range: Domain = REALS
    kinks: tuple[float, ...] = ()
    weight_init: str = "glorot_uniform"

    def __post_init__(self) -> None:
        _require_callable(self.name, "value", self.value, ("z",))
        _require_callable(self.name, "slope", self.slope, ("z", "a"))
        object.__setattr__(self, "kinks", tuple(self.kinks))

    def __reduce__(self) -> Any:
        return _reduced(self)

    def apply(self, z: Array) -> Array:
        """Return a = g(z) in the dtype of z."""
        return _same_shape(self.name, np.asarray(self.value(z), dtype=z.dtype), z)

    def pullback(self, z: Array, a: Array, slope_of_a: Array) -> Array:
        """Return ∂E/∂z = ∂E/∂a ⊙ g′(z)."""
        return np.multiply(slope_of_a, self.slope(z, a), dtype=z.dtype)


@dataclass(frozen=True)
class RowActivation:
    """An activation that acts on all neurons of a row together, so that its slope is a Jacobian.

    Parameters
    ----------
    name, latex, source, range
        As for `Activation`.
    value : callable
        ``value(z) -> a`` over the last axis.
    row_pullback : callable
        ``row_pullback(z, a, ∂E/∂a) -> ∂E/∂z``: the Jacobian's transpose applied, never formed.
    """

    name: str
    value: Callable[[Array], Array]
    row_pullback: Callable[[Array, Array, Array], Array]
    latex: str = ""
    slope_latex: str = ""
    source: str = "the user's own"
    range: Domain = REALS
    kinks: tuple[float, ...] = ()
    weight_init: str = "glorot_uniform"

    def __post_init__(self) -> None:
        _require_callable(self.name, "value", self.value, ("z",))
        _require_callable(self.name, "row_pullback", self.row_pullback, ("z", "a", "slope_of_a"))
        object.__setattr__(self, "kinks", tuple(self.kinks))

    def __reduce__(self) -> Any:
        return _reduced(self)

    def apply(self, z: Array) -> Array:
        """Return a = g(z) in the dtype of z."""
        return _same_shape(self.name, np.asarray(self.value(z), dtype=z.dtype), z)

    def pullback(self, z: Array, a: Array, slope_of_a: Array) -> Array:
        """Return ∂E/∂z = Jᵀ ∂E/∂a, row by row."""
        return np.asarray(self.row_pullback(z, a, slope_of_a), dtype=z.dtype)


AnyActivation = Activation | RowActivation


def _same_shape(name: str, a: Array, z: Array) -> Array:
    if a.shape != z.shape:
        raise InputError(f"Activation {name!r} made shape {a.shape} of z with shape {z.shape}; expected the same.")
    return a


def _reduced(record: AnyActivation) -> Any:
    """Let one of glassnet's own records travel between processes as its name, a user's own as its parts."""
    from glassnet.maths.activations import ACTIVATIONS, named

    if ACTIVATIONS.spells(record.name):
        return named, (record.name,)
    return type(record), tuple(getattr(record, field.name) for field in dataclasses.fields(record))


def _require_callable(name: str, part: str, function: object, arguments: tuple[str, ...]) -> None:
    call = f"{part}({', '.join(arguments)})"
    if not isinstance(name, str) or not name:
        raise InputError(f"An activation's name is {name!r}; expected a word such as 'swish2'.")
    if not callable(function):
        raise InputError(f"Activation {name!r}: {part} is {function!r}; expected a function {call}.")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        raise InputError(f"Activation {name!r}: {part} must take {len(arguments)} argument(s), as in {call}.") from None
    except ValueError:  # a built-in function without a readable signature
        return
