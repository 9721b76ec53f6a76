"""The trainings behind a learning curve: one for each size and seed, side by side, each on one thread.

They are independent, and kernels let go of Python's lock, so on c cores they are done about c times as fast; a training
of this size gains less from several threads of its own.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.team import cores
from glassnet.engines import Block, row_errors_and_predictions
from glassnet.errors import GlassnetWarning, NonFiniteError
from glassnet.maths.metrics import predicted_classes
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.training import Progressed, StopTraining, TrainingStarted, train
from glassnet.training.stopping import Interruption

Array = NDArray[Any]

_GIVEN_UP = "the learning curve was interrupted"


@final
@dataclass(frozen=True)
class CurveProgress:
    """How far a learning curve has come.

    Parameters
    ----------
    runs_done, runs : int
        Trainings.
    share : float
        Of the work, from 0 to 1.
    seconds_left : float
        As far as can be told from what was done; at the first call, from one training at the smallest size.
    workers : int
        How many trainings go on at once.
    """

    runs_done: int
    runs: int
    share: float
    seconds_left: float
    workers: int


@final
@dataclass(frozen=True)
class Plan:
    """What is to be trained, and on what.

    Parameters
    ----------
    make_network : callable
        From a seed to a network of its own.
    objective : Objective
    block, held_out : Block
    sizes, seeds : tuples of int
    orders : tuple of arrays
        For each seed its rows; the first n are its subset of size n.
    epochs : tuple of int
        For each size.
    batch_size : int or None
    is_classes : bool
    blocks : (m,) array
        In which block of resampling each held-out row is.
    options : mapping
        The other arguments of `train`.
    """

    make_network: Callable[[int], Network]
    objective: Objective
    block: Block
    held_out: Block
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    orders: tuple[Array, ...]
    epochs: tuple[int, ...]
    batch_size: int | None
    is_classes: bool
    blocks: Array
    options: Mapping[str, Any]

    def work(self, i: int) -> float:
        """How much a training of size number i is, in rows met; a step costs at least as much as some rows do."""
        size = self.sizes[i]
        steps = -(-size // (self.batch_size or size))
        return float(self.epochs[i] * (size + _ROWS_A_STEP * steps))


_ROWS_A_STEP = 16


@final
@dataclass(frozen=True)
class Run:
    """What one training came to.

    Parameters
    ----------
    loss, errors : (blocks,) arrays
        Sums over each block of held-out rows: of the loss, and of mistakes or squared differences.
    train_loss, train_error : float
        The means over the rows trained on, without dropout.
    seconds : float
        From the first step on.
    """

    loss: Array
    errors: Array
    train_loss: float
    train_error: float
    seconds: float


Runs = dict[tuple[int, int], Run]


def run_all(
    plan: Plan, threads: int | None, progress: Callable[[CurveProgress], object] | None
) -> tuple[Runs, dict[tuple[int, int], str], bool]:
    """Train everything; Ctrl-C keeps what is done.

    Returns
    -------
    done : dict
        Runs by (number of the size, number of the seed).
    diverged : dict
        Where a NaN or an infinity ended a training, and its message.
    interrupted : bool
    """
    tasks = [(i, j) for j in range(len(plan.seeds)) for i in reversed(range(len(plan.sizes)))]
    tasks.remove((0, 0))
    workers = max(1, min(cores() if threads is None else threads, len(tasks) or 1))
    stop = threading.Event()
    done: Runs = {}
    diverged: dict[tuple[int, int], str] = {}
    total, finished, began = sum(plan.work(i) for i, _ in [(0, 0), *tasks]), 0.0, 0.0

    def tell(seconds_left: float) -> None:
        if progress is not None:
            n = len(done) + len(diverged)
            progress(CurveProgress(n, len(tasks) + 1, finished / total, seconds_left, workers))

    with Interruption() as interruption, _without_advice():
        first = _train(
            plan, 0, 0, stop
        )  # alone: it compiles what is not compiled yet, and tells how fast this machine is
        done[0, 0], finished, began = first, plan.work(0), time.monotonic()
        tell(first.seconds / plan.work(0) * (total - finished) / workers)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="glassnet curve")
        try:
            pending: dict[Future[Run], tuple[int, int]] = {
                pool.submit(_train, plan, *task, stop): task for task in tasks
            }
            while pending and not interruption.wished:
                for future in wait(pending, timeout=0.1, return_when=FIRST_COMPLETED).done:
                    task = pending.pop(future)
                    finished += plan.work(task[0])
                    try:
                        done[task] = future.result()
                    except NonFiniteError as error:
                        diverged[task] = str(error)
                    tell((time.monotonic() - began) / (finished - plan.work(0)) * (total - finished))
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return done, diverged, interruption.wished


@contextmanager
def _without_advice() -> Iterator[None]:
    """Leave out the warning that a class is not there: in the smallest subsets that is to be expected."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"The network has \d+ outputs, but", GlassnetWarning)
        yield


def _train(plan: Plan, i: int, j: int, stop: threading.Event) -> Run:
    """Train on the subset of size i and seed j, and judge the network."""
    rows, seed = plan.orders[j][: plan.sizes[i]], plan.seeds[j]
    net = plan.make_network(seed)
    began = time.monotonic()

    def started(event: TrainingStarted) -> None:
        nonlocal began
        began = time.monotonic()

    def give_up(event: Progressed) -> None:
        if stop.is_set():
            raise StopTraining(_GIVEN_UP)

    x, y, objective = plan.block.x[rows], plan.block.y[rows], plan.objective
    try:
        train(
            net,
            x,
            y,
            objective.loss,
            epochs=plan.epochs[i],
            batch_size=plan.batch_size,
            l1=objective.l1,
            l2=objective.l2,
            callbacks=[started, give_up],
            seed=seed,
            threads=1,
            **plan.options,
        )
    except NonFiniteError as error:
        where = f"On {len(rows):,} rows with seed {seed}, which are counted by themselves: "
        raise NonFiniteError(
            where + str(error),
            step=error.step,
            quantity=error.quantity,
            layer=error.layer,
            row=error.row,
            unit=error.unit,
        ) from error
    seconds = time.monotonic() - began
    loss, errors = _row_figures(plan, net, plan.held_out.x, plan.held_out.y)
    train_loss, train_errors = _row_figures(plan, net, x, y)
    count = int(plan.blocks.max()) + 1
    return Run(
        loss=np.bincount(plan.blocks, loss, count),
        errors=np.bincount(plan.blocks, errors, count),
        train_loss=float(train_loss.mean()),
        train_error=float(train_errors.mean()),
        seconds=seconds,
    )


def _row_figures(plan: Plan, net: Network, x: Array, y: Array) -> tuple[Array, Array]:
    """Return each row's loss, and whether its class was mistaken or the mean square of its outputs' differences."""
    loss, prediction = row_errors_and_predictions(net, plan.objective, x, y)
    if not plan.is_classes:
        return loss, ((prediction.astype(np.float64) - y) ** 2).mean(axis=1)
    truth = y if y.ndim == 1 else predicted_classes(y, threshold=0.5)
    return loss, (predicted_classes(prediction, plan.objective.loss.threshold) != truth).astype(np.float64)
