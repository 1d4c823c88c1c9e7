"""What a text may mean: words, an expression, a quantity; two meanings where a comma may be decimal."""

from __future__ import annotations

import re

from reward_service.rewards.math.limits import MAX_ANSWER
from reward_service.rewards.math.nodes import Collection, Node, Quantity, Word
from reward_service.rewards.math.notation import plain
from reward_service.rewards.math.parsing import parse
from reward_service.rewards.math.tokens import tokenize
from reward_service.rewards.math.trailing import split_unit

_DECIMAL_COMMA = re.compile(r"[-+]? ?\d+,\d+")
_WORDS = re.compile(r"[A-Za-z][A-Za-z' .-]*")
_TEXT_ONLY = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mbox) ?\{(?P<content>[^{}\d]*)\}")


def readings(text: str) -> tuple[Node, ...]:
    """What `text` may mean, the likeliest first: one node, two where a comma may be decimal (`1,5`).

    Raises Unreadable (TooLarge beyond a cap) when it means nothing.
    """
    text = plain(text).rstrip(" .,;") if len(text) <= MAX_ANSWER else text
    if word := _as_word(text):
        return (word,)
    value, unit = split_unit(text)
    nodes = [parse(value)]
    if _DECIMAL_COMMA.fullmatch(value) and isinstance(nodes[0], Collection):
        decimal = parse(value, "decimal")
        nodes = [decimal, nodes[0]] if value.lstrip("-+ ").startswith("0") else [nodes[0], decimal]
    return tuple(Quantity(node, unit) if unit is not None else node for node in nodes)


def _as_word(text: str) -> Word | None:
    """Words alone are text: "banana", "\\text{odd}", "Saturday morning"; a letter or two, "pi", "x or y" are not."""
    if match := _TEXT_ONLY.fullmatch(text):
        content = match["content"].strip().strip("()")
        return Word(content) if len(content) > 1 else None
    if not _WORDS.fullmatch(text):
        return None
    tokens = tokenize(text)[:-1]
    kinds = {token.kind for token in tokens}
    letters = kinds == {"name"} and len(tokens) == len(text) > 2  # "xyz", but not "pi"
    return Word(text) if letters or ("word" in kinds and kinds <= {"word", "name"}) else None
