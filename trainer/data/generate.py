"""Writes the benchmark: PNG scenes and JSONL rows in Curr-ReFT's layout, the same bytes for the same seed.

    FOLDER/train/{binary,choice,open}.jsonl      scans of the train split
    FOLDER/test/{binary,choice,open}.jsonl       the same kind of scene, scans never seen in training
    FOLDER/ood-more/...                          5 to 6 things instead of 2 to 4
    FOLDER/ood-small/...                         things of 9 to 11 pixels instead of 12 to 16
    FOLDER/ood-background/...                    gradient, stripes and grain instead of one dark grey
    FOLDER/SET/images/00000.png                  one scene, used by the set's three files

The ood sets show scans of the test split too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.data.digits import Split
from trainer.data.families import FAMILIES, FORMATS, Family, Format, Question, ask, reply
from trainer.data.scenes import Scene, SceneStyle, draw_scene

Row = Mapping[str, str | Mapping[str, str]]
Progress = Callable[[int, int], None]
"""Called with scenes done and scenes in all."""


@dataclass(frozen=True)
class SetPlan:
    """One set: how its scenes look, which scans they show and how many scenes it has by default."""

    style: SceneStyle
    split: Split
    scenes: int


SETS: dict[str, SetPlan] = {
    "train": SetPlan(SceneStyle(), "train", 2000),
    "test": SetPlan(SceneStyle(), "test", 200),
    "ood-more": SetPlan(SceneStyle(things=(5, 6), size=(11, 14)), "test", 100),
    "ood-small": SetPlan(SceneStyle(size=(9, 11)), "test", 100),
    "ood-background": SetPlan(SceneStyle(background="textured"), "test", 100),
}
"""The sets by name; each scene gives one row per family and format."""


def generate(
    folder: Path, seed: int, sizes: Mapping[str, int] | None = None, progress: Progress | None = None
) -> None:
    """Write the benchmark into `folder` (made if missing; files of the same name are replaced).

    `sizes` gives another number of scenes for some sets by name, 0 leaves a set out. Each set is drawn from
    its own stream of random numbers, so its size changes neither the other sets nor its own first scenes. A
    name that is not in SETS or a negative size is a ValueError, raised before anything is written.
    """
    counts = {name: plan.scenes for name, plan in SETS.items()} | dict(sizes or {})
    for name, count in counts.items():
        if name not in SETS:
            raise ValueError(f"sizes: no set named {name!r}; the sets are {', '.join(SETS)}")
        if count < 0:
            raise ValueError(f"sizes: set {name!r} wants {count} scenes; give 0 or more")
    total, done = sum(counts.values()), 0
    for place, (name, plan) in enumerate(SETS.items()):
        if counts[name] == 0:
            continue
        rng = np.random.default_rng([seed, place])
        for _ in _write_set(folder / name, name, plan, counts[name], rng):
            done += 1
            if progress is not None:
                progress(done, total)


def _write_set(
    folder: Path, name: str, plan: SetPlan, count: int, rng: np.random.Generator
) -> Iterator[None]:
    """Write one set, yielding after each scene; its JSONL files appear once all scenes are drawn."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows: dict[Format, list[Row]] = {form: [] for form in FORMATS}
    for number in range(count):
        scene = draw_scene(rng, plan.style, plan.split)
        image = f"images/{number:05d}.png"
        scene.image.save(folder / image)
        for family in FAMILIES:
            for form in FORMATS:
                key = f"{name}-{number:05d}-{family}-{form}"
                rows[form].append(_row(key, image, scene, ask(scene, family, form, rng)))
        yield
    for form, own in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in own)
        (folder / f"{form}.jsonl").write_text(text, encoding="utf-8")


def _row(key: str, image: str, scene: Scene, question: Question) -> Row:
    family: Family = question.family
    row: dict[str, str | Mapping[str, str]] = {
        "id": key,
        "problem": question.text,
        "solution": f"<answer>{reply(question, scene.things).answer}</answer>",
        "task": family,
        "format": question.form,
        "image": image,
    }
    return row | {"choices": question.choices} if question.choices else row
