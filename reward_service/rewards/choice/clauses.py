"""Statements cut into clauses, and the words that choices and verdicts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reward_service.rewards.choice.tokens import BREAKS, Token, lexicon

T = TypeVar("T")

# After these words the answer is explained or compared, no longer given.
SUBORDINATE = lexicon(
    "because since as although though while whereas unlike rather instead not except if unless than given"
)
# These begin a main clause.
COORDINATE = lexicon("and or but so therefore thus hence then however")
NEGATORS = lexicon("not never neither nor cannot hardly")
NEGATIVE = lexicon(
    "wrong incorrect false untrue inaccurate impossible unlikely invalid "
    "eliminate eliminated eliminating exclude excluded excluding reject rejected rule ruled ruling"
)
BE = lexicon(
    "is are was were be isn't aren't wasn't weren't can can't could couldn't cannot does doesn't "
    "do don't did didn't "
    "has hasn't would wouldn't will won't may might must should shouldn't seems seem looks look appears"
)
MARKERS = lexicon(
    "answer answers boxed choose select pick solution verdict conclude go going stick guess say"
)
GLUE = lexicon(
    ": = - is are was would be should must could might definitely clearly certainly surely indeed probably "
    "option options choice choices letter letters text textbf mathrm mathbf to this that question final here "
    "with therefore thus hence both only simply just either it's"
)
FILLERS = (
    GLUE
    | COORDINATE
    | MARKERS
    | lexicon(
        "/ & it this that that's these those there there's i i'd i'm we we'd my our your well also "
        "actually wait "
        "maybe perhaps possibly no sorry oh hm hmm um uh ok okay sure think believe see best most "
        "likely correct right in on of picture image photo shows show shown seen visible can you have final "
        "all together alternatively"
    )
)


@dataclass(frozen=True, slots=True)
class Clause(Generic[T]):
    """opener: the word that began it, if one did. question: its sentence ends with a question mark."""

    opener: str
    parts: tuple[T | Token, ...]
    question: bool
    first: bool

    @property
    def subordinate(self) -> bool:
        """Whether it explains or compares, so that nothing in it is the answer."""
        return self.opener in SUBORDINATE

    def words(self) -> list[str]:
        """Give the plain tokens, without what was named."""
        return [part.text for part in self.parts if isinstance(part, Token)]


def is_negator(word: str) -> bool:
    """Whether the word turns what is said into its opposite."""
    return word in NEGATORS or word.endswith("n't")


def clauses_of(parts: Sequence[T | Token]) -> list[Clause[T]]:
    """Cut at punctuation, line breaks and the words that begin clauses; empty clauses are left out.

    "not" begins a clause only directly after something named ("B not A"); after "answer is" it negates.
    """
    clauses: list[Clause[T]] = []
    questions = _questions(parts)
    opener, start = "", 0
    for index in range(len(parts) + 1):
        word = _opens(parts, index)
        if word is None:
            continue
        if index > start:
            question = questions[start]
            clauses.append(Clause(opener, tuple(parts[start:index]), question, first=not clauses))
            opener = ""
        opener = word if word not in BREAKS else ""
        start = index + 1
    return clauses


def _opens(parts: Sequence[T | Token], index: int) -> str | None:
    """Give the word or sign that ends the clause before it; "" at the end of everything."""
    if index == len(parts):
        return ""
    part = parts[index]
    if not isinstance(part, Token):
        return None
    if part.text == "\n" and index and _is_colon_or_is(parts[index - 1]):
        return None  # "Answer:" and the answer on the next line
    if part.text == "not":
        return "not" if index and not isinstance(parts[index - 1], Token) else None
    if part.text == "but" and index and _text(parts[index - 1]) in ("all", "anything", "everything"):
        return "except"
    return part.text if part.text in BREAKS or part.text in SUBORDINATE or part.text in COORDINATE else None


def _is_colon_or_is(part: T | Token) -> bool:
    return _text(part) in (":", "is", "\n")


def _text(part: T | Token) -> str:
    return part.text if isinstance(part, Token) else ""


def _questions(parts: Sequence[T | Token]) -> list[bool]:
    """Say of each part whether its sentence ends with a question mark."""
    flags = [False] * len(parts)
    question = False
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, Token) and part.text in ".!?\n":
            question = part.text == "?"
        flags[index] = question
    return flags
