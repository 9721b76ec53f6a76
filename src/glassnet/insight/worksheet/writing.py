"""A worksheet as a document: the exercise with its blanks, a page break, the solution."""

from __future__ import annotations

from decimal import Decimal

from glassnet.insight.documents import Block, Document, Equation, Heading, PageBreak, Paragraph, Table
from glassnet.insight.worksheet.answers import BLAME, ERROR, FORWARD, GRADIENT, UPDATE, Answer
from glassnet.insight.worksheet.arithmetic import DIGITS, round_to, shown, steps
from glassnet.insight.worksheet.exercise import CROSS_ENTROPY, Exercise, Plan
from glassnet.insight.worksheet.solving import needs_slope
from glassnet.maths.activations import IDENTITY, SOFTMAX

BLANK = "." * 14

_TASKS = {
    FORWARD: "Forward pass",
    ERROR: "Error",
    BLAME: "Blame",
    GRADIENT: "Gradient",
    UPDATE: "One update",
}


def document(
    exercise: Exercise,
    worked: list[Answer],
    unrounded: list[Answer],
    command: str,
    rounds: bool,
    error_before: Decimal,
    error_after: Decimal,
) -> Document:
    """Return the worksheet.

    Parameters
    ----------
    exercise : Exercise
    worked, unrounded : lists of Answer
        The same blanks, by numbers written down and by numbers with all their digits.
    command : str
        What makes it again.
    rounds : bool
        Whether results are rounded where they are written down.
    error_before, error_after : Decimal
        The error before and after the update, unrounded.
    """
    plan = exercise.plan
    blocks: list[Block] = [
        Paragraph(f"Made by glassnet. The same sheet again: {command}"),
        Paragraph(_introduction(plan, rounds)),
        *_given(exercise),
        *_formulas(plan),
        *(block for task in _TASKS for block in _task(plan, task, worked)),
        PageBreak(),
        Heading("Solution"),
        *(block for task in _TASKS for block in _solved(plan, task, worked)),
        Heading("What the update brought", 3),
        Paragraph(
            f"With the new weights the error is ${shown(round_to(error_after, DIGITS))}$; it was "
            f"${shown(round_to(error_before, DIGITS))}$. Both are computed without rounding on the way."
            + (" The step was too long; a smaller learning rate lowers it." if error_after > error_before else "")
        ),
    ]
    return Document(f"Worksheet: backpropagation in a {plan.name} network", (*blocks, *_off(worked, unrounded, rounds)))


def _introduction(plan: Plan, rounds: bool) -> str:
    rows = "one row" if plan.rows == 1 else f"{plan.rows} rows"
    how = (
        f"Round every result that you write into a blank to {DIGITS} significant digits, a 5 away from zero, and go on "
        "with what you wrote; within a blank keep all digits. Zeros at the end are left out here."
        if rounds
        else "Every result is a short decimal; nothing needs rounding."
    )
    own = r"$z_{k,i}$, $\delta_{k,i}$" + (", $b_{k,i}$" if plan.bias else "")
    return (
        f"A network, {rows}, and one step of gradient descent, with pen, paper and a calculator. {how} Layers, neurons "
        rf"and rows count from 0. $a_{{k,j}}$ is what layer k hears, so $a_{{0,j}}$ is the input; {own} and "
        r"$w_{k,j,i}$, the weight from j to i, belong to layer k."
    )


def _given(exercise: Exercise) -> list[Block]:
    plan = exercise.plan
    blocks: list[Block] = [Heading("What is given")]
    for k, (matrix, biases) in enumerate(zip(exercise.weights, exercise.biases, strict=True)):
        blocks.append(Heading(f"Layer {k}, {plan.activations[k].name}: from {len(matrix)} to {len(biases)}", 3))
        header = ("weight from", *(f"to neuron {i}" for i in range(len(biases))))
        rows = [(f"$a_{{{k},{j}}}$", *(f"${shown(w)}$" for w in of_j)) for j, of_j in enumerate(matrix)]
        if plan.bias:
            rows.append(("bias", *(f"${shown(b)}$" for b in biases)))
        blocks.append(Table(header, tuple(rows)))
    header = (
        "row",
        *(f"$a_{{0,{j}}}$" for j in range(plan.widths[0])),
        *(f"$y_{{{i}}}$" for i in range(plan.widths[-1])),
    )
    rows = [
        (str(r), *(f"${shown(value)}$" for value in (*x, *y)))
        for r, (x, y) in enumerate(zip(exercise.x, exercise.y, strict=True))
    ]
    return [
        *blocks,
        Heading("Rows: inputs and truth", 3),
        Table(header, tuple(rows)),
        Paragraph(rf"Learning rate $\eta$: ${shown(plan.rate)}$"),
    ]


