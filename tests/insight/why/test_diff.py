"""Where two runs part: runs made to part at a step that is known beforehand."""

import shutil

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import FileError
from glassnet.insight.why import diff
from glassnet.insight.why import why as why_it_moved
from glassnet.insight.why.difference import Diff, Setting
from glassnet.insight.why.parting import Side, compare
from glassnet.training import Replay, RunFolder

CHANCE = np.random.default_rng(7)
X = CHANCE.normal(size=(40, 4))
Y = CHANCE.integers(0, 3, 40)


def a_run(folder, x=X, y=Y, *, units=5, net_seed=1, dtype="float32", drop=0.2, then=None, **options):
    """Train in steps of 4 rows, 10 an epoch; `then` may change the network before."""
    net = gn.Network(4, [gn.Dense(units, "tanh"), gn.Dropout(drop), gn.Dense(3, "softmax")], seed=net_seed, dtype=dtype)
    if then is not None:
        then(net)
    settings = {"epochs": 3, "batch_size": 4, "engine": "reference", "checkpoint": folder, "seed": 2} | options
    gn.train(net, x, y, "cross_entropy", **settings)
    return folder


def thetas_after_each_step(folder, *data, **options):
    replay = Replay(folder, *data, **options)
    return [step.theta_next for step in replay.taken(0, replay.steps)]


def test_equal_runs_say_so(tmp_path):
    a, b = a_run(tmp_path / "a"), a_run(tmp_path / "b")
    for found in (diff(a, b), diff(a, b, X, Y)):
        assert found.same
        assert found.outcome == "same"
        assert (found.same_until, found.step, found.largest, found.settings) == (30, None, None, ())
        assert "the same to the last bit, all 30 steps" in str(found)


@pytest.mark.parametrize("row", [0, 17, 33])
@pytest.mark.parametrize("what", ["weight", "target", "inputs"])
def test_a_row_that_was_changed_is_found_where_it_is_first_met(tmp_path, row, what):
    x, y, weight = X.copy(), Y.copy(), np.ones(40)
    if what == "weight":
        weight[row] = 3.0
    elif what == "target":
        y[row] = (y[row] + 1) % 3
    else:
        x[row, 2] += 0.5
    a, b = a_run(tmp_path / "a"), a_run(tmp_path / "b", x, y, sample_weight=weight)
    first_met = next(step.step for step in Replay(a, X, Y).taken(0, 10) if row in step.rows)
    found = diff(Replay(a, X, Y), Replay(b, x, y, sample_weight=weight))
    assert (found.outcome, found.step, found.epoch, found.same_until) == ("step", first_met, 0, first_met)
    (cause,) = found.causes
    said = {"weight": "another weight: 1 and 3.", "target": "another truth", "inputs": "other inputs"}[what]
    assert cause.startswith(f"Row {row} has {said}")
    ours = thetas_after_each_step(a, X, Y)[first_met].astype(float)
    theirs = thetas_after_each_step(b, x, y, sample_weight=weight)[first_met].astype(float)
    where = np.abs(theirs - ours).argmax()
    net = gn.Network(4, [gn.Dense(5), gn.Dropout(0.2), gn.Dense(3)])
    assert found.largest.name == net.layout.describe(where)
    assert found.first.name == net.layout.describe(np.flatnonzero(ours != theirs)[0])
    assert found.largest.difference == theirs[where] - ours[where]
    assert sum(layer.differ for layer in found.layers) == (ours != theirs).sum()
    assert [setting.name for setting in found.settings] == ["rows trained on"]
    assert f"They part in step {first_met}" in str(found)


def test_a_row_of_the_second_half_of_training(tmp_path):
    """A rate that changes late, so that snapshots agree for a while: they part in the step that first uses it."""
    a = a_run(tmp_path / "a", schedule="multi_step([20], 0.5)", epochs=40)
    b = a_run(tmp_path / "b", schedule="multi_step([27], 0.5)", epochs=40)
    assert diff(a, b).outcome == "between"
    assert "No more is known" in str(diff(a, b))
    bracket = diff(a, b)
    assert bracket.same_until <= 200 < bracket.until
    found = diff(a, b, X, Y)
    assert (found.outcome, found.step, found.epoch) == ("step", 200, 20)
    assert any("learning rate of the step is 0.0005 and 0.001" in cause for cause in found.causes)


