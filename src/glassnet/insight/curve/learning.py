"""`learning_curve`: the function people call. It checks what they pass, has everything trained, and fits the law."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError, warn
from glassnet.insight.curve.curve import LearningCurve, Measure
from glassnet.insight.curve.power_law import LEVEL, project
from glassnet.insight.curve.resampling import block_of_row, resampled_means
from glassnet.insight.curve.runs import CurveProgress, Plan, Run, Runs, run_all
from glassnet.insight.curve.sizes import as_sizes, nested_order
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import OPTIMIZERS, Optimizer
from glassnet.maths.random import check_seed
from glassnet.maths.schedules import Schedule
from glassnet.network.inputs import are_classes
from glassnet.network.network import Network
from glassnet.training.arguments import as_count, make_blocks
from glassnet.training.scores import has_classes

Array = NDArray[Any]

LEAST_STEPS = 300


def learning_curve(
    make_network: Callable[[int], Network] | Network,
    X: ArrayLike,
    Y: ArrayLike,
    loss: str | Loss,
    *,
    sizes: Sequence[int] | None = None,
    seeds: int = 10,
    validation: tuple[ArrayLike, ArrayLike] | float = 0.2,
    optimizer: str | Optimizer = "adam",
    schedule: str | Schedule | None = None,
    epochs: int = 20,
    batch_size: int | None = 32,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    engine: str = "compiled",
    units: float = 1.0,
    progress: Callable[[CurveProgress], object] | None = None,
) -> LearningCurve:
    """Measure the error on held-out rows against the number of rows trained on, and say what more rows would bring.

    Parameters
    ----------
    make_network : callable or Network
        Makes a new network from a seed, ``lambda seed: gn.Network(64, [...], seed=seed)``; a network is taken as the
        pattern, and its weights are drawn anew for each seed.
    X, Y, loss, optimizer, schedule, batch_size, l1, l2, clip_norm, clip_value, engine
        As for `train`.
    sizes : sequence of int or None
        How many rows to train on; None takes all that are not held out, half of them, a quarter, ..., 8 sizes at most.
    seeds : int
        How often to repeat, from 3 up where a law is to be fitted: each seed has subsets, initial weights, orders of
        rows and dropout of its own. The subsets of one seed lie within each other, with every class about in its share.
    validation : float, or (Xv, Yv)
        The share of rows to hold out, or rows of their own. They are the same for all sizes and seeds and are never
        trained on.
    epochs : int
        How often every row is met, at every size, but at least for 300 steps, or as many as all rows take where that is
        less: a small subset would otherwise be left before it is learned.
    seed : int
        The first seed; also decides which rows are held out.
    threads : int or None
        How many trainings go on at once, each on one thread; None means as many as there are cores. The figures do not
        depend on it.
    units : float
        What one unit of Y is in the units in which the root mean squared error is to be told; 1 leaves it.
    progress : callable or None
        Called after each training with a `CurveProgress`; the first call tells how long the whole will take.

    Returns
    -------
    LearningCurve
        ``loss`` and ``error`` with a projection each; ``text()``, ``html()``, ``to_dict()``.

    Raises
    ------
    InputError
        If an array or argument cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the first training met a NaN or an infinity; one that comes later is told in the result.

    Notes
    -----
    Ctrl-C keeps the trainings that are done, ``interrupted`` is then True; a second one acts as it does elsewhere.

    The law is err(n) = a + b·n^(−c), fitted to the means over seeds with weights 1/(standard error)². Its intervals
    hold 90 % of what comes of drawing seeds and held-out rows anew. Where it does not hold, ``projection.refusal`` says
    why.

    References
    ----------
    Cortes, Jackel, Solla, Vapnik & Denker, Learning curves: asymptotic values and rate of convergence, NIPS 6, 1993.
    Hestness et al., Deep learning scaling is predictable, empirically, arXiv:1712.00409, 2017.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> from glassnet.insight.curve import learning_curve
    >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    >>> curve = learning_curve(
    ...     lambda seed: gn.Network(1, [gn.Dense(8, "tanh"), gn.Dense(1)], seed=seed),
    ...     X,
    ...     np.sin(3 * X),
    ...     "squared_error",
    ...     sizes=[20, 160],
    ...     seeds=2,
    ...     epochs=5,
    ... )
    >>> curve.sizes, curve.rows_held_out, curve.loss.held_out.shape
    ((20, 160), 40, (2, 2))
    """
    began = time.monotonic()
    make, example = _maker(make_network, check_seed(seed))
    objective = example.objective(loss, "mean", l1, l2)
    if validation is None or isinstance(validation, bool):
        raise InputError(f"validation is {validation!r}; expected the share of rows to hold out, or a pair (Xv, Yv).")
    block, held_out = make_blocks(example, objective, X, Y, None, validation, seed)
    if held_out is None:
        raise InputError("A learning curve needs held-out rows; pass validation=0.2 or a pair (Xv, Yv).")
    labels = block.y if block.y.ndim == 1 else block.y.argmax(axis=1) if are_classes(block.y) else None
    is_classes = has_classes(block.y, objective.loss)
    if is_classes and labels is None:
        labels = block.y[:, 0] > 0.5
    many = tuple(range(seed, seed + as_count("seeds", seeds)))
    orders = tuple(nested_order(labels, len(block), each) for each in many)
    chosen = as_sizes(sizes, labels, orders)
    optimizer = OPTIMIZERS.resolve(optimizer)
    if optimizer.full_batch and batch_size is not None and chosen[-1] > batch_size:
        raise InputError(f"Optimizer {optimizer.name!r} needs all rows in each step; pass batch_size=None.")
    plan = Plan(
        make_network=make,
        objective=objective,
        block=block,
        held_out=held_out,
        sizes=chosen,
        seeds=many,
        orders=orders,
        epochs=_epochs(as_count("epochs", epochs), chosen, batch_size),
        batch_size=batch_size,
        is_classes=is_classes,
        blocks=block_of_row(len(held_out), seed),
        options={
            "optimizer": optimizer,
            "schedule": schedule,
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "engine": engine,
        },
    )
    if not isinstance(units, int | float) or not 0 < units < np.inf:
        raise InputError(f"units is {units!r}; expected a positive number.")
    done, diverged, interrupted = run_all(plan, None if threads is None else as_count("threads", threads), progress)
    if interrupted:
        warn(f"The learning curve was interrupted after {len(done)} of {len(chosen) * len(many)} trainings.")
    counts = np.bincount(plan.blocks).astype(np.float64)
    loss_name = objective.loss.name

    def of_loss(run: Run) -> tuple[Array, float]:
        return run.loss, run.train_loss

    def of_error(run: Run) -> tuple[Array, float]:
        scale = 1.0 if is_classes else units**2
        return run.errors * scale, run.train_error * scale

    error_name = "share of rows mistaken" if is_classes else "root mean squared error"
    return LearningCurve(
        sizes=chosen,
        seeds=many,
        epochs=plan.epochs,
        rows_held_out=len(held_out),
        loss=_measure(loss_name, False, False, plan, done, counts, of_loss),
        error=_measure(error_name, is_classes, not is_classes, plan, done, counts, of_error),
        r2_scale=None if is_classes else units * _deviation(held_out.y),
        diverged=tuple((chosen[i], many[j], message) for (i, j), message in sorted(diverged.items())),
        interrupted=interrupted,
        seconds=time.monotonic() - began,
    )


def _deviation(y: Array) -> float:
    """Return the standard deviation of targets (m, outputs) about each output's mean."""
    exact = y.astype(np.float64)
    return float(np.sqrt(((exact - exact.mean(axis=0)) ** 2).mean()))


