"""What broke once: each is told whole, in every form, and says nothing false."""

import re
import shutil
import subprocess

import numpy as np
import pytest

import glassnet as gn
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES

X = np.array([[0.3, -0.7], [1.2, 0.4]])


def truth_for(loss, outputs):
    if LOSSES[loss].min_outputs > 1:
        return [1, 0]
    return np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])[:, :outputs]


def pairs():
    for loss, record in LOSSES.items():
        for last, activation in ACTIVATIONS.items():
            if record.domain.accepts(activation.range):
                yield loss, last


@pytest.mark.parametrize("spot", [{"weight": (0, 1, 2)}, {"weight": (1, 0, 1)}, {"bias": (1, 0)}], ids=str)
@pytest.mark.parametrize(("loss", "last"), list(pairs()))
def test_every_activation_and_loss_in_every_form(loss, last, spot):
    hidden = [name for name in ACTIVATIONS if name != "softmax"]
    for outputs in (1, 3) if LOSSES[loss].min_outputs == 1 and last != "softmax" else (3,):
        if "weight" in spot and spot["weight"][2] >= outputs and spot["weight"][0] == 1:
            continue
        g = hidden[(len(loss) + len(last)) % len(hidden)]
        net = gn.Network(2, [gn.Dense(3, g), gn.Dense(outputs, last)], seed=1, dtype="float64")
        found = gn.explain(net, X, truth_for(loss, outputs), 1, loss=loss, **spot)
        text, latex = found.text(), found.latex()
        assert not re.search(r"[\\&$]", text)
        assert "begin{c " not in latex
        for line in re.split(r"\\\\\n|\n", latex):  # what an alignment cuts apart must be whole by itself
            assert line.count(r"\left") == line.count(r"\right"), line
        assert found.html().count("<math") > 20
        assert found.markdown().count("$$") % 2 == 0


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on this machine")
@pytest.mark.parametrize("g", ["gelu_tanh", "leaky_relu", "selu", "elu"])
def test_latex_compiles(tmp_path, g):
    net = gn.Network(3, [gn.Dense(8, g), gn.Dense(8, g), gn.Dense(4, "softmax")], seed=1)
    names = ["price_$", "β & 日本 \\x", "a^b~#%{}"]
    found = gn.explain(net, np.ones((1, 3)), [2], 0, (0, 1, 2), feature_names=names)
    (tmp_path / "why.tex").write_text(found.latex(), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "why.tex"], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_dead_unit_in_a_deep_network_has_paths_at_once():
    layers = [gn.Dense(100, "relu") for _ in range(4)]
    net = gn.Network(20, [*layers, gn.Dense(10, "softmax")], seed=0)
    net.biases[0][3] = -1e6
    found = gn.explain(net, np.ones((1, 20)), [1], 0, (0, 2, 3))
    assert found.value == 0
    assert len(found.paths) == found.most
    assert all(path.value == 0 for path in found.paths)


def test_softmax_that_is_sure_with_a_loss_without_a_short_form():
    net = gn.Network(2, [gn.Dense(3, "softmax")], dtype="float64")
    net.theta = [2000, 0, -2000, 0, 0, 0, 0, 0, 0]
    text = gn.explain(net, [[1.0, 1.0]], [[1.0, 0, 0]], 0, (0, 0, 1), loss="squared_error").text()
    assert "short form" not in text


@pytest.mark.parametrize("g", ["tanh", "sigmoid", "softplus", "gelu"])
def test_saturated_slopes_are_not_written_out_wrongly(g):
    net = gn.Network(1, [gn.Dense(1, g), gn.Dense(1)], dtype="float64")
    for z in (3.0, 14.0, 17.0, 30.0, -14.0, -30.0):
        net.theta = [z, 0.0, 1.0, 0.0]
        text = gn.explain(net, [[1.0]], [[0.0]], 0, (0, 0, 0), loss="half_squared_error").text()
        steps = re.search(r"g′\(z\[0\]\[0\]\) = .*\n +(= .*)\n +(= .*)\n", text)
        if steps is None or g in ("softplus", "gelu"):
            continue
        a = float(re.search(r"0?\.\d+(?:e-\d+)?|\d+(?:\.\d+)?(?:e-\d+)?", steps[1].replace("1-", ""))[0])
        shown = float(steps[2].split()[1])
        assert (1 - a * a if g == "tanh" else a * (1 - a)) == pytest.approx(shown, rel=1e-7)


def test_many_rows_near_a_kink_still_have_a_derivative():
    rng = np.random.default_rng(0)
    net = gn.Network(20, [gn.Dense(100, "relu"), gn.Dense(50, "relu"), gn.Dense(3, "softmax")], seed=0)
    x, y = rng.normal(size=(6000, 20)), rng.integers(0, 3, 6000)
    found = gn.explain(net, x, y, weight=(0, 1, 2))
    assert found.numerical == pytest.approx(found.value, rel=1e-6, abs=4 * found.bound)
    assert "kink" not in found.text()


