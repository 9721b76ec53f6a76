"""`explain`: the one function that people call. It checks what they pass and computes; `telling` puts it in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.data import Encoder
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.derivation.chain import chain_of_row, shares_of_rows
from glassnet.insight.derivation.derivation import Derivation, Shares
from glassnet.insight.derivation.names import in_own_units
from glassnet.insight.derivation.nudging import LEVELS, numerical_by_row
from glassnet.insight.numerical import Derivative, extrapolated
from glassnet.insight.places import Place, Spot, find, place_of
from glassnet.insight.subject import Subject, make_subject
from glassnet.maths.loss import Loss
from glassnet.network.backprop import Masks, backprop
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]


def explain(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    row: int | Sequence[int] | None = None,
    weight: Spot | None = None,
    *,
    bias: Spot | None = None,
    loss: str | Loss | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    training: bool = False,
    masks: Mapping[int, ArrayLike] | Sequence[ArrayLike | None] | None = None,
    most: int = 10,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    encoder: Encoder | None = None,
) -> Derivation:
    """Write out the chain rule for one weight or bias, on your own network and rows.

    Parameters
    ----------
    net : Network
    X, Y, reduction, sample_weight, l1, l2
        As for `Network.backprop`.
    row : int, sequence of int, or None
        The row, or rows, whose error it is about; None takes all. Several rows are taken as the rows of one step.
    weight : (layer, from, to), or text such as "1:12,3", or None
        ``net.weights[layer][from, to]``. Without a weight or bias it is the weight of the first layer by which these
        rows' error changes most.
    bias : (layer, neuron), or text such as "1:3", or None
        ``net.biases[layer][neuron]``.
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    training : bool
        Whether Dropout layers drop: the masks are those of step 0 under the network's seed.
    masks : mapping or sequence, or None
        Masks of your own for Dropout layers, (m, units) with a row for each row of X.
    most : int
        How many paths, neurons of a layer, and rows are told where there are more; the rest is summed up.
    feature_names, class_names : sequence of str or None
        Names of inputs and outputs.
    encoder : Encoder or None
        How columns became x and y, so that the row is told in its own units too.

    Returns
    -------
    Derivation
        ``value``, ``numerical``, ``factors``, ``paths``, ``text()``, ``latex()``, ``html()``, ``to_dict()``; prints
        itself, in a notebook too. Computed in float64 whatever the network's dtype.

    Raises
    ------
    InputError
        If there is no such row, weight or bias, or an argument cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the error is not finite, so that there is no derivative.

    References
    ----------
    Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network(2, [gn.Dense(2, "sigmoid"), gn.Dense(2, "sigmoid")], dtype="float64")
    >>> net.theta = [0.15, 0.25, 0.20, 0.30, 0.35, 0.35, 0.40, 0.50, 0.45, 0.55, 0.60, 0.60]
    >>> why = gn.explain(net, [[0.05, 0.10]], [[0.01, 0.99]], row=0, weight=(1, 0, 0), loss="half_squared_error")
    >>> round(why.value, 9), abs(why.value - why.numerical) < 1e-12
    (0.082167041, True)
    >>> [(factor.name, round(factor.value, 9)) for factor in why.factors]
    [('signal', 0.593269992), ('slope', 0.186815602), ('error by activation', 0.74136507)]
    """
    options: dict[str, Any] = {"feature_names": feature_names, "class_names": class_names}
    whole = make_subject(net, X, Y, loss, reduction=reduction, sample_weight=sample_weight, l1=l1, l2=l2, **options)
    most = _as_most(most)
    rows = _as_rows(row, len(whole))
    own_masks = whole.network.as_masks(masks, len(whole))
    if not isinstance(training, bool | np.bool_):
        raise InputError(f"training is {training!r}; expected True or False.")
    subject = whole if row is None else whole.rows(rows)
    drawn = subject.network.draw_masks(subject.network.seed, 0, len(subject)) if training else {}
    used = drawn | {k: mask[rows] for k, mask in own_masks.items()}
    coefficient = subject.objective.coefficients(subject.sample_weight)
    place, chosen = _place(subject, weight, bias, coefficient, used)
    signals, blames = shares_of_rows(subject, used, place.k, place.signal, place.neuron)
    shares = Shares(rows, coefficient, signals, blames)
    chain = chain_of_row(subject, shares.largest, used)
    w, objective = float(subject.network.theta[place.index]), subject.objective
    penalised = subject.network.layout.mask("penalised")[place.index]
    penalty = (objective.l1 * float(np.sign(w)), objective.l2 * w) if penalised else (0.0, 0.0)
    value = math.fsum((*shares.value, *penalty))
    if not (math.isfinite(value) and math.isfinite(chain.error)):
        raise NonFiniteError(
            f"The error of row {int(rows[shares.largest])} is {chain.error} and its derivative by {place} is {value}, "
            "so there is nothing to explain. Scale X or the weights down.",
            step=0,
            quantity="loss",
        )
    numerical = _numerical(subject, used, coefficient, place)
    return Derivation(
        place=place,
        value=value,
        numerical=float(numerical.value[0]),
        bound=float(numerical.bound[0]),
        shares=shares,
        penalty=penalty,
        chain=chain,
        subject=subject,
        masks=used,
        most=most,
        chosen=chosen,
        units="" if encoder is None else in_own_units(encoder, place, chain),
    )


def _as_most(most: object) -> int:
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise InputError(f"most is {most!r}; expected a whole number from 1 up.")
    return int(most)


def _as_rows(row: int | Sequence[int] | None, m: int) -> Array:
    """Return the numbers of the rows that are meant, (r,)."""
    if row is None:
        return np.arange(m)
    rows = np.asarray(row)
    if rows.dtype.kind not in "iu" or rows.ndim > 1 or rows.size == 0:
        raise InputError(f"row is {row!r:.60}; expected the number of a row, such as 17, or a list of such numbers.")
    rows = np.atleast_1d(rows).astype(np.int64)
    for number in rows:
        if not 0 <= number < m:
            raise InputError(f"row is {int(number)}, but there are {m:,} rows: 0 to {m - 1:,}.")
    if len(np.unique(rows)) < len(rows):
        raise InputError(f"row is {row!r:.60}, which names a row twice; give each once, or weigh it by sample_weight.")
    return rows


def _place(
    subject: Subject, weight: Spot | None, bias: Spot | None, coefficient: Array, masks: Masks
) -> tuple[Place, str]:
    """Return the parameter that is meant and, where none was named, why it is this one."""
    net = subject.network
    if weight is not None and bias is not None:
        raise InputError("Both a weight and a bias are named; expected one of them.")
    if weight is not None:
        return find(net, weight, "weights"), ""
    if bias is not None:
        return find(net, bias, "biases"), ""
    k, _, place = next(entry for entry in net.layout.places if entry[1].name == "weights")
    gradient = np.zeros(net.layout.size)
    objective = Objective(subject.objective.loss, "sum")
    for rows in subject.blocks():
        own = {layer: mask[rows] for layer, mask in masks.items()}
        with np.errstate(all="ignore"):
            p = backprop(
                net.layers, net.parameters, objective, subject.x[rows], subject.y[rows], coefficient[rows], own
            )
        gradient += p.gradient.theta
    index = place.start + int(np.argmax(np.abs(gradient[place])))
    whose = "this row's error" if len(subject) == 1 else "these rows' error"
    return place_of(net, index), f"No weight was named; this is the one of layer {k} by which {whose} changes most."


def _numerical(subject: Subject, masks: Masks, coefficient: Array, place: Place) -> Derivative:
    """Return the numerical derivative of the step's error: of its rows, and of the penalties, which are nudged too."""
    rows = numerical_by_row(subject, masks, place)
    counted = coefficient != 0
    value = math.fsum((coefficient * rows.value)[counted])
    bound = math.fsum((np.abs(coefficient) * rows.bound)[counted])
    objective, w = subject.objective, float(subject.network.theta[place.index])
    if subject.network.layout.mask("penalised")[place.index] and (objective.l1 or objective.l2):

        def penalty(u: Array) -> Array:
            return objective.l1 * np.abs(u) + 0.5 * objective.l2 * u * u

        def central(h: Array) -> tuple[Array, Array]:
            kink = objective.l1 > 0 and abs(w) <= h[0]
            return np.where(kink, np.nan, (penalty(w + h) - penalty(w - h)) / (2 * h)), penalty(w + h) + penalty(w - h)

        own = extrapolated(central, np.array([max(1.0, abs(w))]), LEVELS)
        value, bound = value + float(own.value[0]), bound + float(own.bound[0])
    return Derivative(np.array([value]), np.array([bound]))
