"""Numbers that carry their slopes: the formulas of activations, losses and optimizers, differentiated as they stand.

A record says what is computed with arithmetic and NumPy's functions. Given a `Dual` in the place of an array, the same
formula computes on a + bε with ε² = 0, which gives its value and its slope, exactly and for a user's own formula too.
What uses anything unknown here is refused with an InputError; nothing is dropped in silence.

References
----------
Clifford, Preliminary sketch of biquaternions, 1873, for the numbers; Griewank & Walther, Evaluating derivatives, 2nd
edition, 2008, section 3.1, for the forward mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from glassnet.errors import InputError

Array = NDArray[Any]
Partial = Callable[..., Any]

_LN2, _LN10, _TWO_OVER_ROOT_PI = math.log(2), math.log(10), 2 / math.sqrt(math.pi)
_NUDGE = 1e-6


def _one_where(x: Array, y: Array) -> Array:
    """1 where x is larger, 0 where y is; NaN at a tie, where a formula may be smooth but its parts are not."""
    return np.where(x == y, np.nan, np.where(x > y, 1.0, 0.0))


_OF_LARGER: tuple[Partial, ...] = (lambda f, x, y: _one_where(x, y), lambda f, x, y: _one_where(y, x))
_OF_SIZE: tuple[Partial, ...] = (lambda f, x: np.where(x == 0, np.nan, np.sign(x)),)
_OF_POWER: tuple[Partial, ...] = (lambda f, x, y: y * np.power(x, y - 1.0), lambda f, x, y: f * np.log(x))

# ufunc name → ∂/∂argument for each argument, given (result, *arguments)
_PARTIALS: dict[str, tuple[Partial, ...]] = {
    "add": (lambda f, x, y: 1.0, lambda f, x, y: 1.0),
    "subtract": (lambda f, x, y: 1.0, lambda f, x, y: -1.0),
    "multiply": (lambda f, x, y: y, lambda f, x, y: x),
    "divide": (lambda f, x, y: 1 / y, lambda f, x, y: -f / y),
    "power": _OF_POWER,
    "float_power": _OF_POWER,
    "maximum": _OF_LARGER,
    "minimum": _OF_LARGER[::-1],
    "fmax": _OF_LARGER,
    "fmin": _OF_LARGER[::-1],
    "hypot": (lambda f, x, y: x / f, lambda f, x, y: y / f),
    "arctan2": (lambda f, x, y: y / (x * x + y * y), lambda f, x, y: -x / (x * x + y * y)),
    "logaddexp": (lambda f, x, y: np.exp(x - f), lambda f, x, y: np.exp(y - f)),
    "negative": (lambda f, x: -1.0,),
    "positive": (lambda f, x: 1.0,),
    "absolute": _OF_SIZE,
    "fabs": _OF_SIZE,
    "square": (lambda f, x: 2 * x,),
    "sqrt": (lambda f, x: 0.5 / f,),
    "cbrt": (lambda f, x: 1 / (3 * f * f),),
    "reciprocal": (lambda f, x: -f * f,),
    "exp": (lambda f, x: f,),
    "exp2": (lambda f, x: _LN2 * f,),
    "expm1": (lambda f, x: np.exp(x),),
    "log": (lambda f, x: 1 / x,),
    "log2": (lambda f, x: 1 / (_LN2 * x),),
    "log10": (lambda f, x: 1 / (_LN10 * x),),
    "log1p": (lambda f, x: 1 / (1 + x),),
    "sin": (lambda f, x: np.cos(x),),
    "cos": (lambda f, x: -np.sin(x),),
    "tan": (lambda f, x: 1 + f * f,),
    "arcsin": (lambda f, x: 1 / np.sqrt(1 - x * x),),
    "arccos": (lambda f, x: -1 / np.sqrt(1 - x * x),),
    "arctan": (lambda f, x: 1 / (1 + x * x),),
    "sinh": (lambda f, x: np.cosh(x),),
    "cosh": (lambda f, x: np.sinh(x),),
    "tanh": (lambda f, x: 1 - f * f,),
    "arcsinh": (lambda f, x: 1 / np.sqrt(1 + x * x),),
    "arccosh": (lambda f, x: 1 / np.sqrt(x * x - 1),),
    "arctanh": (lambda f, x: 1 / (1 - x * x),),
    "erf": (lambda f, x: _TWO_OVER_ROOT_PI * np.exp(-x * x),),
    "erfc": (lambda f, x: -_TWO_OVER_ROOT_PI * np.exp(-x * x),),
    "expit": (lambda f, x: f * (1 - f),),
}
# the same where sides are taken: that of the first argument; a root that is 0, as nothing moved it yet, does not move
_ON_A_SIDE: dict[str, tuple[Partial, ...]] = _PARTIALS | {
    "maximum": (lambda f, x, y: np.where(x >= y, 1.0, 0.0), lambda f, x, y: np.where(x >= y, 0.0, 1.0)),
    "minimum": (lambda f, x, y: np.where(x <= y, 1.0, 0.0), lambda f, x, y: np.where(x <= y, 0.0, 1.0)),
    "absolute": (lambda f, x: np.sign(x),),
    "sqrt": (lambda f, x: np.divide(0.5, f, out=np.zeros_like(f), where=f > 0),),
}

# what has no slope, or is no number: the result is an ordinary array
_FLAT = (
    {"sign", "signbit", "floor", "ceil", "trunc", "rint", "heaviside"}
    | {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isfinite", "isnan", "isinf"}
    | {"logical_and", "logical_or", "logical_not", "logical_xor"}
)


@final
class Dual(NDArrayOperatorsMixin):
    """An array, and its slope by each of some unknowns.

    Parameters
    ----------
    value : array
    slopes : mapping of int to array or float
        By the number of the unknown; those that are left out are 0. A slope may have further axes in front of those of
        the value: many directions at once.
    takes_sides : bool
        Whether max, min, |x| and √x have a number for a slope at their kinks: that of the first argument, and 0 for |x|
        and √x at 0. Otherwise it is NaN there, so that the caller can look beside it, as `along` does.

    Attributes
    ----------
    shape, ndim, dtype
        Of the value.

    Raises
    ------
    InputError
        By a formula that calls a function of which no derivative is known.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet.insight.dual import Dual
    >>> x = Dual(np.array([1.0, 2.0]), {0: 1.0})
    >>> y = x * x + np.exp(0 * x)
    >>> y.value.tolist(), y.slopes[0].tolist()
    ([2.0, 5.0], [2.0, 4.0])
    """

    def __init__(self, value: Any, slopes: Mapping[int, Any], takes_sides: bool = False) -> None:
        self.value, self.slopes, self.takes_sides = np.asarray(value), slopes, takes_sides
        self.shape, self.ndim, self.dtype = self.value.shape, self.value.ndim, self.value.dtype

    # --- what formulas call -----------------------------------------------------------------------------------------

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A dual number is no array; its slopes would be lost.")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or settings or not (name in _PARTIALS or name in _FLAT):
            how = name if method == "__call__" else f"{name}.{method}"
            with_settings = f" with {', '.join(settings)}" if settings else ""
            raise InputError(f"A formula calls numpy.{how}{with_settings}, of which no derivative is known here.")
        values = [x.value if isinstance(x, Dual) else x for x in inputs]
        result = ufunc(*values)
        if name in _FLAT:
            return result
        slopes: dict[int, Any] = {}  # Σ ∂f/∂x · slope of x
        for x, partial in zip(inputs, (_ON_A_SIDE if self.takes_sides else _PARTIALS)[name], strict=True):
            if isinstance(x, Dual) and x.slopes:
                by = partial(result, *values)
                for k, slope in x.slopes.items():
                    part = by * slope
                    if np.ndim(part) == 0 and part == 0:
                        continue
                    slopes[k] = slopes[k] + part if k in slopes else part
        return Dual(result, slopes, self.takes_sides)

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        if function not in _FUNCTIONS:
            raise InputError(f"A formula calls numpy.{function.__name__}, of which no derivative is known here.")
        return _FUNCTIONS[function](*inputs, **settings)

    def __getitem__(self, at: Any) -> Dual:
        if not isinstance(at, tuple) or at[0] is not Ellipsis:
            raise InputError("A formula takes entries of an array; only [..., i] has a derivative that is known here.")
        return self._mapped(lambda array: array[at])

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the sum along an axis."""
        axis = self._from_behind(axis)
        return self._mapped(lambda array: array.sum(axis=axis, keepdims=keepdims))

    def mean(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the mean along an axis."""
        axis = self._from_behind(axis)
        return self._mapped(lambda array: array.mean(axis=axis, keepdims=keepdims))

    def max(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the largest along an axis, with the slopes of the first that is largest."""
        return self._first(self.value.argmax, axis, keepdims)

    def min(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the smallest along an axis, with the slopes of the first that is smallest."""
        return self._first(self.value.argmin, axis, keepdims)

    def _first(self, argument: Callable[..., Any], axis: int | None, keepdims: bool) -> Dual:
        axis = self._from_behind(axis)
        at = np.expand_dims(argument(axis=axis), axis)

        def there(array: Array) -> Array:
            in_each_direction = np.broadcast_to(at, (*array.shape[: array.ndim - at.ndim], *at.shape))
            found = np.take_along_axis(array, in_each_direction, axis)
            return found if keepdims else found.squeeze(axis)

        return self._mapped(there)

    def _from_behind(self, axis: int | None) -> int:
        """Return an axis counted from the last, where axes of many directions do not disturb."""
        if not isinstance(axis, int):
            raise InputError("A formula sums over several axes at once; only over one is a derivative known here.")
        return axis if axis < 0 else axis - self.ndim

    def _mapped(self, what: Callable[[Array], Array]) -> Dual:
        """Return a Dual of what is linear and done to the value and to whole slopes alike."""
        whole = {k: np.broadcast_to(s, np.broadcast_shapes(self.shape, np.shape(s))) for k, s in self.slopes.items()}
        return Dual(what(self.value), {k: what(slope) for k, slope in whole.items()}, self.takes_sides)


def slope_of(result: Any, unknown: int) -> Any:
    """Return the slope of a formula's result by one unknown: an array, or a number for all entries."""
    return result.slopes.get(unknown, 0.0) if isinstance(result, Dual) else 0.0


def value_of(result: Any) -> Any:
    """Return the value of a formula's result."""
    return result.value if isinstance(result, Dual) else result


def along(formula: Callable[..., Any], given: Sequence[tuple[Array, Array]]) -> Array:
    """Return the derivative of ``formula(*values)`` along directions.

    Where the formula meets a kink, it is the mean of those beside it: exact up to 1e-12 where only parts of a formula
    have kinks, as |z| in that of the sigmoid.

    Parameters
    ----------
    formula : callable
        Of arrays, to an array of their shape.
    given : sequence of (value, direction)
        Directions may have an axis in front: many at once.

    Raises
    ------
    InputError
        If the formula calls anything of which no derivative is known.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet.insight.dual import along
    >>> along(np.exp, [(np.array([0.0]), np.array([3.0]))]).tolist()
    [3.0]
    """
    values, directions = zip(*given, strict=True)
    moved = _slope(formula, values, directions)
    if np.isnan(moved).any():
        longest = max(float(np.abs(d).max(initial=0.0)) for d in directions) or 1.0
        # what does not move may be at a kink too
        nudges = [_NUDGE * np.where(d == 0, 1.0, d / longest) for d in directions]
        up = _slope(formula, [v + h for v, h in zip(values, nudges, strict=True)], directions)
        down = _slope(formula, [v - h for v, h in zip(values, nudges, strict=True)], directions)
        moved = np.where(np.isnan(moved), 0.5 * (up + down), moved)
    return moved


def _slope(formula: Callable[..., Any], values: Sequence[Array], directions: Sequence[Array]) -> Array:
    try:
        with np.errstate(all="ignore"):
            result = formula(*(Dual(v, {0: d}) for v, d in zip(values, directions, strict=True)))
    except (TypeError, AttributeError) as error:
        raise InputError(f"A formula does what no derivative is known of here: {error}") from error
    shape = np.broadcast_shapes(values[0].shape, *(np.shape(d) for d in directions))
    return np.broadcast_to(slope_of(result, 0), shape)


# --- NumPy's functions that are no ufuncs ---------------------------------------------------------------------------


def _where(condition: Any, x: Any, y: Any) -> Any:
    duals, chosen = [each for each in (x, y) if isinstance(each, Dual)], value_of(condition)
    result = np.where(chosen, value_of(x), value_of(y))
    slopes = {k: np.where(chosen, slope_of(x, k), slope_of(y, k)) for each in duals for k in each.slopes}
    return Dual(result, slopes, duals[0].takes_sides) if duals else result


def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.clip: _clip,
    np.sum: lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    np.mean: lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    np.max: lambda x, axis=None, keepdims=False: x.max(axis, keepdims),
    np.amax: lambda x, axis=None, keepdims=False: x.max(axis, keepdims),
    np.min: lambda x, axis=None, keepdims=False: x.min(axis, keepdims),
    np.amin: lambda x, axis=None, keepdims=False: x.min(axis, keepdims),
    np.ones_like: lambda x: np.ones_like(x.value),
    np.zeros_like: lambda x: np.zeros_like(x.value),
    np.full_like: lambda x, fill: np.full_like(x.value, fill),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
}
