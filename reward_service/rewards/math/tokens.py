"""Cut an expression into tokens: numerals (exact), names, words, commands, brackets. Linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from reward_service.rewards.math.limits import (
    MAX_DIGITS,
    MAX_EXPRESSION,
    MAX_TOKENS,
    TooLarge,
    Unreadable,
    power,
)

Commas = Literal["group", "decimal"]
Kind = Literal["number", "name", "word", "function", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `spaced`: white space stands before it. `value`: of a number."""

    kind: Kind
    text: str
    spaced: bool = False
    value: Fraction = Fraction(0)


FUNCTIONS = frozenset([
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "asin",
    "acos", "atan", "sinh", "cosh", "tanh", "coth", "arsinh", "arcosh", "artanh", "arcsinh", "arccosh", "arctanh",
    "log", "ln", "lg", "exp", "sqrt", "cbrt", "abs", "max", "min", "gcd", "lcm", "floor", "ceil", "det", "binom",
])  # fmt: skip
GREEK = frozenset([
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma",
    "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega",
])  # fmt: skip
# what a command or a plain word means: another token
_SYNONYMS = {
    "times": "*", "cdot": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=",
    "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "approx": "~", "simeq": "~",
    "equiv": "==", "in": "in", "cup": "union", "bigcup": "union", "cap": "intersection",
    "setminus": "difference", "pm": "pm", "mp": "pm",
    "lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "langle": "<<", "rangle": ">>", "lfloor": "lfloor",
    "rfloor": "rfloor", "lceil": "lceil", "rceil": "rceil", "bmod": "mod", "mod": "mod", "land": "and", "lor": "or",
    "wedge": "and", "vee": "or", "colon": ":", "to": "to", "rightarrow": "to", "circ": "circ", "degree": "circ",
    "frac": "frac", "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "tbinom": "binom", "dbinom": "binom",
    "choose": "choose", "pmod": "pmod",
    "sum": "sum", "prod": "prod", "cdots": "...", "ldots": "...", "dots": "...", "lbrack": "[", "rbrack": "]",
}  # fmt: skip
_CONSTANTS = {
    "pi": "pi", "infty": "infinity", "infin": "infinity", "emptyset": "emptyset", "varnothing": "emptyset",
    "imath": "i", "R": "reals", "Z": "integers", "N": "naturals", "Q": "rationals",
}  # fmt: skip
_PLAIN_WORDS = {"infinity": "infinity", "inf": "infinity", "oo": "infinity", "pi": "pi"}
_PLAIN_SIGNS = {"and": "and", "or": "or", "union": "union", "mod": "mod", "in": "in"}
_TEXT_SIGNS = {"and": "and", "or": "or", "in": "in"}
_SPACING = frozenset([",", ";", ":", "!", " ", "quad", "qquad"])
_MAX_PRODUCT = 3  # letters in a row that may be a product of variables

_NUMERAL = re.compile(
    r"(?P<repeating>(?P<whole>\d*)\.(?P<fixed>\d*)(?:\\(?:overline|bar|dot) ?\{(?P<period>\d+)\}|\((?P<period2>\d+)\)))"
    r"|(?P<mixed>(?P<ones>\d+) (?P<top>\d+) ?/ ?(?P<bottom>\d+)(?![\d.]))"
    r"|(?P<grouped>\d{1,3}(?:(?:,\\?!?\d{3}(?!\d))+|(?: ?\{ ?, ?\} ?\d{3}(?!\d))+|(?:\\[,;: !]\d{3}(?!\d))+"
    r"|(?:~\d{3}(?!\d))+|(?: \d{3}(?!\d))+)(?:\.\d+)?)"
    r"|(?P<decimal>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+(?![\d.]))?)"
)
_WORD = re.compile(r"[A-Za-z]+")
_TEXT = re.compile(
    r"\\(?:text|textrm|textbf|textit|textnormal|mathrm|mathbf|mathit|mathsf|mathcal|mathbb|mbox|hbox|operatorname\*?|"
    r"boldsymbol|bm)(?![A-Za-z]) ?(?:\{(?P<braced>[^{}]*)\}|(?P<letter>[A-Za-z]))"
)
_ENVIRONMENT = re.compile(r"\\(?P<edge>begin|end) ?\{(?P<name>[a-zA-Z]*\*?)\}(?:\{[lcr|]*\})?")
_COMMAND = re.compile(r"\\(?:[a-zA-Z]+|\\(?:\[\d*[a-z]*\])?|.)")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?![\d.])")
_SIGN = re.compile(r"<=|>=|!=|==|\*\*|\.\.\.|[-+*/^_!%=<>~|(){}\[\],;:&']")
_MATRICES = frozenset(["matrix", "pmatrix", "bmatrix", "vmatrix", "smallmatrix", "array", "Bmatrix"])


