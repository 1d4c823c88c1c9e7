"""The JSON lists and objects in a text, found in time linear in its length.

The slice from the first opening bracket to the last closing one is the usual case: a bare value, a code
fence, or one value in prose. Otherwise brackets are paired in one pass. What is no JSON is prose, and values
inside it are found; nesting beyond `MAX_DEPTH` is prose as well, so that no text makes this recurse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from reward_service.rewards.score import JSON

MAX_DEPTH = 8
"""Brackets in brackets; the deepest accepted answer, an object of polygons, has five."""

MAX_MARKS = 10_000
"""Brackets and quotes in a text that is not a single value; with more, nothing is read."""

NOT_A_NUMBER_LIST = "not a list of numbers"
"""Stands for a flat list that looks like numbers and is no JSON, as [1, 2, 3, +4] or [10px]."""

_TOKEN = re.compile(r'"(?:[^"\\\n]++|\\.)*+"?|[\[{\]}]')
_OPENING = re.compile(r"[\[{]")
_NUMBERS_ONLY = re.compile(r"\[[\s,;]*+(?:[-+]?\.?(?:\d[\w.%+-]*+|null)[\s,;]*+)++\]?")
# Numbers that JSON lacks or that are beyond a double: they become null, which is no coordinate either.
_NOT_FINITE = re.compile(
    r"(?<=[\[(,:\s])[-+]?(?i:nan|inf(?:inity)?)(?=[\s,)\]}])"
    r"|(?<![\w.+-])-?(?:\d++(?:\.\d++)?+[eE]\+?\d{3,}+|\d{309,}+(?:\.\d++)?+)"
)


class Found(NamedTuple):
    """The values of a text in order; `complete` is false where a bracket was opened and never closed."""

    values: list[JSON]
    complete: bool = True


@dataclass(slots=True)
class _Span:
    start: int
    end: int = -1
    height: int = 1
    inside: list[_Span] = field(default_factory=list)


def find_values(text: str) -> Found:
    """All outermost JSON lists and objects of `text`; `NOT_A_NUMBER_LIST` for what only looks like one."""
    starts = [at for at in (text.find("["), text.find("{")) if at >= 0]
    if not starts:
        return Found([])
    start, end = min(starts), max(text.rfind("]"), text.rfind("}")) + 1
    value = parse(text[start:end])
    if value is not None:
        return Found([value])
    if sum(map(text.count, '[]{}"')) > MAX_MARKS:
        return Found([])
    text = without_non_finite(text[start:])
    spans, unclosed = _pair_brackets(text)
    values = [value for span in spans for value in _read_span(text, span)]
    if unclosed is not None and _NUMBERS_ONLY.fullmatch(text, unclosed):
        values.append(NOT_A_NUMBER_LIST)
    return Found(values, complete=unclosed is None)


def parse(text: str) -> JSON:
    """`text` as JSON, also with single quotes throughout, as Python writes them; None where it is neither."""
    try:
        value: JSON = orjson.loads(text)
    except orjson.JSONDecodeError:
        if "'" not in text or '"' in text:
            return None
        return parse(text.replace("'", '"'))
    return value


def without_non_finite(text: str) -> str:
    """`text` with NaN, infinities and numbers beyond a double, in any usual writing, as null."""
    return _NOT_FINITE.sub(_null_if_not_finite, text)


def _null_if_not_finite(match: re.Match[str]) -> str:
    number = match[0]
    return number if abs(float(number)) < float("inf") else "null"


def _pair_brackets(text: str) -> tuple[list[_Span], int | None]:
    """Outermost spans of paired brackets up to `MAX_DEPTH` high, and where the last unpaired one opens."""
    outermost: list[_Span] = []
    open_spans: list[_Span] = []
    position = 0
    while match := (_TOKEN if open_spans else _OPENING).search(text, position):
        position = match.end()
        kind = text[match.start()]
        if kind in "[{":
            open_spans.append(_Span(match.start()))
        elif kind in "]}":
            _close(open_spans, outermost, position)
    for span in open_spans:
        outermost.extend(span.inside)
    outermost.sort(key=lambda span: span.start)
    return outermost, open_spans[-1].start if open_spans else None


def _close(open_spans: list[_Span], outermost: list[_Span], end: int) -> None:
    span = open_spans.pop()
    span.end = end
    if span.height > MAX_DEPTH:
        outermost.extend(span.inside)
    elif open_spans:
        open_spans[-1].inside.append(span)
    else:
        outermost.append(span)
    if open_spans:
        open_spans[-1].height = max(open_spans[-1].height, span.height + 1)


def _read_span(text: str, span: _Span) -> Iterator[JSON]:
    value = parse(text[span.start : span.end])
    if value is not None:
        yield value
    elif span.inside:
        for inner in span.inside:
            yield from _read_span(text, inner)
    elif _NUMBERS_ONLY.fullmatch(text, span.start, span.end):
        yield NOT_A_NUMBER_LIST
