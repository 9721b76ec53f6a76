"""The seven mistakes: each wrong gradient redone by hand, the right one against the library and nudged weights."""

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.mistakes import MISTAKES, mistakes
from glassnet.insight.mistakes.published import RATE, article, recompute
from glassnet.insight.mistakes.rules import RIGHT, Case, Rules, descend, gradient
from glassnet.insight.mistakes.settings import digits, own
from glassnet.insight.mistakes.study import Training, make, refer, train
from glassnet.insight.mistakes.words import outcome, sentence

ROOT = Path(__file__).resolve().parents[3]
VARIANTS = {variant.label: (mistake, variant) for mistake in MISTAKES for variant in mistake.variants}


@pytest.fixture(scope="module")
def found():
    return mistakes(steps=30)


@pytest.fixture(scope="module")
def whole():
    return mistakes()


def logistic(z):
    return 1 / (1 + np.exp(-z))


def two_by_two(seed=3, bias=True):
    """A 2-2-2 network of logistic neurons with one row, in which every term can be written out."""
    net = gn.Network(2, [gn.Dense(2, "sigmoid", bias=bias), gn.Dense(2, "sigmoid", bias=bias)], dtype="float64")
    net.theta = np.random.default_rng(seed).normal(size=net.theta.size)
    return Case(net, net.objective("half_squared_error"), np.array([[0.7, -1.2]]), np.array([[1.0, 0.2]]))


