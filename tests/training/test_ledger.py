"""The ledger: that it adds up right, stays small, survives being killed, and costs nothing where it is not wanted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import Block
from glassnet.maths.losses import LOSSES
from glassnet.training import Replay
from glassnet.training import ledger as ledger_module
from glassnet.training.ledger import Ledger

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


def make():
    return gn.Network(4, [gn.Dense(8, "tanh"), gn.Dropout(0.1), gn.Dense(3, "softmax")], seed=0)


def entered(values, labels, pieces, weight=None, outputs=3):
    """A ledger that is told of epochs (e, m, 4) in pieces of so many rows."""
    m = values.shape[1]
    block = Block(np.zeros((m, 1)), labels, np.ones(m) if weight is None else weight)
    ledger = Ledger(block, LOSSES["cross_entropy"], np.dtype("float64"), outputs)
    flat, at = values.reshape(-1, 4), 0
    for rows in pieces:
        rows = min(rows, len(flat) - at)
        notes = ledger.room(at % m, rows)
        for i in range(at, at + rows):  # what an engine writes, row by row
            if weight is None or weight[i % m] > 0:
                notes.values[(at % m + i - at) // m, i % m] = flat[i]
        ledger.enter(notes, rows)
        at += rows
    return ledger


@settings(max_examples=60)
@given(st.integers(1, 12), st.integers(1, 9), st.lists(st.integers(1, 40), max_size=12), st.integers(0, 99))
def test_sums_and_counts_by_brute_force(epochs, m, pieces, seed):
    rng = np.random.default_rng(seed)
    values, labels = rng.random((epochs, m, 4)), rng.integers(0, 3, m)
    values[..., 3] = rng.integers(0, 3, (epochs, m))
    ledger = entered(values, labels, [*pieces, epochs * m])
    right = values[..., 3] == labels
    assert ledger.epochs == epochs
    np.testing.assert_array_equal(ledger.kept, np.arange(epochs))
    np.testing.assert_allclose(ledger.mean_loss, values[..., 0].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(ledger.mean_norm, values[..., 1].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(ledger.mean_margin, values[..., 2].mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(ledger.times_right, right.sum(axis=0))
    np.testing.assert_array_equal(ledger.times_forgotten, (right[:-1] & ~right[1:]).sum(axis=0))
    for row in range(m):
        wrong = [e for e in range(epochs) if not right[e, row]]
        assert ledger.learned[row] == (wrong[-1] + 1 if wrong else 0)
    np.testing.assert_array_equal(ledger.prediction, values[..., 3])
    np.testing.assert_allclose(ledger.loss, values[..., 0], rtol=2**-8)
    assert repr(ledger) == f"<Ledger of {m} rows and {epochs} epochs>"


@settings(max_examples=40)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(0, 99))
def test_pieces_do_not_show_in_the_bits(pieces, seed):
    values = np.random.default_rng(seed).random((12, 7, 4))
    labels, weight = np.arange(7) % 3, np.array([1.0, 1, 0, 1, 1, 1, 0])
    one, other = (entered(values, labels, cut, weight).to_arrays() for cut in ([7] * 12, [*pieces, 84]))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)
    never_met = np.isnan(entered(values, labels, [84], weight).mean_loss)
    np.testing.assert_array_equal(never_met, weight == 0)


@pytest.mark.parametrize("epochs", [1, 7, 8, 9, 16, 17, 64, 100])
def test_it_keeps_fewer_epochs_where_they_are_many(monkeypatch, epochs):
    monkeypatch.setattr(ledger_module, "_MOST_ENTRIES", 80)
    values = np.random.default_rng(0).random((epochs, 10, 4))
    ledger = entered(values, np.zeros(10, int), [10] * epochs)
    stride = min(2**i for i in range(10) if -(-epochs // 2**i) < 8)
    assert ledger.kept.tolist() == sorted({*range(0, epochs, stride), epochs - 1})
    assert len(ledger.kept) <= 8
    np.testing.assert_allclose(ledger.loss, values[ledger.kept, :, 0], rtol=2**-8)
    np.testing.assert_allclose(ledger.mean_loss, values[..., 0].mean(axis=0), rtol=1e-12)


def test_a_million_rows_and_100_epochs_stay_under_200_mb(tmp_path):
    m = 1_000_000
    ledger = Ledger(
        Block(np.zeros((m, 1), np.float32), np.zeros(m, np.int64), np.ones(m, np.float32)),
        LOSSES["cross_entropy"],
        np.dtype("float32"),
        10,
    )
    most = 0
    for _ in range(100):
        notes = ledger.room(0, m)
        notes.values[0, :, 0] = 1.0
        ledger.enter(notes, m)
        most = max(most, sum(codes.nbytes for _, codes in ledger._kept))
    assert sum(array.nbytes for array in ledger.to_arrays().values()) < 200e6
    assert most < 200e6 - 60e6


@pytest.mark.parametrize(
    "values", [0.0, -0.0, 1e-40, 1.0, -1.0, 65504.0, 1e30, -1e30, 3e38, np.inf, -np.inf, np.nan, 1 / 3]
)
def test_numbers_keep_eight_bits(values):
    found = entered(np.full((1, 1, 4), values), np.zeros(1, int), [1]).loss[0, 0]
    if np.isfinite(values):
        assert found == pytest.approx(values, rel=2**-8, abs=1e-38)
    else:
        np.testing.assert_array_equal(found, np.float32(values))


@pytest.mark.parametrize("classes", [300, 60_000, 65_535, 65_536, 70_000])
def test_classes_are_kept_as_they_are(classes):
    values = np.zeros((1, 4, 4))
    values[0, :, 3] = [0, 255, 257, classes - 1]
    ledger = entered(values, np.array([0, 255, 256, classes - 1]), [4], outputs=classes)
    assert ledger.prediction.tolist() == [[0, 255, 257, classes - 1]]
    assert ledger.right.tolist() == [[True, True, False, True]]


def test_numbers_are_neither_right_nor_wrong():
    net = gn.Network(4, [gn.Dense(1)], seed=0)
    ledger = gn.train(net, X, X[:, 0], "squared_error", epochs=2).ledger
    with pytest.raises(gn.GlassnetError, match="neither right nor wrong"):
        ledger.right  # noqa: B018
    assert np.isnan(ledger.margin).all()
    assert ledger.labels is None
    assert ledger.prediction.shape == (2, 60)


def test_rows_are_numbered_as_the_caller_does():
    ledger = gn.train(make(), X, Y, "cross_entropy", epochs=1, validation=0.25).ledger
    assert len(ledger) == 45
    np.testing.assert_array_equal(ledger.labels, Y[ledger.numbers])


def test_without_a_ledger():
    history = gn.train(make(), X, Y, "cross_entropy", epochs=1, ledger=False)
    assert history.ledger is None
    with pytest.raises(gn.GlassnetError, match="ledger is 1; expected True or False"):
        gn.train(make(), X, Y, "cross_entropy", epochs=1, ledger=1)


def test_a_history_with_a_ledger_is_still_plain_values():
    history = gn.train(make(), X, Y, "cross_entropy", epochs=2)
    assert "ledger" not in history.to_dict()
    assert gn.History.from_dict(history.to_dict()) == history


@pytest.mark.parametrize("steps", [1, 8, 13, 16, 30])
def test_a_run_that_was_stopped_goes_on_with_the_same_ledger(tmp_path, steps):
    options = {"epochs": 5, "batch_size": 8, "seed": 1}
    whole = gn.train(make(), X, Y, "cross_entropy", **options).ledger.to_arrays()

    def stop(event: gn.StepEnded) -> None:
        if event.step == steps:
            raise gn.StopTraining

    gn.train(make(), X, Y, "cross_entropy", checkpoint=tmp_path / "run", callbacks=[stop], **options)
    again = gn.train(make(), X, Y, "cross_entropy", checkpoint=tmp_path / "run", **options).ledger.to_arrays()
    for name, array in whole.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)
    kept = Replay(tmp_path / "run", X, Y).ledger.to_arrays()
    for name, array in whole.items():
        np.testing.assert_array_equal(kept[name], array, err_msg=name)


def test_a_run_begun_without_one_goes_on_without(tmp_path):
    def stop(event: gn.EpochEnded) -> None:
        raise gn.StopTraining

    gn.train(make(), X, Y, "cross_entropy", epochs=3, checkpoint=tmp_path / "run", callbacks=[stop], ledger=False)
    with pytest.warns(gn.GlassnetWarning, match="begun without a ledger"):
        history = gn.train(make(), X, Y, "cross_entropy", epochs=3, checkpoint=tmp_path / "run")
    assert history.ledger is None
    assert Replay(tmp_path / "run", X, Y).ledger is None


def test_what_a_nan_ended_is_still_there():
    net = gn.Network(4, [gn.Dense(8, "exp"), gn.Dense(3, "softmax")], seed=0)
    with pytest.raises(ArithmeticError) as raised:
        gn.train(net, X, Y, "cross_entropy", optimizer="sgd(50)", epochs=50, batch_size=8)
    ledger = raised.value.history.ledger
    assert ledger.epochs == raised.value.history.epochs


def test_a_row_whose_share_is_too_small_for_a_number():
    """Its gradient cannot be told; nothing else may stand in its place."""
    weight = np.full(8, 1e6)
    weight[3] = 1e-41
    ledgers = []
    for engine in ("reference", "compiled", "compiled"):
        net = gn.Network(4, [gn.Dense(8, "tanh"), gn.Dense(3, "softmax")], seed=0)
        settings = {"sample_weight": weight, "epochs": 50, "batch_size": None, "engine": engine}
        ledgers.append(gn.train(net, X[:8], np.arange(8) % 3, "cross_entropy", **settings).ledger)
    for ledger in ledgers[1:]:
        np.testing.assert_allclose(ledger.mean_loss, ledgers[0].mean_loss, rtol=1e-5)
        np.testing.assert_array_equal(ledger.times_right, ledgers[0].times_right)
        np.testing.assert_array_equal(np.isnan(ledger.mean_norm), np.arange(8) == 3)


def test_parts_of_many_short_epochs_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(ledger_module, "_MOST_ENTRIES", 10_000)
    ledger = entered(np.random.default_rng(0).random((3000, 4, 4)), np.zeros(4, int), [4] * 3000)
    assert len(ledger._kept) < 500
    assert ledger.kept.tolist() == sorted({*range(0, 3000, 2), 2999})
