"""Cures that are run: the same rows, batches and start, with one thing changed, and both curves side by side.

Errors are given over that of guessing, so that a cure that changes the scale of a target can be compared.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.errors import GlassnetWarning, NonFiniteError
from glassnet.insight.doctor.diagnosis import Diagnosis, Finding, Trial
from glassnet.insight.doctor.known import Known, labels_of
from glassnet.insight.doctor.probing import parts, peak_rate
from glassnet.insight.doctor.signs import Signs
from glassnet.maths.optimizers import Adam, Optimizer
from glassnet.maths.schedules import Schedule
from glassnet.network.dense import Dense
from glassnet.network.dropout import Dropout
from glassnet.network.network import Network
from glassnet.training import History, train

Array = NDArray[Any]

_MOST_EPOCHS, _MOST_CURES = 200, 3
_MATTERS = 0.02  # of the error of guessing


def proved(found: Diagnosis) -> Diagnosis:
    """Return the diagnosis with the cures of its first findings run."""
    signs = found.signs
    if signs is None:
        return found
    trials: list[Trial] = []
    remedies: set[Any] = set()
    for finding in found.findings[:_MOST_CURES]:
        if finding.remedy is not None and finding.remedy in remedies:
            continue  # it was run for another finding
        remedies.add(finding.remedy)
        trial = _try(signs, finding)
        if trial is not None:
            trials.append(trial)
    return dataclasses.replace(found, trials=tuple(trials))


@final
@dataclasses.dataclass(frozen=True)
class _Way:
    """How to train otherwise; None leaves a thing as it was."""

    tried: str
    network: Network | None = None
    theta: Array | None = None
    optimizer: Optimizer | None = None
    schedule: Schedule | str | None = ""
    epochs: int | None = None
    x: tuple[Array, Array] | None = None
    y: tuple[Array, Array] | None = None
    weight: Array | None = None
    penalties: bool = True
    keep: Array | None = None


def _try(signs: Signs, finding: Finding) -> Trial | None:
    """Run the cure of a finding, or return None where there is none to run."""
    if finding.name == "duplicates_across_split":
        return _without_twins(signs, finding)
    if finding.remedy is None:
        return None
    if finding.remedy.kind == "stop_early":
        return _stopped(signs, finding)
    way = _way(signs, finding)
    if way is None:
        return None
    history = _train(signs.known, way)
    guess = _guess(signs, way)
    return _compare(signs, finding, way.tried, history, guess)


def _way(signs: Signs, finding: Finding) -> _Way | None:
    known, remedy = signs.known, finding.remedy
    assert remedy is not None
    optimizer, kind = known.recipe.optimizer, remedy.kind
    epochs = known.epochs or 20
    if kind == "rate":
        if optimizer is None:
            return None
        changed: Any = dataclasses.replace(optimizer, learning_rate=optimizer.learning_rate * remedy.factor)  # type: ignore[type-var]
        return _Way(
            f"the run from its start at {peak_rate(known) * remedy.factor:.3g} in place of "
            f"{peak_rate(known):.3g}, batches as they were",
            optimizer=changed,
        )
    if kind == "scale_inputs":
        x = known.block.x.astype(np.float64)
        spread = x.std(axis=0)
        return _Way("inputs standardised, the run from its start", x=(x.mean(axis=0), np.where(spread > 0, spread, 1)))
    if kind == "scale_targets":
        y = known.block.y.astype(np.float64)
        spread = y.std(axis=0)
        return _Way("targets standardised, the run from its start", y=(y.mean(axis=0), np.where(spread > 0, spread, 1)))
    if kind == "start":
        return _Way("the same layers with usual initial weights and biases", theta=signs.fresh_theta)
    if kind == "constant":
        return _Way("the run from its start at a constant rate", schedule=None)
    if kind == "cosine":
        from glassnet.maths.schedules import CosineAnnealingLR

        falling = CosineAnnealingLR().for_run(epochs, epochs * known.steps_per_epoch)
        return _Way("the run from its start with a rate that falls along a cosine", schedule=falling)
    if kind == "longer":
        return _Way(
            f"{3 * epochs:,} epochs in place of {epochs:,}, at a constant rate", schedule=None, epochs=3 * epochs
        )
    if kind == "no_penalty":
        net = known.network
        layers = [layer for layer in net.layers if not isinstance(layer, Dropout)]
        return _Way(
            "the run from its start without dropout and penalties",
            penalties=False,
            network=Network(net.input_shape, layers, seed=net.seed, dtype=net.dtype),
        )
    if kind == "larger":
        dense = [layer for layer in known.network.layers if isinstance(layer, Dense)]
        width = max(32, 4 * max((layer.units for layer in dense[:-1]), default=16))
        wider = Network(
            known.network.input_shape,
            [Dense(width, "relu"), Dense(dense[-1].units, dense[-1].activation)],
            seed=known.network.seed,
            dtype=known.network.dtype,
        )
        return _Way(
            f"a network with a hidden layer of {width} relu units, Adam(0.002)",
            network=wider,
            theta=wider.theta.copy(),
            optimizer=Adam(2e-3),
            schedule=None,
            penalties=False,
        )
    if kind == "weights":
        labels = labels_of(known.block.y)
        counts = np.bincount(labels, minlength=known.classes)
        return _Way(
            "each class weighted so that all count alike", weight=len(labels) / (known.classes * counts[labels])
        )
    if kind == "drop_column":
        keep = np.ones(known.network.input_shape[0], bool)
        keep[int(finding.numbers["column"])] = False
        return _Way(f"the run from its start without {finding.numbers['name']}", keep=keep)
    return None


def _train(known: Known, way: _Way) -> History | None:
    """Train as the run was, but for one thing; None where that met a NaN at once."""
    recipe = known.recipe
    net = known.network.copy() if way.network is None else way.network
    if way.theta is not None:
        net.theta[:] = way.theta
    elif net.theta.shape == known.start.shape:
        net.theta[:] = known.start
    optimizer = way.optimizer or recipe.optimizer or Adam(1e-3)
    schedule = recipe.schedule if isinstance(way.schedule, str) else way.schedule
    trained, judged = parts(known)
    block, held_out = _changed(trained, way), _changed(judged, way)
    full = optimizer.full_batch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlassnetWarning)
        try:
            return train(
                net,
                block.x,
                block.y,
                known.loss,
                optimizer=optimizer,
                schedule=schedule,
                epochs=min(_MOST_EPOCHS, way.epochs or known.epochs or 20),
                batch_size=None if full else min(len(block), recipe.batch_size or 32),
                validation=(held_out.x, held_out.y),
                sample_weight=block.sample_weight
                if way.weight is None or len(way.weight) != len(block)
                else way.weight,
                reduction=recipe.reduction,
                l1=recipe.l1 if way.penalties else 0.0,
                l2=recipe.l2 if way.penalties else 0.0,
                clip_norm=None if full else recipe.clip_norm,
                clip_value=None if full else recipe.clip_value,
                seed=recipe.seed,
                shuffle=recipe.shuffle,
                ledger=False,
            )
        except NonFiniteError as error:
            history: History | None = error.history
            return history


def _changed(block: Block, way: _Way) -> Block:
    x, y = block.x, block.y
    if way.x is not None:
        x = ((x - way.x[0]) / way.x[1]).astype(x.dtype)
    if way.keep is not None:
        x = np.where(way.keep, x, x.mean(axis=0)).astype(x.dtype)
    if way.y is not None:
        y = ((y - way.y[0]) / way.y[1]).astype(y.dtype)
    return Block(x, y, block.sample_weight)


def _guess(signs: Signs, way: _Way) -> float:
    """Return the error of guessing in the units of the cure."""
    if way.y is None:
        return signs.over_guess(1.0) ** -1
    held_out = None if signs.known.held_out is None else _changed(signs.known.held_out, way)
    changed = dataclasses.replace(signs.known, block=_changed(signs.known.block, way), held_out=held_out)
    return Signs(changed).over_guess(1.0) ** -1


def _compare(signs: Signs, finding: Finding, tried: str, history: History | None, guess: float) -> Trial:
    """Return both curves and what came of it."""
    known, curve = signs.known, signs.curve
    before = () if curve is None else tuple(curve.loss.tolist())
    before_held = () if curve is None or curve.held_out is None else tuple(curve.held_out.tolist())
    loss = [] if history is None else history.loss
    held = [] if history is None else history.validation_loss
    was = signs.over_guess(signs.judged_loss)
    now = held[-1] / guess if held and history is not None and history.epochs == len(held) else np.inf
    where = "on held-out rows" if known.held_out is not None else "on a fifth of the rows, kept back for this"
    if history is not None and history.stopped and "not finite" in history.stopped:
        now = np.inf
    helped, words = verdict(was, now)
    says = f"{words}: {_figure(was)} of the error of guessing is left as it was, {_figure(now)} with the cure, {where}."
    after = tuple(value / guess for value in loss), tuple(value / guess for value in held)
    return Trial(finding.name, tried, helped, says, before, after[0], before_held, after[1])


def verdict(was: float, now: float) -> tuple[bool | None, str]:
    """Return whether a cure helped, and the word for it."""
    if not np.isfinite(now):
        return (False if np.isfinite(was) else None), "It does not help"
    if not np.isfinite(was) or now < was - max(_MATTERS, 0.05 * was):
        return True, "It helps"
    if now > was + max(_MATTERS, 0.05 * was):
        return False, "It does not help, it harms"
    return None, "It makes no difference that could be told from chance"


def _figure(value: float) -> str:
    return "nothing finite" if not np.isfinite(value) else f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"


def _stopped(signs: Signs, finding: Finding) -> Trial | None:
    """Return to the end of the best epoch, by taking the run again from the snapshot before it."""
    known, curve = signs.known, signs.curve
    if curve is None or curve.held_out is None or known.held_out is None:
        return None
    assert finding.remedy is not None
    best = finding.remedy.epoch
    tried = f"training ended after epoch {best}"
    if known.folder is not None and not known.caveat and known.folder.checkpoint.exists():
        replay = signs.replay()
        training = replay.training((best + 1) * replay.steps_per_epoch)
        cured = Signs(dataclasses.replace(known, network=training.network))
        now = cured.over_guess(cured.judged_loss)
        tried += ", the run taken again up to there"
    else:
        now = float(curve.held_out[best])
    was = signs.over_guess(signs.judged_loss)
    helped, words = verdict(was, now)
    says = f"{words}: {_figure(was)} of the error of guessing is left on held-out rows as it was, {_figure(now)} so."
    cut = slice(0, best + 1)
    return Trial(
        finding.name,
        tried,
        helped,
        says,
        tuple(curve.loss.tolist()),
        tuple(curve.loss[cut].tolist()),
        tuple(curve.held_out.tolist()),
        tuple(curve.held_out[cut].tolist()),
    )


def _without_twins(signs: Signs, finding: Finding) -> Trial | None:
    """Judge the network by held-out rows that have no exact twin."""
    known = signs.known
    assert known.held_out is not None
    seen = {row.tobytes() for row in np.ascontiguousarray(known.block.x + 0.0)}
    alone = np.array([row.tobytes() not in seen for row in np.ascontiguousarray(known.held_out.x + 0.0)])
    if alone.sum() < 10 or alone.all():
        return None
    rows = known.held_out
    other = Block(rows.x[alone], rows.y[alone], rows.sample_weight[alone])
    cleaned = Signs(dataclasses.replace(known, held_out=other))
    was, now = signs.over_guess(signs.judged_loss), cleaned.over_guess(cleaned.judged_loss)
    says = f"The error is then {_figure(now)} of that of guessing, and not {_figure(was)}."
    tried = f"judged by the {int(alone.sum()):,} held-out rows without an exact twin"
    return Trial(finding.name, tried, None, says, (), (), (), ())
