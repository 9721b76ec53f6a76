"""A document as one LaTeX file that needs amsmath and iftex only and compiles with pdflatex, xelatex and lualatex."""

from __future__ import annotations

import re
import unicodedata

from glassnet.insight.documents.document import Document, Equation, Heading, PageBreak, Paragraph, Table, pieces

_BEGIN = r"""\documentclass[a4paper,11pt]{article}
% Made by glassnet.
\usepackage[utf8]{inputenc}
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath,amssymb,iftex}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\renewcommand{\arraystretch}{1.3}
\allowdisplaybreaks
\begin{document}
"""
_SPECIAL = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": "$<$",
    ">": "$>$",
    "→": r"$\to$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "−": "$-$",
    "½": r"$\frac12$",
    "²": "$^2$",
    "≈": r"$\approx$",
    "∂": r"$\partial$",
    "δ": r"$\delta$",
    "θ": r"$\theta$",
    "Σ": r"$\Sigma$",
    "′": "$'$",
    "…": r"\ldots{}",
    "ε": r"$\varepsilon$",
    "η": r"$\eta$",
    "∞": r"$\infty$",
    "σ": r"$\sigma$",
    "±": r"$\pm$",
    "≤": r"$\le$",
}
_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau phi chi psi omega".split()  # noqa: SIM905
)
_LAST_KNOWN = 0x180  # Latin letters with accents
_SECTIONS = {1: "section*", 2: "section*", 3: "subsection*"}


def write(document: Document) -> str:
    """Return the document's LaTeX."""
    parts = [_BEGIN + rf"\begin{{center}}\Large\bfseries {_sentence(document.title)}\end{{center}}"]
    for block in document.blocks:
        match block:
            case Heading(text, level):
                parts.append(rf"\{_SECTIONS.get(level, 'paragraph*')}{{{_sentence(text)}}}")
            case Paragraph(text):
                parts.append(_sentence(text))
            case Equation():
                parts.append(_equation(block))
            case Table(header, rows, words):
                columns = "".join("l" if k < words else "r" for k in range(len(header)))
                lines = [" & ".join(_sentence(cell) for cell in row) + r" \\" for row in (header, *rows)]
                lines.insert(1, r"\hline")
                table = "\n".join([rf"\begin{{tabular}}{{{columns}}}", *lines, r"\end{tabular}"])
                parts.append(f"\\begin{{center}}\\small\n{table}\n\\end{{center}}")
            case PageBreak():
                parts.append(r"\newpage")
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


def _equation(equation: Equation) -> str:
    steps = [_lines(step) for step in equation.right]
    lines = [f"&{'=' if n == 0 else ''} {part}" for parts in steps for n, part in enumerate(parts)]
    lines[0] = f"{equation.left} {lines[0]}"
    if equation.remark:
        remark = rf"\text{{\footnotesize {_sentence(equation.remark)}}}"
        if _width(lines[0]) + _width(equation.remark) < _ROOM:
            lines[0] += f" && {remark}"
        else:
            lines.append(rf"&\quad {remark}")
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


_ROOM = 72
"""About how many letters of mathematics fit beside each other on the page."""


def _lines(step: str) -> list[str]:
    """Return a long sum in lines that fit the page; a product is broken only where it fits no line by itself."""
    terms = _split(step, ("+ ", "- "))
    parts = [part for term in terms for part in (_filled(_split(term, (r"\cdot ",))) if _is_long(term) else [term])]
    first, *others = _filled(parts)
    return [first, *(rf"\quad {line}" for line in others)]


def _split(latex: str, signs: tuple[str, ...]) -> list[str]:
    """Return the parts of a formula before each of some signs that stands behind a space and in no bracket."""
    parts, depth, begun = [], 0, 0
    for at, letter in enumerate(latex):
        depth += (letter in "{([") - (letter in "})]")
        if depth == 0 and letter == " " and latex.startswith(signs, at + 1):
            parts.append(latex[begun:at])
            begun = at + 1
    return [*parts, latex[begun:]]


def _filled(parts: list[str]) -> list[str]:
    """Return parts beside each other in lines that are as full as they may be."""
    lines = parts[:1]
    for part in parts[1:]:
        if _is_long(longer := f"{lines[-1]} {part}"):
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _is_long(latex: str) -> bool:
    return _width(latex) > _ROOM


def _width(latex: str) -> int:
    """Return about how many letters a formula shows."""
    return len(re.sub(r"\\[A-Za-z]+ ?|[{}_^$&]", "", latex)) + latex.count(r"\cdot")


def _sentence(text: str) -> str:
    return "".join(
        f"${piece}$" if is_mathematics else "".join(map(_letter, piece)) for is_mathematics, piece in pieces(text)
    )


def _letter(letter: str) -> str:
    """Return a letter of words as pdflatex prints it; those that it has no font for by their number in Unicode."""
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if ord(letter) < _LAST_KNOWN:
        return letter
    greek = unicodedata.name(letter, "").removeprefix("GREEK SMALL LETTER ").lower()
    if greek in _GREEK:
        return rf"$\{greek}$"
    return rf"\ifPDFTeX[U+{ord(letter):04X}]\else{{}}{letter}\fi{{}}"
