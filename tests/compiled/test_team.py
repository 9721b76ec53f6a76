"""Threads side by side: none waits for ever, whatever fails; children of any kind train as their parents do."""

from __future__ import annotations

import os
import signal
import time

import pytest

from glassnet.compiled import machine_code

compiled_only = pytest.mark.skipif(not machine_code.JITTED, reason="needs a long step in machine code")
can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

THREADED = """
import glassnet.engines.compiled as engine
engine.WORK_FOR_A_THREAD = 1

"""
"""Lets the smallest step take as many threads as it is given."""


# Failure


FAILING = """
import threading, time
from glassnet.compiled import intrinsics, meeting, records, team

def work(thread, threads, counters):
    for step in range(1, 1000):
        if step == 3 and thread == {thread}:
            {failure}
        if meeting.meet(counters, threads, step):
            left.append(thread)
            return -1
    return 0

left, counters, began = [], team.new_counters(), time.monotonic()
try:
    result = team.run(intrinsics.handle(work), {threads}, [], counters, lambda: False)
    say(result=result)
except BaseException as error:
    say(error=repr(error))
say(seconds=time.monotonic() - began, left=sorted(left), aborted=int(counters[records.ABORTED]))

def again(thread, threads, counters):
    return 41 + threads

say(again=team.run(intrinsics.handle(again), {threads}, [], team.new_counters(), lambda: False), idle=len(team._idle))
"""


@pytest.mark.parametrize(("threads", "thread"), [(2, 0), (2, 1), (8, 5)])
@pytest.mark.parametrize("error", ["ZeroDivisionError('of a worker')", "KeyboardInterrupt()", "SystemExit(3)"])
def test_a_failing_worker_ends_all(run, tmp_path, error, threads, thread):
    code = FAILING.format(threads=threads, thread=thread, failure=f"raise {error}")
    answer = run(code, tmp_path, timeout=20, NUMBA_DISABLE_JIT="1")
    assert answer["error"] == error
    assert answer["left"] == [t for t in range(threads) if t != thread]
    assert answer["seconds"] < 5
    assert answer["again"] == 41 + threads  # the threads are whole and work on
    assert answer["idle"] == threads


def test_who_says_abort_lets_all_leave(run, tmp_path):
    code = FAILING.format(threads=8, thread=2, failure="counters[records.ABORTED] = 1")
    answer = run(code, tmp_path, timeout=20, NUMBA_DISABLE_JIT="1")
    assert answer["result"] == -1
    assert answer["left"] == list(range(8))
    assert answer["seconds"] < 5


def test_a_wish_to_stop_that_fails_ends_all(run, tmp_path):
    code = """
    from glassnet.compiled import intrinsics, records, team
    import time

    def work(thread, threads, counters):
        while not counters[records.ABORTED]:
            time.sleep(0.001)
        left.append(thread)
        return 0

    def stop():
        raise RuntimeError("stop() failed")

    left = []
    try:
        team.run(intrinsics.handle(work), 4, [], team.new_counters(), stop)
    except RuntimeError as error:
        say(error=str(error), left=len(left))
    """
    assert run(code, tmp_path, timeout=20, NUMBA_DISABLE_JIT="1") == {"error": "stop() failed", "left": 4}


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_more_threads_than_cores_finish_with_the_same_bits(run, warm, bits, threads):
    answer = run([THREADED, f"say(bits=digest(train(threads={threads})))"], warm, timeout=60)
    assert answer["bits"] == bits


# Ctrl-C


LONG = """
import time, warnings

def main():
    net = gn.Network(
        100, [gn.Dense(1000, "tanh"), gn.Dense(1000, "tanh"), gn.Dense(3, "softmax")], seed=1, dtype="float64"
    )
    x, y = np.random.default_rng(0).normal(size=({rows}, 100)), np.arange({rows}) % 3
    gn.train(net, x[:4], y[:4], "cross_entropy", epochs=1, batch_size=4)  # all is compiled now
    before = digest(net)
    say(started=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            history = gn.train(net, x, y, "cross_entropy", epochs=10**6, batch_size={batch}, threads={threads})
            say(stopped=history.stopped)
        except KeyboardInterrupt:
            say(stopped="at once")
    say(warnings=[str(w.message) for w in caught], moved=digest(net) != before)
    say(after=digest(train()), at=time.time())

main()
"""


def wait_until_started(process):
    if "started" not in process.stdout.readline():
        process.kill()
        pytest.fail(process.communicate()[1])


@compiled_only
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_one_ctrl_c_ends_after_the_step_and_says_so(launch, warm, bits, threads):
    start, end = launch
    process = start(LONG.format(rows=256, batch=64, threads=threads), warm)
    wait_until_started(process)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    sent = time.time()
    answer = end(process, timeout=20)
    assert answer["stopped"] == "interrupted"
    assert any("interrupted" in text for text in answer["warnings"])
    assert answer["moved"]
    assert answer["after"] == bits
    assert answer["at"] - sent < 3


@compiled_only
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_second_ctrl_c_leaves_a_long_step_at_once(launch, warm, bits, threads):
    """The step takes all rows: tens of seconds on a machine where a chunk of them takes a tenth of one."""
    start, end = launch
    process = start(LONG.format(rows=100_000, batch=100_000, threads=threads), warm)
    wait_until_started(process)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    sent = time.time()
    answer = end(process, timeout=20)
    assert answer["stopped"] == "at once"
    assert not answer["moved"]
    assert answer["after"] == bits  # the threads are whole and work on
    assert answer["at"] - sent < 3


