"""Why a weight moved: against the run itself in float64, autograd row by row, and sums written out anew."""

import math
import re

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

import glassnet as gn
from glassnet.errors import GlassnetWarning, InputError
from glassnet.files.container import read_container, write_container
from glassnet.insight.why import why
from glassnet.training import Replay

SPECS = [
    "sgd(0.1)",
    "sgd(0.1, momentum=0.9, nesterov=True, weight_decay=0.02)",
    "sgd(0.1, momentum=0.9, dampening=0.3)",
    "rmsprop(0.01, momentum=0.8, centered=True)",
    "rmsprop(0.01, weight_decay=0.1)",
    "adagrad(0.05, lr_decay=0.1)",
    "adadelta(1.0, weight_decay=0.1)",
    "adam(0.01)",
    "adam(0.01, amsgrad=True, weight_decay=0.1)",
    "adamw(0.01, weight_decay=0.3)",
    "adamax(0.01)",
    "nadam(0.01, decoupled_weight_decay=True, weight_decay=0.1)",
    "radam(0.01)",
]
HARSH = {"clip_norm": 0.3, "clip_value": 0.1, "l1": 0.01, "l2": 0.02, "reduction": "sum"}
CHANCE = np.random.default_rng(5)
X = CHANCE.normal(size=(23, 4))
LABELS = CHANCE.integers(0, 3, 23)
WEIGHT = np.where(np.arange(23) % 7 == 3, 0.0, CHANCE.uniform(0.2, 2.0, 23))


def a_run(folder, dtype="float64", *, dropout=True, engine="reference", layers=None, **options):
    """Train a small classifier into a folder, in steps of 5 rows, the last of 3."""
    drop = [gn.Dropout(0.3)] if dropout else []
    layers = layers or [gn.Dense(5, "tanh"), *drop, gn.Dense(3, "softmax")]
    net = gn.Network(4, layers, seed=1, dtype=dtype)
    settings = {"epochs": 4, "batch_size": 5, "seed": 3, "checkpoint": folder, "engine": engine} | options
    gn.train(net, X, LABELS, "cross_entropy", **settings)
    return net


def check_sums(found, exact):
    """The parts sum to the movement, and all but rounding is what the run did, as far as its dtype goes."""
    for parts in (found.parts, found.stages):
        assert math.fsum(parts.values()) == pytest.approx(found.moved, rel=1e-15, abs=1e-300)
        largest = max(*map(abs, parts.values()), abs(found.before), abs(found.after))
        assert abs(parts["rounding"]) <= (len(found.path) * 4 * 2**-52 if exact else 1e-5) * largest, parts
    assert math.fsum(found.pushes) == pytest.approx(found.parts["rows"], rel=1e-12, abs=1e-18)


@pytest.mark.parametrize("harsh", [False, True], ids=["plain", "clipped, penalised, weighted"])
@pytest.mark.parametrize("spec", SPECS)
def test_the_parts_sum_to_what_the_run_did(tmp_path, spec, harsh):
    extras = {**HARSH, "sample_weight": WEIGHT} if harsh else {}
    net = a_run(tmp_path, optimizer=spec, dropout=harsh, **extras)
    replay = Replay(tmp_path, X, LABELS, sample_weight=extras.get("sample_weight"))
    last = len(net.layers) - 1
    for place, steps in (("0:2,3", None), ("0:1", (7, 8)), (f"{last}:4,1", (3, 11)), (f"{last}:2", (19, 20))):
        found = why(replay, weight=place, steps=steps)
        check_sums(found, exact=True)
        assert found.moved != 0
        if harsh:
            assert found.met[WEIGHT == 0].sum() == 0
            assert not found.pushes[WEIGHT == 0].any()
    if harsh:
        assert why(replay, weight=f"{last}:4,1").parts["l1"] != 0
        assert why(replay, weight=f"{last}:2").parts["l1"] == 0, "biases have no penalty"
        assert why(replay, weight="0:2,3").clipped_steps > 0


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_float32_runs_differ_by_rounding_alone(tmp_path, engine):
    net = a_run(tmp_path, "float32", engine=engine, clip_norm=0.5, l2=1e-3)
    replay = Replay(tmp_path, X, LABELS)
    for place, steps in (("0:2,3", (0, 1)), ("2:4,1", (6, 14)), ("2:0", None)):
        found = why(replay, weight=place, steps=steps)
        check_sums(found, exact=False)
        assert found.parts["rounding"] != 0
    assert found.after == float(net.biases[2][0])
    assert "float32" in str(found)


