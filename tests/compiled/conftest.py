"""What tests of machine code share: programs that run in a process of their own, with a hard end, and a warm cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

TRAIN = """
import hashlib, json, sys
import numpy as np
import glassnet as gn


def digest(net):
    return hashlib.sha256(net.theta.tobytes()).hexdigest()


def train(m=37, seed=0, epochs=2, layers=None, **arguments):
    net = gn.Network(5, layers or [gn.Dense(17, "tanh"), gn.Dense(3, "softmax")], seed=1, dtype="float64")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(m, 5)), rng.integers(0, 3, m)
    gn.train(net, x, y, "cross_entropy", epochs=epochs, batch_size=arguments.pop("batch_size", 8), **arguments)
    return net


def say(**facts):
    print(json.dumps(facts), flush=True)

"""
"""The start of every program: a small training in float64, and a line of facts to print."""


class Answer(dict):
    """The facts that a program printed, with what it wrote on stderr."""

    stderr: str = ""


def start(code, cache, **variables):
    """Start a program, or several texts one behind the other; what is not named here is as at home."""
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "GLASSNET_"))}
    surroundings |= {"GLASSNET_CACHE_DIR": str(cache)} | variables
    command = [sys.executable, "-c", TRAIN + "".join(map(textwrap.dedent, [code] if isinstance(code, str) else code))]
    return subprocess.Popen(command, env=surroundings, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(process, timeout=120):
    """Return the facts that a program printed; fail where it hangs, crashes or raises."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"still running after {timeout} s\n{out}\n{err}")
    assert process.returncode == 0, f"ended with {process.returncode}\n{out}\n{err}"
    answer = Answer()
    for line in out.splitlines():
        answer |= json.loads(line)
    answer.stderr = err
    return answer


def program(code, cache, timeout=120, **variables):
    """Run a program to its end and return the facts that it printed."""
    return end(start(code, cache, **variables), timeout)


@pytest.fixture(scope="session")
def run():
    return program


@pytest.fixture(scope="session")
def launch():
    """Start a program, and end it later."""
    return start, end


@pytest.fixture(scope="session")
def first(tmp_path_factory):
    """The first training on a machine: its answer, and the folder it filled."""
    cache = tmp_path_factory.mktemp("kernels")
    answer = program("say(bits=digest(train()), numba='numba' in sys.modules)", cache)
    return answer, cache


@pytest.fixture(scope="session")
def warm(first) -> Path:
    """A folder with the kernels of `train`."""
    return first[1]


@pytest.fixture(scope="session")
def bits(first) -> str:
    """The digest of θ after `train`."""
    return first[0]["bits"]
