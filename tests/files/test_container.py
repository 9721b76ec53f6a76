"""Containers: every array and value comes back bit by bit, and every damaged or foreign file is told for what it is."""

import json
import pickle
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import glassnet as gn
from glassnet.errors import CorruptFileError, FileError, ForeignFileError, NewerVersionError, TruncatedFileError
from glassnet.files.container import VERSION, checksum, read_container, write_container

CORPUS = Path(__file__).resolve().parents[2].parent / "shared/data/corpora/safetensors"

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool", "float16")


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    count = int(np.prod(shape))
    if dtype.kind == "b":
        return np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool).reshape(shape)
    content = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    return np.frombuffer(content, dtype).reshape(shape)  # any bits: NaN with payloads, infinities, −0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def one_file(content):
    """Bytes as a file in a folder of its own that is removed afterwards."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "file.safetensors"
    path.write_bytes(content)
    return folder, path


def refusal(content, kind="model"):
    """What reading these bytes raises."""
    folder, path = one_file(content)
    with folder, pytest.raises(FileError) as caught:
        read_container(path, kind)
    message = str(caught.value)
    assert str(path) in message
    assert message.count("\n") < 2
    return caught.value


def bits(named):
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in named.items()}


@pytest.fixture
def whole(tmp_path):
    """The bytes of a good container."""
    write_container(tmp_path / "c", "model", {"n": 1}, {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(2, np.float32)})
    return (tmp_path / "c").read_bytes()


# --- what is written is read ------------------------------------------------------------------------------------


@given(
    named=st.dictionaries(st.text(min_size=1, max_size=8), arrays(), max_size=4),
    document=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
)
def test_round_trip_bit_by_bit(named, document):
    named.pop("__metadata__", None)
    for reserved in ("kind", "version", "sha256"):
        document.pop(reserved, None)
    folder, path = one_file(b"")
    with folder:
        write_container(path, "model", document, named)
        found, back = read_container(path, "model")
    assert bits(back) == bits(named)
    full = {"kind": "model", "version": VERSION, **document}
    assert found == full
    assert json.dumps(found, sort_keys=True) == json.dumps(full, sort_keys=True)  # −0.0 is not 0.0, 1.0 is not 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::2, 1::2],
        lambda a: a[::-1],
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[0], a.shape),
        lambda a: a[:, 0],
        lambda a: a[1:1],
    ],
    ids=["transposed", "strided", "reversed", "Fortran", "broadcast", "column", "empty"],
)
def test_arrays_that_do_not_lie_in_one_piece(view, dtype, tmp_path):
    array = view(np.arange(20, dtype=dtype).reshape(4, 5) / 7)
    write_container(tmp_path / "c", "model", {}, {"a": array})
    _, back = read_container(tmp_path / "c", "model")
    assert np.array_equal(back["a"], array)
    assert back["a"].dtype == array.dtype
    plain = safetensors.numpy.load_file(tmp_path / "c")  # by the library itself
    assert np.array_equal(plain["a"], array)


def test_same_content_gives_the_same_bytes(tmp_path):
    a, b = np.arange(6.0), np.ones((2, 2), np.float32)
    write_container(tmp_path / "1", "model", {"x": 1, "y": [2, 0.1]}, {"a": a, "b": b})
    write_container(tmp_path / "2", "model", {"y": [2, 0.1], "x": 1}, {"b": b.T.copy().T, "a": a[::-1][::-1]})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"x": 2}, {"a": np.zeros(4)}),
        ({"x": 1.0}, {"a": np.zeros(4)}),
        ({"y": 1}, {"a": np.zeros(4)}),
        ({"x": 1}, {"b": np.zeros(4)}),
        ({"x": 1}, {"a": -np.zeros(4)}),
        ({"x": 1}, {"a": np.zeros((2, 2))}),
        ({"x": 1}, {"a": np.zeros(4, np.int64)}),
        ({"x": 1}, {"a": np.zeros(4), "b": np.zeros(0)}),
        ({"x": 1}, {}),
    ],
)
def test_the_checksum_sees_every_change(document, named):
    assert checksum(document, named) != checksum({"x": 1}, {"a": np.zeros(4)})


# --- damage ------------------------------------------------------------------------------------------------------


def test_truncated_at_every_length(whole):
    for length in range(len(whole)):
        assert type(refusal(whole[:length])) is TruncatedFileError, length


def test_one_flipped_bit_anywhere(whole):
    """Every bit of every byte; no flip of this file leaves its meaning as it is."""
    for at in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            refusal(bytes(damaged))


def test_a_flipped_bit_in_the_arrays_is_damage(whole):
    header = 8 + int.from_bytes(whole[:8], "little")
    for at in range(header, len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        assert type(refusal(bytes(damaged))) is CorruptFileError


@settings(max_examples=300)
@given(data=st.data())
def test_pieces_lost_doubled_or_overwritten(data):
    folder, path = one_file(b"")
    with folder:
        write_container(path, "model", {"n": 1}, {"a": np.arange(6.0)})
        whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole)))
    how = data.draw(st.sampled_from(["lost", "doubled", "overwritten", "zeros"]))
    piece = {
        "lost": b"",
        "doubled": whole[start:stop] * 2,
        "overwritten": data.draw(st.binary(min_size=stop - start, max_size=stop - start)),
        "zeros": bytes(stop - start),
    }[how]
    damaged = whole[:start] + piece + whole[stop:]
    if damaged != whole:
        refusal(damaged)


def test_bytes_after_the_end(whole):
    assert type(refusal(whole + b"\0")) is CorruptFileError
    assert type(refusal(whole + whole)) is CorruptFileError


@settings(max_examples=300)
@given(content=st.binary(max_size=200))
def test_any_bytes_at_all(content):
    refusal(content)


@settings(max_examples=300)
@given(header=st.text(max_size=80) | JSON.map(json.dumps), body=st.binary(max_size=20))
def test_any_header_of_the_right_length(header, body):
    encoded = header.encode("utf-8", "surrogatepass")
    refusal(struct.pack("<Q", len(encoded)) + encoded + body)


# --- foreign files -----------------------------------------------------------------------------------------------

EXPECTED = {
    "bad_abuse1_header_len_1000": TruncatedFileError,
    "bad_empty_file": TruncatedFileError,
    "bad_extra_bytes": ForeignFileError,
    "bad_header_length_only": TruncatedFileError,
    "bad_header_non_utf8": ForeignFileError,
    "bad_header_not_json": CorruptFileError,
    "bad_header_too_large": ForeignFileError,
    "bad_info_size": TruncatedFileError,
    "bad_missing_bytes": TruncatedFileError,
    "bad_numel_overflow": ForeignFileError,
    "bad_overlapping_offsets": ForeignFileError,
    "bad_shape_overflow": ForeignFileError,
    "ok_int32_2x2": ForeignFileError,
    "ok_leading_ws_header": ForeignFileError,
    "ok_trailing_ws_header": ForeignFileError,
    "ok_zero_sized": ForeignFileError,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_hostile_corpus(name):
    path = CORPUS / f"{name}.safetensors"
    if not path.exists():
        pytest.skip(f"the hostile files are not on this machine: {path}")
    with pytest.raises(FileError) as caught:
        gn.load(path)
    assert type(caught.value) is EXPECTED[name]
    assert str(path) in str(caught.value)
    assert str(caught.value).count("\n") < 2


def test_the_whole_corpus_is_tried():
    if not CORPUS.exists():
        pytest.skip(f"the hostile files are not on this machine: {CORPUS}")
    assert {path.stem for path in CORPUS.glob("*.safetensors")} == set(EXPECTED)


def framed(header, body=b""):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + body


def entry(dtype, shape, start, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000

FOREIGN = {
    "text": b"price,rooms\n100000,3\n",
    "long text": b"It was a bright cold day in April, and the clocks were striking thirteen.\n" * 40,
    "UTF-16 text": "price,rooms\n".encode("utf-16"),
    "JSON": b'{"layers": [30, 10]}',
    "pickle": pickle.dumps({"theta": [1.0, 2.0]}),
    "old pickle": pickle.dumps({"theta": [1.0, 2.0]}, protocol=0),
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01",
    "zip": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(20),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0\x02\x03" + bytes(20),
    "npy": b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
    "IDX": b"\0\0\x08\x03\0\0\xea\x60\0\0\0\x1c\0\0\0\x1c" + bytes(100),
    "zeros": bytes(4096),
    "header of 4 GiB": struct.pack("<Q", 2**32) + b"{",
    "header of 2**63 bytes": struct.pack("<Q", 2**63) + b'{"a": 1}',
    "metadata of another": safetensors.numpy.save({"w": np.ones(3)}, {"format": "pt"}),
    "no metadata": safetensors.numpy.save({"w": np.ones(3, np.float16)}),
    "no arrays": safetensors.numpy.save({}),
    "bfloat16": framed({"w": entry("BF16", [2], 0, 4)}, bytes(4)),
    "eight-bit floats": framed({"w": entry("F8_E4M3", [4], 0, 4)}, bytes(4)),
    "a dtype nobody knows": framed({"w": entry("Q3", [4], 0, 4)}, bytes(4)),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_file_of_another_program(what):
    error = refusal(FOREIGN[what])
    assert type(error) is ForeignFileError
    assert "glassnet" in str(error) or "is not a model file" in str(error)


CLAIMS = {
    "deep header": framed(DEEP),
    "deep list in the header": framed(b'{"w":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep document": framed({"__metadata__": {"glassnet": DEEP.decode()}}),
    "document is no JSON": framed({"__metadata__": {"glassnet": "a network, trust me"}}),
    "document is a list": framed({"__metadata__": {"glassnet": "[1, 2]"}}),
    "document is a number": framed({"__metadata__": {"glassnet": "17"}}),
    "document is not text": framed({"__metadata__": {"glassnet": {"kind": "model"}}}),
    "document holds NaN": framed({"__metadata__": {"glassnet": '{"sha256": "", "x": NaN}'}}),
    "document holds a huge number": framed({"__metadata__": {"glassnet": "1" * 10_000}}),
    "document holds half a character": framed({"__metadata__": {"glassnet": '{"sha256": "", "x": "\\ud800"}'}}),
    "no checksum": framed({"__metadata__": {"glassnet": '{"kind": "model", "version": 1}'}}),
    "wrong checksum": framed({"__metadata__": {"glassnet": '{"kind": "model", "version": 1, "sha256": "00"}'}}),
    "bfloat16": framed({"__metadata__": {"glassnet": '{"sha256": ""}'}, "w": entry("BF16", [2], 0, 4)}, bytes(4)),
    "offsets backwards": framed(
        {"__metadata__": {"glassnet": '{"sha256": ""}'}, "w": entry("F32", [1], 4, 0)}, bytes(4)
    ),
    "offsets are words": framed({"w": {"dtype": "F32", "shape": [1], "data_offsets": ["a", "b"]}, "v": 3}),
    "shape beyond all memory": framed(
        {"__metadata__": {"glassnet": '{"sha256": ""}'}, "w": entry("F32", [2**62, 2**62], 0, 4)}, bytes(4)
    ),
}


@pytest.mark.parametrize("what", CLAIMS)
def test_a_file_that_only_claims_to_be_one_of_ours(what):
    assert type(refusal(CLAIMS[what])) is CorruptFileError


def test_a_header_of_many_megabytes_is_refused_and_not_believed():
    error = refusal(struct.pack("<Q", 30_000_000) + b"{" + b" " * 29_999_999)
    assert type(error) in (CorruptFileError, ForeignFileError)


def test_an_empty_file_says_so():
    error = refusal(b"")
    assert type(error) is TruncatedFileError
    assert "is empty" in str(error)


# --- missing, newer, of another kind -----------------------------------------------------------------------------


def test_a_missing_file_suggests_the_one_that_was_meant(tmp_path):
    (tmp_path / "digits.safetensors").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(FileError, match=r"There is no file .*digit\.safetensors\. Did you mean .*digits\.safetensors"):
        read_container(tmp_path / "digit.safetensors", "model")
    with pytest.raises(FileError) as caught:
        read_container(tmp_path / "zebra", "model")
    assert "Did you mean" not in str(caught.value)
    with pytest.raises(FileError, match="There is no file"):
        read_container(tmp_path / "nowhere" / "digits.safetensors", "model")


def test_a_folder(tmp_path):
    with pytest.raises(FileError, match=r"is a folder; expected a model file"):
        read_container(tmp_path, "model")


def test_a_path_through_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="Not a directory"):
        read_container(tmp_path / "file" / "digits.safetensors", "model")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["too long", "null byte"])
def test_a_name_that_no_file_can_have(name, tmp_path):
    with pytest.raises(FileError) as caught:
        read_container(tmp_path / name, "model")
    assert str(caught.value).count("\n") < 2


@pytest.mark.parametrize("version", [VERSION + 1, 999])
@pytest.mark.parametrize("kind", ["model", "checkpoint", "atlas"])
def test_a_later_version_is_told_from_damage(version, kind, tmp_path):
    write_container(tmp_path / "c", kind, {"version": version, "unheard": "of"}, {"a": np.ones(2)})
    with pytest.raises(NewerVersionError, match=rf"version {version}; this glassnet reads up to {VERSION}. Update"):
        read_container(tmp_path / "c", "model")


@pytest.mark.parametrize(("kind", "other"), [("model", "checkpoint"), ("checkpoint", "model")])
def test_the_other_kind(kind, other, tmp_path):
    write_container(tmp_path / "c", kind, {}, {})
    with pytest.raises(ForeignFileError, match=f"is a glassnet {kind}; expected a {other}"):
        read_container(tmp_path / "c", other)


@pytest.mark.parametrize(
    "document",
    [{"version": "1"}, {"version": None}, {"version": [1]}, {"kind": None}, {"kind": 3}, {"kind": ["model"]}],
    ids=str,
)
def test_a_right_checksum_does_not_excuse_a_wrong_frame(document, tmp_path):
    write_container(tmp_path / "c", "model", document, {"a": np.ones(2)})
    with pytest.raises(FileError) as caught:
        read_container(tmp_path / "c", "model")
    assert str(caught.value).count("\n") < 2


@pytest.mark.parametrize("missing", ["version", "kind"])
def test_a_frame_that_lacks_something(missing):
    document = {"version": VERSION, "kind": "model"}
    document.pop(missing)
    text = json.dumps({**document, "sha256": checksum(document, {})})
    assert type(refusal(safetensors.numpy.save({}, {"glassnet": text}))) in (CorruptFileError, ForeignFileError)
