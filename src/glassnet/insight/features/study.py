"""The question itself: a network and rows come in, are checked, and what their units see is put into records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.features.looking import Observation
from glassnet.insight.features.records import Features
from glassnet.insight.features.truth import ask
from glassnet.insight.subject import as_image_shape
from glassnet.maths.loss import Loss
from glassnet.maths.random import check_seed
from glassnet.network.dense import Dense
from glassnet.network.network import Network
from glassnet.training.arguments import as_count

Array = NDArray[Any]


def features(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    loss: str | Loss | None = None,
    *,
    layer: int | Sequence[int] | None = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    top: int = 8,
    alike: float = 0.95,
    max_rows: int = 5000,
    seed: int = 0,
) -> Features:
    """Tell what each hidden unit has learned to see.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) numbers, or None
        None puts the network's own predictions in the place of the truth.
    loss : str, Loss or None
        Only says how Y is read; None is the loss of the training.
    layer : int, sequence of int or None
        Hidden Dense layers by their number in ``net.layers``; None takes all.
    feature_names, class_names : sequence of str or None
        Names of the inputs and the outputs; a single output that says yes or no also takes two names, no's first.
    image_shape : (rows, columns) or None
        Where a row of X is an image.
    top : int
        How many of the rows that excite a unit most are kept.
    alike : float
        The |correlation| above which two units of a layer say the same thing.
    max_rows : int
        How many rows are looked at; where there are more, so many are drawn at random.
    seed : int
        Decides which.

    Returns
    -------
    Features
        ``units``, ``layers``, ``links``; ``seeing(8)``, ``text()``, ``html()``, ``to_dict()``.

    Raises
    ------
    InputError
        If an argument cannot be used, or the network has no hidden layer.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If an activity is not finite.

    Examples
    --------
    >>> import glassnet as gn, numpy as np
    >>> from glassnet.insight.features import features
    >>> net = gn.Network(2, [gn.Dense(3, "relu"), gn.Dense(2, "softmax")], seed=0)
    >>> net.weights[0] = [[1, 0, -1], [0, 1, -1]]
    >>> X = np.array([[3.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    >>> found = features(net, X, [0, 0, 1, 1])
    >>> [(unit.name, unit.state, unit.sees) for unit in found.units]
    [('0:0', 'works', 0), ('0:1', 'works', 1), ('0:2', 'dead', None)]
    >>> found.unit(0, 0).rows.tolist()
    [0, 1]
    """
    if as_count("max_rows", max_rows) < 2:
        raise InputError("max_rows is 1; expected a whole number from 2 up.")
    as_count("top", top)
    if isinstance(alike, bool) or not isinstance(alike, int | float) or not 0 < alike <= 1:
        raise InputError(f"alike is {alike!r}; expected a correlation above 0, up to 1, such as 0.95.")
    asked = ask(net, X, Y, loss, feature_names, class_names, max_rows, check_seed(seed))
    exact = asked.subject.network
    wanted = _layers(exact, layer)
    shape = as_image_shape(image_shape, exact.input_shape[0])
    seen = Observation(asked, min(top, len(asked.rows)), float(alike))
    found = [seen.layer(k) for k in wanted]
    listening = sorted({k for w in wanted for k in (w, seen.next_dense(w))})
    sizes = [s[0] for k, s in enumerate(exact.shapes) if k == 0 or isinstance(exact.layers[k - 1], Dense)]
    return Features(
        units=tuple(unit for units, _ in found for unit in units),
        layers=tuple(summary for _, summary in found),
        links=tuple(seen.links(k) for k in listening),
        truth=asked.truth,
        classes=asked.classes,
        class_counts=tuple(asked.member.sum(axis=0).tolist()),
        outputs=asked.subject.class_names,
        inputs=asked.subject.feature_names,
        image_shape=shape,
        rows=len(asked.rows),
        rows_given=asked.rows_given,
        seed=int(seed),
        effect_rows=seen.effect_rows,
        alike_above=float(alike),
        net=" → ".join(f"{size:,}" for size in sizes),
        output_layer=len(exact.layers) - 1,
        low=seen.low,
        high=seen.high,
        centre=seen.centre,
        radius=seen.radius,
        shown={int(asked.rows[at]): asked.subject.x[at] for at in sorted(seen.shown)},
    )


def _layers(net: Network, layer: int | Sequence[int] | None) -> list[int]:
    """Return which layers are meant."""
    hidden = [k for k, each in enumerate(net.layers[:-1]) if isinstance(each, Dense)]
    if not hidden:
        raise InputError(
            "The network has no hidden layer, so there are no hidden units to look at: its outputs read the inputs "
            "directly, and what they have learned is net.weights[-1] itself."
        )
    if layer is None:
        return hidden
    wanted = list(layer) if isinstance(layer, Sequence) and not isinstance(layer, str) else [layer]
    for k in wanted:
        if isinstance(k, bool) or k not in hidden:
            shown = " or ".join(map(str, hidden))
            raise InputError(f"layer is {k!r}; expected a hidden Dense layer of this network: {shown}.")
    if not wanted:
        raise InputError("layer is an empty list; expected at least one hidden Dense layer, or None for all.")
    return sorted(set(map(int, wanted)))
