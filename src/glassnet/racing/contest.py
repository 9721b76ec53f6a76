"""The race itself: equal starts, equal budgets, and a judge who looks on from outside the count and the clock."""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.engines import Block
from glassnet.errors import InputError, NonFiniteError, warn
from glassnet.insight.subject import loss_of
from glassnet.maths.loss import Loss
from glassnet.maths.random import Purpose, generator
from glassnet.network.dense import Dense
from glassnet.network.network import Network
from glassnet.racing.arguments import as_evaluations, as_rivals, as_seconds, as_seeds, make_race_blocks
from glassnet.racing.judge import Judge
from glassnet.racing.records import Entry, Point, Race, Run
from glassnet.rivals import RIVALS, Arena, BudgetSpent, Rival
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]

_NEXT_LOOK = 1.15
"""A method is looked at again when it has spent so many times the evaluations of the last look."""

_STEPS_OF_A_STRETCH = 4
"""Where a method spent more than so many of its cheapest steps at once, the angle is taken at the next it yields."""

_LEAST_SHARE = 0.2
"""Of a budget for the whole race, what goes to the methods even where judging them takes longer."""


@final
@dataclass(frozen=True)
class Seen:
    """What a listener hears while a race goes on.

    Parameters
    ----------
    entry : Entry
        The method that is running; its runs are those that have ended.
    seed : int
    point : Point
        Where it stands.
    done, runs : int
        How many runs have ended, of how many.
    """

    entry: Entry
    seed: int
    point: Point
    done: int
    runs: int


Listener = Callable[[Seen], None]


