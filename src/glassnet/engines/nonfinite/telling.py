"""The words of a story: one paragraph for the error, and the whole for a terminal, most useful first."""

from __future__ import annotations

import math

from glassnet.engines.nonfinite.place import KEPT
from glassnet.engines.nonfinite.story import Cause, Check, Factor, Link, Moment, Story, number

_MOST_LINKS = 12
_LONG = 1e4  # a gradient that no usual learning rate fits


def message(story: Story) -> str:
    """Return where, why, and what to do, in one paragraph."""
    why, cure = cause_in_words(story)
    return f"{story.place} {why} {KEPT} {cure}"


def text(story: Story) -> str:
    """Return the story for a terminal."""
    why, cure = cause_in_words(story)
    place = story.place.replace(f"step {story.step}", f"step {story.step} (epoch {story.epoch})", 1)
    lines = [place, f"Cause: {why}", f"Cure:  {cure}", ""]
    lines += ["How it came to that:", *_table(story.moments)]
    if len(story.moments) == 1 and story.step > 0 and story.moved:
        lines.append("  (The steps before cannot be told: the weights were moved by somebody else between them.)")
    elif len(story.moments) == 1 and story.step > 0:
        lines.append("  (The steps before were not taken again.)")
    if story.chain:
        lines += ["", f"Inside step {story.step}, from there back to where it came from:"]
        shown = story.chain[:_MOST_LINKS]
        lines += [f"  {_link(link)}" for link in shown]
        if len(story.chain) > len(shown):
            lines.append(f"  and {len(story.chain) - len(shown)} more")
    if story.checks:
        lines += ["", "What was tried:", *(f"  {_check(check)}" for check in story.checks)]
    return "\n".join(lines)


# --- the cause ---------------------------------------------------------------------------------------------------


def cause_in_words(story: Story) -> tuple[str, str]:
    """Return why, and what to do."""
    return (_WORDS.get(story.cause.kind, _unknown) if story.finished else _unfinished)(story, story.cause)


def _of_one_row(story: Story, cause: Cause) -> tuple[str, str]:
    where = {
        "input": f"x[{cause.column}] = {number(cause.value)}",
        "target": f"the truth {number(cause.value)} for output {cause.column}",
        "sample_weight": f"the weight {number(cause.value)}",
    }[cause.kind]
    among = "" if not cause.more else f", and {cause.more} more such in the row"
    among += "" if cause.rows < 2 else f", and {cause.rows - 1} more rows hold such numbers"
    without = "without it" if cause.rows < 2 else "without them"
    usual = f"where about {number(cause.usual)} is usual"
    why = f"Row {cause.row} has {where}, {usual}{among}; {without} the step is finite."
    what = {"input": "the number", "target": "the truth", "sample_weight": "the weight"}[cause.kind]
    more = ", or clip the column to what is usual" if cause.kind == "input" else ""
    return why, f"Correct {what}, or leave the row out{more}."


def _rate(story: Story, cause: Cause) -> tuple[str, str]:
    rate = cause.value or 0.0
    start, now = cause.growth or (math.nan, math.nan)
    if now > 2 * start:
        why = f"The steps are too large: the largest weight went from {number(start)} to {number(now)}"
    else:
        why = "The step is too large: the update itself is more than numbers can hold"
        if story.quantity != "theta":
            why = "Training moved the weights to where it overflows"
    why += f" at the learning rate {number(rate)}."
    if story.optimizer.startswith("lbfgs"):
        return why, "Try another optimizer, such as adam, or inputs on a smaller scale."
    calm = [m for m in story.moments if m.largest_weight <= 10 * max(start, 1.0)]
    if calm and calm[0].gradient >= _LONG:
        length = number(calm[0].gradient)
        why += f" The gradient was {length} long in step {calm[0].step}, before the weights had grown."
    scale = ""
    if cause.usual is not None:
        why += f" The inputs are large: about {number(cause.usual)} is usual in x[{cause.column}]."
        scale = ", or inputs brought to about 1"
    if cause.slower == 0:
        return why, f"No plain learning rate helps here; try clip_norm=1.0{scale}, or activations that grow less."
    factor = 0.1 if cause.slower is None else cause.slower
    slower = f"a learning rate of {number(rate * factor)}"
    if len({moment.learning_rate for moment in story.moments}) > 1:  # a schedule moves it
        slower = f"learning rates {number(1 / factor)} times smaller"
    if cause.slower is None:
        return why, f"Try {slower} or less, or clip_norm=1.0{scale}."
    steps = next(check.last + 1 - check.first for check in story.checks if check.otherwise.endswith("learning rate"))
    return why, f"Try {slower}, at which the first {steps} steps stay finite, or clip_norm=1.0{scale}."


