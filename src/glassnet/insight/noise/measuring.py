"""How much the gradients of rows differ: rows are chosen and passed through, and batch sizes follow from that."""

from __future__ import annotations

import functools
import operator
import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.noise.estimates import Estimate, RowSums, estimate
from glassnet.insight.noise.noise import Cabs, LayerNoise, Moment, Noise
from glassnet.insight.noise.rows import row_sums
from glassnet.insight.noise.words import caveats_of
from glassnet.insight.run_facts import RunFacts, run_facts
from glassnet.insight.sampled import sample
from glassnet.insight.subject import Subject
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import OPTIMIZERS, SGD, Optimizer
from glassnet.network.network import Network
from glassnet.network.rows import require_independent_rows
from glassnet.training import RunFolder
from glassnet.training.arguments import as_count, as_limit

Array = NDArray[Any]

_AFFORDABLE = 4e9  # rows times parameters, of one point
_AFFORDABLE_ON_THE_WAY = 2e10  # and of all points of a run together
_FEWEST = 3


def noise(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: str | Loss | None = None,
    sample_weight: ArrayLike | None = None,
    l1: float | None = None,
    l2: float | None = None,
    rows: int | str | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: str | Optimizer | None = None,
    run: RunFacts | RunFolder | str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> Noise:
    """Tell how much the gradients of rows differ, layer by layer, and which batch size that suggests.

    No row's gradient is formed: lengths and products of them follow from signals and blame.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    sample_weight : (m,) array or None
    l1, l2 : float or None
        Penalties, as for `train`; None takes those of the run, or none.
    rows : int, "all" or None
        How many rows to look at, drawn at random; None takes as many as keep it within a few seconds.
    batch_size, learning_rate, optimizer
        Those in use, to set beside what is found; None takes those of the run.
    run : path, RunFolder or None
        The folder of the run that led to these weights: the noise is then told over its snapshots too.
    seed : int
        Decides which rows.

    Returns
    -------
    Noise
        ``whole``, ``layers``, ``noise_scale``, ``norm_batch()``, ``cabs``, ``moments``; ``text()``, ``to_dict()``.

    Raises
    ------
    InputError
        If an argument cannot be used, there are fewer than three rows, or a layer computes with several together.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the error or gradient of a row is not finite.

    Notes
    -----
    Each figure of rows like these comes with a 95 % interval by the jackknife. With sample weights a row's gradient is
    counted times its weight, 1 on average; that a step divides by the weights of its own rows is left out.

    References
    ----------
    McCandlish, Kaplan, Amodei et al., An empirical model of large-batch training, arXiv:1812.06162, 2018. Balles,
    Romero & Hennig, Coupling adaptive batch sizes with learning rates, UAI 2017. Byrd, Chin, Nocedal & Wu, Sample size
    selection in optimization methods for machine learning, Mathematical Programming 134, 2012. Schneider, Dangel &
    Hennig, Cockpit: a practical debugging tool for the training of deep neural networks, NeurIPS 2021.

    Examples
    --------
    Two weights; the gradients of four rows of (h − y)²/2 with h = 0 are −y x:

    >>> import glassnet as gn
    >>> net = gn.Network(2, [gn.Dense(1, bias=False, weight_init="zeros")], seed=0)
    >>> found = gn.noise(net, [[1, 0], [1, 0], [0, 1], [0, 1]], [-1.0, -3.0, 1.0, -1.0], loss="half_squared_error")
    >>> found.whole.variance, found.whole.gradient  # the gradients are (1, 0), (3, 0), (0, −1) and (0, 1)
    (2.6666666666666665, 1.0)
    """
    rate, size = as_limit("learning_rate", learning_rate), None
    if batch_size is not None:
        size = as_count("batch_size", batch_size)
    given = None if optimizer is None else OPTIMIZERS.resolve(optimizer)
    facts = None if run is None else run_facts(net, run)
    l1, l2 = (
        own if own is not None else getattr(facts, name) if facts is not None else 0.0
        for name, own in (("l1", l1), ("l2", l2))
    )
    drawn = sample(
        net,
        X,
        Y,
        loss,
        rows=rows,
        affordable=_AFFORDABLE,
        seed=seed,
        least=_FEWEST,
        sample_weight=sample_weight,
        l1=l1,
        l2=l2,
    )
    subject = drawn.subject
    require_independent_rows(subject.network.layers)
    if not subject.network.layout.mask("trainable").any():
        raise InputError("Training moves no parameter of this network, so there is no gradient to speak of.")
    by_layer, error = row_sums(subject, subject.network.theta, drawn.numbers)
    total = _total(by_layer)
    if facts is not None:
        size = facts.batch_size if size is None else size
        rate = facts.learning_rate if rate is None and given is None else rate
        given = facts.optimizer if given is None else given
    if rate is None and given is not None:
        rate = given.learning_rate
    moments, moment_rows = _on_the_way(subject, drawn.numbers, facts, seed)
    return Noise(
        loss=subject.objective.loss.name,
        rows=len(subject),
        of_rows=drawn.of_rows,
        error=error,
        whole=total,
        layers=_layers(subject, by_layer),
        batch_size=None if size is None else min(size, drawn.of_rows),
        learning_rate=rate,
        optimizer=None if given is None else given.spec,
        cabs=_cabs(total, error, rate, given, facts),
        moments=moments,
        moment_rows=moment_rows,
        caveats=caveats_of(subject, drawn.of_rows, total, given, facts, size),
    )


def _total(by_layer: dict[int, RowSums]) -> Estimate:
    return estimate(functools.reduce(operator.add, by_layer.values()))


def _layers(subject: Subject, by_layer: dict[int, RowSums]) -> tuple[LayerNoise, ...]:
    net = subject.network
    free = net.layout.mask("trainable")
    moved = dict.fromkeys(by_layer, 0)
    for k, _, place in net.layout.places:
        if k in moved:
            moved[k] += int(free[place].sum())
    return tuple(LayerNoise(k, repr(net.layers[k]), moved[k], estimate(sums)) for k, sums in by_layer.items())


def _on_the_way(subject: Subject, numbers: Array, facts: RunFacts | None, seed: int) -> tuple[tuple[Moment, ...], int]:
    """Return the noise at each point of the run, by fewer of the rows where the network is large."""
    if facts is None:
        return (), 0
    affordable = int(_AFFORDABLE_ON_THE_WAY / (subject.network.layout.size * len(facts.points)))
    if affordable < len(subject):
        chance = np.random.default_rng([seed, 1])
        at = np.sort(chance.choice(len(subject), max(affordable, _FEWEST), replace=False))
        subject, numbers = subject.rows(at), numbers[at]
    found = []
    for label, theta in facts.points:
        by_layer, error = row_sums(subject, np.asarray(theta, np.float64), numbers)
        found.append(Moment(label, error, _total(by_layer)))
    return tuple(found), len(subject)


def _cabs(
    total: Estimate, error: float, rate: float | None, optimizer: Optimizer | None, facts: RunFacts | None
) -> Cabs:
    """Return the batch size that CABS suggests, where its assumptions hold."""
    if rate is None:
        return Cabs(None, "it needs a learning rate, and none was given.")
    if optimizer is not None and not isinstance(optimizer, SGD):
        return Cabs(
            None, f"it is derived for plain descent, and {optimizer.name} divides each step by a size of its own."
        )
    if isinstance(optimizer, SGD) and optimizer.momentum:
        return Cabs(
            None, "it is derived for descent without momentum, and Cockpit too says that it applies to no other."
        )
    if facts is not None and facts.reduction == "sum":
        return Cabs(None, "it is derived for the mean over a batch, and this run took the sum.")
    if error <= 0:
        return Cabs(None, "it takes the least possible error to be 0, and this one is not above it.")
    return Cabs(rate * total.variance / error, "")
