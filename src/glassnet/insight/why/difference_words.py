"""What is said of two runs: the step in which they part, then the settings and layers that differ."""

from __future__ import annotations

from dataclasses import replace

from glassnet.insight.documents import Block, Document, Heading, Paragraph, Table, words
from glassnet.insight.why.difference import (
    BETWEEN,
    ELSEWHERE,
    SAME,
    START,
    STEP,
    UNKNOWN,
    UNLIKE,
    Diff,
    WeightDifference,
)

_WIDTH, _NAME = 100, 34


def document(found: Diff) -> Document:
    """Return everything: the sentence first. Names of runs are cut from the left where they are long."""
    found = replace(found, names=_brief(found.names))
    blocks: list[Block] = [Paragraph(" ".join(map(words, _opening(found))))]
    if found.causes:
        blocks.append(Paragraph(" ".join(map(words, found.causes))))
    if found.remark:
        missing = "" if found.outcome == ELSEWHERE else "No more is known, for a run is taken again with its rows. "
        blocks.append(Paragraph(words(missing + found.remark)))
    if found.settings:
        blocks += [Heading("What differed beforehand"), *_settings(found)]
    else:
        blocks.append(Paragraph("All recorded settings are the same, and so are the rows."))
    if found.layers:
        layers = tuple(
            (
                f"{each.layer}",
                words(_cut(each.called)),
                f"{each.differ:,} of {each.parameters:,}",
                f"{each.largest:.4g}",
            )
            for each in found.layers
        )
        blocks += [Heading("Weights that differ"), Table(("layer", "", "differ", "by at most"), layers, words=2)]
    return Document(words(f"{found.names[0]} and {found.names[1]}"), tuple(blocks))


def _settings(found: Diff) -> list[Block]:
    """Return a table of the settings; those that are too long for it, as sentences."""
    cells = [(each.name, each.a, each.b) for each in found.settings]
    first = max(len(name) for name, _, _ in cells)
    most = (_WIDTH - 6 - first) // 2
    short = [cell for cell in cells if max(len(cell[1]), len(cell[2])) <= most]
    blocks: list[Block] = []
    if short:
        rows = tuple((words(name), words(a), words(b)) for name, a, b in short)
        blocks.append(Table(("setting", *map(words, found.names)), rows, words=3))
    (ours, theirs) = found.names
    blocks += [
        Paragraph(words(f"{name}: {a} in {ours}; {b} in {theirs}."))
        for name, a, b in cells
        if (name, a, b) not in short
    ]
    return blocks


def _brief(names: tuple[str, str]) -> tuple[str, str]:
    """Return names of runs that fit beside each other: the ends of paths, unless these are the same."""
    if max(map(len, names)) <= _NAME:
        return names
    a, b = (_tail(name, _NAME) for name in names)
    if a != b:
        return a, b
    first, second = "the first, ", "the second, "
    return first + _tail(names[0], _NAME - len(first)), second + _tail(names[1], _NAME - len(second))


def _tail(text: str, length: int) -> str:
    return text if len(text) <= length else "…" + text[1 - length :]


def _cut(text: str, length: int = 50) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _opening(found: Diff) -> list[str]:
    """Return where the runs part, in a few sentences."""
    a, b = found.names
    if found.outcome == UNLIKE:
        return [f"{a} and {b} have no common weight: their networks are built differently."]
    if found.outcome == SAME:
        return _same(found)
    if found.outcome == UNKNOWN:
        until = f"through step {found.same_until - 1}" if found.same_until else "in what they began with"
        return [
            f"As far as their snapshots tell, they are the same to the last bit {until}; after that they do not tell."
        ]
    if found.outcome == START:
        return ["They part before the first step: they began with other weights.", *_weights(found)]
    if found.outcome == STEP:
        until = "all steps before it left" if found.step else "both began with"
        return [f"They part in step {found.step}, of epoch {found.epoch}: {until} the same bits.", *_weights(found)]
    span = f"after step {found.same_until - 1}" if found.same_until else "in the beginning"
    after = f"after step {(found.until or 0) - 1}"
    if found.outcome == BETWEEN:
        said = f"They part between two snapshots: {span} their bits are the same, and {after} they are not."
        return [said, *_weights(found)]
    said = f"Taken again here, both take the same steps, though what they left {after} differs"
    elsewhere = "they were made on machines, or by versions of glassnet, that compute differently"
    return [f"{said}: {elsewhere}.", *_weights(found)]


def _same(found: Diff) -> list[str]:
    """Return how far two runs are the same."""
    (a, b), (n, m) = found.names, found.steps
    if n == m:
        return [
            f"They are the same to the last bit, all {n:,} steps." if n else "They are the same; neither took a step."
        ]
    shorter, longer = (a, b) if n < m else (b, a)
    until = (
        f"through step {min(n, m) - 1}, where {shorter} ended" if min(n, m) else f"to begin with; {shorter} ended there"
    )
    return [f"They are the same to the last bit {until}; {longer} went on to step {max(n, m) - 1}."]


def _weights(found: Diff) -> list[str]:
    if found.largest is None or found.first is None:
        return []
    lines = [f"The largest difference is in {_weight(found.largest)}."]
    if found.first != found.largest:
        lines.append(f"The first weight that differs, in the order of the layers, is {_weight(found.first)}.")
    return lines


def _weight(each: WeightDifference) -> str:
    return f"{each.name} of layer {each.layer}: {each.a:.8g} and {each.b:.8g}, {abs(each.difference):.3g} apart"
