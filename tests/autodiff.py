"""An autodiff that knows nothing of glassnet, the HIPS package autograd, and every formula written anew for it."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import erf, logsumexp

import glassnet as gn

ACTIVATION = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "exp": anp.exp,
    "relu": lambda z: anp.where(z > 0, z, 0 * z),
    "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "elu": lambda z: anp.where(z > 0, z, anp.exp(anp.minimum(z, 0)) - 1),
    "selu": lambda z: 1.0507009873554805 * anp.where(z > 0, z, 1.6732632423543772 * (anp.exp(anp.minimum(z, 0)) - 1)),
    "gelu": lambda z: z / 2 * (1 + erf(z / anp.sqrt(2.0))),
    "gelu_tanh": lambda z: z / 2 * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z / (1 + anp.exp(-z)),
    "mish": lambda z: z * anp.tanh(anp.log(1 + anp.exp(z))),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "softsign": lambda z: z / (1 + anp.abs(z)),
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=-1, keepdims=True),
}
LOSS = {
    "squared_error": lambda a, y: anp.sum((a - y) ** 2, axis=-1),
    "half_squared_error": lambda a, y: anp.sum((a - y) ** 2, axis=-1) / 2,
    "mean_squared_error": lambda a, y: anp.mean((a - y) ** 2, axis=-1),
    "absolute_error": lambda a, y: anp.sum(anp.abs(a - y), axis=-1),
    "huber": lambda a, y: anp.sum(anp.where(anp.abs(a - y) <= 1, (a - y) ** 2 / 2, anp.abs(a - y) - 0.5), axis=-1),
    "quantile(0.9)": lambda a, y: anp.sum(anp.maximum(0.9 * (y - a), -0.1 * (y - a)), axis=-1),
    "poisson": lambda a, y: anp.sum(a - y * anp.log(a), axis=-1),
    "log_cosh": lambda a, y: anp.sum(anp.log((anp.exp(a - y) + anp.exp(y - a)) / 2), axis=-1),
    "cross_entropy": lambda a, y: -anp.sum(y * anp.log(a), axis=-1),
    "cross_entropy(0.1)": lambda a, y: -anp.sum((0.9 * y + 0.1 / y.shape[-1]) * anp.log(a), axis=-1),
    "cross_entropy_from_logits": lambda a, y: logsumexp(a, axis=-1) - anp.sum(y * a, axis=-1),
    "binary_cross_entropy": lambda a, y: -anp.sum(y * anp.log(a) + (1 - y) * anp.log(1 - a), axis=-1),
    "binary_cross_entropy_from_logits": lambda a, y: anp.sum(anp.log(1 + anp.exp(a)) - y * a, axis=-1),
    "hinge": lambda a, y: anp.sum(
        anp.where(y > 0, 0 * a, anp.maximum(0 * a, 1 + a - anp.sum(a * y, axis=-1, keepdims=True))), axis=-1
    ),
}
LAST = {  # activations that each loss can read, the plainest first
    "poisson": ["exp", "softplus"],
    "cross_entropy": ["softmax"],
    "cross_entropy(0.1)": ["softmax"],
    "cross_entropy_from_logits": ["identity"],
    "binary_cross_entropy": ["sigmoid"],
    "binary_cross_entropy_from_logits": ["identity"],
}
PAIRS = [(loss, last) for loss in LOSS for last in LAST.get(loss, list(ACTIVATION))]
"""Every loss with every last activation that it can read."""


def errors_of_rows(net: gn.Network, theta: Any, x: Any, y: Any, loss: str, masks: Any = None) -> Any:
    """Return the error of each row, from θ by a network written anew here."""
    a, at = x, 0
    for k, layer in enumerate(net.layers):
        if isinstance(layer, gn.Dropout):
            a = a if not masks or k not in masks else a * masks[k] / (1 - layer.rate)
            continue
        rows, columns = net.weights[k].shape
        z = anp.dot(a, theta[at : at + rows * columns].reshape(rows, columns))
        at += rows * columns
        if layer.bias:
            z = z + theta[at : at + columns]
            at += columns
        a = ACTIVATION[layer.activation.name](z)
    return LOSS[loss](a, y)


def gradient(
    net: gn.Network, x: Any, y: Any, loss: str, coefficient: Any, masks: Any = None, l1: float = 0.0, l2: float = 0.0
) -> Any:
    """Return ∂/∂θ of Σ cᵢEᵢ and the penalties on weights."""
    penalised = net.layout.mask("penalised")

    def error(theta: Any) -> Any:
        w = theta * penalised
        penalty = l1 * anp.sum(anp.abs(w)) + l2 * anp.sum(w * w) / 2
        return anp.sum(coefficient * errors_of_rows(net, theta, x, y, loss, masks)) + penalty

    return autograd.grad(error)(net.theta.astype(float))


def truths(loss: str, m: int, outputs: int, rng: np.random.Generator) -> Any:
    """Return random targets that a loss can read: (m, outputs)."""
    if loss.startswith(("cross_entropy", "hinge")):
        return np.eye(outputs)[rng.integers(0, outputs, m)]
    if loss.startswith("binary"):
        return rng.integers(0, 2, (m, outputs)).astype(float)
    return rng.integers(0, 5, (m, outputs)).astype(float) if loss == "poisson" else rng.normal(size=(m, outputs))