def _maker(make_network: Any, seed: int) -> tuple[Callable[[int], Network], Network]:
    """Return a function from a seed to a network of its own, and one of them."""
    if isinstance(make_network, Network):
        pattern = make_network.copy()

        def make(seed: int) -> Network:
            net = pattern.copy()
            net.initialize(seed)
            return net

        return make, pattern
    if not callable(make_network):
        raise InputError(
            f"make_network is {make_network!r:.80}; expected a function from a seed to a new network, such as "
            'lambda seed: gn.Network(64, [gn.Dense(10, "softmax")], seed=seed).'
        )
    first, second = make_network(seed), make_network(seed)
    if not isinstance(first, Network):
        raise InputError(f"make_network returned a {type(first).__name__}; expected a gn.Network.")
    if first is second:
        raise InputError("make_network returned the same network twice; expected a new one at each call.")
    return make_network, first


def _epochs(epochs: int, sizes: Sequence[int], batch_size: int | None) -> tuple[int, ...]:
    """Return how often each size meets its rows: as often as all rows are met, and for at least so many steps."""
    steps = [-(-size // (batch_size or size)) for size in sizes]
    least = min(LEAST_STEPS, epochs * steps[-1])
    return tuple(max(epochs, -(-least // each)) for each in steps)


def _measure(
    name: str,
    is_share: bool,
    root: bool,
    plan: Plan,
    done: Runs,
    counts: Array,
    read: Callable[[Run], tuple[Array, float]],
) -> Measure:
    """Gather what the runs say of one error, and fit the law to the seeds that are done at every size."""
    shape = len(plan.sizes), len(plan.seeds)
    held_out, training = np.full(shape, np.nan), np.full(shape, np.nan)
    sums = np.full((*shape, len(counts)), np.nan)
    for place, run in done.items():
        sums[place], training[place] = read(run)
        held_out[place] = sums[place].sum() / counts.sum()
    if root:
        held_out, training = np.sqrt(held_out), np.sqrt(training)
    whole = ~np.isnan(held_out).any(axis=0)
    n = np.array(plan.sizes, np.float64)
    if whole.sum() < 2:
        projection = project(np.array(plan.sizes), held_out[:, whole], np.empty((0, len(n))))
    else:
        resampled = resampled_means(sums[:, whole], counts, root=root, seed=plan.seeds[0], level=LEVEL)
        projection = project(np.array(plan.sizes), held_out[:, whole], resampled)
    return Measure(name, is_share, held_out, training, projection)