# --- the right rules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "loss", "y"),
    [
        ([gn.Dense(3, "sigmoid"), gn.Dense(2, "sigmoid")], "half_squared_error", "numbers"),
        ([gn.Dense(4, "relu"), gn.Dense(3, "tanh", bias=False), gn.Dense(3, "softmax")], "cross_entropy", "labels"),
        ([gn.Dense(3, "tanh", trainable_bias=False), gn.Dense(1, "identity")], "huber", "one"),
        ([gn.Dense(4, groups=((2, 3), (1, 1))), gn.Dense(2, "sigmoid")], "binary_cross_entropy", "unit"),
    ],
)
def test_the_right_rules_are_backpropagation_and_training(layers, loss, y):
    rng = np.random.default_rng(0)
    net = gn.Network(3, layers, seed=1, dtype="float64")
    x = rng.normal(size=(6, 3))
    truth = {
        "numbers": rng.normal(size=(6, net.outputs)),
        "labels": rng.integers(3, size=6),
        "one": rng.normal(size=6),
        "unit": rng.integers(2, size=(6, net.outputs)).astype(float),
    }[y]
    case = own(net, x, truth, loss, 5, 0.2).case
    moving = net.layout.mask("trainable") & net.layout.mask("present")
    expected = net.backprop(x, truth, loss).gradient.theta * moving
    np.testing.assert_allclose(gradient(case, net.theta), expected, rtol=1e-12, atol=1e-15)
    errors, theta = descend(case, net.theta, RIGHT, 0.2, 5)
    history = gn.train(net, x, truth, loss, optimizer=gn.SGD(0.2), epochs=5, batch_size=None, engine="reference")
    np.testing.assert_allclose(theta, net.theta, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(errors[:5], history.loss, rtol=1e-10)


def test_every_right_gradient_is_the_numerical_derivative(found):
    for f in found.findings:
        assert f.agreement < 1e-7
        assert f.nudged >= 20
        for shown in f.weights:
            assert shown.right == pytest.approx(shown.numerical, rel=1e-6)


def test_the_shown_derivatives_are_those_of_nudged_weights():
    """Central differences of the network's own predictions, without any of this package's code."""
    f = next(f for f in mistakes(steps=1).findings if f.variant.label == "3")
    case, net = f.setting.case, f.setting.case.network.copy()
    for shown in f.weights:
        k, j, i = map(int, re.findall(r"\d+", shown.name))

        def error(nudge, k=k, j=j, i=i):
            net.theta[:] = f.setting.at
            net.weights[k][j, i] += nudge
            return 0.5 * ((net.predict(case.x) - case.y) ** 2).sum(axis=1).mean()

        assert (error(1e-5) - error(-1e-5)) / 2e-5 == pytest.approx(shown.numerical, rel=1e-6)


# --- the wrong ones, term by term ---------------------------------------------------------------------------------


def by_hand(case, label, rate):
    """The gradient of the 2-2-2 network as the mistake has it, written out."""
    (x,), (y,) = case.x, case.y
    w0, w1 = case.network.weights
    b0, b1 = case.network.biases
    g = (lambda z: 1 / (1 + np.exp(z))) if label.startswith("1") else logistic
    z0 = x @ w0 + b0
    a1 = g(z0)
    z1 = a1 @ w1 + b1
    a2 = g(z1)
    slopes = {
        "1b": (-a1 * (1 - a1), -a2 * (1 - a2)),
        "3": (z0 * (1 - z0), z1 * (1 - z1)),
        "4a": (a2 * (1 - a2), a2 * (1 - a2)),
        "5b": (a1, a2),
    }
    slope0, slope1 = slopes.get(label, (a1 * (1 - a1), a2 * (1 - a2)))
    d1 = (y - a2 if label == "2" else a2 - y) * slope1
    w = w1.copy()
    if label == "4b":
        w = w1.T
    if label == "7":
        w = w1 - rate * np.outer(a1, d1)
    back = np.array([w[j, 0] * d1[0] + w[j, 1] * d1[1] for j in (0, 1)])
    if label == "6":
        back = np.array([2 * w[j, 0] * d1[0] for j in (0, 1)])
    d0 = back * slope0
    heard = z0 if label == "5a" else a1
    return np.concatenate([np.outer(x, d0).ravel(), d0, np.outer(heard, d1).ravel(), d1])


@pytest.mark.parametrize("label", list(VARIANTS))
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_wrong_gradient_is_the_formula_it_says(label, seed):
    case = two_by_two(seed)
    variant = VARIANTS[label][1]
    made = dataclasses.replace(case, network=variant.network(case.network))
    got = gradient(made, made.network.theta, variant.rules, 0.7)
    np.testing.assert_allclose(got, by_hand(case, label, 0.7), rtol=1e-12)
    if label != "1b":
        assert not np.allclose(got, gradient(made, made.network.theta), rtol=1e-3)


def test_there_are_seven_mistakes_and_each_is_made(found):
    assert [m.number for m in MISTAKES] == [1, 2, 3, 4, 5, 6, 7]
    assert [f.variant.label for f in found.findings] == list(VARIANTS)
    for f in found.findings:
        assert (f.relative_error > 0.01) == (f.variant.label != "1b")


def test_signs_without_the_minus_are_wrong_and_right_in_turn():
    case = two_by_two()
    variant = VARIANTS["1a"][1]
    made = dataclasses.replace(case, network=variant.network(case.network))
    theta = made.network.theta
    np.testing.assert_allclose(gradient(made, theta, variant.rules)[:6], gradient(made, theta)[:6], rtol=1e-12)
    np.testing.assert_allclose(gradient(made, theta, variant.rules)[6:], -gradient(made, theta)[6:], rtol=1e-12)


def test_value_and_slope_without_the_minus_take_the_mirrored_path():
    setting = digits(steps=25)
    variant = VARIANTS["1b"][1]
    made = dataclasses.replace(setting.case, network=variant.network(setting.case.network))
    start = variant.start(setting.case.network, setting.start)
    np.testing.assert_array_equal(start, -setting.start)
    wrong, wrong_end = descend(made, start, variant.rules, 3.0, 25)
    right, right_end = descend(setting.case, setting.start, RIGHT, 3.0, 25)
    np.testing.assert_allclose(wrong, right, rtol=1e-12)
    np.testing.assert_allclose(wrong_end, -right_end, rtol=1e-9, atol=1e-12)


def test_the_other_sign_is_the_opposite_direction(found):
    f = found.findings[2]
    assert f.angle == pytest.approx(180)
    assert f.relative_error == pytest.approx(2)
    assert outcome(f) == "climbs"


def test_changing_weights_on_the_way_back_is_wrong_in_proportion_to_the_rate():
    case = two_by_two()
    right = gradient(case, case.network.theta)
    off = [
        np.linalg.norm(gradient(case, case.network.theta, Rules(at_once=False), rate) - right)
        for rate in (0.0, 1e-3, 2e-3)
    ]
    assert off[0] == 0
    assert off[2] == pytest.approx(2 * off[1], rel=1e-6)


def test_one_output_twice_touches_only_what_lies_before_the_last_layer():
    case = two_by_two()
    wrong = gradient(case, case.network.theta, VARIANTS["6"][1].rules)
    right = gradient(case, case.network.theta)
    np.testing.assert_array_equal(wrong[6:], right[6:])
    assert (np.abs(wrong[:6] - right[:6]) > 1e-6).all()


def test_angle_and_relative_error_are_the_textbook_ones(found):
    for f in found.findings:
        case = dataclasses.replace(f.setting.case, network=f.variant.network(f.setting.case.network))
        at = f.variant.start(f.setting.case.network, f.setting.at)
        u, v = gradient(case, at, f.variant.rules, f.setting.rate), gradient(case, at)
        cosine = u @ v / math.sqrt((u @ u) * (v @ v))
        assert math.cos(math.radians(f.angle)) == pytest.approx(cosine, abs=1e-12)
        assert f.relative_error == pytest.approx(np.linalg.norm(u - v) / max(np.linalg.norm(u), np.linalg.norm(v)))


# --- the published article ----------------------------------------------------------------------------------------


def test_the_articles_digits_come_from_weights_changed_on_the_way_back(whole):
    before, after_1, *outputs, after = whole.published.numbers
    assert f"{before.wrong:.9f}" == f"{before.right:.9f}" == before.published
    for printed in (after_1, *outputs):
        assert f"{printed.wrong:.9f}" == printed.published
        assert f"{printed.right:.9f}" != printed.published
    assert f"{after.wrong:.10f}" != after.published
    assert f"{after.right:.10f}" != after.published
    assert f"{whole.published.right_one_step_fewer:.10f}" == after.published


def test_the_articles_right_numbers_are_those_of_the_trainer():
    case = article()
    net = case.network.copy()
    gn.train(net, case.x, case.y, "half_squared_error", optimizer=gn.SGD(RATE), epochs=300, batch_size=None)
    got = recompute(steps=300).numbers[-1]
    assert got.right == pytest.approx(net.backprop(case.x, case.y, "half_squared_error").loss, rel=1e-9)


@pytest.mark.skipif(not (ROOT.parent / "shared/data/worked_examples.json").exists(), reason="no worked examples here")
def test_the_articles_numbers_are_those_of_the_worked_examples(whole):
    examples = json.loads((ROOT.parent / "shared/data/worked_examples.json").read_text())["examples"]
    (example,) = [e for e in examples if e["id"] == "mazur_2_2_2"]
    checks = {check["name"]: check for check in example["checks"]}
    case = article()
    for k, layer in enumerate(example["net"]):
        np.testing.assert_array_equal(case.network.weights[k], layer["W"])
        np.testing.assert_array_equal(case.network.biases[k], layer["b"])
    _, after_1, first, second, after = whole.published.numbers
    assert [after_1.published] == checks["E after 1 update, biases fixed"]["published"]
    assert [first.published, second.published] == checks["outputs after 10000"]["published"]
    assert [after.published] == checks["E after 10000 updates, biases fixed"]["published"]
    wrong = checks["variant: sequential update, E after 1"]["recomputed"]
    wrong += checks["variant: sequential outputs after 10000"]["recomputed"]
    np.testing.assert_allclose([after_1.wrong, first.wrong, second.wrong], wrong, rtol=1e-9)
    right = [example["use_instead"]["E1"], *example["use_instead"]["out10000"], example["use_instead"]["E10000"]]
    np.testing.assert_allclose([after_1.right, first.right, second.right, after.right], right, rtol=1e-9)
    fewer = checks["variant: exact E after 9999 updates"]["recomputed"]
    np.testing.assert_allclose([whole.published.right_one_step_fewer], fewer, rtol=1e-9)


# --- what training did --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [
        ([1.0, np.inf, np.nan], [1.0, 0.5, 0.2], "runs away"),
        ([1.0, 1.5, 2.0], [1.0, 0.5, 0.2], "climbs"),
        ([1.0, 0.6, 0.201], [1.0, 0.5, 0.2], "same"),
        ([1.0, 0.6, 0.24], [1.0, 0.5, 0.2], "same"),
        ([1.0, 0.3, 0.1], [1.0, 0.5, 0.2], "lower"),
        ([1.0, 0.99, 0.98], [1.0, 0.5, 0.2], "stalls"),
        ([1.0, 0.8, 0.5], [1.0, 0.5, 0.2], "slower"),
    ],
)
def test_the_sentence_says_what_the_errors_say(found, wrong, right, expected):
    f = dataclasses.replace(
        found.findings[0],
        wrong=Training(np.array(wrong), None if expected == "runs away" else 0.5),
        right=Training(np.array(right), 0.75, (right[-1], 0.25)),
        setting=dataclasses.replace(found.findings[0].setting, steps=2),
    )
    assert outcome(f) == expected
    said = sentence(f)
    if expected == "runs away":
        assert "at step 1 the error is no number" in said
    elif expected == "slower":
        assert "where the right gradient is after 1" in said
    assert "75%" in said