def _start(story: Story, cause: Cause) -> tuple[str, str]:
    why = (
        f"The weights were as large as {number(cause.value)} ({cause.name}) when training began; "
        "with weights drawn anew the step is finite."
    )
    return why, "Draw them anew with net.initialize(seed), or set smaller ones."


def _moved(story: Story, cause: Cause) -> tuple[str, str]:
    why = "The weights are not what the steps made of them: a callback or another call set them between steps."
    start, now = cause.growth or (math.nan, math.nan)
    if now > 2 * start:
        why += f" The largest weight went from {number(start)} to {number(now)}."
    by_themselves = [check for check in story.checks if check.otherwise.endswith("by themselves")]
    if by_themselves and by_themselves[0].finite:
        why += " By themselves the steps stay finite."
    return why, "Look at what sets the weights while training goes on: train without it, or set smaller ones."


def _weights(story: Story, cause: Cause) -> tuple[str, str]:
    more = "" if cause.rows < 2 else f", and {cause.rows - 1} more were not finite"
    why = f"{cause.name} was {number(cause.value)} before the step{more}: it was set so, and not by training."
    return why, "Set finite weights, or draw them anew with net.initialize(seed)."


def _formula(story: Story, cause: Cause) -> tuple[str, str]:
    why = f"The {cause.name} is not finite at the ordinary number {number(cause.value)}."
    start, now = cause.growth or (math.nan, math.nan)
    if now > 10 * max(start, 1.0):
        why += f" The weights had grown as well, from {number(start)} to {number(now)}."
    if cause.name.startswith("loss") or cause.name.startswith("slope of the loss"):
        return why, "Use an activation in the last layer that the loss can read, or mend the loss if it is yours."
    return why, "Mend the formula, so that it is finite for every z, or use another."


def _activation(story: Story, cause: Cause) -> tuple[str, str]:
    made = [link for link in story.chain if link.what.startswith("a of") and link.formula == f"{cause.name} of"]
    why = f"{cause.name} grows too fast for its inputs."
    if made:
        z = number(made[0].parts[0][0].value)
        what = made[0].what.removeprefix("a of ")
        why = f"{cause.name} of {z}, in {what}, is more than {story.dtype} holds."
        if math.isfinite(made[0].value):
            value = number(made[0].value)
            why = f"{cause.name} made {value} of {z} in {what}; what follows is more than {story.dtype} holds."
    return why, f"Use an activation that grows less than {cause.name}, smaller weights to begin with or smaller inputs."


def _inputs(story: Story, cause: Cause) -> tuple[str, str]:
    usual = f"about {number(cause.usual)} is usual in x[{cause.column}]"
    why = f"The inputs are large: {usual}; divided by that, the step is finite."
    return why, "Bring every column to about 1, for example by its mean and standard deviation."


def _targets(story: Story, cause: Cause) -> tuple[str, str]:
    why = f"The targets are large: about {number(cause.usual)} is usual; divided by that, the step is finite."
    return why, "Bring them to about 1, for example by their mean and standard deviation."


def _sample_weights(story: Story, cause: Cause) -> tuple[str, str]:
    why = f"The weights of the rows are large: about {number(cause.usual)} is usual; at 1 the step is finite."
    return why, "Divide them by their mean, or use reduction='mean'."


