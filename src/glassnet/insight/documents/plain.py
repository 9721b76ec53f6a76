r"""LaTeX as text: ``\frac{\partial E}{\partial w_{0,1,2}}`` becomes ∂E/∂w[0][1,2].

It knows the part of LaTeX that formulas here use; of other commands the name is printed. Indices with a comma are
written as the code writes them, the layer in brackets of its own; others become subscripts.
"""

from __future__ import annotations

import re

_WORDS = {
    **{name: name for name in ("log", "tanh", "cosh", "exp", "max", "min")},
    "cdot": "·",
    "beta": "β",
    "tau": "τ",
    "times": "×",
    "odot": "⊙",
    "partial": "∂",
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "approx": "≈",
    "infty": "∞",
    "to": "→",
    "ldots": "…",
    "cdots": "⋯",
    "pm": "±",
    "prime": "′",
    "nabla": "∇",
    "top": "ᵀ",
    "alpha": "α",
    "delta": "δ",
    "eta": "η",
    "lambda": "λ",
    "sigma": "σ",
    "theta": "θ",
    "Delta": "Δ",
    "pi": "π",
    "sum": "Σ",
    "left": "",
    "right": "",
    ",": " ",
    ";": " ",
    " ": " ",
    "quad": "  ",
    "in": "∈",
    "varepsilon": "ε",
    "lVert": "‖",
    "rVert": "‖",
    "{": "{",
    "}": "}",
    "mu": "μ",
    "bar": "",
    "epsilon": "ε",
}
_FUNCTIONS = {"log", "tanh", "cosh", "exp", "max", "min"}
_OPERATORS = {"cdot", "times", "odot", "le", "ge", "ne", "approx", "to", "in", "pm"}
_WRAPPERS = {"text", "operatorname", "mathrm", "mathbf"}
_BELOW = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_ABOVE = dict(zip("0123456789+-=()nirzᵀ", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʳᶻᵀ", strict=True))
_POWER_OF_TEN = re.compile(r"(?<=[0-9]) ?\\times 10\^\{(-?)(\d+)\}")
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\s+|.", re.DOTALL)


def plain(latex: str) -> str:
    r"""Return a formula as one line of text.

    Examples
    --------
    >>> print(
    ...     plain(r"\frac{1}{1+e^{-z}}"),
    ...     "  ",
    ...     plain(r"\frac{\partial E}{\partial w_{1,12,3}} = a_{1,12} \cdot \delta_{1,3}"),
    ... )
    1/(1+e⁻ᶻ)    ∂E/∂w[1][12,3] = a[1][12] · δ[1][3]
    >>> plain(r"-1.5 \times 10^{-7}")
    '-1.5e-07'
    """
    latex = _POWER_OF_TEN.sub(lambda m: f"e{m[1] or '+'}{int(m[2]):02d}", latex).replace("'", "′")
    reader = _Reader(_TOKEN.findall(latex))
    return re.sub(r" {2,}", " ", reader.until("")).strip()


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def until(self, *ends: str) -> str:
        """Return what stands before one of the ends, which is passed over."""
        out = ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token in ends:
                return out
            out = self._after(out, token)
        return out

    def _after(self, out: str, token: str) -> str:
        """Return the text so far with one more token."""
        if token == "_":
            return out + _index(self._argument())
        if token == "^":
            return out + _script(self._argument(), _ABOVE, "^")
        if token == "{":
            return out + self.until("}")
        if token.startswith("\\"):
            word = self._command(token[1:], out)
            apart = word[:1].isalpha() and token[1:] not in _WRAPPERS and out[-1:].isalnum() and word == token[1:]
            return f"{out} {word}" if apart else out + word
        if token == "&":  # within cases
            return f"{out.rstrip()} if "
        return out + (" " if token.isspace() else token)

    def _command(self, name: str, out: str) -> str:
        if name == "frac":
            above, below = self._argument(), self._argument()
            whole = f"{_bracketed(above)}/{_bracketed(below, tight=True)}"
            return f"({whole})" if out[-1:].isalpha() or self._a_factor_follows() else whole
        if name == "sqrt":
            return f"√{_bracketed(self._argument(), tight=True)}"
        if name in _WRAPPERS:
            return self._argument()
        if name == "begin":
            self._argument()
            return "{" + self.until("\\end").strip() + self._ended()
        if name == "\\":
            return "; "
        if name.isalpha() and name != "quad" and not self._a_sign_follows():
            self._skip_space()  # which only ends the command's name
        if name in _OPERATORS:
            return f" {_WORDS[name]} "
        word = _WORDS.get(name, name)  # a user's formula may hold commands that are not known here
        is_function = name in _FUNCTIONS or name not in _WORDS
        stands_alone = is_function and self._following.isalnum() and self._following != "left"
        return word + (" " if stands_alone else "")

    @property
    def _following(self) -> str:
        """The next token, a command without its stroke."""
        return self.tokens[self.at].removeprefix("\\") if self.at < len(self.tokens) else ""

    def _skip_space(self) -> None:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1

    def _a_sign_follows(self) -> bool:
        ahead = "".join(self.tokens[self.at : self.at + 2]).lstrip()
        return ahead[:1] in set("=<>+-")

    def _a_factor_follows(self) -> bool:
        following = self._following
        return (following[:1].isalnum() and following not in {"right", "end", *_OPERATORS}) or following in {"(", "["}

    def _ended(self) -> str:
        self._argument()
        return "}"

    def _argument(self) -> str:
        """Return the next group, or the next token alone."""
        self._skip_space()
        token = self.tokens[self.at]
        self.at += 1
        return self.until("}") if token == "{" else self._after("", token)


def _index(text: str) -> str:
    first, comma, rest = text.partition(",")
    return f"[{first}][{rest}]" if comma else _script(text, _BELOW, "_")


def _script(text: str, letters: dict[str, str], sign: str) -> str:
    if text == "′":
        return text
    if all(letter in letters for letter in text):
        return "".join(letters[letter] for letter in text)
    return f"{sign}{text}" if len(text) == 1 else f"{sign}({text})"


def _bracketed(text: str, *, tight: bool = False) -> str:
    """Put brackets around what would otherwise be read apart: sums, and products below a stroke."""
    depth, loose = 0, False
    for at, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and (letter in "+·× " or (letter == "-" and at) or (tight and letter == "/")):
            loose = True
    several = tight and re.search(r"[A-Za-z0-9)\]][(√]|\d[A-Za-zπ]|[a-z]π", text) is not None and text[0] not in "∂"
    return f"({text})" if loose or several else text
