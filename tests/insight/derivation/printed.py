"""Reads a printed derivation back: its equations from the LaTeX file, with SymPy as the reader of mathematics."""

import re
from dataclasses import dataclass

import sympy
from sympy.parsing.latex import parse_latex

QUANTITY = re.compile(
    r"\\frac\{\\partial [Ea](?:_\{\w+(?:,\w+)?\})?\}\{\\partial [a-z]_\{[\w,]+\}\}"  # a derivative
    r"|g'\(z_\{[\d,]+\}\)|\\delta_\{[\d,]+\}|[A-Za-z]_\{[\d,]+\}|(?<![A-Za-z\\])R(?![A-Za-z])"
)
NUMBER = r"-?\d+(?:\.\d+)?(?: \\times 10\^\{-?\d+\})?"


@dataclass
class Printed:
    """One equation: the left side, the steps to the right of its equals signs, the remark."""

    left: str
    steps: list
    remark: str

    @property
    def result(self):
        """The last step, a number, as a float."""
        assert re.fullmatch(NUMBER, self.steps[-1]), self.steps
        return float(value_of(self.steps[-1]))


def equations(latex):
    """Every equation of a LaTeX file, in order."""
    found = []
    for body in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", latex, flags=re.DOTALL):
        remark = " ".join(re.findall(r"\\text\{\\footnotesize (.*?)\}(?=\s*(?:\\\\\n|$))", body))
        body = re.sub(r" ?&(?:& |\\quad )\\text\{\\footnotesize .*?\}(?=\s*(?:\\\\\n|$))", "", body)
        body = re.sub(r" \\\\\n& \\quad(?= [+-]| \\cdot)", "", body)  # a sum that goes on in the next line
        left, *steps = re.split(r" ?(?:\\\\\n)?&= ", body.rstrip("\\\n "))
        found.append(Printed(left.strip(), [re.sub(r" \\\\$", "", step).strip() for step in steps], remark))
    return found


def value_of(step, known=None):
    """The number that a step comes to; `known` gives the value of each quantity by its LaTeX."""
    names = {}

    def symbol(match):
        names.setdefault(match[0], f"s_{{{len(names)}}}")
        return names[match[0]]

    text = QUANTITY.sub(symbol, step)
    expression = parse_latex(text)
    values = {sympy.Symbol(name): sympy.Float((known or {})[latex], 30) for latex, name in names.items()}
    return expression.subs(values).evalf(30)
