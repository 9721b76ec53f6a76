"""Kernels on disk: found again without a compiler, never stale, never executed when damaged, and not indispensable."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import glassnet
from glassnet.compiled import machine_code
from glassnet.compiled.machine_code import Kernel
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES

SOURCES = Path(glassnet.__file__).parent
LINE = "glassnet: compiling"

compiled_only = pytest.mark.skipif(not machine_code.JITTED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
pytestmark = compiled_only


@pytest.fixture
def forgetful(monkeypatch):
    """As in a process that has not loaded anything yet."""
    monkeypatch.setattr(machine_code, "_loaded", {})


@pytest.fixture
def copy(tmp_path):
    """A copy of the package, to change."""
    shutil.copytree(SOURCES, tmp_path / "glassnet", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "glassnet"


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times {old!r}; the test is to be rewritten"
    path.write_text(text.replace(old, new), encoding="utf-8")


# Found again


def test_the_first_training_compiles_and_says_so_once(first):
    answer, cache = first
    assert answer["numba"]
    assert answer.stderr.count(LINE) == 1
    assert len(answer.stderr.splitlines()) == 1
    assert any(cache.iterdir())


def test_a_later_process_finds_everything_without_a_compiler(run, warm, bits):
    before = {path.name: path.stat().st_mtime_ns for path in warm.iterdir()}
    later = run("say(bits=digest(train()), modules=sorted(sys.modules))", warm)
    assert later["bits"] == bits
    assert not {"numba", "scipy", "sklearn"} & set(later["modules"])
    assert later.stderr == ""
    assert {path.name: path.stat().st_mtime_ns for path in warm.iterdir()} == before


def test_a_later_network_compiles_only_what_is_new_to_it(run, warm, tmp_path):
    cache = shutil.copytree(warm, tmp_path / "kernels")
    before = {path.name for path in cache.iterdir()}
    answer = run("say(bits=digest(train(layers=[gn.Dense(4, 'softsign'), gn.Dense(3, 'softmax')])))", cache)
    new = {path.name for path in cache.iterdir()} - before
    assert sorted(name.split("-")[0] for name in new) == ["value", "value_and_slope"]
    assert answer.stderr.count(LINE) == 1


OWN = """
import math
import glassnet.engines
from glassnet.maths.activation import Activation, RowActivation

glassnet.engines._require_formulas_of_arrays = lambda network: None  # math's functions are what is tested here

def shares(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)

def refuse(z):
    return math.{function}(np.abs(z) + 1.5)

