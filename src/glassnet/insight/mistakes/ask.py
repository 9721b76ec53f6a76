"""The question as a person asks it: where do the texts go wrong, and what comes of it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from numpy.typing import ArrayLike

from glassnet.errors import InputError
from glassnet.insight.documents import Document, Told
from glassnet.insight.mistakes import report
from glassnet.insight.mistakes.catalogue import MISTAKES
from glassnet.insight.mistakes.published import Published, recompute
from glassnet.insight.mistakes.settings import STEPS, Setting, digits, own, require_numbers
from glassnet.insight.mistakes.study import Finding, Reference, Training, make, refer, train
from glassnet.maths.loss import Loss
from glassnet.network.network import Network
from glassnet.training.blas import OneBlasThread


@final
@dataclass(frozen=True, repr=False)
class Mistakes(Told):
    """The seven mistakes, made and measured; prints itself.

    Attributes
    ----------
    findings : tuple of Finding
        One for each way to make each mistake.
    published : Published
        An article's numbers that come from mistake 7, recomputed by the wrong rule and the right one.
    """

    findings: tuple[Finding, ...]
    published: Published

    def document(self) -> Document:
        """Return the report."""
        return report.document(self.findings, self.published)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "mistakes": [report.to_dict(found) for found in self.findings],
            "published": [dict(vars(printed)) for printed in self.published.numbers],
        }


def mistakes(
    net: Network | None = None,
    X: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    loss: str | Loss | None = None,
    *,
    steps: int | None = None,
    learning_rate: float | None = None,
) -> Mistakes:
    """Make the seven mistakes of popular explanations beside the right formulas, and train with both.

    Parameters
    ----------
    net : Network or None
        A network of your own; None takes a small one on scikit-learn's scanned digits. Mistakes that yours cannot make
        are made on the digits too, and the report says why. Computed in float64, without Dropout and penalties, on at
        most 300 rows spread over yours.
    X : (m, inputs) array or None
    Y : (m,) integer labels or (m, outputs) array or None
    loss : str, Loss or None
        None is the loss the network was trained with, or the one that suits its last layer.
    steps : int or None
        How long to train; None is 600, or as many as take a few seconds.
    learning_rate : float or None
        None is 3 for the digits; for yours the one of ten with which the right gradient gets furthest.

    Returns
    -------
    Mistakes
        With ``findings``, ``text()``, ``markdown()``, ``latex()``, ``html()`` and ``to_dict()``.

    Raises
    ------
    InputError
        If a network comes without rows, or an array or number cannot be used.
    NonFiniteError
        If the error is not finite at the network's weights.

    Examples
    --------
    >>> from glassnet.insight.mistakes import mistakes
    >>> found = mistakes(steps=20).findings
    >>> [f.variant.label for f in found]
    ['1a', '1b', '2', '3', '4a', '4b', '5a', '5b', '6', '7']
    >>> round(found[2].angle), round(found[2].relative_error, 3)
    (180, 2.0)
    """
    require_numbers(steps, learning_rate)
    if net is None and (X is not None or Y is not None):
        raise InputError("X or Y was given without a network; give net, X and Y, or none of them.")
    if net is not None and (X is None or Y is None):
        raise InputError("net was given without X and Y; the mistakes are made on rows, so give both.")
    with OneBlasThread():  # so that the figures do not depend on the number of cores
        yours = None if net is None or X is None or Y is None else own(net, X, Y, loss, steps, learning_rate)
        return Mistakes(tuple(_findings(yours, steps, learning_rate)), recompute())


def _findings(yours: Setting | None, steps: int | None, learning_rate: float | None) -> Iterator[Finding]:
    """Make each mistake, on the person's own network where that can make it."""
    example: Setting | None = None
    right: dict[int, Training] = {}
    references: dict[tuple[int, ...], Reference] = {}
    for mistake in MISTAKES:
        for variant in mistake.variants:
            why_not = "" if yours is None else variant.unfit(yours.case)
            if yours is not None and not why_not:
                setting = yours
            else:
                example = example or digits(steps or STEPS, learning_rate if yours is None else None)
                setting = example
            if id(setting) not in right:
                right[id(setting)] = train(setting)
            same = id(setting), id(variant.network), id(variant.start)
            if same not in references:
                references[same] = refer(variant, setting)
            yield make(mistake, variant, setting, references[same], right[id(setting)], why_not)
