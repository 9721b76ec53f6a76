"""Model files: the network that comes back is the one that was saved, or there is an error."""

import inspect
import json
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import CorruptFileError, FileError, ForeignFileError, InputError, NewerVersionError
from glassnet.files import Model, load_model, save_model, write_container
from glassnet.maths.activations import ACTIVATIONS, RowActivation
from glassnet.maths.initializers import INITIALIZERS
from glassnet.network.network import LAYER_KINDS

ACTIVATION_SPECS = [*(set(ACTIVATIONS) - {"softmax"}), "leaky_relu(0.2)", "elu(alpha=0.5)"]
"""Every activation that any layer may have, and some with arguments."""


@st.composite
def networks(draw, max_units=4):
    denses = st.builds(
        gn.Dense,
        st.integers(1, max_units),
        st.sampled_from(sorted(ACTIVATION_SPECS)),
        bias=st.booleans(),
        trainable_bias=st.booleans(),
        weight_init=st.none() | st.sampled_from(["he_uniform", "lecun_normal", "ones", "uniform"]),
        bias_init=st.sampled_from(["zeros", "ones", "normal"]),
    )
    layers = draw(st.lists(denses | st.builds(gn.Dropout, st.floats(0, 0.99)), max_size=3))
    last = draw(denses | st.builds(gn.Dense, st.integers(2, 4), st.just("softmax")))
    net = gn.Network(
        draw(st.integers(1, 4)),
        [*layers, last],
        seed=draw(st.integers(0, 2**63 - 1)),
        dtype=draw(st.sampled_from(["float32", "float64"])),
    )
    size = net.theta.nbytes
    net.theta.view(np.uint8)[:] = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    return net


def saved(network):
    """The bytes of a network's file."""
    with tempfile.TemporaryDirectory() as folder:
        gn.save(network, Path(folder) / "net.safetensors")
        return (Path(folder) / "net.safetensors").read_bytes()


def loaded(content, **options):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.safetensors").write_bytes(content)
        return gn.load(Path(folder) / "net.safetensors", **options)


def assert_same(a, b):
    assert a.theta.tobytes() == b.theta.tobytes()
    assert a.theta.dtype == b.theta.dtype
    assert [repr(layer) for layer in a.layers] == [repr(layer) for layer in b.layers]
    assert a.shapes == b.shapes
    assert a.seed == b.seed
    assert a.to_dict() == b.to_dict()


@pytest.fixture
def net():
    network = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dropout(0.5), gn.Dense(2, "softmax", bias=False)], seed=7)
    network.theta[:] = np.linspace(-1, 1, len(network.theta))
    return network


# --- there and back ----------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(networks())
def test_round_trip_bit_by_bit(network):
    """Any bits in θ at all, NaN and infinities too."""
    content = saved(network)
    back = loaded(content)
    assert_same(back, network)
    assert saved(network) == content
    assert saved(back) == content


def test_every_option_of_every_layer_kind_comes_back(tmp_path):
    layers = [
        gn.Dense(4, "leaky_relu(0.3)", trainable_bias=False, weight_init="normal(0.5)", bias_init="constant(0.25)"),
        gn.Dropout(0.123456789),
        gn.Dense(3, "gelu", bias=False, weight_init="orthogonal"),
        gn.Dense(2, "softmax"),
    ]
    assert {type(layer) for layer in layers} == set(LAYER_KINDS.values())
    network = gn.Network((5,), layers, seed=2**62 + 1, dtype="float64")
    gn.save(network, tmp_path / "n")
    back = gn.load(tmp_path / "n")
    assert_same(back, network)
    for old, new in zip(layers, back.layers, strict=True):
        names = set(inspect.signature(type(old)).parameters) - {"activation"}
        assert {name: getattr(new, name) for name in names} == {name: getattr(old, name) for name in names}
        assert new.activation.name == old.activation.name
    # Not only equal descriptions: the same behaviour.
    X = np.random.default_rng(0).normal(size=(6, 5))
    assert np.array_equal(back.predict(X), network.predict(X))
    assert np.array_equal(back.layout.mask("trainable"), network.layout.mask("trainable"))
    back.initialize(3)
    network.initialize(3)
    assert np.array_equal(back.theta, network.theta)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_comes_back(activation, tmp_path):
    network = gn.Network(3, [gn.Dense(2, activation)], seed=1, dtype="float64")
    gn.save(network, tmp_path / "n")
    assert np.array_equal(gn.load(tmp_path / "n").predict(np.eye(3)), network.predict(np.eye(3)))


