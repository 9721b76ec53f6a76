"""What was found, in lines for a terminal. It reads records and computes nothing but what to leave out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.insight.features.records import Features, HiddenLayer, LayerLinks, Unit

_FEW, _MANY_CLASSES, _UNITS_OF_A_CLASS = 6, 12, 10


def lead(found: Features) -> str:
    """Return of which network and rows this is, and what was left out."""
    rows = f"{found.rows:,} rows"
    if found.rows < found.rows_given:
        rows = f"{found.rows:,} of {found.rows_given:,} rows, drawn at random (seed {found.seed})"
    compared = {
        "classes": "",
        "predicted classes": " No classes were given; those that the network predicts stand in for them.",
        "numbers": "",
        "predicted numbers": " No truth was given; the network's predictions stand in for it.",
    }[found.truth]
    if found.effect_rows < found.rows and any(unit.heard_by != found.output_layer for unit in found.units):
        compared += f" Effects of layers before the last hidden one are means over {found.effect_rows:,} of these rows."
    return f"{counted(len(found.units), 'hidden unit')} of the network {found.net}, over {rows}.{compared}"


def layer_line(found: Features, layer: HiddenLayer) -> str:
    """Return a hidden layer in a sentence or two."""
    troubles = [
        f"{len(which):,} {says} ({listed([f'{layer.layer}:{i}' for i in which])})"
        for which, says in (
            (layer.dead, "dead, never active"),
            (layer.constant, "constant"),
            (layer.saturated, "saturated"),
        )
        if which
    ]
    state = "; ".join(troubles) if troubles else "none dead, constant or saturated"
    alike = f"None says the same as another (|correlation| above {found.alike_above:g})."
    if layer.alike:
        groups = listed([" = ".join(f"{layer.layer}:{i}" for i in group[:_FEW]) for group in layer.alike], 4)
        alike = (
            f"{counted(len(layer.alike), 'group')} of units that say the same "
            f"(|correlation| above {found.alike_above:g}): {groups}."
        )
    return f"Layer {layer.layer}, {counted(layer.units, layer.activation + ' unit')}: {state}. {alike}"


def links_line(links: LayerLinks) -> str:
    """Return what one layer's links tell of firing and wiring."""
    if not np.isfinite(links.rank_correlation):
        return f"Into layer {links.layer}: {links.links:,} links, too few of them with two ends that move to compare."
    rest = links.links - links.compared
    left = f"; {rest:,} more have an end that never moves" if rest else ""
    return (
        f"Into layer {links.layer}: rank correlation {links.rank_correlation:+.2f} between the weight of a link and "
        f"the correlation of its two ends' activities, over {links.compared:,} links{left}."
    )


def overview(found: Features) -> str:
    """Return the summary: layers, links, and which units tell which class."""
    lines = [lead(found), ""]
    lines += [layer_line(found, layer) for layer in found.layers]
    lines += ["", "What fires together:"]
    lines += [f"  {links_line(links)}" for links in found.links]
    lines.append("")
    if found.classes:
        width = max(map(len, found.classes[:_MANY_CLASSES]))
        lines.append("Which units see which class (AUROC: 1 tells it always from the rest, 0.5 like a coin):")
        for c, name in enumerate(found.classes[:_MANY_CLASSES]):
            best = found.seeing(name)[:3]
            told = "  ".join(f"{unit.name} {unit.auroc[c]:.3f}" for unit in best) or "no row of this class, or no unit"
            lines.append(f"  {name.ljust(width)}  {told}")
        if len(found.classes) > _MANY_CLASSES:
            lines.append(f"  … and {counted(len(found.classes) - _MANY_CLASSES, 'more class', 'more classes')}")
    else:
        lines.append("Units whose activity goes with the truth (correlation):")
        for p, name in enumerate(found.outputs[:_MANY_CLASSES]):
            usable = [unit for unit in found.units if np.isfinite(unit.truth_correlation[p])]
            nearest = sorted(usable, key=lambda unit: -abs(unit.truth_correlation[p]))[:3]
            told = "  ".join(f"{unit.name} {unit.truth_correlation[p]:+.3f}" for unit in nearest) or "no unit moves"
            lines.append(f"  {name}  {told}")
    return "\n".join(lines)


