"""Split the unit off the end of an expression."""

from __future__ import annotations

import re

from reward_service.rewards.math.nodes import Unit
from reward_service.rewards.math.tokens import FUNCTIONS, GREEK
from reward_service.rewards.math.units import DEGREE, PERCENT, known, read_unit

_PERCENT = re.compile(r"(?:\\?%|(?<=[\d} ])\\?(?:percent|percentage|pct))$")
_DEGREE = re.compile(r"(?:\^ ?(?:\{ ?\\circ ?\}|\\circ)|\\degree| ?(?:degrees?|\\text ?\{ ?degrees? ?\}))$")
_NUMERAL = re.compile(r"[-+]? ?[\d., ]+|[-+]? ?\d* ?\\[dtc]?frac ?\{\d+\} ?\{\d+\}|[-+]? ?\d+ ?/ ?\d+")
_POWER = re.compile(r"\^ ?(?:(?P<digit>\d)|\{ ?(?P<braced>-?\d) ?\})$")
_TEXTS = tuple(f"\\{command}" for command in ("text", "textrm", "textbf", "textit", "mathrm", "mbox", "rm"))
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/ .")
_VALUE_ENDS = frozenset("0123456789})]!")
_SPACING = ("\\ ", " ", "~", "\\,", "\\;", "\\:", "\\!", "\\quad", "\\qquad")
_LONGEST_POWER = 8


def split_unit(text: str) -> tuple[str, Unit | None]:
    """The expression without its unit, and the unit; None where it ends in none. Linear time."""
    text = text.rstrip(" .")
    for pattern, ending in ((_PERCENT, PERCENT), (_DEGREE, DEGREE)):
        if (match := pattern.search(text, max(0, len(text) - 24))) and _NUMERAL.fullmatch(
            text[: match.start()].strip()
        ):
            return text[: match.start()].strip(), ending
    power = _POWER.search(text, max(0, len(text) - _LONGEST_POWER))
    body = text[: power.start()].rstrip() if power else text
    exponent = int(power["digit"] or power["braced"]) if power else 1
    start, name, styled = _styled_tail(body) if body.endswith("}") else _plain_tail(body)
    value = _without_spacing(text, start)
    if not name or not (value[-1:] in _VALUE_ENDS or value.endswith("pi")) or abs(exponent) > 3:
        return text, None
    if styled and len(name) == 1 and not known(name):
        return text, None
    if not styled and not _is_unit(
        name, spaced=text[start - 1 : start + 1].startswith(" ") or text[start] == " "
    ):
        return text, None
    unit = read_unit(name, exponent)
    return (value, unit) if unit is not None else (text, None)


def _without_spacing(text: str, end: int) -> str:
    """What stands before `end`, without the spacing it ends in."""
    while spacing := next((each for each in _SPACING if text.endswith(each, 0, end)), ""):
        end -= len(spacing)
    return text[:end].removesuffix("\\")


def _styled_tail(text: str) -> tuple[int, str, bool]:
    opening = text.rfind("{")
    command = text[:opening].rstrip()
    for name in _TEXTS:
        if command.endswith(name):
            return len(command) - len(name), text[opening + 1 : -1].strip(" ~"), True
    return len(text), "", False


def _plain_tail(text: str) -> tuple[int, str, bool]:
    start = len(text)
    while start > 0 and text[start - 1] in _LETTERS:
        start -= 1
    if (start and text[start - 1] == "\\") or text.startswith("pi ", start):
        start = text.find(" ", start) if " " in text[start:] else len(text)  # behind the command
    run = text[start:].lstrip("/.")
    return len(text) - len(run), run.strip(), False


def _is_unit(name: str, *, spaced: bool) -> bool:
    words = name.replace("/", " ").split()
    if any(
        word in FUNCTIONS or word in GREEK or word in ("pi", "infinity", "i", "e", "x", "y", "z")
        for word in words
    ):
        return False
    if len(name) == 1:
        return spaced and known(name)
    if all(known(word) or word in ("square", "sq", "cubic", "per", "squared", "cubed") for word in words):
        return True
    return spaced and all(len(word) > 3 or (len(word) > 1 and known(word)) for word in words)
