"""Numbers written in digits or in English words, as exact fractions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from reward_service.rewards.wording import compatible

MAX_DIGITS = 40
# The alternatives of a repetition begin with different characters, so matching is linear.
_TOKEN = re.compile(
    r"(?P<number>(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?(?:/\d+)?(?![\w%]))"
    r"|(?P<other>\d[\w.%]*)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<stop>[^\s\w'\"*-])"
)
_UNITS = [
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ZERO = frozenset({"none", "nothing", "nil"})
_REACH = 3  # words over which a negation reaches: "not exactly the three"


def numbers_in(text: str) -> frozenset[Fraction] | None:
    """Give the different numbers that a text names; None where one is unreadable ("3rd", "50%", over 40
    digits).

    Words are read up to trillions ("twenty-one", "one hundred and five", "a dozen"). "None", "nothing" and
    "no" before a noun are 0. A number that is denied ("not three") is not named.
    """
    tokens = [
        (match.lastgroup or "", match.group()) for match in _TOKEN.finditer(compatible(text).casefold())
    ]
    words = [text if kind == "word" else "" for kind, text in tokens]
    numbers: set[Fraction] = set()
    index, denied = 0, 0
    while index < len(tokens):
        kind, token = tokens[index]
        if kind == "other" or (kind == "number" and len(token) > MAX_DIGITS):
            return None
        if kind == "number":
            number, end = _scaled(_in_digits(token), words, index + 1)
        else:
            number, end = _in_words(words, index)
        if number is not None and words[end : end + 3] == ["and", "a", "half"]:
            number, end = number + Fraction(-1 if number < 0 else 1, 2), end + 3
        if number is None:
            denied = _REACH if _negates(token) else (denied - 1 if kind == "word" and token != "but" else 0)
        elif denied <= 0:
            numbers.add(number)
        index = max(end, index + 1)
    return frozenset(numbers)


def _negates(word: str) -> bool:
    return word in ("not", "never") or word.endswith("n't")


def _in_digits(token: str) -> Fraction | None:
    whole, _, divisor = token.replace(",", "").partition("/")
    return (
        Fraction(whole) / Fraction(divisor) if divisor.strip("0") else (None if divisor else Fraction(whole))
    )


def _scaled(number: Fraction | None, words: Sequence[str], index: int) -> tuple[Fraction | None, int]:
    """A number in digits with the scale behind it: "3 thousand", "2 dozen"."""
    factor = {"dozen": 12, "hundred": 100, **_SCALES}.get(_at(words, index))
    return (number * factor, index + 1) if number is not None and factor else (number, index)


def _in_words(words: Sequence[str], start: int) -> tuple[Fraction | None, int]:
    """Read the number that begins at a word: its value, or None, and the index of the word after it."""
    sign = -1 if words[start] in ("minus", "negative") else 1
    index = start + (sign < 0)
    if _at(words, index) in _ZERO or (_at(words, index) == "no" and _at(words, index + 1)):
        return Fraction(0), index + 1
    total, scale = 0, 10**15
    found = False
    while True:
        begin = index + (found and _at(words, index) == "and")
        part, end = _below_thousand(words, begin)
        if part is None:
            break
        factor = _SCALES.get(_at(words, end), 1)
        if factor >= scale:
            break
        total, scale, found = total + part * factor, factor, True
        index = end + (factor > 1)
        if factor == 1:
            break
    return (Fraction(sign * total), index) if found else (None, start + 1)


def _below_thousand(words: Sequence[str], start: int) -> tuple[int | None, int]:
    value, index = _below_hundred(words, start)
    if value is None and _at(words, start) == "a" and _at(words, start + 1) in ("hundred", "dozen", *_SCALES):
        value, index = 1, start + 1
    if value is None:
        return None, start
    if _at(words, index) == "dozen":
        return value * 12, index + 1
    if _at(words, index) != "hundred" or not 0 < value < 20:
        return value, index
    rest, end = _below_hundred(words, index + 1 + (_at(words, index + 1) == "and"))
    return (value * 100 + rest, end) if rest else (value * 100, index + 1)


def _below_hundred(words: Sequence[str], start: int) -> tuple[int | None, int]:
    value = _SMALL.get(_at(words, start))
    if value is None:
        return None, start
    unit = _SMALL.get(_at(words, start + 1), 0)
    return (value + unit, start + 2) if value >= 20 and 0 < unit < 10 else (value, start + 1)


def _at(words: Sequence[str], index: int) -> str:
    return words[index] if index < len(words) else ""
