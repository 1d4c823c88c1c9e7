"""Which choices a statement gives as its answer.

A statement is read in three tiers, and the first that names anything decides:

1. stated: "the answer is B", "B is correct", "I choose B", a boxed B; and the leading answer with it;
2. given: the answer that leads ("B because A is wrong"), and clauses that say nothing but an answer ("or C")
   or end by saying that something is what one choice's text says ("the car is red");
3. mentioned: letters in upper case anywhere else ("option B matches the picture").

All that the deciding tier names counts, so two answers are two answers. A clause that denies ("not A", "A is
wrong") names nothing, nor does one that explains ("because A is red") or asks ("is it A?").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reward_service.rewards.choice.clauses import (
    BE,
    COORDINATE,
    FILLERS,
    GLUE,
    MARKERS,
    NEGATIVE,
    SUBORDINATE,
    Clause,
    clauses_of,
    is_negator,
)
from reward_service.rewards.choice.tokens import BREAKS, Token, lexicon, tokens_of
from reward_service.rewards.choice.vocabulary import Name, Vocabulary

_POSITIVE = lexicon("correct right true answer best accurate valid")
_DOUBTS = lexicon("wait actually maybe perhaps possibly alternatively no sorry either")
_JOINERS = lexicon("and or vs versus & / + , ; : -") | {"\n"}
_ALTERNATIVES = frozenset({"or", "vs", "versus"})
_BEFORE_GROUP = lexicon("both either neither only option options choice choices letter letters")


@dataclass(frozen=True, slots=True)
class Group:
    """Choices named together. either: as alternatives, with "or". capital: all as letters in upper case."""

    labels: tuple[str, ...]
    either: bool
    capital: bool
    letter: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What a statement answers. labels: in the order named, each once. doubtful: as alternatives or
    corrected.
    """

    labels: tuple[str, ...]
    doubtful: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one clause answers. open_ended: another alternative stands before or after it, with "or"
    between.
    """

    clause: Clause[Group]
    open_ended: bool
    groups: Sequence[Group] = ()
    doubted: bool = False


def claimed(text: str, vocabulary: Vocabulary, run_together: bool = False) -> Claim:
    """Read which choices the text answers; run_together: whether "AC" may be A and C. Linear in the
    length.
    """
    clauses = clauses_of(_grouped(vocabulary.names(tokens_of(text), run_together)))
    asserted = [clause for clause in clauses if not clause.question] or clauses
    answers = [
        _Answer(clause, open_ended="or" in (clause.opener, following.opener if following else ""))
        for clause, following in zip(asserted, [*asserted[1:], None], strict=False)
        if _groups(clause) and not clause.subordinate and not _denies(clause)
    ]
    leading = [replace(each, groups=_leading(each.clause)) for each in answers if each.clause is clauses[0]]
    stated = [replace(each, groups=_stated(each.clause)) for each in answers]
    if any(each.groups for each in stated):
        return _claim(leading + stated)
    pure = [each for each in answers if _says_nothing_else(each.clause) or _says_what_is(each.clause)]
    given = leading + [
        replace(each, groups=_groups(each.clause), doubted=_doubts(each.clause)) for each in pure
    ]
    if any(each.groups for each in given):
        return _claim(given)
    return _claim([replace(each, groups=[g for g in _groups(each.clause) if g.capital]) for each in answers])


def listed(text: str, vocabulary: Vocabulary, run_together: bool) -> frozenset[str] | None:
    """Read a reference: the choices it names, or None where it says anything else besides."""
    parts = _grouped(vocabulary.names(tokens_of(text), run_together))
    plain = [part.text for part in parts if isinstance(part, Token)]
    named = {label for part in parts if isinstance(part, Group) for label in part.labels}
    either = any(isinstance(part, Group) and part.either for part in parts)
    allowed = FILLERS | BREAKS
    return frozenset(named) if named and not either and all(word in allowed for word in plain) else None


def _claim(answers: Sequence[_Answer]) -> Claim:
    given = [answer for answer in answers if answer.groups]
    groups = [group for answer in given for group in answer.groups]
    labels = tuple(dict.fromkeys(label for group in groups for label in group.labels))
    several = len(labels) > 1 and any(
        [group.either for group in groups] + [answer.doubted for answer in given]
    )
    return Claim(labels, several or any(answer.open_ended for answer in given))


def _groups(clause: Clause[Group]) -> list[Group]:
    return [part for part in clause.parts if isinstance(part, Group)]


def _denies(clause: Clause[Group]) -> bool:
    return any(is_negator(word) or word in NEGATIVE for word in clause.words())


def _says_nothing_else(clause: Clause[Group]) -> bool:
    """Whether the clause is an answer and fillers; of "B is a blue car" the letter is the subject."""
    described = any(
        isinstance(part, Group) and part.letter and _text(after) in BE
        for part, after in pairwise(clause.parts)
    )
    return not described and all(word in FILLERS for word in clause.words())


def _says_what_is(clause: Clause[Group]) -> bool:
    """Whether the clause ends by saying that something is what one choice's text says: "the car is red"."""
    if len(clause.parts) < 2 or len(groups := _groups(clause)) > 1:
        return False
    before, last = clause.parts[-2:]
    return isinstance(last, Group) and not groups[0].letter and _text(before) in BE


