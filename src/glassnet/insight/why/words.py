"""What is said of a weight's movement: a sentence, what moved it, which rows, and how the shares are defined."""

from __future__ import annotations

import numpy as np

from glassnet.insight.documents import (
    Block,
    Document,
    Equation,
    Heading,
    Paragraph,
    Table,
    plus,
    products,
    products_of,
    words,
)
from glassnet.insight.why.asking import STEPS_DOWN, STEPS_UP
from glassnet.insight.why.definitions import DELTA_W, definition
from glassnet.insight.why.record import RowPush, StepNumbers, Why
from glassnet.insight.why.tally import (
    CLIPPING,
    CORRECTION,
    DECAY,
    L1,
    L2,
    MEMORY,
    MOMENTUM,
    PLAIN,
    ROUNDING,
    ROWS,
    SCALING,
)
from glassnet.network.dense import Dense

_MOST_CLASSES = 12


def document(found: Why) -> Document:
    """Return everything: the sentence first."""
    blocks: list[Block] = [Paragraph(" ".join(_opening(found)))]
    if not np.diff(found.path).any() and not found.pushes.any():
        return Document(f"Why {found.place} did not move", tuple(blocks))
    blocks += [Heading("What moved it"), _parts(found)]
    if _is_more_than_descent(found):
        blocks += [Heading("What the optimizer made of it"), _stages(found)]
    blocks += _classes(found)
    for rows, way in ((found.up(), "up"), (found.down(), "down")):
        pushed = "pushed" if found.splits else "pulled"
        if rows:
            blocks += [Heading(f"Rows that {pushed} it {way} most"), _rows(found, rows)]
        else:
            blocks.append(Paragraph(f"No row {pushed} it {way}."))
    blocks += [Heading("How this is counted"), *_counting(found)]
    return Document(f"Why {found.place} moved", tuple(blocks))


# --- the first sentences -------------------------------------------------------------------------------------------


def _opening(found: Why) -> list[str]:
    """Return how far it moved and why, in two or three sentences."""
    where = f"{found.place}, {_between(found)},"
    if found.moved == 0:
        lines = [f"{where} is {_number(found.after)} as before {found.span}: what it moved on the way cancels."]
        if not np.diff(found.path).any():
            lines = [f"{where} stayed at {_number(found.after)} {found.span}."]
    else:
        way = "up" if found.moved > 0 else "down"
        ends = f"from {_number(found.before)} to {_number(found.after)}"
        lines = [f"{where} went {way} by {_number(abs(found.moved))}, {ends}, {found.span}."]
    return [*lines, *(_because(found) if found.splits else _because_of_steps(found))]


def _because(found: Why) -> list[str]:
    """Return what the rows did, and what else mattered."""
    if not found.met.any():
        return ["No row with a weight above 0 was met."]
    pushes = found.pushes[found.met > 0]
    up, down = pushes[pushes > 0], pushes[pushes < 0]
    if not len(up) and not len(down):
        said = f"None of the {_count(len(pushes), 'row')} met pushed it: what it listens to was silent, or nothing "
        lines = [f"{said}behind it was to blame."]
    else:
        together = f"The {_count(len(pushes), 'row')} met moved it by {_signed(found.parts[ROWS])} together"
        pushed_up = f"{_count(len(up), 'row')} pushed it up, by {_number(up.sum())}"
        lines = [f"{together}: {pushed_up}, and {_count(len(down), 'row')} down, by {_number(-down.sum())}."]
    others = {name: part for name, part in found.parts.items() if name not in (ROWS, ROUNDING) and part}
    strong = [name for name in sorted(others, key=lambda name: -abs(others[name])) if _matters(found, others[name])]
    if strong:
        lines.append("Besides, " + ", ".join(f"{_CALLED[name]} moved it by {_signed(others[name])}" for name in strong))
        lines[-1] += "."
    return lines


def _matters(found: Why, part: float) -> bool:
    return abs(part) >= 0.1 * max(abs(found.moved), max(map(abs, found.parts.values())))


def _because_of_steps(found: Why) -> list[str]:
    up, down = _number(found.parts[STEPS_UP]), _number(-found.parts[STEPS_DOWN])
    return [f"It took steps up of {up} and down of {down} in all.", definition(found.optimizer).why_not]


def _between(found: Why) -> str:
    """Return what the weight joins."""
    place, net = found.place, found.network
    last = place.k == len(net.layers) - 1
    target = f"output {words(found.class_names[place.neuron])}" if last else f"unit {place.neuron} of layer {place.k}"
    if place.signal is None:
        return f"the bias of {target}"
    before = [k for k in range(place.k) if isinstance(net.layers[k], Dense)]
    if before:
        return f"from unit {place.signal} of layer {before[-1]} to {target}"
    return f"from input {words(found.feature_names[place.signal])} to {target}"


# --- tables --------------------------------------------------------------------------------------------------------

_CALLED = {
    ROWS: "the rows met in these steps",
    MEMORY: "gradients of the steps before, remembered,",
    L1: "the L1 penalty",
    L2: "the L2 penalty",
    DECAY: "weight decay",
    CLIPPING: "clipping",
    STEPS_UP: "steps up",
    STEPS_DOWN: "steps down",
    PLAIN: "the rows, by plain descent",
    MOMENTUM: "momentum",
    SCALING: "adaptive scaling",
    CORRECTION: "bias correction",
}


def _called(found: Why, name: str) -> str:
    if name == ROUNDING:
        return f"rounding of {found.network.dtype.name}"
    if name == CORRECTION and found.optimizer.startswith("radam"):
        return "bias correction and rectification"
    return _CALLED[name].rstrip(",")