def test_a_rows_push_is_autograds(tmp_path):
    """Plain descent in one step, with dropout and sample weights: −η·c·∂Eᵢ/∂w of each row, by HIPS autograd."""
    net = a_run(tmp_path, optimizer="sgd(0.1)", sample_weight=WEIGHT)
    replay = Replay(tmp_path, X, LABELS, sample_weight=WEIGHT)
    (taken,) = replay.taken(7, 8)
    mask = net.draw_masks(3, 7, len(taken.rows))[1] / 0.7
    total = WEIGHT[taken.rows].sum()

    def error(theta, row, kept):
        hidden = anp.tanh(X[row] @ theta[:20].reshape(4, 5) + theta[20:25]) * kept
        z = hidden @ theta[25:40].reshape(5, 3) + theta[40:]
        return anp.log(anp.sum(anp.exp(z))) - z[LABELS[row]]

    for place, index in (("0:2,3", 2 * 5 + 3), ("0:4", 24), ("2:4,1", 25 + 4 * 3 + 1), ("2:2", 42)):
        expected = np.zeros(23)
        for row, kept in zip(taken.rows, mask, strict=True):
            expected[row] = -0.1 * WEIGHT[row] / total * grad(error)(taken.theta, row, kept)[index]
        found = why(replay, weight=place, step=7)
        np.testing.assert_allclose(found.pushes, expected, rtol=1e-9, atol=1e-16)
        assert (found.met > 0).tolist() == [row in taken.rows and WEIGHT[row] > 0 for row in range(23)]
        product = -0.1 * WEIGHT / total * found.signal * found.blame  # the mission's a_j·δ_i
        np.testing.assert_allclose(product[found.met > 0], expected[found.met > 0], rtol=1e-9, atol=1e-16)


def slopes_by_nudging(replay, index, first, last):
    """The slope of each row's error at each step, by the numerical derivative: {(step, row): ∂Eᵢ/∂w}."""
    net = replay.training(0).network.astype("float64")
    found = {}
    for taken in replay.taken(first, last):
        for row in taken.rows:
            errors = []
            for nudge in (1e-6, -1e-6):
                net.theta[:] = taken.theta
                net.theta[index] += nudge
                errors.append(-math.log(net.predict(X[row : row + 1])[0, LABELS[row]]))
            found[taken.step, row] = (errors[0] - errors[1]) / 2e-6
    return found


def test_pushes_through_adams_memory_are_the_double_sum(tmp_path):
    """Push of a row = −Σ over its steps s, and steps t from s on, of (η/(1−β₁ᵗ)/s_t)·(1−β₁)β₁^(t−s)·c·∂Eᵢ/∂w."""
    a_run(tmp_path, optimizer="adam(0.01)", dropout=False)
    replay, first, last, index = Replay(tmp_path, X, LABELS), 6, 17, 2 * 5 + 3
    slopes, taken = slopes_by_nudging(replay, index, first, last), list(replay.taken(first, last))
    lever = {}
    for step in taken:
        t = step.step + 1
        g = sum(slopes[step.step, row] for row in step.rows) / len(step.rows)
        v = 0.999 * step.state["exp_avg_sq"][index] + 0.001 * g * g
        lever[step.step] = 0.01 / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    expected = np.zeros(23)
    for step in taken:
        for later in range(step.step, last):
            for row in step.rows:
                share = 0.1 * 0.9 ** (later - step.step) * slopes[step.step, row] / len(step.rows)
                expected[row] -= lever[later] * share
    memory = taken[0].state["exp_avg"][index]
    remembered = -sum(lever[t] * 0.9 ** (t - first + 1) * memory for t in range(first, last))
    found = why(replay, weight="0:2,3", steps=(first, last))
    np.testing.assert_allclose(found.pushes, expected, rtol=1e-4, atol=1e-8)
    assert found.parts["memory"] == pytest.approx(remembered, rel=1e-4)
    assert found.parts["rows"] == pytest.approx(expected.sum(), rel=1e-4)


