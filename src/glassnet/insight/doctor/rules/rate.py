"""Rules over the rate and what it does: not finite, too high, too low, updates out of proportion to their weights.

Evidence is a short training at other rates, from the run's own start and with its own batches, judged by rows that it
was not trained on: a rate is wrong where another does much better in no more steps than the run took.
"""

from __future__ import annotations

import re

import numpy as np

from glassnet.insight.doctor import probing
from glassnet.insight.doctor.diagnosis import Finding, Remedy
from glassnet.insight.doctor.judging import figure, share
from glassnet.insight.doctor.signs import Signs

_MARGIN = 0.1  # of the error of guessing
_LARGE_UPDATE, _SMALL_UPDATE = 0.1, 1e-5

_BENGIO = "Bengio, Practical recommendations for gradient-based training of deep architectures, 2012, section 3.1.1"
_SMITH = "Smith, Cyclical learning rates for training neural networks, 2017 (the range test)"
_KARPATHY = "Karpathy, CS231n, 2016: updates about a thousandth of their weights"
_DEEPLOCALIZE = "Wardat, Le & Rajan, DeepLocalize, ICSE 2021"


def not_finite(signs: Signs) -> Finding | None:
    """Training met a NaN or an infinity."""
    history, curve = signs.known.history, signs.curve
    stopped = "" if history is None else history.stopped
    told = stopped if re.match(r"In step \d|The update of step \d|Training broke off", stopped) else ""
    if not told and signs.works and (curve is None or curve.finite):
        return None
    where = told.split(" Training stopped")[0] if told else "The network's weights or outputs are not finite."
    says = f"Training met a number that is not finite. {where}"
    cure = "Lower the rate, or use clip_norm=1.0."
    remedy = Remedy("rate", 0.1)
    if signs.scales.overall > 30:
        says += f" The inputs are about {signs.scales.overall:.3g} in size."
        cure, remedy = (
            "Bring inputs to a scale around 1 first; then see whether the rate still has to be lowered.",
            Remedy("scale_inputs"),
        )
    elif signs.target_scales is not None and float(signs.target_scales.size.max()) > 30:
        says += f" The targets are about {float(signs.target_scales.size.max()):.3g} in size."
        cure, remedy = (
            "Standardise the targets first; then see whether the rate still has to be lowered.",
            Remedy("scale_targets"),
        )
    return Finding("not_finite", says, cure, {"stopped": stopped}, _DEEPLOCALIZE, remedy)


def rate_too_high(signs: Signs) -> Finding | None:
    """A lower rate does much better in no more steps."""
    if not signs.trouble:
        return _too_high_to_settle(signs)
    known, mine = signs.known, signs.over_guess(signs.judged_loss)
    if known.recipe.optimizer is None:
        return _too_high_by_the_curve(signs)
    best = min(signs.slower, key=lambda probe: probe.loss)
    own = signs.as_it_was
    assert own is not None
    reached = signs.over_guess(best.loss)
    same = signs.over_guess(own.loss)
    if not _settles_it(signs, reached, mine) or not reached < same - _MARGIN / 2:
        return _too_high_to_settle(signs)
    return Finding(
        "rate_too_high",
        f"The rate {probing.peak_rate(known):.3g} is too high: the run ended at {share(mine)} the error of "
        f"guessing, on rows it was not trained on; {best.steps:,} steps at {best.learning_rate:.3g} from the same "
        f"start reach {figure(reached)}.",
        f"Train at {best.learning_rate:.2g}.",
        {"rate": probing.peak_rate(known), "better_rate": best.learning_rate, "reached": reached, "run": mine},
        f"{_BENGIO}; {_SMITH}",
        Remedy("rate", best.factor),
    )


def _restless(signs: Signs) -> Finding | None:
    """The error jumps about, and a lower rate leaves far less of it on unseen rows."""
    curve, mine = signs.curve, signs.over_guess(signs.judged_loss)
    if signs.known.recipe.optimizer is None or curve is None or curve.epochs < 6 or not curve.jumps > 0.15:
        return None
    held = signs.held_out_loss
    if not mine > 0.08 or (held is not None and held > signs.loss + 0.25):
        return None  # rows that are known by heart are another ill
    best = min(signs.slower, key=lambda probe: probe.loss)
    reached = signs.over_guess(best.loss)
    if not reached < min(0.6 * mine, mine - 0.05):
        return None
    rate = probing.peak_rate(signs.known)
    return Finding(
        "rate_too_high",
        f"The rate {rate:.3g} is too high: the error on training rows rose by more than a tenth in {curve.jumps:.0%} "
        f"of the epochs, and {share(mine)} that of guessing is left on rows it was not trained on; {best.steps:,} "
        f"steps at {best.learning_rate:.3g} from the same start leave {figure(reached)}.",
        f"Train at {best.learning_rate:.2g}, or let the rate fall towards the end (schedule='cosine').",
        {"rate": rate, "better_rate": best.learning_rate, "reached": reached, "run": mine, "jumps": curve.jumps},
        f"{_BENGIO}; {_SMITH}",
        Remedy("rate", best.factor),
    )


