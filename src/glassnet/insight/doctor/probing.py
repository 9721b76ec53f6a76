"""Short trainings that put a suspicion to the test: the same network and rows, at other rates or made otherwise.

Each starts where the run did and takes no more steps than it did, some hundred at most, a second or so in all.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, row_errors_and_predictions
from glassnet.errors import GlassnetWarning, InputError, NonFiniteError
from glassnet.insight.doctor.known import Known, sample, take
from glassnet.maths.optimizers import Adam, Optimizer
from glassnet.network.dense import Dense
from glassnet.network.dropout import Dropout
from glassnet.network.layer import Layer
from glassnet.network.network import Network
from glassnet.training import train

Array = NDArray[Any]

_WORK = 4e9  # multiply-adds of one short training
_FEWEST, _MOST = 40, 1500  # steps
_JUDGED_BY = 1000  # rows


@final
@dataclass(frozen=True)
class Probe:
    """One short training.

    Parameters
    ----------
    factor : float
        By what the rate was multiplied.
    learning_rate : float
    steps : int
    loss : float
        On rows that it was not trained on, without dropout and penalty; infinite where it met a NaN.
    """

    factor: float
    learning_rate: float
    steps: int
    loss: float


def rates(known: Known, factors: Sequence[float], theta: Array | None = None, steps: int | None = None) -> list[Probe]:
    """Return how far the run's own descent comes at other rates, from the start or from θ, in so many steps."""
    optimizer = known.recipe.optimizer
    assert optimizer is not None
    rate = peak_rate(known)
    found = []
    for factor in factors:
        changed = optimizer.at_rate(rate * factor)
        found.append(_probe(known, known.network.copy(), changed, factor, theta, with_penalty=True, steps=steps))
    return found


def search(known: Known, factors: Sequence[float], most: int = 3) -> list[Probe]:
    """Return short trainings at these multiples of the rate, and at further ones as long as the last is the best."""
    found = rates(known, factors)
    step = factors[-1] / factors[-2]
    for _ in range(most):
        if min(found, key=lambda probe: probe.loss) is not found[-1]:
            break
        found += rates(known, (found[-1].factor * step,))
    return found


def peak_rate(known: Known) -> float:
    """Return the largest rate of the run: schedules lower it, and some raise it first."""
    own = known.recipe.optimizer.learning_rate if known.recipe.optimizer is not None else 0.0
    history = known.history
    met = [] if history is None else [rate for rate in history.learning_rate if np.isfinite(rate)]
    return float(max(met)) if met else float(own)


def usual(known: Known, *, theta: Array | None = None, factors: Sequence[float] = (1.0, 5.0)) -> list[Probe]:
    """Return how far the same network comes with Adam at usual rates, without penalties."""
    return [
        _probe(known, known.network.copy(), Adam(1e-3 * factor), factor, theta, with_penalty=False)
        for factor in factors
    ]


def without_dropout(known: Known) -> Probe:
    """Return how far the network comes without dropout and penalties."""
    layers = [layer for layer in known.network.layers if not isinstance(layer, Dropout)]
    net = Network(known.network.input_shape, layers, seed=known.network.seed, dtype=known.network.dtype)
    return _probe(known, net, Adam(2e-3), 1.0, None, with_penalty=False)


def larger(known: Known) -> tuple[Probe, str]:
    """Return how far a wider network comes, or one with a hidden layer where there is none, and what it is."""
    dense = [layer for layer in known.network.layers if isinstance(layer, Dense)]
    width = max(32, 4 * max((layer.units for layer in dense[:-1]), default=16))
    hidden: list[Layer] = [Dense(width, "relu")]
    if len(dense) > 2:
        hidden.append(Dense(width, "relu"))
    last = Dense(dense[-1].units, dense[-1].activation)
    net = Network(known.network.input_shape, [*hidden, last], seed=known.network.seed, dtype=known.network.dtype)
    text = f"{len(hidden)} hidden layer{'s' * (len(hidden) > 1)} of {width} relu units"
    probes = [_probe(known, net.copy(), Adam(rate), 1.0, net.theta.copy(), with_penalty=False) for rate in (2e-3, 1e-2)]
    return min(probes, key=lambda probe: probe.loss), text


