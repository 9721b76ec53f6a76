"""What is asked and how, what is said, and what is refused."""

import json

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import FileError, InputError, NonFiniteError

from .runs import blobs, run_of

LAYERS = [gn.Dense(5, "tanh"), gn.Dense(3, "softmax")]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    X, y = blobs(60)
    folder = tmp_path_factory.mktemp("kept") / "a.run"
    net = gn.Network(4, LAYERS, seed=1)
    gn.train(
        net, X, y, "cross_entropy", epochs=4, batch_size=8, validation=0.2, checkpoint=folder, optimizer="adam(0.01)"
    )
    return folder, X, y, net


def test_rows_are_counted_as_x_counts_them(kept):
    folder, X, y, net = kept
    replay = gn.Replay(folder, X, y, validation=0.2)
    trained, held_out = replay.block.numbers, replay.validation.numbers
    found = gn.influence(folder, X, y, row=int(trained[5]), validation=0.2)
    assert (found.questioned.part, found.questioned.row) == ("training", trained[5])
    np.testing.assert_array_equal(found.numbers, trained)
    row = int(held_out[3])
    asked = gn.influence(folder, X, y, row=row, validation=0.2)
    assert asked.questioned.part == "held out"
    assert asked.questioned.error == pytest.approx(net.backprop(X[[row]], y[[row]], "cross_entropy").loss, rel=1e-5)
    assert asked.questioned.truth == str(y[row])
    same = gn.influence(replay, x=X[row], y=y[row])
    np.testing.assert_allclose(same.without, asked.without, rtol=1e-6)
    again = gn.influence(replay, validation_row=3)
    np.testing.assert_array_equal(again.without, asked.without)


def test_lists_and_shares(kept):
    folder, X, y, _ = kept
    replay = gn.Replay(folder, X, y, validation=0.2)
    row = int(replay.block.numbers[0])
    found = gn.influence(replay, row=row, class_names=["ä", "b", "c"])
    helpful, harmful = found.helpful(1000), found.harmful(1000)
    assert len(helpful) + len(harmful) == 48
    assert [each.without for each in helpful] == sorted((each.without for each in helpful), reverse=True)
    assert [each.without for each in harmful] == sorted(each.without for each in harmful)
    assert sum(each.share for each in helpful) == pytest.approx(1)
    assert sum(each.share for each in harmful) == pytest.approx(1)
    assert [each.row for each in helpful + harmful if each.itself] == [row]
    for each in helpful[:3]:
        assert each.truth == "äbc"[y[each.row]]
        assert each.error >= 0
    values = json.loads(json.dumps(found.to_dict(4)))
    assert len(values["helpful"]) == len(values["harmful"]) == 4
    assert values["lowered"] == pytest.approx(found.without[found.without > 0].sum())
    said = str(found)
    assert f"Row {row}, trained on" in said
    assert "the row itself" in found.text(60)
    assert "first-order" in said


