"""`blame`: the one function that people call. It checks what they pass, and gathers the lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Truth, truth_of
from glassnet.errors import InputError
from glassnet.insight.blame.asked import Asked, Names, Part, as_ledger, as_part, require_same_rows
from glassnet.insight.blame.evidence import Evidence, evidence
from glassnet.insight.blame.records import Blame
from glassnet.insight.blame.scoring import gap
from glassnet.insight.blame.sorting import Lists
from glassnet.insight.subject import as_image_shape, column_names, loss_of
from glassnet.maths.loss import Loss
from glassnet.network.network import Network
from glassnet.network.rows import require_independent_rows
from glassnet.training.arguments import as_count
from glassnet.training.ledger import Ledger

Array = NDArray[Any]

_APART, _TOO_MANY, _FEWEST = 0.8, 1 / 3, 20


def blame(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    ledger: Ledger | None = None,
    *,
    loss: str | Loss | None = None,
    top: int = 20,
    sample_weight: ArrayLike | None = None,
    held_out: tuple[ArrayLike, ArrayLike] | None = None,
    trained_rows: ArrayLike | None = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    original: ArrayLike | None = None,
    target_shift: float = 0.0,
    target_scale: float = 1.0,
    image_shape: tuple[int, int] | None = None,
) -> Blame:
    """Tell which rows a network fought with while it was trained, and which labels are probably wrong.

    A row is the more suspect the larger its error: left · that of the fitted network + (1 − left) · the mean over the
    epochs after the first, where `left` is the share of the first epoch's mean error that the fitted network still has.
    Where rows have a number each, it is the distance between that number and what the network gave for it, averaged in
    the same way. Nothing is trained anew.

    Parameters
    ----------
    net : Network
        Trained.
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
        As they were given to `train`; where that held out a share of them by itself, all of them.
    ledger : Ledger or None
        ``history.ledger`` of the training. None lets the fitted network judge alone, which sees less: what it has
        learned by heart looks right to it.
    loss : str, Loss or None
        None is the loss the network was trained with.
    top : int
        How many rows each list has at most.
    sample_weight : (m,) array or None
        Rows of weight 0 are never listed; a ledger knows them anyway.
    held_out : (Xv, Yv) or None
        Rows that the training did not meet, counted by themselves. None takes the rows of X that the ledger does not
        know.
    trained_rows : int array or None
        Which rows of X the ledger's are, in its order, where it does not number them as X does.
    feature_names, class_names : sequence of str or None
        Names of the inputs, of which None takes those of a data frame's columns; and of the classes or outputs.
    original : (m, inputs) array or None
        X as people know it, before it was scaled; for what is shown.
    target_shift, target_scale : float
        A number of the network is shown as shift + scale · number, in the target's own units.
    image_shape : (rows, columns) or None
        Where rows are images.

    Returns
    -------
    Blame

    Raises
    ------
    InputError
        If an argument or array cannot be used, or the ledger is of other rows.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the fitted network's error of a row is not finite.

    Notes
    -----
    A large error has other reasons than a wrong label: a rare kind of row, a hard one, a network that has not learned.
    The lists are where to look first. How many labels are wrong is said only with a ledger, and where the scores fall
    into two groups with 80 % of their variance between them; of numbers never.

    The mean over the training follows Pleiss and others, Identifying mislabeled data using the area under the margin
    ranking, 2020; of errors in place of margins, since that was found better where networks know rows by heart
    (``docs/decisions`` has the figures). Forgotten rows: Toneva and others, An empirical study of example forgetting,
    2019.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> y = (X[:, 0] > 0).astype(int)
    >>> y[150] = 0  # a wrong label
    >>> net = gn.Network(1, [gn.Dense(8, "tanh"), gn.Dense(2, "softmax")], seed=0)
    >>> history = gn.train(net, X, y, "cross_entropy", optimizer="adam(0.01)", epochs=30)
    >>> found = gn.blame(net, X, y, history.ledger, class_names=["left", "right"])
    >>> found.suspects[0].row, found.suspects[0].given, found.suspects[0].suggested
    (150, 'left', 'right')
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    require_independent_rows(net.layers)
    as_count("top", top)
    objective = net.objective(loss_of(net, loss))
    whole = as_part(net, objective, X, Y, sample_weight, "X", "Y")
    apart = None if held_out is None else as_part(net, objective, *_pair(held_out), None, "held_out X", "held_out Y")
    known = as_ledger(ledger)
    truth = truth_of(whole.targets, objective.loss)
    numbers = require_same_rows(known, whole, trained_rows, objective)
    shape = as_image_shape(image_shape, net.input_shape[0])
    features = column_names(X) if feature_names is None else feature_names
    asked = Asked(
        names=Names.of(net, truth, features, class_names, target_shift, target_scale),
        whole=whole,
        apart=apart,
        original=whole.x if original is None else _as_original(original, whole.x),
        image_shape=shape,
        top=top,
    )
    places = np.flatnonzero(whole.counted[numbers] & (True if known is None else known.counted))
    if not len(places):
        raise InputError("Every row has weight 0, so there is none to judge.")
    of_ledger = evidence(net, objective, *whole.rows(numbers[places]), numbers[places], known, places)
    others = _others(whole, numbers) if apart is None else np.arange(len(apart))
    of_held_out = None
    if len(others):
        part = whole if apart is None else apart
        of_held_out = evidence(net, objective, *part.rows(others), others, None, others)
    scores = np.full(len(whole), np.nan)
    scores[of_ledger.rows] = of_ledger.score
    if apart is None and of_held_out is not None:
        scores[of_held_out.rows] = of_held_out.score
    lists = Lists(asked, of_ledger, of_held_out)
    contradicted = int(of_ledger.contradicted.sum())
    caution = _caution(of_ledger, of_held_out, contradicted)
    threshold, separation = gap(of_ledger.score)
    disputed = int(of_ledger.disputed.sum())
    countable = (
        known is not None and disputed and truth is not Truth.NUMBERS and len(of_ledger) >= _FEWEST and not caution
    )
    clear = bool(countable) and separation >= _APART
    threshold = threshold if clear else float("inf")
    return Blame(
        scores=scores,
        suspects=lists.suspects(),
        hard=lists.hard(),
        learned_last=lists.learned_last(),
        forgotten=lists.forgotten(),
        held_out=lists.held_out(),
        by_ledger=known is not None,
        classes=truth is not Truth.NUMBERS,
        rows=len(of_ledger),
        held_out_rows=len(others),
        held_out_apart=apart is not None,
        epochs=0 if known is None else known.epochs,
        loss=objective.loss.name,
        contradicted=contradicted,
        disputed=disputed,
        probably_wrong=int((of_ledger.score > threshold).sum()) if clear else None,
        threshold=threshold,
        separation=separation,
        caution=caution,
        pictures=lists.pictures,
    )


