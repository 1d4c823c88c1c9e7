"""Answers brought to the form in which texts and labels are compared."""

from __future__ import annotations

import json
import re

from reward_service.rewards.score import JSON
from reward_service.rewards.wording import compatible

_ARTICLES = frozenset({"a", "an", "the"})
_QUOTES = "\"'`*_"
_FINAL = ".,;:!?"
_NOTHING = frozenset({"none", "nothing"})
_BULLET = re.compile(r"[-*+•] ")
_NUMBERED = re.compile(r"\d{1,2}[.)] ")


def normal_text(text: str) -> str:
    """Fold case and white space, drop articles and final punctuation, and quotes or emphasis around the
    whole.

    Where nothing but articles is left they are kept ("The"), and so is punctuation alone ("?!").
    """
    folded = " ".join(compatible(text).casefold().split())
    words = [word for word in _bare(folded).split() if word not in _ARTICLES]
    return " ".join(words) or _bare(folded) or folded


def labels_of(text: str) -> frozenset[str]:
    """Read a list of labels: a JSON list, or text with commas, semicolons or line breaks between.

    Labels are trimmed of white space, quotes, list marks and final punctuation and case is folded; "and"
    parts nothing but may stand before the last of several. Only "none", "nothing" or nothing at all is the
    empty set.
    """
    text = _without_fence(compatible(text).strip())
    listed = _json_list(text)
    if listed is not None:
        return labels_in(listed)
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    parts = [_BULLET.sub("", part.strip(), count=1) for part in _separated(text)]
    if len(parts) > 1:
        last = parts[-1].strip()
        parts[-1] = last[4:] if last.casefold().startswith("and ") else last
    labels = labels_in(parts)
    return frozenset() if labels <= _NOTHING and len(labels) == 1 else labels


def _separated(text: str) -> list[str]:
    """The parts of a list; the numbers of a list of several lines are no part of it."""
    lines = text.split("\n")
    if len(lines) > 1 and all(_NUMBERED.match(line.strip()) for line in lines if line.strip()):
        lines = [_NUMBERED.sub("", line.strip(), count=1) for line in lines]
    return ",".join(lines).replace(";", ",").split(",")


def labels_in(parts: list[str]) -> frozenset[str]:
    """Bring labels that are already apart to the form in which they are compared; empty ones are left out."""
    folded = (" ".join(compatible(part).casefold().split()) for part in parts)
    return frozenset(label for each in folded if (label := _bare(each)))


def strings_in_json(text: str) -> list[str] | None:
    """Read a JSON list of strings; None where the text is anything else."""
    listed = _parsed(text)
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        return None
    return [each for each in listed if isinstance(each, str)]


def _json_list(text: str) -> list[str] | None:
    listed = _parsed(text)
    if not isinstance(listed, list) or any(isinstance(each, list | dict | bool | None) for each in listed):
        return None
    return [each if isinstance(each, str) else str(each) for each in listed]


def _parsed(text: str) -> JSON:
    if not text.startswith("["):
        return None
    try:
        parsed: JSON = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def _without_fence(text: str) -> str:
    if not (text.startswith("```") and text.endswith("```") and "\n" in text):
        return text
    return text[text.index("\n") + 1 : -3].strip()


def _bare(text: str) -> str:
    if text[:1] and text[0] in _QUOTES:
        return text.lstrip(_QUOTES + " ").rstrip(_QUOTES + _FINAL + " ")
    return text.rstrip(_FINAL + " ")
