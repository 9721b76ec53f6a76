"""Worksheets: the unrounded chain against backpropagation, the rounded one redone from what is printed alone."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError, PairingError, UnknownNameError
from glassnet.insight.worksheet import worksheet
from glassnet.insight.worksheet.arithmetic import is_doubtful, length, rounded
from glassnet.insight.worksheet.writing import BLANK

ASKED = [
    ("2-2-1", {"rows": 2, "seed": 4}),
    ("2-2-1", {"rows": 2, "seed": 4, "bias": False}),
    ("2-3-2-1", {"rows": 1, "seed": 3}),
    ("3-2-2", {"rows": 3, "seed": 1, "activation": "tanh", "loss": "squared_error"}),
    ("2-2-3", {"rows": 2, "seed": 2, "loss": "mean_squared_error"}),
    ("2-2-3", {"rows": 2, "seed": 0, "loss": "cross_entropy"}),
    ("2-3-2", {"rows": 3, "seed": 5, "loss": "cross_entropy", "activation": "relu"}),
    ("2-2-2", {"rows": 2, "seed": 6, "loss": "binary_cross_entropy", "activation": "tanh"}),
    ("2-2-1", {"rows": 2, "seed": 7, "activation": "relu"}),
    ("2-2-2-1", {"rows": 4, "seed": 8, "activation": "identity", "learning_rate": 0.01}),
    ("2-1", {"rows": 2, "seed": 9, "activation": "identity", "loss": "squared_error"}),
]
asked = pytest.mark.parametrize(("network", "settings"), ASKED, ids=[f"{n} {s}" for n, s in ASKED])


def values(answers):
    """Every answer by task, symbol and row."""
    found = {(a.task, a.symbol, a.row): a.result.value for a in answers}
    assert len(found) == len(answers)
    return found


@asked
def test_the_unrounded_chain_is_backpropagation_and_one_step_of_training(network, settings):
    sheet = worksheet(network, **settings)
    plan, net = sheet.exercise.plan, sheet.network
    m, got = plan.rows, {key: float(value) for key, value in values(sheet.unrounded).items()}
    p = net.backprop(sheet.x, sheet.y, plan.loss)
    for r in range(m):
        for k in range(len(net.layers)):
            for i in range(plan.widths[k + 1]):
                assert got[1, f"z_{{{k},{i}}}", r] == pytest.approx(p.z[k][r, i], rel=1e-12, abs=1e-15)
                assert got[1, f"a_{{{k + 1},{i}}}", r] == pytest.approx(p.a[k + 1][r, i], rel=1e-12, abs=1e-15)
                blame = p.blame[k][r, i] / p.coefficient[r]
                assert got[3, rf"\delta_{{{k},{i}}}", r] == pytest.approx(blame, rel=1e-11, abs=1e-15)
        if m > 1:
            assert got[2, f"E_{{{r}}}", r] == pytest.approx(p.row_errors[r], rel=1e-12)
    assert got[2, "E", None if m > 1 else 0] == pytest.approx(p.loss, rel=1e-12)
    assert float(sheet.error_before) == pytest.approx(p.loss, rel=1e-12)

    before = net.copy()
    gn.train(net, sheet.x, sheet.y, plan.loss, optimizer=gn.SGD(float(plan.rate)), epochs=1, batch_size=None)
    blanks = 0
    for k in range(len(net.layers)):
        arrays = [("w", p.gradient.weights[k], net.weights[k])]
        arrays += [("b", p.gradient.biases[k], net.biases[k])] if plan.bias else []
        for letter, gradient, new in arrays:
            for at in np.ndindex(gradient.shape):
                symbol = f"{letter}_{{{','.join(map(str, (k, *at)))}}}"
                slope = got[4, rf"\frac{{\partial E}}{{\partial {symbol}}}", None]
                assert slope == pytest.approx(gradient[at], rel=1e-11, abs=1e-15)
                assert got[5, symbol.replace("_", "'_"), None] == pytest.approx(new[at], rel=1e-12)
                blanks += 1
    assert blanks == before.theta.size
    assert sum(key[0] == 4 for key in got) == blanks
    after = net.backprop(sheet.x, sheet.y, plan.loss).loss
    assert float(sheet.error_after) == pytest.approx(after, rel=1e-11)


# --- the rounded chain, from the printed numbers alone ------------------------------------------------------------


def as_python(latex):
    """The printed numbers of a step as an expression of Decimals."""
    text = latex.replace(r"\left", "").replace(r"\right", "").replace(r"\cdot", "*").replace("^2", "**D('2')")
    while r"\frac{" in text:
        start = text.index(r"\frac{") + len(r"\frac{")
        above, at = braced(text, start)
        below, end = braced(text, at + 1)
        text = f"{text[: start - 6]}(({above})/({below})){text[end:]}"
    text = re.sub(r"(\)\))\s+\(", r"\1 * (", text)  # 1/2 (…)
    text = re.sub(r"e\^\{(.*?)\}", r"(\1).exp()", text)
    text = re.sub(r"\\tanh\s*\((.*)\)", r"tanh(\1)", text)
    text = re.sub(r"\\log\s*\(([^()]*)\)", r"(\1).ln()", text)
    text = re.sub(r"\\max\((.*?)\)", r"max(\1)", text)
    text = re.sub(r"\[(.*?)\]", r"D(int(\1))", text)
    return re.sub(r"(?<![\w'.])(\d+(?:\.\d+)?)(?![\w'.])", r"D('\1')", text)


def braced(text, start):
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start:at], at + 1
    raise ValueError(text)


def evaluate(latex):
    with localcontext(Context(prec=40)):

        def tanh(z):
            up, down = z.exp(), (-z).exp()
            return (up - down) / (up + down)

        names = {"D": Decimal, "tanh": tanh, "max": max, "int": int}
        return Decimal(eval(as_python(latex), {"__builtins__": {}}, names))


@asked
def test_each_printed_step_gives_its_printed_result(network, settings):
    sheet = worksheet(network, **settings)
    four = Context(prec=4, rounding=ROUND_HALF_UP)
    for answer in sheet.answers:
        exact = evaluate(answer.numbers)
        expected = four.plus(exact) if sheet.rounds else exact
        assert expected == answer.result.value, (answer, exact)


@asked
def test_steps_use_what_was_written_down(network, settings):
    """Every number in a step is given or an earlier answer, so that a pupil who rounds alike gets these digits."""
    sheet = worksheet(network, **settings)
    e = sheet.exercise
    known = {abs(v) for matrix in (*e.weights, *(e.biases,), e.x, e.y) for row in matrix for v in row}
    known |= {Decimal(n) for n in (0, 1, 2, e.plan.rows, e.plan.widths[-1])} | {e.plan.rate}
    for answer in sheet.answers:
        printed = {Decimal(n) for n in re.findall(r"\d+(?:\.\d+)?", answer.numbers.replace("^2", ""))}
        assert printed <= known, answer
        known.add(abs(answer.result.value))


# --- numbers that stay short --------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(["2-2-1", "2-2-2", "1-2-1", "3-2-1", "2-1"]),
    st.sampled_from(["relu", "identity"]),
    st.sampled_from([1, 2, 4]),
    st.integers(0, 10**6),
)
def test_relu_and_identity_stay_exact_and_short(network, activation, rows, seed):
    sheet = worksheet(network, rows=rows, seed=seed, activation=activation)
    assert not sheet.rounds
    assert values(sheet.answers) == values(sheet.unrounded)
    assert max(length(a.result.value) for a in sheet.answers) <= 6


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(["2-2-1", "2-2-2", "2-3-2-1", "2-1"]),
    st.sampled_from(["sigmoid", "tanh"]),
    st.sampled_from(["half_squared_error", "squared_error", "binary_cross_entropy"]),
    st.integers(1, 4),
    st.integers(0, 10**6),
)
def test_rounded_results_are_near_the_unrounded_and_beyond_doubt(network, activation, loss, rows, seed):
    sheet = worksheet(network, rows=rows, seed=seed, activation=activation, loss=loss)
    assert sheet.rounds
    ours, exact = values(sheet.answers), values(sheet.unrounded)
    assert max(abs(ours[key] - exact[key]) for key in exact) < 0.01
    assert not any(is_doubtful(a.result) for a in sheet.answers)
    assert sheet.error_after < sheet.error_before


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.12345", "0.1235"), ("-0.12345", "-0.1235"), ("0.123449", "0.1234"), ("12345", "12350"), ("0", "0")],
)
def test_a_five_is_rounded_away_from_zero(value, expected):
    assert rounded(Decimal(value)).value == Decimal(expected)


@pytest.mark.parametrize("value", ["0.12345000001", "0.1234499999", "-7.654500001"])
def test_next_to_the_border_is_doubtful(value):
    assert is_doubtful(rounded(Decimal(value)))
    assert not is_doubtful(rounded(Decimal("0.12345")))
    assert not is_doubtful(rounded(Decimal("0.12347")))


@pytest.mark.parametrize(("value", "expected"), [("0.25", 2), ("-12.5", 3), ("0.0003", 4), ("200", 3), ("0", 1)])
def test_length_counts_digits_on_paper(value, expected):
    assert length(Decimal(value)) == expected


def test_no_weighted_sum_of_a_relu_lies_on_its_kink():
    for seed in range(6):
        sheet = worksheet("2-2-1", rows=2, seed=seed, activation="relu")
        assert all(a.result.value != 0 for a in sheet.answers if a.symbol.startswith("z_{0"))


# --- what is printed ----------------------------------------------------------------------------------------------


@asked
def test_every_blank_has_an_answer(network, settings):
    sheet = worksheet(network, **settings)
    for written in (sheet.text(), sheet.markdown(), sheet.latex(), sheet.html()):
        assert written.count(BLANK) == len(sheet.answers)
    exercise, solution = sheet.markdown().split("\n## Solution\n")
    assert BLANK not in solution
    for answer in sheet.answers:
        assert f"${answer.symbol}$" in exercise
        assert answer.numbers in solution


def test_the_solution_stands_behind_a_page_break():
    sheet = worksheet("2-2-1")
    for written, brk, solution in (
        (sheet.latex(), r"\newpage", r"\section*{Solution}"),
        (sheet.html(), '<div class="page-break">', "<h2>Solution</h2>"),
        (sheet.markdown(), "break-before: page", "## Solution"),
        (sheet.text(), "\f", "\nSolution\n"),
    ):
        assert written.count(brk) == 1
        assert written.index(BLANK) < written.rindex(BLANK) < written.index(brk) < written.index(solution)


@asked
def test_latex_is_well_formed(network, settings):
    tex = worksheet(network, **settings).latex()
    assert tex.count(r"\begin{") == tex.count(r"\end{")
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(.*?)\}", tex):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    bare = re.sub(r"\\[{}$]", "", tex)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert tex.count(r"\left(") == tex.count(r"\right)")


def test_the_same_seed_makes_the_same_sheet_and_the_command_makes_it_again():
    first = worksheet("2-2-2", rows=2, seed=11, activation="tanh", loss="squared_error", learning_rate=0.25, bias=False)
    assert (
        first.text()
        == worksheet(
            [2, 2, 2], rows=2, seed=11, activation="tanh", loss="squared_error", learning_rate=0.25, bias=False
        ).text()
    )
    assert first.text() != worksheet("2-2-2", rows=2, seed=12).text()
    assert first.command == (
        "glassnet worksheet 2-2-2 --rows 2 --seed 11 --activation tanh --loss squared_error --learning-rate 0.25 "
        "--no-bias"
    )


@asked
def test_the_command_makes_the_sheet_again(network, settings, capsys, tmp_path, monkeypatch):
    from glassnet.cli import run

    monkeypatch.chdir(tmp_path)
    sheet = worksheet(network, **settings)
    assert run([*sheet.command.split()[1:], "--markdown"]) == 0
    assert capsys.readouterr().out.strip() == sheet.markdown().strip()


def test_to_dict_is_plain_and_answers_are_as_printed():
    import json

    sheet = worksheet("2-2-1", rows=2, seed=4)
    plain = json.loads(json.dumps(sheet.to_dict()))
    assert [Decimal(a["answer"]) for a in plain["answers"]] == [a.result.value for a in sheet.answers]
    assert plain["rounded"] is True
    assert plain["weights"][0] == sheet.network.weights[0].tolist()


def test_it_shows_itself_in_a_notebook():
    assert "<math" in worksheet("2-1")._repr_html_()


# --- what cannot be had -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "settings", "says"),
    [
        ("2", {}, "joined by hyphens"),
        ("a-b", {}, "joined by hyphens"),
        ("2-", {}, "joined by hyphens"),
        ("", {}, "joined by hyphens"),
        ("2--1", {}, "joined by hyphens"),
        ("2-0-1", {}, "must be 1 or more"),
        ([2], {}, "or a list such as"),
        ([2, 1.5], {}, "or a list such as"),
        ([2, True], {}, "or a list such as"),
        (221, {}, "or a list such as"),
        ("784-100-10", {}, "79,510 weights and biases, too many for pen and paper"),
        ("999999999-999999999", {}, "too many for pen and paper"),
        ("1-1-1-1-1-1", {}, "at most 4"),
        ("2-2-1", {"rows": 0}, "from 1 to 4"),
        ("2-2-1", {"rows": 5}, "from 1 to 4"),
        ("2-2-1", {"rows": 1.0}, "from 1 to 4"),
        ("2-2-1", {"activation": "softmax"}, "cross_entropy"),
        ("2-2-1", {"activation": "gelu"}, "sigmoid, tanh, relu, identity"),
        ("2-2-1", {"loss": "hinge"}, "worksheets know half_squared_error"),
        ("2-2-1", {"learning_rate": 0}, "above 0"),
        ("2-2-1", {"learning_rate": float("nan")}, "above 0"),
        ("2-2-1", {"learning_rate": 1e9}, "at most 100"),
        ("2-2-1", {"learning_rate": 1 / 3}, "at most three digits"),
        ("2-2-1", {"seed": -1}, "seed"),
        ("2-2-1", {"bias": "no"}, "True or False"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(network, settings, says):
    with pytest.raises(InputError, match=re.escape(says)):
        worksheet(network, **settings)


@pytest.mark.parametrize("loss", ["half_squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity"])
def test_a_step_far_too_long_is_told(activation, loss):
    sheet = worksheet("2-2-1", rows=2, activation=activation, loss=loss, learning_rate=100)
    assert ("The step was too long" in sheet.text()) == (sheet.error_after > sheet.error_before)
    assert sheet.html()


def test_names_are_suggested_and_pairs_explained():
    with pytest.raises(UnknownNameError, match="sigmoid"):
        worksheet("2-2-1", activation="sigmod")
    with pytest.raises(PairingError, match="at least 2 outputs"):
        worksheet("2-2-1", loss="cross_entropy")


# --- in a browser -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_the_page_in_a_browser(see, tmp_path, width, dark):
    sheet = worksheet("2-3-2", rows=2, seed=1, loss="cross_entropy")
    file = tmp_path / "sheet.html"
    file.write_text(sheet.html(), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert seen.troubles() == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.page.locator("math").count() > len(sheet.answers)
    assert seen.page.locator("merror").count() == 0
    seen.page.emulate_media(media="print")
    assert seen.page.locator(".page-break").evaluate("e => getComputedStyle(e).breakBefore") == "page"
