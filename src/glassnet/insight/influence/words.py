"""What an influence says, in sentences and tables for a terminal; the page takes them from here too."""

from __future__ import annotations

from collections.abc import Sequence

from glassnet.insight.influence.records import Influence, Removal, RowInfluence

_METHODS = {
    "unrolled": "the derivative of the whole run, step by step as the optimizer took them, with Gauss and Newton's "
    "curvature",
    "exact": "the derivative of the whole run, step by step as the optimizer took them, with the whole Hessian",
    "tracin": "TracIn: inner products of gradients, summed over snapshots",
    "last_layer": "TracIn of the last layer's gradients, summed over snapshots",
}


def text(found: Influence, top: int) -> str:
    """Return everything, the `top` rows in either direction."""
    parts = sentences(found)
    for title, rows in sides(found, top):
        parts += ["", title, *_lines(row_table(rows))]
    if found.proof is not None:
        parts += ["", f"Receipts, by retraining {len(found.proof.removals)} times from the same seed:"]
        parts += [*_lines(proof_table(found)), "", *proof_sentences(found)]
    return "\n".join([*parts, "", *notes(found)])


def question(found: Influence) -> str:
    """Return whose error is questioned."""
    asked = found.questioned
    where = {"training": ", trained on", "held out": ", held out", "validation": " of the validation rows", "new": ""}
    name = "The new row" if asked.row is None else f"Row {asked.row:,}{where[asked.part]}"
    if asked.right:
        says = f"{name}: the network answers {asked.prediction}, which is right."
    else:
        says = f"{name}: the network answers {asked.prediction}; the truth is {asked.truth}."
    units = ", in the units the network was trained in, as are all errors here" if found.run.scaled else ""
    return f"{says} Its {found.run.loss} is {number(asked.error)}{units}."


def sentences(found: Influence) -> list[str]:
    """Return what was asked and what all rows together did."""
    run = found.run
    lowered, raised = found.without[found.without > 0], found.without[found.without < 0]
    lines = [question(found)]
    if not len(lowered) and not len(raised):
        lines.append("No training row did anything to that error: it does not react to the weights.")
        return lines
    lines.append(
        f"Of {run.rows:,} training rows {len(lowered):,} lowered that error and {len(raised):,} raised it. Each number "
        "says by how much the error would change, as predicted, had the row not been there."
    )
    return lines


def sides(found: Influence, top: int) -> list[tuple[str, list[RowInfluence]]]:
    """Return both lists with their titles."""
    lowered = int((found.without > 0).sum())
    raised = int((found.without < 0).sum())
    return [
        (f"Helpful: without these the error would be higher ({min(top, lowered)} of {lowered:,})", found.helpful(top)),
        (f"Harmful: without these the error would be lower ({min(top, raised)} of {raised:,})", found.harmful(top)),
    ]


def row_table(rows: Sequence[RowInfluence]) -> list[list[str]]:
    """Return rows, the head first; what matters most stands to the left."""
    head = ["row", "without it", "truth", "answer", "share", "own error"]
    cells = [
        [
            str(each.row),
            f"{each.without:+.4g}",
            each.truth,
            each.prediction,
            f"{each.share:.1%}",
            number(each.error),
        ]
        for each in rows
    ]
    if any(each.itself for each in rows):
        head.append("")
        cells = [[*cell, "the row itself" if each.itself else ""] for cell, each in zip(cells, rows, strict=True)]
    return [head, *cells]


def notes(found: Influence) -> list[str]:
    """Return how it was computed, and what must be known with it."""
    run = found.run
    upto = f"{run.steps:,} steps of {run.optimizer} in {run.epochs:,} epoch{'s' * (run.epochs != 1)}"
    if run.best_epoch is not None:
        upto += f", up to the best epoch, {run.best_epoch}, whose weights the network has"
    lines = [f"Method: {_METHODS[found.method]}; {upto}."]
    if found.method in ("tracin", "last_layer"):
        lines[0] = f"Method: {_METHODS[found.method]} ({run.snapshots} of them, over {upto})."
        if not run.optimizer.startswith("sgd") or "momentum" in run.optimizer:
            lines.append(
                "The formula is derived for plain gradient descent, and this optimizer takes other steps: read the "
                "numbers as a ranking, not as changes of the error."
            )
        if run.dropout:
            lines.append("Gradients are taken without dropout.")
    else:
        lines.append(
            "It is a first-order prediction: of many rows at once, or of one that mattered much, the real change is "
            "often larger where the error grows."
        )
        if run.dropout:
            lines.append("Each row's gradient is the one it had in each step, under that step's dropout.")
        if run.reacts:
            lines.append(
                "The schedule looks at results; that without a row it might lower the rate at another time is not in "
                "the prediction."
            )
    return lines


# --- receipts --------------------------------------------------------------------------------------------------------


def proof_table(found: Influence) -> list[list[str]]:
    """Return the removals, the random ones in one line each, the head first."""
    assert found.proof is not None
    head = ["without", "predicted", "actual", "error then"]
    error = found.questioned.error
    return [head] + [
        [_kind(each, found.proof.count), f"{each.predicted:+.4g}", f"{each.actual:+.4g}", number(error + each.actual)]
        for each in found.proof.removals
    ]


def proof_sentences(found: Influence) -> list[str]:
    """Return what the receipts come to."""
    proof = found.proof
    assert proof is not None
    lines = []
    draws = [abs(each.actual) for each in proof.of("random")]
    typical = sum(draws) / len(draws)
    for kind in ("helpful", "harmful"):
        (each,) = proof.of(kind)
        if typical > 0:
            lines.append(
                f"Without the {proof.count} most {kind} rows the error changed by {each.actual:+.4g}, "
                f"{abs(each.actual) / typical:.3g} times what {proof.count} random rows did on average "
                f"({number(typical)})."
            )
    for kind in ("helpful", "harmful"):
        (each,) = proof.of(kind)
        if each.rank is not None:
            chance = "" if each.chance is None else f" (against what random rows did: {each.chance:+.2f})"
            lines.append(
                f"Rank correlation of predicted and actual change over {each.rows:,} {proof.judged_by}, without the "
                f"most {kind}: {each.rank:+.2f}{chance}."
            )
    count = len(proof.removals)
    if proof.rank is not None:
        alone = (
            ""
            if proof.rank_of_draws is None
            else f"; over the {count - 2} random ones alone {proof.rank_of_draws:+.2f}"
        )
        lines.append(
            f"Rank correlation of predicted and actual change of the questioned error, over all {count} removals: "
            f"{proof.rank:+.2f}{alone}."
        )
    lines.append(
        "Each time the run was taken again from its seed with those rows' weight at zero, every batch and mask "
        "otherwise unchanged; with no row left out it gave the same weights to the last bit."
    )
    return lines


def _kind(each: Removal, count: int) -> str:
    return f"{count} random" if each.kind == "random" else f"{count} most {each.kind}"


def number(value: float) -> str:
    """Return a number in four digits."""
    return f"{value:.4g}"


def _lines(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines, the first column and words to the left."""
    if len(cells) == 1:
        return ["  none"]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    right = [all(is_number(row[i]) for row in cells[1:]) for i in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, which is set to the right."""
    try:
        float(cell.rstrip("%"))
    except ValueError:
        return False
    return True