@pytest.mark.parametrize("activation", sorted([*ACTIVATION_SPECS, "softmax"]))
def test_a_layer_that_comes_back_is_equal(activation, tmp_path):
    network = gn.Network(3, [gn.Dense(2, activation)])
    gn.save(network, tmp_path / "n")
    assert gn.load(tmp_path / "n").layers == network.layers


@pytest.mark.parametrize("initializer", sorted(INITIALIZERS))
def test_every_initializer_comes_back(initializer, tmp_path):
    network = gn.Network(3, [gn.Dense(3, weight_init=initializer, bias_init="zeros")], seed=1)
    gn.save(network, tmp_path / "n")
    back = gn.load(tmp_path / "n")
    back.initialize(9)
    network.initialize(9)
    assert np.array_equal(back.theta, network.theta)


def test_what_is_loaded_is_a_network_of_its_own(net, tmp_path):
    gn.save(net, tmp_path / "n")
    back = gn.load(tmp_path / "n")
    back.weights[0][0, 0] = 5.0
    assert back.theta[0] == 5.0  # still views of one writable vector
    assert net.theta[0] == -1.0
    assert gn.load(tmp_path / "n").theta[0] == -1.0


def test_the_plain_safetensors_library_reads_the_arrays(net, tmp_path):
    gn.save(net, str(tmp_path / "n"))
    plain = safetensors.numpy.load_file(tmp_path / "n")
    assert set(plain) == {"0.weights", "0.biases", "2.weights"}
    assert np.array_equal(plain["0.weights"], net.weights[0])
    assert np.array_equal(plain["0.biases"], net.biases[0])
    assert np.array_equal(plain["2.weights"], net.weights[2])
    assert plain["0.weights"].dtype == np.float32


def test_one_metadata_entry_of_canonical_json(net, tmp_path):
    gn.save(net, tmp_path / "n")
    with safetensors.safe_open(tmp_path / "n", framework="np") as file:
        metadata = file.metadata()
    (text,) = metadata.values()
    document = json.loads(text)
    assert json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text
    assert len(document["sha256"]) == 64
    assert [layer["kind"] for layer in document["network"]["layers"]] == ["dense", "dropout", "dense"]


def test_a_saved_network_is_replaced_by_the_next(net, tmp_path):
    gn.save(net, tmp_path / "n")
    smaller = gn.Network(1, [gn.Dense(1)], seed=0)
    gn.save(smaller, tmp_path / "n")
    assert_same(gn.load(tmp_path / "n"), smaller)


@pytest.mark.parametrize(
    "model",
    [
        {"loss": None, "encoder": None, "provenance": {}},
        {"loss": "huber(2.0)", "encoder": {"columns": ["größe", "price"]}, "provenance": {"rows": 3, "scores": [0.1]}},
    ],
    ids=["bare", "full"],
)
def test_loss_encoder_and_provenance_come_back(model, net, tmp_path):
    save_model(Model(net, **model), tmp_path / "n")
    back = load_model(tmp_path / "n")
    assert_same(back.network, net)
    assert {"loss": back.loss, "encoder": back.encoder, "provenance": back.provenance} == model
    assert_same(gn.load(tmp_path / "n"), net)


# --- an activation of one's own ----------------------------------------------------------------------------------


def cube():
    return gn.Activation("cube", value=lambda z: z * z * z, slope=lambda z, a: 3 * z * z)


def test_an_activation_of_ones_own(tmp_path):
    record = cube()
    network = gn.Network(2, [gn.Dense(3, record), gn.Dense(1, "identity")], seed=2, dtype="float64")
    gn.save(network, tmp_path / "n")
    with pytest.raises(InputError, match=r"uses the activation 'cube', .*activations=\{'cube': record\}") as caught:
        gn.load(tmp_path / "n")
    assert str(caught.value).count("\n") < 2
    back = gn.load(tmp_path / "n", activations={"cube": record})
    assert_same(back, network)
    X = np.random.default_rng(0).normal(size=(4, 2))
    assert np.array_equal(back.predict(X), network.predict(X))
    assert back.layers[0].activation is record


