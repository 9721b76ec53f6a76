"""A run taken again has the bits of the run, and refuses rows that are not its own."""

import dataclasses

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Descent
from glassnet.training import Replay

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(300, 6))
Y = (X[:, :3] @ CHANCE.normal(size=(3, 4))).argmax(axis=1)


def make(seed=0):
    return gn.Network(6, [gn.Dense(16, "relu"), gn.Dropout(0.2), gn.Dense(4, "softmax")], seed=seed)


@pytest.fixture(params=["cosine", "plateau(patience=1, factor=0.5)", None])
def run(request, tmp_path):
    """A run of 12 epochs of 10 steps, and every θ that a callback saw, before any of its steps."""
    net, seen = make(), []
    seen.append(net.theta.copy())

    def watch(event: gn.StepEnded) -> None:
        seen.append(event.network.theta.copy())

    settings = {"schedule": request.param, "epochs": 12, "batch_size": 24, "validation": 0.2, "clip_norm": 1.0}
    gn.train(net, X, Y, "cross_entropy", callbacks=[watch], checkpoint=tmp_path / "run", **settings)
    return tmp_path / "run", seen


def test_every_step_has_the_bits_of_the_run(run):
    folder, seen = run
    replay = Replay(folder, X, Y, validation=0.2)
    assert (replay.steps, replay.steps_per_epoch) == (120, 10)
    for first, last in ((0, 3), (57, 64), (117, 120)):
        for taken in replay.taken(first, last):
            np.testing.assert_array_equal(taken.theta, seen[taken.step])
            np.testing.assert_array_equal(taken.theta_next, seen[taken.step + 1])
            assert taken.epoch == taken.step // 10


def test_the_end_is_the_checkpoint(run):
    folder, seen = run
    replay = Replay(folder, X, Y, validation=0.2)
    training = replay.training()
    training.advance(replay.steps)
    np.testing.assert_array_equal(training.network.theta, replay.theta)
    np.testing.assert_array_equal(replay.theta, seen[-1])
    assert training.position.history.loss == replay.history.loss
    assert training.position.history.validation_loss == replay.history.validation_loss


def test_rows_of_weight_0_change_the_rest_as_if_they_were_not_there(run):
    """The receipts of influence stand on this: all else, batches and masks, is as in the run."""
    folder, _ = run
    replay = Replay(folder, X, Y, validation=0.2)
    weight = replay.block.sample_weight.copy()
    weight[:5] = 0
    scrambled = replay.block.x.copy()
    scrambled[:5] = 100
    blocks = [dataclasses.replace(replay.block, sample_weight=weight, x=x) for x in (replay.block.x, scrambled)]
    ends = []
    for block in blocks:
        training = replay.training(block=block)
        training.advance(replay.steps)
        ends.append(training.network.theta.copy())
    np.testing.assert_array_equal(*ends)
    assert not np.array_equal(ends[0], replay.theta)


def test_another_rate_leaves_what_was_before(run):
    folder, seen = run
    replay = Replay(folder, X, Y, validation=0.2)
    training = replay.training(30, descent=Descent(gn.Adam(0.1)), schedule=None)
    np.testing.assert_array_equal(training.network.theta, seen[30])
    training.advance(31)
    assert np.abs(training.network.theta - seen[30]).max() > 10 * np.abs(seen[31] - seen[30]).max()


def test_a_ledger_can_be_kept_afterwards(run):
    folder, _ = run
    replay = Replay(folder, X, Y, validation=0.2)
    training = replay.training(keeps_ledger=True)
    training.advance(replay.steps)
    assert training.position.history.ledger.epochs == 12


@pytest.mark.parametrize(
    "changed",
    [(X + 1e-6, Y, 0.2), (X[::-1], Y[::-1], 0.2), (X, (Y + 1) % 4, 0.2), (X, Y, 0.3), (X, Y, None)],
)
def test_other_rows_are_refused(tmp_path, changed):
    gn.train(make(), X, Y, "cross_entropy", epochs=1, validation=0.2, checkpoint=tmp_path / "run")
    with pytest.raises(gn.GlassnetError, match="not those that the run"):
        Replay(tmp_path / "run", changed[0], changed[1], validation=changed[2])


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(gn.GlassnetError, match="holds no run"):
        Replay(tmp_path, X, Y)


def test_other_formulas_are_refused(tmp_path):
    def mine(factor):
        return gn.Activation("mine", value=lambda z: factor * z, slope=lambda z, a: factor + 0 * z)

    net = gn.Network(6, [gn.Dense(5, mine(2.0)), gn.Dense(4, "softmax")], seed=0)
    gn.train(net, X, Y, "cross_entropy", epochs=2, checkpoint=tmp_path / "run")
    assert Replay(tmp_path / "run", X, Y, activations={"mine": mine(2.0)}).steps == 20
    with pytest.raises(gn.GlassnetError, match="used other formulas"):
        Replay(tmp_path / "run", X, Y, activations={"mine": mine(3.0)})
    with pytest.raises(gn.GlassnetError, match="used other formulas"):
        Replay(tmp_path / "run", X, Y, activations={"mine": mine(2.0)}, loss="squared_error")
