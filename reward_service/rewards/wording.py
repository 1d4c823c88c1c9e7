"""Characters as they are compared: one form for what Unicode writes in several ways."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_RUN = 256
_RUNS = re.compile(rf"\s+|\S{{1,{_LONGEST_RUN}}}")
_STRAIGHT = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2212": "-",
        "\u2044": "/",
        "\u2013": " - ",
        "\u2014": " - ",
    }
)


def compatible(text: str) -> str:
    """Bring text to Unicode's compatibility form (NFKC) with straight quotes and plain dashes, in linear
    time.

    Ordering a run of combining marks is quadratic in its length, so runs of more than 256 characters without
    white space are brought to that form piece by piece.
    """
    if text.isascii():
        return text
    return "".join(unicodedata.normalize("NFKC", run) for run in _RUNS.findall(text)).translate(_STRAIGHT)