def test_rmsprop_scales_before_it_remembers(tmp_path):
    a_run(tmp_path, optimizer="rmsprop(0.01, momentum=0.5)", dropout=False)
    replay, index = Replay(tmp_path, X, LABELS), 2 * 5 + 3
    slopes, (one, two) = slopes_by_nudging(replay, index, 5, 7), list(replay.taken(5, 7))
    entered = {}
    for step in (one, two):
        g = sum(slopes[step.step, row] for row in step.rows) / len(step.rows)
        size = math.sqrt(0.99 * step.state["square_avg"][index] + 0.01 * g * g) + 1e-8
        entered |= {(step.step, row): slopes[step.step, row] / len(step.rows) / size for row in step.rows}
    expected = np.zeros(23)
    for (step, row), b in entered.items():
        expected[row] -= 0.01 * b * (1 + 0.5 if step == 5 else 1)
    np.testing.assert_allclose(why(replay, weight="0:2,3", steps=(5, 7)).pushes, expected, rtol=1e-4, atol=1e-8)


def test_the_books_do_not_depend_on_when_they_are_made_up(tmp_path, monkeypatch):
    """Rows are booked some steps at a time, for speed; booking after every step gives the same."""
    a_run(tmp_path, optimizer="sgd(0.05, momentum=0.9)", epochs=6)
    replay = Replay(tmp_path, X, LABELS)
    at_once = why(replay, weight="0:2,3")
    monkeypatch.setattr("glassnet.insight.why.tally._FEWEST_ROWS", 1)
    often = why(replay, weight="0:2,3")
    np.testing.assert_allclose(often.pushes, at_once.pushes, rtol=1e-11)
    for name, part in at_once.parts.items():
        assert often.parts[name] == pytest.approx(part, rel=1e-11, abs=1e-15)


def test_what_is_said_is_what_was_found(tmp_path):
    a_run(tmp_path, optimizer="adam(0.01)")
    found = why(tmp_path, X, LABELS, "0:2,3", epochs="1:3", top=2, class_names=["ant", "bee", "$cat_x$"])
    assert (found.span.first, found.span.last) == (5, 15)
    ups = found.up(3)
    assert [each.push for each in ups] == sorted((each.push for each in found.up(23)), reverse=True)[:3]
    assert all(each.push < 0 for each in found.down(5))
    assert ups[0].label == ["ant", "bee", "$cat_x$"][LABELS[ups[0].row]]
    totals = {name: up + down for name, _, up, down in found.by_class()}
    for label, name in enumerate(["ant", "bee", "$cat_x$"]):
        assert totals[name] == pytest.approx(found.pushes[label == LABELS].sum())
    text = found.text()
    assert text.index("weights[0][2, 3], from input x2 to unit 3 of layer 0, went") < text.index("What moved it")
    assert "epochs 1 to 2, steps 5 to 14" in text
    assert "$cat_x$" in text
    assert f"{found.moved:+.5g}" in text
    assert found.to_dict()["up"][0]["row"] == ups[0].row
    assert len(found.to_dict()["up"]) == 2
    for form in (found.html(), found.latex(), found.markdown()):
        assert "weight" in form


def test_a_share_that_is_held_out_keeps_the_callers_row_numbers(tmp_path):
    a_run(tmp_path, optimizer="sgd(0.1)", validation=0.3)
    replay = Replay(tmp_path, X, LABELS, validation=0.3)
    found = why(replay, weight="2:4,1")
    rows = {each.row for each in found.up(30) + found.down(30)}
    assert rows <= set(replay.block.numbers.tolist())
    assert all(each.label == str(LABELS[each.row]) for each in found.up(30))


def test_regression_and_yes_or_no_tell_targets(tmp_path):
    y = X[:, :1] * 2 + 1
    net = gn.Network(4, [gn.Dense(1)], dtype="float64")
    gn.train(net, X, y, "squared_error", optimizer="sgd(0.01)", epochs=2, checkpoint=tmp_path / "a", engine="reference")
    found = why(tmp_path / "a", X, y, (0, 1, 0))
    check_sums(found, exact=True)
    assert found.up(1)[0].label == y[found.up(1)[0].row, 0]
    assert found.by_class() == []
    assert "output 0" in str(found)
    net = gn.Network(4, [gn.Dense(1, "sigmoid")], dtype="float64")
    yes = (X[:, 0] > 0).astype(int)
    gn.train(net, X, yes, "binary_cross_entropy", epochs=2, checkpoint=tmp_path / "b", engine="reference")
    found = why(tmp_path / "b", X, yes, (0, 0, 0))
    assert {name for name, *_ in found.by_class()} == {"0", "1"}