def _others(whole: Part, numbers: Array) -> Array:
    """Return the rows of X with a weight that are not among the ledger's."""
    left = whole.counted.copy()
    left[numbers] = False
    return np.flatnonzero(left)


def _caution(trained: Evidence, held_out: Evidence | None, contradicted: int) -> str:
    """Return why what the network says of labels means little, where it does."""
    if trained.truth is Truth.NUMBERS:
        return ""
    if contradicted > _TOO_MANY * len(trained):
        return (
            f"The network contradicts {contradicted / len(trained):.0%} of the rows it was trained on. So many labels "
            "are hardly wrong: it has not learned enough, or there is little to learn from these columns. What it says "
            "of single labels means little then."
        )
    if held_out is not None and len(held_out) >= _FEWEST:
        right = float((held_out.fitted == held_out.given).mean())
        _, counts = np.unique(held_out.given, return_counts=True)
        most = float(counts.max() / len(held_out))
        if most < 1 and right < most + 2 * np.sqrt(most * (1 - most) / len(held_out)):
            return (
                f"Of the {len(held_out):,} held-out rows the network is right about {right:.1%}, and {most:.1%} are of "
                "one class: it tells no more than always naming that one would. What it says of single labels means "
                "little then."
            )
    return ""


def _pair(held_out: Any) -> tuple[ArrayLike, ArrayLike]:
    if not isinstance(held_out, tuple | list) or len(held_out) != 2:
        raise InputError(f"held_out is a {type(held_out).__name__}; expected a pair (Xv, Yv).")
    return held_out[0], held_out[1]


def _as_original(original: ArrayLike, x: Array) -> Array:
    array = np.asarray(original)
    if array.shape != x.shape:
        raise InputError(f"original has shape {array.shape}; expected that of X, {x.shape}.")
    return array