def scaled(known: Known, scale: tuple[Array, Array]) -> Probe:
    """Return how far the run's descent comes where inputs are shifted and divided."""

    def changed(block: Block | None) -> Any:
        if block is None:
            return None
        return dataclasses.replace(block, x=((block.x - scale[0]) / scale[1]).astype(block.x.dtype))

    other = dataclasses.replace(known, block=changed(known.block), held_out=changed(known.held_out))
    optimizer = known.recipe.optimizer or Adam(1e-3)
    return _probe(other, known.network.copy(), optimizer, 1.0, None, with_penalty=True)


def fitted(known: Known) -> tuple[float, int, float]:
    """Return the loss that Adam reaches on the training rows themselves, steps and rate."""
    block, rate = known.block, 0.02
    work = max(1, known.network.multiplications) * 3 * known.batch_size
    per_epoch = -(-len(block) // known.batch_size)
    epochs = max(1, int(np.clip(_WORK / work, _FEWEST, 12_000)) // per_epoch)
    net = known.network.copy()
    net.theta[:] = known.start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlassnetWarning)
        try:
            train(
                net,
                block.x,
                block.y,
                known.loss,
                optimizer=Adam(rate),
                epochs=epochs,
                batch_size=min(known.batch_size, len(block)),
                sample_weight=block.sample_weight,
                ledger=False,
            )
        except (NonFiniteError, InputError):
            return np.inf, epochs * per_epoch, rate
    return mean_loss(net, known, known.judged(block)), epochs * per_epoch, rate


def steps_of(known: Known) -> int:
    """Return how many steps a short training takes: as many as fit in the time, and not more than the run took."""
    work = max(1, known.network.multiplications) * 3 * known.batch_size
    fit = int(np.clip(_WORK / work, _FEWEST, _MOST))
    taken = (known.epochs or 10**9) * known.steps_per_epoch
    return max(1, min(fit, taken))


def _probe(
    known: Known,
    net: Network,
    optimizer: Optimizer,
    factor: float,
    theta: Array | None,
    *,
    with_penalty: bool,
    steps: int | None = None,
) -> Probe:
    """Train for some steps and judge by training rows."""
    net.theta[:] = known.start if theta is None else theta
    trained, judged = parts(known)
    known = dataclasses.replace(known, block=trained)
    steps, batch = min(steps or 10**9, steps_of(known)), known.batch_size
    if optimizer.full_batch:
        batch = len(known.block)
    per_epoch = -(-len(known.block) // batch)
    block, epochs = known.block, max(1, round(steps / per_epoch))
    if steps < per_epoch:
        block, epochs = sample(known.block, steps * batch), 1
    recipe = known.recipe
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlassnetWarning)
        try:
            train(
                net,
                block.x,
                block.y,
                known.loss,
                optimizer=optimizer,
                epochs=epochs,
                batch_size=min(batch, len(block)),
                sample_weight=block.sample_weight,
                reduction=recipe.reduction,
                seed=recipe.seed,
                shuffle=recipe.shuffle,
                ledger=False,
                l1=recipe.l1 if with_penalty else 0.0,
                l2=recipe.l2 if with_penalty else 0.0,
                clip_norm=None if optimizer.full_batch else recipe.clip_norm,
                clip_value=None if optimizer.full_batch else recipe.clip_value,
            )
        except (NonFiniteError, InputError):
            return Probe(factor, optimizer.learning_rate, steps, np.inf)
    return Probe(factor, optimizer.learning_rate, epochs * -(-len(block) // batch), mean_loss(net, known, judged))


def parts(known: Known) -> tuple[Block, Block]:
    """Return rows to train on and rows to judge by: those held out or, where there are none, every fifth row.

    The network as it is was trained on those too, which is in its favour.
    """
    if known.held_out is not None:
        return known.block, known.judged(sample(known.held_out, _JUDGED_BY))
    rows = np.arange(len(known.block))
    if len(rows) < 10:
        return known.block, known.judged(known.block)
    return take(known.block, rows[rows % 5 != 0]), known.judged(sample(take(known.block, rows[::5]), _JUDGED_BY))


def mean_loss(net: Network, known: Known, block: Block) -> float:
    """Return the mean error of rows, without dropout and penalty, weighted as they count."""
    exact = net.astype(np.float64)
    x, y = block.x.astype(np.float64), block.y if block.y.ndim == 1 else block.y.astype(np.float64)
    errors, _ = row_errors_and_predictions(exact, exact.objective(known.loss), x, y)
    value = float(np.average(errors, weights=block.sample_weight))
    return value if np.isfinite(value) else np.inf