@pytest.mark.parametrize("spec", ["rprop(0.01)", "lbfgs"])
def test_steps_that_cannot_be_shared_out_say_so(tmp_path, spec):
    a_run(tmp_path, optimizer=spec, batch_size=None, dropout=False, epochs=6)
    found = why(tmp_path, X, LABELS, "1:4,1")
    assert not found.splits
    assert found.parts["steps_up"] + found.parts["steps_down"] == pytest.approx(found.moved, rel=1e-12)
    assert found.stages == {}
    assert "no row has a share" in " ".join(str(found).split())
    slopes = slopes_by_nudging(Replay(tmp_path, X, LABELS), 25 + 4 * 3 + 1, 0, 6)
    pulls = [-sum(slopes[step, row] for step in range(6)) / 23 for row in range(23)]
    np.testing.assert_allclose(found.pushes, pulls, rtol=1e-5, atol=1e-8)


def test_the_range_ends_where_the_weights_of_the_model_are_from(tmp_path):
    held_out = (X[:8], LABELS[:8][::-1])
    options = {"validation": held_out, "early_stopping": 3, "epochs": 40, "optimizer": "adam(0.05)"}
    net = a_run(tmp_path, dropout=False, **options)
    replay = Replay(tmp_path, X, LABELS, validation=held_out)
    found = why(replay, weight="0:2,3")
    assert found.span.last < replay.steps
    assert found.after == net.weights[0][2, 3]
    assert "of which the last is the best" in " ".join(str(found).split())


def test_groups_and_weights_of_zero_rows(tmp_path):
    layers = [gn.Dense(4, "tanh", groups=((2, 2), (2, 2))), gn.Dense(3, "softmax")]
    a_run(tmp_path, layers=layers, sample_weight=np.arange(23) < 5, shuffle=False, clip_norm=0.1)
    replay = Replay(tmp_path, X, LABELS, sample_weight=np.arange(23) < 5)
    found = why(replay, weight="0:2,3")
    check_sums(found, exact=True)
    assert set(np.flatnonzero(found.met)) == set(range(5))
    still = why(replay, weight="0:2,3", steps=(1, 5))  # rows of weight 0 alone: no step is taken
    assert (still.moved, still.met.any()) == (0, False)
    assert "No row with a weight above 0 was met" in " ".join(str(still).split())
    with pytest.raises(InputError, match="does not exist"):
        why(replay, weight="0:0,3")


def test_schedules_are_followed(tmp_path):
    a_run(tmp_path, optimizer="sgd(0.1, momentum=0.9)", schedule="one_cycle(0.3)")
    check_sums(why(tmp_path, X, LABELS, "0:2,3"), exact=True)


def test_words_for_silence(tmp_path):
    layers = [gn.Dense(2, "relu", bias_init="zeros"), gn.Dense(3, "softmax")]
    net = gn.Network(4, layers, dtype="float64")
    net.biases[0][:] = -100  # a dead layer
    gn.train(net, X, LABELS, "cross_entropy", optimizer="sgd(0.1)", epochs=1, checkpoint=tmp_path, engine="reference")
    text = " ".join(str(why(tmp_path, X, LABELS, "0:1,1")).split())
    assert "did not move" in text
    assert "stayed at" in text
    assert "None of the 23 rows met pushed it" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epoch": 4}, "the run took 4 epochs, 0 to 3"),
        ({"epoch": -1}, "the run took 4 epochs"),
        ({"step": 20}, "the run took 20 steps, 0 to 19"),
        ({"steps": "5:5"}, "expected the end behind the beginning"),
        ({"steps": "7:3"}, "expected the end behind the beginning"),
        ({"steps": "x"}, "where it begins and ends"),
        ({"steps": (1, 2, 3)}, "where it begins and ends"),
        ({"epochs": (0, 9)}, "the run took 4 epochs"),
        ({"epoch": 1, "step": 2}, "epoch and step were named"),
        ({"epoch": 1.5}, "epoch is 1.5"),
        ({"weight": "9:0,0"}, "layer 9"),
        ({"weight": None}, "weight is None"),
    ],
)
def test_refusals(tmp_path, arguments, said):
    a_run(tmp_path)
    with pytest.raises(InputError, match=said):
        why(**({"run": tmp_path, "X": X, "Y": LABELS, "weight": "0:0,0"} | arguments))