# Several trainings at once


@compiled_only
def test_trainings_in_several_threads_do_not_disturb_each_other(run, warm):
    code = """
    import threading
    from concurrent.futures import ThreadPoolExecutor

    def one(seed):
        return digest(train(m=200, seed=seed, epochs=20, threads=2, optimizer="sgd(0.1)"))

    alone = [one(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(one, range(4)))
    say(same=alone == together, different=len(set(alone)))
    """
    assert run([THREADED, code], warm, timeout=90) == {"same": True, "different": 4}


@compiled_only
def test_threads_that_compile_at_once_agree(run, warm, tmp_path):
    """Loading, compiling and the line that says so are the first thing that both do."""
    code = """
    from concurrent.futures import ThreadPoolExecutor

    def one(_):
        return digest(train(layers=[gn.Dense(4, "softsign"), gn.Dense(3, "softmax")]))

    with ThreadPoolExecutor(3) as pool:
        say(bits=sorted(set(pool.map(one, range(3)))))
    """
    import shutil

    answer = run(code, shutil.copytree(warm, tmp_path / "kernels"), timeout=90)
    assert len(answer["bits"]) == 1
    assert answer.stderr.count("glassnet: compiling") == 1


# Children


@compiled_only
@can_fork
def test_a_forked_child_of_a_process_that_trained_trains(run, warm, bits):
    code = """
    import os
    train(threads=2)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, digest(train(threads=2)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    say(child=os.read(read, 100).decode(), parent=digest(train(threads=2)))
    """
    assert run([THREADED, code], warm, timeout=60) == {"child": bits, "parent": bits}


@compiled_only
@can_fork
def test_a_child_that_is_forked_while_another_thread_trains_trains(run, warm, bits):
    code = """
    import os, threading, time
    train(threads=2)
    busy = threading.Thread(target=train, kwargs=dict(m=500, epochs=2000, threads=2))
    busy.start()
    time.sleep(0.2)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, digest(train(threads=2)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    say(child=os.read(read, 100).decode(), parent=digest(train(threads=2)))
    busy.join()
    """
    assert run([THREADED, code], warm, timeout=60) == {"child": bits, "parent": bits}


@compiled_only
@can_fork
def test_a_child_that_is_forked_while_another_thread_finds_kernels_trains(run, warm, bits):
    """The lock that the other thread holds is nobody's in the child."""
    code = """
    import os, threading
    from glassnet.compiled import machine_code

    held, done = threading.Event(), threading.Event()

    def hold():
        with machine_code._lock:
            held.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        import faulthandler
        faulthandler.dump_traceback_later(15, exit=True)
        os.write(write, digest(train()).encode())
        os._exit(0)
    done.set()
    other.join()
    status = os.waitpid(child, 0)[1]
    os.close(write)
    say(child=os.read(read, 100).decode(), status=status)
    """
    assert run(code, warm, timeout=60) == {"child": bits, "status": 0}


POOLS = {
    "multiprocessing, fork": ("multiprocessing", "multiprocessing.get_context('fork').Pool(2)"),
    "multiprocessing, spawn": ("multiprocessing", "multiprocessing.get_context('spawn').Pool(2)"),
    "multiprocessing, forkserver": ("multiprocessing", "multiprocessing.get_context('forkserver').Pool(2)"),
    "concurrent.futures": ("concurrent.futures", "concurrent.futures.ProcessPoolExecutor(2)"),
    "threads": ("multiprocessing.pool", "multiprocessing.pool.ThreadPool(2)"),
}

IN_A_MODULE = """
import hashlib
import numpy as np
import glassnet as gn

def job(seed):
    net = gn.Network(5, [gn.Dense(17, "tanh"), gn.Dense(3, "softmax")], seed=1, dtype="float64")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(37, 5)), rng.integers(0, 3, 37)
    gn.train(net, x, y, "cross_entropy", epochs=2, batch_size=8, threads=2)
    return hashlib.sha256(net.theta.tobytes()).hexdigest()
"""


@pytest.fixture
def module(tmp_path):
    """A folder with a module whose `job` trains, as children that start afresh need it."""
    (tmp_path / "job_of_a_child.py").write_text(IN_A_MODULE)
    return tmp_path


@compiled_only
@pytest.mark.parametrize("pool", POOLS)
def test_the_processes_of_a_pool_train(run, warm, bits, pool, module):
    imported, make = POOLS[pool]
    if "fork" in pool and not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    code = f"""
    import {imported}
    from job_of_a_child import job
    here = [job(seed) for seed in range(4)]
    with {make} as pool:
        there = list(pool.map(job, range(4)))
    say(here=here, there=there)
    """
    answer = run(code, warm, timeout=60, PYTHONPATH=str(module))
    assert answer["there"] == answer["here"]
    assert answer["here"][0] == bits
    assert len(set(answer["here"])) == 4


@compiled_only
def test_the_processes_of_joblib_train(run, warm, module):
    pytest.importorskip("joblib", reason="joblib, scikit-learn's pool of processes, is not installed")
    code = """
    import joblib
    from job_of_a_child import job
    here = [job(seed) for seed in range(3)]
    there = joblib.Parallel(2, backend="loky")(joblib.delayed(job)(seed) for seed in range(3))
    say(same=here == there)
    """
    assert run(code, warm, timeout=60, PYTHONPATH=str(module)) == {"same": True}
