"""The trainings of many starts, several side by side until all are done or Ctrl-C comes.

Each start is a training of its own on one thread; compiled steps hold no lock, so threads are enough.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar, final

from numpy.typing import ArrayLike, NDArray

from glassnet.errors import NonFiniteError
from glassnet.maths.loss import Loss
from glassnet.network.network import Network
from glassnet.training import Progressed, StopTraining, train

Array = NDArray[Any]
End = TypeVar("End")


@final
@dataclass(frozen=True)
class StartsProgress:
    """How far many starts are.

    Parameters
    ----------
    done, starts : int
    seconds_each : float
        What a start took alone on one thread; measured on the second, as the first may have compiled.
    seconds_left : float
        Estimated for the rest on all threads.
    """

    done: int
    starts: int
    seconds_each: float
    seconds_left: float


@final
class Team:
    """Trains starts in threads until all are done or Ctrl-C comes."""

    def __init__(self, net: Network, x: Array, y: ArrayLike, loss: Loss, seed: int, options: dict[str, Any]) -> None:
        self._net, self._rows, self._seed, self._options = net, (x, y, loss), seed, options
        self._stopped = threading.Event()

    def run(
        self,
        starts: int,
        threads: int,
        look: Callable[[int, Array | None], End],
        report: Callable[[StartsProgress], object] | None,
    ) -> dict[int, End]:
        """Return what `look` says of each start that was made, by its seed.

        `look` takes the seed and the θ at the end, or None of a start that diverged; nothing else keeps that θ.
        """
        ends: dict[int, End] = {}
        ahead = iter(range(self._seed, self._seed + starts))
        each = 0.0

        def tell(since: float, before: int, side_by_side: int) -> None:
            if report is not None and each:
                done = len(ends) - before
                pace = (time.monotonic() - since) / done if done >= 2 * side_by_side else each / side_by_side
                report(StartsProgress(len(ends), starts, each, pace * (starts - len(ends))))

        with ThreadPoolExecutor(threads, thread_name_prefix="glassnet-start") as pool:
            try:
                for _ in range(min(2, starts)):  # the first compiles, where that is still to do; the second is timed
                    began = time.monotonic()
                    self._gather(pool, ahead, 1, 1, ends, look, lambda: None)
                    each = time.monotonic() - began
                tell(0.0, len(ends), min(threads, max(1, starts - 2)))
                since, before = time.monotonic(), len(ends)
                self._gather(pool, ahead, threads, starts, ends, look, lambda: tell(since, before, threads))
            except KeyboardInterrupt:
                self._stopped.set()
                if not ends:
                    raise
        return dict(sorted(ends.items()))

    def again(self, seeds: Sequence[int], threads: int) -> dict[int, Array | None]:
        """Return the θ at the end of each of these starts, trained once more; only what is done if Ctrl-C comes."""
        ends: dict[int, Array | None] = {}
        with ThreadPoolExecutor(threads, thread_name_prefix="glassnet-start") as pool:
            try:
                self._gather(pool, iter(seeds), threads, len(seeds), ends, lambda _, theta: theta, lambda: None)
            except KeyboardInterrupt:
                self._stopped.set()
        return ends

    def _gather(
        self,
        pool: ThreadPoolExecutor,
        ahead: Iterator[int],
        side_by_side: int,
        most: int,
        ends: dict[int, End],
        look: Callable[[int, Array | None], End],
        tell: Callable[[], None],
    ) -> None:
        """Keep so many starts running until `most` are made or none is left."""
        running: dict[Future[Array | None], int] = {}

        def fill() -> None:
            nonlocal most
            while most and len(running) < side_by_side and (seed := next(ahead, None)) is not None:
                running[pool.submit(self._train, seed)] = seed
                most -= 1

        fill()
        while running:
            for future in wait(running, return_when="FIRST_COMPLETED").done:
                seed = running.pop(future)
                ends[seed] = look(seed, future.result())
                fill()
                tell()

    def _train(self, seed: int) -> Array | None:
        net = begin(self._net, seed)
        x, y, loss = self._rows
        try:
            train(net, x, y, loss, threads=1, seed=seed, callbacks=[self._look], **self._options)
        except NonFiniteError:
            return None
        return net.theta

    def _look(self, event: Progressed) -> None:
        if self._stopped.is_set():
            raise StopTraining("other starts were interrupted")


def begin(net: Network, seed: int) -> Network:
    """Return a copy of a network where a start begins: all that is trained is drawn anew."""
    start = net.copy()
    start.initialize(seed)
    kept = ~net.layout.mask("trainable")
    start.theta[kept] = net.theta[kept]
    return start
