"""The question as a person asks it: an exercise of this size, please, and its solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.documents import Document, Told, plain
from glassnet.insight.worksheet.answers import Answer, answers
from glassnet.insight.worksheet.arithmetic import as_it_is, many_digits, rounded, shown
from glassnet.insight.worksheet.drawing import draw, error_after
from glassnet.insight.worksheet.exercise import Exercise, make_plan
from glassnet.insight.worksheet.solving import solve
from glassnet.insight.worksheet.writing import document
from glassnet.maths.activation import AnyActivation
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.loss import Loss
from glassnet.maths.random import check_seed
from glassnet.network.network import Network

Array = NDArray[Any]


@final
@dataclass(frozen=True, repr=False)
class Worksheet(Told):
    """An exercise with its solution; prints itself.

    Attributes
    ----------
    exercise : Exercise
        The numbers that are given.
    answers : list of Answer
        What stands in each blank, by the numbers that are written down.
    unrounded : list of Answer
        The same with all digits kept.
    rounds : bool
        Whether results are rounded where they are written down; False where all are short decimals.
    command : str
        What makes the same sheet again.
    """

    exercise: Exercise
    answers: list[Answer]
    unrounded: list[Answer]
    rounds: bool
    command: str
    error_before: Decimal
    error_after: Decimal

    @property
    def network(self) -> Network:
        """The network of the exercise, in float64: go on with `explain` or `train`."""
        return self.exercise.network()

    @property
    def x(self) -> Array:
        """The inputs, (rows, inputs)."""
        return np.array(self.exercise.x, dtype=np.float64)

    @property
    def y(self) -> Array:
        """The truth, (rows, outputs)."""
        return np.array(self.exercise.y, dtype=np.float64)

    def document(self) -> Document:
        """Return the sheet; printed from HTML or LaTeX, the solution begins on a page of its own."""
        return document(
            self.exercise,
            self.answers,
            self.unrounded,
            self.command,
            self.rounds,
            self.error_before,
            self.error_after,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; numbers as they are printed are text."""
        plan = self.exercise.plan
        return {
            "command": self.command,
            "network": list(plan.widths),
            "activations": [g.name for g in plan.activations],
            "loss": plan.loss.name,
            "learning_rate": float(plan.rate),
            "rounded": self.rounds,
            "weights": [[[float(w) for w in row] for row in matrix] for matrix in self.exercise.weights],
            "biases": [[float(b) for b in row] for row in self.exercise.biases] if plan.bias else None,
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "answers": [
                {
                    "task": ours.task,
                    "symbol": ours.symbol,
                    "row": ours.row,
                    "symbols": ours.symbols,
                    "numbers": ours.numbers,
                    "answer": plain(shown(ours.result.value)),
                    "unrounded": float(exact.result.value),
                }
                for ours, exact in zip(self.answers, self.unrounded, strict=True)
            ],
            "error_before": float(self.error_before),
            "error_after": float(self.error_after),
        }


def worksheet(
    network: str | Sequence[int],
    *,
    rows: int = 1,
    seed: int = 0,
    activation: str | AnyActivation = "sigmoid",
    loss: str | Loss = "half_squared_error",
    learning_rate: float | None = None,
    bias: bool = True,
) -> Worksheet:
    """Set an exercise in backpropagation for pen and paper, and solve it.

    The pupil fills in weighted sums, activations, the error, blame, the gradient and the changed weights. With ReLU and
    identity layers, a squared error and 1, 2 or 4 rows, all results are short decimals. Otherwise each result is
    rounded to four significant digits where it is written down, the next step goes on with the rounded one, and the
    solution says how far off that is.

    Parameters
    ----------
    network : str or sequence of int
        The numbers of neurons, inputs first: "2-2-1". At most four layers and forty weights and biases.
    rows : int
        From 1 to 4; error and gradient are means over them.
    seed : int
        The same seed makes the same sheet.
    activation : {"sigmoid", "tanh", "relu", "identity"}
        Of the hidden layers; the last layer has it too, but what the loss needs ("softmax" with "cross_entropy",
        "sigmoid" with "binary_cross_entropy"), or identity after ReLU.
    loss : {"half_squared_error", "squared_error", "mean_squared_error", "cross_entropy", "binary_cross_entropy"}
    learning_rate : float or None
        None is 0.5, or 0.1 where the last layer is an identity.
    bias : bool
        Whether neurons have biases.

    Returns
    -------
    Worksheet
        With ``markdown()``, ``latex()``, ``html()``, ``text()`` and ``to_dict()``.

    Raises
    ------
    InputError
        If something cannot be used, or is too large for pen and paper.
    PairingError
        If the loss cannot read the last layer's output.

    Examples
    --------
    >>> from glassnet.insight.worksheet import worksheet
    >>> sheet = worksheet("2-2-1", rows=2, seed=4)
    >>> len(sheet.answers), sheet.answers[0].symbol
    (45, 'z_{0,0}')
    >>> p = sheet.network.backprop(sheet.x, sheet.y, loss="half_squared_error")
    >>> abs(p.loss - float(sheet.error_before)) < 1e-15
    True
    """
    plan = make_plan(network, rows, activation, loss, learning_rate, bias)
    exercise, keep = draw(plan, check_seed(seed))
    with many_digits():
        solution, exact = solve(exercise, keep), solve(exercise, as_it_is)
        after = error_after(exercise, exact)
    command = f"glassnet worksheet {plan.name} --rows {rows} --seed {seed}"
    name = ACTIVATIONS.resolve(activation).name
    command += f" --activation {name}" if name != "sigmoid" else ""
    command += f" --loss {plan.loss.name}" if plan.loss.name != "half_squared_error" else ""
    command += f" --learning-rate {plan.rate:f}" if learning_rate is not None else ""
    command += "" if bias else " --no-bias"
    return Worksheet(
        exercise=exercise,
        answers=answers(exercise, solution),
        unrounded=answers(exercise, exact),
        rounds=keep is rounded,
        command=command,
        error_before=exact.error.value,
        error_after=after,
    )
