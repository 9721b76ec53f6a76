"""The mistakes as a document, and as plain values."""

from __future__ import annotations

import math
from typing import Any

from glassnet.insight.documents import Block, Document, Equation, Heading, Paragraph, Table, number
from glassnet.insight.mistakes.published import SOURCE, STEPS, Published
from glassnet.insight.mistakes.study import Finding, Shown, Training
from glassnet.insight.mistakes.words import outcome, sentence

_DIGITS = 4


def document(findings: tuple[Finding, ...], published: Published) -> Document:
    """Return the whole report."""
    settings = list({id(found.setting): found.setting for found in findings}.values())
    blocks: list[Block] = [
        Paragraph(
            "Seven mistakes that popular explanations of backpropagation make, each computed beside the right formula "
            "and the numerical derivative, which nudges a weight and knows no formula. Layers count from 0; "
            r"$a_{k,j}$ is what layer k hears, so that $a_{K,i}$ is the output of the last layer, K-1; $z_{k,i}$, "
            r"$\delta_{k,i}$ and $w_{k,j,i}$ (from j to i) belong to layer k."
        ),
        *(Paragraph(setting.about) for setting in settings),
        Paragraph(
            "How far off: the length of the difference of the two gradients over the longer of both, and the angle "
            "between them, over all weights and biases. An angle below 90 degrees still leads downhill at first. The "
            "training is one run from one start. How much the start alone decides is seen from the right gradient, "
            "which trains from three: what ends between its ends counts as the same place."
        ),
        _overview(findings),
    ]
    for mistake in dict.fromkeys(found.mistake for found in findings):
        blocks += [Heading(f"{mistake.number}. {mistake.title}"), Paragraph(f"Where it is met: {mistake.met}")]
        for found in findings:
            if found.mistake is mistake:
                blocks += _finding(found)
    return Document("Where explanations of backpropagation go wrong", (*blocks, *_published(published)))


def _overview(findings: tuple[Finding, ...]) -> Table:
    words = {
        "runs away": "runs away",
        "climbs": "climbs",
        "same": "ends where the right one does",
        "lower": "falls further",
        "stalls": "stalls",
        "slower": "falls more slowly",
    }
    rows = tuple(
        (
            found.variant.label,
            found.variant.title,
            words[outcome(found)],
            f"{found.angle:.1f}",
            _relative(found.relative_error),
        )
        for found in findings
    )
    return Table(("", "mistake", "error in training", "angle", "relative error"), rows, words=3)


def _finding(found: Finding) -> list[Block]:
    variant = found.variant
    blocks: list[Block] = [
        Heading(f"{variant.label}: {variant.title}", 3),
        Equation(variant.left, (variant.wrong,), "wrong"),
        Equation(variant.left, (variant.right,), "right"),
    ]
    if found.elsewhere:
        blocks.append(Paragraph(f"Your own network cannot make it, because {found.elsewhere}; made on the digits."))
    computes_otherwise = variant.network(found.setting.case.network) is not found.setting.case.network
    right = "right for what it computes" if computes_otherwise else "right"
    header = (r"$\frac{\partial E}{\partial w}$ by", "wrong", right, "numerical")
    blocks += [
        Table(header, tuple(_row(shown) for shown in found.weights)),
        Paragraph(
            f"Angle between the wrong gradient and the right one: {found.angle:.1f} degrees; relative error "
            f"{_relative(found.relative_error)}. {_agreement(found)}"
        ),
        Paragraph(sentence(found)),
    ]
    return [*blocks, Paragraph(variant.remark)] if variant.remark else blocks


def _row(shown: Shown) -> tuple[str, ...]:
    values = (shown.wrong, shown.right, shown.numerical)
    return (f"${shown.latex}$", *(f"${number(value, _DIGITS)}$" for value in values))


def _relative(error: float) -> str:
    return "0" if error == 0 else f"{error:.3f}"


def _agreement(found: Finding) -> str:
    """Say to how many digits the right gradient is the numerical derivative; more than eight are not boasted of."""
    digits = 8 if found.agreement < 1e-8 else max(0, math.floor(-math.log10(found.agreement)))
    return f"The right one agrees with the numerical derivative of {found.nudged} weights to {digits} digits."


def _published(published: Published) -> list[Block]:
    rows = tuple((p.what, p.published, f"{p.wrong:.10f}", f"{p.right:.10f}") for p in published.numbers)
    return [
        Heading("A printed result that comes from mistake 7"),
        Paragraph(
            f"{SOURCE}: a 2-2-2 network of logistic neurons, one row, learning rate 0.5, biases that do not learn. "
            "The article says that all weights change together at the end of a step. Its error after one step is, "
            "to the last digit, that of weights changed on the way back, and so are its outputs after the last step."
        ),
        Table(("", "published", "changed on the way back", "changed together"), rows),
        Paragraph(
            f"Its error after {STEPS:,} steps comes from neither. One step earlier the error of weights changed "
            f"together is {published.right_one_step_fewer:.10f}, the printed digits."
        ),
    ]


def to_dict(found: Finding) -> dict[str, Any]:
    """Return a finding as plain values."""
    return {
        "number": found.mistake.number,
        "label": found.variant.label,
        "title": found.mistake.title,
        "variant": found.variant.title,
        "met": found.mistake.met,
        "left": found.variant.left,
        "wrong": found.variant.wrong,
        "right": found.variant.right,
        "remark": found.variant.remark,
        "setting": found.setting.about,
        "elsewhere": found.elsewhere,
        "relative_error": found.relative_error,
        "angle_degrees": found.angle,
        "agreement": found.agreement,
        "nudged": found.nudged,
        "weights": [dict(vars(shown)) for shown in found.weights],
        "learning_rate": found.setting.rate,
        "steps": found.setting.steps,
        "outcome": outcome(found),
        "sentence": sentence(found),
        "training_wrong": _training(found.wrong),
        "training_right": _training(found.right),
    }


def _training(training: Training) -> dict[str, Any]:
    values = {"errors": training.errors.tolist(), "accuracy": training.accuracy}
    return values | ({"ends": list(training.ends)} if training.ends else {})
