from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glassnet.data import open_source, read_idx
from glassnet.errors import DataError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    """Write the format by its description, apart from the code under test."""
    code = CODES[array.dtype.str[1:]]
    head = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", length) for length in array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_set(folder: Path, joint: str = "-", packed: bool = False) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, m in (("train", 30), ("t10k", 12)):
        arrays[f"{part}-images"] = rng.integers(0, 256, (m, 4, 3), dtype=np.uint8)
        arrays[f"{part}-labels"] = (np.arange(m) % 3).astype(np.uint8)
    for stem, array in arrays.items():
        path = folder / f"{stem}{joint}idx{array.ndim}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    return arrays


# digits


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    table, oracle = open_source("digits"), load_digits()
    assert table.targets is not None
    assert table.inputs.dtype == np.uint8
    assert np.array_equal(table.inputs, oracle.data)
    assert np.array_equal(table.targets, oracle.target)
    assert table.classes == tuple("0123456789")
    assert (table.target, table.task, table.image_shape, table.largest_value) == ("digit", "classification", (8, 8), 16)
    assert (table.columns[0], table.columns[11], table.columns[-1]) == ("pixel 0,0", "pixel 1,3", "pixel 7,7")
    assert (table.source, table.held_out, len(table)) == ("digits", None, 1797)


def test_digits_are_the_same_where_scikit_learn_keeps_its_file_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_source("digits")
    monkeypatch.setattr("glassnet.data.images.find_spec", lambda name: None)
    elsewhere = open_source("digits")
    assert elsewhere.fingerprint == table.fingerprint
    assert elsewhere.inputs.dtype == table.inputs.dtype


def test_opening_digits_loads_no_library_but_numpy() -> None:
    code = (
        "import sys; from glassnet.data import open_source; open_source('digits');"
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'duckdb', 'pyarrow') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"


