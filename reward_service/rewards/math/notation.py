"""Bring the many ways to write the same character to one, before an expression is read. Linear time."""

from __future__ import annotations

import re
import unicodedata

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙₓᵢ", "0123456789+-nxi", strict=True))
_FRACTIONS = {character: unicodedata.normalize("NFKC", character) for character in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"}
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta",
    "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "－": "-", "×": r" \times ", "⋅": r" \cdot ", "·": r" \cdot ",
    "∙": r" \cdot ", "•": r" \cdot ", "∗": "*", "÷": "/", "⁄": "/", "∕": "/", "√": r" \sqrt ", "∛": r" \cbrt ",
    "∞": r" \infty ", "π": r" \pi ", "𝜋": r" \pi ", "ϕ": r" \phi ", "ϵ": r" \epsilon ", "≤": r" \le ", "≥": r" \ge ",
    "⩽": r" \le ", "⩾": r" \ge ", "≠": r" \ne ", "≈": r" \approx ", "≡": r" \equiv ", "∪": r" \cup ", "∩": r" \cap ",
    "∈": r" \in ", "∅": r" \emptyset ", "Ø": r" \emptyset ", "°": r"^{\circ}", "º": r"^{\circ}", "±": r" \pm ",
    "∓": r" \mp ", "∖": r" \setminus ", "ℝ": r" \mathbb{R} ", "ℤ": r" \mathbb{Z} ", "ℕ": r" \mathbb{N} ",
    "ℚ": r" \mathbb{Q} ", "ℂ": r" \mathbb{C} ", "⟨": r" \langle ", "⟩": r" \rangle ", "“": '"', "”": '"', "’": "'",
    "‘": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\ufeff": "", "∨": " or ", "∧": " and ",
}  # fmt: skip
_SINGLE = str.maketrans(
    {
        **_SIGNS,
        **{letter: f" \\{name} " for letter, name in _GREEK.items()},
        **{sign: " \\frac{{{}}}{{{}}} ".format(*plain.split("⁄")) for sign, plain in _FRACTIONS.items()},
    }
)
_RAISED = re.compile(f"[{''.join(_SUPERSCRIPTS)}]+")
_LOWERED = re.compile(f"[{''.join(_SUBSCRIPTS)}]+")
_DROPPED = re.compile(
    r"\\(?:left|right|middle|displaystyle|textstyle|limits|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|biggl|biggr|mleft|"
    r"mright)(?![A-Za-z])\.?|(?<!\\)\\[()\[\]]|(?<!\\)\$|\\\$|\\phantom\{\}"
)
_ROOT_OF_NUMERAL = re.compile(r"(?:√|(?<![\\A-Za-z])sqrt) ?(?P<numeral>\d+(?:\.\d+)?)")
_SPACES = re.compile(r"\s+")
_COMPARED_AWAY = re.compile(r"\\[,;:! ]|\\q?quad(?![A-Za-z])|~|\s")


def plain(text: str) -> str:
    """ASCII with LaTeX commands for what ASCII lacks, without dollar signs, sizes of brackets and doubled spaces."""
    # in LaTeX `\sqrt13` is the root of 1, but √13 is that of 13
    text = _ROOT_OF_NUMERAL.sub(r"\\sqrt{\g<numeral>}", text)
    if not text.isascii():
        text = _RAISED.sub(lambda run: "^{" + "".join(map(_SUPERSCRIPTS.__getitem__, run[0])) + "}", text)
        text = _LOWERED.sub(lambda run: "_{" + "".join(map(_SUBSCRIPTS.__getitem__, run[0])) + "}", text)
        text = unicodedata.normalize("NFKC", text.translate(_SINGLE))
    text = _DROPPED.sub(" ", text).replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}")
    return _SPACES.sub(" ", text).strip()


def squeezed(text: str) -> str:
    """`text` without the white space that means nothing in mathematics: the form in which strings are compared.

    White space between two digits, or two letters, is kept: "1 1/2" is not "11/2", "a b" is no word.
    """
    parts = _COMPARED_AWAY.split(text)
    kept: list[str] = []
    for part in filter(None, parts):
        if kept and _clash(kept[-1][-1], part[0]):
            kept.append(" ")
        kept.append(part)
    return "".join(kept).rstrip(".")


def _clash(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum()