def test_more_refusals(tmp_path):
    a_run(tmp_path, layers=[gn.Dense(3, "softmax", trainable_bias=False)])
    with pytest.raises(InputError, match="not those that the run"):
        why(tmp_path, X + 1, LABELS, "0:0,0")
    with pytest.raises(InputError, match="X is missing"):
        why(tmp_path, weight="0:0,0")
    with pytest.raises(InputError, match="leave X"):
        why(Replay(tmp_path, X, LABELS), X, LABELS, weight="0:0,0")
    with pytest.raises(InputError, match="is not trained"):
        why(tmp_path, X, LABELS, "0:1")
    check_sums(why(tmp_path, X, LABELS, "0:1,1"), exact=True)


def test_open_ends(tmp_path):
    a_run(tmp_path)
    replay = Replay(tmp_path, X, LABELS)
    spans = [
        why(replay, weight="0:0,0", **each).span
        for each in ({"epochs": "2:"}, {"steps": ":3"}, {"epochs": range(1, 2)})
    ]
    assert [(span.first, span.last) for span in spans] == [(10, 20), (0, 3), (5, 10)]
    assert [str(span) for span in spans] == [
        "in epochs 2 to 3, steps 10 to 19",
        "in steps 0 to 2 of epoch 0",
        "in epoch 1, steps 5 to 9",
    ]


def test_bits_that_were_made_elsewhere_are_told(tmp_path, recwarn):
    a_run(tmp_path)
    replay = Replay(tmp_path, X, LABELS)
    why(replay, weight="0:0,0")
    why(replay, weight="0:0,0", epochs=(0, 2))
    assert not recwarn.list
    replay.theta[0] += 1e-9
    with pytest.warns(GlassnetWarning, match="not bit for bit"):
        why(replay, weight="0:0,0", epoch=3)
    file = sorted((tmp_path / "snapshots").iterdir())[2]
    document, arrays = read_container(file, "checkpoint")
    arrays["theta"][0] += 1e-9
    write_container(file, "checkpoint", {k: v for k, v in document.items() if k not in ("kind", "version")}, arrays)
    with pytest.warns(GlassnetWarning, match=r"after step 9, where the run recorded"):
        why(replay, weight="0:0,0", epochs=(0, 2))


@pytest.mark.parametrize(
    "spec", [*SPECS, "sgd(0.1, weight_decay=0.3)", "radam(0.01, weight_decay=0.1)", "adamax(0.01)"]
)
def test_one_step_is_written_out_with_numbers_that_check(tmp_path, spec):
    """What is printed for g, b and Δw is their product and sum, and Δw is the movement."""
    a_run(tmp_path, optimizer=spec, clip_value=0.01, l1=0.001)
    found = why(tmp_path, X, LABELS, "2:4,1", step=17)
    one = found.step
    assert math.fsum(one.terms.values()) == pytest.approx(one.slope, rel=1e-12)
    assert one.keep * one.memory_before + one.entry * one.slope == pytest.approx(one.memory, rel=1e-12)
    moved = -one.direct * one.slope - one.lever * one.memory - one.shrink * one.weight
    assert moved == pytest.approx(found.moved, rel=1e-9)
    assert ("weight_decay" in one.terms) == ("weight_decay" in spec and "decoupled" not in spec and "adamw" not in spec)
    text = found.text()
    for left in ("g", "Δw", *(["b"] if one.memory else [])):
        steps = text[text.index(f"\n  {left} = ") :].split("\n\n")[0].strip().splitlines()
        printed = re.sub(r"\s", "", steps[-2].split("=")[1]).replace("·", "*") if len(steps) > 2 else ""
        result = float(steps[-1].split("=")[1].replace("−", "-"))
        if printed:
            assert eval(printed) == pytest.approx(result, rel=1e-6)
    assert found.to_dict()["step"]["slope"] == one.slope