def test_a_row_activation_of_ones_own(tmp_path):
    def centred(z):
        return z - z.mean(axis=-1, keepdims=True)

    record = RowActivation("centred", value=centred, row_pullback=lambda z, a, slope: centred(slope))
    network = gn.Network(2, [gn.Dense(3, record)], seed=2)
    gn.save(network, tmp_path / "n")
    assert_same(gn.load(tmp_path / "n", activations={"centred": record}), network)
    with pytest.raises(InputError, match="'centred'"):
        gn.load(tmp_path / "n", activations={"cube": cube()})


@pytest.mark.parametrize("activations", [{"cube": "relu2"}, {"cube": 3}, ["cube"], "cube"], ids=str)
def test_activations_that_are_no_records_are_not_the_files_fault(activations, tmp_path):
    gn.save(gn.Network(2, [gn.Dense(3, cube())]), tmp_path / "n")
    with pytest.raises(InputError):
        gn.load(tmp_path / "n", activations=activations)


# --- damage ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small():
    return gn.Network(2, [gn.Dense(2, "relu", bias=False), gn.Dropout(0.25), gn.Dense(1)], seed=3, dtype="float64")


def test_truncated_at_every_length(small):
    content = saved(small)
    for length in range(len(content)):
        with pytest.raises(FileError, match=r"ends too early|is empty"):
            loaded(content[:length])


def load_or_error(path):
    """The network in a file, or the sentence that says why there is none."""
    try:
        return gn.load(path)
    except FileError as error:
        return str(error)


def test_one_flipped_bit_anywhere_is_never_another_network(small):
    content = saved(small)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        for at in range(len(content)):
            for bit in range(8):
                damaged = bytearray(content)
                damaged[at] ^= 1 << bit
                path.write_bytes(damaged)
                found = load_or_error(path)
                assert isinstance(found, str), f"bit {bit} of byte {at} was flipped, and loading gave {found!r}"
                assert found.count("\n") < 2