def test_shorter_and_longer(tmp_path):
    a, b = a_run(tmp_path / "a", epochs=2), a_run(tmp_path / "b", epochs=5)
    found = diff(a, b, X, Y)
    assert (found.same, found.same_until, found.steps) == (True, 20, (20, 50))
    assert "through step 19" in str(found)
    c = a_run(tmp_path / "c", epochs=40)  # keeps every fourth epoch, so that where a ended is in no snapshot of it
    only_snapshots = diff(b, c)
    assert (only_snapshots.outcome, only_snapshots.same, only_snapshots.same_until) == ("unknown", False, 40)
    assert "through step 39; after that they do not tell" in " ".join(str(only_snapshots).split())
    assert diff(b, c, X, Y).same_until == 50


def test_other_seeds(tmp_path):
    a = a_run(tmp_path / "a")
    start = diff(a, a_run(tmp_path / "b", net_seed=9), X, Y)
    assert (start.outcome, start.step, start.same_until) == ("start", None, 0)
    assert start.causes == ("The seed of the first weights is 1 and 9.",)
    assert "before the first step" in str(start)
    order = diff(a, a_run(tmp_path / "c", seed=9), X, Y)
    assert (order.outcome, order.step) == ("step", 0)
    assert "The step met other rows" in order.causes[0]
    assert "seed of order and dropout" in order.causes[0]
    assert any("Dropout" in cause for cause in order.causes)
    moved = diff(a, a_run(tmp_path / "d", then=lambda net: net.weights[2].__setitem__((1, 2), 0.5)), X, Y)
    assert moved.outcome == "start"
    assert moved.largest.name == moved.first.name == "weights[2][1, 2]"
    assert moved.settings == ()
    assert "before these runs began" in moved.causes[0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"optimizer": "sgd(0.1)"}, "Optimizer is adam"),
        ({"l2": 0.1}, "L2 is 0.0 and 0.1"),
        ({"clip_norm": 1e-3}, "Clip norm is none and 0.001"),
        ({"batch_size": 5}, "The step met other rows"),
        ({"drop": 0.5}, "Layers is"),
        ({"reduction": "sum"}, "Reduction is mean and sum"),
    ],
)
def test_settings_that_act_in_the_first_step(tmp_path, option, said):
    found = diff(a_run(tmp_path / "a"), a_run(tmp_path / "b", **option), X, Y)
    assert (found.outcome, found.step) == ("step", 0)
    assert any(cause.startswith(said) for cause in found.causes), found.causes
    assert len(found.settings) == 1


def test_snapshots_that_never_meet_tell_nothing(tmp_path):
    found = diff(a_run(tmp_path / "a", epochs=1), a_run(tmp_path / "b", epochs=1, batch_size=5))
    assert (found.outcome, found.same, found.same_until) == ("unknown", False, 0)
    assert "in what they began with" in str(found)


def test_what_does_not_matter_is_told_but_parts_nothing(tmp_path):
    found = diff(a_run(tmp_path / "a"), a_run(tmp_path / "b", validation=(X[:5], Y[:5])))
    assert found.same
    assert [(each.name, each.a) for each in found.settings] == [("held-out rows", "none")]


def test_long_names_with_the_same_end_stay_apart_and_fit():
    ends = "/" + "x" * 60 + "/a.run"
    apart = tuple(Setting(name, "a" * 34, "b" * 60) for name in ("loss", "seed of the first weights"))
    found = Diff(("/one" + ends, "/two" + ends), (3, 3), (*apart, Setting("seed", "0", "1")), "unlike", 0)
    said = found.text()
    assert max(map(len, said.splitlines())) <= 100, said
    assert "the first, …" in said
    assert "the second, …" in said