def _penalty(story: Story, cause: Cause) -> tuple[str, str]:
    why = f"The penalty on the weights overflows, at {cause.name}={number(cause.value)}."
    return why, f"Use a far smaller {cause.name}."


def _blame(story: Story, cause: Cause) -> tuple[str, str]:
    why = f"The blame of row {cause.row} grew beyond what {story.dtype} holds on its way back."
    return why, (
        "Use activations whose slope is bounded, such as tanh or relu, smaller weights to begin with or smaller inputs."
    )


def _float32(story: Story, cause: Cause) -> tuple[str, str]:
    return "It is too large for float32 alone; float64 holds it.", "Use dtype='float64', or numbers on a smaller scale."


def _unknown(story: Story, cause: Cause) -> tuple[str, str]:
    why = "What brought it about cannot be told for sure."
    return why, "Try a smaller learning rate, clip_norm=1.0, or inputs on a smaller scale."


def _unfinished(story: Story, cause: Cause) -> tuple[str, str]:
    start, now = cause.growth or (math.nan, math.nan)
    grown = f"The largest weight went from {number(start)} to {number(now)}. " if now > 10 * max(start, 1.0) else ""
    why = f"{grown}The cause was not looked for to the end: that takes too long, or was interrupted."
    return why, _unknown(story, cause)[1]


_WORDS = {
    "input": _of_one_row,
    "target": _of_one_row,
    "sample_weight": _of_one_row,
    "rate": _rate,
    "start": _start,
    "moved": _moved,
    "weights": _weights,
    "formula": _formula,
    "activation": _activation,
    "inputs": _inputs,
    "targets": _targets,
    "sample_weights": _sample_weights,
    "penalty": _penalty,
    "blame": _blame,
    "float32": _float32,
}


# --- the rest ----------------------------------------------------------------------------------------------------


def _table(moments: tuple[Moment, ...]) -> list[str]:
    head = ("step", "epoch", "loss", "rate", "largest weight", "", "gradient", "largest z", "")
    rows = [
        (
            str(m.step),
            str(m.epoch),
            number(m.loss),
            number(m.learning_rate),
            number(m.largest_weight),
            m.weight,
            number(m.gradient),
            number(m.largest_z),
            f"layer {m.z_layer}, neuron {m.z_unit}, row {m.z_row}",
        )
        for m in moments
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    left = (5, 8)
    lines = []
    for row in (head, *rows):
        cells = enumerate(zip(row, widths, strict=True))
        lines.append("  " + "  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in cells).rstrip())
    return lines


def _link(link: Link) -> str:
    product = [" · ".join(_factor(factor) for factor in part) for part in link.parts]
    sizes = [math.prod(factor.value for factor in part) for part in link.parts]
    words = [
        f"{words} = {number(size)}" if len(part) > 1 else words
        for words, size, part in zip(product, sizes, link.parts, strict=True)
    ]
    joined = " " + ", ".join(words)
    if "sum" in link.formula:
        joined = ", the largest" + "".join(f"\n      {one}" for one in words)
    of = "" if link.row is None else f" (row {link.row})"
    value = "" if math.isnan(link.value) and link.formula.startswith("the update") else f" = {number(link.value)}"
    return f"{link.what}{value}{of}: {link.formula}{joined}"


def _factor(factor: Factor) -> str:
    began = "" if number(factor.start) in ("", number(factor.value)) else f", {number(factor.start)} at the start"
    return f"{number(factor.value)} ({factor.what}{began})"


def _check(check: Check) -> str:
    steps = f"step {check.first}" if check.first == check.last else f"steps {check.first} to {check.last}"
    stay = "stays" if check.first == check.last else "stay"
    if not check.finite:
        return f"{check.otherwise}: {steps} still not finite"
    return f"{check.otherwise}: {steps} {stay} finite{', but the weights grow all the same' if check.grows else ''}"
