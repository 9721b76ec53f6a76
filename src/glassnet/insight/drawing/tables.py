"""The numbers of a drawing as HTML tables, for those who do not see it or want to reckon."""

from __future__ import annotations

from collections.abc import Sequence

from glassnet.insight.drawing.records import Column, Drawing, Gap, Link
from glassnet.insight.drawing.words import adding_up, heading, number
from glassnet.insight.pages import escape, scrolling


def tables(drawing: Drawing) -> str:
    """Return all numbers: a table of neurons for each column, then a table of links for each gap."""
    last = len(drawing.columns) - 1
    parts = [_neurons(drawing, column, c == last) for c, column in enumerate(drawing.columns)]
    parts += [_links(drawing, c, gap) for c, gap in enumerate(drawing.gaps)]
    return (
        '<details><summary>The numbers as tables</summary>\n<p class="faint">Four significant digits here; '
        "Look.to_dict() and glassnet look --json have every digit.</p>\n" + "".join(parts) + "</details>\n"
    )


def _table(caption: str, head: Sequence[str], rows: list[str]) -> str:
    cells = "".join(f'<th scope="col"{_class(n)}>{escape(name)}</th>' for n, name in enumerate(head))
    body = "\n".join(rows)
    return scrolling(
        caption,
        f"<table><caption>{escape(caption)}</caption>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n{body}\n"
        "</tbody></table>",
    )


def _class(n: int) -> str:
    return ' class="number"' if n else ""


def _row(name: str, values: Sequence[str]) -> str:
    cells = "".join(f'<td class="number">{value}</td>' for value in values)
    return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'


def _cell(value: float | None) -> str:
    return "" if value is None else number(value)


def _neurons(drawing: Drawing, column: Column, last: bool) -> str:
    told = drawing.row is not None
    is_input = column.layer is None
    head, of = ["bias"] if not is_input else [], []
    of = [] if is_input else [[_cell(neuron.bias)] for neuron in column.neurons]
    of = of or [[] for _ in column.neurons]
    if told:
        head += ["x", "∂E/∂x"] if is_input else ["z", "a", "slope g′(z)", "blame ∂E/∂z"]
        for row, n in zip(of, column.neurons, strict=True):
            row += [_cell(v) for v in ((n.a, n.blame) if is_input else (n.z, n.a, n.slope, n.blame))]
        if drawing.training and column.dropout:
            head.append("Dropout times")
            for row, n in zip(of, column.neurons, strict=True):
                row.append(number(n.keep))
        if last:
            head.append("truth y")
            for row, n in zip(of, column.neurons, strict=True):
                row.append(_cell(n.truth))
    sides = [("Σ|weight| in", "weight_in"), ("Σ|weight| out", "weight_out")]
    for name, field in sides:
        splits = [getattr(neuron, field) for neuron in column.neurons]
        if splits and splits[0] is not None:
            head.append(name)
            for row, split in zip(of, splits, strict=True):
                row.append(number(split.total))
    rows = [_row(n.name, values) for n, values in zip(column.neurons, of, strict=True)]
    caption = ", ".join(heading(column, last))
    if column.abs_blame is not None:
        name = "Σ|∂E/∂x|" if is_input else "Σ|blame|"
        (drawn, rest), total = adding_up([column.abs_blame.drawn, column.abs_blame.rest], loose=1)
        parts = (
            f" = {drawn} of the {len(column.neurons)} listed + {rest} of {column.rest:,} others" if column.rest else ""
        )
        caption += f"; {name} {total}{parts}"
    elif column.rest:
        caption += f"; {len(column.neurons)} listed, {column.rest:,} not"
    return _table(caption, ["name", *head], rows)


def _links(drawing: Drawing, c: int, gap: Gap) -> str:
    sources = {-1: "always on (bias)", **{n.index: n.name for n in drawing.columns[c].neurons}}
    targets = {n.index: n.name for n in drawing.columns[c + 1].neurons}
    told = drawing.row is not None
    rows = [_link(link, sources, targets, told) for link in (*gap.links, *gap.biases)]
    totals = [
        ("drawn", gap.count.drawn),
        ("in the band", gap.count.rest),
        ("all links, biases left out", gap.count.total),
    ]
    weights = _three(gap.abs_weight.drawn, gap.abs_weight.rest)
    shares = ["", "", ""] if gap.abs_share is None else _three(gap.abs_share.drawn, gap.abs_share.rest)
    for (name, count), weight, share in zip(totals, weights, shares, strict=True):
        rows.append(
            _row(f"{count:,.0f} {name}", ["", f"Σ|weight| {weight}", *([f"Σ|share| {share}", ""] if told else [])])
        )
    caption = f"Links into layer {gap.layer}"
    return _table(caption, ["from", "to", "weight", *(["share of blame", "gradient ∂E/∂weight"] if told else [])], rows)


def _three(drawn: float, rest: float) -> list[str]:
    parts, total = adding_up([drawn, rest], loose=1)
    return [*parts, total]


def _link(link: Link, sources: dict[int, str], targets: dict[int, str], told: bool) -> str:
    values = [
        escape(targets[link.target]),
        number(link.weight),
        *([_cell(link.share), _cell(link.gradient)] if told else []),
    ]
    return _row(sources[link.source], values)
