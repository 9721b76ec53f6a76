"""Threads that run one compiled function side by side, while the caller stays free for Ctrl-C.

Threads are kept between calls, since starting one takes longer than many a training step. Each call has threads of its
own for as long as it lasts, so that two trainings at once cannot wait for each other; a child process starts with none.
"""

from __future__ import annotations

import ctypes
import functools
import os
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from glassnet.compiled.machine_code import JITTED
from glassnet.compiled.records import ABORTED, COUNTERS, LAST_STEP, NOT_FINITE, WISHED

NEVER = np.iinfo(np.int64).max

_SECONDS_BETWEEN_LOOKS = 0.05

_idle: list[_Worker] = []
_lock = threading.Lock()


def cores() -> int:
    """Return how many cores this process may use."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return here
    return here if quota == "max" else max(1, min(here, round(int(quota) / int(period))))


def new_counters() -> Any:
    """Return counters for one call; see `records`."""
    counters = np.zeros(COUNTERS, np.int64)
    counters[LAST_STEP] = counters[NOT_FINITE] = NEVER
    return counters


@final
class _Worker:
    """A thread that takes one task after another."""

    def __init__(self) -> None:
        self.tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="glassnet", daemon=True).start()

    def _work(self) -> None:
        while True:
            self.tasks.get()()


def run_here(address: int, args: Sequence[Any]) -> int:
    """Call ``function(0, 1, *args, counters)`` and return what it returns: for work that is done in a blink.

    Handing it to a thread would take longer than the work, and Ctrl-C waits until it is done.
    """
    return _function(address, [*args, new_counters()])(0, 1)


def run(address: int, threads: int, args: Sequence[Any], counters: Any, stop: Callable[[], bool] | None = None) -> int:
    """Call ``function(thread, threads, *args, counters)`` on every thread and return what thread 0 returns.

    Parameters
    ----------
    address : int
        Of machine code, or a handle of a Python function.
    threads : int
    args : sequence of int and arrays
        Arrays are passed as their address.
    counters : array of `new_counters`
    stop : callable or None
        Asked every now and then; once it says so, the function is to end after the step it is in.

    Raises
    ------
    BaseException
        What a worker raised, or what came while waiting, such as KeyboardInterrupt: all threads have left by then.
    """
    function = _function(address, [*args, counters])
    results: list[int] = [0] * threads
    failures: list[BaseException] = []
    done = [threading.Event() for _ in range(threads)]

    def work(thread: int) -> None:
        try:
            results[thread] = function(thread, threads)
        except BaseException as error:
            failures.append(error)
            counters[ABORTED] = 1
        finally:
            done[thread].set()

    with _lock:
        workers = [_idle.pop() if _idle else _Worker() for _ in range(threads)]
    try:
        for thread, worker in enumerate(workers):
            worker.tasks.put(functools.partial(work, thread))
        for event in done:
            while not event.wait(_SECONDS_BETWEEN_LOOKS):
                if stop is not None and stop():
                    counters[WISHED] = 1
    except BaseException:
        _send_away(workers, counters)
        raise
    finally:
        with _lock:
            _idle.extend(workers)
    if failures:
        raise failures[0]
    return results[0]


def _send_away(workers: list[_Worker], counters: Any) -> None:
    """Make workers leave and wait, whatever comes meanwhile, until they have: they write to the caller's memory."""
    while True:
        try:
            counters[ABORTED] = 1
            events = [threading.Event() for _ in workers]
            for worker, event in zip(workers, events, strict=True):
                worker.tasks.put(event.set)
            for event in events:
                event.wait()
        except BaseException:
            continue
        return


def _function(address: int, args: list[Any]) -> Callable[[int, int], int]:
    if not JITTED:
        from glassnet.compiled.intrinsics import called

        flat = [arg.reshape(-1) if isinstance(arg, np.ndarray) and arg.ndim > 1 else arg for arg in args]
        return lambda thread, threads: called(address)(thread, threads, *flat)
    plain = [arg.ctypes.data if isinstance(arg, np.ndarray) else int(arg) for arg in args]
    kinds = [ctypes.c_void_p if isinstance(arg, np.ndarray) else ctypes.c_int64 for arg in args]
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, *kinds)(address)
    return lambda thread, threads: int(function(thread, threads, *plain))


def _forget() -> None:
    """In a child process no thread of the parent goes on."""
    global _lock
    _idle.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
