"""Dual numbers: a formula given values with their directions gives its value and its derivative along them, exactly.

The records of activations and losses hold a value and a slope, but no second slope. It is had by running the slope's
own formula on a + bε with ε² = 0, as forward-mode differentiation does. A formula that uses anything unknown here
raises a TypeError or AttributeError, and is then differentiated numerically by the caller; nothing is dropped in
silence.

References
----------
Clifford, Preliminary sketch of biquaternions, 1873, for the numbers; Griewank & Walther, Evaluating derivatives, 2nd
edition, 2008, chapter 3, for what they are used for here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Array = NDArray[Any]
Partial = Callable[..., Any]

_LN2, _LN10 = math.log(2), math.log(10)


def _one_where(x: Array, y: Array) -> Array:
    """1 where x is larger, 0 where y is; NaN at a tie, where a formula may be smooth but its parts are not."""
    return np.where(x == y, np.nan, np.where(x > y, 1.0, 0.0))


# ufunc name → ∂/∂argument for each argument, given (result, *arguments)
_PARTIALS: dict[str, tuple[Partial, ...]] = {
    "add": (lambda f, x, y: 1.0, lambda f, x, y: 1.0),
    "subtract": (lambda f, x, y: 1.0, lambda f, x, y: -1.0),
    "multiply": (lambda f, x, y: y, lambda f, x, y: x),
    "divide": (lambda f, x, y: 1 / y, lambda f, x, y: -f / y),
    "power": (lambda f, x, y: y * np.power(x, y - 1.0), lambda f, x, y: f * np.log(x)),
    "float_power": (lambda f, x, y: y * np.power(x, y - 1.0), lambda f, x, y: f * np.log(x)),
    "maximum": (lambda f, x, y: _one_where(x, y), lambda f, x, y: _one_where(y, x)),
    "minimum": (lambda f, x, y: _one_where(y, x), lambda f, x, y: _one_where(x, y)),
    "fmax": (lambda f, x, y: _one_where(x, y), lambda f, x, y: _one_where(y, x)),
    "fmin": (lambda f, x, y: _one_where(y, x), lambda f, x, y: _one_where(x, y)),
    "hypot": (lambda f, x, y: x / f, lambda f, x, y: y / f),
    "arctan2": (lambda f, x, y: y / (x * x + y * y), lambda f, x, y: -x / (x * x + y * y)),
    "logaddexp": (lambda f, x, y: np.exp(x - f), lambda f, x, y: np.exp(y - f)),
    "negative": (lambda f, x: -1.0,),
    "positive": (lambda f, x: 1.0,),
    "absolute": (lambda f, x: np.where(x == 0, np.nan, np.sign(x)),),
    "fabs": (lambda f, x: np.where(x == 0, np.nan, np.sign(x)),),
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
    "erf": (lambda f, x: 2 / math.sqrt(math.pi) * np.exp(-x * x),),
    "erfc": (lambda f, x: -2 / math.sqrt(math.pi) * np.exp(-x * x),),
    "expit": (lambda f, x: f * (1 - f),),
}

# what has no slope, or is no number: the result is an ordinary array
_FLAT = (
    {"sign", "signbit", "floor", "ceil", "trunc", "rint", "heaviside"}
    | {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isfinite", "isnan", "isinf"}
    | {"logical_and", "logical_or", "logical_not", "logical_xor"}
)


@final
class Dual(NDArrayOperatorsMixin):
    """Numbers with the direction in which each moves.

    Parameters
    ----------
    value : array
    tangent : array
        Of the same shape, or with further axes in front: many directions at once.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet.insight.curvature.dual import Dual
    >>> (np.exp(Dual(np.array([0.0]), np.array([3.0]))) * 2).tangent.tolist()
    [6.0]
    """

    def __init__(self, value: Array, tangent: Array) -> None:
        self.value, self.tangent = value, tangent

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the value."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Of the value."""
        return self.value.ndim

    @property
    def dtype(self) -> Any:
        """Of the value."""
        return self.value.dtype

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A dual number is no array; its direction would be lost.")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or settings or not (name in _PARTIALS or name in _FLAT):
            return NotImplemented
        values = [x.value if isinstance(x, Dual) else x for x in inputs]
        result = ufunc(*values)
        if name in _FLAT:
            return result
        tangent: Any = 0.0
        for x, partial in zip(inputs, _PARTIALS[name], strict=True):
            if isinstance(x, Dual):
                tangent = tangent + partial(result, *values) * x.tangent
        return Dual(result, tangent)

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        own = _FUNCTIONS.get(function)
        return NotImplemented if own is None else own(*inputs, **settings)

    def __getitem__(self, at: Any) -> Dual:
        if not isinstance(at, tuple) or at[0] is not Ellipsis:
            raise TypeError("Only [..., i] is known of dual numbers.")
        return Dual(self.value[at], self.tangent[at])

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the sum along an axis."""
        axis = self._from_behind(axis)
        return Dual(self.value.sum(axis=axis, keepdims=keepdims), self._whole().sum(axis=axis, keepdims=keepdims))

    def mean(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the mean along an axis."""
        count: int = self.value.shape[self._from_behind(axis)]
        total = self.sum(axis, keepdims)
        return Dual(total.value / count, total.tangent / count)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the largest along an axis, with the direction that it has."""
        axis, tangent = self._from_behind(axis), self._whole()
        at = np.expand_dims(self.value.argmax(axis=axis), axis)
        there = np.broadcast_to(at, (*tangent.shape[: tangent.ndim - at.ndim], *at.shape))
        value, moved = np.take_along_axis(self.value, at, axis), np.take_along_axis(tangent, there, axis)
        return Dual(value, moved) if keepdims else Dual(value.squeeze(axis), moved.squeeze(axis))

    def min(self, axis: int | None = None, keepdims: bool = False) -> Dual:
        """Return the smallest along an axis, with the direction that it has."""
        least = Dual(-self.value, -self.tangent).max(axis, keepdims)
        return Dual(-least.value, -least.tangent)

    def _from_behind(self, axis: int | None) -> int:
        """Return an axis counted from the last, where axes of many directions do not disturb."""
        if not isinstance(axis, int):
            raise TypeError("Sums over one axis only are known of dual numbers.")
        return axis if axis < 0 else axis - self.value.ndim

    def _whole(self) -> Array:
        """Return the tangent with an entry for each value."""
        return np.broadcast_to(self.tangent, np.broadcast_shapes(self.value.shape, np.shape(self.tangent)))


def _where(condition: Any, x: Any, y: Any) -> Any:
    pair = [(d.value, d.tangent) if isinstance(d, Dual) else (d, 0.0) for d in (x, y)]
    if isinstance(condition, Dual):
        condition = condition.value
    if not (isinstance(x, Dual) or isinstance(y, Dual)):
        return np.where(condition, x, y)
    return Dual(np.where(condition, pair[0][0], pair[1][0]), np.where(condition, pair[0][1], pair[1][1]))


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
