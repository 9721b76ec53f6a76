"""Receipts: retraining without rows, against trainings that are done from the start by `train` itself."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import spearmanr

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.influence.receipts import rank_correlation, retrained

from .runs import blobs, run_of

LAYERS = [gn.Dense(8, "relu"), gn.Dropout(0.2), gn.Dense(3, "softmax")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_without_a_row_left_out_the_bits_are_the_runs(engine, dtype, tmp_path):
    X, y = blobs(70)
    net = gn.Network(4, LAYERS, dtype=dtype, seed=1)
    options = {"optimizer": gn.Adam(0.02), "schedule": "cosine", "epochs": 6, "batch_size": 8, "seed": 5}
    gn.train(net, X, y, "cross_entropy", engine=engine, checkpoint=tmp_path / "a.run", **options)
    replay = gn.Replay(tmp_path / "a.run", X, y)
    again = retrained(replay, replay.steps, np.zeros(70, bool))
    assert again.tobytes() == net.theta.tobytes()

    weight = np.ones(70)
    weight[[3, 50]] = 0  # and with some, those of a training with these weights from the start
    other = gn.Network(4, LAYERS, dtype=dtype, seed=1)
    gn.train(other, X, y, "cross_entropy", engine=engine, sample_weight=weight, **options)
    absent = weight == 0
    assert retrained(replay, replay.steps, absent).tobytes() == other.theta.tobytes() != net.theta.tobytes()


@pytest.fixture(scope="module")
def proved(tmp_path_factory):
    X, y = blobs(260, seed=4)
    folder = tmp_path_factory.mktemp("proved") / "a.run"
    options = {"optimizer": gn.Adam(0.02), "epochs": 12, "batch_size": 16, "validation": (X[160:], y[160:])}
    replay, net = run_of(folder, [gn.Dense(8, "tanh"), gn.Dense(3, "softmax")], X[:160], y[:160], **options)
    return replay, net, gn.influence(replay, validation_row=2, prove=12, draws=14, seed=1)


def test_predicted_and_actual_change(proved):
    replay, net, found = proved
    proof, before = found.proof, found.questioned.error
    assert "Row 2 of the validation rows" in str(found)
    assert [each.kind for each in proof.removals] == ["helpful", "harmful", *["random"] * 14]
    assert proof.of("helpful")[0].numbers == tuple(each.row for each in found.helpful(12))
    assert proof.of("harmful")[0].numbers == tuple(each.row for each in found.harmful(12))
    x, y = replay.validation.x, replay.validation.y
    for each in proof.removals:
        assert len(set(each.numbers)) == 12
        weight = replay.block.sample_weight.copy()
        weight[list(each.numbers)] = 0
        other = gn.Network(4, net.layers, dtype="float64", seed=1)
        options = {"optimizer": gn.Adam(0.02), "epochs": 12, "batch_size": 16, "engine": "reference", "seed": 3}
        if each.kind != "random":
            gn.train(other, replay.block.x, replay.block.y, "cross_entropy", sample_weight=weight, **options)
            then = other.backprop(x[2:3], y[2:3], "cross_entropy").row_errors[0]
            assert each.actual == pytest.approx(then - before, rel=1e-9)
        assert each.predicted == pytest.approx(found.without[list(each.numbers)].sum(), rel=1e-12)
    assert proof.of("helpful")[0].actual > 0 > proof.of("harmful")[0].actual
    pairs = [(each.predicted, each.actual) for each in proof.removals]
    assert proof.rank == pytest.approx(spearmanr(*np.transpose(pairs)).statistic)
    assert proof.rank_of_draws == pytest.approx(spearmanr(*np.transpose(pairs[2:])).statistic)


def test_predictions_are_far_better_than_chance(proved):
    _, _, found = proved
    for kind in ("helpful", "harmful"):
        (each,) = found.proof.of(kind)
        assert each.rows == 100
        assert each.rank > 0.85
        assert each.rank > abs(each.chance) + 0.5
    assert found.proof.rank > 0.9


def test_a_forward_walk_says_the_same_as_the_backward_one(proved):
    replay, _, found = proved
    (each,) = found.proof.of("helpful")
    again = gn.influence(replay, validation_row=2)
    np.testing.assert_array_equal(again.without, found.without)
    # the questioned row is among the held-out rows: what the forward walk predicted for it is the sum of the backward's
    from glassnet.insight.influence.predictor import Predictor
    from glassnet.insight.influence.rows import Judged
    from glassnet.insight.influence.steps import last_step

    last, theta = last_step(replay)
    net = replay.training(0).network
    rows = [Judged(net, replay.objective.loss, b.x, b.y) for b in (replay.block, replay.validation)]
    absent = np.isin(np.arange(160), each.numbers)
    changes = Predictor(replay, last, theta, rows[0], "unrolled").changes_without(absent, rows[1])
    assert changes[2] == pytest.approx(each.predicted, rel=1e-9)
    traced = Predictor(replay, last, theta, rows[0], "tracin")
    assert traced.changes_without(absent, rows[1])[2] == pytest.approx(
        traced.absences(rows[1].some(np.array([2])))[absent].sum(), rel=1e-9
    )


def test_rank_correlation():
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(2, 20))
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert rank_correlation(x[:5], y[:5]) is None
    assert rank_correlation(x, np.zeros(20)) is None


def test_too_many_rows_to_take_out(proved):
    replay, _, _ = proved
    with pytest.raises(InputError, match="160 rows that count"):
        gn.influence(replay, row=0, prove=160)


def test_rows_of_weight_zero_are_not_taken_out(tmp_path):
    X, y = blobs(40)
    weight = np.ones(40)
    weight[:8] = 0
    replay, _ = run_of(tmp_path / "a.run", LAYERS, X, y, epochs=2, batch_size=8, sample_weight=weight)
    found = gn.influence(replay, row=0, prove=5, draws=3)
    assert not found.without[:8].any()
    assert all(number >= 8 for each in found.proof.removals for number in each.numbers)
    assert found.proof.rank is None  # five removals say nothing of a correlation
    assert found.proof.judged_by == "training rows"
    assert dataclasses.asdict(found.proof.removals[0])["rows"] == 35
