"""Kernels as machine code: compiled once on a machine, kept in a folder, and loaded from there without a compiler.

The name of a file is a digest of all that decides its content: the sources of this package, the formulas' bytecode, the
versions of Python and the compiler, the processor and the shape of a tile. So nothing stale can be found under it, two
processes that compile at once write the same, and where no folder can be written kernels are compiled in each process.
Loading needs llvmlite alone; Numba, whose import takes most of a second, is imported where something must be compiled.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib.metadata
import itertools
import os
import platform
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import llvmlite.binding as llvm
import platformdirs

from glassnet.compiled.fingerprint import Unknown, fingerprint
from glassnet.compiled.host import host, tile_shape

CACHE_DIR = "GLASSNET_CACHE_DIR"
"""The environment variable that names another folder for compiled kernels."""

JITTED = os.environ.get("NUMBA_DISABLE_JIT", "").strip().lower() in ("", "0", "false")
"""Whether anything is compiled; otherwise the same functions run as plain Python, slowly."""

_lock = threading.RLock()
_loaded: dict[str, int] = {}
_unnamed = itertools.count()
_refused: dict[str, str] = {}
_kept: list[Any] = []
_announced = False


@final
@dataclass(frozen=True)
class Kernel:
    """A function to be compiled, before anything is imported that compiles.

    Parameters
    ----------
    name : str
        A function of `glassnet.compiled.kernels` that makes it.
    dtype : str
        "float32" or "float64".
    parts : tuple
        What the function is given: records of formulas and plain values.
    """

    name: str
    dtype: str
    parts: tuple[Any, ...] = ()


def addresses(kernels: Sequence[Kernel]) -> list[int]:
    """Return where each kernel's machine code lies; what nobody has compiled yet is compiled, and a line says so.

    With ``NUMBA_DISABLE_JIT=1`` the numbers are handles of Python functions.

    Raises
    ------
    NotCompilable
        If the compiler refuses a formula.
    """
    result = []
    with _lock:
        for kernel in kernels:
            found = load(kernel)
            result.append(_compile(kernel) if found is None else found)
    return result


def _announce() -> None:
    """Say once that something is being compiled, since the first training on a machine waits for it."""
    global _announced
    if not _announced:
        print("glassnet: compiling what is new to this machine; this happens once ...", file=sys.stderr, flush=True)
    _announced = True


@final
class NotCompilable(Exception):
    """The compiler refuses a formula; the message is its reason, in its words."""


def load(kernel: Kernel) -> int | None:
    """Return the address of a kernel that was compiled before, by this process or another; None otherwise."""
    try:
        name = _name(kernel)
    except Unknown:
        return None
    if name not in _loaded and JITTED:
        path = _folder() / name
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            return None
        symbol, names, code = content[32:].split(b"\n", 2)
        if not provide(names.decode().split()):
            return None
        _loaded[name] = _link(symbol.decode(), code)
    return _loaded.get(name)


def _compile(kernel: Kernel) -> int:
    from glassnet.compiled import compiler

    try:
        name = _name(kernel)
    except Unknown:
        name = None
    if name in _refused:
        raise NotCompilable(_refused[name])
    if not JITTED:
        address = compiler.as_python(kernel)
    else:
        _announce()
        try:
            with _interrupts_later():
                symbol, names, code, address = compiler.compile_kernel(kernel, name or f"unnamed{next(_unnamed)}")
        except NotCompilable as refusal:
            if name is not None:
                _refused[name] = str(refusal)
            raise
        if name is not None:
            _save(name, "\n".join([symbol, " ".join(names), ""]).encode() + code)
    if name is not None:  # what cannot be told may have changed when it is asked for again
        _loaded[name] = address
    return address


@contextlib.contextmanager
def _interrupts_later() -> Iterator[None]:
    """Keep Ctrl-C until a kernel is compiled: raised in a callback of the compiler's it would be lost."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[Any] = []
    signal.signal(signal.SIGINT, lambda *args: came.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])


def _save(name: str, content: bytes) -> None:
    """Keep machine code for later processes, if some folder can be written."""
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(temporary, folder / name)
        except OSError:
            os.unlink(temporary)
    except OSError as error:
        _warn_of_no_folder(folder, error.strerror or str(error))


@functools.cache
def _warn_of_no_folder(folder: Path, reason: str) -> None:
    """Say once that nothing can be kept."""
    why = f"{folder} cannot be written ({reason})"
    print(
        f"glassnet: {why}, so it must be compiled again next time. {CACHE_DIR} names another folder.", file=sys.stderr
    )


def _link(symbol: str, code: bytes) -> int:
    """Bring machine code into memory, each kernel apart from the others, and return where it begins."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _kept.append(engine)
    return int(engine.get_function_address(symbol))


def provide(names: Sequence[str]) -> bool:
    """Tell the linker where functions of C and Python are that machine code calls; return whether all were found.

    A name that it does not know would silently become address 0; one that Numba has told it before stays.
    """
    if any(name.startswith(("NRT_", "numba_")) and name not in _BEHIND_ERRORS for name in names):
        _import_numba()
    for name in {*names, *_CALLED_BY_ITSELF}:
        if llvm.address_of_symbol(name) is not None:
            continue
        function = next((f for library in _libraries() if (f := getattr(library, name, None)) is not None), None)
        if name in _BEHIND_ERRORS:
            function = ctypes.pythonapi.Py_FatalError
        if function is not None:
            llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
        elif name in names:
            return False
    return True


def _import_numba() -> None:
    """Let Numba tell the linker where its own functions are, which formulas of whole rows call for memory."""
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    rtsys.initialize(cpu_target.target_context)


_BEHIND_ERRORS = (
    *("numba_gil_ensure", "numba_gil_release", "numba_unpickle", "numba_do_raise"),
    *("numba_runtime_build_excinfo_struct", "NRT_Free"),
)
"""Functions of Numba that only report an error, which kernels never raise."""

_CALLED_BY_ITSELF = [
    *("memset", "memcpy", "memmove"),
    *(
        f"{name}{kind}"
        for name in ["pow", "exp", "exp2", "log", "log2", "log10", "sin", "cos", "tan", "fma", "fmod", "floor", "ceil"]
        for kind in ("", "f")
    ),
]
"""Functions of C that the compiler calls for instructions the processor does not have."""


def _renew_lock() -> None:
    """In a child process nobody is left who would give the lock back."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@functools.cache
def _libraries() -> tuple[Any, ...]:
    if sys.platform == "win32":
        return ctypes.pythonapi, ctypes.CDLL("ucrtbase"), ctypes.CDLL("kernel32")
    return ctypes.CDLL(None), ctypes.pythonapi


def _folder() -> Path:
    return Path(os.environ.get(CACHE_DIR) or platformdirs.user_cache_dir("glassnet", appauthor=False))


def _name(kernel: Kernel) -> str:
    """Return the file name of a kernel: what it is, and a digest of all that decides its machine code.

    Raises
    ------
    Unknown
        If a formula is made of something whose content cannot be told.
    """
    facts = [kernel.name, kernel.dtype, *map(fingerprint, kernel.parts), _surroundings()]
    return f"{kernel.name}-{kernel.dtype}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:40]}"


@functools.cache
def _surroundings() -> str:
    """Return a digest of the sources and of what they are compiled with and for."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    versions = [importlib.metadata.version(name) for name in ("numba", "llvmlite", "numpy")]
    shapes = [tile_shape(4), tile_shape(8)]
    switches = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    facts = [sys.version, platform.machine(), versions, host(), shapes, switches]
    digest.update(repr(facts).encode())
    return digest.hexdigest()