@given(network=networks(max_units=3), data=st.data())
def test_flipped_bits_in_any_network(network, data):
    """1e-05 and 1E-05 are one bit apart and one number; so the same network may come back, but no other."""
    content = bytearray(saved(network))
    for at in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=3, unique=True)):
        content[at // 8] ^= 1 << (at % 8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        path.write_bytes(content)
        found = load_or_error(path)
    if not isinstance(found, str):
        assert_same(found, network)


# --- right checksums over wrong content --------------------------------------------------------------------------


def architecture(**changes):
    """A network of one dense layer as it stands in a file, with changes; None leaves an entry out."""
    network = gn.Network(2, [gn.Dense(3, "tanh")], seed=0)
    document = {"network": network.to_dict(), "loss": None, "encoder": None, "provenance": {}}
    arrays = {"0.weights": np.array(network.weights[0]), "0.biases": np.array(network.biases[0])}
    for place, value in changes.items():
        *path, last = place.split("__")
        at = document
        for step in path:
            at = at[int(step) if step.isdigit() else step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return document, arrays


WRONG = {
    "no network": {"network": None},
    "network is a list": {"network": [1]},
    "network is a word": {"network": "tanh"},
    "no layers": {"network__layers": None},
    "layers are a number": {"network__layers": 3},
    "layers are empty": {"network__layers": []},
    "a layer is a number": {"network__layers": [3]},
    "no inputs": {"network__inputs": None},
    "inputs are a number": {"network__inputs": 2},
    "inputs are words": {"network__inputs": ["two"]},
    "inputs below zero": {"network__inputs": [-2]},
    "no dtype": {"network__dtype": None},
    "unknown dtype": {"network__dtype": "float16"},
    "dtype is code": {"network__dtype": "O"},
    "no seed": {"network__seed": None},
    "seed below zero": {"network__seed": -1},
    "no kind of layer": {"network__layers__0__kind": None},
    "unknown kind of layer": {"network__layers__0__kind": "attention"},
    "kind is a list": {"network__layers__0__kind": ["dense"]},
    "no units": {"network__layers__0__units": None},
    "units are a word": {"network__layers__0__units": "three"},
    "other units": {"network__layers__0__units": 4},
    "more units than memory": {"network__layers__0__units": 10**12},
    "more units than numbers": {"network__layers__0__units": 10**30},
    "more inputs than memory": {"network__inputs": [10**13]},
    "no activation": {"network__layers__0__activation": None},
    "activation is a number": {"network__layers__0__activation": 3},
    "activation is a list": {"network__layers__0__activation": ["tanh"]},
    "activation with a wrong argument": {"network__layers__0__activation": "elu('x')"},
    "unknown option": {"network__layers__0__speed": 3},
    "unknown initializer": {"network__layers__0__weight_init": "magic"},
    "no loss": {"loss": None},
    "no encoder": {"encoder": None},
    "no provenance": {"provenance": None},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_right_checksum_does_not_excuse_wrong_content(what, tmp_path):
    document, arrays = architecture(**WRONG[what])
    write_container(tmp_path / "n", "model", document, arrays)
    began = time.monotonic()
    with pytest.raises(FileError) as caught:
        gn.load(tmp_path / "n")
    assert type(caught.value) in (CorruptFileError, ForeignFileError)
    assert str(caught.value).count("\n") < 2
    assert str(tmp_path / "n") in str(caught.value)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("0.biases"),
        lambda arrays: arrays.update({"1.weights": np.zeros((3, 1), np.float32)}),
        lambda arrays: arrays.update({"0.weights": arrays["0.weights"].T}),
        lambda arrays: arrays.update({"0.weights": arrays["0.weights"].ravel()}),
        lambda arrays: arrays.update({"0.biases": arrays["0.biases"].astype(np.float64)}),
        lambda arrays: arrays.clear(),
    ],
    ids=["one missing", "one too many", "transposed", "flat", "another dtype", "none"],
)
def test_arrays_that_do_not_fit_the_architecture(change, tmp_path):
    document, arrays = architecture()
    change(arrays)
    write_container(tmp_path / "n", "model", document, arrays)
    with pytest.raises(CorruptFileError, match=r"do not fit (its|the) architecture"):
        gn.load(tmp_path / "n")


def test_the_frame_of_these_tests_is_a_good_model(tmp_path):
    document, arrays = architecture()
    write_container(tmp_path / "n", "model", document, arrays)
    assert gn.load(tmp_path / "n").layers == (gn.Dense(3, "tanh"),)


# --- other files -------------------------------------------------------------------------------------------------


def test_a_later_version(net, tmp_path):
    document, arrays = architecture(network__layers__0__kind="attention")
    write_container(tmp_path / "n", "model", {**document, "version": 2}, arrays)
    with pytest.raises(NewerVersionError, match=r"format version 2; this glassnet reads up to 1. Update glassnet"):
        gn.load(tmp_path / "n")


def test_a_checkpoint_is_not_a_model(tmp_path):
    network = gn.Network(2, [gn.Dense(1)])
    gn.train(network, np.eye(2), [0.0, 1.0], loss="squared_error", epochs=1, checkpoint=tmp_path / "run")
    with pytest.raises(ForeignFileError, match="is a glassnet checkpoint; expected a model"):
        gn.load(tmp_path / "run" / "checkpoint.safetensors")
    with pytest.raises(FileError, match="is a folder; expected a model file"):
        gn.load(tmp_path / "run")


def test_a_missing_file_suggests_its_neighbour(net, tmp_path):
    gn.save(net, tmp_path / "digits.safetensors")
    with pytest.raises(FileError, match=r"Did you mean .*digits\.safetensors\?"):
        gn.load(tmp_path / "digit.safetensor")


@pytest.mark.parametrize("path", [None, 3, b"bytes", ["a"]], ids=repr)
def test_a_path_that_is_none(path, net):
    for call in (lambda: gn.load(path), lambda: gn.save(net, path)):
        with pytest.raises(InputError) as caught:
            call()
        assert repr(path) in str(caught.value) or type(path).__name__ in str(caught.value)


def test_arguments_the_wrong_way_round(net, tmp_path):
    with pytest.raises(InputError, match=r"a gn\.Network first and a path second; got a PosixPath first"):
        gn.save(tmp_path / "n", net)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=repr)
def test_figures_of_the_provenance_need_not_be_finite(value, net, tmp_path):
    save_model(Model(net, provenance={"r2": value}), tmp_path / "n")
    assert repr(load_model(tmp_path / "n").provenance) == repr({"r2": value})


@pytest.mark.parametrize("value", [np.float32(1), {1, 2}], ids=repr)
def test_provenance_that_is_no_plain_value_leaves_the_earlier_file(value, net, tmp_path):
    gn.save(net, tmp_path / "n")
    before = (tmp_path / "n").read_bytes()
    with pytest.raises(InputError, match="provenance"):
        save_model(Model(net, provenance={"loss": value}), tmp_path / "n")
    assert (tmp_path / "n").read_bytes() == before