def _too_high_to_settle(signs: Signs) -> Finding | None:
    """The error stands still, and comes down at once at a tenth of the rate: single batches throw the weights about."""
    restless = _restless(signs)
    if restless is not None:
        return restless
    curve, known = signs.curve, signs.known
    if curve is None or not curve.finite or curve.epochs < 4 or not signs.works:
        return None
    mine = signs.over_guess(signs.judged_loss)
    if not mine > 0.08 or curve.learning_rate[-1] < 0.3 * curve.learning_rate.max():
        return None
    held = signs.held_out_loss
    if held is not None and held > 1.5 * signs.loss:  # the rows are known by heart; that is another ill
        return None
    probe = signs.on_from_here
    reached = np.inf if probe is None else signs.over_guess(probe.loss)
    if probe is None or not reached < min((0.85 if signs.trouble else 0.75) * mine, mine - 0.03):
        return None
    if np.log(mine / reached) < 4 * curve.pace * probe.steps / known.steps_per_epoch:
        return None  # it was coming there anyway
    rate = float(curve.learning_rate[-1])
    return Finding(
        "rate_too_high",
        f"The rate {rate:.3g} is too high to settle: the error stays at {share(mine)} that of guessing, and "
        f"{probe.steps:,} more steps at {probe.learning_rate:.3g} bring it to {figure(reached)}, on rows it was not "
        "trained on.",
        "Let the rate fall towards the end (schedule='cosine'), or take larger batches.",
        {"rate": rate, "reached": reached, "run": mine},
        f"{_BENGIO}; Bottou, Curtis & Nocedal, Optimization methods for large-scale machine learning, 2018",
        Remedy("cosine"),
    )


def _settles_it(signs: Signs, reached: float, mine: float) -> bool:
    """Whether another rate makes up for most of what is lacking, so that the rate is the cause and not some other ill.

    What can be reached is what the same layers reach from a usual start with Adam, or a simple predictor of numbers.
    """
    if not reached < min(mine, 1.0) - _MARGIN:
        return False
    possible = signs.over_guess(min(signs.fresh.loss, signs.usual.loss))
    if not signs.known.has_classes:  # there skill is one minus an error
        possible = min(possible, 1 - signs.best[1].skill)
    return reached < 0.6 * possible + 0.4 * min(mine, 1.0)


def _too_high_by_the_curve(signs: Signs) -> Finding | None:
    """Without knowing the optimizer: the error does not come down, or jumps, where a usual training does well."""
    curve, mine = signs.curve, signs.over_guess(signs.judged_loss)
    if curve is None or curve.epochs < 2:
        return None
    restless = curve.jumps > 0.2 or (curve.epochs >= 3 and curve.last > 0.98 * curve.loss[0] and _moved(signs) > 2)
    far = signs.known.start_is_known and _moved(signs) > 20
    if not restless and not far:
        return None
    whole_layer = any(layer.dead == layer.units for layer in signs.body.hidden)
    if whole_layer and not signs.known.start_is_known and not curve.jumps > 0.2:
        return None  # perhaps it began with these weights, and no step was to blame
    reached = signs.over_guess(signs.usual.loss)
    if not reached < mine - _MARGIN:
        return None
    rate = probing.peak_rate(signs.known)
    why = f"the weights went {_moved(signs):.0f} times their length from the start"
    if curve.jumps > 0.2:
        why = f"the error rose by more than a tenth in {curve.jumps:.0%} of the epochs"
    elif restless:
        why = "the error is where it began, though the weights went far"
    return Finding(
        "rate_too_high",
        f"The rate ({rate:.3g}) is probably too high: {why}, and it ended at {share(mine)} that of guessing, where "
        f"the same network with Adam({signs.usual.learning_rate:.3g}) reaches {figure(reached)} in "
        f"{signs.usual.steps:,} steps.",
        "Train at a third or a tenth of it. With the run's folder (run=) the doctor can try which.",
        {"rate": rate, "jumps": curve.jumps, "reached": reached, "run": mine},
        f"{_BENGIO}; {_SMITH}",
        Remedy("rate", 0.1),
    )


def _moved(signs: Signs) -> float:
    """Return how far the weights went from the start, in lengths of the start."""
    start = signs.known.start.astype(np.float64)
    length = float(np.linalg.norm(start)) or 1.0
    return float(np.linalg.norm(signs.known.network.theta - start)) / length


