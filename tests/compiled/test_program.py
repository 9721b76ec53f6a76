"""The tables of a network: θ is cut into pieces that cover it once, in the same way whatever the number of threads."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.compiled.evaluator import Evaluator
from glassnet.compiled.host import tile_shape
from glassnet.compiled.program import Memory, Program, gather

widths = st.integers(1, 70) | st.sampled_from([255, 256, 257, 512, 1024])


@st.composite
def networks(draw):
    """A network of any width and depth, with or without biases, dropout, frozen layers and a soft-max."""
    layers = []
    depth = draw(st.integers(1, 4))
    for k in range(depth):
        if draw(st.integers(0, 3)) == 0:
            layers.append(gn.Dropout(draw(st.sampled_from([0.0, 0.25, 0.5]))))
        activation = draw(st.sampled_from(["relu", "tanh", "softmax" if k == depth - 1 else "identity"]))
        bias, moves = draw(st.booleans()), draw(st.booleans())
        layers.append(gn.Dense(draw(widths), activation, bias=bias, trainable_bias=moves))
    return gn.Network(draw(widths), layers, dtype=draw(st.sampled_from(["float32", "float64"])))


def program_of(net, threads, batch=32, slots=2, clips_norm=False):
    program = Program(net.plan(), net.input_shape[0], net.dtype, net.theta.size, batch, threads)
    layout = net.layout
    program.for_training(slots, ~layout.mask("trainable"), layout.mask("penalised"), clips_norm)
    return program


@given(networks(), st.integers(1, 9))
@settings(max_examples=60)
def test_pieces_cover_theta_once_with_the_flags_of_each_parameter(net, threads):
    program = program_of(net, threads)
    covered = np.zeros(net.theta.size, int)
    for piece in program.pieces:
        here = slice(int(piece.place), int(piece.place + piece.count))
        covered[here] += 1
        assert (net.layout.mask("trainable")[here] != bool(piece.frozen)).all()
        assert (net.layout.mask("penalised")[here] == bool(piece.penalised)).all()
        stage = program.stages[piece.stage]
        start = stage.biases if piece.is_bias else stage.weights + piece.first * stage.outputs
        assert piece.place == start
        assert piece.count == piece.rows * stage.outputs
        assert piece.first % program.shape.lanes == 0  # where a square is turned over
    assert (covered == 1).all()


@given(networks(), st.integers(1, 9))
@settings(max_examples=60)
def test_shares_cover_the_pieces_in_order(net, threads):
    program = program_of(net, threads)
    shares = program.shares()
    assert shares.dtype == np.int64
    assert len(shares) == threads + 1
    assert shares[0] == 0
    assert shares[-1] == len(program.pieces)
    assert (np.diff(shares) >= 0).all()
    work = [program.pieces.count[a:b].sum() for a, b in itertools.pairwise(shares)]
    fair, largest = net.theta.size / threads, int(program.pieces.count.max())
    assert max(work) <= fair + largest + program.shape.columns * len(program.pieces) / threads + program.shape.columns


@given(networks(), st.integers(2, 9), st.integers(1, 5000), st.booleans())
@settings(max_examples=60)
def test_how_work_is_cut_does_not_depend_on_the_threads(net, threads, batch, clips_norm):
    one, many = (program_of(net, t, batch, clips_norm=clips_norm) for t in (1, threads))
    assert one.chunk == many.chunk <= max(batch, 1)
    assert (one.pieces == many.pieces).all()
    for name in ("slices", "separate", "chunk", "pieces", "stages", "stride"):
        assert one.run[0][name] == many.run[0][name], name


def places(program):
    """Where every matrix of a program begins and ends, by name."""
    run, width = program.run[0], program.shape.columns
    chunk = int(run.chunk)
    for k, stage in enumerate(program.stages):
        rows = {"a": stage.a_row, "d": stage.d_row, "z": stage.outputs}
        counts = {name: chunk * row for name, row in rows.items()}
        counts["panels"] = -(-stage.outputs // width) * width * stage.inputs
        counts["transposed"] = -(-stage.inputs // width) * width * stage.outputs
        for name, count in counts.items():
            if stage[name] >= 0:
                yield f"{name} of stage {k}", int(stage[name]), int(stage[name] + count)
    yield "y", int(run.y), int(run.y + chunk * run.outputs)
    yield "c", int(run.c), int(run.c + chunk)
    yield "errors", int(run.errors), int(run.errors + chunk)
    widest = max(int(stage.outputs) for stage in program.stages)
    yield "keep", int(run.keep), int(run.keep + program.threads * max(run.keep_row, widest))


def assert_apart(found, size, room):
    found = sorted(found, key=lambda place: place[1])
    for (name, _, end), (after, start, _) in itertools.pairwise(found):
        assert end <= start, f"{name} reaches into {after}"
    for name, start, end in found:
        assert start >= 0
        assert end + room <= size, f"behind {name} there is no room for a vector"


@given(networks(), st.integers(1, 9), st.integers(1, 5000), st.integers(0, 3), st.booleans())
@settings(max_examples=60)
def test_places_of_a_training_do_not_touch(net, threads, batch, slots, clips_norm):
    program = program_of(net, threads, batch, slots, clips_norm)
    run, n = program.run[0], net.theta.size
    found = list(places(program))
    lanes = program.shape.lanes
    counts = {"theta": 2, "gradient": int(run.slices), "slots": slots}
    assert run.stride >= n + lanes
    found += [
        (name, int(run[name]), int(run[name]) + (count - 1) * int(run.stride) + n)
        for name, count in counts.items()
        if count
    ]
    room = int(run.piece_room)
    assert room >= program.pieces.count.max() + lanes
    found.append(("piece", int(run.piece), int(run.piece) + threads * room))
    assert_apart(found, program.memory.size, lanes)


@given(st.lists(widths, min_size=1, max_size=4), widths, st.integers(1, 16))
@settings(max_examples=40)
def test_places_of_a_prediction_do_not_touch(units, inputs, threads):
    """Each thread has rows of its own: the more threads, the more rows are in memory."""
    net = gn.Network(inputs, [gn.Dense(n, "identity") for n in units])
    program = Evaluator(net.plan(), inputs, net.dtype, net.theta.size, threads)._program(threads)
    assert_apart(places(program), program.memory.size, 0)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="minutes of plain Python")
def test_predictions_of_a_wide_network_do_not_depend_on_the_threads():
    net = gn.Network(300, [gn.Dense(1024, "identity"), gn.Dense(1024, "identity"), gn.Dense(2, "identity")])
    x = np.random.default_rng(0).normal(size=(2500, 300)).astype(net.dtype)
    predictions = [Evaluator(net.plan(), 300, net.dtype, net.theta.size, t).predict(net.theta, x) for t in (1, 8)]
    np.testing.assert_array_equal(*predictions)
    np.testing.assert_allclose(predictions[0], net.predict(x), rtol=0, atol=1e-3)


@given(networks())
def test_stages_are_the_products_with_what_follows_them(net):
    layers = gather(net.plan(), net.input_shape[0])
    dense = [layer for layer in net.layers if isinstance(layer, gn.Dense)]
    assert [stage.units for stage in layers] == [net.input_shape[0], *(layer.units for layer in dense)]
    dropouts = [layer.rate for layer in net.layers if isinstance(layer, gn.Dropout) and layer.rate > 0]
    assert [mask.rate for stage in layers for mask in stage.masks] == dropouts


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20), st.sampled_from([np.float32, np.float64]))
def test_memory_begins_on_a_cache_line_and_has_room_behind_each_place(counts, real):
    dtype, shape = np.dtype(real), tile_shape(np.dtype(real).itemsize)
    memory = Memory(dtype, shape)
    starts = [memory.place(count) for count in counts]
    numbers = memory.allocate()
    assert numbers.dtype == dtype
    assert len(numbers) == memory.size
    assert not numbers.any()
    for start, count, after in zip(starts, counts, [*starts[1:], memory.size], strict=True):
        assert numbers[start:].ctypes.data % 64 == 0 or start == memory.size
        assert start + count + shape.columns <= after
