"""The element-wise functions of NumPy for one number, written so that LLVM turns a loop over them into vector code.

No branch on data, no table and no call into a library of C is left in them: only arithmetic, comparisons that select,
and the bits of floating-point numbers. float32 and float64 are each computed in their own precision, within 2 units in
the last place (tanh and sinh within 2.75), with NumPy's special values; the same text runs uncompiled on its scalars.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload, register_jitable
from numba.np.numpy_support import from_dtype

from glassnet.compiled.decorator import FLAGS

INLINED: Any = {"error_model": FLAGS["error_model"], "fastmath": FLAGS["fastmath"], "forceinline": True}
"""Flags of whatever is called per number, formulas too: a call left in a loop keeps it from becoming vector code."""

Kernel = Callable[..., Any]
"""A function of numbers that all have one dtype, and so has what it returns."""


@final
@dataclass(frozen=True)
class Precision:
    """A floating dtype: x = ±2^(field − bias)·(1 + fraction), and its polynomials.

    Parameters
    ----------
    real, unsigned : type
        NumPy's scalar type, and the unsigned integer of the same size, which holds the same bits.
    digits : int
        Bits of the fraction; the field of the exponent stands above them.
    bias : int
    ln2_high, ln2_low : float
        Their sum is log 2; a multiple of the first by an exponent has no rounding error.
    exp, log, erf_near, erf_far : tuple of float
        Polynomials, lowest power first: (eʳ−1−r)/r² in r, for |r| ≤ ½ log 2; (2 artanh(s) − 2s)/s³ in s², for
        s ≤ (√2−1)/(√2+1); erf(x)/x − 1 in x², for x ≤ 1; log(1 − erf(x)) in x, from 1 to `erf_is_one`. Each has the
        smallest largest error in the result (Remez's algorithm, computed with 50 digits), below a quarter of a unit
        in the last place.
    erf_is_one : float
        From here on erf rounds to 1.
    """

    real: type
    unsigned: type
    digits: int
    bias: int
    ln2_high: float
    ln2_low: float
    exp: tuple[float, ...]
    log: tuple[float, ...]
    erf_near: tuple[float, ...]
    erf_far: tuple[float, ...]
    erf_is_one: float

    @property
    def epsilon(self) -> Any:
        """Half the distance from 1 to the next number: x + x² is x for any smaller x."""
        return self.real(2.0 ** -(self.digits + 1))


# fmt: off
SINGLE = Precision(
    real=np.float32,
    unsigned=np.uint32,
    digits=23,
    bias=127,
    ln2_high=0.693359375,
    ln2_low=-2.1219444005469057e-4,
    exp=(
        0.4999999811, 0.1666654361, 0.04166721228, 0.008366523673, 0.001388180074,
    ),
    log=(
        0.6666677525, 0.3997764732, 0.2986939531,
    ),
    erf_near=(
        0.1283791657, -0.3761262584, 0.1128358525, -0.02685381458, 0.005188330483, -0.0008010202699, 7.853849828e-5,
    ),
    erf_far=(
        -0.000341564426, -1.127089024, -0.638145104, -0.1031065249, 0.02183795755, -0.002947632729, 0.000186376706,
    ),
    erf_is_one=3.95,
)

DOUBLE = Precision(
    real=np.float64,
    unsigned=np.uint64,
    digits=52,
    bias=1023,
    ln2_high=6.93147180369123816490e-1,
    ln2_low=1.90821492927058770002e-10,
    exp=(
        0.5000000000000006, 0.16666666666666588, 0.04166666666657676, 0.008333333333389568, 0.00138888889315634,
        0.00019841269718985012, 2.4801505275357025e-05, 2.755740755406893e-06, 2.76260373222908e-07,
        2.5053773515869268e-08,
    ),
    log=(
        0.6666666666666731, 0.39999999999436703, 0.2857142873822222, 0.22222198950247304, 0.18183546635903447,
        0.1531446564273992, 0.14792096498385332,
    ),
    erf_near=(
        0.12837916709551256, -0.3761263890318352, 0.112837916709442, -0.026866170643113415, 0.005223977606130842,
        -0.0008548325929766244, 0.0001205529358693695, -1.4924712439534814e-05, 1.6447132699786621e-06,
        -1.6206318752969208e-07, 1.3710988704190523e-08, -7.779462971761597e-10,
    ),
    erf_far=(
        -5.028417347708695e-07, -1.1283740895593914, -0.6366436276921263, -0.1027034406661149, 0.01899018111909138,
        0.00041062470028504014, -0.0019159400099820405, 0.0007706406252083099, -0.00013504885098641206,
        -2.0267343718328015e-05, 2.2822739903279395e-05, -8.667227329017793e-06, 2.1356898812257777e-06,
        -3.733045599741869e-07, 4.642302235206583e-08, -3.934264140928613e-09, 2.0449612104319007e-10,
        -4.928609785699819e-12,
    ),
    erf_is_one=5.95,
)
# fmt: on


def in_both_precisions(make: Callable[[Precision], Kernel]) -> Kernel:
    """Make a function of one number from ``make(precision)``, which sees its constants in the number's own dtype.

    A Python literal is a float64 to Numba and would turn float32 arithmetic into float64 arithmetic; so kernels name
    their constants. An integer is taken as a float64, as NumPy takes it.
    """
    name = make.__name__
    single, double = make(SINGLE), make(DOUBLE)

    def function(x: Any) -> Any:
        with np.errstate(all="ignore"):  # compiled code is silent too
            return single(x) if isinstance(x, np.float32) else double(np.float64(x))

    @overload(function, jit_options=INLINED, strict=False)
    def compiled(x: Any) -> Kernel:
        if x == types.float32:
            return single
        if x == types.float64:
            return double
        if isinstance(x, types.Integer | types.Boolean):
            return lambda x: function(np.float64(x))
        raise TypingError(f"{name} takes one number, float32 or float64; got {x}. Call it element by element.")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = make.__doc__
    return function


# --- selecting ---------------------------------------------------------------------------------------------------


def where(condition: Any, x: Any, y: Any) -> Any:
    """Return x where the condition holds, y elsewhere; float32 beside a Python number stays float32, as in NumPy."""
    real = np.float32 if isinstance(x, np.float32) or isinstance(y, np.float32) else np.float64
    return real(x) if condition else real(y)


def _select(context: Any, condition: Any, x: Any, y: Any) -> Any:
    """One instruction: Python's own ``x if condition else y`` would become a branch that keeps a loop from vectors."""
    if condition != types.boolean or not isinstance(x, types.Number) or not isinstance(y, types.Number):
        raise TypingError(f"where() takes a comparison and two numbers; got {condition}, {x} and {y}.")
    real = types.float32 if types.float32 in (x, y) else types.float64

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(args[0], target.cast(builder, args[1], x, real), target.cast(builder, args[2], y, real))

    return real(condition, x, y), generate


_selected: Any = intrinsic(_select)
overload(where, jit_options=INLINED)(lambda condition, x, y: lambda condition, x, y: _selected(condition, x, y))


@register_jitable(**INLINED)
def maximum(x: Any, y: Any) -> Any:
    """The larger one; NaN where one is NaN."""
    return where((x >= y) | (x != x), x, y)


@register_jitable(**INLINED)
def minimum(x: Any, y: Any) -> Any:
    """The smaller one; NaN where one is NaN."""
    return where((x <= y) | (x != x), x, y)


@in_both_precisions
def sign(F: Precision) -> Kernel:
    """−1, 0 or 1; NaN of NaN."""
    one = F.real(1)

    def sign(x: Any) -> Any:
        magnitude = where(x != 0, one, np.abs(x))
        signed = where(x < 0, -magnitude, magnitude)
        return where(x != x, x, signed)

    return sign


# One instruction each as they are.
sqrt, absolute = np.sqrt, np.absolute


# --- polynomials -------------------------------------------------------------------------------------------------


def _polynomial(F: Precision, coefficients: tuple[float, ...]) -> Kernel:
    """Return the function x ↦ c₀ + c₁x + c₂x² + … by Horner's rule, unrolled when compiled."""
    descending, contract = [F.real(c) for c in reversed(coefficients)], ("contract",)

    def polynomial(x: Any) -> Any:
        value = descending[0]
        for c in descending[1:]:
            value = value * x + c
        return value

    def build(context: Any, x: Any) -> Any:
        if x != from_dtype(np.dtype(F.real)):
            raise TypingError(f"A polynomial in {F.real.__name__} was given {x}; expected a number of its own dtype.")

        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            value, *rest = (ir.Constant(args[0].type, float(c)) for c in descending)
            for c in rest:
                value = builder.fadd(builder.fmul(value, args[0], contract), c, contract)
            return value

        return x(x), generate

    unrolled: Any = intrinsic(build)
    overload(polynomial, jit_options=INLINED)(lambda x: lambda x: unrolled(x))
    return polynomial


# --- exponentials ------------------------------------------------------------------------------------------------


def _reduction(F: Precision) -> Kernel:
    """Write x = k·log 2 + r with |r| ≤ ½ log 2: return r, eʳ−1−r and a number whose lowest bits are k + bias."""
    log2_e = F.real(1 / math.log(2))
    ln2_high, ln2_low = F.real(F.ln2_high), F.real(F.ln2_low)
    # A number near 1.5·2^digits has no bits below 1: adding it rounds to the nearest integer, and the fraction of the
    # sum ends with that integer in binary.
    rounder = F.real(1.5 * 2**F.digits + F.bias)
    tail = _polynomial(F, F.exp)

    @register_jitable(**INLINED)
    def reduction(x: Any) -> Any:
        shifted = x * log2_e + rounder
        k = shifted - rounder
        r = (x - k * ln2_high) - k * ln2_low
        return r, r * r * tail(r), shifted

    return reduction


@in_both_precisions
def exp(F: Precision) -> Kernel:
    """The exponential: 2^k·eʳ."""
    real, unsigned, digits, bias, shift = F.real, F.unsigned, F.unsigned(F.digits), F.unsigned(F.bias), F.unsigned(1)
    one, reduction = F.real(1), _reduction(F)
    # Beyond these the result is infinite, or rounds to 0.
    high, low = F.real((F.bias + 2) * math.log(2)), F.real(-(F.bias + F.digits + 1) * math.log(2))

    def exp(x: Any) -> Any:
        x = where(x > high, high, x)
        x = where(x < low, low, x)
        r, rest, shifted = reduction(x)
        # 2^k in two factors, as it may lie outside the normal numbers though neither of them does.
        field = unsigned(real(shifted).view(unsigned) + bias)
        first = unsigned(field >> shift)
        second = unsigned(field - first)
        return (one + (r + rest)) * unsigned(first << digits).view(real) * unsigned(second << digits).view(real)

    return exp


def _quarter_expm1(F: Precision) -> Kernel:
    """A quarter of eˣ−1, from 2^(k−2)·(eʳ−1) + (2^(k−2) − ¼): finite where sinh is, and a little further."""
    real, unsigned, digits, two = F.real, F.unsigned, F.unsigned(F.digits), F.unsigned(2)
    quarter, reduction = F.real(0.25), _reduction(F)
    # Four times it is infinite and −1.
    high, low = F.real((F.bias + 2) * math.log(2) + 0.1), F.real(-40)

    @register_jitable(**INLINED)
    def quarter_expm1(x: Any) -> Any:
        x = where(x > high, high, x)
        x = where(x < low, low, x)
        r, rest, shifted = reduction(x)
        field = unsigned(real(shifted).view(unsigned) - two)
        power = unsigned(field << digits).view(real)
        return power * rest + (power * r + (power - quarter))

    return quarter_expm1


@in_both_precisions
def expm1(F: Precision) -> Kernel:
    """eˣ−1 without cancellation."""
    four, epsilon, quarter_expm1 = F.real(4), F.epsilon, _quarter_expm1(F)

    def expm1(x: Any) -> Any:
        result = four * quarter_expm1(x)
        return where(np.abs(x) < epsilon, x, result)

    return expm1


@in_both_precisions
def tanh(F: Precision) -> Kernel:
    """The hyperbolic tangent: e/(e+2) with e = exp(2|x|)−1, and the sign of x."""
    half, two, epsilon, quarter_expm1 = F.real(0.5), F.real(2), F.epsilon, _quarter_expm1(F)

    def tanh(x: Any) -> Any:
        q = quarter_expm1(two * np.abs(x))
        t = q / (q + half)
        result = where(x < 0, -t, t)
        return where(np.abs(x) < epsilon, x, result)

    return tanh


@in_both_precisions
def sinh(F: Precision) -> Kernel:
    """The hyperbolic sine: (e + e/(e+1))/2 with e = exp(|x|)−1, and the sign of x."""
    half, quarter, two, epsilon, quarter_expm1 = F.real(0.5), F.real(0.25), F.real(2), F.epsilon, _quarter_expm1(F)

    def sinh(x: Any) -> Any:
        q = quarter_expm1(np.abs(x))
        s = two * q + half * (q / (q + quarter))
        result = where(x < 0, -s, s)
        return where(np.abs(x) < epsilon, x, result)

    return sinh


# --- logarithms --------------------------------------------------------------------------------------------------


def _log_of_sum(F: Precision) -> Kernel:
    """The logarithm of 2^k·(u+δ), given u, δ/u and k, for a normal u and a δ far smaller than u."""
    real, unsigned, digits = F.real, F.unsigned, F.unsigned(F.digits)
    one, two, half = F.real(1), F.real(2), F.real(0.5)
    ln2_high, ln2_low = F.real(F.ln2_high), F.real(F.ln2_low)
    series = _polynomial(F, F.log)
    # u = 2^k·m with m from √½ to √2: exponents change at √½ once √½'s distance to 1 is added to the bits.
    bits_of_one, bits_of_root = one.view(unsigned), F.real(math.sqrt(0.5)).view(unsigned)
    raised, fraction = unsigned(bits_of_one - bits_of_root), unsigned(2**F.digits - 1)
    # An integer in the lowest bits of 2^digits makes the number that much larger.
    integer = F.real(2.0**F.digits)
    bits_of_integer, excess = integer.view(unsigned), F.real(2.0**F.digits + F.bias)
    infinity, nan = F.real(np.inf), F.real(np.nan)

    @register_jitable(**INLINED)
    def log_of_sum(u: Any, correction: Any, k: Any) -> Any:
        bits = unsigned(real(u).view(unsigned) + raised)
        k = k + (unsigned(unsigned(bits >> digits) | bits_of_integer).view(real) - excess)
        m = unsigned(unsigned(bits & fraction) + bits_of_root).view(real)
        # log(1+f) = 2 artanh s with s = f/(2+f), rearranged so that the large part f is added last.
        f = m - one
        s = f / (two + f)
        z = s * s
        half_square = half * f * f
        result = k * ln2_high - ((half_square - (s * (half_square + z * series(z)) + (k * ln2_low + correction))) - f)
        result = where(u < infinity, result, infinity)
        return where(u > 0, result, where(u == 0, -infinity, nan))

    return log_of_sum


@in_both_precisions
def log(F: Precision) -> Kernel:
    """The natural logarithm; −∞ of 0, NaN below."""
    zero, tiny = F.real(0), F.real(2.0 ** (1 - F.bias))
    raising, lowering = F.real(2.0 ** (F.digits + 1)), F.real(-(F.digits + 1))
    log_of_sum = _log_of_sum(F)

    def log(x: Any) -> Any:
        subnormal = np.abs(x) < tiny
        u = where(subnormal, x * raising, x)
        k = where(subnormal, lowering, zero)
        return log_of_sum(u, zero, k)

    return log


@in_both_precisions
def log1p(F: Precision) -> Kernel:
    """log(1+x) without cancellation: what 1+x loses by rounding is put back as a correction."""
    one, zero, epsilon, log_of_sum = F.real(1), F.real(0), F.epsilon, _log_of_sum(F)

    def log1p(x: Any) -> Any:
        u = one + x
        lost = x - (u - one)
        result = log_of_sum(u, lost / u, zero)
        return where(np.abs(x) < epsilon, x, result)

    return log1p


# --- the error function ------------------------------------------------------------------------------------------


@in_both_precisions
def erf(F: Precision) -> Kernel:
    """The error function: x + x·P(x²) within ±1, beyond 1 − exp(Q(|x|)) with the sign of x."""
    one, last = F.real(1), F.real(F.erf_is_one)
    near, far = _polynomial(F, F.erf_near), _polynomial(F, F.erf_far)

    def erf(x: Any) -> Any:
        magnitude = np.abs(x)
        inner = x + x * near(x * x)
        outer = one - exp(far(where(magnitude > last, last, magnitude)))
        signed = where(x < 0, -outer, outer)
        return where(magnitude < one, inner, signed)

    return erf


abs = absolute  # last, as it hides Python's own
