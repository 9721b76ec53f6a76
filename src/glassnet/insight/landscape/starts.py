"""Many starts: the same network trained from many random places, and the valleys that it reached.

The numbers only; `team` trains, `valleys` groups, and words and pictures are made elsewhere.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.compiled.team import cores
from glassnet.errors import InputError
from glassnet.insight.landscape.heights import Heights, sample_rows
from glassnet.insight.landscape.team import StartsProgress, Team, begin
from glassnet.insight.landscape.valleys import comparable, group
from glassnet.insight.subject import Subject, make_subject
from glassnet.maths.loss import Loss
from glassnet.maths.random import check_seed
from glassnet.network.inputs import as_rows
from glassnet.network.network import Network
from glassnet.training import train

Array = NDArray[Any]

_BATCH_SIZE = 32
_STEPS = 2000
_COMPARED_NUMBERS = 4_000_000
_COMPARED_ROWS = 512
_BYTES_OF_ENDS = 512 * 2**20
_VALLEYS_WITH_SLOPE = 20
_TAKEN_CARE_OF = ("net", "X", "Y", "loss", "callbacks", "checkpoint", "checkpoint_every", "resume", "threads", "seed")
_OF_THE_OBJECTIVE = ("reduction", "sample_weight", "l1", "l2")


@final
@dataclass(frozen=True)
class Valley:
    """Starts that ended equally deep and in the same function.

    Parameters
    ----------
    loss : float
        The error of its deepest start.
    seed : int
        Of that start.
    count : int
        How many starts ended here.
    share : float
        Of all starts.
    seeds : tuple of int
        From the deepest up.
    slope : float or None
        ‖∂E/∂θ‖ at the deepest start; None beyond the first 20 valleys, and where that start would have to be trained
        again for it and Ctrl-C came.
    """

    loss: float
    seed: int
    count: int
    share: float
    seeds: tuple[int, ...]
    slope: float | None


@final
@dataclass(frozen=True)
class Starts:
    """What many starts reached; see `many_starts`.

    Parameters
    ----------
    valleys : tuple of Valley
        The deepest first.
    seeds : (s,) int array
        Of the starts that were made, ascending.
    begin_loss, loss : (s,) float64 arrays
        Before and after training, on all rows, without dropout; NaN where a start diverged.
    valley : (s,) int array
        Number of the valley each start reached, from 0; −1 for none.
    begins, ends : (s, n) arrays, or None
        θ of each start; None where all of them together would be more than 512 MB.
    planned : int
        How many starts were asked for; more than were made if Ctrl-C came.
    depth_tolerance, function_tolerance : float
        How far a start in a valley may be from the valley's deepest start.
    rows, compared_rows : int
        Rows trained on, and rows on which predictions were compared.
    seconds : float
    says : str
        How each start was trained.
    call : str
        The same as arguments of `train`.
    names : tuple of str
        What each entry of θ is called, where there are two.
    """

    valleys: tuple[Valley, ...]
    seeds: Array
    begin_loss: Array
    loss: Array
    valley: Array
    begins: Array | None
    ends: Array | None
    planned: int
    depth_tolerance: float
    function_tolerance: float
    rows: int
    compared_rows: int
    seconds: float
    says: str
    call: str
    names: tuple[str, ...]

    @property
    def diverged(self) -> int:
        """How many starts met a NaN or an infinity."""
        return int((self.valley < 0).sum())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; θs are not in it."""
        return {
            "starts": len(self.seeds),
            "planned": self.planned,
            "valleys": [{**vars(valley), "seeds": list(valley.seeds)} for valley in self.valleys],
            "diverged": self.diverged,
            "seeds": self.seeds.tolist(),
            "begin_loss": self.begin_loss.tolist(),
            "loss": self.loss.tolist(),
            "valley": self.valley.tolist(),
            "depth_tolerance": self.depth_tolerance,
            "function_tolerance": self.function_tolerance,
            "rows": self.rows,
            "compared_rows": self.compared_rows,
            "seconds": round(self.seconds, 3),
            "says": self.says,
        }

    def text(self) -> str:
        """Return the table of valleys, for a terminal."""
        from glassnet.insight.landscape.words import of_starts

        return "\n".join(of_starts(self))

    __str__ = text

    def html(self, title: str = "Where many starts end") -> str:
        """Return a page with the table and pictures, which works offline."""
        from glassnet.insight.landscape.report import starts_page

        return starts_page(self, title)

    def _repr_html_(self) -> str:
        from glassnet.insight.pages import frame

        return frame("Where many starts end", self.html())