def race(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    methods: Sequence[str | Rival] | str | None = None,
    *,
    evaluations: int | None = None,
    seconds: float | None = None,
    budget: float | None = None,
    seeds: int | Sequence[int] = 3,
    validation: Any = 0.2,
    loss: str | Loss | None = None,
    score: str = "error",
    sample_weight: ArrayLike | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    title: str = "",
    engine: str = "compiled",
    threads: int | None = None,
    listener: Listener | None = None,
) -> Race:
    """Let ways of setting the weights race each other: the same starts, the same budget, the same rows.

    Parameters
    ----------
    net : Network
        Stays as it is. The first start is its θ; the others are drawn anew. Dropout layers rest.
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    methods : sequence of str or Rival, or None
        "backprop", "evolution", "numerical", or with settings, "backprop('sgd(0.5)')"; None is all that there are.
    evaluations : int or None
        The budget of each method for each start. One evaluation is one θ on one row; forward and backward is three.
        Without any budget, 2,000 times the rows.
    seconds : float or None
        The same in time; with both, whichever is spent first.
    budget : float or None
        Seconds for the whole race, of which every method gets the same from each start, in place of `seconds`.
    seeds : int or sequence of int
        How many starts, or their seeds. A seed decides the start and the chance of every method.
    validation : (Xv, Yv), or float, or None
        Rows to judge the ends by; a float is the share of X to hold out, chosen by the first seed.
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    score : {"error", "accuracy"}
        What methods that only try things out go by.
    sample_weight, l1, l2
        As for `train`.
    title : str
        What is raced on, for the summary.
    engine, threads
        As for `train`.
    listener : callable or None
        Hears a `Seen` each time a method is looked at.

    Returns
    -------
    Race

    Raises
    ------
    InputError
        If an argument cannot be used.
    PairingError
        If the loss cannot read the last layer's output.

    Notes
    -----
    A race with a budget of evaluations and the same seeds gives the same curves against evaluations. Ctrl-C ends it:
    what has been run is returned, with a warning. Everything is computed in float64.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> from glassnet.racing import race
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(1, "sigmoid")], seed=1)
    >>> r = race(net, X, [0, 1, 1, 0], ["backprop", "tweaking"], evaluations=3000, seeds=2, validation=None)
    >>> [entry.name for entry in r.entries], len(r["backprop"].runs)
    (['backprop', 'tweaking'], 2)
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    rivals = as_rivals(methods)
    numbers = as_seeds(seeds, net.seed)
    objective = net.objective(loss_of(net, loss), "mean", l1, l2)
    block, held_out = make_race_blocks(net, objective, X, Y, sample_weight, validation, numbers[0])
    if seconds is not None and budget is not None:
        raise InputError("seconds and budget are both given; expected one: for each run, or for the whole race.")
    if evaluations is None and seconds is None and budget is None:
        evaluations = 2000 * len(block)
    most, limit, whole = as_evaluations(evaluations), as_seconds("seconds", seconds), as_seconds("budget", budget)
    with OneBlasThread(), np.errstate(all="ignore"):  # who runs off to infinity is told of in the end
        arena = Arena(net, objective, block, score=score, engine=engine, threads=threads)
        if not len(arena.free):
            raise InputError("The network has no trainable parameters; there is nothing to race for.")
        judge = Judge(net, objective, block, held_out, numbers[0], engine, threads)
        _import_early(rivals)
        arena.start(most, limit)
        entries = [_enter(rival, arena) for rival in rivals]
        if whole is not None:
            runs = len(numbers) * max(1, sum(not entry.refusal for entry in entries))
            limit = max(_LEAST_SHARE * whole, whole - runs * judge.seconds(arena)) / runs
        interrupted = _run_all(net, rivals, entries, numbers, arena, judge, most, limit, listener)
    if interrupted:
        warn("Interrupted; the race holds what was run until then.")
    return Race(
        title=title,
        units=tuple(shape[0] for shape in _dense_shapes(net)),
        parameters=len(arena.free),
        rows=len(block),
        held_out_rows=0 if held_out is None else len(held_out),
        judged_rows=len(judge.rows),
        loss=objective.loss.name,
        score=score,
        evaluations=most,
        seconds=limit,
        seeds=tuple(numbers),
        entries=tuple(entries),
        interrupted=interrupted,
    )


# --- runs --------------------------------------------------------------------------------------------------------


def _enter(rival: Rival, arena: Arena) -> Entry:
    settings = rival.spec.removeprefix(rival.name)
    title = f"{rival.title} {settings}" if settings else rival.title
    entry = Entry(rival.spec, rival.name, title, rival.idea, rival.source)
    with arena.resting():
        refusal = rival.refusal(arena)
        return replace(entry, refusal=refusal, caution="" if refusal else rival.caution(arena))


def _import_early(rivals: list[Rival]) -> None:
    """Let each rival take a step on the smallest of networks, so that no import falls into its time."""
    for units in (1, 500):  # methods choose by the number of weights what they are
        net = Network(1, [Dense(units, bias=False)], dtype="float64")
        block = Block(np.array([[1.0], [2.0]]), np.ones((2, units)), np.ones(2))
        arena = Arena(net, net.objective("squared_error"), block, engine="reference")
        for rival in (rival for rival in rivals if RIVALS.spells(rival.name)):
            arena.start(10_000)
            with contextlib.suppress(BudgetSpent, NonFiniteError):
                if not rival.refusal(arena):
                    next(rival.steps(arena, net.theta.copy(), np.random.default_rng(0)), None)


def _run_all(
    net: Network,
    rivals: list[Rival],
    entries: list[Entry],
    seeds: list[int],
    arena: Arena,
    judge: Judge,
    evaluations: int | None,
    seconds: float | None,
    listener: Listener | None,
) -> bool:
    """Run every method from every start, all methods from the first start first; return whether it was interrupted."""
    runs, done = sum(not entry.refusal for entry in entries) * len(seeds), 0
    for number, seed in enumerate(seeds):
        theta = start_of(net, seed, number)
        for k, rival in enumerate(rivals):
            if entries[k].refusal:
                continue
            tell = None
            if listener is not None:
                tell = functools.partial(_tell, listener, entries[k], seed, done, runs)
            try:
                run = run_one(rival, arena, theta, seed, judge, evaluations, seconds, tell)
            except KeyboardInterrupt:
                return True
            if run.steps or run.ended != "interrupted":
                entries[k] = replace(entries[k], runs=(*entries[k].runs, run))
            if run.ended == "interrupted":
                return True
            done += 1
    return False


def _tell(listener: Listener, entry: Entry, seed: int, done: int, runs: int, point: Point) -> None:
    listener(Seen(entry, seed, point, done, runs))


def run_one(
    rival: Rival,
    arena: Arena,
    start: Array,
    seed: int,
    judge: Judge,
    evaluations: int | None,
    seconds: float | None,
    tell: Callable[[Point], None] | None = None,
) -> Run:
    """Let one method walk from one start until its budget is spent, it ends, or θ is no number any more."""
    with arena.resting():  # what is compiled on first use must not count
        judge.warm_up(arena, start)
    chance = generator(seed, Purpose.SAMPLING, zlib.crc32(rival.name.encode()))
    before, theta = start, start.copy()
    points = [Point(0, 0.0, judge.error(start), float("nan"))]
    steps, ended, next_look, last, least = 0, "done", 1.0, points[0], float("inf")
    arena.start(evaluations, seconds)
    try:
        for reached in rival.steps(arena, start.copy(), chance):
            with arena.resting():
                if not np.isfinite(reached).all():
                    ended = "not finite"
                    break
                steps += 1
                if not np.array_equal(reached, theta):
                    before, theta = theta, reached.copy()
                spent = arena.evaluations - last.evaluations
                least = min(least, spent or least)
                last = Point(arena.evaluations, arena.seconds, float("nan"), float("nan"))
                is_stretch = spent > _STEPS_OF_A_STRETCH * least and arena.evaluations < _NEXT_LOOK * next_look
                if arena.evaluations >= next_look and not is_stretch:  # a stretch of many steps has no angle of its own
                    points.append(judge.look(before, theta, last))
                    next_look = _NEXT_LOOK * arena.evaluations
                    if tell is not None:
                        tell(points[-1])
            if seconds is not None and arena.seconds >= seconds:
                ended = "time"
                break
    except BudgetSpent:
        ended = "time" if seconds is not None and arena.seconds >= seconds else "evaluations"
    except NonFiniteError:
        ended = "not finite"
    except KeyboardInterrupt:
        ended = "interrupted"
    with arena.resting():
        if last.evaluations > points[-1].evaluations or last.seconds > points[-1].seconds:
            points.append(judge.look(before, theta, last))
        return Run(seed, tuple(points), steps, ended, *judge.end(theta))


def start_of(net: Network, seed: int, number: int) -> Array:
    """Return θ to start from: the network's own for the first start, then drawn by the seed."""
    if number == 0:
        return net.theta.astype(np.float64)
    drawn = net.copy()
    bound = ~net.layout.mask("trainable")
    drawn.initialize(seed)
    drawn.theta[bound] = net.theta[bound]
    return drawn.theta.astype(np.float64)


def _dense_shapes(net: Network) -> list[tuple[int, ...]]:
    kept = [shape for shape, layer in zip(net.shapes[1:], net.layers, strict=True) if not layer.drop_rate]
    return [net.shapes[0], *kept]
