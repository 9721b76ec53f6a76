"""One document in four forms: each says the same, and none lets text be taken for markup."""

import re

import pytest

from glassnet.insight.documents import Document, Equation, Heading, PageBreak, Paragraph, Table, plain
from glassnet.insight.documents.plain import _WORDS as WORDS
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.losses import LOSSES

SLOPE = Equation(
    r"\frac{\partial E}{\partial w_{0,1,2}}",
    (r"a_{0,1} \cdot \delta_{0,2}", r"0.05 \cdot \left(-1.5 \times 10^{-7}\right)", r"-7.5 \times 10^{-9}"),
    "equation (4)",
)
DOCUMENT = Document(
    "Why $w_{0,1,2}$ moved & more",
    (
        Heading("First"),
        Paragraph("The slope $g'(z_{1,0})$ of a_b <script>alert(1)</script> 50% #1 | {x} ~ ^ \\ is *here*."),
        SLOPE,
        Table(("neuron", "$z$", "$|a|$"), (("<b>0</b>", "1.5", "2.5"), ("a|b", "-1.5", "22.5"))),
        PageBreak(),
        Heading("Second", 3),
    ),
)


def test_text():
    text = DOCUMENT.text()
    assert text.startswith("Why w[0][1,2] moved & more\n==========================\n")
    assert "  ∂E/∂w[0][1,2] = a[0][1] · δ[0][2]" in text
    assert "                = 0.05 · (-1.5e-07)\n                = -7.5e-09\n" in text
    assert "equation (4)" in text
    rows = [line for line in text.splitlines() if line.endswith(("22.5", " 2.5"))]
    assert len({len(row) for row in rows}) == 1  # numbers stand below each other
    assert max(map(len, text.splitlines())) <= 100


def test_long_sums_are_broken_before_a_sign():
    terms = [f"{n}.123456789 \\cdot 0.5" for n in range(12)]
    text = Document("t", (Equation("s", (" + ".join(terms), "1")),)).text()
    lines = text.splitlines()[3:-1]
    assert len(lines) == 3
    assert all(len(line) <= 100 for line in lines)
    assert all(line.strip().startswith(("s =", "+", "=")) for line in lines)


def test_markdown():
    text = DOCUMENT.markdown()
    assert text.startswith("# Why $w_{0,1,2}$ moved & more\n")
    assert r"a\_b \<script\>" in text
    assert r"| a\|b | -1.5 | 22.5 |" in text
    assert r"$\vert a\vert $" in text
    assert "&= " + SLOPE.right[1] in text


def test_latex_is_whole():
    latex = DOCUMENT.latex()
    body = latex[latex.index(r"\begin{document}") :]
    opened = re.findall(r"\\begin\{(.*?)\}", body)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(.*?)\}", body))
    bare = re.sub(r"\\[{}]", "", body)
    assert bare.count("{") == bare.count("}")
    assert r"a\_b $<$script$>$" in body
    assert r"50\% \#1" in body
    assert r"\newpage" in body
    assert all(ord(letter) < 128 for letter in body)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_html_in_a_browser(see, tmp_path, width, dark):
    file = tmp_path / "document.html"
    file.write_text(DOCUMENT.html(), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert seen.troubles() == []
    assert seen.page.locator("h1").inner_text() == "Why w[0][1,2] moved & more"
    assert "<script>alert(1)</script>" in seen.page.locator("p").first.inner_text()
    assert seen.page.locator(".equation math").count() == 4
    assert seen.page.locator("td").first.inner_text() == "<b>0</b>"


def test_a_notebook_gets_a_part_of_a_page():
    fragment = DOCUMENT.html_fragment()
    assert "<html" not in fragment
    assert fragment.count("<math") == 8


RECORDS = [*ACTIVATIONS.values(), *LOSSES.values(), *(s for loss in LOSSES.values() for s in loss.short_forms.values())]
FORMULAS = [getattr(record, part) for record in RECORDS for part in ("latex", "slope_latex") if hasattr(record, part)]


@pytest.mark.parametrize("latex", FORMULAS)
def test_every_formula_of_the_library_can_be_read_as_text(latex):
    text = plain(latex)
    assert text
    assert not set(text) & set("\\&$")
    assert text.count("(") == text.count(")")


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{1}{1+e^{-z}}", "1/(1+e⁻ᶻ)"),
        (r"\frac{a+b}{c}", "(a+b)/c"),
        (r"\frac{1}{2}\sum_j (a_j-y_j)^2", "(1/2)Σⱼ (aⱼ-yⱼ)²"),
        (r"\begin{cases}z & z>0\\ 0.5\,z & z\le 0\end{cases}", "{z if z>0; 0.5 z if z ≤ 0}"),
        (r"\operatorname{erf}\frac{z}{\sqrt{2}}", "erf(z/√2)"),
        (r"b_{1,3}", "b[1][3]"),
        (r"\eta = 0.5", "η = 0.5"),
        (r"\partial E", "∂E"),
        (r"w_{1,12,3}^2", "w[1][12,3]²"),
        (r"\log\sum_j e^{a_j}", "log Σⱼ e^(aⱼ)"),
    ],
)
def test_formulas_as_text(latex, text):
    assert plain(latex) == text


def test_commands_that_are_not_known_are_printed_by_name():
    assert plain(r"\mathfrak{g}+\cos z") == "mathfrakg+cos z"


def test_every_command_of_the_library_s_own_formulas_is_known():
    found = {command for latex in FORMULAS for command in re.findall(r"\\([A-Za-z]+)", latex)}
    assert found <= {*WORDS, "frac", "sqrt", "text", "operatorname", "begin", "end"}


def test_an_equation_says_what_its_left_side_equals():
    with pytest.raises(ValueError, match="nothing to the right"):
        Equation("E", ())
