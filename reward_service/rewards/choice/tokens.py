"""The words, numbers and signs of a statement, in the form in which choices and answers are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reward_service.rewards.wording import compatible


def lexicon(words: str) -> frozenset[str]:
    """Make a set of words of a text with spaces between them."""
    return frozenset(words.split())


# No two alternatives of a repetition can begin with the same character, so matching is linear.
_TOKEN = re.compile(
    r"(?P<number>(?:(?<![\w.)])-)?\d{1,3}(?:,\d{3})+(?:\.\d+)?%?(?!\w)|(?:(?<![\w.)])-)?\d+(?:\.\d+)*%?(?!\w))"
    r"|(?P<word>[^\W_]+(?:['-][^\W_]+)*)"
    r"|(?P<sign>[^\s\w\"'`*_#$\\~<>|()\[\]{}])"
    r"|(?P<line>\n)"
)
ARTICLES = frozenset({"a", "an", "the"})
BREAKS = frozenset(".,;!?\n")
_CHINESE_POINTS = str.maketrans("、。", ",.")
# Words that may follow a letter but neither the article "a" nor the pronoun "I".
_AFTER_A = lexicon(
    "is are was isn't and or vs versus because since as but not if so also would seems looks matches fits "
    "shows describes "
    "must can cannot can't doesn't does has which with for rather instead over therefore due"
)
_AFTER_I = lexicon("is and or because since as rather instead matches fits")


@dataclass(frozen=True, slots=True)
class Token:
    """text: case-folded, compatibility form. capital: written in upper case. loose: white space or
    nothing follows.
    """

    text: str
    capital: bool
    loose: bool

    @property
    def is_word(self) -> bool:
        """Whether it is a word or a number, not a sign."""
        return self.text[0].isalnum() or len(self.text) > 1


def tokens_of(text: str) -> list[Token]:
    """Split a text into tokens: markdown, quotes, brackets and articles are dropped, line breaks are kept."""
    text = compatible(text).translate(_CHINESE_POINTS)
    found = [
        Token(
            match.group().casefold(),
            match.group().isupper(),
            not text[match.end() : match.end() + 1].strip(),
        )
        for match in _TOKEN.finditer(text)
    ]
    return [token for index, token in enumerate(found) if not _is_article(found, index)]


def _is_article(tokens: Sequence[Token], index: int) -> bool:
    token = tokens[index]
    if token.text != "a":
        return token.text in ARTICLES
    following = _word_after(tokens, index)
    return following is not None and following not in _AFTER_A


def is_pronoun(tokens: Sequence[Token], index: int) -> bool:
    """Whether the token is the pronoun "I" of a sentence and no letter."""
    following = _word_after(tokens, index) if tokens[index].text == "i" else None
    return following is not None and following not in _AFTER_I


def _word_after(tokens: Sequence[Token], index: int) -> str | None:
    """Give the longer word or number that follows after white space alone; None where the token stands by
    itself.
    """
    if not tokens[index].loose or index + 1 == len(tokens):
        return None
    following = tokens[index + 1]
    long = len(following.text) > 1 or following.text[0].isdigit()
    return following.text if following.is_word and long else None
