"""Choice: yes or no, one choice, or a set of choices.

Binary and single: accuracy 1 for the reference's answer, else 0. Multiple: 1 for exactly the reference's set,
`partial_credit` for a part of it that is neither empty nor all, else 0; order and repetition mean nothing.

The answer is what is stated ("the answer is B", a boxed B) or what leads ("B because A is wrong", "Yes,
because there is no other dog"). Two different answers to a question with one are a hedge and score 0,
alternatives ("A or C") also where several are right, and so does a letter together with the text of another
choice ("B. a blue car"). Choices are named by letter, in any case and style ("(B)", "B.", "Option B",
"**B**", "A and C", "AC" where several may be right), or by their text without regard to case, articles and
final punctuation; a text within other words ("a dark blue car") names nothing. An article "a" is no letter.
A text that is another choice's label is read as the label. Negation counts: "not correct" is no, "not B" is
no B. How statements are read is written at the top of `claims` and `verdict`.

Limit: an answer of more than 8,000 characters is no choice and scores 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from reward_service.rewards.choice.claims import claimed, listed
from reward_service.rewards.choice.verdict import verdicts
from reward_service.rewards.choice.vocabulary import Vocabulary, phrase_of, vocabulary_of, vocabulary_of_texts
from reward_service.rewards.reading import Reading, read_reference
from reward_service.rewards.score import InvalidReference, Judgement

MAX_ANSWER = 8_000
ReferenceShape = bool | str | list[str]
_BINARY = {"yes": True, "true": True, "correct": True, "no": False, "false": False, "incorrect": False}


@dataclass(frozen=True, slots=True)
class Options:
    """kind: what is asked for; `auto` takes it from the reference: true, false, "yes" and "no" are binary,
    a list or several letters multiple, all else single. choices: the texts, by letter or in the order of
    the letters from A; without them every letter is a choice. partial_credit: for a part of the set, in [0,
    1].
    """

    kind: Literal["auto", "binary", "single", "multiple"] = "auto"
    choices: dict[str, str] | list[str] | None = None
    partial_credit: Annotated[float, Ge(0), Le(1)] = 0.2


@dataclass(frozen=True, slots=True)
class Reference:
    """The right answer. verdict: of a binary question. labels: of the right choices, where it is not
    binary.
    """

    kind: Literal["binary", "single", "multiple"]
    verdict: bool
    labels: frozenset[str]
    vocabulary: Vocabulary


def prepare(reference: ReferenceShape, options: Options) -> Reference:
    """Parse a reference: a bool, "yes" or "no", a letter, a choice's text, or several as a list or as "A, C".

    Raises InvalidReference where it names no choice or does not fit the kind, BadField for unusable choices.
    """
    vocabulary = vocabulary_of(options.choices)
    value = _from_json(read_reference(reference)) if isinstance(reference, str) else reference
    verdict = value if isinstance(value, bool) else _binary(value)
    if options.kind in ("auto", "binary") and verdict is not None:
        label = _label_of_verdict(verdict, vocabulary) if options.kind == "auto" else None
        if label is None:
            return Reference("binary", verdict, frozenset(), vocabulary)
        return Reference("single", False, frozenset({label}), vocabulary)
    if options.kind == "binary" or isinstance(value, bool):
        raise InvalidReference(
            f"{value!r} is no answer to a {options.kind} question; expected {_expected(options.kind)}"
        )
    return _of_labels(value, options, vocabulary)


def judge(reading: Reading, reference: Reference, options: Options) -> Judgement:
    """Score what was answered against the reference; accuracy in [0, 1], never raises."""
    if len(reading.answer) > MAX_ANSWER:
        return Judgement(0.0, None, f"The answer is longer than {MAX_ANSWER} characters, so it is no choice.")
    if reference.kind == "binary":
        return _judge_binary(reading.answer, reference.verdict)
    claim = claimed(reading.answer, reference.vocabulary, run_together=reference.kind == "multiple")
    if not claim.labels:
        return Judgement(0.0, None, "No choice was read in the answer.")
    if claim.doubtful:
        return Judgement(
            0.0, list(claim.labels), f"{', '.join(claim.labels)}: given as one of several alternatives."
        )
    if reference.kind == "single":
        return _judge_single(claim.labels, reference.labels)
    return _judge_multiple(claim.labels, reference.labels, options.partial_credit)


def as_answer(reference: Reference) -> str:
    """Give an answer that scores 1: yes or no, a label, or labels with semicolons between."""
    if reference.kind == "binary":
        return "yes" if reference.verdict else "no"
    return "; ".join(sorted(reference.labels))


def _judge_binary(answer: str, expected: bool) -> Judgement:
    said = verdicts(answer)
    if len(said) != 1:
        return Judgement(
            0.0, None, "Both yes and no are answered." if said else "Neither yes nor no is answered."
        )
    word = "yes" if True in said else "no"
    right = expected in said
    return Judgement(float(right), word, f"The answer is {word}, which is {'right' if right else 'wrong'}.")


def _judge_single(labels: Sequence[str], expected: frozenset[str]) -> Judgement:
    if len(labels) > 1:
        return Judgement(
            0.0, list(labels), f"{', '.join(labels)} are several answers to a question with one."
        )
    right = expected.issuperset(labels)
    return Judgement(
        float(right), labels[0], f"The answer is {labels[0]}, which is {'right' if right else 'wrong'}."
    )


def _judge_multiple(labels: Sequence[str], expected: frozenset[str], partial_credit: float) -> Judgement:
    answer, named = sorted(labels), ", ".join(sorted(labels))
    if expected == set(labels):
        return Judgement(1.0, answer, f"{named} is exactly the right set.")
    if expected.issuperset(labels):
        return Judgement(float(partial_credit), answer, f"{named} is a part of the right set.")
    return Judgement(0.0, answer, f"{named} contains a wrong choice.")


def _from_json(text: str) -> bool | str | list[str]:
    """Read a JSON list of strings; any other text stays as it is."""
    if text.startswith("[") and len(text) <= MAX_ANSWER:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return value
    return text


def _binary(value: str | list[str]) -> bool | None:
    words = phrase_of(value) if isinstance(value, str) else ()
    return _BINARY.get(words[0]) if len(words) == 1 else None


def _label_of_verdict(verdict: bool, vocabulary: Vocabulary) -> str | None:
    """Give the choice whose text is the verdict: with the choices {"A": "Yes", "B": "No"} the answer is a
    letter.
    """
    named = {
        label
        for phrase, label in vocabulary.phrases
        if len(phrase) == 1 and _BINARY.get(phrase[0]) is verdict
    }
    return named.pop() if len(named) == 1 else None


def _of_labels(value: str | list[str], options: Options, vocabulary: Vocabulary) -> Reference:
    texts = value if isinstance(value, list) else [value]
    if options.choices is None and any(_labels(text, vocabulary, options.kind) is None for text in texts):
        vocabulary = vocabulary_of_texts(texts)
    labels: set[str] = set()
    for text in texts:
        named = _labels(text, vocabulary, options.kind)
        if named is None or not all(vocabulary.knows(label) for label in named):
            raise InvalidReference(
                f"{text[:80]!r} is none of the choices; expected {_expected(options.kind)}"
            )
        labels |= named
    several = isinstance(value, list) or len(labels) > 1
    kind = options.kind if options.kind in ("single", "multiple") else ("multiple" if several else "single")
    if not labels or (kind == "single" and len(labels) > 1):
        raise InvalidReference(
            f"{len(labels)} choices are right; expected {'one' if kind == 'single' else 'at least one'}"
        )
    return Reference("single" if kind == "single" else "multiple", False, frozenset(labels), vocabulary)


def _labels(text: str, vocabulary: Vocabulary, kind: str) -> frozenset[str] | None:
    return listed(text, vocabulary, run_together=kind != "single")


def _expected(kind: str) -> str:
    if kind == "binary":
        return "true, false, 'yes' or 'no'"
    return "a letter of the choices or the text of one (options.choices gives them), or a list of those"
