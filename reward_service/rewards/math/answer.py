"""Find the expression that an answer states. Linear time.

1. The last `\\boxed{...}` or `\\fbox{...}`. Boxes joined by nothing but "and", "or" or commas are one list.
2. Else the whole answer, where it reads as an expression.
3. Else, in the last line that is not empty: what follows "answer is", "answer:" or the last `=`; the last formula
   between dollar signs; the longest expression at its end. A line that hedges ("or", "maybe", two different
   "the answer is") states no single answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reward_service.rewards.math.fast import form, meanings
from reward_service.rewards.math.limits import MAX_ANSWER, MAX_EXPRESSION, Unreadable

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_JOINED = re.compile(r"(?:[\s,;$.]|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b|\\quad|\\,)*")
_AFTER_BOX = re.compile(r"\s*\$?\s*(\\?%|percent\b|pct\b|\^\{?\\circ\}?|°|degrees\b)")
_HEDGE = re.compile(
    r"\b(?:or|maybe|perhaps|possibly|alternatively|either|might|unless|vs|versus)\b", re.IGNORECASE
)
_LEADS = (
    " answer is ",
    " answer: ",
    " answer is: ",
    " result is ",
    " is: ",
    " equals ",
    ": ",
    " is ",
    " = ",
    "=",
)
_FORMULA = re.compile(
    r"\$\$([^$]+)\$\$|\$([^$]+)\$|\\\(((?:[^\\]|\\(?!\)))+)\\\)|\\\[((?:[^\\]|\\(?!\]))+)\\\]"
)
_MARKUP = str.maketrans({"*": None, "`": None})
_EMPTY_LINES = frozenset(["", "$$", "$", "\\[", "\\]", "\\(", "\\)", "```"])
_LABEL = re.compile(
    r"(?:#+|(?:(?:the|final|my|correct) )*(?:answer|ans|result|solution)(?:(?: is)? ?:| is))(?=[\s$*\\])\s*",
    re.IGNORECASE,
)
_CLAIM = re.compile(r"\banswer(?: is)?[: ]\s*", re.IGNORECASE)
_CONNECTIVE = re.compile(
    r"(?:(?:so|thus|hence|therefore|then|finally|now|and),? +)*(?:we +(?:get|have|find|obtain),? +)?",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"[#* ]*(?:(?:the|final|my|correct) )*(?:answer|result|solution)(?: is)?[:* ]*", re.IGNORECASE
)
_RANGES = frozenset(["to", "through", "then"])
_DENIALS = frozenset(
    ["not", "never", "than", "except", "without", "least", "most", "neither", "nor", "cannot"]
)
_DENIAL_REACH = 3  # words behind it that it denies: "not equal to 5"
_LONGEST_TAIL = 200
_TAILS = 8


def whole_expression(text: str) -> str | None:
    """What the last box holds, without a box all of `text`; None where that is too long to look at."""
    text = text.strip()
    if len(text) > MAX_ANSWER:
        return None
    boxed = _boxed(text)
    return text if boxed is None else boxed


def find_expression(answer: str) -> str:
    """The text of the expression that `answer` states, stripped; "" where it states none that can be read."""
    stated = whole_expression(answer)
    if stated is None or _BOX.search(answer):
        return stated or ""
    if not stated or _contradicts(stated.splitlines()[-1][-MAX_EXPRESSION:]):
        return ""
    stated = _without_label(stated)
    lines = [_without_label(line) for line in map(str.strip, stated.splitlines()) if not _is_empty(line)]
    if _reads(stated) and (len(lines) == 1 or "\\begin" in stated):
        return stated
    if not lines:
        return ""
    if len(lines) > 1 and not any("=" in line for line in lines) and all(map(_reads, lines)):
        return ", ".join(lines)  # one answer per line is several answers, not a derivation
    hedges = _HEDGE.search(lines[-1]) is not None
    return next((text for text in _candidates(lines[-1], hedges=hedges) if _reads(text)), "")


def _without_label(line: str) -> str:
    """The line without what only announces an answer: `#### 5`, `Answer: 5`, `Thus, we get 5`."""
    label = _LABEL.match(line) or _CONNECTIVE.match(line)
    return line[label.end() :] if label else line


def _is_empty(line: str) -> bool:
    return line in _EMPTY_LINES or _HEADING.fullmatch(line) is not None


def _contradicts(line: str) -> bool:
    """Whether a line gives two different answers: "the answer is 5. The answer is 6." """
    firsts = [claim.split(maxsplit=1)[0].strip("*.,;:!") for claim in _CLAIM.split(line)[1:] if claim.strip()]
    values = {form(first) for first in firsts if any(map(str.isdigit, first)) and _reads(first)}
    return len(values) > 1


def _reads(text: str) -> bool:
    if not text or len(text) > MAX_EXPRESSION:
        return False
    try:
        meanings(text)
    except Unreadable:
        return False
    return True


def _boxed(answer: str) -> str | None:
    """The content of the last box, joined with the boxes right before it; None where there is no box."""
    boxes = list(_boxes(answer))
    if not boxes:
        return None
    start, end, content = boxes[-1]
    contents = [content]
    for before_start, before_end, before in reversed(boxes[:-1]):
        between = answer[before_end:start]
        if before_end > start or len(between) > 40 or not _JOINED.fullmatch(between):
            break
        contents.append(before)
        start = before_start
    if len(set(contents)) > 1:
        return ", ".join(reversed(contents))
    unit = _AFTER_BOX.match(answer, end)
    return content + unit[1] if unit else content


def _boxes(answer: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and content of each box; a box inside a box counts as that box's content."""
    end = 0
    for match in _BOX.finditer(answer):
        if match.start() < end:
            continue
        if answer.startswith("{", match.end()):
            end = _closing(answer, match.end())
            yield match.start(), end, answer[match.end() + 1 : end].removesuffix("}").strip()
        else:
            word = answer[match.end() :].split(maxsplit=1)[:1]
            end = match.end() + len(word[0] if word else "")
            yield match.start(), end, answer[match.end() : end].strip("$. ")


