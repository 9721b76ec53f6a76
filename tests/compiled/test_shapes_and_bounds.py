"""Tiles of every host, plain Python with NumPy's bounds, guards between matrices: always the reference's training."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from glassnet.compiled import machine_code

COMPARE = """
import glassnet.engines.compiled as engine
engine.WORK_FOR_A_THREAD = 1

def compare(inputs, widths, outputs, batch, threads, dropout=0.0, loss="cross_entropy", **arguments):
    layers = [gn.Dense(n, "tanh") for n in widths] + [gn.Dropout(dropout)] * (dropout > 0)
    layers += [gn.Dense(outputs, "softmax" if loss == "cross_entropy" else "identity")]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * batch + 1, inputs))
    y = np.arange(len(x)) % outputs if loss == "cross_entropy" else rng.normal(size=(len(x), outputs))
    thetas = {}
    for name, more in (("compiled", dict(threads=threads)), ("reference", {})):
        net = gn.Network(inputs, layers, seed=3, dtype="float64")
        gn.train(net, x, y, loss, epochs=2, batch_size=batch, engine=name, seed=5, **more, **arguments)
        thetas[name] = net.theta
    a, b = thetas["compiled"], thetas["reference"]
    found.append(float(np.abs(a - b).max() / np.abs(b).max()))
    digests.append(hashlib.sha256(a.tobytes()).hexdigest())

found, digests = [], []
"""
"""Trains on both engines and remembers how far apart they end."""

BORDERS = """
for n in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17):
    compare(n, [n + 1], max(2, n - 1), n, 2)
compare(65, [33], 31, 13, 1)
say(worst=max(found), count=len(found), digests=digests)
"""
"""Sizes around the borders of tiles of 4, 8, 12 and 16 columns and 6 and 12 rows."""

SETTINGS = """
compare(5, [7, 4], 3, 6, 1, dropout=0.4)
compare(5, [7, 4], 3, 6, 2, dropout=0.4, clip_norm=0.1, l1=0.01, l2=0.1)
compare(9, [8], 2, 5, 2, loss="squared_error", clip_value=0.01, optimizer="sgd(0.1, momentum=0.9)")
compare(4, [6], 3, 4, 3, reduction="sum", optimizer="adamw", validation=0.3)
say(worst=max(found), count=len(found))
"""


def test_plain_python_agrees_with_the_reference(run, tmp_path):
    """Where nothing is compiled NumPy checks every place that is read or written by its number."""
    answer = run([COMPARE, SETTINGS], tmp_path, NUMBA_DISABLE_JIT="1")
    assert answer["count"] == 4
    assert answer["worst"] < 1e-10
    assert answer.stderr == ""
    assert not list(tmp_path.iterdir())  # and nothing is kept


HOSTS = {
    "as it is": {},
    "vectors of 16 bytes": {"GLASSNET_VECTOR_BYTES": "16"},
    "vectors of 32 bytes": {"GLASSNET_VECTOR_BYTES": "32"},
    "vectors of 64 bytes": {"GLASSNET_VECTOR_BYTES": "64"},
    "bounds checked by Numba": {"NUMBA_BOUNDSCHECK": "1"},
    "AVX2": {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+64bit,+avx,+avx2,+bmi,+bmi2,+cmov,+cx16,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt"
        ",+sahf,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave",
    },
    "SSE4": {
        "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": "+64bit,+cmov,+cx16,+fxsr,+mmx,+popcnt,+sahf,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3",
    },
}


@pytest.fixture(scope="module")
def hosts(run, tmp_path_factory):
    """The answers of every host, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        tasks = {
            name: pool.submit(run, [COMPARE, BORDERS], tmp_path_factory.mktemp("host"), **variables)
            for name, variables in HOSTS.items()
        }
    return {name: task.result for name, task in tasks.items()}


@pytest.mark.skipif(not machine_code.JITTED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
@pytest.mark.parametrize("host", HOSTS)
def test_tiles_of_any_host_agree_with_the_reference(hosts, host):
    answer = hosts[host]()
    assert answer["count"] == 12
    assert answer["worst"] < 1e-10


@pytest.mark.skipif(not machine_code.JITTED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
def test_the_width_of_a_vector_has_no_bearing_on_the_bits(hosts):
    assert len({tuple(hosts[f"vectors of {size} bytes"]()["digests"]) for size in (16, 32, 64)}) == 1


GUARDED = """
from glassnet.compiled import program

class Guarded(program.Memory):
    # every place has 64 numbers more behind it, which are NaN until somebody writes there

    def place(self, count):
        start = super().place(count)
        self.guards = getattr(self, "guards", [])
        self.guards.append((start + count, start + count + self._room + 64))
        self.size += -(-64 // self._line) * self._line
        return start

    def allocate(self):
        numbers = super().allocate()
        for first, last in self.guards:
            numbers[first:last] = np.nan
        kept.append((numbers, self.guards))
        return numbers

memories = dict(plain=program.Memory, guarded=Guarded)
same, written, guards = [], 0, 0
for inputs, widths, outputs, batch, threads, more in (
    (5, [17], 3, 8, 1, {}),
    (31, [33, 9], 7, 13, 3, dict(dropout=0.4, clip_norm=0.1, l2=0.1)),
    (6, [256], 2, 12, 2, dict(validation=0.2)),
):
    for name, memory in memories.items():
        kept = []
        program.Memory = memory
        compare(inputs, widths, outputs, batch, threads, **more)
        for numbers, places in kept:
            guards += len(places)
            written += sum(int(np.count_nonzero(~np.isnan(numbers[a:b]))) for a, b in places)
    same.append(digests[-1] == digests[-2])
say(same=same, written=written, guards=guards)
"""


@pytest.mark.parametrize("disable", ["", "1"])
def test_nothing_is_written_outside_its_place(run, warm, disable):
    """Vectors may read what stands behind a row, but it reaches no result."""
    answer = run([COMPARE, GUARDED], warm, **({"NUMBA_DISABLE_JIT": disable} if disable else {}))
    assert answer["same"] == [True, True, True]
    assert answer["guards"] > 50
    assert answer["written"] == 0