class _Scanner:
    """Walks over one text. `opened` counts the brackets in which a comma separates."""

    def __init__(self, text: str, commas: Commas) -> None:
        self.text, self.commas = text, commas
        self.at, self.opened, self.spaced = 0, 0, False
        self.tokens: list[Token] = []

    def add(self, kind: Kind, text: str, value: Fraction = Fraction(0)) -> None:
        if len(self.tokens) >= MAX_TOKENS:
            raise TooLarge(f"the expression has more than {MAX_TOKENS} parts")
        self.tokens.append(Token(kind, text, self.spaced, value))
        self.spaced = False

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def run(self) -> list[Token]:
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in " ~" and self.text[self.at : self.at + 2] != "~=":
                self.at, self.spaced = self.at + 1, True
            elif character.isdigit() or character == ".":
                self.numeral()
            elif character == "\\":
                self.command()
            elif match := self.take(_WORD):
                self.letters(match[0])
            elif match := self.take(_SIGN):
                self.sign({"**": "^"}.get(match[0], match[0]))
            else:
                raise Unreadable(f"{character!r} has no meaning in an expression")
        self.add("end", "")
        return self.tokens

    def sign(self, sign: str) -> None:
        self.opened += {"(": 1, "[": 1, "\\{": 1, ")": -1, "]": -1, "\\}": -1}.get(sign, 0)
        self.add("sign", sign)

    def numeral(self) -> None:
        if clock := self.take(_CLOCK):
            return self.add("word", clock[0])
        if self.commas == "decimal" and (match := self.take(re.compile(r"(\d+),(\d+)(?![\d,])"))):
            return self.add("number", match[0], _decimal(f"{match[1]}.{match[2]}"))
        match = _NUMERAL.match(self.text, self.at)
        if (
            match
            and match["grouped"]
            and "," in match["grouped"]
            and self.opened > 0
            and ",0" not in match["grouped"]
        ):
            match = re.compile(r"(?P<decimal>\d+)").match(self.text, self.at)  # "(1,234)" is a pair
            assert match is not None
            self.at = match.end()
            return self.add("number", match[0], _decimal(match[0]))
        if match is None:
            if self.take(re.compile(r"\.\.\.")):
                return self.add("sign", "...")
            raise Unreadable("a point that belongs to no number")
        self.at = match.end()
        return self.add("number", match[0], _value(match))

    def letters(self, run: str) -> None:
        """A run of plain letters: a known word, a product of few letters, or a word."""
        lower = run.lower()
        if run in _PLAIN_SIGNS:
            self.sign(_PLAIN_SIGNS[run])
        elif run == "U" and self.between_sets():
            self.sign("union")
        elif run in FUNCTIONS:
            self.add("function", run)
        elif lower == "nan":
            raise Unreadable("it is no number")
        elif lower in _PLAIN_WORDS:
            self.add("name", _PLAIN_WORDS[lower])
        elif run in GREEK:
            self.add("name", run)
        elif function := next(
            (f for f in ("sqrt", "sin", "cos", "tan", "log", "ln", "pi") if _leads(f, run)), None
        ):
            self.letters(function)
            self.letters(run[len(function) :])
        elif lower in ("degrees", "degree", "deg"):
            self.add("sign", "circ")
        elif len(run) <= _MAX_PRODUCT and lower not in ("no", "on"):
            for letter in run:
                self.add("name", letter)
        else:
            self.add("word", run)

    def between_sets(self) -> bool:
        """Whether brackets close before this place and open behind it, as around the U of `(0,1) U (2,3)`."""
        closed = bool(self.tokens) and self.tokens[-1].text in (")", "]", "\\}")
        return closed and self.text[self.at : self.at + 2].lstrip().startswith(("(", "[", "\\"))

    def command(self) -> None:
        if match := self.take(_TEXT):
            return self.styled(match)
        if match := self.take(_ENVIRONMENT):
            if match["name"].rstrip("*") not in _MATRICES:
                raise Unreadable(f"the environment {match['name']!r} is not read")
            return self.add("sign", match["edge"])
        match = self.take(_COMMAND)
        if match is None:
            raise Unreadable("a backslash at the end")
        name = match[0][1:]
        if name in _SPACING:
            self.spaced = True
        elif name in ("{", "}"):
            self.sign("\\" + name)
        elif name in ("|", "Vert", "lVert", "rVert"):
            raise Unreadable("norms are not read")
        elif name.startswith("\\") or name in ("cr", "newline"):
            self.add("sign", "\\\\")
        elif name == "%":
            self.add("sign", "%")
        elif _SYNONYMS.get(name) in FUNCTIONS:
            self.add("function", _SYNONYMS[name])
        elif name in _SYNONYMS:
            self.sign(_SYNONYMS[name])
        elif name in _CONSTANTS and len(name) > 1:
            self.add("name", _CONSTANTS[name])
        elif name in FUNCTIONS:
            self.add("function", name)
        elif name in GREEK:
            self.add("name", name.removeprefix("var"))
        elif name in ("arg", "Re", "Im", "deg", "dim", "ker", "sgn"):
            self.add("function", name)
        else:
            raise Unreadable(f"the command \\{name} is not read")
        return None

    def styled(self, match: re.Match[str]) -> None:
        """The content of `\\text{...}` and its like."""
        content = (match["braced"] if match["braced"] is not None else match["letter"]).strip()
        if len(content) == 3 and content[0] + content[2] == "()":
            content = content[1]
        if match[0].startswith("\\mathbb"):
            if content not in _CONSTANTS:
                raise Unreadable(f"the set {content!r} is not read")
            self.add("name", _CONSTANTS[content])
        elif content in _TEXT_SIGNS:
            self.sign(_TEXT_SIGNS[content])
        elif content in FUNCTIONS:
            self.add("function", content)
        elif len(content) == 1 and content.isalpha():
            self.add("name", content)
        elif content and content.replace(".", "").isdigit():
            self.add("number", content, _decimal(content))
        elif content:
            self.add("word", content)


