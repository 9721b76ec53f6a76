"""Rules over units and blame: dead and saturated units, blame that vanishes or explodes from layer to layer."""

from __future__ import annotations

import numpy as np

from glassnet.insight.doctor.diagnosis import Finding, Remedy
from glassnet.insight.doctor.signs import Signs
from glassnet.insight.doctor.units import Body, LayerUnits

_DEAD, _DEAD_ANYWAY = 0.3, 0.6
_FLAT, _STUCK, _OUTPUT_FLAT = 0.6, 0.4, 0.05
_VANISHES, _EXPLODES, _EXPLODES_LATER = 2e-3, 30.0, 1e3

_GLOROT = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010"
_SCHOENHOLZ = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation, 2017"
_AUTOTRAINER = "Zhang, Zhai, Ma & Shen, AutoTrainer, ICSE 2021"


def dead_units(signs: Signs) -> Finding | None:
    """Units that fire for no row: their slope is 0 everywhere, so they never learn again."""
    body = signs.body
    if not body.finite:
        return None
    worst = max(body.hidden, key=lambda layer: layer.dead_share, default=None)
    if worst is None or worst.dead < 2:
        return None
    share = worst.dead_share
    if not (share >= _DEAD_ANYWAY or (share >= _DEAD and signs.trouble)):
        return None
    start = next(layer for layer in signs.body_at_start.layers if layer.layer == worst.layer)
    rows = min(len(signs.known.block), 2000)
    says = (
        f"{worst.dead:,} of {worst.units:,} units of layer {worst.layer} ({worst.activation}) are dead: they fire for "
        f"none of {rows:,} training rows"
    )
    if not signs.known.start_is_known:
        says += "."
    elif start.dead_share > 0.5 * share:
        says += f"; {start.dead:,} were so from the start."
    else:
        says += f"; at the start {'none was' if not start.dead else f'{start.dead:,} were'}."
    from_start = start.dead_share > 0.5 * share
    cure = (
        "Start with smaller or zero biases and weights of the usual size, or use leaky_relu."
        if from_start
        else "Train anew with a lower rate, or use leaky_relu or gelu; a dead unit does not come back by itself."
    )
    return Finding(
        "dead_units",
        says,
        cure,
        {"layer": worst.layer, "dead": worst.dead, "units": worst.units, "at_start": start.dead},
        f"{_AUTOTRAINER} (dying ReLU); Lu, Shin, Su & Karniadakis, Dying ReLU and initialization, 2019",
        Remedy("start") if from_start else Remedy("rate", 0.1),
    )


def saturated_at_start(signs: Signs) -> Finding | None:
    """Units that were saturated before the first step, by their initial weights or their inputs."""
    return _saturated(signs, at_start=True)


def saturated_later(signs: Signs) -> Finding | None:
    """Units that became saturated while training."""
    return _saturated(signs, at_start=False)


def _saturated(signs: Signs, at_start: bool) -> Finding | None:
    """Units on the flat of their activation for most rows, where blame does not get through.

    Units of a network that has learned its task are often flat, which is no ill: it must hinder learning.
    """
    body = signs.body
    if not body.finite or not signs.trouble:
        return None
    if body.wrong_and_flat > _OUTPUT_FLAT and at_start == (signs.body_at_start.wrong_and_flat > _OUTPUT_FLAT):
        last = body.layers[-1]
        return Finding(
            "saturated_units",
            f"The last layer's {last.activation} is saturated on the wrong side for {body.wrong_and_flat:.0%} of the "
            f"training rows: with {signs.known.loss.name} hardly any blame comes back from them.",
            "Use cross_entropy (binary_cross_entropy for one output), whose blame does not fade there, and start with "
            "smaller weights.",
            {"layer": last.layer, "rows": body.wrong_and_flat},
            _GLOROT,
            Remedy("start"),
        )
    start = signs.body_at_start
    worst = max(body.hidden, key=_saturation, default=None)
    if worst is None or not (worst.flat > _FLAT or worst.stuck >= max(2, _STUCK * worst.units)):
        return None
    before = next(layer for layer in start.layers if layer.layer == worst.layer)
    from_start = before.flat > 0.5 * worst.flat
    if from_start != at_start:
        return None
    says = (
        f"Units of layer {worst.layer} ({worst.activation}) are saturated in {worst.flat:.0%} of all cases"
        f"{f', {worst.stuck:,} of {worst.units:,} for every row' if worst.stuck else ''}: their slope is all but 0"
    )
    says += f"; at the start it was {before.flat:.0%}." if signs.known.start_is_known else "."
    cure = (
        "Start with smaller weights, as glassnet draws them by itself (glorot_uniform)."
        if from_start
        else "Lower the rate, or put a small l2 on the weights, so that weighted sums stay near 0."
    )
    return Finding(
        "saturated_units",
        says,
        cure,
        {"layer": worst.layer, "flat": worst.flat, "stuck": worst.stuck, "at_start": before.flat},
        _GLOROT,
        Remedy("start") if from_start else Remedy("rate", 0.1),
    )


