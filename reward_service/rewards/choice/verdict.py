"""Whether a statement says yes or no.

The stated answer ("the answer is no", a boxed yes) and the leading word decide, together with clauses that
say nothing but yes or no ("or no", "actually, no"); only where there are none, what the sentences say ("that
is not correct", "I would say yes"). "No" before a noun ("no other dog") is no answer unless it leads.
Negation turns a word round. "Right" counts like "correct", but not as a direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reward_service.rewards.choice.clauses import (
    BE,
    FILLERS,
    GLUE,
    MARKERS,
    SUBORDINATE,
    Clause,
    clauses_of,
    is_negator,
)
from reward_service.rewards.choice.tokens import BREAKS, Token, lexicon, tokens_of

_WORDS = {"yes": True, "yeah": True, "yep": True, "yup": True, "no": False, "nope": False, "nah": False}
_ADJECTIVES = {
    "true": True, "correct": True, "right": True, "accurate": True,
    "false": False, "incorrect": False, "wrong": False, "untrue": False, "inaccurate": False,
}  # fmt: skip
_INITIALS = {"y": True, "n": False, "t": True, "f": False}
_NO_NOUN = BREAKS | lexicon(
    "it it's that that's this they he she there there's i i'm i'd we you is are was and or but "
    "because since as for "
    "so if when not yes maybe wait actually sorry to in on at with from only too also indeed then "
    "depending though "
    "although given due according : - / = & % +"
)
_NOUNS_OF_CLAIMS = lexicon("answer statement claim description assertion caption sentence solution")
_LINKS = BE | lexicon("it's that's i'm there's what's he's she's remains sounds think believe")
_ADVERBS = lexicon(
    "absolutely actually also clearly certainly completely definitely entirely indeed factually "
    "just only quite really "
    "surely totally very simply in fact partly"
)
_EMPHATIC = lexicon("absolutely certainly definitely surely indeed course")
_EMPHASIS = _EMPHATIC | _ADVERBS | lexicon("of at all i do think believe")
_LEADS_IN = _ADVERBS | lexicon("well so hm hmm oh ok okay um uh i think believe say would i'd my guess sure")
_BETWEEN = GLUE | MARKERS | _ADVERBS | {"\n"}
_PURE = FILLERS | _ADVERBS | lexicon("neither")


@dataclass(frozen=True, slots=True)
class _Verdict:
    index: int
    value: bool
    adjective: bool
    named: bool = True  # False: an adjective or a "no" before its noun


def verdicts(text: str) -> frozenset[bool]:
    """Read which of yes (True) and no (False) the text answers: none, one, or both. Linear in the length."""
    tokens = tokens_of(text)
    words = [token for token in tokens if token.is_word]
    if len(words) == 1 and words[0].text in _INITIALS:
        return frozenset({_INITIALS[words[0].text]})
    clauses: list[Clause[Token]] = clauses_of(_alternatives(tokens))
    asserted = [clause for clause in clauses if not clause.question] or clauses
    main = [clause for clause in asserted if not clause.subordinate]
    leading = [value for clause in main[:1] if clause.first for value in _leading(clause)]
    stated = [value for clause in main for value in _stated(clause)]
    pure = [value for clause in main for value in _pure(clause)]
    given = leading + (stated or pure)
    said = given or [value for clause in main for value in _said(clause)]
    return frozenset(said) if said else _emphasised(main)


def _emphasised(clauses: Sequence[Clause[Token]]) -> frozenset[bool]:
    """Give the verdict of a text that is nothing but emphasis: "definitely not" is no, "of course" is yes."""
    texts = [text for clause in clauses for text in _texts(clause)]
    negations = sum(map(is_negator, texts))
    if not negations and _EMPHATIC.isdisjoint(texts):
        return frozenset()
    if any(text not in _EMPHASIS and not is_negator(text) for text in texts):
        return frozenset()
    return frozenset({negations % 2 == 0})


def _alternatives(tokens: Sequence[Token]) -> list[Token]:
    """Keep "yes or no", "true and false" and "correct or not" in one clause, as if a stroke stood between."""
    texts = [token.text for token in tokens] + [".", "."]
    joined = list(tokens)
    for index in range(1, len(tokens) - 1):
        following, after = texts[index + 1], texts[index + 2]
        if texts[index] not in ("or", "and") or not _is_verdict(texts[index - 1]):
            continue
        closed = after in BREAKS or after in SUBORDINATE
        if _is_verdict(following) and (following != "no" or after in _NO_NOUN):
            joined[index] = replace(tokens[index], text="/")
        elif following == "not" and closed:
            joined[index : index + 2] = [replace(tokens[index], text="/"), replace(tokens[index], text="no")]
    return joined


def _is_verdict(text: str) -> bool:
    return text in _WORDS or text in _ADJECTIVES


def _texts(clause: Clause[Token]) -> list[str]:
    return clause.words()


def _found(texts: Sequence[str]) -> list[_Verdict]:
    """Find the words of a clause that say yes or no; those that only describe a noun are marked."""
    found: list[_Verdict] = []
    negated = False
    if "nor" in texts:
        return found  # "neither yes nor no"
    for index, text in enumerate(texts):
        following = texts[index + 1] if index + 1 < len(texts) else "."
        before_noun = following not in _NO_NOUN and following not in _WORDS and following not in _ADJECTIVES
        if text in _WORDS:
            named = text != "no" or not before_noun
            found.append(_Verdict(index, _WORDS[text] != negated, adjective=False, named=named))
            negated = negated or not named
        elif text in _ADJECTIVES:
            found.append(_Verdict(index, _ADJECTIVES[text] != negated, adjective=True, named=not before_noun))
        elif is_negator(text):
            negated = not negated
    return found


def _leading(clause: Clause[Token]) -> list[bool]:
    texts = _texts(clause)
    for verdict in _found(texts)[:1]:
        before = texts[: verdict.index]
        leads = all(text in _LEADS_IN or is_negator(text) for text in before)
        doubtless = texts[verdict.index : verdict.index + 2] == ["no", "doubt"]
        if leads and not doubtless and (verdict.named or not verdict.adjective):
            return [verdict.value]
    return []


def _stated(clause: Clause[Token]) -> list[bool]:
    """Give what stands after a marker: "the answer is (not) yes"."""
    texts = _texts(clause)
    markers = [index for index, text in enumerate(texts) if text in MARKERS]
    if not markers:
        return []
    found = [verdict for verdict in _found(texts) if verdict.index > markers[0]]
    for verdict in found[:1]:
        between = texts[markers[0] + 1 : verdict.index]
        if all(text in _BETWEEN or is_negator(text) for text in between):
            return [each.value for each in found if each.named or each is verdict]
    return []


def _pure(clause: Clause[Token]) -> list[bool]:
    """Give the verdicts of a clause that says nothing else; "it is false" is a sentence and no bare
    verdict.
    """
    texts = _texts(clause)
    found = _found(texts)
    rest = [text for text in texts if text not in _WORDS and text not in _ADJECTIVES and not is_negator(text)]
    linked = any(text in _LINKS for text in texts)
    if any(text not in _PURE for text in rest):
        return []
    return [verdict.value for verdict in found if verdict.named and not (verdict.adjective and linked)]


def _said(clause: Clause[Token]) -> list[bool]:
    """Give the verdicts of a sentence: yes and no anywhere, adjectives where they are said of the
    statement.
    """
    texts = _texts(clause)
    return [
        each.value for each in _found(texts) if (_predicates(texts, each) if each.adjective else each.named)
    ]


def _predicates(texts: Sequence[str], verdict: _Verdict) -> bool:
    following = texts[verdict.index + 1] if verdict.index + 1 < len(texts) else "."
    if not verdict.named and following not in _NOUNS_OF_CLAIMS:
        return False
    before = verdict.index - 1
    while (
        before >= 0
        and (texts[before] in _ADVERBS or is_negator(texts[before]))
        and texts[before] not in _LINKS
    ):
        before -= 1
    return before < 0 or texts[before] in _LINKS or texts[before] == "/"