def _doubts(clause: Clause[Group]) -> bool:
    return any(word in _DOUBTS for word in clause.words())


def _leading(clause: Clause[Group]) -> list[Group]:
    """Give the group that the clause begins with, unless it is the subject of what follows ("A is a dog")."""
    index = 0
    while index < len(clause.parts) and _text(clause.parts[index]) in FILLERS:
        index += 1
    if index == len(clause.parts) or not isinstance(group := clause.parts[index], Group):
        return []
    following = _text(clause.parts[index + 1]) if index + 1 < len(clause.parts) else ""
    free = following not in BE if group.letter else following in ("", ":", "-")
    return [group] if free else []


def _stated(clause: Clause[Group]) -> list[Group]:
    """Give the groups after a marker ("answer is B"), and those of which the clause says that they are
    right.
    """
    found: list[Group] = []
    after_marker = False
    for index, part in enumerate(clause.parts):
        if isinstance(part, Group):
            rest = [_text(each) for each in clause.parts[index + 1 :]]
            affirmed = bool(rest) and rest[0] in BE and not _POSITIVE.isdisjoint(rest)
            if after_marker or affirmed:
                found.append(part)
            after_marker = False
        else:
            after_marker = part.text in MARKERS or (after_marker and (part.text in GLUE or part.text == "\n"))
    return found


def _text(part: Group | Token) -> str:
    return part.text if isinstance(part, Token) else "\0"


def _grouped(parts: Sequence[Name | Token]) -> list[Group | Token]:
    """Join names that stand together: "A, C", "A and C", "(A)(C)", "B. a red car"."""
    grouped: list[Group | Token] = []
    index = 0
    denied = False
    while index < len(parts):
        part = parts[index]
        if isinstance(part, Token):
            grouped.append(part)
            denied = part.text not in BREAKS and (denied or is_negator(part.text))
            index += 1
            continue
        end = index + 1
        opens = not grouped or _is_opening(grouped[-1])
        while (following := _joined(parts, end, opens, denied)) is not None:
            end = following + 1
        grouped.append(_group(parts[index:end]))
        index = end
    return grouped


def _is_opening(part: Group | Token) -> bool:
    word = _text(part)
    return word in BREAKS or word in SUBORDINATE or word in COORDINATE or word in _BEFORE_GROUP


def _group(parts: Sequence[Name | Token]) -> Group:
    names = [part for part in parts if isinstance(part, Name)]
    labels = tuple(dict.fromkeys(label for name in names for label in name.labels))
    either = any(isinstance(part, Token) and part.text in _ALTERNATIVES for part in parts)
    return Group(labels, either, all(name.capital for name in names), all(name.letter for name in names))


def _joined(parts: Sequence[Name | Token], index: int, opens: bool, denied: bool) -> int | None:
    """Give the index of the next name of the group whose last name stands before `index`; None where it ends.

    A name after a comma joins only where nothing is said about it ("B, A is wrong") and nothing is denied
    before it ("not A, B"); after "and" or "or" also where the group begins its clause ("A and C are
    correct").
    """
    start, joiners = index, set[str]()
    while index < len(parts) and isinstance(part := parts[index], Token) and part.text in _JOINERS:
        joiners.add(part.text)
        index += 1
    previous = parts[start - 1]
    if index == start and index < len(parts) and _is_full_stop_of_letter(parts, index):
        return index + 1
    if index >= len(parts) or isinstance(parts[index], Token) or not isinstance(previous, Name):
        return None
    apart = bool(joiners.intersection(",;\n"))
    joins = not (apart and denied) and (_is_closed(parts, index + 1) or (opens and not apart))
    return index if joins else None


def _is_full_stop_of_letter(parts: Sequence[Name | Token], index: int) -> bool:
    """Whether the part is the full stop between a letter and the text of its choice: "B. a red car"."""
    letter, stop = parts[index - 1], parts[index]
    text = parts[index + 1] if index + 1 < len(parts) else None
    is_stop = isinstance(stop, Token) and stop.text == "."
    return (
        is_stop and isinstance(letter, Name) and letter.letter and isinstance(text, Name) and not text.letter
    )


def _is_closed(parts: Sequence[Name | Token], index: int) -> bool:
    if index == len(parts) or not isinstance(part := parts[index], Token):
        return True
    return part.text in BREAKS or part.text in _JOINERS or part.text in SUBORDINATE or part.text in COORDINATE