def _saturation(layer: LayerUnits) -> float:
    return layer.flat + layer.stuck / layer.units


def vanishing_blame(signs: Signs) -> Finding | None:
    """Blame that fades on its way back, so that the first layers do not learn."""
    if not signs.trouble:
        return None
    body = _earliest(signs)
    if body is None or len(body.layers) < 3:
        return None
    ratio = body.blame_ratio
    if not ratio < _VANISHES or any(layer.dead_share > 0.9 for layer in body.hidden):
        return None  # no blame passes through dead units, but that is their fault
    first, last = body.layers[0], body.layers[-1]
    per_layer = max(ratio, 1e-300) ** (1 / (len(body.layers) - 1))
    cure, remedy, name = "Start with the usual initial weights", Remedy("start"), first.activation
    if _all_alike(signs):
        return Finding(
            "vanishing_blame",
            "The initial weights are zero, or equal within each layer: no blame tells units apart, so that they cannot "
            "come to do different things.",
            f"{cure}, as glassnet draws them by itself.",
            {"ratio": ratio, "per_layer": per_layer},
            _GLOROT,
            remedy,
        )
    if signs.body_with_usual_start.blame_ratio < 5 * _VANISHES:  # it is not the weights
        swap = "relu" if name != "relu" else "leaky_relu"
        cure, remedy = f"Use {swap} with its own initial weights in place of {name}", Remedy("activation")
    return Finding(
        "vanishing_blame",
        f"Blame vanishes on its way back: its size is {last.blame:.2g} at the last layer and {first.blame:.2g} at the "
        f"first, {per_layer:.2g} times as much from layer to layer, so that the first layers hardly learn.",
        f"{cure}, or fewer layers.",
        {"ratio": ratio, "per_layer": per_layer},
        f"{_GLOROT}; {_SCHOENHOLZ}",
        remedy,
    )


def _all_alike(signs: Signs) -> bool:
    """Whether every layer starts with one and the same weight throughout."""
    known = signs.known
    if not known.start_is_known:
        return False
    places = [place for _, parameter, place in known.network.layout.places if parameter.name == "weights"]
    return all(float(np.ptp(known.start[place])) == 0 for place in places)


def exploding_blame(signs: Signs) -> Finding | None:
    """Blame that grows on its way back, so that the first layers are thrown about."""
    if not signs.worse_than_simple:
        return None
    body = _earliest(signs)
    if body is None or len(body.layers) < 3:
        return None
    ratio = body.blame_ratio
    if not ratio > (_EXPLODES if signs.known.start_is_known else _EXPLODES_LATER):
        return None
    first, last = body.layers[0], body.layers[-1]
    per_layer = ratio ** (1 / (len(body.layers) - 1)) if np.isfinite(ratio) else np.inf
    return Finding(
        "exploding_blame",
        f"Blame explodes on its way back: its size is {last.blame:.2g} at the last layer and {first.blame:.2g} at the "
        f"first, {per_layer:.2g} times as much from layer to layer.",
        "Start with smaller weights, as glassnet draws them by itself; clip_norm=1.0 keeps steps bounded.",
        {"ratio": ratio, "per_layer": per_layer},
        f"Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, 2013; {_SCHOENHOLZ}",
        Remedy("start"),
    )


def _earliest(signs: Signs) -> Body | None:
    """Return the network at its start where that is known and finite, else as it is."""
    if signs.known.start_is_known and signs.body_at_start.finite:
        return signs.body_at_start
    return signs.body if signs.body.finite else None