def many_starts(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss | None = None,
    *,
    starts: int = 200,
    seed: int = 0,
    threads: int | None = None,
    depth_tolerance: float = 0.02,
    function_tolerance: float = 0.1,
    report: Callable[[StartsProgress], object] | None = None,
    **training: Any,
) -> Starts:
    """Train a network's architecture from many random places, and tell which valleys were reached and how often.

    Parameters
    ----------
    net : Network
        Its own weights are left alone; biases that are not trained keep its values.
    X, Y
        The rows to train on.
    loss : str, Loss or None
        None is the loss it was trained with.
    starts : int
    seed : int
        Start i takes ``net.initialize(seed + i)`` and trains with the seed ``seed + i``. The result does not depend on
        the number of threads.
    threads : int or None
        How many starts run at once; None takes a thread for each core.
    depth_tolerance : float
        How much higher than its deepest start an end in a valley may be, as a share of the way down from the median
        start to the lowest end.
    function_tolerance : float
        How much its predictions may differ from those of the valley's deepest start (root mean square), as a share of
        the spread of the truth. Two other starts of a valley may so differ by up to twice as much.
    report : callable or None
        Hears a `StartsProgress` once the time of a start is known, and after each start.
    **training
        What `train` takes besides: ``optimizer``, ``epochs``, ``batch_size``, ``schedule``, ``l2``, ... Left out:
        "adam(0.01)", batches of 32, and as many epochs as make 2000 steps.

    Returns
    -------
    Starts
        ``valleys`` with error, count, share and an example's seed; with ``text()``, ``html()``, ``to_dict()``. Ctrl-C
        keeps the starts that are done.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet.insight.landscape import many_starts
    >>> net = gn.Network(1, [gn.Dense(1, bias=False)], dtype="float64")
    >>> found = many_starts(net, [[1.0], [2.0]], [[1.5], [3.0]], "squared_error", starts=4, epochs=1000)
    >>> [(valley.count, round(valley.loss, 6)) for valley in found.valleys]  # a bowl has one valley
    [(4, 0.0)]
    """
    options = _training_options(training)
    subject = make_subject(net, X, Y, loss, **{name: options[name] for name in _OF_THE_OBJECTIVE if name in options})
    starts, seed = _count("starts", starts), check_seed(seed)
    for name, value in (("depth_tolerance", depth_tolerance), ("function_tolerance", function_tolerance)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
            raise InputError(f"{name} is {value!r}; expected a positive share, such as 0.02.")
    if options["batch_size"] is not None:
        _count("batch_size", options["batch_size"])
    size = min(options["batch_size"] or len(subject), len(subject))
    options.setdefault("epochs", max(1, -(-_STEPS // -(-len(subject) // size))))
    x = as_rows(X, net.input_shape, net.dtype)
    began = time.monotonic()
    threads = cores() if threads is None else _count("threads", threads)
    team = Team(net, x, Y, subject.objective.loss, seed, options)
    look = _Look(net, subject, starts, seed)
    ends = team.run(starts, threads, look, report)
    return _judge(net, subject, look, team, ends, starts, threads, depth_tolerance, function_tolerance, began, options)


def _training_options(training: dict[str, Any]) -> dict[str, Any]:
    known = [name for name in inspect.signature(train).parameters if name not in _TAKEN_CARE_OF]
    unknown = next((name for name in training if name not in known), None)
    if unknown is not None:
        raise InputError(f"many_starts cannot take {unknown!r}. Of the training it takes: {', '.join(known)}.")
    return {"optimizer": "adam(0.01)", "batch_size": _BATCH_SIZE, **training}


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} is {value!r}; expected a whole number from 1 up.")
    return int(value)


# --- what they reached -------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _End:
    """What is kept of a start: its errors, its predictions on some rows, and its θ where there is room for all."""

    before: float
    after: float
    predictions: Array
    theta: Array | None


@final
class _Look:
    """Looks at each start as it ends, so that its θ need not be kept."""

    def __init__(self, net: Network, subject: Subject, starts: int, seed: int) -> None:
        self._net, self._loss = net, subject.objective.loss.name
        self._heights = Heights(subject)
        self.keeps = 2 * starts * net.theta.nbytes <= _BYTES_OF_ENDS
        limit = min(_COMPARED_ROWS, max(1, _COMPARED_NUMBERS // (starts * subject.network.outputs)))
        chosen = sample_rows(len(subject), limit, seed)
        self.x = subject.x if chosen is None else subject.x[chosen]

    def __call__(self, seed: int, theta: Array | None) -> _End:
        net = begin(self._net, seed)
        first = net.theta.copy()
        net.theta[:] = np.nan if theta is None else theta
        before, after = self._heights.of(2, lambda part: np.stack([first, net.theta])[part])
        predictions = comparable(net.predict(self.x).astype(np.float32), self._loss)
        return _End(float(before), float(after), predictions, net.theta if self.keeps else None)


def _judge(
    net: Network,
    subject: Subject,
    look: _Look,
    team: Team,
    ends: dict[int, _End],
    planned: int,
    threads: int,
    depth_tolerance: float,
    function_tolerance: float,
    began: float,
    options: dict[str, Any],
) -> Starts:
    """Group all ends into valleys."""
    seeds = np.array(list(ends), np.int64)
    before, after = (np.array([getattr(end, when) for end in ends.values()]) for when in ("before", "after"))
    predictions = np.stack([end.predictions for end in ends.values()])
    height = float(np.nanmedian(before) - np.nanmin(after)) if np.isfinite(after).any() else 0.0
    spread = float(np.sqrt(np.mean((subject.y - subject.y.mean(axis=0)) ** 2))) or 1.0
    depth, function = depth_tolerance * max(height, 0.0), function_tolerance * spread
    members = group(after, predictions, depth, function)
    valley = np.full(len(seeds), -1)
    for number, starts in enumerate(members):
        valley[starts] = number
    deepest = [int(seeds[starts[0]]) for starts in members[:_VALLEYS_WITH_SLOPE]]
    thetas: dict[int, Array | None] = {seed: ends[seed].theta for seed in deepest}
    if not look.keeps and len(seeds) == planned:
        thetas = team.again(deepest, threads)
    slopes = [_slope(subject, thetas.get(seed)) for seed in deepest] + [None] * len(members[_VALLEYS_WITH_SLOPE:])
    two = subject.network.layout.mask("trainable").sum() == 2 == net.theta.size
    return Starts(
        valleys=tuple(_valley(seeds, after, starts, slope) for starts, slope in zip(members, slopes, strict=True)),
        seeds=seeds,
        begin_loss=before,
        loss=after,
        valley=valley,
        begins=np.stack([begin(net, int(s)).theta for s in seeds]) if look.keeps else None,
        ends=np.stack([end.theta for end in ends.values() if end.theta is not None]) if look.keeps else None,
        planned=planned,
        depth_tolerance=depth,
        function_tolerance=function,
        rows=len(subject),
        compared_rows=len(look.x),
        seconds=time.monotonic() - began,
        says=_in_words(options),
        call=_as_arguments(options),
        names=tuple(net.layout.describe(i) for i in range(2)) if two else (),
    )


def _slope(subject: Subject, theta: Array | None) -> float | None:
    if theta is None:
        return None
    there = subject.network.copy()
    there.theta[:] = theta
    objective = subject.objective
    p = there.backprop(
        subject.x,
        subject.targets,
        objective.loss,
        reduction=objective.reduction,
        sample_weight=subject.sample_weight,
        l1=objective.l1,
        l2=objective.l2,
    )
    return float(np.linalg.norm(p.gradient.theta[there.layout.mask("trainable")]))


def _valley(seeds: Array, loss: Array, starts: Array, slope: float | None) -> Valley:
    own = tuple(int(seed) for seed in seeds[starts])
    return Valley(float(loss[starts[0]]), own[0], len(own), len(own) / len(seeds), own, slope)


def _as_arguments(options: dict[str, Any]) -> str:
    """Return the options as they are written in a call, without those that are as `train` has them by itself."""
    own = inspect.signature(train).parameters
    told = {name: value for name, value in options.items() if name != "sample_weight" and value != own[name].default}
    return ", ".join(f"{name}={value!r}" for name, value in told.items())


def _in_words(options: dict[str, Any]) -> str:
    optimizer = getattr(options["optimizer"], "spec", options["optimizer"])
    size = options["batch_size"]
    batches = "all rows in each step" if size is None else f"batches of {size:,}"
    more = [f"{name} {options[name]}" for name in ("schedule", "l1", "l2", "early_stopping") if options.get(name)]
    return f"Each trained with {optimizer}, {batches}, {options['epochs']:,} epochs{''.join(', ' + m for m in more)}."
