"""Speed of the grounding reward in process: items/s on ordinary completions, and what hostile text costs.

python bench/grounding.py [--seconds 0.5]: CPU time of one core, no HTTP. "plain" is the bare minimum:
JSON of the answer and a double loop of IoU, the best box for each reference; no tags read, nothing checked.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from sys import path

import orjson

path.insert(0, str(Path(__file__).resolve().parent.parent))

from reward_service.rewards import grounding
from reward_service.rewards.grounding.overlap import iou
from reward_service.rewards.reading import read

Box = list[int]
SIZES = ((1, 1), (1, 5), (5, 5), (20, 1), (20, 20))
HOSTILE = (
    "[",
    "[1,",
    "[]",
    "[x]",
    '{"bbox_2d":',
    '["',
    '["\\"',
    "1e999,",
    "<|box_start|>",
    "[1,2,3,4] ",
    "</think>",
)


def scene(count: int, generator: random.Random) -> list[Box]:
    corners = [(generator.randrange(500), generator.randrange(500)) for _ in range(count)]
    return [[x, y, x + generator.randrange(20, 120), y + generator.randrange(20, 120)] for x, y in corners]


def completion(boxes: list[Box]) -> str:
    entries = [{"bbox_2d": box, "label": "dog"} for box in boxes]
    return (
        f"<think>The dogs are near the door, left of the chair.</think><answer>{json.dumps(entries)}</answer>"
    )


def plain(text: str, reference: list[Box]) -> float:
    start, end = text.index("["), text.rindex("]") + 1
    boxes = [tuple(map(float, entry["bbox_2d"])) for entry in orjson.loads(text[start:end])]
    best = sum(max(iou(box, tuple(map(float, other))) for box in boxes) for other in reference)
    return best / max(len(boxes), len(reference))


def ours(text: str, reference: list[Box], options: grounding.Options) -> float:
    judged = grounding.judge(read(text), grounding.prepare(reference, options), options)
    return judged.accuracy


def per_second(work: Callable[[int], object], seconds: float) -> float:
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        for _ in range(20):
            work(done)
            done += 1
    return done / (time.process_time() - start)


def print_items(seconds: float) -> None:
    generator, options = random.Random(0), grounding.Options()
    print(
        f"{'predicted x reference':<24}{'ours/s':>9}{'us/item':>9}{'judge us':>9}{'plain/s':>9}{'ratio':>7}"
    )
    for predicted, wanted in SIZES:
        texts = [completion(scene(predicted, generator)) for _ in range(50)]
        references = [scene(wanted, generator) for _ in range(50)]
        prepared = [grounding.prepare(reference, options) for reference in references]
        readings = [read(text) for text in texts]
        full = per_second(lambda i, t=texts, r=references: ours(t[i % 50], r[i % 50], options), seconds)
        judge = per_second(
            lambda i, t=readings, r=prepared: grounding.judge(t[i % 50], r[i % 50], options), seconds
        )
        bare = per_second(lambda i, t=texts, r=references: plain(t[i % 50], r[i % 50]), seconds)
        name = f"{predicted} x {wanted}"
        print(f"{name:<24}{full:>9.0f}{1e6 / full:>9.1f}{1e6 / judge:>9.1f}{bare:>9.0f}{full / bare:>7.2f}")


def print_hostile() -> None:
    print(f"\n{'repeated in the answer':<24}{'100 kB ms':>10}{'1 MB ms':>10}")
    for piece in HOSTILE:
        row = []
        for length in (100_000, 1_000_000):
            start = time.process_time()
            ours(
                "<answer>[0, 0, 9, 9] " + piece * (length // len(piece)), [[0, 0, 9, 9]], grounding.Options()
            )
            row.append(1000 * (time.process_time() - start))
        print(f"{piece:<24}{row[0]:>10.1f}{row[1]:>10.1f}")
    for count in (10_000, 100_000):
        text = json.dumps([[index % 400, 0, 410, 90] for index in range(count)])
        start = time.process_time()
        ours(text, [[20 * index, 0, 20 * index + 90, 90] for index in range(20)], grounding.Options())
        milliseconds = 1000 * (time.process_time() - start)
        print(f"{count} boxes against 20, {len(text) / 1e6:.1f} MB: {milliseconds:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each figure")
    print_items(parser.parse_args().seconds)
    print_hostile()
