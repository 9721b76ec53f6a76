"""Writing a file: the new one whole, or the old one untouched, and never a leftover."""

import builtins
import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import FileError
from glassnet.files.atomic import remove_leftovers, write_bytes

SRC = str(Path(__file__).resolve().parents[2] / "src")
OLD = b"the old file, \x00\xff, whole"


@pytest.fixture
def umask():
    """Set the umask for one test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def python(script, *, prefix=(), timeout=60, **options):
    """Run a script in a Python of its own, which knows glassnet."""
    environment = {**os.environ, "PYTHONPATH": SRC, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*prefix, sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout, check=False, **options
    )


def is_short(error):
    return len(str(error)) > 0 and str(error).count("\n") < 2


@given(content=st.binary(max_size=300), earlier=st.none() | st.binary(max_size=300))
def test_content_arrives_byte_by_byte(content, earlier):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.bin"
        if earlier is not None:
            path.write_bytes(earlier)
        write_bytes(path, content)
        assert path.read_bytes() == content
        assert os.listdir(folder) == ["file.bin"]


# --- what fails half-way -----------------------------------------------------------------------------------------


class _FullDisk:
    """A file that takes a few bytes and then says that the disk is full."""

    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def write(self, content):
        self._file.write(content[:5])
        self._file.flush()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail_in(place, monkeypatch, error):
    """Make one of the three calls that write fail."""
    if place == "write":
        true_open = builtins.open

        def open_on_full_disk(file, mode="r", *rest, **named):
            opened = true_open(file, mode, *rest, **named)
            return _FullDisk(opened) if "w" in mode or "x" in mode else opened

        monkeypatch.setattr(builtins, "open", open_on_full_disk)
        return

    def fails(*_args, **_named):
        raise error

    monkeypatch.setattr(os, place, fails)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("place", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_file_and_nothing_else(place, exists, tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    if exists:
        path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        fail_in(place, patch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        with pytest.raises(FileError) as caught:
            gn.save(gn.Network(2, [gn.Dense(3)]), path)
    assert "No space left on device" in str(caught.value)
    assert str(path) in str(caught.value)
    assert ("untouched" in str(caught.value)) == exists
    assert is_short(caught.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == ({path.name: OLD} if exists else {})


@pytest.mark.parametrize("place", ["fsync", "replace"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_ctrl_c_half_way_leaves_the_earlier_file_and_nothing_else(place, kind, tmp_path, monkeypatch):
    path = tmp_path / "file.bin"
    path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        fail_in(place, patch, kind())
        with pytest.raises(kind):
            write_bytes(path, b"new")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {path.name: OLD}


def test_an_error_without_words_of_the_system_still_says_something(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        fail_in("replace", patch, OSError("the cable was pulled"))
        with pytest.raises(FileError) as caught:
            write_bytes(tmp_path / "file.bin", b"new")
    assert "None" not in str(caught.value)


def test_a_disk_that_is_really_full(tmp_path):
    script = f"""
        import os, pathlib, numpy as np, glassnet as gn
        folder = pathlib.Path({str(tmp_path)!r})
        path = folder / "net.safetensors"
        small = gn.Network(2, [gn.Dense(3)], seed=1)
        gn.save(small, path)
        before = path.read_bytes()
        try:
            gn.save(gn.Network(300, [gn.Dense(300)]), path)
        except gn.GlassnetError as error:
            print(type(error).__name__, error)
        assert path.read_bytes() == before
        assert os.listdir(folder) == ["net.safetensors"], os.listdir(folder)
        gn.save(small.copy(), folder / "again.safetensors")
        assert (folder / "again.safetensors").read_bytes() != b""
    """
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
    mount = f'mount -t tmpfs -o size=64k tmpfs "{tmp_path}" 2>/dev/null || exit 77; exec "$@"'
    prefix = [*namespace, "sh", "-c", mount, "sh"]
    try:
        done = python(script, prefix=prefix)
    except FileNotFoundError:
        pytest.skip("this machine has no unshare to make a small disk with")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this machine does not let us mount a small disk")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("FileError")
    assert "No space left on device" in done.stdout


# --- places where nothing can be written -------------------------------------------------------------------------


def test_missing_folder(tmp_path):
    with pytest.raises(FileError, match=r"folder .*nowhere") as caught:
        gn.save(gn.Network(2, [gn.Dense(3)]), tmp_path / "nowhere" / "net.safetensors")
    assert is_short(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_path_is_a_folder(tmp_path):
    with pytest.raises(FileError, match="it is a folder") as caught:
        gn.save(gn.Network(2, [gn.Dense(3)]), tmp_path)
    assert is_short(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_stands_where_a_folder_should(tmp_path):
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(FileError) as caught:
        gn.save(gn.Network(2, [gn.Dense(3)]), tmp_path / "file" / "net.safetensors")
    assert is_short(caught.value)
    assert (tmp_path / "file").read_bytes() == OLD


@pytest.mark.parametrize("name", ["a\0b.safetensors", "x" * 300], ids=["null byte", "too long"])
def test_a_name_that_no_file_can_have(name, tmp_path):
    with pytest.raises(gn.GlassnetError) as caught:
        gn.save(gn.Network(2, [gn.Dense(3)]), tmp_path / name)
    assert is_short(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("x" * 243 + ".safetensors")  # 255 bytes
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(FileError) as caught:
        gn.save(gn.Network(2, [gn.Dense(3)]), tmp_path / "a")
    assert is_short(caught.value)
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read-only", "closed"])
def test_a_folder_that_does_not_let_us_write(mode):
    """As another user where we are root, who may write anywhere."""
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = Path(outer) / "folder"
        folder.mkdir()
        path = folder / "net.safetensors"
        path.write_bytes(OLD)
        os.chmod(path, 0o666)
        done = python(f"""
            import os, pathlib, numpy as np, glassnet as gn
            net = gn.Network(2, [gn.Dense(3)])
            gn.load, gn.save, gn.GlassnetError
            os.chmod({str(folder)!r}, {mode})
            if os.geteuid() == 0:
                os.setuid(65534)
            for path in ({str(path)!r}, {str(folder / "new.safetensors")!r}):
                try:
                    gn.save(net, path)
                except gn.GlassnetError as error:
                    print(type(error).__name__, error)
        """)
        os.chmod(folder, 0o755)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        assert all(line.startswith("FileError Cannot write") and "Permission denied" in line for line in lines)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == {path.name: OLD}


# --- links, modes, names -----------------------------------------------------------------------------------------


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "net.safetensors", tmp_path / "latest.safetensors"
    target.write_bytes(OLD)
    link.symlink_to(Path("far") / "net.safetensors")
    net = gn.Network(2, [gn.Dense(3)], seed=5)
    gn.save(net, link)
    assert link.is_symlink()
    assert os.readlink(link) == "far/net.safetensors"
    assert not target.is_symlink()
    assert gn.load(target).theta.tobytes() == net.theta.tobytes()
    assert os.listdir(tmp_path / "far") == ["net.safetensors"]


def test_a_link_to_a_file_that_is_not_there_yet(tmp_path):
    link = tmp_path / "latest.safetensors"
    link.symlink_to("net.safetensors")
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "net.safetensors").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_mode_honours_umask(mask, mode, tmp_path, umask):
    umask(mask)
    gn.save(gn.Network(2, [gn.Dense(3)]), tmp_path / "net.safetensors")
    assert stat.S_IMODE((tmp_path / "net.safetensors").stat().st_mode) == mode


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    script = f"""
        import os, pathlib
        from glassnet.files.atomic import write_bytes
        os.replace = lambda *_: os._exit(9)  # killed before the new file stood in its place
        write_bytes(pathlib.Path({str(tmp_path / "checkpoint.safetensors")!r}), b"half")
    """
    assert python(script).returncode == 9
    assert len(os.listdir(tmp_path)) == 1  # the leftover
    others = ("checkpoint.safetensors", "notes.tmp", ".hidden", ".checkpoint.safetensors")
    for name in others:
        (tmp_path / name).write_bytes(OLD)
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(others)


def test_a_temporary_of_somebody_else_is_no_leftover(tmp_path):
    """The folder of a run may be one in which a person keeps other things."""
    (tmp_path / ".thesis.docx.tmp").write_bytes(OLD)
    remove_leftovers(tmp_path)
    assert (tmp_path / ".thesis.docx.tmp").exists()


# --- several at once ---------------------------------------------------------------------------------------------


def test_threads_that_save_to_one_path_leave_one_of_their_files(tmp_path):
    path = tmp_path / "net.safetensors"
    contents = [bytes([k]) * 200_000 for k in range(4)]
    path.write_bytes(contents[0])
    failures, seen, done = [], set(), threading.Event()

    def save(content):
        try:
            for _ in range(15):
                write_bytes(path, content)
        except Exception as error:
            failures.append(error)

    def look():
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=look)
    writers = [threading.Thread(target=save, args=(content,)) for content in contents]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert failures == []
    assert seen <= set(contents)
    assert os.listdir(tmp_path) == ["net.safetensors"]


def test_a_process_killed_while_it_saves_leaves_a_whole_file(tmp_path):
    path = tmp_path / "net.safetensors"
    nets = [gn.Network(40, [gn.Dense(500, "tanh"), gn.Dense(3)], seed=seed) for seed in (1, 2)]
    gn.save(nets[0], path)
    script = f"""
        import glassnet as gn
        nets = [gn.Network(40, [gn.Dense(500, "tanh"), gn.Dense(3)], seed=seed) for seed in (1, 2)]
        print("ready", flush=True)
        while True:
            for net in reversed(nets):
                gn.save(net, {str(path)!r})
    """
    environment = {**os.environ, "PYTHONPATH": SRC}
    known = {net.theta.tobytes() for net in nets}
    seen = set()
    chance = np.random.default_rng(0)
    for _ in range(3):
        command = [sys.executable, "-c", textwrap.dedent(script)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout.readline() == "ready\n"
                for _ in range(int(chance.integers(40, 120))):
                    seen.add(gn.load(path).theta.tobytes())
            finally:
                process.send_signal(signal.SIGKILL)
        assert gn.load(path).theta.tobytes() in known
    assert seen == known