def _formulas(plan: Plan) -> list[Block]:
    last = len(plan.activations) - 1
    bias = " + b_{k,i}" if plan.bias else ""
    blocks: list[Block] = [
        Heading("Formulas"),
        Equation("z_{k,i}", (rf"\sum_j w_{{k,j,i}} \cdot a_{{k,j}}{bias}",), "weighted sum"),
    ]
    several = len(set(plan.activations)) > 1
    for g in dict.fromkeys(plan.activations):
        layers = [str(k) for k, found in enumerate(plan.activations) if found is g]
        where = f", layer{'s' * (len(layers) > 1)} {' and '.join(layers)}" if several else ""
        if g is SOFTMAX:
            power = rf"\frac{{e^{{z_{{{last},i}}}}}}{{S}}"
            blocks.append(Equation(f"a_{{{last + 1},i}}", (power,), f"soft-max{where}; S is the sum of the powers"))
            continue
        blocks.append(Equation("a_{k+1,i}", (f"g(z_{{k,i}}), g(z) = {g.latex}",), f"{g.name}{where}"))
        if any(needs_slope(plan, k) for k, found in enumerate(plan.activations) if found is g):
            blocks.append(Equation("g'(z)", (g.slope_latex,), "its slope"))
    truth = "of the class c whose truth is 1" if plan.loss is CROSS_ENTROPY else "error of one row"
    error = rf"-\log a_{{{last + 1},c}}" if plan.loss is CROSS_ENTROPY else _with_layer(plan.loss.latex, last + 1)
    blocks.append(Equation("E_r" if plan.rows > 1 else "E", (error,), truth))
    if plan.rows > 1:
        blocks.append(Equation("E", (rf"\frac{{1}}{{{plan.rows}}} \sum_r E_r",), "mean over rows"))
    return [*blocks, *_backward(plan, last)]


def _with_layer(latex: str, layer: int) -> str:
    """Return a loss's formula with the outputs named as here: a_j is a_{layer,j}."""
    return latex.replace("a_j", f"a_{{{layer},j}}")


def _backward(plan: Plan, last: int) -> list[Block]:
    if plan.short:
        outputs = rf"a_{{{last + 1},i}} - y_i"
    else:
        outputs = plan.loss.slope_latex.replace("a_j", f"a_{{{last + 1},i}}").replace("y_j", "y_i")
        if needs_slope(plan, last):
            sum_alone = not outputs.startswith(("2", r"\frac"))
            outputs = rf"\left({outputs}\right)" if sum_alone else outputs
            outputs += rf" \cdot g'(z_{{{last},i}})"
    blocks: list[Block] = [Equation(rf"\delta_{{{last},i}}", (outputs,), "blame in the last layer, of one row")]
    if last:
        slope = r" \cdot g'(z_{k,j})" if plan.activations[0] is not IDENTITY else ""
        total = r"\left(\sum_i w_{k+1,j,i} \cdot \delta_{k+1,i}\right)"
        blocks.append(Equation(r"\delta_{k,j}", (total + slope,), "in a layer before"))
    mean = rf"\frac{{1}}{{{plan.rows}}} \sum_r " if plan.rows > 1 else ""
    mark = "^{(r)}" if plan.rows > 1 else ""
    slopes = (rf"{mean}a_{{k,j}}{mark} \cdot \delta_{{k,i}}{mark}", rf"{mean}\delta_{{k,i}}{mark}")
    remark = "mean over rows r" if plan.rows > 1 else ""
    blocks.append(Equation(r"\frac{\partial E}{\partial w_{k,j,i}}", (slopes[0],), remark))
    if plan.bias:
        blocks.append(Equation(r"\frac{\partial E}{\partial b_{k,i}}", (slopes[1],), remark))
    return [
        *blocks,
        Equation(
            "w'",
            (r"w - \eta \cdot \frac{\partial E}{\partial w}",),
            "new weight, biases likewise" if plan.bias else "new weight",
        ),
    ]


def _task(plan: Plan, task: int, worked: list[Answer]) -> list[Block]:
    """Return a task with its blanks: a line each quantity, a column each row where it is of one."""
    found = [answer for answer in worked if answer.task == task]
    of_rows = list(dict.fromkeys(answer.symbol for answer in found if answer.row is not None and task != ERROR))
    blocks: list[Block] = [Heading(f"Task {task}: {_TASKS[task]}")]
    if of_rows:
        header = ("", *(f"row {r}" for r in range(plan.rows)))
        blocks.append(Table(header, tuple((f"${symbol}$", *(BLANK,) * plan.rows) for symbol in of_rows)))
    else:
        blocks.append(Table(("", "result"), tuple((f"${answer.symbol}$", BLANK) for answer in found)))
    return blocks


def _solved(plan: Plan, task: int, worked: list[Answer]) -> list[Block]:
    blocks: list[Block] = [Heading(f"Task {task}: {_TASKS[task]}", 3)]
    row: int | None = None
    for answer in (answer for answer in worked if answer.task == task):
        if answer.row not in (None, row) and plan.rows > 1 and task != ERROR:
            row = answer.row
            blocks.append(Paragraph(f"Row {row}"))
        last = steps(answer.result)
        right = tuple(dict.fromkeys((answer.symbols, answer.numbers, last)))
        blocks.append(Equation(answer.symbol, right[1:] if right[0] == answer.symbol else right))
    return blocks


def _off(worked: list[Answer], unrounded: list[Answer], rounds: bool) -> list[Block]:
    """Return how far the rounded results are from the unrounded ones."""
    if not rounds:
        return []
    rows = tuple(
        (
            f"${ours.symbol}$",
            f"${shown(ours.result.value)}$",
            f"${shown(round_to(exact.result.value, DIGITS + 3))}$",
            f"${shown(round_to(ours.result.value - exact.result.value, 2))}$",
        )
        for ours, exact in zip(worked, unrounded, strict=True)
        if (ours.task == ERROR and ours.row is None) or ours.task in (GRADIENT, UPDATE)
    )
    return [
        Heading("How far rounding puts it off", 3),
        Paragraph("The same chain with all digits kept, and rounded once at the end for printing."),
        Table(("", "as written down", "unrounded", "difference"), rows),
    ]