def _closing(text: str, opening: int) -> int:
    """The index behind the brace that closes the one at `opening`, or the end of the text."""
    depth = 0
    for match in _BRACE.finditer(text, opening):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(text)


def _candidates(line: str, *, hedges: bool) -> Iterator[str]:
    line = line.translate(_MARKUP).strip().rstrip(".")
    yield line
    if hedges:
        # only a list may follow: "it is 3 or 4" states both
        yield from (_after(line, lead) for lead in _LEADS[:-2] if _HEDGE.search(_after(line, lead)))
        return
    lower = " " + line.lower()
    yield from (_after(line, lead) for lead in _LEADS if lead in lower)
    if formulas := _last_formulas(line[-MAX_EXPRESSION:]):
        yield formulas
    words = line[-_LONGEST_TAIL:].split()
    for count in range(min(_TAILS, len(words) - 1), 0, -1):
        # an expression at the end counts behind prose only: "2 3" is no way to say both
        before = [word.strip(".,:;!?()").lower() for word in words[:-count]]
        ranges = before[-1] in _RANGES and any(map(str.isdigit, "".join(before[-2:-1])))
        denied = not _DENIALS.isdisjoint(before[-_DENIAL_REACH:])
        if len(before[-1]) > 1 and before[-1].isalpha() and not ranges and not denied:
            yield " ".join(words[-count:])


def _last_formulas(line: str) -> str:
    """The last formula between dollar signs, with those that are listed right before it."""
    listed: list[str] = []
    start = 0
    for match in _FORMULA.finditer(line):
        if not _JOINED.fullmatch(line[start : match.start()]):
            listed = []
        listed.append(next(filter(None, match.groups())).strip())
        start = match.end()
    return ", ".join(listed)


def _after(line: str, lead: str) -> str:
    return (
        (" " + line)[(" " + line.lower()).rfind(lead) + len(lead) :].strip()
        if lead in " " + line.lower()
        else ""
    )