def test_another_dtype_and_architecture(tmp_path):
    a = a_run(tmp_path / "a")
    assert diff(a, a_run(tmp_path / "b", dtype="float64")).outcome == "start"
    unlike = diff(a, a_run(tmp_path / "c", units=6), X, Y)
    assert (unlike.outcome, unlike.largest) == ("unlike", None)
    assert "no common weight" in " ".join(str(unlike).split())


def test_bits_that_were_made_elsewhere(tmp_path):
    """Settings and replays agree, but one checkpoint holds other bits, as from another machine."""
    a = a_run(tmp_path / "a")
    b = tmp_path / "b"
    shutil.copytree(a, b)
    from glassnet.files.container import read_container, write_container

    file = RunFolder(b).checkpoint
    document, arrays = read_container(file, "checkpoint")
    arrays["theta"][3] += 1e-6
    kind, version = document.pop("kind"), document.pop("version")
    assert (kind, version >= 1) == ("checkpoint", True)
    write_container(file, "checkpoint", document, arrays)
    found = diff(a, b, X, Y)
    assert (found.outcome, found.same) == ("elsewhere", False)
    assert "compute differently" in str(found)
    assert found.remark == f"What {b} recorded is not what it leaves when taken again here."
    assert found.largest.name == "weights[0][0, 3]"


def test_what_a_person_may_get_wrong(tmp_path):
    a = a_run(tmp_path / "a")
    with pytest.raises(FileError, match="holds no run"):
        diff(a, tmp_path / "none")
    b = a_run(tmp_path / "b", X + 1)
    found = diff(a, b, X, Y)  # the rows are a's, not b's: then snapshots have to do
    assert found.outcome == "between"
    assert "not those that the run in" in " ".join(str(found).split())


def test_rows_of_one_run_serve_the_other_if_they_are_the_same(tmp_path):
    """A killed run has no model file yet, so that its rows are not at hand, but those of the other run are."""
    a = a_run(tmp_path / "a", validation=(X[:5], Y[:5]))
    b = a_run(tmp_path / "b", validation=(X[:5], Y[:5]), l2=0.1)
    for found in (
        diff(Replay(a, X, Y, validation=(X[:5], Y[:5])), b),
        diff(b, Replay(a, X, Y, validation=(X[:5], Y[:5]))),
    ):
        assert (found.outcome, found.step) == ("step", 0)
    assert diff(Replay(a, X, Y, validation=(X[:5], Y[:5])), a_run(tmp_path / "c", X + 1)).outcome == "between"


def test_rows_are_named_as_the_source_counts_them(tmp_path):
    weight = np.ones(40)
    weight[5] = 2.0
    a, b = a_run(tmp_path / "a"), a_run(tmp_path / "b", sample_weight=weight)
    ours, theirs = Replay(a, X, Y), Replay(b, X, Y, sample_weight=weight)
    numbers = np.arange(40) + 1000
    found = compare(Side("a", ours.folder, ours, numbers=numbers), Side("b", theirs.folder, theirs, numbers=numbers))
    assert found.causes == ("Row 1005 has another weight: 1 and 2.",)
    values = found.to_dict()
    assert values["largest"]["difference"] == found.largest.difference
    assert values["same"] is False


def test_both_engines_are_compared(tmp_path):
    """They round differently, which is told as such; `why` then says the same of either to 1e-4."""
    a, b = a_run(tmp_path / "a"), a_run(tmp_path / "b", engine="compiled")
    found = diff(a, b, X, Y)
    assert found.outcome == "step"
    assert any("Engine is reference and compiled" in cause for cause in found.causes)
    assert found.largest.difference == pytest.approx(0, abs=1e-5)
    one, two = (why_it_moved(run, X, Y, "0:1,1", epoch=0) for run in (a, b))
    np.testing.assert_allclose(one.pushes, two.pushes, rtol=1e-3, atol=1e-6)