def rate_too_low(signs: Signs) -> Finding | None:
    """A higher rate does much better in no more steps, and the run would not have come there soon."""
    if not signs.trouble:
        return None
    known, mine = signs.known, signs.over_guess(signs.judged_loss)
    if known.recipe.optimizer is None:
        return _too_low_by_the_curve(signs)
    best = min(signs.faster, key=lambda probe: probe.loss)
    own = signs.as_it_was
    assert own is not None
    reached = signs.over_guess(best.loss)
    if not _settles_it(signs, reached, mine) or _comes_there_soon(signs, reached):
        return None
    early = _fell_early(signs)
    if early and signs.over_guess(own.loss) < mine - _MARGIN:
        return Finding(
            "rate_too_low",
            f"The schedule lets the rate fall too early: {early}, and the error stays at {share(mine)} that of "
            "guessing, "
            f"on rows it was not trained on; {own.steps:,} steps at a constant {own.learning_rate:.3g} from the same "
            f"start reach {figure(signs.over_guess(own.loss))}.",
            "Keep the rate constant, or let it fall over the whole training (schedule='cosine').",
            {"rate": probing.peak_rate(known), "reached": signs.over_guess(own.loss), "run": mine},
            f"{_BENGIO}",
            Remedy("constant"),
        )
    return Finding(
        "rate_too_low",
        f"The rate {probing.peak_rate(known):.3g} is too low: after {(known.epochs or 0):,} epochs the error is still "
        f"{share(mine)} that of guessing, on rows it was not trained on; {best.steps:,} steps at "
        f"{best.learning_rate:.3g} from the same start reach {figure(reached)}.",
        f"Train at {best.learning_rate:.2g}.",
        {"rate": probing.peak_rate(known), "better_rate": best.learning_rate, "reached": reached, "run": mine},
        f"{_BENGIO}; {_SMITH}",
        Remedy("rate", best.factor),
    )


def _fell_early(signs: Signs) -> str:
    """Return in words how soon the rate was below a twentieth of its height, where that was in the first third."""
    curve = signs.curve
    if curve is None or curve.epochs < 4:
        return ""
    rates = curve.learning_rate
    low = np.flatnonzero(rates < 0.05 * rates.max())
    if not len(low) or low[0] > curve.epochs / 3 or rates[-1] > 0.05 * rates.max():
        return ""
    return f"from {rates.max():.3g} to {rates[low[0]]:.2g} in epoch {low[0]} of {curve.epochs:,}"


def _comes_there_soon(signs: Signs, reached: float) -> bool:
    """Whether as many epochs again, at the pace of the last ones, would bring the run as far: then it was but short."""
    curve = signs.curve
    if curve is None or curve.epochs < 2:
        return curve is not None and curve.epochs == 1 and signs.training.skill > 0.1
    return bool(curve.last * np.exp(-curve.pace * max(2, curve.epochs)) <= max(reached, 1e-12))


def _too_low_by_the_curve(signs: Signs) -> Finding | None:
    curve, mine = signs.curve, signs.over_guess(signs.judged_loss)
    if curve is None or curve.epochs < 2 or curve.jumps > 0.1:
        return None
    reached = signs.over_guess(signs.usual.loss)
    if not reached < mine - _MARGIN or _comes_there_soon(signs, reached) or _moved(signs) > 0.3:
        return None
    if curve.settled and curve.pace < 1e-5:
        return None
    rate = probing.peak_rate(signs.known)
    return Finding(
        "rate_too_low",
        f"The rate ({rate:.3g}) is probably too low: in {curve.epochs:,} epochs the error came to {share(mine)} "
        f"that of guessing and falls by {1 - np.exp(-curve.pace):.2%} an epoch, where the same network with "
        f"Adam({signs.usual.learning_rate:.3g}) reaches {figure(reached)} in {signs.usual.steps:,} steps.",
        "Train at ten times it. With the run's folder (run=) the doctor can try which.",
        {"rate": rate, "pace": curve.pace, "reached": reached, "run": mine},
        f"{_BENGIO}; {_SMITH}",
        Remedy("rate", 10.0),
    )


def updates_too_large(signs: Signs) -> Finding | None:
    """Steps that change weights by a large part of their size, over and over."""
    if not signs.trouble or not signs.updates:
        return None
    layer, ratio = max(signs.updates, key=lambda pair: pair[1])
    if ratio < _LARGE_UPDATE:
        return None
    return Finding(
        "updates_too_large",
        f"Updates are too large for their weights: in the middle of the run a step changed the weights of layer "
        f"{layer} by {ratio:.2g} of their size, where about a thousandth is usual.",
        "Lower the rate.",
        {"layer": layer, "ratio": ratio},
        _KARPATHY,
        Remedy("rate", 0.1),
    )


def updates_too_small(signs: Signs) -> Finding | None:
    """Steps that leave the weights of a layer all but as they are, while there is much to learn."""
    if not signs.trouble or not signs.updates:
        return None
    layer, ratio = min(signs.updates, key=lambda pair: pair[1])
    if ratio > _SMALL_UPDATE:
        return None
    return Finding(
        "updates_too_small",
        f"Updates are too small for their weights: in the middle of the run a step changed the weights of layer "
        f"{layer} by {ratio:.2g} of their size, where about a thousandth is usual.",
        "Raise the rate, or start with smaller weights.",
        {"layer": layer, "ratio": ratio},
        _KARPATHY,
        Remedy("rate", 10.0),
    )
