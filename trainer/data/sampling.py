"""Sampling strategies of Curr-ReFT's mixture lists: which rows of a file take part.

| strategy                     | rows                                                        |
|------------------------------|-------------------------------------------------------------|
| none, `all`                  | every row                                                   |
| `first:1000`, `first:10%`    | from the start                                              |
| `end:3000`, `end:10%`        | from the end, in file order                                 |
| `random:999`, `random:10%`   | drawn without replacement from the run's seed, in file order |
| `10%`                        | the same as `random:10%`                                    |

A percentage is rounded up to whole rows. A count beyond the file's size takes every row.
"""

import math
import random
import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["first", "end", "random"]

_PATTERN = re.compile(r"(?:(first|end|random):)?(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True, slots=True)
class Sampling:
    """A parsed strategy: `amount` counts rows, or percent of the file's rows where `percent` is true."""

    kind: Kind
    amount: float
    percent: bool

    def count(self, size: int) -> int:
        """Return how many of `size` rows are taken, 0..size."""
        wanted = math.ceil(self.amount * size / 100) if self.percent else int(self.amount)
        return min(wanted, size)


EVERYTHING = Sampling("first", 100, percent=True)


def parse_sampling(text: str | None) -> Sampling:
    """Read a strategy; ValueError says what was expected where `text` is none."""
    if text is None or text.strip() == "all":
        return EVERYTHING
    match = _PATTERN.fullmatch(text.strip())
    kind, amount, percent = match.groups() if match else (None, "0", "")
    whole = bool(percent) or (kind is not None and "." not in amount)
    if match is None or float(amount) <= 0 or not whole or (percent and float(amount) > 100):
        raise ValueError(f"expected all, first:N, end:N, random:N or a percentage above 0, got {text!r}")
    return Sampling(_kind(kind), float(amount), bool(percent))


def chosen(sampling: Sampling, size: int, seed: str) -> list[int]:
    """Return the places (0-based, ascending) of the rows that take part, of a file with `size` rows."""
    count = sampling.count(size)
    if sampling.kind == "first":
        return list(range(count))
    if sampling.kind == "end":
        return list(range(size - count, size))
    return sorted(random.Random(seed).sample(range(size), count))


def _kind(name: str | None) -> Kind:
    if name == "first":
        return "first"
    return "end" if name == "end" else "random"
