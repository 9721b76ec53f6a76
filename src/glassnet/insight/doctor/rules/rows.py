"""Rules over the rows: scales of inputs and targets, rows on both sides of a split, an input that tells the target."""

from __future__ import annotations

import numpy as np

from glassnet.insight.doctor.diagnosis import Finding, Remedy
from glassnet.insight.doctor.signs import Signs
from glassnet.insight.subject import printable

_LARGE, _HUGE, _SMALL = 4.0, 30.0, 0.02
_CONTRAST = 300.0
_MANY_DEAD = 0.3
_TWIN_SHARE, _FEWEST_TWINS = 0.05, 4
_LEAK = 0.985

_LECUN = "LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998, section 4.3"
_KAPOOR = "Kapoor & Narayanan, Leakage and the reproducibility crisis in machine-learning-based science, 2023"


def input_scales(signs: Signs) -> Finding | None:
    """Inputs far from the scale 1, or on very different ones: steps that suit one column are wrong for another."""
    found, names = signs.scales, signs.known.feature_names
    worse = signs.worse_than_simple
    large = found.overall > _HUGE or (found.overall > _LARGE and signs.trouble)
    small = found.overall < _SMALL and worse
    apart = found.contrast > _CONTRAST and worse
    if not (large or small or apart) or (large and not worse and found.overall < 5 * _HUGE):
        return None
    there = np.flatnonzero(~found.constant)
    if not len(there) or (not found.overall > _HUGE and not _scaling_helps(signs)):
        return None
    top = there[int(np.argmax(found.size[there]))]
    numbers = there[found.dense[there] | (there == top)]  # an indicator is not small, but rare
    low = numbers[int(np.argmin(found.size[numbers]))]
    ratio = found.size[top] / max(found.size[low], 1e-300)
    constants = int(found.constant.sum())
    if len(numbers) > 1 and ratio > 30:
        what = (
            f"Inputs are on very different scales: {printable(names[top])} is about {found.size[top]:.3g} in size and "
            f"{printable(names[low])} about {found.size[low]:.3g}."
        )
    elif len(there) > 1 and found.size[top] > 30 * np.median(found.size[there]):
        what = f"The input {printable(names[top])} is about {found.size[top]:.3g} in size, where networks expect 1."
    else:
        size = "small" if small else "large"
        what = f"Inputs are {size}: about {found.overall:.3g} in size, where networks expect numbers around 1."
    dead = sum(layer.dead for layer in signs.body.hidden) if signs.body.finite else 0
    flat = max((layer.flat for layer in signs.body.hidden), default=0.0)
    if dead >= _MANY_DEAD * sum(layer.units for layer in signs.body.hidden) and dead:
        what += f" That may be why {dead:,} hidden unit{'s never fire' if dead > 1 else ' never fires'}."
    elif flat > 0.5:
        what += f" That may be why hidden units are saturated in {flat:.0%} of all cases."
    if constants and len(there) < 200:
        what += f" {constants:,} input{'s never change' if constants > 1 else ' never changes'}."
    return Finding(
        "input_scales",
        what,
        "Bring each column to mean 0 and standard deviation 1, by the training rows; images to 0 to 1.",
        {"size": float(found.overall), "largest": float(found.size[top]), "smallest": float(found.size[low])},
        _LECUN,
        Remedy("scale_inputs"),
    )


def _scaling_helps(signs: Signs) -> bool:
    """Whether the run's own descent does much better with scaled inputs, and as well as with another rate."""
    mine, scaled = signs.over_guess(signs.judged_loss), signs.over_guess(signs.with_scaled_inputs.loss)
    others = [*signs.slower, *signs.faster] if signs.known.recipe.optimizer is not None else [signs.usual]
    return scaled < mine - 0.05 and scaled < signs.over_guess(min(probe.loss for probe in others)) + 0.03