def test_what_is_said_of_training_is_what_training_did(whole):
    for f in whole.findings:
        assert f.right.errors[-1] < 0.1 * f.right.errors[0]
        ends = outcome(f)
        if ends == "runs away":
            assert not np.isfinite(f.wrong.errors[-1])
        else:
            assert (f.wrong.errors[-1] > f.wrong.errors[0]) == (ends == "climbs")
        assert len(f.right.ends) == 3
        assert f.right.ends[0] == f.right.errors[-1]
        if ends == "lower":
            assert f.wrong.errors[-1] < min(f.right.ends)
    ends = {f.variant.label: outcome(f) for f in whole.findings}
    assert ends["1a"] == ends["2"] == "climbs"
    assert ends["1b"] == "same"
    assert ends["3"] == "runs away"


# --- a person's own network ---------------------------------------------------------------------------------------


def rows(seed=0, m=40, inputs=3, classes=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, inputs)), rng.integers(classes, size=m)


def test_an_own_network_is_taken_where_it_can_make_the_mistake():
    x, y = rows()
    net = gn.Network(3, [gn.Dense(5, "relu"), gn.Dropout(0.2), gn.Dense(3, "softmax")], seed=4)
    result = mistakes(net, x, y, steps=20)
    elsewhere = {f.variant.label: f.elsewhere for f in result.findings}
    assert {label for label, why in elsewhere.items() if why} == {"1a", "1b", "3", "4a", "4b"}
    assert "no layer has the logistic function" in elsewhere["1a"]
    assert "differ in width" in elsewhere["4a"]
    ours = [f for f in result.findings if not f.elsewhere]
    assert {f.setting.steps for f in ours} == {20}
    assert all(f.setting.case.network.layers[-1].activation.name == "softmax" for f in ours)
    assert {shown.name[:10] for f in ours for shown in f.weights} == {"weights[0]", "weights[2]"}  # Dropout counts
    assert "Your 3-5-3 network, without its Dropout," in result.text()
    sign = next(f for f in ours if f.variant.label == "2")
    assert sign.angle == pytest.approx(180)
    expected = net.astype("float64").backprop(x, y, "cross_entropy").gradient.theta
    np.testing.assert_allclose(gradient(sign.setting.case, sign.setting.at), expected, rtol=1e-9, atol=1e-15)