def test_regression_one_output_and_several(tmp_path):
    chance = np.random.default_rng(0)
    X = chance.normal(size=(40, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.1 * chance.normal(size=40)
    y[7] = 30.0  # one that lies
    replay, _ = run_of(
        tmp_path / "a.run", [gn.Dense(1)], X, y, "squared_error", optimizer=gn.SGD(0.02), epochs=20, batch_size=8
    )
    found = gn.influence(replay, x=X[7], y=float(X[7] @ [1.0, -2.0, 0.5]), units=(100.0, 10.0))
    assert found.harmful(1)[0].row == 7
    assert found.harmful(1)[0].truth == "400"
    assert found.questioned.right is None
    assert "the truth is" in str(found)
    two, _ = run_of(tmp_path / "b.run", [gn.Dense(2)], X, np.c_[y, -y], "squared_error", epochs=2, batch_size=8)
    assert gn.influence(two, row=3).questioned.truth.count(",") == 1
    yes, _ = run_of(
        tmp_path / "c.run",
        [gn.Dense(1, "sigmoid")],
        X,
        (y > 0).astype(int),
        "binary_cross_entropy",
        epochs=2,
        batch_size=8,
    )
    assert gn.influence(yes, row=3, class_names=["no", "yes"]).questioned.truth in ("no", "yes")


def test_what_the_notes_say(tmp_path):
    X, y = blobs(40)
    layers = [gn.Dense(5, "relu"), gn.Dropout(0.3), gn.Dense(3, "softmax")]
    replay, _ = run_of(tmp_path / "a.run", layers, X, y, optimizer=gn.Adam(0.01), epochs=3, batch_size=8)
    assert "under that step's dropout" in str(gn.influence(replay, row=0))
    traced = str(gn.influence(replay, row=0, method="tracin"))
    assert "without dropout" in traced
    assert "read the numbers as a ranking" in traced
    assert "3 of them" in traced
    assert "schedule looks at results" not in traced
    watched, _ = run_of(tmp_path / "b.run", layers, X, y, schedule="plateau", epochs=2, batch_size=8)
    assert "schedule looks at results" in str(gn.influence(watched, row=0))


def test_what_is_refused(kept, tmp_path):
    folder, X, y, _ = kept
    replay = gn.Replay(folder, X, y, validation=0.2)

    def says(match, *arguments, **options):
        with pytest.raises(InputError, match=match):
            gn.influence(*arguments, **options)

    says("got none of them", replay)
    says("got row and x", replay, row=1, x=X[0], y=0)
    says("without y", replay, x=X[0])
    says("row is 60; the run has 60 rows", replay, row=60)
    says("row is 1.5", replay, row=1.5)
    says("row is True", replay, row=True)
    says("validation_row is 12", replay, validation_row=12)
    says("method is 'magic'", replay, row=1, method="magic")
    says("prove is 0", replay, row=1, prove=0)
    says("draws is 0", replay, row=1, prove=2, draws=0)
    says("one row", replay, x=X[:2], y=y[:2])
    says("leave X", replay, X, y, row=1)
    says("X and Y are needed", folder, row=1)
    says("expected the folder of a run", 7, row=1)
    says("not those that the run", folder, X + 1, y, row=1, validation=0.2)
    says("expected 3 names", replay, row=1, class_names=["a", "b"])
    says("numbers is an array", replay, row=1, numbers=[1, 2])
    says("units is", replay, row=1, units=3.0)
    says("image_shape is", replay, row=1, image_shape=(3, 3))
    with pytest.raises(FileError, match="holds no run"):
        gn.influence(tmp_path / "nowhere.run", X, y, row=1)
    without, _ = run_of(tmp_path / "b.run", LAYERS, X, y, epochs=1)
    says("no validation rows", without, validation_row=0)


@pytest.mark.parametrize("optimizer", ["rprop", "lbfgs"])
def test_steps_without_a_useful_derivative(optimizer, tmp_path):
    X, y = blobs(30)
    replay, _ = run_of(tmp_path / "a.run", LAYERS, X, y, optimizer=optimizer, epochs=3, batch_size=None)
    with pytest.raises(InputError, match="method='tracin'"):
        gn.influence(replay, row=1)
    assert np.isfinite(gn.influence(replay, row=1, method="tracin", prove=3, draws=2).without).all()


def test_a_formula_of_the_users_own(tmp_path):
    X, y = blobs(30)
    swish = gn.Activation(
        "swish2",
        value=lambda z: z / (1 + np.exp(-2 * z)),
        slope=lambda z, a: (1 + (2 * z + 1) * np.exp(-2 * z)) / (1 + np.exp(-2 * z)) ** 2,
    )
    net = gn.Network(4, [gn.Dense(4, swish), gn.Dense(3, "softmax")], dtype="float64", seed=1)
    gn.train(net, X, y, "cross_entropy", epochs=2, batch_size=10, engine="reference", checkpoint=tmp_path / "a.run")
    found = gn.influence(tmp_path / "a.run", X, y, row=1, activations={"swish2": swish}, method="exact")
    assert found.without.any()


@pytest.mark.parametrize(("method", "cure"), [("unrolled", "tracin"), ("exact", "unrolled")])
def test_a_derivative_beyond_bounds(method, cure, kept, monkeypatch):
    folder, X, y, _ = kept
    grown = "glassnet.insight.influence.predictor.absences"
    monkeypatch.setattr(grown, lambda setting, *_: np.full(len(setting.block), np.inf))
    with pytest.raises(NonFiniteError, match=f"method='{cure}'"):
        gn.influence(folder, X, y, row=1, validation=0.2, method=method)
