"""Cures that are run: the same rows, batches and start, with one thing changed, and both curves side by side.

Errors are given over that of guessing, so that a cure that changes the scale of a target can be compared.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.errors import GlassnetWarning, NonFiniteError
from glassnet.insight.doctor.curing import Way, way_of
from glassnet.insight.doctor.diagnosis import Diagnosis, Finding, Trial
from glassnet.insight.doctor.judging import share
from glassnet.insight.doctor.known import Known, labels_of
from glassnet.insight.doctor.probing import parts
from glassnet.insight.doctor.signs import Signs
from glassnet.maths.metrics import predicted_classes
from glassnet.maths.optimizers import Adam
from glassnet.network.network import Network
from glassnet.training import History, train

Array = NDArray[Any]

_MOST_EPOCHS, _MOST_CURES = 200, 3
_FEWEST_EPOCHS, _MOST_DECADES = 5, 6
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


def _try(signs: Signs, finding: Finding) -> Trial | None:
    """Run the cure of a finding, or return None where there is none to run."""
    if finding.name == "duplicates_across_split":
        return _without_twins(signs, finding)
    if finding.remedy is None:
        return None
    if finding.remedy.kind == "stop_early":
        return _stopped(signs, finding)
    way = way_of(signs, finding)
    if way is None:
        return None
    if finding.name == "not_finite":
        return _until_finite(signs, finding, way)
    history, network = _train(signs.known, way)
    guess = _guess(signs, way)
    if finding.name == "imbalance":
        return _recalled(signs, finding, way.tried, history, network, guess)
    return _compare(signs, finding, way.tried, history, guess)


def _train(known: Known, way: Way) -> tuple[History | None, Network]:
    """Train as the run was, but for one thing; the history is None where that met a NaN at once."""
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
            history = train(
                net,
                block.x,
                block.y,
                known.loss,
                optimizer=optimizer,
                schedule=schedule,
                epochs=min(_MOST_EPOCHS, way.epochs or known.epochs or 20),
                batch_size=None if full else min(len(block), recipe.batch_size or 32),
                validation=(held_out.x, held_out.y),
                sample_weight=_alike(block, known.classes) if way.by_class else block.sample_weight,
                reduction=recipe.reduction,
                l1=recipe.l1 if way.penalties else 0.0,
                l2=way.l2 if way.l2 is not None else recipe.l2 if way.penalties else 0.0,
                clip_norm=None if full else recipe.clip_norm,
                clip_value=None if full else recipe.clip_value,
                seed=recipe.seed,
                shuffle=recipe.shuffle,
                ledger=False,
            )
        except NonFiniteError as error:
            return error.history, net
    return history, net


def _alike(block: Block, classes: int) -> Array:
    """Return weights of rows with which all classes count alike."""
    labels = labels_of(block.y)
    counts = np.bincount(labels, minlength=classes)
    weights: Array = len(labels) / (classes * counts[labels])
    return weights


def _changed(block: Block, way: Way) -> Block:
    x, y = block.x, block.y
    if way.x is not None:
        x = ((x - way.x[0]) / way.x[1]).astype(x.dtype)
    if way.keep is not None:
        x = np.where(way.keep, x, x.mean(axis=0)).astype(x.dtype)
    if way.y is not None:
        y = ((y - way.y[0]) / way.y[1]).astype(y.dtype)
    return Block(x, y, block.sample_weight)


def _guess(signs: Signs, way: Way) -> float:
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
    says = f"{words}: {_figure(was)} the error of guessing is left as it was, {_figure(now)} it with the cure, {where}."
    if finding.name == "leaking_target":  # a rise is what taking a leak away must show
        helped, name = None, finding.numbers["name"]
        says = (
            f"Without {name} {_figure(now)} the error of guessing is left, {where}: that is what the network can "
            f"really do. With it, it was {_figure(was)} it."
        )
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
    return f"{value:.1%} of" if value < 0.1 else share(value)


def _is_finite(history: History | None) -> bool:
    return history is not None and bool(history.loss) and "not finite" not in (history.stopped or "")


def _until_finite(signs: Signs, finding: Finding, way: Way) -> Trial:
    """Lower the rate by decades until training ends with finite numbers."""
    known = signs.known
    optimizer = way.optimizer or known.recipe.optimizer or Adam(1e-3)
    tenfold = 0
    while True:
        now = dataclasses.replace(way, optimizer=optimizer, epochs=max(known.epochs or 0, _FEWEST_EPOCHS))
        history, _ = _train(known, now)
        if _is_finite(history) or tenfold == _MOST_DECADES:
            break
        tenfold, optimizer = tenfold + 1, optimizer.at_rate(optimizer.learning_rate / 10)
    what = "inputs standardised, " * (way.x is not None) + "targets standardised, " * (way.y is not None)
    tried = f"{what}the run from its start at rate {optimizer.learning_rate:.3g}"
    guess = _guess(signs, way)
    loss = () if history is None else tuple(value / guess for value in history.loss)
    held = () if history is None else tuple(value / guess for value in history.validation_loss)
    if not _is_finite(history):
        says = "It does not help: training still meets a number that is not finite."
        return Trial(finding.name, tried, False, says, (), loss, (), held)
    end = held[-1] if held else loss[-1]
    says = f"Training ends with finite numbers: {_figure(end)} the error of guessing is left on rows not trained on."
    if end > 1:
        says += " That is no better than guessing, so the rate or the scales are still wrong."
    return Trial(finding.name, tried, True if end < 1 else None, says, (), loss, (), held)


def _recalled(
    signs: Signs, finding: Finding, tried: str, history: History | None, network: Network, guess: float
) -> Trial:
    """Judge by the share of each class that is found: a loss over all rows hides a rare class."""
    known, (_, judged) = signs.known, parts(signs.known)
    labels, c = labels_of(judged.y), int(finding.numbers["class"])
    present = np.unique(labels)
    before, after = signs.curve, [] if history is None else history.loss
    found = []
    for net in (known.network, network):
        predicted = predicted_classes(net.astype(np.float64).predict(judged.x.astype(np.float64)), known.threshold)
        right = predicted == labels
        recall = float(right[labels == c].mean()) if (labels == c).any() else np.nan
        found.append((recall, float(np.mean([right[labels == k].mean() for k in present]))))
    (was, was_all), (now, now_all) = found
    better = now > was and now_all > was_all + _MATTERS
    helped = True if better else False if now_all < was_all - _MATTERS else None
    words = {True: "It helps", False: "It does not help", None: "It makes no difference to speak of"}[helped]
    where = "held-out rows" if known.held_out is not None else "a fifth of the rows, kept back for this"
    says = (
        f"{words}: {was:.0%} of the rows of class {finding.numbers['name']} are found as it was, {now:.0%} with the "
        f"cure; the mean over classes of what is found goes from {was_all:.0%} to {now_all:.0%}, on {where}."
    )
    return Trial(
        finding.name,
        tried,
        helped,
        says,
        () if before is None else tuple(before.loss.tolist()),
        tuple(value / guess for value in after),
        (),
        (),
    )


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
    says = f"{words}: {_figure(was)} the error of guessing is left on held-out rows as it was, {_figure(now)} it so."
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
    says = f"The error is then {_figure(now)} that of guessing, and not {_figure(was)} it."
    tried = f"judged by the {int(alone.sum()):,} held-out rows without an exact twin"
    return Trial(finding.name, tried, None, says, (), (), (), ())
