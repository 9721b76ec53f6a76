"""`glassnet curvature` as a person types it."""

from pathlib import Path

import numpy as np
import pytest
from asking import answer_and_notes_of as answer_of
from asking import error_of

import glassnet as gn
from glassnet.cli import run
from glassnet.cli.runs import open_run

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table of numbers and a model of it: linear regression, whose Hessian is known."""
    folder = tmp_path_factory.mktemp("trained")
    chance = np.random.default_rng(0)
    x = chance.normal(size=(60, 2))
    rows = ["a,b,y", *(f"{a},{b},{2 * a - b + chance.normal()}" for a, b in x)]
    source, out = folder / "table.csv", folder / "m.safetensors"
    source.write_text("\n".join(rows), encoding="utf-8")
    asked = ["train", str(source), "--target", "y", "--epochs", "4", "--out", str(out), "--json", "--hidden", "3"]
    assert run([*asked, "--activation", "tanh", "--optimizer", "sgd(learning_rate=0.05, momentum=0.9)"]) == 0
    return source, out


def test_eigenvalues_are_those_of_nudged_gradients(table, capsys):
    source, model = table
    answer, notes = answer_of(capsys, "curvature", model)
    assert notes == ""
    x, y, _ = open_run(model).arrays()
    net = gn.load(model).astype("float64")
    start, h = net.theta.copy(), []
    for nudge in 1e-5 * np.eye(len(start)):
        sides = []
        for theta in (start + nudge, start - nudge):
            net.theta = theta
            sides.append(net.backprop(x, y, answer["loss"]).gradient.theta)
        h.append((sides[0] - sides[1]) / 2e-5)
    values = np.linalg.eigvalsh(np.array(h))
    np.testing.assert_allclose(answer["eigenvalues"], values, atol=1e-6 * values[-1])
    assert answer["critical_rate"] == pytest.approx(2 / values[-1], rel=1e-6)
    assert answer["rate"]["limit"] == pytest.approx(3.8 / values[-1], rel=1e-6)
    assert answer["rows"] == 48
    named, _ = answer_of(capsys, "curvature", model, source)
    assert named["largest"] == answer["largest"]


def test_words(table, capsys):
    _, model = table
    assert run(["curvature", str(model), "--count", "2"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "largest eigenvalue" in out
    assert "2(1+β)/λ" in out
    assert "exact; all 13 eigenvalues are known" in out
    assert "batches of 32 rows, as this run did" in out


def test_changed_rows_are_taken_whole_and_told(table, capsys):
    source, model = table
    lines = source.read_text(encoding="utf-8").splitlines()
    Path("other.csv").write_text("\n".join(lines[:31]), encoding="utf-8")
    answer, notes = answer_of(capsys, "curvature", model, "other.csv")
    assert "not what this model was trained on" in notes
    assert (answer["rows"], answer["trained_on"]) == (30, False)


def test_what_is_refused(table, capsys):
    source, model = table
    assert "--count is 0" in error_of(capsys, "curvature", model, "--count", "0")
    assert "learning_rate is -1" in error_of(capsys, "curvature", model, "--learning-rate", "-1")
    assert "rows is 0" in error_of(capsys, "curvature", model, "--rows", "0")
    assert "There is no file nowhere.safetensors" in error_of(capsys, "curvature", "nowhere.safetensors")
    Path("wrong.csv").write_text("a,c,y\n1,2,3\n4,5,6\n", encoding="utf-8")
    assert "b" in error_of(capsys, "curvature", model, "wrong.csv")
    assert error_of(capsys, "curvature", model, source.with_name("no.csv"))