def _parts(found: Why) -> Table:
    parts = {name: part for name, part in found.parts.items() if part or name in (ROWS, ROUNDING)}
    return _sum(found, parts, ("part", "moved it by"))


def _stages(found: Why) -> Table:
    stages = {name: part for name, part in found.stages.items() if part or name in (PLAIN, ROUNDING)}
    return _sum(found, stages, ("stage", "changed the movement by"))


def _sum(found: Why, parts: dict[str, float], header: tuple[str, ...]) -> Table:
    rows = [(_called(found, name), _signed(part)) for name, part in parts.items()]
    return Table(header, (*rows, ("sum, as it moved", _signed(found.moved))))


def _is_more_than_descent(found: Why) -> bool:
    return any(found.stages.get(name, 0.0) for name in (MOMENTUM, SCALING, CORRECTION))


def _classes(found: Why) -> list[Block]:
    classes = found.by_class()
    if len(classes) < 2:
        return []
    classes.sort(key=lambda each: -(each[2] - each[3]))
    header = ("class", "rows", "up", "down", "together")
    shown = [
        (words(name), f"{rows:,}", _signed(up), _signed(down), _signed(up + down))
        for name, rows, up, down in classes[:_MOST_CLASSES]
    ]
    left_out = len(classes) - len(shown)
    blocks: list[Block] = [Heading("Rows by class"), Table(header, tuple(shown))]
    if left_out:
        blocks.append(Paragraph(f"Of {len(classes)} classes these {len(shown)} pushed most, up and down."))
    return blocks


def _rows(found: Why, rows: list[RowPush]) -> Table:
    what = "class" if found.has_classes else "target"
    header = ("row", what, "push" if found.splits else "pull", "times met", "signal a", "blame δ")
    cells = [
        (
            f"{each.row}",
            words(each.label) if isinstance(each.label, str) else f"{each.label:.7g}",
            _signed(each.push),
            f"{each.met:,}",
            _number(each.signal),
            _number(each.blame),
        )
        for each in rows
    ]
    return Table(header, tuple(cells), words=2)


# --- definitions ---------------------------------------------------------------------------------------------------


def _counting(found: Why) -> list[Block]:
    """Return what the shares mean, in words and equations, and of one step the numbers."""
    how, one = definition(found.optimizer), found.step
    blocks: list[Block] = [
        Paragraph(
            "A row pushes by its share c in its step's error, times the signal a that the weight carries "
            f"{'(1 for a bias) ' if found.place.signal is None else ''}times the row's own blame δ = ∂E/∂z behind it, "
            "with the step's dropout masks. Signal and blame above are means over the times a row was met."
        )
    ]
    equations = [("g", _slope(found), "of each step"), *how.equations]
    for left, right, remark in equations:
        steps = [right, *([] if one is None else _with_numbers(one, left))]
        blocks.append(Equation(left, tuple(steps), remark if one is None else remark.replace("each", "this")))
    said = [how.words, _of_stages(found)] if _is_more_than_descent(found) else [how.words]
    if any(said):
        blocks.append(Paragraph(" ".join(filter(None, said))))
    if found.splits:
        blocks.append(
            Paragraph(
                "Computed in float64 from the bits that the run had; what the run itself rounded, in "
                f"{found.network.dtype.name}, is a part of its own. The parts sum to the movement."
            )
        )
    if found.clipped_steps and len(found.span) > 1:
        blocks.append(Paragraph(f"Clipping changed this weight's slope in {_count(found.clipped_steps, 'step')}."))
    return blocks


_OF_STAGES = {
    MOMENTUM: "following b in place of g",
    SCALING: "dividing by the size as it is",
    CORRECTION: "correcting for means that began at 0",
}


def _of_stages(found: Why) -> str:
    """Return what the second table means."""
    there = [name for name in (MOMENTUM, SCALING, CORRECTION) if found.stages.get(name)]
    if found.optimizer.startswith("rmsprop"):
        there.reverse()
    told = ", then ".join(f"by {_OF_STAGES[name]} ({_called(found, name)})" for name in there)
    return (
        "The second table is the same movement, taken another way: what plain descent, $-\\eta g$, would have done in "
        f"these steps, and how that is changed {told}."
    )


_TERMS = {
    ROWS: r"\sum c\, a\, \delta",
    L1: r"l_1\, \text{sign}(w)",
    L2: "l_2 w",
    DECAY: r"\lambda w",
    CLIPPING: r"\text{clipping}",
}


def _slope(found: Why) -> str:
    """Return what g is the sum of, in symbols."""
    if found.step is not None:
        return plus([_TERMS[name] for name in found.step.terms])
    there = [name for name in (L1, L2, CLIPPING) if found.parts.get(name)]
    decays = bool(found.parts.get(DECAY)) and definition(found.optimizer).couples_decay
    return plus([_TERMS[name] for name in (ROWS, *there, *([DECAY] if decays else []))])


def _with_numbers(one: StepNumbers, left: str) -> list[str]:
    """Return an equation's right side in numbers, and its result; the printed factors give the printed result."""
    if left == "g":
        terms = [[term] for term in one.terms.values()]
    elif left == "b":
        terms = [[one.keep, one.memory_before], [one.entry, one.slope]]
    elif left == DELTA_W:
        terms = [[-one.direct, one.slope], [-one.lever, one.memory], [-one.shrink, one.weight]]
        terms = [term for term in terms if term[0]] or [[0.0]]
    else:
        return []
    shown, result = products(terms)
    return [products_of(shown), result] if len(terms) > 1 or len(terms[0]) > 1 else [result]


# --- numbers -------------------------------------------------------------------------------------------------------


def _number(value: float) -> str:
    return f"{value:.5g}"


def _signed(value: float) -> str:
    return f"{value:+.5g}" if value else "0"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
