"""The answer in a completion: one place that every reward reads through.

Completions follow `<think>...</think><answer>...</answer>`. What is read, in this order:

1. the last complete answer block outside the reasoning (of nested blocks, the one that closes last);
2. else the text after the last answer tag that was never closed, without a closing tag cut short at the end;
3. else all the text outside the reasoning, without stray answer and think tags.

What is reasoning, decided before any answer tag is looked at, so an answer tag in there means nothing:

- a think block, with everything nested in it; `<thinking>` (Curr-ReFT's rows write it so) is the same tag;
- everything after a `<think>` that no `</think>` follows: an unfinished thought is no answer;
- everything before a first `</think>` that nothing opened: chat templates put `<think>` into the prompt;
- of two openings that share one closing tag, everything from the first to that closing tag.

Think blocks inside an answer are cut out of it. Where something is cut out, a line break is left. Tags are
read in any case (the format wants them lower-case), special tokens at the end of the completion or of the
answer are dropped, and lone surrogates become U+FFFD, so that an answer can always be written as UTF-8. Every
pass is linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from reward_service.rewards.score import JSON

Source = Literal["answer", "unclosed", "text"]

# Only fixed strings, nothing repeated: the expression cannot backtrack, so splitting is one linear pass.
_TAG = re.compile(r"(<think>|</think>|<thinking>|</thinking>|<answer>|</answer>)", re.IGNORECASE | re.ASCII)
_THINK, _END_THINK = ("<think>", "<thinking>"), ("</think>", "</thinking>")
_ANSWER, _END_ANSWER = "<answer>", "</answer>"
_FORMAT = ["<think>", "</think>", _ANSWER, _END_ANSWER]
_SPECIAL_TOKENS = (
    "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|eos|>",
    "<|pad|>", "<|return|>", "</s>", "<s>", "<eos>", "<pad>", "<end_of_turn>", "<end_of_utterance>",
    "<turn|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|end_of_sentence|>", "[EOS]", "[PAD]",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What a completion says.

    answer: the text to judge, stripped; empty where nothing outside the reasoning was said. source: a
    complete block, an unclosed answer tag, or the bare text. reasoning: the text inside the reasoning,
    stripped. formatted: exactly one think block with something in it, then exactly one answer block, nothing
    but white space around; tags that the reasoning or the answer mention make it another number of blocks.
    """

    answer: str
    source: Source
    reasoning: str
    formatted: bool


def text_of(completion: str | Sequence[Mapping[str, JSON]]) -> str:
    """Give the text of a completion: the string itself, or the text of the last assistant message.

    Content parts of type `text` are joined without a separator, other parts are passed over. A conversation
    in which the assistant says nothing is the empty text.
    """
    if isinstance(completion, str):
        return completion
    for message in reversed(completion):
        if message.get("role") == "assistant":
            return _content_text(message.get("content"))
    return ""


def _content_text(content: JSON) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def read(text: str) -> Reading:
    """Read a completion's text by the rules at the top of this module; never raises, linear in the length."""
    pieces = _TAG.split(_strip_specials(_valid_unicode(text)))
    texts, tags = pieces[0::2], pieces[1::2]
    hidden = _hidden([tag.lower() for tag in tags])
    answer, source = _answer(texts, [tag.lower() for tag in tags], hidden)
    reasoning = "\n".join(part for part, inside in zip(texts, hidden, strict=True) if inside)
    return Reading(_strip_specials(answer), source, reasoning.strip(), _is_formatted(texts, tags))


def read_reference(text: str) -> str:
    """Give a reference's answer: its complete answer block where it carries one, else the stripped text."""
    reading = read(text)
    return reading.answer if reading.source == "answer" else _strip_specials(_valid_unicode(text))


def _valid_unicode(text: str) -> str:
    """Join surrogate pairs and replace lone ones, which no UTF-8 text can hold."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _strip_specials(text: str) -> str:
    """Strip white space, and special tokens from the end; an index moves, for slices would be quadratic."""
    end = len(text)
    while end:
        if text[end - 1].isspace():
            end -= 1
        elif text.endswith(_SPECIAL_TOKENS, 0, end):
            end -= next(len(token) for token in _SPECIAL_TOKENS if text.endswith(token, 0, end))
        else:
            break
    return text[:end].strip()


def _hidden(tags: list[str]) -> list[bool]:
    """Say of each text piece whether it is reasoning; piece i stands before tag i, the last one after all."""
    edges = [0] * (len(tags) + 2)
    opened: list[int] = []
    closings: list[int] = []
    any_think = False
    for index, tag in enumerate(tags):
        if tag in _THINK:
            opened.append(index)
        elif tag in _END_THINK:
            closings.append(index)
            if opened:
                _mark(edges, opened.pop() + 1, index)
            elif not any_think:
                _mark(edges, 0, index)
        any_think = any_think or tag in _THINK or tag in _END_THINK
    for index in opened:
        following = bisect_right(closings, index)
        _mark(edges, index + 1, closings[following] if following < len(closings) else len(tags))
    return [depth > 0 for depth in accumulate(edges)][:-1]


def _mark(edges: list[int], first: int, last: int) -> None:
    edges[first] += 1
    edges[last + 1] -= 1


def _answer(texts: list[str], tags: list[str], hidden: list[bool]) -> tuple[str, Source]:
    opened: list[int] = []
    block: tuple[int, int] | None = None
    for index, tag in enumerate(tags):
        if hidden[index]:  # only think tags change the side: it lies where the piece before it lies
            continue
        if tag == _ANSWER:
            opened.append(index)
        elif tag == _END_ANSWER and opened:
            block = (opened.pop(), index)

    def said(first: int, last: int) -> str:
        return "\n".join(texts[i] for i in range(first, last + 1) if texts[i] and not hidden[i])

    if block:
        return said(block[0] + 1, block[1]), "answer"
    if opened:
        return _drop_cut_tag(said(opened[-1] + 1, len(tags))), "unclosed"
    return said(0, len(tags)), "text"


def _drop_cut_tag(text: str) -> str:
    """Drop a closing tag that the length limit cut short: `B</ans`."""
    start = text.rfind("</", max(0, len(text) - len(_END_ANSWER)))
    return text[:start] if start >= 0 and _END_ANSWER.startswith(text[start:].lower()) else text


def _is_formatted(texts: list[str], tags: list[str]) -> bool:
    if tags != _FORMAT:
        return False
    before, reasoning, between, _, after = texts
    return bool(reasoning.strip()) and not (before.strip() or between.strip() or after.strip())
