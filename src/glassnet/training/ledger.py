"""The ledger: what each row was like in each epoch of a training, in bounded memory.

Sums over all epochs are kept of every row. The four numbers themselves are kept of every epoch as long as all fit, then
of every second epoch, every fourth and so on, and of the last: 8 bytes for a row and epoch, three numbers of 8 bits of
precision (the format called bfloat16) and the prediction. A million rows and 100 epochs take 157 MB: 112 for 14 of the
epochs, 45 for the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, Notes, Truth, truth_of
from glassnet.engines.notes import LOSS, MARGIN, NORM, NOTES, PREDICTION
from glassnet.errors import InputError
from glassnet.maths.loss import Loss
from glassnet.maths.metrics import predicted_classes

Array = NDArray[Any]

_MOST_ENTRIES = 14_000_000
_LEAST_EPOCHS = 2
_LOOSE_PARTS = 64


@final
class Ledger:
    """What each training row was like in each epoch: its error, the length of its gradient, margin and prediction.

    All are of the row by itself: no 1/m, sample weight or penalty; taken when a step met the row, before its update and
    under its dropout masks. A row of weight 0 is never met.

    Parameters
    ----------
    block : Block
        The rows that are trained on.
    loss : Loss
    dtype : dtype
        Of the network.
    outputs : int
        Of the network.

    Attributes
    ----------
    truth : Truth
        Whether rows have classes, say yes or no, or have numbers.
    labels : (m,) int64 array, or None
        The class of each row.
    numbers : (m,) int array
        How the caller numbers these rows; 0 to m − 1, unless they are a part of the caller's.
    counted : (m,) bool array
        Whether a row has a weight above 0; the others have NaN for numbers and −1 for a class.
    epochs : int
        How many epochs were entered.
    times_right, times_forgotten : (m,) int32 arrays
        In how many epochs a row was right, and how often it was right in one epoch and wrong in the next (Toneva and
        others, An empirical study of example forgetting, 2019). 0 where rows have no classes.

    Examples
    --------
    >>> import glassnet as gn
    >>> X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> net = gn.Network(2, [gn.Dense(4, "tanh"), gn.Dense(1, "sigmoid")], seed=1)
    >>> ledger = gn.train(net, X, Y, loss="binary_cross_entropy", optimizer="adam(0.05)", epochs=200).ledger
    >>> ledger.loss.shape, ledger.right[-1].tolist()
    ((200, 4), [True, True, True, True])
    """

    def __init__(self, block: Block, loss: Loss, dtype: np.dtype[Any], outputs: int) -> None:
        m = len(block)
        self.truth = truth_of(block.y, loss)
        self.numbers = np.arange(m) if block.numbers is None else block.numbers
        self.labels: Array | None = None
        if self.truth is not Truth.NUMBERS:
            self.labels = block.y if block.y.ndim == 1 else predicted_classes(block.y, threshold=0.5)
        self._labels = None if self.labels is None else self.labels.astype(dtype)  # as notes hold them
        self.counted = np.asarray(block.sample_weight > 0)
        self.epochs = 0
        self.times_right, self.times_forgotten = np.zeros(m, np.int32), np.zeros(m, np.int32)
        self._sums = np.zeros((m, NOTES))
        self._last_wrong, self._was_right = np.full(m, -1, np.int32), np.zeros(m, bool)
        self._open, self._met = np.full((m, NOTES), np.nan, dtype), 0  # the open epoch, and how many rows it has met
        self._code = np.iinfo(np.uint16 if outputs < 2**16 else np.uint32)  # what an entry is kept as
        self._kept: list[tuple[Array, Array]] = []
        self._stride = 1

    def __len__(self) -> int:
        return len(self.counted)

    def __repr__(self) -> str:
        some = "" if len(self.kept) == self.epochs else f", {len(self.kept)} of them in full"
        return f"<Ledger of {len(self):,} rows and {self.epochs:,} epochs{some}>"

    # --- epoch by epoch ---------------------------------------------------------------------------------------------

    @property
    def kept(self) -> Array:
        """The epochs, from 0, of which all numbers are kept: (e,) int64."""
        return self._merged()[0]

    @property
    def loss(self) -> Array:
        """Eᵢ of each row in each kept epoch: (e, m) float32, of 8 bits of precision."""
        return _decoded(self._merged()[1][:, :, LOSS])

    @property
    def norm(self) -> Array:
        """‖∂Eᵢ/∂θ‖ of each row in each kept epoch: (e, m) float32, of 8 bits of precision."""
        return _decoded(self._merged()[1][:, :, NORM])

    @property
    def margin(self) -> Array:
        """The output of the row's class less the largest other one: (e, m) float32, of 8 bits of precision.

        Where a single output a says yes or no it stands for two, a and 2·threshold − a. NaN where rows have numbers.
        """
        return _decoded(self._merged()[1][:, :, MARGIN])

    @property
    def prediction(self) -> Array:
        """The class that each row was taken for in each kept epoch: (e, m) int64.

        Where rows have one number, (e, m) float32 of 8 bits of precision; where they have several, NaN.
        """
        codes = self._merged()[1][:, :, PREDICTION]
        if self.labels is None:
            return _decoded(codes)
        return np.where(codes == self._code.max, -1, codes.astype(np.int64))

    @property
    def right(self) -> Array:
        """Whether each row was right in each kept epoch: (e, m) bool.

        Raises
        ------
        InputError
            If rows have no classes to be right about.
        """
        if self.labels is None:
            raise InputError("The rows of this ledger have numbers as truth, which are neither right nor wrong.")
        return np.asarray(self.prediction == self.labels)

    # --- over all epochs --------------------------------------------------------------------------------------------

    @property
    def mean_loss(self) -> Array:
        """The mean of each row's error over all epochs: (m,) float64."""
        return self._mean(LOSS)

    @property
    def mean_norm(self) -> Array:
        """The mean of the length of each row's gradient over all epochs: (m,) float64."""
        return self._mean(NORM)

    @property
    def mean_margin(self) -> Array:
        """The mean of each row's margin over all epochs: (m,) float64; NaN where rows have numbers.

        Pleiss and others, Identifying mislabeled data using the area under the margin ranking, 2020, sum differences of
        z; here they are of outputs, and so between −1 and 1 where these are probabilities.
        """
        return self._mean(MARGIN)

    @property
    def mean_prediction(self) -> Array:
        """The mean of what a single output gave for each row, over all epochs: (m,) float64.

        NaN where rows have several numbers; where they have classes, the mean of their numbers, which says little.
        """
        return self._mean(PREDICTION)

    @property
    def learned(self) -> Array:
        """The epoch from which on each row was right to the end, and `epochs` where it was not at the end: (m,) int64.

        0 where rows have no classes.
        """
        return np.asarray(self._last_wrong + 1, np.int64)

    def _mean(self, which: int) -> Array:
        means: Array = np.where(self.counted, self._sums[:, which] / max(1, self.epochs), np.nan)
        return means

    # --- being written ----------------------------------------------------------------------------------------------

    def room(self, place: int, rows: int) -> Notes:
        """Return where steps that meet so many rows, from a place of the open epoch on, may write."""
        epochs = -(-(place + rows) // len(self))
        if epochs == 1:
            return Notes(self._open[None], place)
        values = np.full((epochs, *self._open.shape), np.nan, self._open.dtype)
        if place:
            values[0] = self._open
        return Notes(values, place)

    def enter(self, notes: Notes, rows: int) -> None:
        """Enter what steps noted that met so many rows; an epoch that is complete is closed."""
        whole, more = divmod(notes.place + rows, len(self))
        if whole:
            with np.errstate(over="ignore", invalid="ignore"):  # numbers of a training that runs off
                self._close(notes.values[:whole])
        if more and len(notes.values) > 1:
            self._open[:] = notes.values[whole]
        self._met = more

    def _close(self, values: Array) -> None:
        """Enter whole epochs: (e, m, 4)."""
        first, self.epochs = self.epochs, self.epochs + len(values)
        if len(values) == 1:
            self._sums += values[0]
        else:  # one after the other, so that it does not show in the bits how many came at once
            self._sums = np.add.reduce(np.concatenate([self._sums[None], values]), axis=0)
        if self._labels is not None:
            right = values[:, :, PREDICTION] == self._labels
            before = np.concatenate([self._was_right[None], right[:-1]])
            self.times_right += right.sum(axis=0, dtype=np.int32)
            self.times_forgotten += (before > right).sum(axis=0, dtype=np.int32)
            last_wrong = self.epochs - 1 - (right[::-1].argmin(axis=0) if len(values) > 1 else 0)
            np.copyto(self._last_wrong, last_wrong, where=~right.all(axis=0), casting="same_kind")
            self._was_right = right[-1]
        self._keep(values, first)

    def _keep(self, values: Array, first: int) -> None:
        """Keep the numbers of whole epochs, as far as they fit: of the multiples of a power of two, and of the last."""
        most, stride = max(_LEAST_EPOCHS, _MOST_ENTRIES // len(self)), 1
        while -(-self.epochs // stride) >= most:
            stride *= 2
        if stride != self._stride:
            self._kept = [_thinned(*part, stride) for part in self._kept]
        elif (first - 1) % stride:  # it was kept for being the last
            self._kept[-1:] = [_thinned(*self._kept[-1], stride)]
        self._stride = stride
        numbers = np.arange(first, self.epochs)
        wanted = (numbers % stride == 0) | (numbers == self.epochs - 1)
        chosen = values if wanted.all() else values[wanted]
        self._kept = [part for part in self._kept if len(part[0])]
        whole = len(self._kept[0][0]) if self._kept else 0
        if len(self._kept) > _LOOSE_PARTS + whole // 8:  # seldom enough for the copying not to count
            self._merged()
        self._kept.append((numbers[wanted], self._encoded(chosen)))

    def _encoded(self, values: Array) -> Array:
        """Return numbers (e, m, 4) as codes of 16 bits: the upper half of a float32, rounded; a class as itself.

        Where there are more classes than 16 bits can tell, codes have 32.
        """
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32) + np.uint32(0x8000)
        bits >>= np.uint32(16)
        codes = bits.astype(self._code.dtype)
        if self.labels is not None:
            codes[..., PREDICTION] = values[..., PREDICTION]
            codes[:, ~self.counted, PREDICTION] = self._code.max
        return codes

    def _merged(self) -> tuple[Array, Array]:
        """Return the kept epochs (e,) and what is kept of them: (e, m, 4)."""
        parts = self._kept or [(np.empty(0, np.int64), np.empty((0, len(self), NOTES), self._code.dtype))]
        if len(parts) > 1:
            parts = [(np.concatenate([numbers for numbers, _ in parts]), np.concatenate([codes for _, codes in parts]))]
        self._kept = parts
        return parts[0]

    # --- in a checkpoint --------------------------------------------------------------------------------------------

    def to_arrays(self) -> dict[str, Array]:
        """Return all that `restore` needs."""
        kept, codes = self._merged()
        return {
            "kept": kept,
            "codes": codes,
            "sums": self._sums,
            "times_right": self.times_right,
            "times_forgotten": self.times_forgotten,
            "last_wrong": self._last_wrong,
            "was_right": self._was_right,
            "open": self._open[: len(self) if self._met else 0],
            "epochs": np.array([self.epochs, self._stride, self._met]),
        }

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Become what the arrays of `to_arrays` say.

        Raises
        ------
        KeyError, ValueError
            If they are not of such a ledger.
        """
        own = self.to_arrays()
        epochs, stride, met = map(int, arrays["epochs"])
        own["open"] = self._open[: len(self) if met else 0]
        for name in own.keys() - {"kept", "codes"}:
            if arrays[name].shape != own[name].shape or arrays[name].dtype != own[name].dtype:
                raise ValueError(f"the ledger's {name}")
        shape = len(arrays["kept"]), *self._open.shape
        if arrays["codes"].shape != shape or arrays["codes"].dtype != self._code.dtype:
            raise ValueError("the ledger's codes")
        self._kept = [(arrays["kept"], arrays["codes"])]
        self._sums, self._open[: len(arrays["open"])] = arrays["sums"], arrays["open"]
        self.times_right, self.times_forgotten = arrays["times_right"], arrays["times_forgotten"]
        self._last_wrong, self._was_right = arrays["last_wrong"], arrays["was_right"]
        self.epochs, self._stride, self._met = epochs, stride, met


def _thinned(numbers: Array, codes: Array, stride: int) -> tuple[Array, Array]:
    """Return the epochs that are multiples of the stride, and what is kept of them."""
    multiples = numbers % stride == 0
    return numbers[multiples], codes[multiples]


def _decoded(codes: Array) -> Array:
    """Return numbers from their codes."""
    numbers: Array = (codes.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return numbers
