"""What an exercise is about: a small network with its numbers, rows, an error and a learning rate.

Sizes and names are checked here, in sentences; nothing is drawn or solved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias, final

import numpy as np

from glassnet.errors import InputError
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import ACTIVATIONS, IDENTITY, RELU, SIGMOID, SOFTMAX, TANH
from glassnet.maths.loss import Loss
from glassnet.maths.losses import (
    HALF_SQUARED_ERROR,
    LOSSES,
    MEAN_SQUARED_ERROR,
    SQUARED_ERROR,
)
from glassnet.network.dense import Dense
from glassnet.network.network import Network

Row: TypeAlias = tuple[Decimal, ...]
Matrix: TypeAlias = tuple[Row, ...]

CROSS_ENTROPY, BINARY_CROSS_ENTROPY = LOSSES["cross_entropy"], LOSSES["binary_cross_entropy"]
SQUARES = (HALF_SQUARED_ERROR, SQUARED_ERROR, MEAN_SQUARED_ERROR)
_LOSSES = (*SQUARES, BINARY_CROSS_ENTROPY, CROSS_ENTROPY)
_HIDDEN = (SIGMOID, TANH, RELU, IDENTITY)

_MOST_PARAMETERS, _MOST_LAYERS, _MOST_ROWS = 40, 4, 4
_FORM = "numbers of neurons joined by hyphens, inputs first, such as 2-2-1"


@final
@dataclass(frozen=True)
class Plan:
    """What is asked for, before it has numbers.

    Parameters
    ----------
    widths : tuple of int
        Inputs first.
    rows : int
    activations : tuple of AnyActivation
        Of each layer.
    loss : Loss
    rate : Decimal
    bias : bool
    """

    widths: tuple[int, ...]
    rows: int
    activations: tuple[AnyActivation, ...]
    loss: Loss
    rate: Decimal
    bias: bool

    @property
    def name(self) -> str:
        """As people write it: "2-2-1"."""
        return "-".join(map(str, self.widths))

    @property
    def short(self) -> bool:
        """Whether the last layer's blame is a − y, its activation and the loss collapsed."""
        return self.activations[-1] in self.loss.short_forms

    def network(self) -> Network:
        """Return a network of this kind, in float64."""
        layers = [Dense(n, g, bias=self.bias) for n, g in zip(self.widths[1:], self.activations, strict=True)]
        return Network(self.widths[0], layers, dtype="float64")


@final
@dataclass(frozen=True)
class Exercise:
    """A plan with its numbers.

    Parameters
    ----------
    plan : Plan
    weights : tuple of matrices
        ``weights[k][j][i]``, from j to i.
    biases : tuple of rows
        ``biases[k][i]``; zeros without biases.
    x, y : matrices
        A row each.
    """

    plan: Plan
    weights: tuple[Matrix, ...]
    biases: tuple[Row, ...]
    x: Matrix
    y: Matrix

    def network(self) -> Network:
        """Return the network with these weights, in float64."""
        net = self.plan.network()
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            net.weights[k] = np.array(w, dtype=np.float64)
            if self.plan.bias:
                net.biases[k] = np.array(b, dtype=np.float64)
        return net


def make_plan(
    widths: str | Sequence[int],
    rows: int,
    activation: str | AnyActivation,
    loss: str | Loss,
    learning_rate: float | None,
    bias: bool,
) -> Plan:
    """Return what a person's arguments describe.

    Raises
    ------
    InputError
        If a size, name or number cannot be used, or is too large for pen and paper.
    """
    sizes = _sizes(widths)
    record = LOSSES.resolve(loss)
    if record not in _LOSSES:
        raise InputError(f"loss is {record.name!r}; worksheets know {', '.join(known.name for known in _LOSSES)}.")
    hidden = ACTIVATIONS.resolve(activation)
    if hidden is SOFTMAX:
        raise InputError("activation is 'softmax', which is for the last layer: ask for the loss 'cross_entropy'.")
    if hidden not in _HIDDEN:
        known = ", ".join(g.name for g in _HIDDEN)
        raise InputError(f"activation is {hidden.name!r}; worksheets know {known}.")
    last = _last(hidden, record)
    record.require_readable(last, sizes[-1])
    _require_whole("rows", rows, _MOST_ROWS)
    if not isinstance(bias, bool | np.bool_):
        raise InputError(f"bias is {bias!r}; expected True or False.")
    plan = Plan(
        sizes, int(rows), (*(hidden for _ in sizes[1:-1]), last), record, _rate(learning_rate, last, record), bias
    )
    if len(sizes) - 1 > _MOST_LAYERS:
        raise InputError(f"{plan.name} has {len(sizes) - 1} layers; with pen and paper at most {_MOST_LAYERS}.")
    count = sum(n * m + (m if bias else 0) for n, m in pairwise(sizes))
    if count > _MOST_PARAMETERS:
        raise InputError(
            f"{plan.name} has {count:,} weights and biases, too many for pen and paper: at most {_MOST_PARAMETERS}. "
            "For larger networks, glassnet explain writes out the derivative by one weight."
        )
    return plan


def _last(hidden: AnyActivation, loss: Loss) -> AnyActivation:
    """Return the last layer's activation: what the loss needs, else that of the others, but ReLU's is identity."""
    if loss.short_forms:
        return loss.last_activation
    return IDENTITY if hidden is RELU else hidden


def _sizes(widths: str | Sequence[int]) -> tuple[int, ...]:
    if isinstance(widths, str):
        if not re.fullmatch(r"\d{1,9}(-\d{1,9})+", widths.strip()):
            raise InputError(f"The network is {widths!r:.80}; expected {_FORM}.")
        sizes = tuple(map(int, widths.strip().split("-")))
    else:
        whole = isinstance(widths, Sequence) and all(
            isinstance(n, int | np.integer) and not isinstance(n, bool) for n in widths
        )
        if not whole or len(widths) < 2:
            raise InputError(f"The network is {widths!r:.80}; expected {_FORM}, or a list such as [2, 2, 1].")
        sizes = tuple(map(int, widths))
    if min(sizes) < 1:
        raise InputError(f"The network is {'-'.join(map(str, sizes))}; each number of neurons must be 1 or more.")
    return sizes


def _require_whole(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
        raise InputError(f"{name} is {value!r}; expected a whole number from 1 to {most}.")


def _rate(value: float | None, last: AnyActivation, loss: Loss) -> Decimal:
    if value is None:
        return Decimal("0.1") if last is IDENTITY and loss in SQUARES else Decimal("0.5")
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value <= 100:
        raise InputError(f"learning_rate is {value!r}; expected a number above 0, at most 100, such as 0.5.")
    rate = Decimal(repr(float(value))).normalize()
    if len(rate.as_tuple().digits) > 3:
        raise InputError(f"learning_rate is {value!r}, too long for pen and paper; expected at most three digits.")
    return rate