def about_class(found: Features, c: int) -> str:
    """Return which neurons see a class, and which fall silent for it."""
    name, units = found.classes[c], found.seeing(found.classes[c])
    lines = [lead(found), f"{counted(found.class_counts[c], 'row')} of the class {name}.", ""]
    if not units:
        return "\n".join([*lines, f"Nothing can be said of {name}: it has no rows, or all of them, or no unit moves."])
    shown = units[:_UNITS_OF_A_CLASS]
    lines.append(f"Units whose activity tells {name} from the rest best, {len(shown)} of {len(units):,} that move:")
    lines += _class_table(found, c, shown)
    silent = [unit for unit in reversed(units) if unit.auroc[c] < 0.5][: _UNITS_OF_A_CLASS // 2]
    if silent:
        lines += ["", f"Units that fall silent for {name}:", *_class_table(found, c, silent)]
    lines += [
        "",
        "AUROC is the chance that a row of the class excites the unit more than a row of the rest. Effect is the mean",
        "over all rows of a · ∂z/∂a, with z the output's sum before its activation.",
    ]
    return "\n".join(lines)


def _class_table(found: Features, c: int, units: Sequence[Unit]) -> list[str]:
    name = found.classes[c]
    inside = found.class_counts[c]
    lines = [f"  {'unit':>8}  {'AUROC':>6}  {'mean for it':>11}  {'for the rest':>12}  {'effect':>8}  tells best"]
    for unit in units:
        rest = (unit.mean * found.rows - unit.class_means[c] * inside) / max(found.rows - inside, 1)
        best = name if unit.sees is None else found.classes[unit.sees]
        lines.append(
            f"  {unit.name:>8}  {unit.auroc[c]:6.3f}  {unit.class_means[c]:11.4g}  {rest:12.4g}  "
            f"{found.effect_on(unit, c):+8.3f}  {best}"
        )
    return lines


def about_unit(found: Features, unit: Unit) -> str:
    """Return one unit in full, but for its pictures."""
    lines = [lead(found), "", f"Unit {unit.name}, {unit.activation}. {state_line(unit)}".rstrip()]
    lines.append(
        f"Activity: mean {unit.mean:.4g}, deviation {unit.deviation:.4g}, from {unit.lowest:.4g} to "
        f"{unit.highest:.4g}; above 0 at {unit.active:.1%} of the rows."
    )
    if unit.same_as:
        lines.append(f"Says the same as {listed(unit.same_as)}.")
    if len(unit.rows):
        pairs = zip(unit.rows, unit.answers, unit.activities, strict=True)
        told = ", ".join(f"{row} ({answer}, {a:.3g})" for row, answer, a in pairs)
        lines += ["", f"Rows of X it answers to most, from 0 (truth, activity): {told}."]
    lines += ["", *_told(found, unit)]
    lines += ["", f"{direction_says(unit)}; the largest:"]
    lines += [f"  {found.inputs[j]}  {unit.direction[j]:+.4g}" for j in largest(unit.direction, _FEW)]
    lines += ["", best_says(unit), "", "Strongest links (weight, correlation of the two ends):"]
    for title, w, r, names in (
        ("from", unit.weights, unit.incoming_correlation, incoming_names(found, unit)),
        ("to", unit.outgoing_weights, unit.outgoing_correlation, outgoing_names(found, unit)),
    ):
        lines += [f"  {title:>4} {names[j]}  {w[j]:+.4g}  {number(r[j])}" for j in largest(w, _FEW)]
    return "\n".join(lines)


def _told(found: Features, unit: Unit) -> list[str]:
    if not found.classes:
        lines = ["Output, correlation of its activity with the truth, effect:"]
        told = zip(found.outputs, unit.truth_correlation, unit.effect, strict=True)
        return lines + [f"  {name}  {number(r)}  {effect:+.3f}" for name, r, effect in list(told)[:_MANY_CLASSES]]
    lines = [f"Selectivity {number(unit.selectivity, '.3f')}. Class, mean activity, AUROC, effect:"]
    width = max(map(len, found.classes))
    order = np.argsort(-np.nan_to_num(unit.auroc, nan=-1.0), kind="stable")[:_MANY_CLASSES]
    for c in order.tolist():
        mean, area = number(unit.class_means[c], "10.4g"), number(unit.auroc[c], ".3f")
        lines.append(f"  {found.classes[c].ljust(width)}  {mean}  {area}  {found.effect_on(unit, c):+.3f}")
    if len(found.classes) > _MANY_CLASSES:
        lines.append(f"  … and {counted(len(found.classes) - _MANY_CLASSES, 'more class', 'more classes')}")
    return lines


# --- sentences that the page says as well ---------------------------------------------------------------------------


def state_line(unit: Unit) -> str:
    """Return what state a unit is in."""
    return {
        "works": "",
        "dead": "Dead: its activity is 0 at every row, so it passes no signal and, with ReLU, no blame.",
        "constant": "Constant: the same activity at every row, as a bias would give.",
        "saturated": "Saturated: at 95 % of the rows or more its slope is under a hundredth of the steepest.",
    }[unit.state]


def direction_says(unit: Unit) -> str:
    """Return what `direction` is, for this unit."""
    if unit.hears is None:
        return "Incoming weights"
    return "Mean of ∂z/∂x over the rows with its largest z (not weights: its weights come from the layer before)"


def best_says(unit: Unit) -> str:
    """Return what `best_input` reaches, and how sure that is."""
    how = (
        "Its best input" if unit.hears is None else "The best input that ascent finds"
    ) + " within the data's range, no further from the mean row than half of the rows are"
    return f"{how}: z = {unit.best_z:.4g}; the highest z at any row is {unit.highest_z:.4g}."


def incoming_names(found: Features, unit: Unit) -> Sequence[str]:
    """Return what the other ends of a unit's incoming links are called."""
    return found.inputs if unit.hears is None else [f"{unit.hears}:{i}" for i in range(len(unit.weights))]


def outgoing_names(found: Features, unit: Unit) -> Sequence[str]:
    """Return what the other ends of a unit's outgoing links are called."""
    if unit.heard_by == found.output_layer:
        return [f"output {name}" for name in found.outputs]
    return [f"{unit.heard_by}:{i}" for i in range(len(unit.outgoing_weights))]


def largest(values: np.ndarray, count: int) -> list[int]:
    """Return the places of the largest |values|, the largest first."""
    order: list[int] = np.argsort(-np.abs(values), kind="stable")[:count].tolist()
    return order


def number(value: float, form: str = "+.3f") -> str:
    """Return a number, or a dash where there is none."""
    return format(float(value), form) if np.isfinite(value) else "–"


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return "1 unit", "2 units"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: Sequence[str], few: int = _FEW) -> str:
    """Return names with commas, and how many more there are."""
    more = f", and {len(names) - few:,} more" if len(names) > few else ""
    return ", ".join(names[:few]) + more
