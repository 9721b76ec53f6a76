"""From arrays of evidence to lists of rows, in the words and units of the person."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Truth
from glassnet.insight.blame.asked import Asked
from glassnet.insight.blame.evidence import Evidence
from glassnet.insight.blame.records import Column, Suspect

Array = NDArray[Any]

_CONFIDENT, _OUT_OF_LINE = -0.5, 5.0
_COLUMNS, _FAR = 2, 2.0


@final
class Lists:
    """The lists of one answer.

    Parameters
    ----------
    asked : Asked
    trained : Evidence
        Of the rows trained on.
    others : Evidence or None
        Of the rows held out.
    """

    def __init__(self, asked: Asked, trained: Evidence, others: Evidence | None) -> None:
        self.asked, self.trained, self.others = asked, trained, others
        self.pictures: dict[tuple[int, bool], Array] = {}
        self._spreads: dict[tuple[int | None, bool], tuple[Array, Array]] = {}

    def suspects(self) -> tuple[Suspect, ...]:
        """Return the most suspect rows, of those that the network ever doubted."""
        e = self.trained
        return self._first(e, np.flatnonzero(e.doubted), -e.score)

    def hard(self) -> tuple[Suspect, ...]:
        """Return the rows with the largest mean error, of those that are learned or, of numbers, no suspects."""
        e = self.trained
        if e.truth is Truth.NUMBERS:
            which = (e.loss > 0) & ~np.isin(e.rows, [each.row for each in self.suspects()])
        else:
            which = (e.loss > 0) & (e.fitted == e.given)
        return self._first(e, np.flatnonzero(which), -e.loss)

    def learned_last(self) -> tuple[Suspect, ...]:
        """Return the rows that are right, but only late; each epoch met them before its later steps, which may err."""
        e = self.trained
        if not e.epochs or e.truth is Truth.NUMBERS:
            return ()
        late = (e.learned > 0) & (e.learned < e.epochs) & (e.fitted_margin > 0)
        return self._first(e, np.flatnonzero(late), -e.learned, -e.loss)

    def forgotten(self) -> tuple[Suspect, ...]:
        """Return the rows that were forgotten most often."""
        e = self.trained
        return self._first(e, np.flatnonzero(e.forgotten > 0), -e.forgotten, -e.loss)

    def held_out(self) -> tuple[Suspect, ...]:
        """Return the held-out rows that the fitted network contradicts with confidence."""
        e = self.others
        if e is None:
            return ()
        if e.truth is Truth.NUMBERS:
            return self._first(e, np.flatnonzero(e.score >= _OUT_OF_LINE), -e.score)
        return self._first(e, np.flatnonzero(e.fitted_margin < _CONFIDENT), e.fitted_margin)

    # --- one row --------------------------------------------------------------------------------------------------

    def _first(self, e: Evidence, which: Array, *keys: Array) -> tuple[Suspect, ...]:
        """Return the first of some rows in the order of the keys; of equals, the first in X."""
        order = np.lexsort([e.rows[which], *(key[which] for key in reversed(keys))])[: self.asked.top]
        return tuple(self._suspect(e, int(i)) for i in which[order])

    def _suspect(self, e: Evidence, i: int) -> Suspect:
        held_out, row, classes = e is self.others, int(e.rows[i]), e.truth is not Truth.NUMBERS
        noted = classes and e.epochs > 0
        several = not classes and len(self.asked.names.classes) > 1
        return Suspect(
            row=row,
            given=self._says(e, e.given[i]),
            suggested=self._says(e, e.suggested[i]),
            fitted=self._says(e, e.fitted[i]),
            score=float(e.score[i]),
            loss=float(e.loss[i]),
            fitted_loss=float(e.fitted_loss[i]),
            margin=float(e.margin[i]) if classes else None,
            fitted_margin=float(e.fitted_margin[i]) if classes else None,
            epochs=e.epochs,
            wrong=int(e.wrong[i]) if noted else None,
            learned=int(e.learned[i]) if noted and e.learned[i] < e.epochs and e.fitted_margin[i] > 0 else None,
            forgotten=int(e.forgotten[i]) if noted else None,
            held_out=held_out,
            output=self.asked.names.classes[int(e.output[i])] if several else "",
            columns=self._show(e, i, row, held_out),
        )

    def _says(self, e: Evidence, value: float) -> str | float:
        names = self.asked.names
        return float(names.shift + names.scale * value) if e.truth is Truth.NUMBERS else names.classes[int(value)]

    def _show(self, e: Evidence, i: int, row: int, held_out: bool) -> tuple[Column, ...]:
        """Keep the row's picture, or return the columns that stand out."""
        apart = self.asked.apart if held_out else None
        x = self.asked.original[row] if apart is None else apart.x[row]
        if self.asked.image_shape is not None:
            self.pictures[row, held_out] = np.asarray(x, np.float64).reshape(self.asked.image_shape)
            return ()
        classes = e.truth is not Truth.NUMBERS
        mean, spread = self._typical(int(e.given[i]) if classes else None, apart is not None)
        away = np.abs(x - mean) / spread
        telling, suggested = away, None
        if classes:
            suggested, other = self._typical(int(e.suggested[i]), apart is not None)
            telling = away - np.abs(x - suggested) / other
        order = np.argsort(-np.where(away > _FAR, telling, -np.inf), kind="stable")[:_COLUMNS]
        return tuple(
            Column(
                name=self.asked.names.features[j],
                value=float(x[j]),
                given=float(mean[j]),
                suggested=None if suggested is None else float(suggested[j]),
                deviations=float(away[j]),
            )
            for j in order
            if telling[j] > 0 and away[j] > _FAR
        )

    def _typical(self, label: int | None, as_read: bool) -> tuple[Array, Array]:
        """Return mean and deviation of each column over the rows trained on that say so, or over all of them."""
        if (label, as_read) not in self._spreads:
            x = (self.asked.whole.x if as_read else self.asked.original)[self.trained.rows]
            same = x if label is None else x[self.trained.given == label]
            of = np.asarray(same if len(same) else x, np.float64)
            deviation = of.std(axis=0)
            if label is not None:  # a class may have but one row, or one value in a column
                deviation = np.maximum(deviation, 0.1 * self._typical(None, as_read)[1])
            self._spreads[label, as_read] = of.mean(axis=0), np.where(deviation > 0, deviation, 1.0)
        return self._spreads[label, as_read]