def _leads(function: str, run: str) -> bool:
    return run.startswith(function) and 0 < len(run) - len(function) <= 2


def _decimal(text: str) -> Fraction:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or len(exponent) > 5:
        raise TooLarge(f"a numeral has more than {MAX_DIGITS} digits")
    whole, _, fraction = mantissa.partition(".")
    value = Fraction(int((whole + fraction) or "0"), int("1" + "0" * len(fraction)))
    return value * power(Fraction(10), int(exponent)) if exponent else value


def _value(match: re.Match[str]) -> Fraction:
    if match["repeating"]:
        period = match["period"] or match["period2"]
        scale = int("1" + "0" * len(match["fixed"]))
        whole = _decimal((match["whole"] or "0") + "." + (match["fixed"] or "0"))
        return whole + _decimal(period) / scale / int("9" * len(period))
    if match["mixed"]:
        if int(match["bottom"][:MAX_DIGITS]) == 0:
            raise Unreadable("a fraction with denominator 0")
        return _decimal(match["ones"]) + _decimal(match["top"]) / _decimal(match["bottom"])
    if match["grouped"]:
        return _decimal(re.sub(r"[^\d.]", "", match["grouped"]))
    return _decimal(match["decimal"])


def tokenize(text: str, commas: Commas = "group") -> list[Token]:
    """The tokens of `text` (see notation.plain), an "end" last. Raises Unreadable or TooLarge."""
    if len(text) > MAX_EXPRESSION:
        raise TooLarge(f"the expression has more than {MAX_EXPRESSION} characters")
    return _Scanner(text, commas).run()
