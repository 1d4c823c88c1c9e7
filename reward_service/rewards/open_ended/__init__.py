"""Open-ended: a text, a set of labels, or a count.

- `text`: accuracy 1 where the answer equals the reference, or any reference of a list, once case, white
  space, articles, final punctuation, Unicode's compatible spellings and quotes around the whole are put
  aside; else 0. A text that only contains the reference scores 0.
- `labels`: |P and R| / |P or R| over the sets of labels that answer and reference name with commas,
  semicolons or line breaks between, or as a JSON list. A label is a whole: "light traffic" is not "traffic
  light", "cat and dog" is one label. Nothing named where nothing is to be named is 1, but a missing answer
  is 0: the answer block must be there, or say "none" or "[]".
- `count`: 1 where the one number that the answer names, in digits or in words, equals the reference, else 0.
  The same number twice is one number, different ones are a hedge and score 0. "3.0" is 3, "no" before a noun
  is 0.

Limit: an answer of more than 8,000 characters scores 0, in every kind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from reward_service.rewards.open_ended.numerals import numbers_in
from reward_service.rewards.open_ended.wordings import labels_in, labels_of, normal_text, strings_in_json
from reward_service.rewards.reading import Reading, read_reference
from reward_service.rewards.score import InvalidReference, Judgement

MAX_ANSWER = 8_000
Match = Literal["text", "labels", "count"]
ReferenceShape = str | int | float | list[str]


@dataclass(frozen=True, slots=True)
class Options:
    """match: how the answer is compared: `text` for equality, `labels` for overlap of sets, `count` for a
    number.
    """

    match: Match = "text"


@dataclass(frozen=True, slots=True)
class Reference:
    """What is right. accepted: of `text`, any of them; labels: of `labels`; number: of `count`. answer:
    scores 1.
    """

    match: Match
    answer: str
    accepted: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    number: Fraction = Fraction(0)


def prepare(reference: ReferenceShape, options: Options) -> Reference:
    """Parse a reference: a text, a number, or a list (of `text` any of them, of `labels` all of them).

    A string that holds a JSON list of strings is that list. Raises InvalidReference where there is no text to
    equal, or not exactly one number to count to.
    """
    value = read_reference(reference) if isinstance(reference, str) else reference
    listed = strings_in_json(value) if isinstance(value, str) else None
    texts = listed if listed is not None else value if isinstance(value, list) else [str(value)]
    if options.match == "labels":
        labels = labels_in(texts) if listed is not None or isinstance(value, list) else labels_of(str(value))
        return Reference("labels", json.dumps(sorted(labels), ensure_ascii=False), labels=labels)
    if options.match == "count":
        return _counted(texts)
    accepted = frozenset(normal_text(text) for text in texts)
    if not accepted or "" in accepted or any(len(text) > MAX_ANSWER for text in texts):
        raise InvalidReference(
            "the reference has an empty text or one of over 8,000 characters; expected a text"
        )
    return Reference("text", texts[0], accepted=accepted)


def judge(reading: Reading, reference: Reference, options: Options) -> Judgement:
    """Score an answer against the reference; accuracy in [0, 1], never raises."""
    if len(reading.answer) > MAX_ANSWER:
        return Judgement(0.0, None, f"The answer is longer than {MAX_ANSWER} characters.")
    if reading.source != "answer" and not reading.answer:
        return Judgement(0.0, None, "There is no answer outside the reasoning.")
    if reference.match == "labels":
        return _judge_labels(labels_of(reading.answer), reference.labels)
    if reference.match == "count":
        return _judge_count(reading.answer, reference.number)
    right = normal_text(reading.answer) in reference.accepted
    return Judgement(
        float(right), reading.answer, f"The text is {'equal to' if right else 'not'} the reference."
    )


def as_answer(reference: Reference) -> str:
    """Give an answer that scores 1."""
    return reference.answer


def _counted(texts: list[str]) -> Reference:
    numbers = numbers_in(texts[0]) if len(texts) == 1 and len(texts[0]) <= MAX_ANSWER else None
    if not numbers or len(numbers) > 1:
        raise InvalidReference(
            f"expected one number such as '3' or 'three' to count to, got {str(texts)[:80]}"
        )
    return Reference("count", texts[0], number=next(iter(numbers)))


def _judge_labels(named: frozenset[str], expected: frozenset[str]) -> Judgement:
    both, either = len(named & expected), len(named | expected)
    accuracy = both / either if either else 1.0
    return Judgement(
        accuracy, sorted(named), f"{both} of {either} labels are in both the answer and the reference."
    )


def _judge_count(answer: str, expected: Fraction) -> Judgement:
    numbers = numbers_in(answer)
    if not numbers:
        return Judgement(0.0, None, "No number was read in the answer.")
    shown = sorted(float(number) for number in numbers)
    if len(shown) > 1:
        return Judgement(0.0, list(shown), f"{len(shown)} different numbers are no answer to how many.")
    right = expected in numbers
    return Judgement(float(right), shown[0], f"The number is {'equal to' if right else 'not'} the reference.")