def test_classes_are_kept_in_the_order_they_are_named() -> None:
    from sklearn.datasets import load_digits

    oracle = load_digits()
    table = open_source("digits:7,3")
    assert table.targets is not None
    assert table.classes == ("7", "3")
    wanted = np.isin(oracle.target, [3, 7])
    assert np.array_equal(table.inputs, oracle.data[wanted])
    assert [table.classes[at] for at in table.targets] == [str(label) for label in oracle.target[wanted]]
    assert table.source == "digits:7,3"
    assert np.array_equal(open_source(table.source).inputs, table.inputs)
    assert open_source("digits: 7 , 3").fingerprint == table.fingerprint
    assert open_source("digits:3,7").fingerprint != table.fingerprint


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("digits:3", "leaves one class.*Name two or more of 0, 1, 2"),
        ("digits:3,12", "no class '12'; its classes are 0, 1"),
        ("digits:3,3", "names a class twice"),
        ("digits:", "names no class"),
        ("digits:3,,7", "names no class"),
    ],
)
def test_classes_that_are_none(source: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(source)


# MNIST


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("joint", ["-", "."])
def test_a_set_of_idx_files_is_read(tmp_path: Path, joint: str, packed: bool) -> None:
    arrays = write_set(tmp_path, joint, packed)
    table = open_source("mnist", folder=tmp_path)
    assert table.held_out is not None
    for part, read in (("train", table), ("t10k", table.held_out)):
        assert read.targets is not None
        assert read.inputs.dtype == np.uint8
        assert np.array_equal(read.inputs.reshape(-1, 4, 3), arrays[f"{part}-images"])
        assert np.array_equal(read.targets, arrays[f"{part}-labels"])
        assert (read.classes, read.image_shape, read.largest_value) == (("0", "1", "2"), (4, 3), 255)
        assert (read.source, read.folder) == ("mnist", tmp_path)
    some = open_source("mnist:2,0", folder=tmp_path)
    assert some.held_out is not None
    assert np.array_equal(some.held_out.inputs, table.held_out.inputs[arrays["t10k-labels"] != 1])
    assert some.held_out.classes == ("2", "0")


def test_the_real_mnist(shared: Path) -> None:
    table = open_source("mnist", folder=shared / "mnist")
    assert table.held_out is not None
    assert table.targets is not None
    assert (table.inputs.shape, table.held_out.inputs.shape) == ((60_000, 784), (10_000, 784))
    # The counts of the digits and the mean of the pixels as they are published.
    assert np.bincount(table.targets).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert table.inputs.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    raw = gzip.decompress((shared / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    assert hashlib.sha256(table.held_out.inputs.tobytes()).digest() == hashlib.sha256(raw).digest()


def test_mnist_without_its_folder_says_where_it_goes() -> None:
    with pytest.raises(DataError, match="--data FOLDER"):
        open_source("mnist")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_source("mnist", folder=tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="is a file, not a folder"):
        open_source("mnist", folder=tmp_path / "file")


@pytest.mark.parametrize("stem", ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"])
def test_a_missing_file_is_named(tmp_path: Path, stem: str) -> None:
    write_set(tmp_path)
    (tmp_path / f"{stem}-ubyte").unlink()
    with pytest.raises(DataError, match=f"holds no {stem}-ubyte"):
        open_source("mnist", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("train-labels-idx1-ubyte", np.zeros(29, np.uint8), "30 images and train-labels-idx1-ubyte 29 labels"),
        ("train-labels-idx1-ubyte", np.zeros((30, 1), np.uint8), "holds 2 dimensions of uint8"),
        ("train-images-idx3-ubyte", np.zeros((30, 4, 3), np.int16), "holds 3 dimensions of int16"),
        ("t10k-images-idx3-ubyte", np.zeros((12, 3, 4), np.uint8), "4 x 3 .train. and of 3 x 4"),
        ("t10k-labels-idx1-ubyte", np.full(12, 9, np.uint8), "has the label 9 in its t10k files"),
        ("train-labels-idx1-ubyte", np.zeros(30, np.uint8), "has the label 1 in its t10k files"),
    ],
)
def test_files_that_do_not_fit_each_other(tmp_path: Path, name: str, array: np.ndarray, words: str) -> None:
    write_set(tmp_path)
    (tmp_path / name).write_bytes(idx(array))
    with pytest.raises(DataError, match=words):
        open_source("mnist", folder=tmp_path)


def test_no_images_at_all(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((0, 4, 3), np.uint8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(0, np.uint8)))
    with pytest.raises(DataError, match="holds no pixels"):
        open_source("mnist", folder=tmp_path)


# The format


@given(
    array=st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
    ),
    packed=st.booleans(),
)
def test_every_kind_of_number_comes_back(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    back = read_idx(path)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


WHOLE = idx(np.arange(60, dtype=np.uint8).reshape(5, 4, 3))


@pytest.mark.parametrize("packed", [False, True])
def test_every_cut_is_noticed(tmp_path: Path, packed: bool) -> None:
    whole = gzip.compress(WHOLE) if packed else WHOLE
    path = tmp_path / "file"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            read_idx(path)


def test_every_flipped_bit_of_a_gzip_body_is_noticed(tmp_path: Path) -> None:
    whole = gzip.compress(WHOLE)
    path = tmp_path / "file"
    for at in range(10, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DataError):
            read_idx(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with nothing"),
        (b"PK\x03\x04 zip", "not an IDX file"),
        (b"\0\0\x0a\x01\0\0\0\1\0", "not an IDX file"),
        (b"\0\0\x08\x00", "not an IDX file"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (WHOLE + b"\0", "60 bytes, and holds more"),
        (b"\0\0\x0e\xff" + b"\xff" * 1020, "holds only 0"),  # 255 dimensions of 2**32 - 1
        (b"\0\0\x08\x02" + b"\x00\x0f\x42\x40" * 2 + b"abc", "1000000000000 bytes, and holds only 3"),
    ],
)
def test_what_is_no_idx_file(tmp_path: Path, content: bytes, words: str) -> None:
    for packed in (False, True):
        path = tmp_path / "file"
        path.write_bytes(gzip.compress(content) if packed else content)
        with pytest.raises(DataError, match=words) as caught:
            read_idx(path)
        assert str(caught.value).count("\n") == 0
        assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_idx(tmp_path / "none")
