"""Maths pairs per second of CPU time in this process, beside math-verify in the same run: `python -m bench.maths`.

Ordinary pairs: the golden cases without the hostile ones, each as it comes. `settled` is the share that needs no
worker. Every pair is judged `--repeat` times; caches are emptied before each round, so texts repeat only within one.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reward_service.rewards import math
from reward_service.rewards.math import fast, symbolic
from reward_service.rewards.reading import read
from reward_service.rewards.score import Pending

CASES = Path(__file__).parent.parent / "tests" / "cases" / "math.json"
HOSTILE = ("10000000000", "100000!", "9^{9", "__import__")


@dataclass(frozen=True)
class Pair:
    """One completion, its reference and the verdict that is right."""

    completion: str
    reference: str
    accuracy: float


@dataclass(frozen=True)
class Row:
    """One line of the table. p50 and p99 are CPU milliseconds per pair."""

    name: str
    pairs: int
    pairs_per_s: float
    p50_ms: float
    p99_ms: float
    agreement: float


def ordinary_pairs() -> list[Pair]:
    """The golden pairs without options and without bombs."""
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    kept = [
        case
        for case in cases
        if not case["options"] and not any(mark in case["completion"] for mark in HOSTILE)
    ]
    return [Pair(case["completion"], case["reference"], case["expected"]["accuracy"]) for case in kept]


def ours(pair: Pair) -> float:
    """Judge in this process, symbolic work included."""
    options = math.Options()
    judgement = math.judge(read(pair.completion), math.prepare(pair.reference, options), options)
    return (symbolic.compare(*judgement.arguments) if isinstance(judgement, Pending) else judgement).accuracy  # type: ignore[arg-type]


def settles_at_once(pair: Pair) -> bool:
    """Whether a pair needs no worker."""
    options = math.Options()
    return not isinstance(
        math.judge(read(pair.completion), math.prepare(pair.reference, options), options), Pending
    )


def math_verify() -> Callable[[Pair], float]:
    """math-verify with its timeouts off, which work in a main thread only."""
    from math_verify import parse, verify  # noqa: PLC0415

    logging.disable(logging.WARNING)  # it says once per call that its timeouts are off

    def judge(pair: Pair) -> float:
        reference = parse(f"${pair.reference}$", parsing_timeout=None)
        # it looks for delimiters: an answer without any is given some
        bare = not any(mark in pair.completion for mark in ("$", "boxed", "<"))
        answer = parse(f"${pair.completion}$" if bare else pair.completion, parsing_timeout=None)
        return float(verify(reference, answer, timeout_seconds=None))

    return judge


def measure(name: str, judge: Callable[[Pair], float], pairs: list[Pair], repeat: int) -> Row:
    """Time `judge` on every pair, one after the other, in this process. One round warms up."""
    seconds: list[float] = []
    right = 0
    for turn in range(repeat + 1):
        fast.form.cache_clear()
        fast.meanings.cache_clear()
        for pair in pairs:
            start = time.process_time()
            accuracy = judge(pair)
            if turn:
                seconds.append(time.process_time() - start)
                right += accuracy == pair.accuracy
    quantiles = statistics.quantiles(seconds, n=100)
    return Row(
        name,
        len(pairs),
        len(seconds) / sum(seconds),
        quantiles[49] * 1e3,
        quantiles[98] * 1e3,
        right / len(seconds),
    )


def table(rows: list[Row]) -> str:
    """The rows as text."""
    lines = [f"{'':34}{'pairs':>7}{'pairs/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'agrees':>8}"]
    lines += [
        f"{row.name:34}{row.pairs:7}{row.pairs_per_s:10.0f}{row.p50_ms:9.3f}{row.p99_ms:9.1f}{row.agreement:8.1%}"
        for row in rows
    ]
    return "\n".join(lines)


def rows(repeat: int) -> list[Row]:
    """Measure everything that runs in this process."""
    pairs = ordinary_pairs()
    settled = [pair for pair in pairs if settles_at_once(pair)]
    return [
        measure("ours, string and rational stages", ours, settled, repeat),
        measure("ours, all stages", ours, pairs, repeat),
        measure("math-verify 0.9, the same pairs", math_verify(), pairs, repeat),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    print(table(rows(parser.parse_args().repeat)))


if __name__ == "__main__":
    main()