def target_scale(signs: Signs) -> Finding | None:
    """Targets far from the scale 1, or beyond what the last layer can put out."""
    found = signs.target_scales
    if found is None:
        return None
    known = signs.known
    size, spread = float(found.size.max()), float(found.spread.max())
    domain = known.network.layers[-1].activation.range
    y = known.some().y
    margin = 0.05 * spread
    outside = float(((y < domain.low - margin) | (y > domain.high + margin)).mean())
    cure = "Standardise the target (subtract its mean, divide by its deviation) and turn predictions back."
    numbers = {"size": size, "spread": spread, "out_of_reach": outside}
    if outside > 0.02:
        return Finding(
            "target_scale",
            f"{outside:.0%} of the targets are beyond what the last layer's {known.network.layers[-1].activation.name} "
            f"can put out ({domain.name}); they lie between {y.min():.3g} and {y.max():.3g}.",
            "Use identity in the last layer, or bring the targets into that range.",
            numbers,
        )
    odd = size > 10 or size < 0.01 or size > 20 * spread
    if not odd or not (signs.worse_than_simple or size > 1e4):
        return None
    return Finding(
        "target_scale",
        f"Targets are {'small' if size < 0.01 else 'large'}: about {size:.3g} in size with a deviation of "
        f"{spread:.3g}, while a network begins with outputs around 0 to 1.",
        cure,
        numbers,
        _LECUN,
        Remedy("scale_targets"),
    )


def duplicates_across_split(signs: Signs) -> Finding | None:
    """Held-out rows that were trained on as well: they cannot tell how new rows will fare."""
    twins = signs.twins
    if twins is None or twins.share < _TWIN_SHARE or twins.exact + twins.near < _FEWEST_TWINS:
        return None
    if twins.exact > twins.near and twins.exact < 10 * twins.expected + 0.02 * twins.rows:
        return None  # few different rows are possible, so some come twice by chance
    count = twins.exact + twins.near
    how = "exactly" if not twins.near else "all but exactly" if not twins.exact else f"{twins.exact:,} of them exactly"
    says = f"{count:,} of {twins.rows:,} held-out rows ({twins.share:.0%}) stand among the training rows too, {how}"
    if twins.example is not None:
        row, held_out = signs.known.names_of(*twins.example)
        says += f"; for one, held-out row {held_out} is training row {row}"
    says += "."
    if twins.contradicting:
        says += f" {twins.contradicting:,} of them have another label there."
    return Finding(
        "duplicates_across_split",
        says,
        "Remove doubles before dividing the rows, or keep rows of one origin on one side; held-out figures are too "
        "good until then.",
        {"rows": twins.rows, "exact": twins.exact, "near": twins.near, "contradicting": twins.contradicting},
        _KAPOOR,
    )


def leaking_target(signs: Signs) -> Finding | None:
    """One input that by itself all but equals the target, while no other comes near."""
    if not signs.leaks:
        return None
    leak = signs.leaks[0]
    if leak.agreement < _LEAK or leak.others > 0.95:
        return _in_order(signs)
    name = printable(signs.known.feature_names[leak.column])
    told = "gives away the class of" if signs.known.has_classes else "explains"
    of = "all but few rows" if signs.known.has_classes else "of the target's variance"
    figure = f"{leak.agreement:.1%} {of}" if not signs.known.has_classes else of
    return Finding(
        "leaking_target",
        f"The input {name} alone {told} {figure} (agreement {leak.agreement:.3f}; the next best input has "
        f"{leak.others:.2f}). It may be the target in another form.",
        f"Ask whether {name} is known when a prediction is to be made; if not, leave it out and train anew.",
        {"column": leak.column, "name": name, "agreement": leak.agreement, "next": leak.others},
        _KAPOOR,
        Remedy("drop_column"),
    )


def _in_order(signs: Signs) -> Finding | None:
    """Rows sorted by one input are sorted by class, as by the line numbers of a sorted file; others tell less."""
    leak = signs.leaks[0]
    if leak.by_neighbour < _LEAK:
        return None
    others = signs.compared.without(leak.neighbour_column)
    if not 0.15 < others < 0.95:  # the one input that matters among noise, or one of many that tell all
        return None
    name = printable(signs.known.feature_names[leak.neighbour_column])
    return Finding(
        "leaking_target",
        f"The input {name} alone gives away the class of all but few rows: sorted by it, rows stand sorted by class. "
        "It may be a line number, a date or a code that follows the target.",
        f"Ask whether {name} is known when a prediction is to be made; if not, leave it out and train anew.",
        {"column": leak.neighbour_column, "name": name, "agreement": leak.by_neighbour, "next": others},
        _KAPOOR,
        Remedy("drop_column"),
    )
