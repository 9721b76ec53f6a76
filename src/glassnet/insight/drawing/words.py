"""What a drawing says in words: figures that add up as printed, facts of a neuron, a summary. No HTML, no SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from glassnet.insight.drawing.records import LINKS, Column, Drawing, Gap, Neuron, Split


def number(value: float) -> str:
    """Return four significant digits, with a true minus sign: screen readers say it, and pass over a hyphen."""
    return f"{value + 0.0:.4g}".replace("-", "−")


def adding_up(parts: Sequence[float], loose: int) -> tuple[list[str], str]:
    """Return parts and their total, rounded to the same place, so that the printed parts add up to the printed total.

    Parameters
    ----------
    parts : sequence of float
    loose : int
        The part that takes what rounding leaves over, at most a few units of the last place printed.

    Examples
    --------
    >>> adding_up([0.33333, 0.33333, 0.33334], loose=2)
    (['0.3333', '0.3333', '0.3334'], '1.0000')
    >>> adding_up([-2.5e-9, 1.25e-9], loose=1)
    (['−2.500e-9', '1.250e-9'], '−1.250e-9')
    >>> adding_up([47.12345, 31588.2], loose=1)
    (['47.12', '31588.20'], '31635.32')
    """
    total = math.fsum(parts)
    sizes = [abs(part) for part in (*parts, total) if part]
    high, low = (math.floor(math.log10(size(sizes, default=1.0))) for size in (max, min))
    scale, unit = (high, f"e{high}") if not -5 < high < 7 else (0, "")
    places = max(0, min(3 - low, 7 - high) + scale)  # four digits of the smallest part, at most eight of the largest
    units = [_scaled(part, places - scale) for part in parts]
    whole = _scaled(total, places - scale)
    units[loose] = whole - (sum(units) - units[loose])

    def shown(value: int) -> str:
        return f"{value / 10**places:.{places}f}{unit}".replace("-", "−", 1 if value < 0 else 0)

    return [shown(value) for value in units], shown(whole)


def _scaled(value: float, places: int) -> int:
    """Return value · 10^places as the nearest whole number."""
    return round(Fraction(value) * Fraction(10) ** places)


def split_in_words(split: Split, band: int) -> str:
    """Return a total with its two parts, or the total alone where there is no band."""
    (drawn, rest), total = adding_up([split.drawn, split.rest], loose=1)
    return f"{total} = {drawn} drawn + {rest} in the band" if band else total


# --- a neuron ---------------------------------------------------------------------------------------------------------


def place_of(column: Column, neuron: Neuron) -> str:
    """Return where a neuron stands: "input 3", "layer 1, neuron 12"."""
    return f"input {neuron.index}" if column.layer is None else f"layer {column.layer}, neuron {neuron.index}"


def facts(drawing: Drawing, c: int, neuron: Neuron) -> list[tuple[str, str]]:
    """Return what there is to say of a neuron, as names and values."""
    column = drawing.columns[c]
    band_in = c > 0 and drawing.gaps[c - 1].count.rest > 0
    band_out = c < len(drawing.gaps) and drawing.gaps[c].count.rest > 0
    told: list[tuple[str, str]] = []
    if column.layer is None:
        told += [] if neuron.a is None else [("x", number(neuron.a))]
    else:
        if neuron.z is not None and neuron.signals is not None:
            told.append(("z (weighted sum)", _sum_of_z(neuron, neuron.signals, band_in)))
        elif neuron.bias is not None:
            told.append(("bias", number(neuron.bias)))
        if neuron.a is not None:
            told.append((f"a = {column.activation}(z)", number(neuron.a)))
        if neuron.slope is not None:
            told.append(("slope g′(z)", number(neuron.slope)))
        elif neuron.z is not None:
            told.append(("slope", f"{column.activation} acts on all neurons together, so there is no single one"))
    if neuron.truth is not None:
        told.append(("truth y", number(neuron.truth)))
    if drawing.training and column.dropout:
        kept = f"kept, output times {number(neuron.keep)}" if neuron.keep else "dropped, output 0"
        told.append((dropout_in_words(column), kept))
    if neuron.blame is not None:
        told.append(("∂E/∂x" if column.layer is None else "blame ∂E/∂z", number(neuron.blame)))
    if neuron.shares is not None:
        what = "shares of blame" if column.layer is None or neuron.slope is not None else "shares of ∂E/∂a"
        told.append((f"{what} sent back to it", split_in_words(neuron.shares, band_out)))
    if neuron.weight_in is not None:
        told.append(("Σ|weight| in", split_in_words(neuron.weight_in, band_in)))
    if neuron.weight_out is not None:
        told.append(("Σ|weight| out", split_in_words(neuron.weight_out, band_out)))
    return told


def _sum_of_z(neuron: Neuron, signals: Split, band: bool) -> str:
    parts, names = [signals.drawn], ["links drawn" if band else "links"]
    if band:
        parts, names = [*parts, signals.rest], [*names, "band"]
    if neuron.bias is not None:
        parts, names = [*parts, neuron.bias], [*names, "bias"]
    shown, total = adding_up(parts, loose=1 if band else 0)
    if len(parts) == 1:
        return total
    return f"{total} = " + " + ".join(f"{value} {name}" for value, name in zip(shown, names, strict=True))


def dropout_in_words(column: Column) -> str:
    """Return the Dropout layers after a column as they are spelled in Python."""
    return ", ".join(f"Dropout({rate:g})" for rate in column.dropout)


# --- the whole --------------------------------------------------------------------------------------------------------


def heading(column: Column, last: bool) -> list[str]:
    """Return up to three short lines that stand over a column."""
    noun = "input" if column.layer is None else "neuron"
    title = "Input layer" if column.layer is None else f"Layer {column.layer}" + (", output" if last else "")
    title = title if column.title is None else column.title
    count = f"{column.units:,} {noun}{'' if column.units == 1 else 's'}"
    lines = [title, count if column.activation is None else f"{count}, {column.activation}"]
    return [*lines, f"then {dropout_in_words(column)}"] if column.dropout else lines


def gap_in_words(gap: Gap) -> tuple[list[str], list[str]]:
    """Return the totals of the links between two columns in short lines: of weights, and of blame."""
    weight = _total_lines("Σ|weight|", gap.count, gap.abs_weight)
    return weight, [] if gap.abs_share is None else _total_lines("Σ|share of blame|", gap.count, gap.abs_share)


def _total_lines(name: str, count: Split, split: Split) -> list[str]:
    (drawn, rest), total = adding_up([split.drawn, split.rest], loose=1)
    if not count.rest:
        return [name, f"{count.total:,.0f} link{'' if count.total == 1 else 's'}: {total}"]
    return [
        name,
        f"{count.drawn:,.0f} drawn: {drawn}",
        f"{count.rest:,.0f} in the band: {rest}",
        f"{count.total:,.0f} in all: {total}",
    ]


def about_dropout(drawing: Drawing) -> str:
    """Say what Dropout layers do in this drawing; empty where there are none."""
    if not any(column.dropout for column in drawing.columns):
        return ""
    if drawing.training:
        return (
            "Dropout is drawn as part of the layer it follows: a dropped neuron is crossed out, sends nothing on and "
            "takes no blame. The masks are those of net.backprop(X, Y, loss, training=True)."
        )
    return "Dropout does nothing outside training and is drawn as part of the layer it follows."


def about_choice(drawing: Drawing) -> str:
    """Say what is left out, and by what measure; empty where everything is drawn."""
    if not any(gap.count.rest for gap in drawing.gaps) and not any(column.rest for column in drawing.columns):
        return ""
    of_inputs = " (of inputs |∂E/∂x|)" if drawing.row is not None else ""
    links = "share of blame" if drawing.row is not None else "|weight|"
    fewer = any(gap.count.drawn == LINKS and gap.count.rest for gap in drawing.gaps)
    strongest = f" (of each layer those with the largest {links})" if fewer else ""
    return (
        f"Of layers too wide to draw, the neurons with the largest {drawing.measure}{of_inputs} are shown, with the "
        f"links between them{strongest}. All other links lie in the grey band, whose width says nothing; its totals "
        "stand below it."
    )


def summary(drawing: Drawing, title: str) -> list[str]:
    """Return the drawing in a few lines, for a terminal and as the picture's text alternative."""
    sizes = " → ".join(f"{column.units:,}" for column in drawing.columns)
    lines = [f"{title}: {sizes}."]
    if drawing.row is not None and drawing.loss is not None:
        lines.append(f"Row {drawing.row}: error E = {number(drawing.loss)} ({drawing.loss_name}).")
    for c, column in enumerate(drawing.columns):
        says = ", ".join(heading(column, c == len(drawing.columns) - 1))
        if column.rest:
            says += f"; {len(column.neurons)} drawn, {column.rest:,} in the band"
        if column.abs_blame is not None:
            name = "Σ|∂E/∂x|" if column.layer is None else "Σ|blame|"
            says += f"; {name} {split_in_words(column.abs_blame, column.rest)}"
        lines.append(f"{says}.")
        if c < len(drawing.gaps):
            weight, blame = gap_in_words(drawing.gaps[c])
            lines += [f"  Links: {part[0]} of {', '.join(part[1:])}." for part in (weight, blame) if part]
    return lines + [text for text in (about_choice(drawing), about_dropout(drawing)) if text]
