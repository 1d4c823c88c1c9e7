"""The choices of a question: their labels (letters) and texts, and where a statement names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from reward_service.rewards.choice.tokens import Token, is_pronoun, tokens_of
from reward_service.rewards.score import BadField

_RUN_TOGETHER = frozenset("ABCDEFGHIJ")


@dataclass(frozen=True, slots=True)
class Name:
    """A choice named in a statement. letter: by its label, not its text; capital: as a letter in upper
    case.
    """

    labels: tuple[str, ...]
    letter: bool
    capital: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a statement can give to choices.

    labels: None where the question's letters are not known: then any single letter is one. phrases: token
    texts of a choice and its label, the longest first; a text that two choices share names neither.
    """

    labels: frozenset[str] | None
    phrases: tuple[tuple[tuple[str, ...], str], ...]
    _by_first: Mapping[str, Sequence[tuple[tuple[str, ...], str]]] = field(
        init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for phrase, label in self.phrases:
            by_first.setdefault(phrase[0], []).append((phrase, label))
        object.__setattr__(self, "_by_first", by_first)

    def label(self, text: str) -> str | None:
        """Give the label that a token's text is, in its own spelling; unknown letters are none."""
        upper = text.upper()
        if self.labels is None:
            return upper if len(upper) == 1 and upper in ascii_uppercase else None
        return upper if upper in self.labels else None

    def knows(self, label: str) -> bool:
        """Whether the label, in its own spelling, is one of a choice."""
        if self.labels is None:
            return label in ascii_uppercase
        return label in self.labels or any(label == owner for _, owner in self.phrases)

    def phrase_at(self, texts: Sequence[str], start: int) -> tuple[str, int] | None:
        """Give the label of the longest choice text that starts at a token, and the number of its tokens."""
        for phrase, label in self._by_first.get(texts[start], ()):
            if tuple(texts[start : start + len(phrase)]) == phrase:
                return label, len(phrase)
        return None

    def names(self, tokens: Sequence[Token], run_together: bool) -> list[Token | Name]:
        """Replace the tokens that name a choice. run_together: whether "AC" may be the letters A and C."""
        texts = [token.text for token in tokens]
        named: list[Token | Name] = []
        index = 0
        while index < len(tokens):
            phrase = self.phrase_at(texts, index)
            if phrase:
                named.append(Name((phrase[0],), letter=False))
                index += phrase[1]
                continue
            named.append(
                self._letter(tokens, index) or self._letters(tokens, index, run_together) or tokens[index]
            )
            index += 1
        return named

    def _letter(self, tokens: Sequence[Token], index: int) -> Name | None:
        token = tokens[index]
        if is_pronoun(tokens, index):
            return None
        label = self.label(token.text)
        if label is None and token.capital and len(token.text) == 1 and token.text != "i":
            label = token.text.upper()  # a letter that is no choice: named all the same, and wrong
        return Name((label,), letter=True, capital=token.capital) if label else None

    def _letters(self, tokens: Sequence[Token], index: int, run_together: bool) -> Name | None:
        token = tokens[index]
        alone = len(tokens) == 1
        if not run_together or not (token.capital or alone) or not 1 < len(token.text) <= len(_RUN_TOGETHER):
            return None
        letters = token.text.upper()
        known = _RUN_TOGETHER if self.labels is None else self.labels
        if len(set(letters)) < len(letters) or not known.issuperset(letters):
            return None
        return Name(tuple(letters), letter=True, capital=token.capital)


def vocabulary_of(choices: Mapping[str, str] | Sequence[str] | None) -> Vocabulary:
    """Make the vocabulary of `options.choices`; a list gets the letters from A in its order.

    Raises BadField where it is empty, longer than the alphabet, or has a label that is not one word.
    """
    if choices is None:
        return Vocabulary(None, ())
    if not choices or (not isinstance(choices, Mapping) and len(choices) > len(ascii_uppercase)):
        raise BadField("options.choices", f"expected 1 to 26 choices, got {len(choices)}")
    pairs = choices.items() if isinstance(choices, Mapping) else zip(ascii_uppercase, choices, strict=False)
    texts: dict[str, str] = {}
    for key, text in pairs:
        label = _as_label(key)
        if label in texts:
            raise BadField(
                "options.choices", f"two choices have the label {label!r}; labels must differ in any case"
            )
        texts[label] = text
    return _with_phrases(frozenset(texts), texts)


def vocabulary_of_texts(texts: Sequence[str]) -> Vocabulary:
    """Make a vocabulary of texts without letters, each its own label: for references where no choices are
    given.
    """
    return _with_phrases(frozenset(), {text: text for text in texts})


def phrase_of(text: str) -> tuple[str, ...]:
    """Give the token texts by which a choice's text is found; final punctuation is dropped."""
    texts = [token.text for token in tokens_of(text)]
    while texts and texts[-1] in ".,;!?\n":
        texts.pop()
    return tuple(texts)


def _as_label(key: str) -> str:
    words = [token.text for token in tokens_of(key) if token.is_word]
    if len(words) != 1:
        raise BadField("options.choices", f"expected labels of one word such as 'A', got {key!r}")
    return words[0].upper()


def _with_phrases(labels: frozenset[str], texts: Mapping[str, str]) -> Vocabulary:
    named: dict[tuple[str, ...], list[str]] = {}
    for label, text in texts.items():
        named.setdefault(phrase_of(text), []).append(label)
    phrases = [
        (phrase, owners[0])
        for phrase, owners in named.items()
        if phrase and len(owners) == 1 and not (len(phrase) == 1 and phrase[0].upper() in labels)
    ]
    return Vocabulary(labels, tuple(sorted(phrases, key=lambda each: (-len(each[0]), each))))
