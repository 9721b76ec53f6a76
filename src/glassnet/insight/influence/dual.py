"""Numbers that carry their slopes: the formulas of activations, losses and optimizers, differentiated as they stand.

A record says what is computed with arithmetic and NumPy's element-wise functions. Called with a `Dual` in the place of
an array, the same formula also gives its derivative, exactly and for every record there is, a user's own too. Where a
formula has a kink, the slope is that of the side it is computed on, as in backpropagation.

References
----------
Griewank & Walther, Evaluating Derivatives, 2nd edition, 2008, section 3.1: the forward mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from glassnet.errors import InputError

Array = NDArray[Any]
Slopes = Mapping[int, Any]

_TWO_OVER_ROOT_PI = 2 / np.sqrt(np.pi)

_OF_ONE: Mapping[str, Callable[[Array, Array], Any]] = {  # (x, f(x)) -> f′(x)
    "negative": lambda x, f: -1.0,
    "positive": lambda x, f: 1.0,
    "absolute": lambda x, f: np.sign(x),
    "square": lambda x, f: 2 * x,
    # a weight that no row has moved has a mean square of 0: it does not move, and has no slope either
    "sqrt": lambda x, f: np.divide(0.5, f, out=np.zeros_like(f), where=f > 0),
    "exp": lambda x, f: f,
    "expm1": lambda x, f: f + 1,
    "log": lambda x, f: 1 / x,
    "log1p": lambda x, f: 1 / (1 + x),
    "tanh": lambda x, f: 1 - f * f,
    "sinh": lambda x, f: np.cosh(x),
    "cosh": lambda x, f: np.sinh(x),
    "sin": lambda x, f: np.cos(x),
    "cos": lambda x, f: -np.sin(x),
    "arctan": lambda x, f: 1 / (1 + x * x),
    "erf": lambda x, f: _TWO_OVER_ROOT_PI * np.exp(-x * x),
}
_OF_TWO: Mapping[str, Callable[[Array, Array, Array], tuple[Any, Any]]] = {  # (x, y, f) -> ∂f/∂x, ∂f/∂y
    "add": lambda x, y, f: (1.0, 1.0),
    "subtract": lambda x, y, f: (1.0, -1.0),
    "multiply": lambda x, y, f: (y, x),
    "divide": lambda x, y, f: (1 / y, -f / y),
    "maximum": lambda x, y, f: (np.where(x >= y, 1.0, 0.0), np.where(x >= y, 0.0, 1.0)),
    "minimum": lambda x, y, f: (np.where(x <= y, 1.0, 0.0), np.where(x <= y, 0.0, 1.0)),
}
_WITHOUT_SLOPE = {"sign", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isfinite", "isnan"}


@final
class Dual(NDArrayOperatorsMixin):
    """An array, and its slope by each of some unknowns.

    Parameters
    ----------
    value : array
    slopes : mapping of int to array or float
        By the number of the unknown; those that are left out are 0.

    Raises
    ------
    InputError
        By a formula that calls a function of which no derivative is known.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet.insight.influence.dual import Dual
    >>> x = Dual(np.array([1.0, 2.0]), {0: 1.0})
    >>> y = x * x + np.exp(0 * x)
    >>> y.value.tolist(), y.slopes[0].tolist()
    ([2.0, 5.0], [2.0, 4.0])
    """

    def __init__(self, value: Any, slopes: Slopes) -> None:
        self.value, self.slopes = np.asarray(value), dict(slopes)

    # --- what formulas call -----------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or options.get("out") is not None:
            raise InputError(f"A formula calls {name}.{method}, of which no derivative is known here.")
        values = [each.value if isinstance(each, Dual) else each for each in inputs]
        f = ufunc(*values)
        if name in _WITHOUT_SLOPE:
            return f
        if name == "power" and not isinstance(inputs[1], Dual):
            exponent = values[1]
            return Dual(f, _chain([(inputs[0], exponent * values[0] ** (exponent - 1))]))
        if name in _OF_ONE:
            return Dual(f, _chain([(inputs[0], _OF_ONE[name](values[0], f))]))
        if name in _OF_TWO:
            x, y = values
            return Dual(f, _chain(zip(inputs, _OF_TWO[name](x, y, f), strict=True)))
        raise InputError(f"A formula calls numpy.{name}, of which no derivative is known here.")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.where and len(args) == 3:
            chosen = args[0].value if isinstance(args[0], Dual) else args[0]
            return _where(chosen, args[1], args[2])
        if function is np.ones_like or function is np.zeros_like:
            return np.full_like(self.value, 1.0 if function is np.ones_like else 0.0)
        if function in (np.sum, np.max):
            return getattr(args[0], function.__name__)(*args[1:], **kwargs)
        raise InputError(f"A formula calls numpy.{function.__name__}, of which no derivative is known here.")

    def sum(self, axis: int = -1, keepdims: bool = False) -> Dual:
        """Return the sum over an axis."""
        slopes = {k: _over(slope, self.value).sum(axis=axis, keepdims=keepdims) for k, slope in self.slopes.items()}
        return Dual(self.value.sum(axis=axis, keepdims=keepdims), slopes)

    def max(self, axis: int = -1, keepdims: bool = False) -> Dual:
        """Return the largest over an axis, with the slope of the first that is largest."""
        at = np.expand_dims(self.value.argmax(axis=axis), axis)
        value = np.take_along_axis(self.value, at, axis)
        slopes = {k: np.take_along_axis(_over(slope, self.value), at, axis) for k, slope in self.slopes.items()}
        if keepdims:
            return Dual(value, slopes)
        return Dual(value.squeeze(axis), {k: slope.squeeze(axis) for k, slope in slopes.items()})

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the value."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the value."""
        return self.value.dtype


def slope_of(result: Any, unknown: int) -> Any:
    """Return the slope of a formula's result by one unknown: an array, or a number for all entries."""
    return result.slopes.get(unknown, 0.0) if isinstance(result, Dual) else 0.0


def value_of(result: Any) -> Any:
    """Return the value of a formula's result."""
    return result.value if isinstance(result, Dual) else result


def _chain(parts: Any) -> dict[int, Any]:
    """Return Σ ∂f/∂x · slope of x, over the arguments x that are duals."""
    slopes: dict[int, Any] = {}
    for argument, by in parts:
        if isinstance(argument, Dual):
            for k, slope in argument.slopes.items():
                part = by * slope
                if np.ndim(part) == 0 and part == 0:
                    continue
                slopes[k] = slopes[k] + part if k in slopes else part
    return slopes


def _where(chosen: Array, x: Any, y: Any) -> Dual:
    """Return the entries of x where chosen, of y elsewhere."""
    unknowns = {k for each in (x, y) if isinstance(each, Dual) for k in each.slopes}
    slopes = {k: np.where(chosen, slope_of(x, k), slope_of(y, k)) for k in unknowns}
    return Dual(np.where(chosen, value_of(x), value_of(y)), slopes)


def _over(slope: Any, value: Array) -> Array:
    return np.broadcast_to(slope, value.shape)
