"""Activation functions, each a record of its formula, its slope and where both come from."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.maths.activation import Activation, AnyActivation, RowActivation
from glassnet.maths.domains import (
    NONNEGATIVE,
    POSITIVE,
    PROBABILITIES,
    SYMMETRIC_UNIT,
    UNIT,
    above,
)
from glassnet.maths.functions import erf, sigmoid, softmax, softmax_pullback, softplus
from glassnet.maths.hyperparameters import require_argument
from glassnet.maths.registry import Registry

Array = NDArray[Any]


IDENTITY = Activation(
    "identity",
    value=lambda z: z,
    slope=lambda z, a: np.ones_like(z),
    latex=r"z",
    slope_latex=r"1",
    source="the linear unit; Widrow & Hoff, Adaptive switching circuits, 1960",
)

SIGMOID = Activation(
    "sigmoid",
    value=sigmoid,
    slope=lambda z, a: a * (1 - a),
    latex=r"\frac{1}{1+e^{-z}}",
    slope_latex=r"a(1-a)",
    source="Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986",
    range=UNIT,
)

TANH = Activation(
    "tanh",
    value=lambda z: np.tanh(z),
    slope=lambda z, a: 1 - a * a,
    latex=r"\tanh z",
    slope_latex=r"1-a^2",
    source="LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998, section 4.4",
    range=SYMMETRIC_UNIT,
)

EXP = Activation(
    "exp",
    value=lambda z: np.exp(z),
    slope=lambda z, a: a,
    latex=r"e^{z}",
    slope_latex=r"a",
    source="the inverse of the log link; Nelder & Wedderburn, Generalized linear models, 1972",
    range=POSITIVE,
)

RELU = Activation(
    "relu",
    value=lambda z: np.maximum(z, 0),
    slope=lambda z, a: np.where(z > 0, 1.0, 0.0),
    latex=r"\max(z, 0)",
    slope_latex=r"[z>0]",
    source="Nair & Hinton, Rectified linear units improve restricted Boltzmann machines, 2010",
    range=NONNEGATIVE,
    kinks=(0.0,),
    weight_init="he_normal",
)


def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """ReLU that keeps a small slope below zero (Maas, Hannun & Ng, 2013)."""
    return _leaky_relu(require_argument("leaky_relu", "negative_slope", negative_slope, 0.2, low=0))


@functools.cache  # so that two layers with the same number are equal
def _leaky_relu(negative_slope: float) -> Activation:
    return Activation(
        _spelled("leaky_relu", negative_slope, 0.01),
        value=lambda z: np.where(z > 0, z, negative_slope * z),
        slope=lambda z, a: np.where(z > 0, 1.0, negative_slope),
        latex=rf"\begin{{cases}}z & z>0\\ {negative_slope}\,z & z\le 0\end{{cases}}",
        slope_latex=rf"\begin{{cases}}1 & z>0\\ {negative_slope} & z\le 0\end{{cases}}",
        source="Maas, Hannun & Ng, Rectifier nonlinearities improve neural network acoustic models, 2013",
        kinks=(0.0,),
        weight_init="he_normal",
    )


def elu(alpha: float = 1.0) -> Activation:
    """Exponential linear unit (Clevert, Unterthiner & Hochreiter, 2016)."""
    return _elu(require_argument("elu", "alpha", alpha, 0.5, low=0))


@functools.cache  # so that two layers with the same number are equal
def _elu(alpha: float) -> Activation:
    return Activation(
        _spelled("elu", alpha, 1.0),
        value=lambda z: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        slope=lambda z, a: np.where(z > 0, 1.0, a + alpha),
        latex=rf"\begin{{cases}}z & z>0\\ {alpha}(e^{{z}}-1) & z\le 0\end{{cases}}",
        slope_latex=rf"\begin{{cases}}1 & z>0\\ a+{alpha} & z\le 0\end{{cases}}",
        source="Clevert, Unterthiner & Hochreiter, Fast and accurate deep network learning by ELUs, 2016",
        range=above(-alpha),
        kinks=(0.0,),
        weight_init="he_normal",
    )


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

SELU = Activation(
    "selu",
    value=lambda z: np.where(z > 0, _SELU_SCALE * z, _SELU_SCALE * _SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    slope=lambda z, a: np.where(z > 0, _SELU_SCALE, a + _SELU_SCALE * _SELU_ALPHA),
    latex=r"\lambda\begin{cases}z & z>0\\ \alpha(e^{z}-1) & z\le 0\end{cases}",
    slope_latex=r"\begin{cases}\lambda & z>0\\ a+\lambda\alpha & z\le 0\end{cases}",
    source="Klambauer, Unterthiner, Mayr & Hochreiter, Self-normalizing neural networks, 2017",
    range=above(-_SELU_SCALE * _SELU_ALPHA),
    kinks=(0.0,),
    weight_init="lecun_normal",
)

_SQRT_HALF, _INV_SQRT_2PI, _SQRT_2_OVER_PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi), math.sqrt(2 / math.pi)

GELU = Activation(
    "gelu",
    value=lambda z: 0.5 * z * (1 + erf(z * _SQRT_HALF)),
    slope=lambda z, a: 0.5 * (1 + erf(z * _SQRT_HALF)) + z * _INV_SQRT_2PI * np.exp(-0.5 * z * z),
    latex=r"\frac{z}{2}\left(1+\operatorname{erf}\frac{z}{\sqrt{2}}\right)",
    slope_latex=r"\frac{1}{2}\left(1+\operatorname{erf}\frac{z}{\sqrt{2}}\right)+\frac{z}{\sqrt{2\pi}}e^{-z^2/2}",
    source="Hendrycks & Gimpel, Gaussian error linear units, 2016",
    range=above(-0.17),
    weight_init="he_normal",
)


def _gelu_tanh_inner(z: Array) -> Array:
    return np.tanh(_SQRT_2_OVER_PI * (z + 0.044715 * z * z * z))


def _gelu_tanh_slope(z: Array, a: Array) -> Array:
    t = _gelu_tanh_inner(z)
    near = np.minimum(np.maximum(z, -100), 100)  # beyond, 1 − t² is 0, and z² may overflow
    result: Array = 0.5 * (1 + t) + 0.5 * near * (1 - t * t) * _SQRT_2_OVER_PI * (1 + 3 * 0.044715 * near * near)
    return result


GELU_TANH = Activation(
    "gelu_tanh",
    value=lambda z: 0.5 * z * (1 + _gelu_tanh_inner(z)),
    slope=_gelu_tanh_slope,
    latex=r"\frac{z}{2}\left(1+\tanh\left(\sqrt{2/\pi}\,(z+0.044715z^3)\right)\right)",
    slope_latex=r"\frac{1+t}{2}+\frac{z(1-t^2)}{2}\sqrt{2/\pi}\,(1+0.134145z^2),"
    r"\; t=\tanh\left(\sqrt{2/\pi}\,(z+0.044715z^3)\right)",
    source="Hendrycks & Gimpel, Gaussian error linear units, 2016, the approximation by tanh",
    range=above(-0.1701),
    weight_init="he_normal",
)


def _silu_slope(z: Array, a: Array) -> Array:
    s = sigmoid(z)
    result: Array = s * (1 + z * (1 - s))
    return result


SILU = Activation(
    "silu",
    value=lambda z: z * sigmoid(z),
    slope=_silu_slope,
    latex=r"z\,\sigma(z)",
    slope_latex=r"\sigma(z)\left(1+z(1-\sigma(z))\right)",
    source="Elfwing, Uchibe & Doya, Sigmoid-weighted linear units, 2018",
    range=above(-0.2785),
    weight_init="he_normal",
)


def _mish_slope(z: Array, a: Array) -> Array:
    t = np.tanh(softplus(z))
    result: Array = t + z * sigmoid(z) * (1 - t * t)
    return result


MISH = Activation(
    "mish",
    value=lambda z: z * np.tanh(softplus(z)),
    slope=_mish_slope,
    latex=r"z\tanh\left(\log(1+e^{z})\right)",
    slope_latex=r"t+z\,\sigma(z)(1-t^2),\; t=\tanh\left(\log(1+e^{z})\right)",
    source="Misra, Mish: a self regularized non-monotonic activation function, 2020",
    range=above(-0.3089),
    weight_init="he_normal",
)

SOFTPLUS = Activation(
    "softplus",
    value=softplus,
    slope=lambda z, a: sigmoid(z),
    latex=r"\log(1+e^{z})",
    slope_latex=r"\sigma(z)",
    source="Dugas, Bengio, Bélisle, Nadeau & Garcia, Incorporating second-order functional knowledge, 2001",
    range=POSITIVE,
    weight_init="he_normal",
)

SOFTSIGN = Activation(
    "softsign",
    value=lambda z: z / (1 + np.abs(z)),
    slope=lambda z, a: 1 / ((1 + np.abs(z)) * (1 + np.abs(z))),
    latex=r"\frac{z}{1+|z|}",
    slope_latex=r"\frac{1}{(1+|z|)^2}",
    source="Bergstra, Desjardins, Lamblin & Bengio, Quadratic polynomials learn better image features, 2009",
    range=SYMMETRIC_UNIT,
    kinks=(0.0,),
)

SOFTMAX = RowActivation(
    "softmax",
    value=softmax,
    row_pullback=softmax_pullback,
    latex=r"\frac{e^{z_i}}{\sum_j e^{z_j}}",
    slope_latex=r"\frac{\partial a_i}{\partial z_j}=a_i([i=j]-a_j)",
    source="Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
    range=PROBABILITIES,
)


def _spelled(name: str, value: float, default: float) -> str:
    return name if value == default else f"{name}({value!r})"


ACTIVATIONS: Registry[AnyActivation] = Registry(
    "activation",
    (Activation, RowActivation),
    {
        "identity": IDENTITY,
        "sigmoid": SIGMOID,
        "tanh": TANH,
        "exp": EXP,
        "relu": RELU,
        "leaky_relu": leaky_relu,
        "elu": elu,
        "selu": SELU,
        "gelu": GELU,
        "gelu_tanh": GELU_TANH,
        "silu": SILU,
        "mish": MISH,
        "softplus": SOFTPLUS,
        "softsign": SOFTSIGN,
        "softmax": SOFTMAX,
    },
)


def named(name: str) -> AnyActivation:
    """Return the record that a name spells; how one of glassnet's own comes back from another process."""
    return ACTIVATIONS.resolve(name)