def test_names_cannot_be_taken_for_mathematics():
    net = gn.Network(3, [gn.Dense(2, "tanh"), gn.Dense(2, "softmax")], seed=0)
    names = ["US$ & EUR$ \\x", "$\\cosy$", "line\nbreak"]
    for j, name in enumerate(names):
        found = gn.explain(net, np.ones((1, 3)), [1], 0, (0, j, 1), feature_names=names, class_names=["<b>", "odd $"])
        assert " ".join(name.split()) in found.text().replace("\n", " ")
        assert "<b>" not in found.html()
        assert "odd $" in found.text().replace("\n", " ")


def test_a_formula_of_the_users_own_in_any_latex():
    wave = gn.Activation("wave", np.sin, lambda z, a: np.cos(z), latex=r"\sin z", slope_latex=r"\cos z")
    net = gn.Network(2, [gn.Dense(2, wave), gn.Dense(1)], seed=0)
    assert "= cos z\n" in re.sub(" +the slope.*", "", gn.explain(net, X[:1], [[1.0]], 0, (0, 0, 0)).text())


def test_a_row_s_own_derivative_and_its_share_have_two_names():
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1)], seed=0)
    found = gn.explain(net, X, [[1.0], [0.0]], 0, (0, 0, 0), reduction="sum", sample_weight=[2.0, 1.0])
    lefts = dict(re.findall(r"^  (∂E\S*)\s+=.*\n(?:   +[=+-].*\n)* +(= \S+)", found.text(), flags=re.M))
    assert lefts["∂E₀/∂w[0][0,0]"] != lefts["∂E/∂w[0][0,0]"]


def test_reuse_never_costs_more():
    for layers in (
        [gn.Dropout(0.5), gn.Dense(2, "softmax")],
        [gn.Dense(1)],
        [gn.Dropout(0.1), gn.Dense(3), gn.Dense(1)],
    ):
        net = gn.Network(2, layers, seed=0)
        y = [1] if net.outputs == 2 else [[1.0]]
        sharing = gn.explain(net, X[:1], y, 0, training=True).sharing
        assert sharing.multiplications_shared() <= sharing.multiplications_by_paths()


def test_a_loss_of_ones_own_that_did_not_travel_is_asked_for(tmp_path):
    import pickle

    own = gn.ElementwiseLoss("mine", term=lambda a, y: (a - y) ** 2, term_slope=lambda a, y: 2 * (a - y))
    net = gn.Network(2, [gn.Dense(1)], seed=0)
    gn.train(net, X, [1.0, 0.0], own, epochs=1)
    gn.save(net, tmp_path / "net.safetensors")
    for there in (pickle.loads(pickle.dumps(net)), gn.load(tmp_path / "net.safetensors")):
        with pytest.raises(gn.errors.InputError, match="'mine'"):
            gn.explain(there, X, [1.0, 0.0], 0)
        assert gn.explain(there, X, [1.0, 0.0], 0, (0, 0, 0), loss=own).value
        gn.save(there, tmp_path / "again.safetensors")
        assert gn.load(tmp_path / "again.safetensors").loss == "mine"


def test_a_row_is_told_in_its_own_units(tmp_path, monkeypatch, capsys):
    from glassnet.cli import run

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = rng.normal(loc=50, scale=7, size=(40, 2)).round(3)
    lines = [f"{a},{b},{2 * a - b:.3f}" for a, b in rows]
    (tmp_path / "t.csv").write_text("area,cost in $,price\n" + "\n".join(lines) + "\n")
    assert run(["train", "t.csv", "--target", "price", "--epochs", "2", "--hidden", "3", "--json"]) == 0
    capsys.readouterr()
    assert run(["explain", "t.safetensors", "t.csv", "--row", "7", "--weight", "0:1,2"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"In its own units cost in $ is {rows[7, 1]:.7g} here" in text
    assert f"in its own units price is {2 * rows[7, 0] - rows[7, 1]:.7g}," in text


def test_a_neuron_that_is_off_is_named():
    net = gn.Network(2, [gn.Dense(3, "relu"), gn.Dense(4, "tanh"), gn.Dense(3, "softmax")], seed=0)
    net.biases[0][1] = -100
    text = gn.explain(net, X[:1], [1], 0, (0, 0, 1)).text().replace("\n", " ")
    assert "neuron 1 of layer 0 is off" in text
    net.biases[0][1] = 1
    assert "the signal that comes in is 0" in gn.explain(net, [[0.0, 1.0]], [1], 0, (0, 0, 1)).text().replace("\n", " ")


def test_ctrl_c_ends_an_experiment(monkeypatch):
    from glassnet.insight.experiments import starts
    from glassnet.training.history import History

    monkeypatch.setattr(starts, "train", lambda *_, **__: History(stopped=starts.INTERRUPTED))
    with pytest.raises(KeyboardInterrupt):
        starts.whole_training()


def test_the_four_row_worksheet_is_whole_latex():
    for line in re.split(r"\\\\\n|\n", gn.worksheet("2-2-1", rows=4).latex()):
        assert line.count(r"\left") == line.count(r"\right"), line