def test_networks_that_can_make_few_mistakes():
    x, _ = rows()
    regression = gn.Network(3, [gn.Dense(1, "identity")], seed=0)
    found = mistakes(regression, x, x.sum(axis=1), steps=5).findings
    assert [f.variant.label for f in found if not f.elsewhere] == ["2", "5b"]
    alone = gn.Network(3, [gn.Dense(3, "softmax")], seed=0)
    found = mistakes(alone, *rows(), steps=5).findings
    assert [f.variant.label for f in found if not f.elsewhere] == ["2"]
    assert all(f.right.accuracy is not None for f in found)


def test_many_rows_are_thinned_and_it_is_said():
    x, y = rows(m=1000)
    net = gn.Network(3, [gn.Dense(3, "sigmoid"), gn.Dense(3, "sigmoid")], seed=0)
    setting = own(net, x, y, "half_squared_error", 3, None)
    assert len(setting.case.x) == 300
    assert "300 of 1,000 rows" in setting.about
    f = make(*VARIANTS["7"], setting, refer(VARIANTS["7"][1], setting), train(setting))
    assert f.setting.rate in (30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"net": gn.Network(2, [gn.Dense(1)])}, "without X and Y"),
        ({"X": [[1.0]]}, "without a network"),
        ({"net": "digits.safetensors", "X": [[1.0]], "Y": [1]}, "expected a gn.Network"),
        ({"net": gn.Network(2, [gn.Dense(1)]), "X": [[1.0]], "Y": [1]}, "X"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(arguments, says):
    with pytest.raises(InputError, match=re.escape(says)):
        mistakes(**arguments)


def test_weights_without_numbers_are_refused():
    net = gn.Network(2, [gn.Dense(1)])
    net.theta[:] = np.nan
    with pytest.raises(NonFiniteError, match="no gradient to compare"):
        mistakes(net, [[1.0, 2.0]], [1.0])


# --- what is printed ----------------------------------------------------------------------------------------------


def test_the_page_in_the_docs_is_what_the_code_gives(whole):
    page = (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8")
    assert page == whole.markdown(), "write it anew: scripts/docs"


def test_all_forms_say_the_same(found):
    for written in (found.text(), found.markdown(), found.latex(), found.html()):
        assert written.count("numerical derivative of 2") == len(found.findings)
        assert "0.291027924" in written
    assert str(found) == found.text()
    assert "<math" in found._repr_html_()


def test_to_dict_is_plain(found):
    plain = json.loads(json.dumps(found.to_dict()))
    assert [m["label"] for m in plain["mistakes"]] == list(VARIANTS)
    assert plain["published"][1]["published"] == "0.291027924"
    assert len(plain["mistakes"][0]["training_wrong"]["errors"]) == 31


def test_latex_is_well_formed(found):
    tex = found.latex()
    bare = re.sub(r"\\[{}$]", "", tex)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert tex.count(r"\left(") == tex.count(r"\right)")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_the_page_in_a_browser(see, found, tmp_path, width, dark):
    file = tmp_path / "mistakes.html"
    file.write_text(found.html(), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert seen.troubles() == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.page.locator("merror").count() == 0