records = dict(
    rows=RowActivation("shares", value=shares, row_pullback=lambda z, a, d: a * (d - np.sum(d * a))),
    function=Activation("own", value=refuse, slope=lambda z, a: a * 0 + 0.5),
    whole=Activation("own", value=lambda z: (z * 4) // 1 % 3, slope=lambda z, a: a * 0 + 0.5),
)
say(bits=digest(train(layers=[gn.Dense(4, records[{which!r}]), gn.Dense(3, "softmax")])))
"""


@pytest.mark.parametrize(
    ("which", "function"),
    [("function", name) for name in ("gamma", "lgamma", "erf", "atan")] + [("rows", "erf"), ("whole", "erf")],
)
def test_a_users_own_formula_gives_the_same_bits_when_found_again(run, warm, tmp_path, which, function):
    """Its machine code may call functions of C, or of Numba's own, which a process without Numba lacks."""
    cache = shutil.copytree(warm, tmp_path / "kernels")
    code = OWN.format(which=which, function=function)
    assert run(code, cache) == run(code, cache)


def test_numba_code_of_others_still_raises_after_kernels_were_loaded(run, warm):
    code = """
    import numba
    train()

    @numba.njit
    def half(x):
        if x > 1:
            raise ValueError("too large")
        return x / 2

    try:
        half(3.0)
    except ValueError as error:
        say(message=str(error), half=half(1.0))
    """
    assert run(code, warm) == {"message": "too large", "half": 0.5}


# Never stale


def test_a_change_of_any_source_of_the_package_changes_every_name(run, warm, copy):
    code = """
    from glassnet.compiled import machine_code
    say(file=machine_code.__file__, name=machine_code._name(machine_code.Kernel("product", "float64")))
    """
    names = {run(code, warm)["name"]}
    elsewhere = run(code, warm, PYTHONPATH=str(copy.parent))
    assert elsewhere["file"].startswith(str(copy))
    assert elsewhere["name"] in names  # it is the sources that count, not where they lie
    changed = ("tiles.py", "vectormath.py", "decorator.py")
    assert {path.name for path in (copy / "compiled").glob("*.py")} > set(changed)
    for name in changed:
        path = copy / "compiled" / name
        path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        names.add(run(code, warm, PYTHONPATH=str(copy.parent))["name"])
    assert len(names) == 1 + len(changed)


def test_a_changed_kernel_computes_what_it_now_says(run, warm, bits, copy):
    change(copy / "compiled" / "sums.py", "g[i] += l1 * sign(w[i]) + l2 * w[i]", "g[i] -= l1 * sign(w[i]) + l2 * w[i]")
    code = "say(plain=digest(train()), penalty=digest(train(l2=0.1)))"
    original, changed = run(code, warm), run(code, warm, PYTHONPATH=str(copy.parent))
    assert original["plain"] == changed["plain"] == bits
    assert original["penalty"] != changed["penalty"]


def test_a_changed_formula_is_compiled_anew_and_nothing_else(run, warm, bits, copy, tmp_path):
    cache = shutil.copytree(warm, tmp_path / "kernels")
    before = {path.name for path in cache.iterdir()}
    change(copy / "maths" / "activations.py", "slope=lambda z, a: 1 - a * a", "slope=lambda z, a: 2 - a * a")
    answer = run("say(bits=digest(train()))", cache, PYTHONPATH=str(copy.parent))
    assert answer["bits"] != bits
    new = {path.name.split("-")[0] for path in cache.iterdir() if path.name not in before}
    assert new == {"value", "value_and_slope"}  # a record is named as a whole


# The folder


def test_two_processes_that_compile_at_once_agree(launch, tmp_path, bits):
    start, end = launch
    cache = tmp_path / "not" / "there" / "yet"
    both = [start("say(bits=digest(train()))", cache) for _ in range(2)]
    assert [end(process)["bits"] for process in both] == [bits, bits]
    left = [path.name for path in cache.iterdir()]
    assert len({name.rsplit("-", 1)[0] for name in left if name.startswith("take_steps")}) == 1
    assert not [name for name in left if name.startswith("tmp")]


def test_training_goes_on_where_no_folder_can_be_written(run, tmp_path, bits):
    (tmp_path / "file").write_text("a file, where a folder is wanted")
    answer = run("say(bits=digest(train()))", tmp_path / "file" / "kernels")
    assert answer["bits"] == bits
    assert answer.stderr.count(LINE) == 1
    assert (tmp_path / "file").read_text() == "a file, where a folder is wanted"


@pytest.mark.parametrize("folder", ["/proc/nope", "/dev/null", "/sys/kernel/nope"])
def test_a_folder_that_cannot_be_written_is_no_error(folder, monkeypatch, forgetful):
    if not os.path.exists(os.path.dirname(folder)):
        pytest.skip(f"no {os.path.dirname(folder)} on this system")
    monkeypatch.setenv(machine_code.CACHE_DIR, folder)
    machine_code._save("kernel", b"content")
    assert machine_code.load(Kernel("product", "float64")) is None
    assert not os.path.exists(os.path.join(folder, "kernel"))


def test_a_folder_in_place_of_a_kernel_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv(machine_code.CACHE_DIR, str(tmp_path))
    (tmp_path / "kernel" / "inside").mkdir(parents=True)
    machine_code._save("kernel", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["kernel"]


DAMAGES = {
    "empty": lambda content: b"",
    "a digest only": lambda content: content[:32],
    "cut in the digest": lambda content: content[:17],
    "cut in the symbol": lambda content: content[:50],
    "cut at the end": lambda content: content[:-1],
    "cut in half": lambda content: content[: len(content) // 2],
    "one bit turned": lambda content: content[:-400] + bytes([content[-400] ^ 1]) + content[-399:],
    "one bit of the digest turned": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"this is no machine code\n" * 100,
    "longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_not_loaded(damage, warm, tmp_path, monkeypatch, forgetful):
    cache = shutil.copytree(warm, tmp_path / "kernels")
    monkeypatch.setenv(machine_code.CACHE_DIR, str(cache))
    kernel = Kernel("value", "float64", (ACTIVATIONS.resolve("tanh"),))
    path = cache / machine_code._name(kernel)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    linked = []
    monkeypatch.setattr(machine_code, "_link", lambda *args: linked.append(args))
    assert machine_code.load(kernel) is None
    assert not linked
    shutil.copy(warm / path.name, path)
    machine_code.load(kernel)  # so that the name is right, and whole it would have been linked
    assert len(linked) == 1


def test_damaged_files_are_compiled_anew(run, warm, tmp_path, bits):
    cache = shutil.copytree(warm, tmp_path / "kernels")
    damaged = [path for path in cache.iterdir() if path.name.startswith(("value", "move", "loss"))]
    assert len(damaged) >= 4
    for path, damage in zip(damaged, [b"", b"x" * 20, b"y" * 5000, *[b""] * len(damaged)], strict=False):
        path.write_bytes(damage)
    answer = run("say(bits=digest(train()))", cache)
    assert answer["bits"] == bits
    assert answer.stderr.count(LINE) == 1
    again = run("say(bits=digest(train()))", cache)
    assert again["bits"] == bits
    assert again.stderr == ""


# Names


def kernels():
    """All kernels of everything that is registered."""
    for dtype in ("float32", "float64"):
        workers = ("take_steps", "predict_rows", "errors_of_population", "errors_of_small_population", "product")
        yield from (Kernel(name, dtype) for name in workers)
        for name in ACTIVATIONS:
            record = ACTIVATIONS.resolve(name)
            yield Kernel("value", dtype, (record,))
            yield Kernel("pullback" if hasattr(record, "row_pullback") else "value_and_slope", dtype, (record,))
        for name in LOSSES:
            yield Kernel("loss", dtype, (LOSSES.resolve(name), None))


def test_no_two_kernels_share_a_name():
    names = [machine_code._name(kernel) for kernel in kernels()]
    assert len(names) > 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("variable", ["GLASSNET_VECTOR_BYTES", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT"])
def test_what_decides_machine_code_is_in_its_name(variable, monkeypatch):
    value = {
        "GLASSNET_VECTOR_BYTES": "16",
        "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": "+sse2",
        "NUMBA_OPT": "1",
    }
    kernel = Kernel("product", "float32")
    monkeypatch.delenv(variable, raising=False)
    names = []
    for set_it in (False, True):
        if set_it:
            monkeypatch.setenv(variable, value[variable])
        machine_code._surroundings.cache_clear()
        names.append(machine_code._name(kernel))
    machine_code._surroundings.cache_clear()
    assert names[0] != names[1]


def test_formulas_that_cannot_be_named_are_compiled_in_memory_only(run, warm, tmp_path):
    cache = shutil.copytree(warm, tmp_path / "kernels")
    before = {path.name for path in cache.iterdir()}
    code = """
    import types
    from glassnet.maths.activation import Activation

    def scaled(factor):
        own = types.ModuleType("own")
        own.factor = factor
        return Activation("own", value=lambda z: z * own.factor, slope=lambda z, a: a * 0 + own.factor)

    layers = lambda factor: [gn.Dense(4, scaled(factor)), gn.Dense(3, "softmax")]
    a, b = train(layers=layers(2.0)), train(layers=layers(0.5))
    c = train(layers=[gn.Dense(4, Activation("x2", value=lambda z: z * 2.0, slope=lambda z, a: a * 0 + 2.0)),
                      gn.Dense(3, "softmax")])
    say(a=digest(a), b=digest(b), c=digest(c))
    """
    answer = run(code, cache)
    assert answer["a"] == answer["c"] != answer["b"]
    new = [path.name.split("-")[0] for path in cache.iterdir() if path.name not in before]
    assert sorted(new) == ["value", "value_and_slope"]  # of the third alone


def test_a_formula_that_raises_is_refused_in_words(run, warm):
    """Machine code has nobody to tell of an exception; it must not end the process."""
    code = """
    from glassnet.maths.activation import Activation

    def value(z):
        if z > 0.1:
            raise ValueError("too large")
        return z

    try:
        own = Activation("own", value=value, slope=lambda z, a: a * 0 + 1.0)
        train(layers=[gn.Dense(4, own), gn.Dense(3, "softmax")])
    except Exception as error:
        say(error=str(error))
    """
    assert run(code, warm)["error"]


def test_arrays_of_both_dtypes_are_used_by_one_process(run, warm, tmp_path):
    cache = shutil.copytree(warm, tmp_path / "kernels")
    code = """
    def error(dtype):
        from glassnet.compiled.evaluator import Evaluator
        net = gn.Network(5, [gn.Dense(17, "tanh"), gn.Dense(3, "softmax")], seed=1, dtype=dtype)
        x = np.random.default_rng(0).normal(size=(9, 5)).astype(dtype)
        predicted = Evaluator(net.plan(), 5, net.dtype, net.theta.size, 1).predict(net.theta, x)
        return float(abs(predicted - net.predict(x)).max())

    say(float32=error("float32"), float64=error("float64"))
    """
    answer = run(code, cache)
    assert answer["float32"] < 1e-6
    assert answer["float64"] < 1e-14
